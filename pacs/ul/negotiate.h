/* negotiate - the A-ASSOCIATE PDUs as structs: parse, decide, build (PS3.8 9.3.2-9.3.3, PS3.7 annex D).
 *
 * Pure. All strings are NUL-ended and stripped. Parsed requests live in the caller's arena.
 */
#ifndef PACS_UL_NEGOTIATE_H
#define PACS_UL_NEGOTIATE_H

#include "pacs/base/arena.h"
#include "pacs/base/bounds.h"
#include "pacs/base/buf.h"
#include "pacs/dicom/uid.h"

struct negotiate_context {               /* item 20 */
	uint8_t id;
	const char *abstract_syntax;
	const char **ts;
	unsigned ts_count;
};
struct negotiate_role { const char *sop_class; bool scu, scp; };            /* item 54 */
struct negotiate_extended { const char *sop_class; struct bytes info; };    /* item 56 */
struct negotiate_identity {              /* item 58; type 0 = none */
	uint8_t type;
	bool response_requested;
	struct bytes primary, secondary;
};

struct assoc_request {
	char called[BOUND_AET + 1], calling[BOUND_AET + 1];
	const char *application_context;
	struct negotiate_context *contexts;
	unsigned context_count;
	struct negotiate_role *roles;
	unsigned role_count;
	struct negotiate_extended *extended;
	unsigned extended_count;
	struct negotiate_identity identity;
	uint32_t max_pdu;                    /* what its sender receives; 0 = no limit */
	bool has_async;
	uint16_t max_invoked, max_performed; /* 0 = unlimited; 1/1 when absent */
	const char *implementation_class, *implementation_version;
};

enum { CONTEXT_ACCEPTED = 0, CONTEXT_USER_REJECTION = 1, CONTEXT_NO_REASON = 2,
       CONTEXT_ABSTRACT_SYNTAX = 3, CONTEXT_TRANSFER_SYNTAX = 4 };

/* A context after negotiation, on either side. */
struct assoc_context {
	uint8_t id, result;                  /* CONTEXT_* */
	struct uid abstract_syntax;
	const struct ts *ts;                 /* NULL unless accepted */
	bool may_invoke, may_perform;        /* roles: we may be SCU / SCP in it */
};

struct assoc_answer {
	bool accept;
	uint8_t rj_result, rj_source, rj_reason;     /* when !accept (dicom-notes 1.3) */
	struct assoc_context *contexts;              /* one for each proposed, same order */
	unsigned context_count;
	struct negotiate_role *roles;                /* only those asked for */
	unsigned role_count;
	struct negotiate_extended *extended;
	unsigned extended_count;
	bool identity_response;                      /* item 59, empty */
	uint32_t max_pdu;
	bool has_async;
	uint16_t max_invoked, max_performed;
	const char *implementation_class, *implementation_version;
};

/* Body of the PDU (after its 6 bytes). ERR_PROTO: abort 2/6; the why says which item, where. */
enum err negotiate_parse_rq(struct arena *a, struct bytes body, struct assoc_request *out, struct why *why) MUST_USE;
enum err negotiate_parse_ac(struct arena *a, struct bytes body, const struct assoc_request *ours, struct assoc_answer *out, struct why *why) MUST_USE;
/* Whole PDUs. */
enum err negotiate_build_rq(const struct assoc_request *rq, struct buf *out) MUST_USE;
enum err negotiate_build_ac(const struct assoc_request *rq, const struct assoc_answer *ac, struct buf *out) MUST_USE;

/* The acceptor's decision for each context. pick() is asked once per context with a fresh id and gives the
 * transfer syntax to accept, or NULL and *result = CONTEXT_ABSTRACT_SYNTAX / CONTEXT_TRANSFER_SYNTAX;
 * *as_scu says whether the requestor's proposed SCP role is wanted (C-GET). Fills ans->contexts, roles,
 * async (at most max_ops), max_pdu and implementation in `a`. A repeated context ID is refused (result 1). */
struct negotiate_policy {
	const struct ts *(*pick)(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu);
	void *arg;
	unsigned max_ops;
};
enum err negotiate_decide(struct arena *a, const struct assoc_request *rq, const struct negotiate_policy *p, struct assoc_answer *ans) MUST_USE;

#endif

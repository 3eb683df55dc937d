/* pdu - cut a TCP byte stream into PDUs (PS3.8 section 9.3.1) and P-DATA-TF into fragments, without holding a PDU.
 *
 * Fed any fragmentation. Fragments of a PDV are handed out as slices of the caller's bytes, as they come; only the
 * A-ASSOCIATE bodies are collected, and the 4 bytes of the small PDUs.
 *
 * Memory   `body` while an A-ASSOCIATE PDU arrives, up to BOUND_ASSOCIATE_PDU; freed by pdu_reader_drop().
 *          Nothing otherwise: an idle association holds no buffer.
 * Limits   a P-DATA-TF over max_data is refused on its 6-byte header, a PDV on its own.
 * Never    does I/O, blocks, logs.
 */
#ifndef PACS_UL_PDU_H
#define PACS_UL_PDU_H

#include "pacs/base/bounds.h"
#include "pacs/base/buf.h"

enum pdu_type { PDU_ASSOCIATE_RQ = 1, PDU_ASSOCIATE_AC, PDU_ASSOCIATE_RJ, PDU_DATA, PDU_RELEASE_RQ, PDU_RELEASE_RP, PDU_ABORT };
enum { PDU_HEAD = 6, PDV_HEAD = 6 };

enum pdu_event_kind {
	PDU_WHOLE,               /* any type but PDU_DATA: body holds what follows the 6-byte header */
	PDU_DATA_BEGINS,         /* the header of a P-DATA-TF was read; fragments follow */
	PDU_FRAGMENT,            /* a piece of a PDV; several may make up one */
};
struct pdu_event {
	enum pdu_event_kind kind;
	uint8_t type;
	struct bytes body;       /* PDU_WHOLE, PDU_FRAGMENT: lent until the next call */
	uint8_t context_id;      /* PDU_FRAGMENT */
	bool is_command;
	bool is_pdv_end;         /* nothing of this PDV follows */
	bool is_last;            /* ... and it was marked the last fragment of its command or data set */
};

struct pdu_reader {
	struct buf body;         /* owned */
	uint8_t head[PDU_HEAD];
	unsigned head_len;       /* of the PDU or PDV header being collected */
	uint8_t type;            /* 0 = between PDUs */
	uint32_t left;           /* of the PDU */
	uint32_t pdv_left;       /* of the PDV */
	bool in_pdv;
	uint8_t context_id, control;
	uint32_t max_data;
	bool is_broken;
};

void pdu_reader_init(struct pdu_reader *r, uint32_t max_data);
void pdu_reader_fini(struct pdu_reader *r);
/* After a PDU_WHOLE has been looked at: gives its memory back. */
void pdu_reader_drop(struct pdu_reader *r);

/* Takes from the front of *in. ERR_OK: *out is one event, call again. ERR_MORE: *in is used up.
 * ERR_PROTO: cannot go on (sticky); *abort_reason is for A-ABORT, source 2 (1 unrecognised PDU, 6 invalid parameter). */
enum err pdu_reader_next(struct pdu_reader *r, struct bytes *in, struct pdu_event *out, uint8_t *abort_reason, struct why *why) MUST_USE;

#endif

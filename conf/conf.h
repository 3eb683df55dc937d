/* conf - pacs.conf as one immutable struct.
 *
 * conf_load() reads, checks and returns a whole new struct; a program that is told to reload loads
 * another and drops the old one when nothing uses it (conf_ref / conf_unref are thread-safe).
 * The schema is one table; every error names file and line, what was seen and what was expected.
 * Editing commands (`pacs node add`, `pacs route add`) change the file's text through conf_edit.h
 * and keep comments.
 *
 * Data folder: DIR/pacs.conf, and below DIR/  store/ spool/ quarantine/ run/ index.db work.db
 */
#ifndef PACS_CONF_CONF_H
#define PACS_CONF_CONF_H

#include "pacs/base/bounds.h"
#include "pacs/base/err.h"
#include "pacs/base/log.h"

enum conf_level { LEVEL_CLINIC, LEVEL_COUNTY, LEVEL_PROVINCE, LEVEL_COUNT };
const char *conf_level_name(enum conf_level l);

enum conf_duplicate { DUPLICATE_KEEP_FIRST, DUPLICATE_KEEP_LATEST };
enum conf_action { ACTION_FORWARD, ACTION_WORKLIST, ACTION_COMPRESS, ACTION_NOTIFY, ACTION_MPPS };
enum conf_commit { CONF_COMMIT_NO, CONF_COMMIT_YES, CONF_COMMIT_AUTO };

/* A peer we know: a modality, a workstation or another node of ours. */
struct conf_node {
	char name[33];                       /* letters, digits, - _ ; unique */
	char aet[BOUND_AET + 1];
	char host[256];
	unsigned port;
	bool has_level;
	enum conf_level level;               /* for our own nodes */
	char charset[64];                    /* what it sends when (0008,0005) is missing or false, and gets as answers; "" none */
	enum conf_duplicate duplicate;
	unsigned max_associations;           /* to it, by the router; default 2 */
	unsigned long rate_bytes_per_s;      /* 0 = no cap */
	bool accepts_j2k;                    /* offer the stored compressed syntax first; default true */
	enum conf_commit commit;             /* what we send it shall be confirmed by storage commitment; auto: if it offers that */
	char codec[33];                      /* what goes to it is encoded so (pacs/dicom/recipe.h); "keep": as it is stored */
};

/* Rules are tried in order; every rule that matches acts. An empty match field matches all;
 * comma-separated alternatives, * and ? allowed. */
struct conf_route {
	char name[33];
	char calling[256], modality[256], body_part[256], level[64];
	enum conf_action action;
	char to[33];                         /* forward, notify, mpps: node name */
	char group[65];                      /* worklist: reader group, e.g. DR */
	char codec[33];                      /* compress: a reversible one of pacs/dicom/recipe.h, or "keep" */
	unsigned priority;                   /* 0 routine .. 9 stat */
	char sop_class[256];                 /* UIDs */
};

/* How long studies are kept here. The first that matches a study decides; one that none matches is kept. */
struct conf_retention {
	char name[33];
	char calling[256], modality[256];    /* as in a route */
	char keep[16];                       /* "15y", "400d", "hold": never removed for its age */
	unsigned long quota_mb;              /* of all that it matches; above it the oldest go first; 0: none */
};
/* Days of `keep`; -1: hold (or ""). ERR_CONFIG. */
enum err conf_retention_days(const char *keep, int *days) MUST_USE;

struct conf {
	char dir[4096];                      /* absolute */
	char aet[BOUND_AET + 1];
	enum conf_level level;
	char listen[64];                     /* address, default "0.0.0.0" */
	unsigned port;
	bool accept_any_calling;             /* `accept = any` */
	bool check_called;                   /* refuse another called AE title; default true */
	unsigned max_associations;           /* <= BOUND_ASSOCIATIONS */
	unsigned max_operations;             /* async window accepted; <= BOUND_ASYNC_OPS */
	unsigned artim_s, idle_s;
	unsigned long reserve_mb;            /* below it: A700 */
	unsigned quiet_s;                    /* study complete after this silence */
	char charset[64];                    /* default for senders without one of their own */
	bool pinyin;                         /* names are found by their sound too; default true */
	enum log_level log_level;
	unsigned scrub_days;                 /* every file is read again within so many; 0: never */
	unsigned long scrub_rate_mb;         /* at most, a second */
	unsigned compress_workers;           /* 1.. */
	unsigned long worker_memory_mb;
	unsigned worker_timeout_s;
	unsigned retry_min_s, retry_max_s;   /* router back-off */
	unsigned commit_wait_s;              /* for the result of a storage commitment request, before it is asked again */
	unsigned keep_jobs_days;             /* finished jobs are forgotten after so many */
	unsigned hl7_port;                   /* 0: no HL7 listener */
	char hl7_from[256];                  /* addresses that may send: "10.1.*,10.2.0.7"; "" any */
	char hl7_charset[64];                /* of messages that do not say theirs; "" GB18030 or UTF-8 by looking */
	unsigned order_days;                 /* the modality worklist forgets an order so long after its date; 0 never */
	char (*storage_classes)[BOUND_UID + 1];   /* private storage SOP classes accepted besides the standard's */
	size_t storage_class_count;
	struct conf_node *nodes;
	size_t node_count;
	struct conf_route *routes;
	size_t route_count;
	struct conf_retention *retentions;
	size_t retention_count;
	int refs;                            /* by conf_ref / conf_unref only */
};

/* dir/pacs.conf. ERR_NOT_FOUND: no such file (dir is not ours); ERR_CONFIG: why has "file:line: ...". */
enum err conf_load(const char *dir, struct conf **out, struct why *why) MUST_USE;
struct conf *conf_ref(struct conf *c);
void     conf_unref(struct conf **c);

const struct conf_node *conf_node_by_name(const struct conf *c, const char *name);
const struct conf_node *conf_node_by_aet(const struct conf *c, const char *aet);   /* padding stripped, case-sensitive */

/* What a rule may look at; fields may be "". */
struct conf_facts { const char *calling, *modality, *body_part, *level, *sop_class; };
bool conf_route_matches(const struct conf_route *r, const struct conf_facts *f);
/* The class of a study; NULL: none. */
const struct conf_retention *conf_retention_of(const struct conf *c, const struct conf_facts *f);

#endif

/* ingest_repair - what a survey found wrong (pacs/store/verify.h), mended by the owner of the index.
 *
 * The finder only names what it saw: the ingest thread looks again itself, between two rounds, and changes nothing
 * when it is right by now. So findings that are late or wrong do no harm.
 *
 *   REPAIR_FILE      an instance's file is missing or is not what was stored: a file of the same content that is kept
 *                    beside it takes its place; else it goes to quarantine (no damaged byte is ever served), and the
 *                    instance is marked as damaged until its sender sends it again. A file that cannot be read for an
 *                    I/O error stays where it is.
 *   REPAIR_ORPHAN    a file without a row: adopted, quarantined or removed, as after a crash (ingest.h)
 *   REPAIR_HEADER    the kept header is not the file's: taken from the file
 *   REPAIR_COUNTERS  the counters of a study (instance is its row)
 *   REPAIR_RETIRE, REPAIR_HOLD, REPAIR_UNHOLD   not mended but decided: see ingest_retire.h
 *
 * A whole file is read in this thread: images wait meanwhile. That is rare, and right before new images.
 */
#ifndef PACS_STORE_INGEST_REPAIR_H
#define PACS_STORE_INGEST_REPAIR_H

#include "pacs/store/ingest.h"

enum ingest_repair_kind { REPAIR_FILE, REPAIR_ORPHAN, REPAIR_HEADER, REPAIR_COUNTERS, REPAIR_RETIRE, REPAIR_HOLD, REPAIR_UNHOLD, REPAIR_KINDS };
const char *ingest_repair_name(enum ingest_repair_kind k);       /* "file", "orphan", ... "unhold" */
bool ingest_repair_parse(const char *name, enum ingest_repair_kind *out);

struct ingest_repair {
	enum ingest_repair_kind kind;
	uint64_t instance, oid;
	/* RETIRE and its kin: all of them; the others do not look at it */
	char study_uid[BOUND_UID + 1], class_name[33], reason[161], who[65];
	int64_t last_received_ms;
	/* answer, on the loop thread; the repair belongs to the submitter again */
	enum err err;
	struct why why;
	bool is_changed;                 /* false: all was right */
	char did[200];                   /* in words */
	void (*done)(void *arg, struct ingest_repair *r);
	void *arg;
	struct ingest_repair *next;      /* ingest's own */
};
/* Loop thread; answered by done() like a job. */
void ingest_repair_submit(struct ingest *g, struct ingest_repair *r);

#endif

/* index_repair - what the owner of index.db does with findings of a survey (pacs/store/ingest_repair.h), and what an index
 * that is made from files needs besides index_add().
 * Inside a transaction of the writer, all but index_repair_get(). */
#ifndef DB_INDEX_REPAIR_H
#define DB_INDEX_REPAIR_H

#include "db/index.h"

/* An instance by its row, and who sent it. ERR_NOT_FOUND. */
enum err index_repair_get(struct index_writer *w, uint64_t instance, struct index_instance *out, char calling[BOUND_AET + 1], struct why *why) MUST_USE;
/* A file that is kept beside the instance and has this digest; its size and dataset_at. ERR_NOT_FOUND. */
enum err index_repair_twin(struct index_writer *w, uint64_t instance, const char *digest, struct index_instance *out, struct why *why) MUST_USE;
/* The file of a conflict row became the instance's own. */
enum err index_repair_forget_conflict(struct index_writer *w, uint64_t oid, struct why *why) MUST_USE;
enum err index_repair_add_damage(struct index_writer *w, uint64_t instance, uint64_t oid, const char *what, struct why *why) MUST_USE;
enum err index_repair_drop_damage(struct index_writer *w, uint64_t instance, struct why *why) MUST_USE;
/* Damage of instances that are not in the index: counted with the others, and not to be mended. *n: how many there were. */
enum err index_repair_drop_strays(struct index_writer *w, unsigned *n, struct why *why) MUST_USE;
enum err index_repair_header(struct index_writer *w, uint64_t instance, struct bytes header, int encoding, struct why *why) MUST_USE;
/* What was received, when the file holds another form of it. */
enum err index_repair_received(struct index_writer *w, uint64_t instance, const char *received_digest, struct why *why) MUST_USE;
/* Counters of a study and its series, from its instances. */
enum err index_repair_counters(struct index_writer *w, uint64_t study, struct why *why) MUST_USE;

#endif

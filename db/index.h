/* index - patients, studies, series and instances: what was received and where it stands.
 *
 * Names no SQLite and no path below DIR, so that another engine can stand behind it. The index is
 * derived from the object files (invariant 2). One writer (the ingest thread), any number of readers,
 * each connection used by one thread.
 *
 * Text is UTF-8, decoded once. Dates are YYYYMMDD, times HHMMSS.FFFFFF, "" when unknown.
 */
#ifndef DB_INDEX_H
#define DB_INDEX_H

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"
#include "pacs/dicom/uid.h"

struct edit;
struct index_writer;
struct index_reader;

/* One instance as the writer gets it; all pointers borrowed for the call, never NULL ("" = unknown). */
struct index_record {
	const char *patient_id, *issuer, *patient_name, *birth_date, *sex;
	const char *study_uid, *study_date, *study_time, *accession, *study_id, *study_description, *referring;
	const char *series_uid, *modality, *series_number, *series_description, *body_part, *protocol,
	           *station, *institution, *series_date, *series_time;
	const char *sop_uid, *sop_class, *instance_number, *content_date, *content_time;
	int rows, columns, frames, bits;
	const char *ts;
	uint64_t oid, size, dataset_at;
	const char *digest, *pixel_digest;           /* hex; digest = data set as received */
	const char *calling, *address;
	const char *charset_how;                     /* how text was decoded */
	/* For index_text_list(): is the declaration "right", "nothing" or "false", and the sets (charset_detect.h). NULL: not told. */
	const char *charset_said, *charset_declared, *charset_found;
	int64_t received_ms;
	struct bytes header;                         /* raw header; stored compressed */
	int header_encoding;                         /* enum ds_encoding */
};

struct index_instance {                      /* what is known of one stored instance */
	uint64_t instance, oid, size, dataset_at;
	char digest[33], received_digest[33], pixel_digest[33];
	struct uid sop_uid, sop_class, ts, study_uid, series_uid;
	int64_t change;                      /* its patient was updated or merged by this one last; 0: goes out as it is kept */
};

/* ---- writer ---- */
/* Creates or migrates. ERR_VERSION: written by a newer program (the why names both versions); nothing touched. */
enum err index_writer_open(const char *dir, struct index_writer **out, struct why *why) MUST_USE;
void     index_writer_close(struct index_writer **w);
enum err index_begin(struct index_writer *w, struct why *why) MUST_USE;
enum err index_commit(struct index_writer *w, struct why *why) MUST_USE;     /* synced */
void     index_rollback(struct index_writer *w);
/* Outside a transaction, when there is time: moves what the log holds into the database file. */
void     index_checkpoint(struct index_writer *w);
/* Around very many images from where they can be had again (a rebuild): nothing is synced before the end, so a crash in
 * between leaves a file to be thrown away; and more memory holds what many of them touch. Outside a transaction. */
enum err index_bulk_begin(struct index_writer *w, struct why *why) MUST_USE;
enum err index_bulk_end(struct index_writer *w, struct why *why) MUST_USE;
/* Inside a transaction. Inserts patient, study, series as needed (insert-or-get), the instance, its header
 * and its arrival. ERR_EXISTS: the SOP Instance UID is there (nothing changed). After any other error the
 * transaction must be rolled back.
 *
 * What does not fit together is kept, and marked with a conflict row for a person:
 *   - a Study UID that comes under another Patient ID or issuer: the study keeps its first patient, the
 *     instance joins the study; reason "study belongs to another patient";
 *   - a Series UID that stands in another study too: one series row in each; "series stands in another study";
 *   - a Patient ID that comes with another name and another birth date: "patient has another name and birth date".
 * So nothing is ever refused for a UID. ERR_MISMATCH: Study, Series or SOP UID is empty. */
enum err index_add(struct index_writer *w, const struct index_record *r, uint64_t *instance, int64_t *seq, struct why *why) MUST_USE;
enum err index_lookup(struct index_writer *w, const char *sop_uid, struct index_instance *out, struct why *why) MUST_USE;  /* ERR_NOT_FOUND */
/* Another file with the same content for the same instance; the old oid goes to the garbage table in the same transaction. */
enum err index_replace(struct index_writer *w, uint64_t instance, uint64_t old_oid, uint64_t new_oid, uint64_t size, uint64_t dataset_at,
                       const char *ts, const char *digest, const char *pixel_digest, struct why *why) MUST_USE;   /* ERR_CONFLICT: old_oid is no longer current */
/* Another content for the same SOP Instance UID becomes the current one: file, digests and header are r's, study and
 * series stay. The old file stays too: the caller names it with index_add_conflict(). ERR_CONFLICT as above. */
enum err index_new_content(struct index_writer *w, uint64_t instance, uint64_t old_oid, const struct index_record *r, struct why *why) MUST_USE;
enum index_arrival_kind { ARRIVAL_NEW, ARRIVAL_REPAIRED, ARRIVAL_NEW_CONTENT };
/* The router looks at the instance (again). index_add() does it itself. */
enum err index_add_arrival(struct index_writer *w, uint64_t instance, enum index_arrival_kind kind, int64_t *seq, struct why *why) MUST_USE;
/* Every arrival up to this seq is durable, with its file. What came later may have lost its file in a power cut; see index_next_young(). */
enum err index_set_durable(struct index_writer *w, int64_t seq, struct why *why) MUST_USE;
/* The first arrival behind `after`, and behind what is known to be durable. ERR_END. Outside a transaction. */
enum err index_next_young(struct index_writer *w, int64_t after, int64_t *seq, struct index_instance *out, struct why *why) MUST_USE;
/* oid: the file that is kept beside the current one, described by r (UIDs, syntax, size, digest, sender); 0 none. */
enum err index_add_conflict(struct index_writer *w, uint64_t instance, uint64_t oid, const struct index_record *r, const char *reason, struct why *why) MUST_USE;
/* Is this content kept beside the instance already? Its file, or ERR_NOT_FOUND. */
enum err index_find_conflict(struct index_writer *w, uint64_t instance, const char *digest, uint64_t *oid, struct why *why) MUST_USE;
enum err index_add_quarantine(struct index_writer *w, const char *path, const char *reason, const char *calling, const char *address, struct why *why) MUST_USE;
bool     index_has_quarantine(struct index_writer *w, const char *path);     /* true also when it cannot be known */
/* At most BOUND_PENDING_AE are remembered; the ones longest not seen go. */
enum err index_note_unknown(struct index_writer *w, const char *calling, const char *called, const char *address, struct why *why) MUST_USE;
enum err index_forget_unknown(struct index_writer *w, const char *calling, struct why *why) MUST_USE;
enum err index_max_oid(struct index_writer *w, uint64_t *out, struct why *why) MUST_USE;     /* over everything that names a file */
/* The lowest oid of a current file that is >= from; ERR_END: none. */
enum err index_next_oid(struct index_writer *w, uint64_t from, uint64_t *out, struct why *why) MUST_USE;
/* A row needs this file. True also when it cannot be known: the file is then left alone. */
bool     index_has_oid(struct index_writer *w, uint64_t oid);
/* Files to unlink: naming one, the next one (ERR_END: none; the same until it is forgotten), and forgetting it after the unlink. */
enum err index_add_garbage(struct index_writer *w, uint64_t oid, struct why *why) MUST_USE;
enum err index_garbage_next(struct index_writer *w, uint64_t *oid, struct why *why) MUST_USE;
enum err index_garbage_done(struct index_writer *w, uint64_t oid, struct why *why) MUST_USE;

/* ---- patient updates and merges ----
 * The journal of them is work.db's (db/patients.h); the index keeps a copy, so that an image that comes later is of the patient that
 * its old number means now. Kept files are never touched: what goes out is corrected on its way (pacs/send). */
struct index_patient_change {
	int64_t seq;                             /* of the journal, rising */
	bool is_merge;
	char patient_id[257], issuer[257], name[1025], birth_date[9], sex[17];   /* name, birth date, sex: "" keeps */
	char old_id[257], old_issuer[257];       /* merge: the patient who ends */
	char message[97];                        /* by what: "hl7 10.1.2.3 ADT^A40 00012" */
	int64_t at_ms;
	struct edit *edit;                       /* NULL: a patient's. Else a correction (db/edit.h), and all above but seq and at_ms is empty */
};
/* Inside a transaction. Patients with this ID and issuer, and those without an issuer whose name or birth date agrees, get the new
 * demographics; a merge joins their studies under the surviving patient, who is made when it is not there. History rows keep what was.
 * A seq that has been applied changes nothing. *touched: patients that were found. */
enum err index_patient_apply(struct index_writer *w, const struct index_patient_change *c, unsigned *touched, struct why *why) MUST_USE;
enum err index_patient_seq(struct index_writer *w, int64_t *seq, struct why *why) MUST_USE;      /* the last one applied; 0 none */

/* ---- corrections by people (db/edit.h), entries of the same journal ----
 * An image's place and attributes are what its kept header says, and then what every entry says that speaks of it, in order. So applying
 * an entry, or taking one back, is deriving the images of its studies anew; and a later image is derived when it comes. */
struct index_kept { uint64_t instance, oid, size, dataset_at; int64_t received_ms; char calling[BOUND_AET + 1], address[64]; struct uid sop_class, ts; };
struct index_derive {
	/* The record of a kept image, from its header alone; what it points to lives until the next call. ERR_FORMAT: it cannot be
	 * read, and the image stays as it is. */
	enum err (*make)(void *arg, const struct index_kept *k, struct index_record *out, struct why *why);
	void *arg;
	unsigned touched;                        /* out: images that were derived anew, or that went */
};
/* Inside a transaction that has added no image. c->edit is set. A seq that has been applied changes nothing. */
enum err index_edit_apply(struct index_writer *w, const struct index_patient_change *c, struct index_derive *d, struct why *why) MUST_USE;
/* Where an image with this record stands now, or would. */
enum err index_where(struct index_writer *w, const struct index_record *r, struct uid *study, struct uid *series, struct why *why) MUST_USE;

/* ---- readers ---- */
enum err index_reader_open(const char *dir, struct index_reader **out, struct why *why) MUST_USE;
void     index_reader_close(struct index_reader **r);

struct index_arrival {
	int64_t seq;
	struct index_instance what;
	char calling[BOUND_AET + 1];
	char modality[17], body_part[65];
	int64_t received_ms;
};
/* Whom an instance is of, for what goes out. */
struct index_patient { char patient_id[257], issuer[257], name[1025], birth_date[9], sex[17]; int64_t changed_ms; bool is_correction; };      /* of its last change: when, and was it a person's */
enum err index_patient_of(struct index_reader *r, uint64_t instance, struct index_patient *out, struct why *why) MUST_USE;
/* What is told of an image besides its kept header, and of the study that it was moved to; fn returns false to stop. values are lent. */
enum err index_edited(struct index_reader *r, uint64_t instance, bool (*fn)(void *arg, uint32_t tag, const char *value), void *arg, struct why *why) MUST_USE;
/* What is read until the end of it is of one moment. Nests not. */
enum err index_snapshot_begin(struct index_reader *r, struct why *why) MUST_USE;
void     index_snapshot_end(struct index_reader *r);
/* Every arrival is known to be durable (index_set_durable()). If not, and the owner has not started since, a row's file may be torn. */
enum err index_is_settled(struct index_reader *r, bool *is, struct why *why) MUST_USE;
/* Arrivals with seq > after, ascending, at most max. */
enum err index_arrivals(struct index_reader *r, int64_t after, struct index_arrival *out, size_t max, size_t *n, struct why *why) MUST_USE;
enum err index_get(struct index_reader *r, uint64_t instance, struct index_instance *out, struct why *why) MUST_USE;
enum err index_get_by_uid(struct index_reader *r, const char *sop_uid, struct index_instance *out, struct why *why) MUST_USE;
/* How many of the latest instances are of each SOP class and transfer syntax; at most max kinds, the commonest first. */
struct index_kind { struct uid sop_class, ts; uint64_t instances; };
enum err index_latest_kinds(struct index_reader *r, struct index_kind *out, size_t max, size_t *n, struct why *why) MUST_USE;
/* The raw header, decompressed; caller frees *header. */
enum err index_header(struct index_reader *r, uint64_t instance, uint8_t **header, size_t *len, int *encoding, struct why *why) MUST_USE;

/* Everything the worklist and `pacs study show` need of a study, UTF-8. */
struct index_study {
	struct uid study_uid;
	char patient_id[257], issuer[257], patient_name[321], birth_date[9], sex[17];
	char study_date[9], study_time[17], accession[65], study_id[65], description[257], referring[321];
	char modalities[129], body_part[65], institution[257], calling[BOUND_AET + 1];    /* modalities: backslash-separated */
	unsigned series, instances;
	uint64_t bytes;
	int64_t first_received_ms, last_received_ms;
};
enum err index_study_get(struct index_reader *r, const char *study_uid, struct index_study *out, struct why *why) MUST_USE;
/* Which studies; fields may be NULL or "": all. */
struct index_study_filter {
	const char *patient_id, *accession, *from_date, *to_date;
	const char *patient_name;                /* as a C-FIND key: UTF-8, * and ? */
	bool pinyin;                             /* and by its sound */
};
/* Newest first; calls fn until it returns false. */
enum err index_study_list(struct index_reader *r, const struct index_study_filter *f, unsigned limit,
                          bool (*fn)(void *arg, const struct index_study *s), void *arg, struct why *why) MUST_USE;
enum err index_study_instances(struct index_reader *r, const char *study_uid, bool (*fn)(void *arg, const struct index_instance *i), void *arg, struct why *why) MUST_USE;

/* Which index.db this is: the id is made with the file, so one that was rebuilt has another. last_seq: of all arrivals there ever were. */
struct index_identity { char id[33]; int64_t last_seq; };
enum err index_identity(struct index_reader *r, struct index_identity *out, struct why *why) MUST_USE;
/* Whose arrival has this seq; ERR_NOT_FOUND. */
enum err index_arrival_uid(struct index_reader *r, int64_t seq, struct uid *sop_uid, struct why *why) MUST_USE;
/* Arrivals with seq > after of a study (study_uid) or of one instance (instance > 0). */
enum err index_arrivals_of(struct index_reader *r, int64_t after, const char *study_uid, uint64_t instance, int64_t *n, struct why *why) MUST_USE;
/* What senders declare and in which sets their text is; one row for each sender and case. */
struct index_text {
	char calling[BOUND_AET + 1];
	char said[12], how[12];                  /* said: right nothing false, "" not known; how: ascii declared sender detected latin1 */
	char declared[24], found[24];            /* sets by name; "" ASCII or not known */
	uint64_t objects, studies;               /* a study counts where its first object does */
	int last_day;                            /* YYYYMMDD, when it came */
	struct uid study_uid;                    /* the latest */
};
/* Of one sender ("" all), received on or after a day (0: ever). */
enum err index_text_list(struct index_reader *r, const char *calling, int since_day, bool (*fn)(void *arg, const struct index_text *t), void *arg, struct why *why) MUST_USE;

struct index_unknown { char calling[BOUND_AET + 1], called[BOUND_AET + 1], address[64]; int64_t first_ms, last_ms; unsigned count; };
enum err index_unknown_list(struct index_reader *r, bool (*fn)(void *arg, const struct index_unknown *u), void *arg, struct why *why) MUST_USE;

struct index_counts { uint64_t patients, studies, series, instances, bytes, conflicts, quarantined; int64_t last_seq; };
enum err index_counts(struct index_reader *r, struct index_counts *out, struct why *why) MUST_USE;

#endif

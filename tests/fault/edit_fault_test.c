/* Corrections when writes, syncs and allocations fail: each is applied whole or not at all, and a second try succeeds. */
#include "tests/lib/t.h"

#include <stdlib.h>
#include <unistd.h>

#include "db/edit.h"
#include "db/index.h"
#include "pacs/base/fault.h"

static char dir[64];
static struct why why;

static struct index_record record(uint64_t oid)
{
	static char study[8], sop[16];
	snprintf(study, sizeof(study), "1.%u", oid < 3 ? 1u : 2u);
	snprintf(sop, sizeof(sop), "1.9.%u", (unsigned)oid);
	return (struct index_record){
		.patient_id = "P1", .issuer = "", .patient_name = "A", .birth_date = "", .sex = "", .study_uid = study, .study_date = "20260301", .study_time = "",
		.accession = "", .study_id = "", .study_description = study, .referring = "", .series_uid = study, .modality = "CT", .series_number = "",
		.series_description = "", .body_part = "", .protocol = "", .station = "", .institution = "", .series_date = "", .series_time = "",
		.sop_uid = sop, .sop_class = "1.2.3", .instance_number = "1", .content_date = "", .content_time = "", .rows = 1, .columns = 1, .frames = 1,
		.bits = 8, .ts = "1.2.840.10008.1.2.1", .oid = oid, .size = 100, .dataset_at = 10, .digest = "", .pixel_digest = "", .calling = "CT1", .address = "",
		.charset_how = "", .received_ms = 1000, .header = BYTES("h"), .header_encoding = 1,
	};
}

static enum err make(void *arg, const struct index_kept *k, struct index_record *out, struct why *y)
{
	(void)arg;
	(void)y;
	*out = record(k->oid);
	return ERR_OK;
}

/* 1 a value, 2 study 1.2 becomes part of 1.1, 3 an image goes, 4 the first is taken back. Made before anything fails. */
enum { ENTRIES = 4 };
static struct index_patient_change journal[ENTRIES];

static void make_journal(void)
{
	static const struct { enum edit_kind kind; const char *study, *sop, *to; } what[ENTRIES] = {
		{ EDIT_TAG, "1.1", "", "" }, { EDIT_MERGE, "1.2", "", "1.1" }, { EDIT_DELETE, "1.1", "1.9.3", "" }, { EDIT_REVERT, "", "", "" } };
	for (size_t i = 0; i < ENTRIES; i++) {
		struct edit *e = edit_new(what[i].kind == EDIT_REVERT ? 0 : 1);
		journal[i] = (struct index_patient_change){ .seq = (int64_t)i + 1, .at_ms = 2000, .edit = e };
		e->kind = what[i].kind;
		e->max_oid = 4;
		e->target = 1;
		if (!e->count)
			continue;
		snprintf(e->rules[0].study.s, sizeof(e->rules[0].study.s), "%s", what[i].study);
		snprintf(e->rules[0].sop.s, sizeof(e->rules[0].sop.s), "%s", what[i].sop);
		snprintf(e->rules[0].to_study.s, sizeof(e->rules[0].to_study.s), "%s", what[i].to);
		e->rules[0].tag = what[i].kind == EDIT_TAG ? TAG(0x0008, 0x1030) : 0;
		strcpy(e->rules[0].value, e->rules[0].tag ? "head" : "");
	}
}

static enum err apply(struct index_writer *w, const struct index_patient_change *c)
{
	struct index_derive d = { .make = make };
	enum err e = index_begin(w, &why);
	if (!e)
		e = index_edit_apply(w, c, &d, &why);
	if (!e)
		e = index_commit(w, &why);
	if (e)
		index_rollback(w);
	return e;
}

static void add_images(void)
{
	struct index_writer *w = NULL;
	uint64_t id;
	int64_t seq;
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	CHECK_OK(index_begin(w, &why), why);
	for (uint64_t oid = 1; oid <= 4; oid++) {
		struct index_record r = record(oid);
		CHECK_OK(index_add(w, &r, &id, &seq, &why), why);
	}
	CHECK_OK(index_commit(w, &why), why);
	index_writer_close(&w);
}

/* As it must be after the first n entries. */
static void check_state(int64_t n)
{
	static const struct { unsigned instances, others; const char *description; } want[ENTRIES + 1] = {
		{ 2, 2, "1.1" }, { 2, 2, "head" }, { 4, 0, "head" }, { 3, 0, "head" }, { 3, 0, "1.1" } };
	struct index_reader *r = NULL;
	struct index_study s = { .instances = 0 }, other = { .instances = 0 };
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_study_get(r, "1.1", &s, &why), why);
	enum err e = index_study_get(r, "1.2", &other, &why);
	CHECK_INT(s.instances, want[n].instances);
	CHECK_INT(e ? 0 : other.instances, want[n].others);
	CHECK_STR(s.description, want[n].description);
	index_reader_close(&r);
}

/* The nth call of op fails; whoever gets an error tries again. Says how often an error was seen. */
static unsigned one_run(enum fault_op op, long nth)
{
	struct index_writer *w = NULL;
	unsigned errors = 0;
	char cmd[96];
	snprintf(dir, sizeof(dir), "/tmp/edit_fault.XXXXXX");
	CHECK(mkdtemp(dir));
	add_images();
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	fault_plan(op, nth, false);
	for (int64_t n = 0; n < ENTRIES && errors < 5; ) {
		int64_t seq = -1;
		enum err e = apply(w, &journal[n]);
		/* What a failed commit leaves the index itself tells, as it tells the router. */
		if (e) {
			errors++;
			CHECK_OK(index_patient_seq(w, &seq, &why), why);
			n = seq;
		} else {
			n++;
		}
		if (errors)              /* the one call has failed: looking is safe */
			check_state(n);
	}
	fault_plan(op, 0, false);
	check_state(ENTRIES);
	index_writer_close(&w);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	CHECK_INT(system(cmd), 0);
	return errors;
}

static void all_of(enum fault_op op)
{
	unsigned quiet = 0, seen = 0;
	/* Some calls may fail without harm (a checkpoint): two in a row without an error are the end only after the first. */
	for (long nth = 1; nth < 200 && quiet < 8; nth++) {
		unsigned errors = one_run(op, nth);
		seen += errors;
		quiet = errors ? 0 : quiet + 1;
	}
	CHECK(seen > 0);
}

TEST(writes, "a write that fails leaves a correction undone, whole; the next try does it") { all_of(FAULT_WRITE); }
TEST(syncs, "so does a sync") { all_of(FAULT_FSYNC); }
TEST(memory, "and an allocation") { all_of(FAULT_ALLOC); }

int main(void)
{
	make_journal();
	RUN(writes);
	RUN(syncs);
	RUN(memory);
	for (size_t i = 0; i < ENTRIES; i++)
		free(journal[i].edit);
	return t_done();
}

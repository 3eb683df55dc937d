/* Corrections in the index: each kind, what comes later, taking back, deleting; and that an index built anew is the same. */
#include <stdlib.h>
#include <unistd.h>

#include "db/edit.h"
#include "db/edit_look.h"
#include "db/index_reader.h"
#include "db/index_writer.h"
#include "db/retain.h"
#include "pacs/base/bounds.h"
#include "pacs/base/buf.h"
#include "tests/lib/t.h"

static char dir[] = "/tmp/index_edit_test.XXXXXX";
static struct why why;
static struct index_writer *w;
static struct index_reader *rd;
static int64_t seq;

/* What was received: the files, so to say. oid is the place + 1. */
enum { IMAGES = 400 };
static struct image { char study[24], series[24], sop[32], patient[16], description[32], number[8]; bool is_gone; } images[IMAGES];
static size_t image_count;

static struct index_record record(size_t i)
{
	const struct image *im = &images[i];
	return (struct index_record){
		.patient_id = im->patient, .issuer = "", .patient_name = im->patient, .birth_date = "19700101", .sex = "M",
		.study_uid = im->study, .study_date = "20260301", .study_time = "081530.000000", .accession = im->study, .study_id = "S1",
		.study_description = im->description, .referring = "", .series_uid = im->series, .modality = "DX", .series_number = "1",
		.series_description = "pa", .body_part = "CHEST", .protocol = "", .station = "", .institution = "", .series_date = "", .series_time = "",
		.sop_uid = im->sop, .sop_class = "1.2.840.10008.5.1.4.1.1.1.1", .instance_number = im->number, .content_date = "", .content_time = "",
		.rows = 10, .columns = 20, .frames = 1, .bits = 16, .ts = "1.2.840.10008.1.2.1", .oid = i + 1, .size = 1000 + i, .dataset_at = 300,
		.digest = "00112233445566778899aabbccddeeff", .pixel_digest = "", .calling = "CR1", .address = "10.0.0.1:4711", .charset_how = "ascii",
		.received_ms = 1000 + (int64_t)i, .header = BYTES("header bytes"), .header_encoding = 1,
	};
}

static enum err make(void *arg, const struct index_kept *k, struct index_record *out, struct why *y)
{
	(void)arg;
	(void)y;
	*out = record(k->oid - 1);
	return ERR_OK;
}

static void fresh(void)
{
	char cmd[128];
	index_writer_close(&w);
	index_reader_close(&rd);
	snprintf(cmd, sizeof(cmd), "rm -f %s/*", dir);
	CHECK_INT(system(cmd), 0);
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	CHECK_OK(index_reader_open(dir, &rd, &why), why);
}

static void start(void)
{
	fresh();
	image_count = 0;
	seq = 0;
}

static void add_again(size_t i)
{
	struct index_record r = record(i);
	uint64_t id = 0;
	int64_t s;
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_add(w, &r, &id, &s, &why), why);
	CHECK_OK(index_commit(w, &why), why);
}

/* "2" of study 1.2, series 1.2.1, patient P1. */
static size_t add(const char *study, const char *series, const char *sop, const char *patient)
{
	struct image *im = &images[image_count];
	*im = (struct image){ .is_gone = false };
	snprintf(im->study, sizeof(im->study), "%s", study);
	snprintf(im->series, sizeof(im->series), "%s", series);
	snprintf(im->sop, sizeof(im->sop), "%s", sop);
	snprintf(im->patient, sizeof(im->patient), "%s", patient);
	snprintf(im->description, sizeof(im->description), "of %s", study);
	snprintf(im->number, sizeof(im->number), "%zu", image_count + 1);
	add_again(image_count);
	return image_count++;
}

/* ---- entries, which are also kept for a replay ---- */

enum { ENTRIES = 200 };
static struct index_patient_change journal[ENTRIES];

static unsigned apply(struct index_patient_change *c)
{
	struct index_derive d = { .make = make };
	CHECK_OK(index_begin(w, &why), why);
	if (c->edit) {
		CHECK_OK(index_edit_apply(w, c, &d, &why), why);
	} else {
		CHECK_OK(index_patient_apply(w, c, &d.touched, &why), why);
	}
	CHECK_OK(index_commit(w, &why), why);
	return d.touched;
}

static struct edit *entry(enum edit_kind kind, size_t n)
{
	struct index_patient_change *c = &journal[seq];
	*c = (struct index_patient_change){ .seq = ++seq, .at_ms = 1000000 };
	c->edit = edit_new(n);
	CHECK(c->edit != NULL);
	c->edit->kind = kind;
	strcpy(c->edit->who, "tester");
	return c->edit;
}

static void put(struct uid *u, const char *s)
{
	snprintf(u->s, sizeof(u->s), "%s", s);
}

static int64_t tag(const char *study, const char *series, const char *sop, uint32_t t, const char *value)
{
	struct edit *e = entry(EDIT_TAG, 1);
	put(&e->rules[0].study, study);
	put(&e->rules[0].series, series);
	put(&e->rules[0].sop, sop);
	e->rules[0].tag = t;
	snprintf(e->rules[0].value, sizeof(e->rules[0].value), "%s", value);
	apply(&journal[seq - 1]);
	return seq;
}

static int64_t give(const char *study, const char *patient)
{
	const char *const values[] = { patient, "", patient, "19700101", "M" };
	const uint32_t tags[] = { TAG_PATIENT_ID, TAG(0x0010, 0x0021), TAG_PATIENT_NAME, TAG(0x0010, 0x0030), TAG(0x0010, 0x0040) };
	struct edit *e = entry(EDIT_TAG, 5);
	for (size_t i = 0; i < 5; i++) {
		put(&e->rules[i].study, study);
		e->rules[i].tag = tags[i];
		snprintf(e->rules[i].value, sizeof(e->rules[i].value), "%s", values[i]);
	}
	apply(&journal[seq - 1]);
	return seq;
}

static int64_t move(enum edit_kind kind, const char *study, const char *series, const char *sop, const char *to_study, const char *to_series)
{
	struct edit *e = entry(kind, 1);
	put(&e->rules[0].study, study);
	put(&e->rules[0].series, series);
	put(&e->rules[0].sop, sop);
	put(&e->rules[0].to_study, to_study);
	put(&e->rules[0].to_series, to_series);
	apply(&journal[seq - 1]);
	return seq;
}

static void revert(int64_t target)
{
	entry(EDIT_REVERT, 0)->target = target;
	apply(&journal[seq - 1]);
}

static unsigned delete(const char *study, const char *series, const char *sop, uint64_t max_oid)
{
	struct edit *e = entry(EDIT_DELETE, 1);
	put(&e->rules[0].study, study);
	put(&e->rules[0].series, series);
	put(&e->rules[0].sop, sop);
	e->max_oid = max_oid;
	return apply(&journal[seq - 1]);
}

static void end(void)
{
	for (int64_t i = 0; i < seq; i++) {
		free(journal[i].edit);
		journal[i].edit = NULL;
	}
}

/* ---- looking ---- */

/* "study patient series/instances description" of a study, "" when it is not there. */
static const char *study(const char *uid)
{
	static char out[4][1024];
	static unsigned k;
	struct index_study s;
	char *o = out[k++ % 4];
	enum err e = index_study_get(rd, uid, &s, &why);
	snprintf(o, 1024, "%s", "");
	if (!e)
		snprintf(o, 1024, "%s %u/%u %s", s.patient_id, s.series, s.instances, s.description);
	return o;
}

static const char *place(const char *sop)
{
	static char out[160];
	struct index_instance i;
	enum err e = index_get_by_uid(rd, sop, &i, &why);
	snprintf(out, sizeof(out), "%s %s", e ? "" : i.study_uid.s, e ? "" : i.series_uid.s);
	return out;
}

struct told { uint32_t tag; char value[128]; };

static bool tell(void *arg, uint32_t t, const char *value)
{
	struct told *x = arg;
	if (t == x->tag)
		snprintf(x->value, sizeof(x->value), "%s", value);
	return true;
}

static const char *told(const char *sop, uint32_t t)
{
	static struct told x;
	struct index_instance i;
	x = (struct told){ .tag = t, .value = "-" };
	CHECK_OK(index_get_by_uid(rd, sop, &i, &why), why);
	CHECK_OK(index_edited(rd, i.instance, tell, &x, &why), why);
	return x.value;
}

#define DESCRIPTION TAG(0x0008, 0x1030)
#define WARD TAG(0x0008, 0x1040)

TEST(tags, "a correction sets columns and what is told besides; later images follow; the last one counts; taking back restores")
{
	start();
	add("1.1", "1.1.1", "a", "P1");
	add("1.1", "1.1.2", "b", "P1");
	int64_t first = tag("1.1", "", "", DESCRIPTION, "head");
	tag("1.1", "1.1.2", "", WARD, "5");
	CHECK_STR(study("1.1"), "P1 2/2 head");
	CHECK_STR(told("a", DESCRIPTION), "head");
	CHECK_STR(told("a", WARD), "-");
	CHECK_STR(told("b", WARD), "5");
	add("1.1", "1.1.2", "c", "P1");
	CHECK_STR(told("c", DESCRIPTION), "head");
	CHECK_STR(told("c", WARD), "5");
	int64_t second = tag("1.1", "", "", DESCRIPTION, "");
	CHECK_STR(study("1.1"), "P1 2/3 ");
	revert(second);
	CHECK_STR(study("1.1"), "P1 2/3 head");
	revert(first);
	CHECK_STR(study("1.1"), "P1 2/3 of 1.1");
	CHECK_STR(told("c", DESCRIPTION), "-");
	CHECK_STR(told("c", WARD), "5");
	/* Applied once. */
	int64_t again = seq;
	CHECK_INT(apply(&journal[again - 1]), 0);
	end();
}

TEST(patients, "a study is given to a patient who is there or is made; a patient without studies goes; old numbers follow merges")
{
	struct index_counts n;
	start();
	add("1.1", "1.1.1", "a", "P1");
	add("1.2", "1.2.1", "b", "P2");
	int64_t given = give("1.1", "P2");
	CHECK_STR(study("1.1"), "P2 1/1 of 1.1");
	CHECK_OK(index_counts(rd, &n, &why), why);
	CHECK_INT(n.patients, 1);
	add("1.1", "1.1.2", "c", "P1");
	CHECK_STR(study("1.1"), "P2 2/2 of 1.1");
	CHECK_OK(index_counts(rd, &n, &why), why);
	CHECK_INT(n.conflicts, 0);
	/* P2 becomes P3 by HL7: also a study that was given to him, and one that is sent again. */
	struct index_patient_change *c = &journal[seq];
	*c = (struct index_patient_change){ .seq = ++seq, .is_merge = true, .patient_id = "P3", .name = "P3", .old_id = "P2", .at_ms = 1000001 };
	apply(c);
	CHECK_STR(study("1.1"), "P3 2/2 of 1.1");
	CHECK_INT(delete("1.1", "", "", 100), 2);
	CHECK_STR(study("1.1"), "");
	add("1.1", "1.1.3", "d", "P1");
	CHECK_STR(study("1.1"), "P3 1/1 of 1.1");
	revert(given);
	CHECK_STR(study("1.1"), "P1 1/1 of 1.1");
	CHECK_STR(study("1.2"), "P3 1/1 of 1.2");
	end();
}

TEST(merges, "a study becomes part of another, which is described by its own images; later ones join; taking back parts them")
{
	start();
	add("1.2", "1.2.1", "b", "P1");          /* came first, and shall not describe the other */
	add("1.1", "1.1.1", "a", "P1");
	add("1.2", "1.1.1", "c", "P1");          /* the same series in both */
	int64_t merged = move(EDIT_MERGE, "1.2", "", "", "1.1", "");
	CHECK_STR(study("1.1"), "P1 2/3 of 1.1");
	CHECK_STR(study("1.2"), "");
	CHECK_STR(place("c"), "1.1 1.1.1");
	CHECK_STR(told("b", TAG_STUDY_UID), "1.1");
	CHECK_STR(told("b", DESCRIPTION), "of 1.1");
	CHECK_STR(told("a", TAG_STUDY_UID), "-");
	add("1.2", "1.2.5", "d", "P1");
	CHECK_STR(study("1.1"), "P1 3/4 of 1.1");
	revert(merged);
	CHECK_STR(study("1.1"), "P1 1/1 of 1.1");
	CHECK_STR(study("1.2"), "P1 3/3 of 1.2");
	CHECK_STR(place("c"), "1.2 1.1.1");
	add("1.2", "1.2.6", "e", "P1");
	CHECK_STR(study("1.2"), "P1 4/4 of 1.2");
	end();
}

TEST(splits, "series and images are moved to a new study or another one; later images of a series follow; chains are followed")
{
	start();
	add("1.1", "1.1.1", "a", "P1");
	add("1.1", "1.1.1", "b", "P1");
	add("1.1", "1.1.2", "c", "P1");
	move(EDIT_SPLIT, "1.1", "1.1.2", "", "9.1", "");
	CHECK_STR(study("1.1"), "P1 1/2 of 1.1");
	CHECK_STR(study("9.1"), "P1 1/1 of 1.1");
	add("1.1", "1.1.2", "d", "P1");
	CHECK_STR(place("d"), "9.1 1.1.2");
	move(EDIT_SPLIT, "1.1", "", "b", "9.1", "9.1.7");
	CHECK_STR(place("b"), "9.1 9.1.7");
	CHECK_STR(told("b", TAG_SERIES_UID), "9.1.7");
	add("1.2", "1.2.1", "e", "P1");
	move(EDIT_MERGE, "9.1", "", "", "1.2", "");
	add("1.1", "1.1.2", "f", "P1");
	CHECK_STR(place("f"), "1.2 1.1.2");
	CHECK_STR(study("1.2"), "P1 3/5 of 1.2");
	end();
}

TEST(deletions, "images go with rows and files; what came later stays, also when the entry is applied anew; numbers are not given again")
{
	struct index_instance i;
	uint64_t oid = 0, before;
	start();
	add("1.1", "1.1.1", "a", "P1");
	add("1.1", "1.1.2", "b", "P1");
	CHECK_OK(index_get_by_uid(rd, "b", &i, &why), why);
	before = i.instance;
	CHECK_INT(delete("1.1", "1.1.2", "", image_count), 1);
	CHECK_STR(study("1.1"), "P1 1/1 of 1.1");
	CHECK_OK(index_garbage_next(w, &oid, &why), why);
	CHECK_INT(oid, 2);
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_garbage_done(w, oid, &why), why);
	CHECK_OK(index_commit(w, &why), why);
	CHECK_OK(index_max_oid(w, &oid, &why), why);
	CHECK_INT(oid, 2);
	images[1].is_gone = true;
	add("1.1", "1.1.2", "b", "P1");          /* the same image again */
	CHECK_OK(index_get_by_uid(rd, "b", &i, &why), why);
	CHECK(i.instance > before);
	/* Held: not even by an entry of the journal. */
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(retain_hold(w, "1.1", "court", "judge", &why), why);
	CHECK_OK(index_commit(w, &why), why);
	CHECK_INT(delete("1.1", "", "", image_count), 0);
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(retain_hold(w, "1.1", NULL, "judge", &why), why);
	CHECK_OK(index_commit(w, &why), why);
	/* The first entry over an index that has the later image: nothing of it. */
	fresh();
	add_again(0);
	add_again(2);
	CHECK_INT(apply(&journal[0]), 0);
	CHECK_STR(study("1.1"), "P1 2/2 of 1.1");
	end();
}

/* ---- online and anew ---- */

static unsigned draw(unsigned n)
{
	static uint64_t x = 88172645463325252ull;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x % n);
}

static const char *dump(struct buf *b)
{
	sqlite3_stmt *st = NULL;
	buf_reset(b);
	CHECK_OK(sql_ask(index_reader_db(rd), &why, &st, "SELECT i.sop_uid || ' ' || st.study_uid || ' ' || se.series_uid || ' ' || p.patient_id || ' ' || p.name || ' ' || st.series || '/' || st.instances"
	                 " || ' ' || st.bytes || ' ' || se.instances || ' ' || i.number || ' ' || coalesce((SELECT group_concat(tag || '=' || value, ',') FROM edited WHERE instance = i.id), '')"
	                 " FROM instance i JOIN series se ON se.id = i.series JOIN study st ON st.id = se.study JOIN patient p ON p.id = st.patient ORDER BY i.sop_uid", ""), why);
	while (!sql_step(st, &why)) {
		buf_add_str(b, sql_text(st, 0));
		buf_add_str(b, "\n");
	}
	sql_close_one(&st);
	return buf_cstr(b);
}

static void one_step(void)
{
	char a[8], b[8], series[12], sop[16];
	snprintf(a, sizeof(a), "1.%u", 1 + draw(4));
	snprintf(b, sizeof(b), "1.%u", 1 + draw(6));
	snprintf(series, sizeof(series), "1.9.%u", draw(5));
	snprintf(sop, sizeof(sop), "i%u", image_count ? draw((unsigned)image_count) : 0);
	switch (draw(9)) {
	case 0: tag(a, "", "", DESCRIPTION, b); break;
	case 1: tag(b, series, "", WARD, a); break;
	case 2: tag(a, "", sop, TAG(0x0020, 0x0013), "77"); break;
	case 3: if (strcmp(a, b)) move(EDIT_MERGE, a, "", "", b, ""); break;
	case 4: if (strcmp(a, b)) move(EDIT_SPLIT, a, series, "", b, ""); break;
	case 5: if (strcmp(a, b)) move(EDIT_SPLIT, a, "", sop, b, "1.9.77"); break;
	default:
		snprintf(sop, sizeof(sop), "i%zu", image_count);
		add(a, series, sop, "P1");
	}
	/* The last one, as often as not. */
	if (seq && journal[seq - 1].edit && journal[seq - 1].edit->kind != EDIT_REVERT && !draw(6))
		revert(seq);
}

TEST(anew, "whatever comes and is corrected in whatever order, an index that gets all images first and then all entries is the same")
{
	struct buf online, again;
	buf_init(&online, 1 << 20);
	buf_init(&again, 1 << 20);
	for (unsigned round = 0; round < 15; round++) {
		start();
		for (unsigned i = 0; i < 50; i++)
			one_step();
		dump(&online);
		fresh();
		for (size_t i = 0; i < image_count; i++)
			add_again(i);
		for (int64_t i = 0; i < seq; i++)
			apply(&journal[i]);
		dump(&again);
		if (strcmp(buf_cstr(&online), buf_cstr(&again)))
			CHECK_STR(buf_cstr(&again), buf_cstr(&online));
		end();
	}
	buf_fini(&online);
	buf_fini(&again);
}

int main(void)
{
	char cmd[64];
	if (!mkdtemp(dir))
		return 1;
	RUN(tags);
	RUN(patients);
	RUN(merges);
	RUN(splits);
	RUN(deletions);
	RUN(anew);
	index_writer_close(&w);
	index_reader_close(&rd);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) ? 1 : t_done();
}

#include <stdlib.h>
#include <unistd.h>

#include "db/index.h"
#include "db/index_reader.h"
#include "pacs/base/bounds.h"
#include "tests/lib/t.h"

static char dir[] = "/tmp/index_test.XXXXXX";
static struct why why;
static struct index_writer *w;
static struct index_reader *rd;

#define DIGEST_A "00112233445566778899aabbccddeeff"
#define DIGEST_B "ffeeddccbbaa99887766554433221100"

static struct index_record record(const char *study, const char *series, const char *sop, uint64_t oid)
{
	return (struct index_record){
		.patient_id = "P1", .issuer = "", .patient_name = "ZHANG^SAN", .birth_date = "19700101", .sex = "M",
		.study_uid = study, .study_date = "20260301", .study_time = "081530.000000", .accession = "A1", .study_id = "S1",
		.study_description = "chest", .referring = "", .series_uid = series, .modality = "DX", .series_number = "1",
		.series_description = "pa", .body_part = "CHEST", .protocol = "", .station = "", .institution = "", .series_date = "", .series_time = "",
		.sop_uid = sop, .sop_class = "1.2.840.10008.5.1.4.1.1.1.1", .instance_number = "1", .content_date = "", .content_time = "",
		.rows = 10, .columns = 20, .frames = 1, .bits = 16, .ts = "1.2.840.10008.1.2.1", .oid = oid, .size = 1000, .dataset_at = 300,
		.digest = DIGEST_A, .pixel_digest = "", .calling = "CR1", .address = "10.0.0.1:4711", .charset_how = "ascii",
		.received_ms = 1000 + (int64_t)oid, .header = BYTES("header bytes"), .header_encoding = 1,
	};
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

static uint64_t add(struct index_record r)
{
	uint64_t id = 0;
	int64_t seq;
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_add(w, &r, &id, &seq, &why), why);
	CHECK_OK(index_commit(w, &why), why);
	return id;
}

static struct index_counts counts(void)
{
	struct index_counts c = { 0 };
	CHECK_OK(index_counts(rd, &c, &why), why);
	return c;
}

static struct index_study study(const char *uid)
{
	struct index_study s;
	memset(&s, 0, sizeof(s));
	CHECK_OK(index_study_get(rd, uid, &s, &why), why);
	return s;
}

TEST(round, "an instance is found by its row and its UID as it was added, header included")
{
	struct index_instance i;
	uint8_t *h;
	size_t len;
	int enc;
	fresh();
	uint64_t id = add(record("1.2", "1.2.1", "1.2.1.1", 7));
	CHECK_OK(index_get_by_uid(rd, "1.2.1.1", &i, &why), why);
	CHECK_INT(i.instance, id);
	CHECK_INT(i.oid, 7);
	CHECK_INT(i.size, 1000);
	CHECK_INT(i.dataset_at, 300);
	CHECK_STR(i.digest, DIGEST_A);
	CHECK_STR(i.received_digest, DIGEST_A);
	CHECK_STR(i.pixel_digest, "");
	CHECK_STR(i.study_uid.s, "1.2");
	CHECK_STR(i.series_uid.s, "1.2.1");
	CHECK_STR(i.sop_class.s, "1.2.840.10008.5.1.4.1.1.1.1");
	CHECK_STR(i.ts.s, "1.2.840.10008.1.2.1");
	CHECK_OK(index_header(rd, id, &h, &len, &enc, &why), why);
	CHECK(len == 12 && !memcmp(h, "header bytes", 12));
	CHECK_INT(enc, 1);
	free(h);
	CHECK_INT(index_get(rd, id + 1, &i, &why), ERR_NOT_FOUND);
	CHECK_INT(index_get_by_uid(rd, "9", &i, &why), ERR_NOT_FOUND);
	CHECK_INT(index_header(rd, id + 1, &h, &len, &enc, &why), ERR_NOT_FOUND);
}

TEST(twice, "a SOP Instance UID that is there is ERR_EXISTS and leaves nothing, not even a study")
{
	uint64_t id;
	int64_t seq;
	fresh();
	add(record("1.2", "1.2.1", "1.2.1.1", 7));
	struct index_record r = record("1.9", "1.9.1", "1.2.1.1", 8);
	CHECK_OK(index_begin(w, &why), why);
	CHECK_INT(index_add(w, &r, &id, &seq, &why), ERR_EXISTS);
	CHECK_OK(index_commit(w, &why), why);
	CHECK_INT(counts().studies, 1);
	CHECK_INT(counts().instances, 1);
}

TEST(counted, "counts of study and series are those of their instances, over commits and evictions")
{
	char su[32], se[32], so[48];
	fresh();
	CHECK_OK(index_begin(w, &why), why);
	for (int i = 0; i < 2000; i++) {         /* more studies than the cache has slots; each is met again and again */
		uint64_t id;
		int64_t seq;
		snprintf(su, sizeof(su), "1.%d", i % 500);
		snprintf(se, sizeof(se), "1.%d.%d", i % 500, i % 1000);
		snprintf(so, sizeof(so), "1.%d.%d", i % 500, 10000 + i);
		struct index_record r = record(su, se, so, 100 + (uint64_t)i);
		CHECK_OK(index_add(w, &r, &id, &seq, &why), why);
		if (i % 700 == 699) {
			CHECK_OK(index_commit(w, &why), why);
			CHECK_OK(index_begin(w, &why), why);
		}
	}
	CHECK_OK(index_commit(w, &why), why);
	CHECK_INT(counts().studies, 500);
	CHECK_INT(counts().series, 1000);
	CHECK_INT(counts().instances, 2000);
	CHECK_INT(counts().bytes, 2000 * 1000);
	CHECK_INT(counts().patients, 1);
	struct index_study s = study("1.77");
	CHECK_INT(s.instances, 4);
	CHECK_INT(s.series, 2);
	CHECK_INT(s.bytes, 4000);
	CHECK_INT(s.first_received_ms, 1000 + 100 + 77);
	CHECK_INT(s.last_received_ms, 1000 + 100 + 1577);
	sqlite3_stmt *st = NULL;
	CHECK_OK(sql_prepare(index_reader_db(rd), "SELECT count(*) FROM series se WHERE instances <> (SELECT count(*) FROM instance WHERE series = se.id)"
	                     " OR bytes <> (SELECT sum(size) FROM instance WHERE series = se.id)", &st, &why), why);
	CHECK_OK(sql_step(st, &why), why);
	CHECK_INT(sql_int(st, 0), 0);
	sqlite3_finalize(st);
}

TEST(rolled_back, "after a rollback nothing of it is remembered")
{
	uint64_t id;
	int64_t seq;
	fresh();
	struct index_record r = record("1.2", "1.2.1", "1.2.1.1", 7);
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_add(w, &r, &id, &seq, &why), why);
	index_rollback(w);
	index_rollback(w);
	CHECK_INT(counts().studies, 0);
	add(record("1.2", "1.2.1", "1.2.1.2", 8));
	CHECK_INT(counts().studies, 1);
	CHECK_INT(study("1.2").instances, 1);
	struct index_instance i;
	CHECK_INT(index_get_by_uid(rd, "1.2.1.1", &i, &why), ERR_NOT_FOUND);
}

TEST(other_patient, "a study under another patient keeps its first one; the instance is kept and marked")
{
	fresh();
	add(record("1.2", "1.2.1", "1.2.1.1", 7));
	struct index_record r = record("1.2", "1.2.1", "1.2.1.2", 8);
	r.patient_id = "P2";
	add(r);
	CHECK_INT(counts().conflicts, 1);
	CHECK_INT(counts().patients, 1);
	CHECK_STR(study("1.2").patient_id, "P1");
	CHECK_INT(study("1.2").instances, 2);
	fresh();                                 /* also when the study is not in the cache */
	add(record("1.2", "1.2.1", "1.2.1.1", 7));
	index_writer_close(&w);
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	r.patient_id = "P1";
	r.issuer = "elsewhere";
	add(r);
	CHECK_INT(counts().conflicts, 1);
}

TEST(other_study, "a series UID in two studies is two series and a mark")
{
	fresh();
	add(record("1.2", "1.5", "1.2.1.1", 7));
	add(record("1.3", "1.5", "1.2.1.2", 8));
	add(record("1.3", "1.5", "1.2.1.3", 9));
	CHECK_INT(counts().series, 2);
	CHECK_INT(counts().conflicts, 1);
	CHECK_INT(study("1.2").instances, 1);
	CHECK_INT(study("1.3").instances, 2);
}

TEST(nameless, "people without a Patient ID are not taken for one another, nor is another person with the same ID unmarked")
{
	fresh();
	struct index_record r = record("1.2", "1.2.1", "1.2.1.1", 7);
	r.patient_id = "";
	add(r);
	r = record("1.3", "1.3.1", "1.3.1.1", 8);
	r.patient_id = "";
	add(r);
	CHECK_INT(counts().patients, 2);
	CHECK_INT(counts().conflicts, 0);
	add(record("1.4", "1.4.1", "1.4.1.1", 9));
	r = record("1.5", "1.5.1", "1.5.1.1", 10);
	r.patient_name = "\xE5\xBC\xA0\xE4\xB8\x89";     /* the same person in Han: same birth date */
	add(r);
	CHECK_INT(counts().conflicts, 0);
	r = record("1.6", "1.6.1", "1.6.1.1", 11);
	r.patient_name = "LI^SI";
	r.birth_date = "19900909";
	add(r);
	CHECK_INT(counts().conflicts, 1);
	CHECK_INT(counts().patients, 3);
}

TEST(modalities, "modalities of a study are its series', sorted, each once; empty fields are filled by later series")
{
	static const char *const order[] = { "US", "DX", "PR", "US", "", "A", "ZZ", "DX" };
	char se[16], so[16];
	fresh();
	for (size_t i = 0; i < NELEM(order); i++) {
		snprintf(se, sizeof(se), "1.2.%zu", i);
		snprintf(so, sizeof(so), "1.3.%zu", i);
		struct index_record r = record("1.2", se, so, 10 + i);
		r.modality = order[i];
		if (i < 2)
			r.accession = r.study_date = r.study_time = "";
		add(r);
	}
	CHECK_STR(study("1.2").modalities, "A\\DX\\PR\\US\\ZZ");
	CHECK_STR(study("1.2").accession, "A1");
	CHECK_STR(study("1.2").study_date, "20260301");
	CHECK_STR(study("1.2").study_time, "081530.000000");
	CHECK_STR(study("1.2").calling, "CR1");
}

TEST(replaced, "a replacement moves the file, keeps the received digest, leaves the old file as garbage")
{
	struct index_instance i;
	uint64_t oid;
	fresh();
	uint64_t id = add(record("1.2", "1.2.1", "1.2.1.1", 7));
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_replace(w, id, 7, 9, 400, 310, "1.2.840.10008.1.2.4.90", DIGEST_B, DIGEST_A, &why), why);
	CHECK_OK(index_commit(w, &why), why);
	CHECK_OK(index_get(rd, id, &i, &why), why);
	CHECK_INT(i.oid, 9);
	CHECK_INT(i.size, 400);
	CHECK_STR(i.ts.s, "1.2.840.10008.1.2.4.90");
	CHECK_STR(i.received_digest, DIGEST_A);
	CHECK_STR(i.digest, DIGEST_B);
	CHECK_STR(i.pixel_digest, DIGEST_A);
	CHECK_INT(study("1.2").bytes, 400);
	CHECK(index_has_oid(w, 9) && !index_has_oid(w, 7));
	CHECK_OK(index_garbage_next(w, &oid, &why), why);
	CHECK_INT(oid, 7);
	CHECK_OK(index_garbage_done(w, oid, &why), why);
	CHECK_INT(index_garbage_next(w, &oid, &why), ERR_END);
	CHECK_OK(index_begin(w, &why), why);
	CHECK_INT(index_replace(w, id, 7, 10, 1, 1, "1.2", "", "", &why), ERR_CONFLICT);
	index_rollback(w);
	CHECK_OK(index_max_oid(w, &oid, &why), why);
	CHECK_INT(oid, 9);
}

TEST(content, "new content of a known UID becomes current, with its header; the old file is named by the conflict")
{
	struct index_instance i;
	uint8_t *h;
	size_t len;
	int enc;
	int64_t seq;
	fresh();
	uint64_t id = add(record("1.2", "1.2.1", "1.2.1.1", 7));
	struct index_record old = record("1.2", "1.2.1", "1.2.1.1", 7), r = record("1.2", "1.2.1", "1.2.1.1", 8);
	r.digest = DIGEST_B;
	r.header = BYTES("another");
	r.size = 50;
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_new_content(w, id, 7, &r, &why), why);
	CHECK_OK(index_add_conflict(w, id, 7, &old, "test", &why), why);
	CHECK_OK(index_add_arrival(w, id, ARRIVAL_NEW_CONTENT, &seq, &why), why);
	CHECK_OK(index_commit(w, &why), why);
	CHECK_OK(index_get(rd, id, &i, &why), why);
	CHECK_INT(i.oid, 8);
	CHECK_STR(i.received_digest, DIGEST_B);
	CHECK_INT(study("1.2").bytes, 50);
	CHECK(index_has_oid(w, 7) && index_has_oid(w, 8));
	CHECK_OK(index_header(rd, id, &h, &len, &enc, &why), why);
	CHECK(len == 7 && !memcmp(h, "another", 7));
	free(h);
	CHECK_INT(seq, 2);
}

TEST(arrivals, "arrivals come in order of seq, after the cursor, at most as many as asked")
{
	struct index_arrival a[8];
	char so[16];
	size_t n;
	fresh();
	for (int i = 0; i < 5; i++) {
		snprintf(so, sizeof(so), "1.3.%d", i);
		add(record("1.2", "1.2.1", so, 10 + (uint64_t)i));
	}
	CHECK_OK(index_arrivals(rd, 0, a, 8, &n, &why), why);
	CHECK_INT(n, 5);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(a[i].seq, i + 1);
	CHECK_STR(a[4].what.sop_uid.s, "1.3.4");
	CHECK_STR(a[4].calling, "CR1");
	CHECK_STR(a[4].modality, "DX");
	CHECK_STR(a[4].body_part, "CHEST");
	CHECK_INT(a[4].received_ms, 1014);
	CHECK_OK(index_arrivals(rd, 3, a, 1, &n, &why), why);
	CHECK_INT(n, 1);
	CHECK_INT(a[0].seq, 4);
	CHECK_OK(index_arrivals(rd, 5, a, 8, &n, &why), why);
	CHECK_INT(n, 0);
}

static char listed[256];
static bool list(void *arg, const struct index_study *s)
{
	(void)arg;
	snprintf(listed + strlen(listed), sizeof(listed) - strlen(listed), "%s ", s->study_uid.s);
	return strcmp(s->study_uid.s, "1.3") != 0;
}

TEST(lists, "studies are listed newest first, by each filter, until the caller has enough")
{
	fresh();
	struct index_record r = record("1.2", "1.2.1", "1.2.1.1", 7);
	add(r);
	r = record("1.3", "1.3.1", "1.3.1.1", 8);
	r.study_date = "20260102";
	r.accession = "A2";
	add(r);
	r = record("1.4", "1.4.1", "1.4.1.1", 9);
	r.study_date = "20260305";
	r.patient_id = "P9";
	add(r);
	r = record("1.5", "1.5.1", "1.5.1.1", 10);
	r.study_date = "20250101";
	add(r);
	static const struct { struct index_study_filter filter; unsigned limit; const char *want; } cases[] = {
		{ { .patient_id = "" }, 0, "1.4 1.2 1.3 " },
		{ { .patient_id = NULL }, 2, "1.4 1.2 " },
		{ { .patient_id = "P1" }, 0, "1.2 1.3 " },
		{ { .accession = "A2" }, 0, "1.3 " },
		{ { .from_date = "20260301" }, 0, "1.4 1.2 " },
		{ { .from_date = "20250101", .to_date = "20250131" }, 0, "1.5 " },
		{ { .patient_id = "P1", .accession = "A1", .from_date = "20260301", .to_date = "20260301" }, 5, "1.2 " },
		{ { .patient_name = "zhang*" }, 0, "1.4 1.2 1.3 " },
		{ { .patient_name = "zs", .pinyin = true }, 1, "1.4 " },
		{ { .patient_name = "zs" }, 0, "" },
		{ { .patient_name = "li*", .pinyin = true }, 0, "" },
		{ { .patient_name = "*" }, 1, "1.4 " },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		listed[0] = '\0';
		CHECK_OK(index_study_list(rd, &cases[i].filter, cases[i].limit, list, NULL, &why), why);
		CHECK_STR(listed, cases[i].want);
	}
}

/* ---- what senders declare ---- */

static char text_seen[1024];
static bool text_row(void *arg, const struct index_text *t)
{
	size_t n = strlen(text_seen);
	(void)arg;
	snprintf(text_seen + n, sizeof(text_seen) - n, "%s %s/%s %s>%s %llu/%llu %s;", t->calling, t->said, t->how, t->declared, t->found,
	         (unsigned long long)t->objects, (unsigned long long)t->studies, t->study_uid.s);
	return true;
}

static const char *texts(const char *calling, int since)
{
	text_seen[0] = '\0';
	CHECK_OK(index_text_list(rd, calling, since, text_row, NULL, &why), why);
	return text_seen;
}

TEST(text_seen, "what senders declare and send is counted by case, a study once, and not when it is rolled back")
{
	struct index_record r;
	uint64_t id;
	int64_t seq, day = 24 * 3600 * 1000;
	fresh();
	for (unsigned n = 0; n < 3; n++) {
		char sop[32];
		snprintf(sop, sizeof(sop), "1.2.1.%u", n + 1);
		r = record("1.2", "1.2.1", sop, n + 1);
		r.charset_said = "false", r.charset_how = "detected", r.charset_declared = "ISO_IR 100", r.charset_found = "GB18030";
		r.received_ms = 100 * day + n;
		add(r);
	}
	CHECK_STR(texts("", 0), "CR1 false/detected ISO_IR 100>GB18030 3/1 1.2;");
	/* Many cases at once: those that share a place in the cache go out and come again. */
	CHECK_OK(index_begin(w, &why), why);
	for (unsigned n = 0; n < 200; n++) {
		char study[32], series[32], sop[32], calling[17];
		snprintf(study, sizeof(study), "2.%u", n);
		snprintf(series, sizeof(series), "2.%u.1", n);
		snprintf(sop, sizeof(sop), "2.%u.1.1", n);
		snprintf(calling, sizeof(calling), "AE%u", n % 100);
		r = record(study, series, sop, 100 + n);
		r.calling = calling, r.charset_said = "right", r.charset_how = "ascii", r.charset_declared = "", r.charset_found = "";
		r.received_ms = 200 * day;
		CHECK_OK(index_add(w, &r, &id, &seq, &why), why);
	}
	CHECK_OK(index_commit(w, &why), why);
	CHECK_STR(texts("AE7", 0), "AE7 right/ascii > 2/2 2.107;");
	CHECK_STR(texts("CR1", 19700601), "");
	CHECK_STR(texts("AE99", 19700601), "AE99 right/ascii > 2/2 2.199;");
	CHECK_OK(index_begin(w, &why), why);
	r = record("3.1", "3.1.1", "3.1.1.1", 999);
	r.charset_said = "nothing", r.charset_how = "latin1", r.charset_declared = "", r.charset_found = "ISO_IR 100";
	CHECK_OK(index_add(w, &r, &id, &seq, &why), why);
	index_rollback(w);
	add(record("3.2", "3.2.1", "3.2.1.1", 1000));
	CHECK_STR(texts("CR1", 0), "CR1 false/detected ISO_IR 100>GB18030 3/1 1.2;");
}

static int unknown_seen;
static struct index_unknown unknown_last;
static bool unknown(void *arg, const struct index_unknown *u)
{
	(void)arg;
	unknown_seen++;
	if (!strcmp(u->calling, "LAST"))
		unknown_last = *u;
	return true;
}

TEST(unknown_callers, "unknown callers are counted, forgotten when asked, and bounded")
{
	char aet[17];
	fresh();
	CHECK_OK(index_begin(w, &why), why);
	for (int i = 0; i < BOUND_PENDING_AE + 50; i++) {
		snprintf(aet, sizeof(aet), "AE%d", i);
		CHECK_OK(index_note_unknown(w, aet, "PACS", "10.0.0.9:1", &why), why);
	}
	CHECK_OK(index_note_unknown(w, aet, "PACS", "[fe80::1]:2", &why), why);
	CHECK_OK(index_commit(w, &why), why);
	unknown_seen = 0;
	CHECK_OK(index_unknown_list(rd, unknown, NULL, &why), why);
	CHECK_INT(unknown_seen, BOUND_PENDING_AE);
	CHECK_OK(index_forget_unknown(w, aet, &why), why);
	CHECK_OK(index_note_unknown(w, "LAST", "PACS", "[fe80::1]:2", &why), why);
	CHECK_OK(index_note_unknown(w, "LAST", "PACS2", "[fe80::2]:3", &why), why);
	unknown_seen = 0;
	CHECK_OK(index_unknown_list(rd, unknown, NULL, &why), why);
	CHECK_INT(unknown_seen, BOUND_PENDING_AE);
	CHECK_STR(unknown_last.calling, "LAST");
	CHECK_STR(unknown_last.called, "PACS2");
	CHECK_STR(unknown_last.address, "[fe80::2]");
	CHECK_INT(unknown_last.count, 2);
}

TEST(alone, "a reader works when no writer has the file open, and says so when there is no file")
{
	fresh();
	add(record("1.2", "1.2.1", "1.2.1.1", 7));
	index_writer_close(&w);
	index_reader_close(&rd);
	CHECK_OK(index_reader_open(dir, &rd, &why), why);
	CHECK_INT(counts().instances, 1);
	index_reader_close(&rd);
	CHECK_INT(index_reader_open("/nonexistent", &rd, &why), ERR_NOT_FOUND);
	CHECK(!rd);
}

int main(void)
{
	CHECK(mkdtemp(dir));
	RUN(round);
	RUN(twice);
	RUN(counted);
	RUN(rolled_back);
	RUN(other_patient);
	RUN(other_study);
	RUN(nameless);
	RUN(modalities);
	RUN(replaced);
	RUN(content);
	RUN(arrivals);
	RUN(lists);
	RUN(text_seen);
	RUN(unknown_callers);
	RUN(alone);
	fresh();
	index_writer_close(&w);
	index_reader_close(&rd);
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	return t_done();
}

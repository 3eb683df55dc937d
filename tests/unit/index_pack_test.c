#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/header_pack.h"
#include "db/index_reader.h"
#include "db/query.h"
#include "db/schema.h"
#include "tests/lib/t.h"

static char dir[] = "/tmp/index_pack_test.XXXXXX";
static struct why why;

static void clear(void)
{
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "rm -f %s/*", dir);
	CHECK_INT(system(cmd), 0);
}

static int64_t one_int(sqlite3 *db, const char *sql)
{
	int64_t v = -1;
	CHECK_OK(sql_number(db, &why, &v, sql, ""), why);
	return v;
}

/* ---- headers ---- */

static struct index_record record(unsigned n, const char *calling, struct bytes header, char sop[32])
{
	snprintf(sop, 32, "1.2.3.%u", n);
	return (struct index_record){
		.patient_id = "P1", .issuer = "", .patient_name = "ZHANG^SAN", .birth_date = "", .sex = "", .study_uid = "1.2", .study_date = "", .study_time = "",
		.accession = "", .study_id = "", .study_description = "", .referring = "", .series_uid = "1.2.3", .modality = "DX", .series_number = "",
		.series_description = "", .body_part = "", .protocol = "", .station = "", .institution = "", .series_date = "", .series_time = "", .sop_uid = sop,
		.sop_class = "1.2.840.10008.5.1.4.1.1.1.1", .instance_number = "", .content_date = "", .content_time = "", .ts = "1.2.840.10008.1.2.1", .oid = n,
		.digest = "", .pixel_digest = "", .calling = calling, .address = "a", .charset_how = "ascii", .header = header, .header_encoding = 1,
	};
}

/* A header of 3 kB of which little differs; another kind differs in everything. */
static struct bytes make_header(uint8_t out[3000], unsigned kind, unsigned n)
{
	uint32_t r = kind * 7919 + 1;
	for (size_t i = 0; i < 3000; i++) {
		r = r * 1103515245 + 12345;
		out[i] = (uint8_t)(r >> 16);
	}
	memcpy(out + 100, &n, sizeof(n));
	return bytes_of(out, 3000);
}

static void add(struct index_writer *w, unsigned n, const char *calling, unsigned kind)
{
	uint8_t h[3000];
	char sop[32];
	uint64_t id;
	int64_t seq;
	struct index_record r = record(n, calling, make_header(h, kind, n), sop);
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_add(w, &r, &id, &seq, &why), why);
	CHECK_OK(index_commit(w, &why), why);
	CHECK_INT(id, n);
}

static void check_header(struct index_reader *r, unsigned n, unsigned kind)
{
	uint8_t want[3000], *got;
	size_t len;
	int encoding;
	make_header(want, kind, n);
	CHECK_OK(index_header(r, n, &got, &len, &encoding, &why), why);
	CHECK(got && len == sizeof(want) && !memcmp(got, want, len));
	free(got);
}

TEST(packed, "headers of one machine are kept as what differs, and come back as they were")
{
	struct index_writer *w;
	struct index_reader *r;
	clear();
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	for (unsigned n = 1; n <= 40; n++)
		add(w, n, n % 2 ? "A" : "B", n % 2);
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	for (unsigned n = 1; n <= 40; n++)
		check_header(r, n, n % 2);
	CHECK_INT(one_int(index_reader_db(r), "SELECT count(*) FROM header_ref"), 2);
	CHECK(one_int(index_reader_db(r), "SELECT max(length(z)) FROM header") < 100);
	/* The writer begins anew: the references are found again. */
	index_writer_close(&w);
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	add(w, 41, "A", 1);
	check_header(r, 41, 1);
	CHECK_INT(one_int(index_reader_db(r), "SELECT count(*) FROM header_ref"), 2);
	index_reader_close(&r);
	index_writer_close(&w);
}

TEST(stale, "a machine whose headers fit no longer gets a new reference, once")
{
	struct index_writer *w;
	struct index_reader *r;
	clear();
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	add(w, 1, "A", 0);
	for (unsigned n = 2; n <= 200; n++)
		add(w, n, "A", 5);
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_INT(one_int(index_reader_db(r), "SELECT count(*) FROM header_ref"), 2);
	CHECK(one_int(index_reader_db(r), "SELECT length(z) FROM header WHERE instance = 200") < 100);
	check_header(r, 1, 0);
	check_header(r, 60, 5);
	check_header(r, 200, 5);
	index_reader_close(&r);
	index_writer_close(&w);
}

TEST(rolled_back, "a reference that was rolled back is forgotten")
{
	struct index_writer *w;
	struct index_reader *r;
	uint8_t h[3000];
	char sop[32];
	uint64_t id;
	int64_t seq;
	clear();
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	struct index_record rec = record(1, "A", make_header(h, 3, 1), sop);
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_add(w, &rec, &id, &seq, &why), why);
	index_rollback(w);
	add(w, 1, "A", 4);
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	check_header(r, 1, 4);
	index_reader_close(&r);
	index_writer_close(&w);
}

/* ---- an index of the version before ---- */

static unsigned ask(struct index_reader *r, const char *tag_and_value, uint32_t tag)
{
	struct arena a;
	struct query *q;
	struct query_options o = { .root = QUERY_STUDY_ROOT };
	struct dataset *answer;
	bool unsupported;
	unsigned n = 0;
	arena_init(&a, 4 << 20);
	struct dataset *ds = dataset_new(&a);
	CHECK_INT(dataset_put_str(ds, TAG_QUERY_LEVEL, "STUDY"), 0);
	CHECK_INT(dataset_put_str(ds, tag, tag_and_value), 0);
	CHECK_OK(query_open(r, ds, &o, &q, &why), why);
	while (!query_next(q, &a, &answer, &unsupported, &why))
		n++;
	query_close(&q);
	arena_fini(&a);
	return n;
}

TEST(migrated, "an index of version 2 gets its packed columns and keeps its headers")
{
	struct sql_schema old = index_schema;
	struct index_writer *w;
	struct index_reader *r;
	sqlite3 *db;
	char path[128], sql[512], z[256];
	uint8_t *h;
	size_t len;
	int encoding;
	old.step_count = 2;
	clear();
	snprintf(path, sizeof(path), "%s/" INDEX_FILE, dir);
	CHECK_OK(sql_open_writer(path, &old, &db, &why), why);
	CHECK_OK(sql_exec(db, "INSERT INTO term VALUES(1,'x')", &why), why);
	for (int i = 1; i <= 200; i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO patient VALUES(%d,'P%d','','','N%d','n%d','','')", i, i, i, i);
		CHECK_OK(sql_exec(db, sql, &why), why);
		snprintf(sql, sizeof(sql), "INSERT INTO study VALUES(%d,%d,'1.%d','20260301','','A%d','S%d','text %d','LI^SI','CT','','','','ascii',1,1,1,0,0)", i, i, i, i, i, i);
		CHECK_OK(sql_exec(db, sql, &why), why);
		snprintf(sql, sizeof(sql), "INSERT INTO series VALUES(%d,%d,'1.%d.1','CT','','','','','','','','',1,1)", i, i, i);
		CHECK_OK(sql_exec(db, sql, &why), why);
	}
	size_t packed = ZSTD_compress(z, sizeof(z), "old header", 10, 1);
	sqlite3_stmt *st;
	CHECK_OK(sql_prepare(db, "INSERT INTO header VALUES(1,1,?)", &st, &why), why);
	sql_bind_blob(st, 1, bytes_of(z, packed));
	CHECK_OK(sql_run(st, &why), why);
	sql_finalize_all(&st, 1);
	sql_close(&db);
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_header(r, 1, &h, &len, &encoding, &why), why);
	CHECK(len == 10 && !memcmp(h, "old header", 10));
	free(h);
	CHECK_INT(ask(r, "*199", TAG_PATIENT_NAME), 1);
	CHECK_INT(ask(r, "*t 65", TAG(0x0008, 0x1030)), 1);
	CHECK_INT(ask(r, "*I^S?", TAG(0x0008, 0x0090)), 200);
	CHECK_INT(ask(r, "CT", TAG_MODALITIES_IN_STUDY), 200);
	CHECK_INT(ask(r, "US", TAG_MODALITIES_IN_STUDY), 0);
	index_writer_close(&w);
	/* What comes behind them in the same packed row stands on a line of its own. */
	CHECK_OK(sql_open_writer(path, &index_schema, &db, &why), why);
	CHECK_OK(sql_exec(db, "INSERT INTO patient VALUES(201,'P201','','','N201','n201','','');"
	                      "INSERT INTO study VALUES(201,201,'1.201','','','A201','','text 201','','','','','','ascii',1,1,1,0,0,0)", &why), why);
	CHECK_INT(ask(r, "*200", TAG_PATIENT_NAME), 1);
	CHECK_INT(ask(r, "*200", TAG_ACCESSION_NUMBER), 1);
	CHECK_INT(ask(r, "?201", TAG_PATIENT_NAME), 1);
	sql_close(&db);
	index_reader_close(&r);
}

TEST(changed, "what is renamed, dated or deleted is found as it is now")
{
	struct index_writer *w;
	struct index_reader *r;
	sqlite3 *db;
	char path[128];
	clear();
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	for (unsigned n = 1; n <= 3; n++)
		add(w, n, "A", 0);
	index_writer_close(&w);
	snprintf(path, sizeof(path), "%s/" INDEX_FILE, dir);
	CHECK_OK(sql_open_writer(path, &index_schema, &db, &why), why);
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_INT(ask(r, "*G^S*", TAG_PATIENT_NAME), 1);
	CHECK_OK(sql_exec(db, "UPDATE patient SET name='LI^WU', name_fold='li^wu', patient_id='Q77'", &why), why);
	CHECK_INT(ask(r, "*G^S*", TAG_PATIENT_NAME), 0);
	CHECK_INT(ask(r, "*I^W?", TAG_PATIENT_NAME), 1);
	CHECK_INT(ask(r, "*77", TAG_PATIENT_ID), 1);
	CHECK_OK(sql_exec(db, "UPDATE study SET description='right knee', study_date='20260101'", &why), why);
	CHECK_INT(ask(r, "*knee", TAG(0x0008, 0x1030)), 1);
	CHECK_INT(one_int(db, "SELECT count(*) FROM study_modality WHERE study_date='20260101'"), 1);
	CHECK_OK(sql_exec(db, "UPDATE series SET modality='US'", &why), why);
	CHECK_INT(ask(r, "DX", TAG_MODALITIES_IN_STUDY), 0);
	CHECK_INT(ask(r, "US", TAG_MODALITIES_IN_STUDY), 1);
	CHECK_OK(sql_exec(db, "INSERT INTO patient VALUES(2,'P9','','','X','x','','')", &why), why);
	CHECK_INT(ask(r, "*I^WU", TAG_PATIENT_NAME), 1);
	CHECK_OK(sql_exec(db, "DELETE FROM series", &why), why);
	CHECK_INT(one_int(db, "SELECT count(*) FROM study_modality"), 0);
	sql_close(&db);
	index_reader_close(&r);
}

int main(void)
{
	char cmd[64];
	if (!mkdtemp(dir))
		return 1;
	RUN(packed);
	RUN(stale);
	RUN(rolled_back);
	RUN(migrated);
	RUN(changed);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) ? 1 : t_done();
}

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "db/sql.h"
#include "db/sql_cache.h"
#include "tests/lib/t.h"

static const char *const two_steps[] = {
	"CREATE TABLE a(id INTEGER PRIMARY KEY, t TEXT UNIQUE, b BLOB)",
	"ALTER TABLE a ADD COLUMN more INTEGER NOT NULL DEFAULT 7; CREATE TABLE c(x)",
};
static const char *const broken_steps[] = { "CREATE TABLE a(id INTEGER PRIMARY KEY, t TEXT UNIQUE, b BLOB)", "CREATE TABLE c(x); CREATE TABLE c(x)" };
static const struct sql_schema v1 = { "test", 0x1234, two_steps, 1, NULL }, v2 = { "test", 0x1234, two_steps, 2, NULL },
                               broken = { "test", 0x1234, broken_steps, 2, NULL }, other = { "other", 0x9999, two_steps, 1, NULL };

static char dir[] = "/tmp/sql_test.XXXXXX";
static char path[64];

static void fresh(void)
{
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "rm -f %s/*", dir);
	CHECK_INT(system(cmd), 0);
	snprintf(path, sizeof(path), "%s/t.db", dir);
}

static int64_t one_int(sqlite3 *db, const char *sql)
{
	struct why why = { "" };
	int64_t v = -1;
	CHECK_OK(sql_number(db, &why, &v, sql, ""), why);
	return v;
}

TEST(migrates, "an old file is brought up to date and keeps its rows")
{
	struct why why = { "" };
	sqlite3 *db;
	fresh();
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	CHECK_OK(sql_exec(db, "INSERT INTO a(t) VALUES('x')", &why), why);
	CHECK_INT(one_int(db, "PRAGMA user_version"), 1);
	sql_close(&db);
	CHECK_OK(sql_open_writer(path, &v2, &db, &why), why);
	CHECK_INT(one_int(db, "PRAGMA user_version"), 2);
	CHECK_INT(one_int(db, "SELECT more FROM a WHERE t = 'x'"), 7);
	CHECK_INT(one_int(db, "PRAGMA synchronous"), 2);
	sql_close(&db);
}

TEST(broken, "a migration step that fails leaves the version and the tables before it")
{
	struct why why = { "" };
	sqlite3 *db;
	fresh();
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	sql_close(&db);
	CHECK(sql_open_writer(path, &broken, &db, &why) != ERR_OK);
	CHECK(!db);
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	CHECK_INT(one_int(db, "SELECT count(*) FROM sqlite_master WHERE name = 'c'"), 0);
	sql_close(&db);
}

TEST(newer, "a file of a newer program is refused with both versions and is not touched")
{
	struct why why = { "" };
	sqlite3 *db;
	fresh();
	CHECK_OK(sql_open_writer(path, &v2, &db, &why), why);
	sql_close(&db);
	CHECK_INT(sql_open_writer(path, &v1, &db, &why), ERR_VERSION);
	CHECK(strstr(why.text, "version 2") && strstr(why.text, "up to 1"));
	CHECK_INT(sql_open_reader(path, &v1, &db, &why), ERR_VERSION);
	CHECK_OK(sql_open_reader(path, &v2, &db, &why), why);
	CHECK_INT(one_int(db, "PRAGMA user_version"), 2);
	sql_close(&db);
}

TEST(foreign, "a database of another program, and a file that is none, are refused")
{
	struct why why = { "" };
	sqlite3 *db;
	fresh();
	CHECK_OK(sql_open_writer(path, &other, &db, &why), why);
	sql_close(&db);
	CHECK_INT(sql_open_writer(path, &v1, &db, &why), ERR_MISMATCH);
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_OK(sql_exec(db, "PRAGMA application_id=0; PRAGMA user_version=0", &why), why);
	sql_close(&db);
	CHECK_INT(sql_open_writer(path, &v1, &db, &why), ERR_MISMATCH);
	fresh();
	FILE *f = fopen(path, "w");
	CHECK(f && fprintf(f, "%01024d", 5) == 1024 && !fclose(f));
	CHECK_INT(sql_open_writer(path, &v1, &db, &why), ERR_FORMAT);
	fresh();
	CHECK_INT(sql_open_reader(path, &v1, &db, &why), ERR_NOT_FOUND);
	CHECK(access(path, F_OK) != 0);
}

TEST(values, "text, blobs and digests come back as they were bound; a taken key is ERR_EXISTS")
{
	struct why why = { "" };
	sqlite3 *db;
	sqlite3_stmt *st[2];
	static const char *const texts[] = { "INSERT INTO a(t, b) VALUES(?, ?)", "SELECT t, b FROM a" };
	char hex[33], cut[5];
	fresh();
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	CHECK_OK(sql_prepare_all(db, texts, 2, st, &why), why);
	for (int i = 0; i < 2; i++) {
		sql_bind_text(st[0], 1, "ab\xE5\xBC\xA0");
		sql_bind_digest(st[0], 2, "00112233445566778899aabbccddeeff");
		CHECK_INT(sql_run(st[0], &why), i ? ERR_EXISTS : ERR_OK);
	}
	sql_bind_text(st[0], 1, "short digest");
	sql_bind_digest(st[0], 2, "0011");
	CHECK_OK(sql_run(st[0], &why), why);
	CHECK_OK(sql_step(st[1], &why), why);
	sql_copy(st[1], 0, cut, sizeof(cut));
	CHECK_STR(cut, "ab");        /* four bytes would end inside a character */
	sql_digest(st[1], 1, hex);
	CHECK_STR(hex, "00112233445566778899aabbccddeeff");
	CHECK_OK(sql_step(st[1], &why), why);
	sql_digest(st[1], 1, hex);
	CHECK_STR(hex, "");
	CHECK_INT(sql_step(st[1], &why), ERR_END);
	sql_finalize_all(st, 2);
	sql_close(&db);
}

TEST(reader, "a reader cannot write")
{
	struct why why = { "" };
	sqlite3 *db, *reader;
	fresh();
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	CHECK_OK(sql_open_reader(path, &v1, &reader, &why), why);
	CHECK(sql_exec(reader, "INSERT INTO a(t) VALUES('x')", &why));
	CHECK_INT(one_int(reader, "SELECT count(*) FROM a"), 0);
	sql_close(&reader);
	sql_close(&db);
}

TEST(cache, "a statement whose use is over comes back for the same text, empty; one in use is had by nobody else; the oldest go")
{
	enum { MORE = 2 * SQL_CACHED };
	struct why why = { "" };
	sqlite3 *db, *reader;
	sqlite3_stmt *a = NULL, *b = NULL, *c = NULL, *many[MORE] = { NULL };
	static const char text[] = "SELECT count(*) FROM a WHERE t = ?1";
	fresh();
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	CHECK_OK(sql_do(db, &why, "INSERT INTO a(t) VALUES(?1)", "t", "x"), why);
	CHECK_OK(sql_ask(db, &why, &a, text, "t", "x"), why);
	CHECK_OK(sql_step(a, &why), why);
	CHECK_INT(sql_int(a, 0), 1);
	CHECK_OK(sql_prepare(db, text, &b, &why), why);
	CHECK(a != b);
	sqlite3_stmt *first = a, *second = b;
	sql_close_one(&a);           /* in the middle of its rows */
	CHECK(!a);
	/* Nothing of the first use is left: unbound, t = NULL finds no row. */
	CHECK_OK(sql_prepare(db, text, &a, &why), why);
	CHECK(a == first);
	CHECK_OK(sql_step(a, &why), why);
	CHECK_INT(sql_int(a, 0), 0);
	sql_close_one(&a);
	sql_close_one(&b);
	CHECK_OK(sql_prepare(db, text, &c, &why), why);
	CHECK(c == second);          /* the last used one first */
	sql_close_one(&c);
	/* Those of the table live on by themselves. */
	const char *const texts[] = { text };
	CHECK_OK(sql_prepare_all(db, texts, 1, &c, &why), why);
	CHECK(c != first && c != second);
	sql_finalize_all(&c, 1);
	for (unsigned i = 0; i < MORE; i++) {
		char sql[32];
		snprintf(sql, sizeof(sql), "SELECT %u", i);
		CHECK_OK(sql_prepare(db, sql, &many[i], &why), why);
	}
	for (unsigned i = 0; i < MORE; i++)
		sql_close_one(&many[i]);
	unsigned kept = 0;
	for (sqlite3_stmt *st = NULL; (st = sqlite3_next_stmt(db, st)); kept++)
		;
	CHECK_INT(kept, SQL_CACHED);
	CHECK(!sql_cache_take(db, text) && !sql_cache_take(db, "SELECT 0"));
	/* The table has changed since the text was parsed. */
	CHECK_INT(one_int(db, "SELECT count(*) FROM pragma_table_info('a')"), 3);
	CHECK_OK(sql_exec(db, "ALTER TABLE a ADD COLUMN late INTEGER", &why), why);
	CHECK_INT(one_int(db, "SELECT count(*) FROM pragma_table_info('a')"), 4);
	/* A reader has none, and works. */
	CHECK_OK(sql_open_reader(path, &v1, &reader, &why), why);
	CHECK_INT(one_int(reader, "SELECT count(*) FROM a"), 1);
	CHECK(!sqlite3_next_stmt(reader, NULL));
	sql_close(&reader);
	sql_close(&db);
}

TEST(checkpoint, "a log over the bound is copied into the file, a short one is left")
{
	struct why why = { "" };
	sqlite3 *db;
	fresh();
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	CHECK_OK(sql_exec(db, "INSERT INTO a(b) VALUES(zeroblob(200000))", &why), why);
	sql_checkpoint(db, 1 << 20);
	FILE *f = fopen(path, "r");
	CHECK(f && !fseek(f, 0, SEEK_END) && ftell(f) < 200000);
	sql_checkpoint(db, 100000);
	CHECK(!fseek(f, 0, SEEK_END) && ftell(f) > 200000);
	long size = ftell(f);
	/* The log's file is still long; what stands in it is not. */
	CHECK_OK(sql_exec(db, "INSERT INTO a(b) VALUES(zeroblob(60000))", &why), why);
	sql_checkpoint(db, 100000);
	CHECK(!fseek(f, 0, SEEK_END));
	CHECK_INT(ftell(f), size);
	fclose(f);
	sql_close(&db);
}

TEST(seen, "what is committed is whole in the log for those who read it, synced or not, small or large; what is rolled back is not seen")
{
	static const char *const modes[] = { "PRAGMA synchronous=FULL", "PRAGMA synchronous=OFF" };
	static const int sizes[] = { 10, 5000, 119000, 121000, 700000 };
	struct why why = { "" };
	sqlite3 *db, *reader;
	char insert[96];
	int64_t total = 0, rows = 0;
	fresh();
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	CHECK_OK(sql_exec(db, "PRAGMA cache_size=20", &why), why);       /* a large transaction goes to the log before its end */
	CHECK_OK(sql_open_reader(path, &v1, &reader, &why), why);
	for (size_t m = 0; m < NELEM(modes); m++) {
		CHECK_OK(sql_exec(db, modes[m], &why), why);
		for (size_t i = 0; i < NELEM(sizes); i++) {
			snprintf(insert, sizeof(insert), "INSERT INTO a(b) VALUES(randomblob(%d))", sizes[i]);
			CHECK_OK(sql_exec(db, "BEGIN IMMEDIATE", &why), why);
			CHECK_OK(sql_exec(db, insert, &why), why);
			CHECK_OK(sql_exec(db, "ROLLBACK", &why), why);
			CHECK_OK(sql_exec(db, insert, &why), why);
			total += sizes[i];
			CHECK_INT(one_int(reader, "SELECT sum(length(b)) FROM a"), total);
			CHECK_INT(one_int(reader, "SELECT count(*) FROM a"), ++rows);
			CHECK_INT(one_int(reader, "SELECT count(*) FROM pragma_quick_check WHERE quick_check = 'ok'"), 1);
		}
	}
	sql_checkpoint(db, 0);
	CHECK_INT(one_int(reader, "SELECT sum(length(b)) FROM a"), total);
	sql_close(&reader);
	sql_close(&db);
}

/* Of this process; the log may not grow beyond it. */
static void limit_files(rlim_t bytes)
{
	struct rlimit l;
	CHECK(!getrlimit(RLIMIT_FSIZE, &l));
	l.rlim_cur = bytes;
	CHECK(!setrlimit(RLIMIT_FSIZE, &l));
}

TEST(full, "what a full disk takes back is one transaction, also of one that began to go to the log; with room the next one is kept")
{
	static const int sizes[] = { 60000, 119000, 700000 };
	struct why why = { "" };
	sqlite3 *db, *reader;
	char insert[96];
	fresh();
	signal(SIGXFSZ, SIG_IGN);
	CHECK_OK(sql_open_writer(path, &v1, &db, &why), why);
	CHECK_OK(sql_exec(db, "PRAGMA cache_size=20", &why), why);
	CHECK_OK(sql_open_reader(path, &v1, &reader, &why), why);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		snprintf(insert, sizeof(insert), "INSERT INTO a(b) VALUES(randomblob(%d))", sizes[i]);
		limit_files(60000);
		CHECK_OK(sql_exec(db, "BEGIN IMMEDIATE", &why), why);
		enum err e = sql_exec(db, insert, &why);
		if (!e)
			e = sql_exec(db, "COMMIT", &why);
		CHECK(e == ERR_FULL || e == ERR_IO);
		if (!sqlite3_get_autocommit(db))
			CHECK_OK(sql_exec(db, "ROLLBACK", &why), why);
		CHECK_INT(one_int(reader, "SELECT count(*) FROM a"), i);
		limit_files(RLIM_INFINITY);
		CHECK_OK(sql_exec(db, insert, &why), why);
		CHECK_INT(one_int(reader, "SELECT count(*) FROM a"), i + 1);
		CHECK_INT(one_int(reader, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
		CHECK_OK(sql_exec(db, "PRAGMA wal_checkpoint", &why), why);
	}
	sql_close(&reader);
	sql_close(&db);
}

int main(void)
{
	CHECK(mkdtemp(dir));
	RUN(migrates);
	RUN(broken);
	RUN(newer);
	RUN(foreign);
	RUN(values);
	RUN(reader);
	RUN(cache);
	RUN(checkpoint);
	RUN(seen);
	RUN(full);
	fresh();
	rmdir(dir);
	return t_done();
}

/* What a start of ingest makes of what a crash or a power cut left. */
#include "db/schema.h"
#include "pacs/base/durable.h"
#include "tests/lib/ingest_node.h"

/* A clean end says that all is durable; a power cut leaves what the last commit said. */
static void known_durable(int64_t seq)
{
	struct index_writer *w;
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	CHECK_OK(index_begin(w, &why), why);
	CHECK_OK(index_set_durable(w, seq, &why), why);
	CHECK_OK(index_commit(w, &why), why);
	index_writer_close(&w);
}

/* Moves the stored file of A to the spool, as if the rename had not come to disk. */
static struct index_instance undo_rename(void)
{
	char spool[200];
	fresh();
	store(&A);
	struct index_instance k = instance(A.sop);
	snprintf(spool, sizeof(spool), "%s/spool/in-0000", dir);
	CHECK_INT(rename(object_path(dir, k.oid).s, spool), 0);
	known_durable(0);
	return k;
}

TEST(lost_rename, "a row that kept its commit and lost its rename gets its file back from the spool")
{
	struct index_instance k = undo_rename();
	restart();
	CHECK(object_is_whole(dir, &k));
	CHECK_INT(instance(A.sop).oid, k.oid);
	CHECK_INT(stored_files(), 1);
	CHECK_INT(counts().last_seq, 1);
	CHECK_INT(store(&A).outcome, INGEST_SAME);
}

/* A file that stands under its name without all its bytes, as if they had not come to disk. */
TEST(torn_file, "a torn file of the last round goes to quarantine; its row is marked, and mended when it is sent again")
{
	fresh();
	store(&A);
	struct index_instance k = instance(A.sop);
	int fd = open(object_path(dir, k.oid).s, O_WRONLY);
	CHECK_INT(pwrite(fd, "\0\0\0\0", 4, (off_t)k.size - 4), 4);
	close(fd);
	known_durable(0);
	restart();
	CHECK_INT(stored_files(), 0);
	CHECK_INT(files_in(dir, "quarantine"), 1);
	CHECK_INT(number("SELECT count(*) FROM damage"), 1);
	CHECK_INT(store(&A).outcome, INGEST_REPAIRED);
	CHECK_INT(number("SELECT count(*) FROM damage"), 0);
	struct index_instance now = instance(A.sop);
	CHECK(object_is_whole(dir, &now));
}

/* A file of ours under its name, of an image without a row; `bad`: this byte of the data set never came to disk. */
static void file_without_row(bool is_finished, bool is_torn)
{
	struct image im = A;
	fresh();
	start();
	finish();
	struct ingest_job *j = image_job(dir, &im, "made");
	char from[600], *bytes;
	size_t len;
	snprintf(from, sizeof(from), "%s/%s", dir, j->path);
	CHECK_OK(durable_slurp(from, 1 << 20, &bytes, &len, &why), why);
	struct part10 m = { .sop_class = j->sop_class, .sop_instance = j->sop_instance, .transfer_syntax = j->ts, .origin = { .received_ms = 1764080000123, .has_written = true } };
	if (is_finished)
		memcpy(m.origin.written_digest, j->digest, sizeof(m.origin.written_digest));
	struct buf head;
	buf_init(&head, 4096);
	CHECK_INT(part10_write(&m, &head), ERR_OK);
	buf_add(&head, bytes + j->dataset_at, len - j->dataset_at);
	if (is_torn)
		head.p[head.len - 1] ^= 1;
	CHECK_OK(durable_mkdirs(object_bucket(dir, 1).s, &why), why);
	CHECK_OK(durable_replace(object_path(dir, 1).s, head.p, head.len, 0644, &why), why);
	CHECK_INT(unlink(from), 0);
	buf_fini(&head);
	free(bytes);
	free((void *)(uintptr_t)j->header.p);
	free(j);
	restart();
}

TEST(stray_damage, "a mark of damage without an image, as an old mistake left it, is gone after a start; an image's own stays")
{
	static const char mark[] = "INSERT INTO damage VALUES(?1, 1, 'as the test has it', 1)";
	char path[200];
	sqlite3 *db;
	fresh();
	store(&A);
	int64_t known = (int64_t)instance(A.sop).instance;
	snprintf(path, sizeof(path), "%s/" INDEX_FILE, dir);
	CHECK_OK(sql_open_writer(path, &index_schema, &db, &why), why);
	CHECK_OK(sql_do(db, &why, mark, "i", known), why);
	CHECK_OK(sql_do(db, &why, mark, "i", known + 7), why);
	sql_close(&db);
	restart();
	CHECK_INT(number("SELECT count(*) FROM damage"), 1);
	CHECK_INT(number("SELECT instance FROM damage"), known);
}

TEST(torn_orphan, "a file without a row is taken in when it holds what its head says, else it goes to quarantine")
{
	static const struct { bool is_finished, is_torn; unsigned kept; } cases[] = { { true, false, 1 }, { true, true, 0 }, { false, false, 0 } };
	for (size_t i = 0; i < NELEM(cases); i++) {
		file_without_row(cases[i].is_finished, cases[i].is_torn);
		CHECK_INT(counts().instances, cases[i].kept);
		CHECK_INT(stored_files(), cases[i].kept);
		CHECK_INT(files_in(dir, "quarantine"), 1 - cases[i].kept);
	}
}

TEST(old_file, "an older file is not looked at by a start: what was acknowledged is for verify to judge")
{
	fresh();
	store(&A);
	store(&(struct image){ .study = "1.2", .series = "1.2.1", .sop = "1.2.1.2" });
	struct index_instance k = instance(A.sop);
	CHECK_INT(truncate(object_path(dir, k.oid).s, 10), 0);
	known_durable(1);        /* B alone is young */
	restart();
	CHECK_INT(stored_files(), 2);
	CHECK_INT(number("SELECT count(*) FROM damage"), 0);
}

TEST(lost_file, "a torn file is not put in a row's place; the image sent again repairs it")
{
	char spool[200];
	struct index_instance k = undo_rename();
	snprintf(spool, sizeof(spool), "%s/spool/in-0000", dir);
	int fd = open(spool, O_WRONLY);
	CHECK_INT(pwrite(fd, "x", 1, (off_t)k.size - 1), 1);
	close(fd);
	restart();
	CHECK_INT(stored_files(), 0);
	CHECK_INT(counts().instances, 1);
	CHECK_INT(unlink(spool), 0);
	CHECK_INT(store(&A).outcome, INGEST_REPAIRED);
	struct index_instance now = instance(A.sop);
	CHECK(object_is_whole(dir, &now));
}

/* ---- files without a row ---- */

/* A file under its final name that no row names. */
static void orphan(const struct image *im, uint64_t oid)
{
	struct ingest_job *j = image_job(dir, im, "orphan");
	char from[400];
	snprintf(from, sizeof(from), "%s/spool/orphan", dir);
	CHECK_OK(durable_mkdirs(object_bucket(dir, oid).s, &why), why);
	CHECK_INT(rename(from, object_path(dir, oid).s), 0);
	free((void *)(uintptr_t)j->header.p);
	free(j);
}

TEST(adopted, "a file that a crash left before its commit is adopted; one whose instance has another whole file is removed")
{
	struct image b = A, c = A;
	fresh();
	store(&A);
	b.sop = "1.2.1.2";
	orphan(&b, 2);
	c.ts = TS_IMPLICIT_LE;
	orphan(&c, 3);
	restart();
	CHECK_INT(counts().instances, 2);
	CHECK_INT(counts().last_seq, 2);
	struct index_instance i = instance("1.2.1.2");
	CHECK_INT(i.oid, 2);
	CHECK(object_is_whole(dir, &i));
	CHECK_INT(stored_files(), 2);
	c.sop = "1.2.1.3";
	CHECK_INT(store(&c).outcome, INGEST_STORED);
	CHECK_INT(store(&b).outcome, INGEST_SAME);
	restart();
	CHECK_INT(counts().instances, 3);
	CHECK_INT(stored_files(), 3);
}

TEST(adopt_repair, "an orphan of equal content takes the place of a kept file that is gone")
{
	fresh();
	store(&A);
	CHECK_INT(unlink(object_path(dir, 1).s), 0);
	orphan(&A, 2);
	restart();
	struct index_instance i = instance(A.sop);
	CHECK_INT(i.oid, 2);
	CHECK(object_is_whole(dir, &i));
}

TEST(adopt_unreadable, "an orphan that cannot be read, or ends too early, goes to quarantine")
{
	fresh();
	store(&A);
	orphan(&A, 2);
	CHECK_INT(truncate(object_path(dir, 2).s, 200), 0);
	orphan(&A, 3);
	struct stat st;
	CHECK_INT(stat(object_path(dir, 3).s, &st), 0);
	CHECK_INT(truncate(object_path(dir, 3).s, st.st_size - 4), 0);
	restart();
	CHECK_INT(stored_files(), 1);
	CHECK_INT(files_in(dir, "quarantine"), 2);
	CHECK_INT(counts().quarantined, 2);
}

TEST(rowless, "a file in quarantine without a row gets one")
{
	char path[200];
	fresh();
	snprintf(path, sizeof(path), "%s/quarantine/0000000000aa.dcm", dir);
	restart();
	snprintf(path, sizeof(path), "%s/quarantine", dir);
	CHECK_OK(durable_mkdirs(path, &why), why);
	snprintf(path, sizeof(path), "%s/quarantine/0000000000aa.dcm", dir);
	CHECK_OK(durable_replace(path, "x", 1, 0644, &why), why);
	restart();
	restart();
	CHECK_INT(counts().quarantined, 1);
}

TEST(rebuilt, "without an index all files are adopted again")
{
	char sop[24], cmd[300];
	fresh();
	start();
	for (unsigned i = 0; i < 20; i++) {
		char name[16];
		snprintf(sop, sizeof(sop), "1.9.%u", i);
		snprintf(name, sizeof(name), "x%u", i);
		submit(image_job(dir, &(struct image){ .study = "1.2", .series = "1.2.1", .sop = sop, .seed = i }, name));
	}
	finish();
	struct index_instance before = instance("1.9.7");
	snprintf(cmd, sizeof(cmd), "rm %s/index.db*", dir);
	CHECK_INT(system(cmd), 0);
	restart();
	struct index_instance after = instance("1.9.7");
	CHECK_INT(counts().instances, 20);
	CHECK_INT(counts().studies, 1);
	CHECK_INT(after.oid, before.oid);
	CHECK_STR(after.received_digest, before.received_digest);
	CHECK_INT(after.dataset_at, before.dataset_at);
}

int main(void)
{
	open_node("ingest_start_test");
	RUN(lost_rename);
	RUN(torn_file);
	RUN(stray_damage);
	RUN(torn_orphan);
	RUN(old_file);
	RUN(lost_file);
	RUN(adopted);
	RUN(adopt_repair);
	RUN(adopt_unreadable);
	RUN(rowless);
	RUN(rebuilt);
	return close_node();
}

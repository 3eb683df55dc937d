#include "db/index_reader.h"
#include "pacs/base/durable.h"
#include "pacs/dicom/part10.h"
#include "tests/lib/images.h"
#include "tests/lib/t.h"

static char dir[64];
static struct why why;
static struct loop *loop;
static struct conf *conf;
static struct ingest *ingest;

/* ---- a node that runs for a while ---- */

enum { MAX = 600 };
static struct { struct ingest_job *job; struct ingest_result r; } answers[MAX];
static unsigned submitted, answered;

static void on_done(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	size_t i = (size_t)(uintptr_t)arg;
	CHECK(!answers[i].job);
	answers[i].job = job;
	answers[i].r = *r;
	CHECK(!job->header.p);
	if (++answered == submitted)
		loop_stop(loop);
}

static void start(void)
{
	memset(answers, 0, sizeof(answers));
	submitted = answered = 0;
	CHECK_INT(loop_new(&loop), ERR_OK);
	CHECK_OK(ingest_start(loop, conf, &ingest, &why), why);
	keep_running(loop);
}

static size_t submit(struct ingest_job *j)
{
	j->done = on_done;
	j->arg = (void *)(uintptr_t)submitted;
	ingest_submit(ingest, j);
	return submitted++;
}

static void finish(void)
{
	if (answered < submitted)
		loop_run(loop);
	ingest_stop(&ingest);
	let_end();
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	CHECK_INT(answered, submitted);
	for (unsigned i = 0; i < submitted; i++)
		free(answers[i].job);
}

static struct ingest_result ingest_one(struct ingest_job *j)
{
	start();
	submit(j);
	finish();
	return answers[0].r;
}

static struct ingest_result store(const struct image *im)
{
	return ingest_one(image_job(dir, im, "x"));
}

static void fresh(void)
{
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s && mkdir -p %s/spool %s/run", dir, dir, dir);
	CHECK_INT(system(cmd), 0);
}

/* ---- what the index says ---- */

static struct index_instance instance(const char *sop)
{
	struct index_reader *r;
	struct index_instance i = { 0 };
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_get_by_uid(r, sop, &i, &why), why);
	index_reader_close(&r);
	return i;
}

static struct index_counts counts(void)
{
	struct index_reader *r;
	struct index_counts c = { 0 };
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_counts(r, &c, &why), why);
	index_reader_close(&r);
	return c;
}

static int64_t number(const char *sql)
{
	struct index_reader *r;
	sqlite3_stmt *st = NULL;
	int64_t v = -1;
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(sql_prepare(index_reader_db(r), sql, &st, &why), why);
	if (sql_step(st, &why) == ERR_OK)
		v = sql_int(st, 0);
	sqlite3_finalize(st);
	index_reader_close(&r);
	return v;
}

static unsigned stored_files(void)
{
	return files_in(dir, "store/0000/000");
}

static const struct image A = { .study = "1.2", .series = "1.2.1", .sop = "1.2.1.1" };

/* ---- tests ---- */

TEST(stored, "a new image stands in the store, has its row and its arrival, and nothing is left in the spool")
{
	fresh();
	struct ingest_job *j = image_job(dir, &A, "x");
	char digest[33];
	memcpy(digest, j->digest, sizeof(digest));
	struct ingest_result r = ingest_one(j);
	CHECK_INT(r.outcome, INGEST_STORED);
	CHECK_INT(r.seq, 1);
	CHECK_STR(r.study_uid.s, "1.2");
	CHECK_STR(r.series_uid.s, "1.2.1");
	CHECK(!r.class_differs);
	struct index_instance i = instance("1.2.1.1");
	CHECK_INT(i.instance, r.instance);
	CHECK_STR(i.received_digest, digest);
	CHECK(object_is_whole(dir, &i));
	CHECK_INT(files_in(dir, "spool"), 0);
	CHECK_INT(number("SELECT count(*) FROM instance i JOIN series s ON s.id = i.series WHERE i.number = '7' AND rows = 8 AND bits = 16"
	                 " AND body_part = 'CHEST' AND modality = 'DX'"), 1);
	CHECK_INT(number("SELECT count(*) FROM study WHERE study_date = '20260301' AND study_time LIKE '081530%' AND calling = 'CR1'"), 1);
}

TEST(many, "hundreds of waiting images share rounds; each is stored once, under one row for its study")
{
	char sop[MAX][24], study[MAX][8], name[16];
	fresh();
	start();
	for (unsigned i = 0; i < MAX; i++) {
		snprintf(sop[i], sizeof(sop[i]), "1.9.%u", i);
		snprintf(study[i], sizeof(study[i]), "1.%u", 2 + i % 7);
		snprintf(name, sizeof(name), "x%u", i);
		submit(image_job(dir, &(struct image){ .study = study[i], .series = study[i], .sop = sop[i], .seed = i }, name));
	}
	finish();
	for (unsigned i = 0; i < MAX; i++) {
		CHECK_INT(answers[i].r.outcome, INGEST_STORED);
		CHECK(answers[i].r.seq > 0);
	}
	struct index_counts c = counts();
	CHECK_INT(c.instances, MAX);
	CHECK_INT(c.studies, 7);
	CHECK_INT(c.last_seq, MAX);
	CHECK_INT(stored_files(), MAX);
	CHECK_INT(files_in(dir, "spool"), 0);
	CHECK_INT(number("SELECT sum(s.instances = (SELECT count(*) FROM instance i JOIN series e ON e.id = i.series WHERE e.study = s.id)) FROM study s"), 7);
}

TEST(again, "the same image again is success and changes nothing")
{
	fresh();
	store(&A);
	struct ingest_result r = store(&A);
	CHECK_INT(r.outcome, INGEST_SAME);
	CHECK_INT(r.instance, 1);
	CHECK_INT(counts().last_seq, 1);
	CHECK_INT(stored_files(), 1);
	CHECK_INT(files_in(dir, "spool"), 0);
}

TEST(repaired, "the same image again mends a kept file that is missing, short or changed")
{
	for (int how = 0; how < 3; how++) {
		fresh();
		store(&A);
		struct index_instance i = instance(A.sop);
		struct object_path p = object_path(dir, i.oid);
		int fd = open(p.s, O_RDWR);
		if (how == 0)
			CHECK_INT(unlink(p.s), 0);
		else if (how == 1)
			CHECK_INT(ftruncate(fd, (off_t)i.size - 1), 0);
		else
			CHECK_INT(pwrite(fd, "!", 1, (off_t)i.size - 1), 1);
		close(fd);
		CHECK(!object_is_whole(dir, &i));
		struct ingest_result r = store(&A);
		CHECK_INT(r.outcome, INGEST_REPAIRED);
		CHECK_INT(r.seq, 2);
		i = instance(A.sop);
		CHECK(object_is_whole(dir, &i));
		CHECK_INT(stored_files(), 1);
		CHECK_INT(counts().instances, 1);
	}
}

TEST(encodings, "equal header and pixels in another plain syntax are the same image; one pixel makes a conflict")
{
	static const char *const all[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE, TS_EXPLICIT_BE };
	struct image b = A;
	for (size_t i = 0; i < NELEM(all); i++)
		for (size_t k = 0; k < NELEM(all); k++) {
			fresh();
			b.seed = 3;
			b.ts = all[i];
			store(&b);
			b.ts = all[k];
			CHECK_INT(store(&b).outcome, INGEST_SAME);
			CHECK_INT(stored_files(), 1);
			b.seed = 4;
			CHECK_INT(store(&b).outcome, INGEST_CONFLICT);
			b.seed = 3;
			b.name = "OTHER^NAME";
			CHECK_INT(store(&b).outcome, INGEST_CONFLICT);
			b.name = NULL;
		}
}

TEST(conflicts, "other content under a known UID is kept beside the first, once")
{
	struct image b = A;
	fresh();
	store(&A);
	struct index_instance before = instance(A.sop);
	b.seed = 9;
	struct ingest_result r = store(&b);
	CHECK_INT(r.outcome, INGEST_CONFLICT);
	CHECK_INT(r.instance, before.instance);
	struct index_instance after = instance(A.sop);
	CHECK_INT(after.oid, before.oid);
	CHECK_INT(stored_files(), 2);
	CHECK_INT(counts().conflicts, 1);
	CHECK_INT(counts().last_seq, 1);
	CHECK_INT(store(&b).outcome, INGEST_CONFLICT);
	CHECK_INT(stored_files(), 2);
	CHECK_INT(counts().conflicts, 1);
	CHECK_INT(store(&A).outcome, INGEST_SAME);
	CHECK_INT(files_in(dir, "spool"), 0);
}

TEST(latest, "with keep_latest the new content becomes current and arrives, the old file stays")
{
	struct image b = A;
	fresh();
	store(&A);
	struct index_instance before = instance(A.sop);
	b.seed = 9;
	struct ingest_job *j = image_job(dir, &b, "x");
	j->duplicate = DUPLICATE_KEEP_LATEST;
	struct ingest_result r = ingest_one(j);
	CHECK_INT(r.outcome, INGEST_CONFLICT);
	CHECK_INT(r.seq, 2);
	struct index_instance after = instance(A.sop);
	CHECK(after.oid != before.oid && object_is_whole(dir, &after) && object_is_whole(dir, &before));
	CHECK_INT(counts().conflicts, 1);
	b.study = "1.7";                 /* never moved to another study */
	b.seed = 10;
	j = image_job(dir, &b, "x");
	j->duplicate = DUPLICATE_KEEP_LATEST;
	CHECK_INT(ingest_one(j).outcome, INGEST_CONFLICT);
	CHECK_INT(instance(A.sop).oid, after.oid);
	CHECK_INT(stored_files(), 3);
}

TEST(at_once, "the same UID several times at once: one is stored, equal ones are the same, another is a conflict")
{
	struct image b = A;
	b.seed = 1;
	fresh();
	start();
	submit(image_job(dir, &A, "a"));
	submit(image_job(dir, &A, "b"));
	submit(image_job(dir, &b, "c"));
	submit(image_job(dir, &A, "d"));
	finish();
	CHECK_INT(answers[0].r.outcome, INGEST_STORED);
	CHECK_INT(answers[1].r.outcome, INGEST_SAME);
	CHECK_INT(answers[2].r.outcome, INGEST_CONFLICT);
	CHECK_INT(answers[3].r.outcome, INGEST_SAME);
	CHECK_INT(stored_files(), 2);
	CHECK_INT(counts().last_seq, 1);
}

TEST(quarantined, "what cannot be identified is kept in quarantine with its reason")
{
	static const struct { struct image im; const char *reason, *command_sop; enum err err; const char *says; } cases[] = {
		{ { .study = "1.2", .series = "1.2.1", .sop = "1.2.1.1" }, "the data set cannot be read", "1.2.1.1", ERR_FORMAT, "cannot be read" },
		{ { .series = "1.2.1", .sop = "1.2.1.1" }, NULL, "1.2.1.1", ERR_FORMAT, "Study" },
		{ { .study = "1.2", .series = "", .sop = "1.2.1.1" }, NULL, "1.2.1.1", ERR_FORMAT, "Series" },
		{ { .study = "1.2", .series = "1.2.1" }, NULL, "1.2.1.1", ERR_FORMAT, "SOP" },
		{ { .study = "1.2", .series = "1.2.1", .sop = "1.2.1.1" }, NULL, "1.2.1.2", ERR_MISMATCH, "1.2.1.2" },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		fresh();
		struct ingest_job *j = image_job(dir, &cases[i].im, "x");
		j->quarantine_reason = cases[i].reason;
		snprintf(j->sop_instance.s, sizeof(j->sop_instance.s), "%s", cases[i].command_sop);
		struct ingest_result r = ingest_one(j);
		CHECK_INT(r.outcome, INGEST_QUARANTINED);
		CHECK_INT(r.err, cases[i].err);
		CHECK(strstr(r.why.text, cases[i].says));
		CHECK_INT(files_in(dir, "quarantine"), 1);
		CHECK_INT(files_in(dir, "spool"), 0);
		CHECK_INT(counts().quarantined, 1);
		CHECK_INT(counts().instances, 0);
		CHECK_INT(counts().last_seq, 0);
	}
}

TEST(class_differs, "the data set's SOP class wins over the command's, and the answer says so")
{
	fresh();
	struct ingest_job *j = image_job(dir, &A, "x");
	snprintf(j->sop_class.s, sizeof(j->sop_class.s), "1.2.840.10008.5.1.4.1.1.7");
	struct ingest_result r = ingest_one(j);
	CHECK_INT(r.outcome, INGEST_STORED);
	CHECK(r.class_differs);
	CHECK_STR(instance(A.sop).sop_class.s, IMAGE_CLASS);
}

TEST(names, "a name is read in the declared set, else the sender's, and kept in UTF-8")
{
	static const struct { const char *declared, *sender, *name, *want; } cases[] = {
		{ "GB18030", "", "Zhang^San=\xD5\xC5^\xC8\xFD", "Zhang^San=\xE5\xBC\xA0^\xE4\xB8\x89" },
		{ NULL, "GB18030", "\xD5\xC5^\xC8\xFD", "\xE5\xBC\xA0^\xE4\xB8\x89" },
		{ "ISO_IR 192", "GB18030", "\xE5\xBC\xA0^\xE4\xB8\x89", "\xE5\xBC\xA0^\xE4\xB8\x89" },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct index_reader *r;
		struct index_study s = { .series = 0 };
		struct image b = A;
		fresh();
		b.name = cases[i].name;
		b.charset = cases[i].declared;
		struct ingest_job *j = image_job(dir, &b, "x");
		snprintf(j->charset, sizeof(j->charset), "%s", cases[i].sender);
		ingest_one(j);
		CHECK_OK(index_reader_open(dir, &r, &why), why);
		CHECK_OK(index_study_get(r, "1.2", &s, &why), why);
		CHECK_STR(s.patient_name, cases[i].want);
		index_reader_close(&r);
	}
}

static struct ingest_job *replacement(const struct index_instance *i)
{
	struct image b = A;
	b.ts = TS_IMPLICIT_LE;
	struct ingest_job *j = image_job(dir, &b, "smaller");
	free((void *)(uintptr_t)j->header.p);
	j->header = bytes_of(NULL, 0);
	j->is_replace = true;
	j->replace_instance = i->instance;
	j->replace_oid = i->oid;
	memset(j->pixel_digest, 'a', 32);
	return j;
}

TEST(replaced, "a verified file takes the place of the present one, if that is still current and the file is what was announced")
{
	fresh();
	store(&A);
	struct index_instance before = instance(A.sop);
	CHECK_INT(ingest_one(replacement(&before)).outcome, INGEST_REPLACED);
	struct index_instance after = instance(A.sop);
	CHECK(after.oid != before.oid && object_is_whole(dir, &after));
	CHECK_STR(after.ts.s, TS_IMPLICIT_LE);
	CHECK_STR(after.received_digest, before.received_digest);
	CHECK_STR(after.pixel_digest, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	CHECK_INT(stored_files(), 1);
	CHECK_INT(counts().last_seq, 1);

	struct ingest_result r = ingest_one(replacement(&before));
	CHECK_INT(r.outcome, INGEST_FAILED);
	CHECK_INT(r.err, ERR_CONFLICT);
	struct ingest_job *j = replacement(&after);
	j->digest[0] ^= 1;
	CHECK_INT(ingest_one(j).err, ERR_MISMATCH);
	j = replacement(&after);
	j->size++;
	CHECK_INT(ingest_one(j).err, ERR_MISMATCH);
	CHECK_INT(instance(A.sop).oid, after.oid);
	CHECK_INT(stored_files(), 1);
	CHECK_INT(files_in(dir, "spool"), 0);
	CHECK_INT(store(&A).outcome, INGEST_SAME);       /* by the digest as received */
	CHECK_INT(number("SELECT count(*) FROM garbage"), 0);
}

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

static void start_again(void)
{
	start();
	finish();
}

TEST(lost_rename, "a row that kept its commit and lost its rename gets its file back from the spool")
{
	struct index_instance k = undo_rename();
	start_again();
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
	start_again();
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
	start_again();
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
	start_again();
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
	start_again();
	CHECK_INT(stored_files(), 0);
	CHECK_INT(counts().instances, 1);
	CHECK_INT(unlink(spool), 0);
	CHECK_INT(store(&A).outcome, INGEST_REPAIRED);
	struct index_instance now = instance(A.sop);
	CHECK(object_is_whole(dir, &now));
}

TEST(alone, "a job that fails does not hurt the others of its round")
{
	struct image b = A, c = A;
	fresh();
	b.sop = "1.2.1.2";
	c.sop = "1.2.1.3";
	start();
	submit(image_job(dir, &A, "a"));
	struct ingest_job *j = image_job(dir, &b, "b");
	snprintf(j->path, sizeof(j->path), "spool/not-there");
	submit(j);
	submit(image_job(dir, &c, "c"));
	finish();
	CHECK_INT(answers[0].r.outcome, INGEST_STORED);
	CHECK_INT(answers[1].r.outcome, INGEST_FAILED);
	CHECK(answers[1].r.why.text[0]);
	CHECK_INT(answers[2].r.outcome, INGEST_STORED);
	CHECK_INT(counts().instances, 2);
	CHECK_INT(stored_files(), 2);
}

TEST(locked, "a second ingest on the same folder is refused")
{
	struct ingest *second;
	fresh();
	start();
	CHECK_INT(ingest_start(loop, conf, &second, &why), ERR_BUSY);
	CHECK(!second);
	finish();
}

TEST(stopped, "what was submitted before the stop is stored and answered")
{
	struct image b = A;
	fresh();
	start();
	submit(image_job(dir, &A, "a"));
	b.sop = "1.2.1.2";
	submit(image_job(dir, &b, "b"));
	ingest_stop(&ingest);
	CHECK_INT(answered, 0);          /* the answers come by the loop */
	finish();
	CHECK_INT(answers[0].r.outcome, INGEST_STORED);
	CHECK_INT(answers[1].r.outcome, INGEST_STORED);
	CHECK_INT(counts().instances, 2);
}

static int callers;
static bool caller(void *arg, const struct index_unknown *u)
{
	(void)arg;
	callers += (int)u->count;
	return true;
}

TEST(unknown, "refused callers are remembered until they are let in")
{
	struct index_reader *r;
	fresh();
	start();
	ingest_note_unknown(ingest, "NEW1", "PACS", "10.0.0.1:1");
	ingest_note_unknown(ingest, "NEW2", "PACS", "10.0.0.2:1");
	ingest_note_unknown(ingest, "NEW2", "PACS", "10.0.0.2:2");
	ingest_forget_unknown(ingest, "NEW1");
	finish();
	callers = 0;
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_unknown_list(r, caller, NULL, &why), why);
	CHECK_INT(callers, 2);
	index_reader_close(&r);
}

/* ---- repair ---- */

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

static void restart(void)
{
	start();
	finish();
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
	CHECK_INT(number("DELETE FROM quarantine"), -1);         /* readers cannot */
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
	snprintf(dir, sizeof(dir), "/tmp/ingest_test.%ld", (long)getpid());
	conf = image_conf(dir);
	RUN(stored);
	RUN(many);
	RUN(again);
	RUN(repaired);
	RUN(encodings);
	RUN(conflicts);
	RUN(latest);
	RUN(at_once);
	RUN(quarantined);
	RUN(class_differs);
	RUN(names);
	RUN(replaced);
	RUN(lost_rename);
	RUN(torn_file);
	RUN(torn_orphan);
	RUN(old_file);
	RUN(lost_file);
	RUN(alone);
	RUN(locked);
	RUN(stopped);
	RUN(unknown);
	RUN(adopted);
	RUN(adopt_repair);
	RUN(adopt_unreadable);
	RUN(rowless);
	RUN(rebuilt);
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	conf_unref(&conf);
	return t_done();
}

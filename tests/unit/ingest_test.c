#include <fcntl.h>

#include "tests/lib/ingest_node.h"
#include "tests/lib/joining.h"

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

static struct ingest_job *unsynced(const struct image *im, const char *name)
{
	struct ingest_job *j = image_job(dir, im, name);
	char path[400];
	snprintf(path, sizeof(path), "%s/%s", dir, j->path);
	j->is_unsynced = true;
	j->fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(j->fd >= 0);
	return j;
}

/* Four images one by one, the last of them a known one with other content; how many of them the last round had. */
static unsigned one_by_one(void)
{
	const struct image other = { .study = "1.2", .series = "1.2.1", .sop = "1.2.1.1", .seed = 9 };
	char sop[16], name[16];
	fresh();
	store(&A);
	start();
	let_join(ingest, 3);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(sop, sizeof(sop), "1.2.5.%u", i);
		snprintf(name, sizeof(name), "j%u", i);
		submit(unsynced(&(struct image){ .study = "1.2", .series = "1.2.5", .sop = sop, .seed = i }, name));
		until_taken(ingest);
	}
	loop_run(loop);
	unsigned last = last_round(ingest);
	finish();
	for (unsigned i = 0; i < 3; i++)
		CHECK_INT(answers[i].r.outcome, INGEST_STORED);
	start();
	let_join(ingest, 2);
	submit(unsynced(&(struct image){ .study = "1.2", .series = "1.2.5", .sop = "1.2.5.3" }, "j3"));
	until_taken(ingest);
	submit(unsynced(&other, "j4"));
	finish();
	CHECK_INT(answers[0].r.outcome, INGEST_STORED);
	CHECK_INT(answers[1].r.outcome, INGEST_CONFLICT);
	CHECK_INT(counts().instances, 5);
	CHECK_INT(counts().last_seq, 5);
	CHECK_INT(stored_files(), 6);
	CHECK_INT(files_in(dir, "spool"), 0);
	CHECK_INT(number("SELECT s.instances = 5 AND s.series = 2 FROM study s"), 1);
	return last;
}

TEST(joined, "where syncs cost much, images that come while the first of a round are written join it; something else ends it")
{
	unsigned most = 0;
	for (int i = 0; i < 50 && most < 3; i++) {
		unsigned n = one_by_one();
		most = n > most ? n : most;
	}
	CHECK_INT(most, 3);
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

int main(void)
{
	open_node("ingest_test");
	RUN(stored);
	RUN(many);
	RUN(joined);
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
	RUN(alone);
	RUN(locked);
	RUN(stopped);
	RUN(unknown);
	return close_node();
}

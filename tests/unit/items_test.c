#include <stdlib.h>
#include <unistd.h>

#include "db/items_sql.h"
#include "db/work.h"
#include "db/work_schema.h"
#include "pacs/base/clock.h"
#include "tests/lib/t.h"

enum { NOW = 1700000000 };
#define STUDY "1.2.3"
#define LOCK "2.25.1111"
#define OTHER "2.25.2222"

static char dir[] = "/tmp/items_test.XXXXXX";
static sqlite3 *db;
static struct arena arena;

/* A fresh work.db for each test. */
static void fresh(void)
{
	struct why why;
	char path[64];

	sql_close(&db);
	for (size_t i = 0; i < 3; i++) {
		static const char *const ends[] = { "", "-wal", "-shm" };
		snprintf(path, sizeof(path), "%s/work.db%s", dir, ends[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/work.db", dir);
	CHECK_OK(sql_open_writer(path, &work_schema, &db, &why), why);
	arena_fini(&arena);
	arena_init(&arena, 8 << 20);
}

static struct dataset *item_dataset(const char *uid)
{
	struct dataset *ds = dataset_new(&arena);
	enum err e = dataset_put_str(ds, TAG_SOP_INSTANCE_UID, uid);

	if (!e)
		e = dataset_put_str(ds, TAG_SOP_CLASS_UID, UID_UPS_PUSH);
	if (!e)
		e = dataset_put_str(ds, TAG_STEP_LABEL, "READING-DR");
	if (!e)
		e = dataset_put_str(ds, TAG_STEP_PRIORITY, "MEDIUM");
	if (!e)
		e = dataset_put_str(ds, TAG_PATIENT_NAME, "张^三");
	if (!e)
		e = dataset_put_empty_sequence(ds, TAG_STEP_PROGRESS);
	if (!e)
		e = dataset_put_empty_sequence(ds, TAG_PERFORMED_PROCEDURE);
	CHECK_INT(e, ERR_OK);
	return ds;
}

static enum err insert(const char *uid)
{
	struct item_row row = { .instances = 2, .expected_ms = NOW + 5 };
	struct why why;

	snprintf(row.uid.s, sizeof(row.uid.s), "%s", uid);
	strcpy(row.study_uid.s, STUDY);
	strcpy(row.group, "DR");
	return items_insert(db, &row, item_dataset(uid), "NODE", NOW, &why);
}

static uint16_t change(const char *uid, enum item_state to, const char *lock)
{
	uint16_t status = 0xFFFF;
	struct why why;

	CHECK_OK(items_change_state(db, uid, to, lock, "READER1", NOW + 1, &status, &why), why);
	return status;
}

static uint16_t set(const char *uid, const char *lock, const struct dataset *ds)
{
	uint16_t status = 0xFFFF;
	struct why why;

	CHECK_OK(items_set(db, uid, lock, ds, "READER1", NOW + 2, &status, &why), why);
	return status;
}

static struct item_row load(const char *uid, struct dataset **ds)
{
	struct item_row row = { .id = 0 };
	struct why why;

	CHECK_OK(items_load(db, uid, &arena, &row, ds, &why), why);
	return row;
}

static struct dataset *completion(void)
{
	struct dataset *ds = dataset_new(&arena), *done = dataset_add_item(ds, TAG_PERFORMED_PROCEDURE);
	enum err e = item_attrs_add_code(done, TAG_PERFORMED_STATION, "READER1", "99PACS", "READER1");

	if (!e)
		e = dataset_put_str(done, TAG_PERFORMED_START, "20260101100000");
	if (!e)
		e = dataset_put_str(done, TAG_PERFORMED_END, "20260101101000");
	if (!e)
		e = item_attrs_add_code(done, TAG_PERFORMED_WORKITEM, "110005", "DCM", "Interpretation");
	if (!e)
		e = dataset_put_empty_sequence(done, TAG_OUTPUT_INFORMATION);
	CHECK_INT(e, ERR_OK);
	return ds;
}

static struct dataset *cancellation(const char *code)
{
	struct dataset *ds = dataset_new(&arena), *progress = dataset_add_item(ds, TAG_STEP_PROGRESS);
	enum err e = dataset_put_str(progress, TAG_CANCELLATION_TIME, "20260101100000");

	if (!e)
		e = item_attrs_add_code(progress, TAG_DISCONTINUATION_REASON, code, "DCM", "for a test");
	CHECK_INT(e, ERR_OK);
	return ds;
}

static int64_t count(const char *sql)
{
	sqlite3_stmt *st;
	struct why why;
	int64_t n = -1;

	if (!sql_prepare(db, sql, &st, &why) && !sql_step(st, &why))
		n = sql_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

TEST(claim, "of two claims exactly one wins, and the loser is told so")
{
	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, LOCK), UPS_OK);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, OTHER), UPS_IN_PROGRESS);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, ""), UPS_WRONG_LOCK);
	CHECK_INT(change("1.9", ITEM_IN_PROGRESS, LOCK), UPS_NO_SUCH);
	CHECK_STR(load("1.1", &(struct dataset *){ NULL }).performer, "READER1");
	CHECK_INT(count("SELECT count(*) FROM item WHERE transaction_uid = '" LOCK "'"), 1);
	CHECK_INT(count("SELECT count(*) FROM item_event WHERE what = 'IN PROGRESS'"), 1);
}

TEST(complete, "COMPLETED needs the lock and the performed procedure")
{
	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	CHECK_INT(change("1.1", ITEM_COMPLETED, LOCK), UPS_NOT_STARTED);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, LOCK), UPS_OK);
	CHECK_INT(change("1.1", ITEM_COMPLETED, LOCK), UPS_NOT_FINAL_YET);
	CHECK_INT(set("1.1", OTHER, completion()), UPS_WRONG_LOCK);
	CHECK_INT(change("1.1", ITEM_COMPLETED, LOCK), UPS_NOT_FINAL_YET);
	CHECK_INT(set("1.1", LOCK, completion()), UPS_OK);
	CHECK_INT(change("1.1", ITEM_COMPLETED, OTHER), UPS_WRONG_LOCK);
	CHECK_INT(load("1.1", &(struct dataset *){ NULL }).state, ITEM_IN_PROGRESS);
	CHECK_INT(change("1.1", ITEM_COMPLETED, LOCK), UPS_OK);
	CHECK_INT(load("1.1", &(struct dataset *){ NULL }).state, ITEM_COMPLETED);
	CHECK_INT(change("1.1", ITEM_COMPLETED, LOCK), UPS_ALREADY_COMPLETED);
	CHECK_INT(change("1.1", ITEM_CANCELED, LOCK), UPS_FINAL);
	CHECK_INT(set("1.1", LOCK, completion()), UPS_FINAL);
}

TEST(final, "each attribute that a final state needs is missed when it is not there")
{
	static const uint32_t needed[] = { TAG_PERFORMED_STATION, TAG_PERFORMED_START, TAG_PERFORMED_END, TAG_PERFORMED_WORKITEM, TAG_OUTPUT_INFORMATION };
	struct why why;

	fresh();
	CHECK_OK(item_attrs_check_final(completion(), ITEM_COMPLETED, &why), why);
	for (size_t i = 0; i < NELEM(needed); i++) {
		struct dataset *ds = completion();
		dataset_remove(dataset_item(ds, TAG_PERFORMED_PROCEDURE, 0), needed[i]);
		CHECK_INT(item_attrs_check_final(ds, ITEM_COMPLETED, &why), ERR_CONFLICT);
	}
	CHECK_OK(item_attrs_check_final(cancellation("110530"), ITEM_CANCELED, &why), why);
	CHECK_INT(item_attrs_check_final(completion(), ITEM_CANCELED, &why), ERR_CONFLICT);
	CHECK_INT(item_attrs_check_final(cancellation("110530"), ITEM_COMPLETED, &why), ERR_CONFLICT);
	CHECK_STR(item_attrs_reason(cancellation("110532")), REASON_NEEDS_SPECIALIST);
	CHECK_STR(item_attrs_reason(completion()), "");
}

TEST(forbidden, "an N-SET that touches what is the manager's changes nothing at all")
{
	static const uint32_t tags[] = { TAG_PATIENT_NAME, TAG_PATIENT_ID, TAG_SOP_INSTANCE_UID, TAG_STUDY_UID, TAG_STEP_STATE, TAG_TRANSACTION_UID };

	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, LOCK), UPS_OK);
	for (size_t i = 0; i < NELEM(tags); i++) {
		struct dataset *ds = dataset_new(&arena), *now;
		CHECK_INT(dataset_put_str(ds, TAG_STEP_LABEL, "CHANGED"), ERR_OK);
		CHECK_INT(dataset_put_str(ds, tags[i], "1.2.3.4"), ERR_OK);
		CHECK_INT(set("1.1", LOCK, ds), 0x0106);
		load("1.1", &now);
		CHECK_STR(dataset_str(now, TAG_STEP_LABEL), "READING-DR");
		CHECK_STR(dataset_str(now, TAG_PATIENT_NAME), "张^三");
	}
	struct dataset *ds = dataset_new(&arena);
	CHECK_INT(dataset_put_str(ds, TAG_STEP_PRIORITY, "SOON"), ERR_OK);
	CHECK_INT(set("1.1", LOCK, ds), 0x0106);
	CHECK_INT(dataset_put_str(ds, TAG_STEP_PRIORITY, "HIGH"), ERR_OK);
	CHECK_INT(set("1.1", LOCK, ds), UPS_OK);
	CHECK_STR(load("1.1", &ds).priority, "HIGH");
}

TEST(too_much, "an item cannot be grown without end")
{
	static char text[900 << 10];
	struct dataset *ds, *now;

	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, LOCK), UPS_OK);
	memset(text, 'x', sizeof(text) - 1);
	ds = dataset_new(&arena);
	CHECK_INT(dataset_put_str(ds, TAG(0x0040, 0xA160), text), ERR_OK);
	CHECK_INT(set("1.1", LOCK, ds), UPS_OK);
	ds = dataset_new(&arena);
	CHECK_INT(dataset_put(ds, TAG(0x0018, 0x9073), VR_UT, bytes_str(text)), ERR_OK);
	CHECK_INT(set("1.1", LOCK, ds), 0x0213);
	load("1.1", &now);
	CHECK(!dataset_has(now, TAG(0x0018, 0x9073)));
}

TEST(one, "of a study and group only one item is SCHEDULED at a time")
{
	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	CHECK_INT(insert("1.2"), ERR_EXISTS);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, LOCK), UPS_OK);
	CHECK_INT(insert("1.2"), ERR_OK);
}

static void cancel(const char *uid)
{
	CHECK_INT(change(uid, ITEM_IN_PROGRESS, LOCK), UPS_OK);
	CHECK_INT(set(uid, LOCK, cancellation("110530")), UPS_OK);
	CHECK_INT(change(uid, ITEM_CANCELED, LOCK), UPS_OK);
	CHECK_INT(change(uid, ITEM_CANCELED, LOCK), UPS_ALREADY_CANCELED);
}

TEST(reissue, "a cancelled item comes back as a new one that names it and has nothing performed")
{
	struct dataset *ds;
	struct uid next;
	struct why why;

	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	cancel("1.1");
	CHECK_OK(items_reissue(db, "1.1", "NODE", NOW + 3, &next, &why), why);
	struct item_row row = load(next.s, &ds);
	CHECK_INT(row.state, ITEM_SCHEDULED);
	CHECK_STR(row.replaces.s, "1.1");
	CHECK_INT(row.instances, 2);
	CHECK_STR(row.group, "DR");
	CHECK_STR(dataset_str(ds, TAG_SOP_INSTANCE_UID), next.s);
	CHECK_STR(dataset_str(dataset_item(ds, TAG_REPLACED_STEP, 0), TAG_REFERENCED_SOP_INSTANCE), "1.1");
	CHECK(dataset_item(ds, TAG_STEP_PROGRESS, 0) == NULL);
	CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "张^三");
	CHECK_STR(load("1.1", &ds).replaced_by.s, next.s);
	CHECK_INT(load("1.1", &ds).state, ITEM_CANCELED);
	CHECK_INT(change(next.s, ITEM_IN_PROGRESS, OTHER), UPS_OK);
}

TEST(hang_on, "when late images have brought a new item, that one takes the cancelled one's place")
{
	struct dataset *ds;
	struct uid next;
	struct why why;

	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, LOCK), UPS_OK);
	CHECK_INT(insert("1.2"), ERR_OK);
	CHECK_INT(set("1.1", LOCK, cancellation("110530")), UPS_OK);
	CHECK_INT(change("1.1", ITEM_CANCELED, LOCK), UPS_OK);
	CHECK_OK(items_reissue(db, "1.1", "NODE", NOW + 3, &next, &why), why);
	CHECK_STR(next.s, "1.2");
	load("1.2", &ds);
	CHECK_STR(dataset_str(dataset_item(ds, TAG_REPLACED_STEP, 0), TAG_REFERENCED_SOP_INSTANCE), "1.1");
	CHECK_INT(count("SELECT count(*) FROM item"), 2);
}

static void note(const char *study, unsigned priority, int64_t at)
{
	struct item_pending p = { .priority = priority, .last_arrival_ms = at };
	struct why why;

	snprintf(p.study_uid.s, sizeof(p.study_uid.s), "%s", study);
	strcpy(p.group, "DR");
	CHECK_OK(items_pending_note(db, &p, &why), why);
}

TEST(pending, "the quiet time begins with the last image, and outlives the program")
{
	struct item_pending p;
	struct why why;
	char path[64];

	fresh();
	CHECK_INT(items_pending_first(db, &p, &why), ERR_NOT_FOUND);
	note("1.2", 0, 100);
	note("1.3", 0, 200);
	note("1.2", 7, 300);
	note("1.2", 0, 250);
	sql_close(&db);
	snprintf(path, sizeof(path), "%s/work.db", dir);
	CHECK_OK(sql_open_writer(path, &work_schema, &db, &why), why);
	CHECK_OK(items_pending_first(db, &p, &why), why);
	CHECK_STR(p.study_uid.s, "1.3");
	CHECK_OK(items_pending_done(db, &p, &why), why);
	CHECK_OK(items_pending_first(db, &p, &why), why);
	CHECK_STR(p.study_uid.s, "1.2");
	CHECK_INT(p.last_arrival_ms, 300);
	CHECK_INT(p.priority, 7);
	note("1.2", 0, 301);
	CHECK_INT(items_pending_done(db, &p, &why), ERR_CONFLICT);
	CHECK_INT(count("SELECT count(*) FROM pending_study"), 1);
}

TEST(input, "late images change the input of an item only while nobody has claimed it")
{
	struct why why;
	struct dataset *ds;

	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	CHECK_OK(items_update_input(db, "1.1", item_dataset("1.1"), 5, "NODE", NOW + 1, &why), why);
	CHECK_INT(load("1.1", &ds).instances, 5);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, LOCK), UPS_OK);
	CHECK_INT(items_update_input(db, "1.1", item_dataset("1.1"), 6, "NODE", NOW + 1, &why), ERR_CONFLICT);
	CHECK_INT(load("1.1", &ds).instances, 5);
}

struct seen { unsigned n; char states[64], name[64]; bool has_lock; };

static bool see(void *arg, const struct item_row *row, const struct dataset *ds)
{
	struct seen *s = arg;
	struct buf b;

	(void)row;
	s->n++;
	strcat(s->states, dataset_str(ds, TAG_STEP_STATE));
	strcat(s->states, ";");
	snprintf(s->name, sizeof(s->name), "%s", dataset_str(ds, TAG_PATIENT_NAME));
	buf_init(&b, 1 << 20);
	CHECK_INT(dataset_write(ds, DS_EXPLICIT_LE, &b), ERR_OK);
	s->has_lock = s->has_lock || (b.len && memmem(b.p, b.len, LOCK, strlen(LOCK)) != NULL);
	buf_fini(&b);
	return true;
}

TEST(read, "a reader sees state and text, page by page, and never the Transaction UID")
{
	struct items_reader *r = NULL;
	struct items_filter any = { .state = ITEM_NONE }, scheduled = { .state = ITEM_SCHEDULED }, one = { .uid = "1.1" };
	struct seen s = { 0 };
	int64_t last;
	struct why why;

	fresh();
	CHECK_INT(insert("1.1"), ERR_OK);
	CHECK_INT(change("1.1", ITEM_IN_PROGRESS, LOCK), UPS_OK);
	CHECK_INT(set("1.1", LOCK, cancellation("110530")), UPS_OK);
	CHECK_INT(insert("1.2"), ERR_OK);
	CHECK_OK(items_reader_open(dir, &r, &why), why);
	if (!r)
		return;
	CHECK_OK(items_page(r, &any, 0, 1, &arena, see, &s, &last, &why), why);
	CHECK_STR(s.states, "IN PROGRESS;");
	CHECK_OK(items_page(r, &any, last, 9, &arena, see, &s, &last, &why), why);
	CHECK_STR(s.states, "IN PROGRESS;SCHEDULED;");
	CHECK_STR(s.name, "张^三");
	CHECK(!s.has_lock);
	s = (struct seen){ 0 };
	CHECK_OK(items_page(r, &scheduled, 0, 9, &arena, see, &s, &last, &why), why);
	CHECK_STR(s.states, "SCHEDULED;");
	s = (struct seen){ 0 };
	CHECK_OK(items_page(r, &one, 0, 9, &arena, see, &s, &last, &why), why);
	CHECK_STR(s.states, "IN PROGRESS;");
	items_reader_close(&r);
	CHECK_INT(count("SELECT count(*) FROM item_event WHERE note LIKE '%" LOCK "%' OR what LIKE '%" LOCK "%'"), 0);
}

int main(void)
{
	char path[64];

	if (!mkdtemp(dir))
		return 1;
	arena_init(&arena, 8 << 20);
	RUN(claim);
	RUN(complete);
	RUN(final);
	RUN(forbidden);
	RUN(too_much);
	RUN(one);
	RUN(reissue);
	RUN(hang_on);
	RUN(pending);
	RUN(input);
	RUN(read);
	sql_close(&db);
	arena_fini(&arena);
	snprintf(path, sizeof(path), "%s/work.db", dir);
	unlink(path);
	rmdir(dir);
	return t_done();
}

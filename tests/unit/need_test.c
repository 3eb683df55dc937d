/* What still needs a local copy; forgetting what is finished; an index.db that was rebuilt; study events. */
#include "tests/lib/work_db.h"

#include "db/commit_duty.h"
#include "db/commit_user.h"
#include "db/items.h"
#include "db/need.h"
#include "db/sql.h"
#include "db/study_event.h"
#include "db/work_keep.h"

static unsigned need(const char *study)
{
	struct need n = { .what = NEED_ALL };
	CHECK_OK(need_of_study(work_db(work), ix, study, &n, &why), why);
	return n.what;
}

static struct need need_one(uint64_t instance)
{
	struct index_instance what;
	struct need n = { .what = NEED_ALL };
	CHECK_OK(index_get(ix, instance, &what, &why), why);
	CHECK_OK(need_of_instance(work_db(work), ix, &what, &n, &why), why);
	return n;
}

static void planned(int64_t seq, const char *sop)
{
	bool is_new;
	CHECK_OK(work_know_index(work, ix, &is_new, &why), why);
	CHECK_OK(work_set_cursor(work, seq, &why), why);
	CHECK_OK(work_note_planned(work, 1000, sop, &why), why);
}

TEST(needs, "unplanned, unsent, unconfirmed, unread, unanswered: each keeps the copy, and nothing else does")
{
	open_dbs();
	uint64_t a = add_image("1.1", 1, 1000), b = add_image("1.1", 2, 1000);
	CHECK_INT(need("1.1"), NEED_PLANNED);            /* this index is not known yet */
	planned(1, "1.1.1");
	CHECK_INT(need("1.1"), NEED_PLANNED);
	CHECK_INT(need_one(a).what, 0);
	CHECK_INT(need_one(b).what, NEED_PLANNED);
	planned(2, "1.1.2");
	CHECK_INT(need("1.1"), 0);
	CHECK_INT(need("9.9"), 0);

	add_job(a, "N", JOB_QUEUED, 1000);
	CHECK_INT(need("1.1"), NEED_SENT);
	CHECK_INT(need_one(a).what, NEED_SENT);
	CHECK_INT(need_one(b).what, 0);
	int64_t sent = add_job(b, "M", JOB_SENT, 1000);
	CHECK_INT(need_one(b).what, 0);
	CHECK_INT(need_one(b).sent, 1);
	struct work_job j;
	CHECK_OK(work_get(work, sent, &j, &why), why);
	CHECK_OK(commit_want(work, &j, false, 1000, &why), why);
	CHECK_INT(need_one(b).what, NEED_CONFIRMED);
	CHECK_INT(need_one(b).sent, 0);
	CHECK_INT(need("1.1"), NEED_SENT | NEED_CONFIRMED);
	add_job(b, "O", JOB_CONFIRMED, 1000);
	CHECK_INT(need_one(b).confirmed, 1);

	uint64_t c = add_image("1.2", 1, 1000);
	planned(3, "1.2.1");
	const struct item_pending p = { .study_uid = { "1.2" }, .group = "CT", .last_arrival_ms = 1000 };
	CHECK_OK(items_pending_note(work_db(work), &p, &why), why);
	CHECK_INT(need_one(c).what, NEED_READ);
	CHECK_OK(items_pending_done(work_db(work), &p, &why), why);
	CHECK_OK(study_event_note(work, "1.2", 1000, &why), why);
	CHECK_INT(need_one(c).what, NEED_PLANNED);
	CHECK_OK(study_event_quiet_done(work, "1.2", &why), why);
	CHECK_INT(need_one(c).what, 0);

	struct commit_ref ref = { { WORK_DB_CT }, { "1.2.1" }, 0 };
	const struct commit_duty d = { .calling = "CR1", .digest = "d", .refs = { .transaction = { "1.9" }, .refs = &ref, .count = 1 } };
	enum duty_added added;
	CHECK_OK(duty_add(work, &d, 1000, &added, &why), why);
	CHECK_INT(need("1.2"), NEED_ANSWERED);
	CHECK_INT(need_one(c).what, NEED_ANSWERED);
	CHECK_STR(need_text(NEED_SENT | NEED_READ).s, "not sent, not read");
	close_dbs();
}

TEST(reading, "a reading item that is scheduled or in progress keeps the copy, a cancelled one does not")
{
	open_dbs();
	add_image("1.1", 1, 1000);
	planned(1, "1.1.1");
	struct arena a;
	arena_init(&a, 1 << 20);
	struct item_row row = { .uid = { "1.5" }, .study_uid = { "1.1" }, .group = "CT", .instances = 1 };
	struct dataset *ds = dataset_new(&a);
	uint16_t status = 1;
	CHECK_OK(dataset_put_str(ds, TAG_STEP_PRIORITY, "MEDIUM"), why);
	struct dataset *progress = dataset_add_item(ds, TAG_STEP_PROGRESS);
	CHECK_OK(dataset_put_str(progress, TAG_CANCELLATION_TIME, "20260101"), why);
	CHECK_OK(item_attrs_add_code(progress, TAG_DISCONTINUATION_REASON, REASON_NEEDS_SPECIALIST, "DCM", "x"), why);
	CHECK_OK(items_insert(work_db(work), &row, ds, "X", 1000, &why), why);
	CHECK_INT(need("1.1"), NEED_READ);
	CHECK_OK(items_change_state(work_db(work), "1.5", ITEM_IN_PROGRESS, "1.7", "R", 2000, &status, &why), why);
	CHECK_INT(status, 0);
	CHECK_INT(need("1.1"), NEED_READ);
	CHECK_OK(items_change_state(work_db(work), "1.5", ITEM_CANCELED, "1.7", "R", 2000, &status, &why), why);
	CHECK_INT(status, 0);
	CHECK_INT(need("1.1"), 0);
	arena_fini(&a);
	close_dbs();
}

TEST(forgetting, "only finished jobs of long ago are forgotten, and none whose confirmation is wanted")
{
	unsigned n;
	struct work_job j;
	open_dbs();
	uint64_t a = add_image("1.1", 1, 1000);
	int64_t open = add_job(a, "Q", JOB_QUEUED, 1000), wanted = add_job(a, "W", JOB_SENT, 1000), sent = add_job(a, "S", JOB_SENT, 1000);
	int64_t confirmed = add_job(a, "C", JOB_CONFIRMED, 1000), fresh = add_job(a, "F", JOB_SENT, 5000);
	CHECK_OK(work_get(work, wanted, &j, &why), why);
	CHECK_OK(commit_want(work, &j, false, 1000, &why), why);
	CHECK_OK(work_forget(work, 5000, 1, &n, &why), why);
	CHECK_INT(n, 1);
	CHECK_OK(work_forget(work, 5000, 100, &n, &why), why);
	CHECK_INT(n, 1);
	CHECK_OK(work_forget(work, 5000, 100, &n, &why), why);
	CHECK_INT(n, 0);
	CHECK_INT(work_get(work, sent, &j, &why), ERR_NOT_FOUND);
	CHECK_INT(work_get(work, confirmed, &j, &why), ERR_NOT_FOUND);
	CHECK_OK(work_get(work, open, &j, &why), why);
	CHECK_OK(work_get(work, wanted, &j, &why), why);
	CHECK_OK(work_get(work, fresh, &j, &why), why);
	close_dbs();
}

static int64_t mpps_messages(void)
{
	int64_t n = -1;
	CHECK_OK(sql_number(work_db(work), &why, &n, "SELECT count(*) FROM mpps_message", ""), why);
	return n;
}

TEST(forgetting_steps, "what a performed procedure step said is forgotten with the last job that sends it on")
{
	static const char insert[] = "INSERT INTO mpps_message(id, mpps, kind, dataset, at_ms) VALUES(?1, '9.1', 1, x'00', ?2)";
	struct work_job j = { .kind = JOB_MPPS, .instance = 7, .to = "HUB", .created_ms = 1000 };
	unsigned n;
	open_dbs();
	CHECK_OK(sql_do(work_db(work), &why, insert, "ii", (int64_t)7, (int64_t)1000), why);
	CHECK_OK(sql_do(work_db(work), &why, insert, "ii", (int64_t)8, (int64_t)1000), why);
	CHECK_OK(sql_do(work_db(work), &why, insert, "ii", (int64_t)9, (int64_t)9000), why);
	CHECK_OK(work_enqueue(work, &j, &why), why);
	CHECK_OK(work_forget(work, 5000, 100, &n, &why), why);
	CHECK_INT(n, 1);
	CHECK_INT(mpps_messages(), 2);
	CHECK_OK(sql_do(work_db(work), &why, "UPDATE job SET state = 4", ""), why);
	CHECK_OK(work_forget(work, 5000, 100, &n, &why), why);
	CHECK_INT(n, 2);                 /* the job, then its message */
	CHECK_INT(mpps_messages(), 1);
	close_dbs();
}

static void rebuild_index(void)
{
	char cmd[128];
	index_close();
	snprintf(cmd, sizeof(cmd), "rm -f '%s'/index.db*", dir);
	CHECK_INT(system(cmd), 0);
	index_open();
}

TEST(rebuilt, "another index.db is noticed: jobs are found again by their UIDs, the cursor begins anew")
{
	bool is_new;
	int64_t cursor;
	struct work_job j;
	struct index_instance what;
	struct work_planned p;
	const int64_t day = 24 * 3600 * 1000ll;
	open_dbs();
	uint64_t a = add_image("1.1", 1, 10 * day), b = add_image("1.1", 2, 10 * day);
	planned(2, "1.1.2");
	CHECK_OK(work_note_planned(work, 10 * day, "1.1.2", &why), why);
	CHECK_OK(work_know_index(work, ix, &is_new, &why), why);
	CHECK(!is_new);
	int64_t ja = add_job(a, "N", JOB_QUEUED, 1000), jb = add_job(b, "M", JOB_SENT, 1000);
	rebuild_index();
	add_image("1.1", 2, 10 * day);   /* the other way round: their numbers change places */
	add_image("1.1", 1, 10 * day);
	CHECK_INT(need("1.1") & NEED_PLANNED, NEED_PLANNED);
	CHECK_OK(work_know_index(work, ix, &is_new, &why), why);
	CHECK(is_new);
	CHECK_OK(work_cursor(work, &cursor, &why), why);
	CHECK_INT(cursor, 0);
	CHECK_OK(work_get(work, ja, &j, &why), why);
	CHECK_OK(index_get(ix, j.instance, &what, &why), why);
	CHECK_STR(what.sop_uid.s, "1.1.1");
	CHECK_OK(work_get(work, jb, &j, &why), why);
	CHECK_OK(index_get(ix, j.instance, &what, &why), why);
	CHECK_STR(what.sop_uid.s, "1.1.2");
	CHECK_OK(work_planned_before(work, &p, &why), why);
	CHECK_INT(p.upto_seq, 2);
	CHECK_INT(p.before_ms, 9 * day);
	CHECK_OK(work_know_index(work, ix, &is_new, &why), why);
	CHECK(!is_new);
	close_dbs();
}

TEST(put_back, "an older copy of the same index.db is noticed by what stands at the cursor, or that nothing does")
{
	bool is_new;
	char cmd[256];
	open_dbs();
	add_image("1.1", 1, 1000);
	index_close();
	snprintf(cmd, sizeof(cmd), "cp '%s/index.db' '%s/older'", dir, dir);
	CHECK_INT(system(cmd), 0);
	index_open();
	add_image("1.1", 2, 1000);
	planned(2, "1.1.2");
	index_close();
	snprintf(cmd, sizeof(cmd), "rm -f '%s'/index.db*; cp '%s/older' '%s/index.db'", dir, dir, dir);
	CHECK_INT(system(cmd), 0);
	index_open();
	CHECK_OK(work_know_index(work, ix, &is_new, &why), why);
	CHECK(is_new);                   /* nothing stands at the cursor */
	add_image("1.1", 3, 1000);
	planned(2, "1.1.2");             /* as if that had gone unseen */
	CHECK_OK(work_know_index(work, ix, &is_new, &why), why);
	CHECK(is_new);                   /* another image does */
	close_dbs();
}

TEST(events, "a study is complete once for as many images, by whatever cause, and again with more")
{
	int64_t first, id;
	struct study_quiet q;
	struct study_event ev;
	open_dbs();
	CHECK_OK(study_event_note(work, "1.1", 1000, &why), why);
	CHECK_OK(study_event_note(work, "1.2", 500, &why), why);
	CHECK_OK(study_event_note(work, "1.2", 2000, &why), why);
	CHECK_OK(study_event_first(work, &q, &why), why);
	CHECK_STR(q.study_uid.s, "1.1");
	CHECK_INT(q.last_arrival_ms, 1000);
	CHECK_OK(study_event_add(work, "1.1", "mpps", 3, 3000, &first, &why), why);
	CHECK_INT(study_event_add(work, "1.1", "quiet", 3, 4000, &id, &why), ERR_EXISTS);
	CHECK_INT(id, first);
	CHECK_OK(study_event_add(work, "1.1", "quiet", 4, 5000, &id, &why), why);
	CHECK_OK(study_event_get(work, first, &ev, &why), why);
	CHECK_STR(ev.cause, "mpps");
	CHECK_INT(ev.instances, 3);
	CHECK(uid_is_legal(ev.uid.s));
	CHECK_INT(study_event_get(work, 99, &ev, &why), ERR_NOT_FOUND);
	close_dbs();
}

TEST(notices, "a notice is kept once, and the oldest go at the bound")
{
	struct notice n = { .study_uid = { "1.1" }, .calling = "X", .availability = "ONLINE", .at_ms = 1 };
	struct work_reader *r;
	open_dbs();
	for (unsigned i = 0; i < BOUND_NOTICES + 2; i++) {
		snprintf(n.uid.s, sizeof(n.uid.s), "1.9.%u", i);
		if (notice_add(work, &n, &why))
			T_FAIL("number %u: %s", i, why.text);
	}
	CHECK_INT(notice_add(work, &n, &why), ERR_EXISTS);
	snprintf(n.uid.s, sizeof(n.uid.s), "1.9.0");     /* forgotten, so new */
	CHECK_OK(notice_add(work, &n, &why), why);
	CHECK_OK(work_commit(work, &why), why);
	CHECK_OK(work_reader_open(dir, &r, &why), why);
	work_reader_close(&r);
	CHECK_OK(work_begin(work, &why), why);
	close_dbs();
}

int main(void)
{
	RUN(needs);
	RUN(reading);
	RUN(forgetting);
	RUN(forgetting_steps);
	RUN(rebuilt);
	RUN(put_back);
	RUN(events);
	RUN(notices);
	return t_done();
}

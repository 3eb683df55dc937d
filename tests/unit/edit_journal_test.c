/* The journal of changes in work.db: corrections beside patient updates, in one order; and what work.db does when they are applied. */
#include "tests/lib/work_db.h"

#include "db/edit.h"
#include "db/edit_follow.h"
#include "db/items.h"
#include "db/patients.h"
#include "db/sql.h"
#include "db/study_event.h"
#include "pacs/store/edit_json.h"

static int64_t note_edit(enum edit_kind kind, size_t n)
{
	struct index_patient_change c = { .at_ms = 1000 };
	c.edit = edit_new(n);
	CHECK(c.edit != NULL);
	c.edit->kind = kind;
	c.edit->max_oid = 42;
	snprintf(c.edit->who, sizeof(c.edit->who), "tester");
	snprintf(c.edit->reason, sizeof(c.edit->reason), "because");
	for (size_t i = 0; i < n; i++) {
		struct edit_rule *r = &c.edit->rules[i];
		snprintf(r->study.s, sizeof(r->study.s), "1.%zu", i);
		snprintf(r->series.s, sizeof(r->series.s), "2.%zu", i);
		snprintf(r->to_study.s, sizeof(r->to_study.s), "9.9");
		r->tag = TAG(0x0008, 0x1030);
		snprintf(r->value, sizeof(r->value), "腹 %zu\\\"", i);
	}
	CHECK_OK(patients_add(work_db(work), &c, &why), why);
	free(c.edit);
	return c.seq;
}

static int64_t note_patient(void)
{
	struct index_patient_change c = { .patient_id = "P1", .name = "X", .at_ms = 1000 };
	CHECK_OK(patients_add(work_db(work), &c, &why), why);
	return c.seq;
}

TEST(order, "corrections and patient updates have one order, and come out as they went in; also through JSON")
{
	struct index_patient_change c[8];
	struct edit *e = NULL;
	size_t n = 0;
	open_dbs();
	CHECK_INT(note_edit(EDIT_TAG, 3), 1);
	CHECK_INT(note_patient(), 2);
	CHECK_INT(note_edit(EDIT_DELETE, 1), 3);
	CHECK_OK(patients_after(work_db(work), 0, c, 8, &n, &why), why);
	CHECK_INT(n, 3);
	CHECK(c[0].edit && !c[1].edit && c[2].edit);
	CHECK_INT(c[0].edit->count, 3);
	CHECK_INT(c[2].edit->kind, EDIT_DELETE);
	CHECK_INT(c[2].edit->max_oid, 42);
	json_t *o = edit_to_json(c[0].edit);
	e = edit_from_json(o);
	CHECK(e != NULL);
	CHECK_INT(memcmp(e, c[0].edit, sizeof(*e) + 3 * sizeof(e->rules[0])), 0);
	CHECK_STR(e->rules[2].value, "腹 2\\\"");
	CHECK_STR(e->who, "tester");
	free(e);
	json_decref(o);
	patients_free(c, n);
	int64_t by = 9;
	CHECK_OK(patients_edits_after(work_db(work), 0, c, 8, &n, &why), why);
	CHECK_INT(n, 2);
	CHECK_INT(c[1].seq, 3);
	patients_free(c, n);
	CHECK_OK(patients_reverted_by(work_db(work), 1, &by, &why), why);
	CHECK_INT(by, 0);
	CHECK_OK(sql_do(work_db(work), &why, "UPDATE patient_journal SET edit = ?1, target = 1 WHERE seq = 3", "i", (int64_t)EDIT_REVERT), why);
	CHECK_OK(patients_reverted_by(work_db(work), 1, &by, &why), why);
	CHECK_INT(by, 3);
	CHECK_INT(edit_get(work_db(work), "patient_journal", 7, &e, &why), ERR_NOT_FOUND);
	CHECK_OK(edit_get(work_db(work), "patient_journal", 2, &e, &why), why);
	CHECK(!e);
	close_dbs();
}

TEST(bounds, "very many rules come in several pieces; more than the bound is none; what is no entry is not read as one")
{
	struct index_patient_change c[8];
	size_t n = 0, all = 0;
	int64_t after = 0;
	open_dbs();
	for (unsigned i = 0; i < 5; i++)
		note_edit(EDIT_TAG, BOUND_EDIT_RULES);
	for (unsigned i = 0; i < 5 && all < 5; i++) {
		CHECK_OK(patients_after(work_db(work), after, c, 8, &n, &why), why);
		CHECK(n > 0 && n < 5);
		after = c[n - 1].seq;
		all += n;
		patients_free(c, n);
	}
	CHECK_INT(all, 5);
	CHECK(!edit_new(BOUND_EDIT_RULES + 1));
	static const char *const bad[] = { "{}", "[]", "{\"kind\":\"tag\",\"who\":\"a\",\"reason\":\"\",\"rules\":[]}", "{\"kind\":\"none\",\"rules\":[{\"study\":\"1\"}]}",
	                                   "{\"kind\":\"tag\",\"rules\":[{\"series\":\"1\"}]}", "{\"kind\":\"tag\",\"rules\":[{\"study\":7}]}", "{\"kind\":\"revert\",\"target\":0,\"rules\":[]}",
	                                   "{\"kind\":\"tag\",\"rules\":[{\"study\":\"1\",\"tag\":\"zz\"}]}",
	                                   "{\"kind\":\"tag\",\"rules\":[{\"study\":\"1234567890123456789012345678901234567890123456789012345678901234567890\"}]}" };
	for (size_t i = 0; i < NELEM(bad); i++) {
		json_t *o = json_loads(bad[i], 0, NULL);
		CHECK(o && !edit_from_json(o));
		json_decref(o);
	}
	close_dbs();
}

TEST(jobs, "jobs follow their images to another study; those of deleted images go, open ones counted; others stay")
{
	unsigned dropped = 9;
	struct work_job j;
	open_dbs();
	uint64_t a = add_image("1.1", 1, 1000), b = add_image("1.1", 2, 1000), other = add_image("1.2", 1, 1000);
	int64_t sent = add_job(a, "N", JOB_SENT, 1000), open = add_job(b, "N", JOB_QUEUED, 1000), of_other = add_job(other, "M", JOB_QUEUED, 1000);
	/* The rows say 1.7 where the index says 1.1: as after a merge of 1.7 into 1.1. */
	CHECK_OK(sql_do(work_db(work), &why, "UPDATE job SET study = '1.7' WHERE id = ?1", "i", open), why);
	CHECK_OK(edit_follow_jobs(work_db(work), ix, "1.7", false, &dropped, &why), why);
	CHECK_OK(work_get(work, open, &j, &why), why);
	CHECK_STR(j.study.s, "1.1");
	CHECK_INT(dropped, 0);
	/* Their images are no more. */
	CHECK_OK(sql_do(work_db(work), &why, "UPDATE job SET instance = instance + 1000 WHERE study = '1.1'", ""), why);
	CHECK_OK(edit_follow_jobs(work_db(work), ix, "1.1", false, &dropped, &why), why);
	CHECK_INT(state_of(open), JOB_QUEUED);           /* an index that was rebuilt: nobody decided anything */
	CHECK_OK(edit_follow_jobs(work_db(work), ix, "1.1", true, &dropped, &why), why);
	CHECK_INT(dropped, 1);
	CHECK_INT(work_get(work, open, &j, &why), ERR_NOT_FOUND);
	CHECK_INT(work_get(work, sent, &j, &why), ERR_NOT_FOUND);
	CHECK_INT(state_of(of_other), JOB_QUEUED);
	close_dbs();
}

TEST(heirs, "quiet times go over to who has the images, and end with the study")
{
	struct item_pending p = { .study_uid = { "1.1" }, .group = "ALL", .priority = 9, .last_arrival_ms = 1000 };
	struct study_quiet q;
	open_dbs();
	CHECK_OK(items_pending_note(work_db(work), &p, &why), why);
	CHECK_OK(study_event_note(work, "1.1", 1000, &why), why);
	CHECK_OK(edit_follow_heir(work_db(work), "1.1", "1.2", 5000, &why), why);
	CHECK_OK(edit_follow_gone(work_db(work), "1.1", &why), why);
	CHECK_OK(items_pending_first(work_db(work), &p, &why), why);
	CHECK_STR(p.study_uid.s, "1.2");
	CHECK_INT(p.priority, 9);
	CHECK_INT(p.last_arrival_ms, 5000);
	CHECK_OK(study_event_first(work, &q, &why), why);
	CHECK_STR(q.study_uid.s, "1.2");
	CHECK_OK(edit_follow_gone(work_db(work), "1.2", &why), why);
	CHECK_INT(study_event_first(work, &q, &why), ERR_END);
	close_dbs();
}

int main(void)
{
	RUN(order);
	RUN(bounds);
	RUN(jobs);
	RUN(heirs);
	return t_done();
}

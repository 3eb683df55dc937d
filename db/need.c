#include "db/need.h"

#include <stdio.h>
#include <string.h>

#include "db/sql.h"
#include "db/work_keep.h"

struct asking {
	struct sqlite3 *db;
	const char *study, *sop;         /* sop "": the whole study */
	struct need *out;
	struct why *why;
};

static enum err planned(struct asking *a, struct index_reader *ix, uint64_t instance)
{
	bool known;
	int64_t cursor, n = 0;
	enum err e = work_is_known_index(a->db, ix, &known, a->why);
	if (!e)
		e = sql_number(a->db, a->why, &cursor, "SELECT seq FROM cursor WHERE name = 'arrival'", "");
	if (!e && known)
		e = index_arrivals_of(ix, cursor, instance ? "" : a->study, instance, &n, a->why);
	if (!e && (!known || n))
		a->out->what |= NEED_PLANNED;
	return e;
}

/* A number of rows that mean a need. */
static enum err rows(struct asking *a, const char *sql, const char *types, enum need_what what)
{
	int64_t n;
	enum err e = sql_number(a->db, a->why, &n, sql, types, a->study, a->sop);
	if (!e && n)
		a->out->what |= what;
	return e;
}

static enum err evidence(struct asking *a)
{
	int64_t sent, confirmed;
	enum err e = sql_number(a->db, a->why, &sent, "SELECT count(*) FROM job WHERE study = ?1 AND (?2 = '' OR sop_instance = ?2) AND kind = 1 AND state = 4"
	                        " AND NOT EXISTS (SELECT 1 FROM commit_item WHERE job = job.id)", "tt", a->study, a->sop);
	if (!e)
		e = sql_number(a->db, a->why, &confirmed, "SELECT count(*) FROM job WHERE study = ?1 AND (?2 = '' OR sop_instance = ?2) AND kind = 1 AND state = 5", "tt", a->study, a->sop);
	if (!e) {
		a->out->sent = (unsigned)sent;
		a->out->confirmed = (unsigned)confirmed;
	}
	return e;
}

/* A peer's open request names instances only, so a study's are looked up one by one. */
struct promised { struct asking *a; enum err e; };

static bool look_at_promise(void *arg, const struct index_instance *i)
{
	struct promised *p = arg;
	int64_t n;
	p->e = sql_number(p->a->db, p->a->why, &n, "SELECT count(*) FROM commit_ref AS r JOIN commit_duty AS d ON d.id = r.duty WHERE r.sop_instance = ?1 AND d.state < 2", "t", i->sop_uid.s);
	if (!p->e && n)
		p->a->out->what |= NEED_ANSWERED;
	return !p->e && !n;
}

static enum err answered(struct asking *a, struct index_reader *ix, const struct index_instance *what)
{
	int64_t open;
	struct promised p = { a, ERR_OK };
	enum err e = sql_number(a->db, a->why, &open, "SELECT count(*) FROM commit_duty WHERE state < 2", "");
	if (e || !open)
		return e;
	if (what)
		look_at_promise(&p, what);
	else
		e = index_study_instances(ix, a->study, look_at_promise, &p, a->why);
	return e ? e : p.e;
}

static enum err find(struct asking *a, struct index_reader *ix, const struct index_instance *what)
{
	*a->out = (struct need){ 0 };
	enum err e = planned(a, ix, what ? what->instance : 0);
	if (!e)
		e = rows(a, "SELECT count(*) FROM job WHERE study = ?1 AND state < 4 AND (?2 = '' OR sop_instance = ?2 OR kind = 3)", "tt", NEED_SENT);
	if (!e)
		e = rows(a, "SELECT count(*) FROM job AS j JOIN commit_item AS c ON c.job = j.id WHERE j.study = ?1 AND (?2 = '' OR j.sop_instance = ?2)", "tt", NEED_CONFIRMED);
	if (!e)
		e = rows(a, "SELECT count(*) FROM item WHERE study_uid = ?1 AND state IN ('SCHEDULED', 'IN PROGRESS')", "t", NEED_READ);
	if (!e)
		e = rows(a, "SELECT count(*) FROM pending_study WHERE study_uid = ?1", "t", NEED_READ);
	/* The event that the study is complete is still to come, and with it jobs. */
	if (!e)
		e = rows(a, "SELECT count(*) FROM study_quiet WHERE study_uid = ?1", "t", NEED_PLANNED);
	if (!e)
		e = answered(a, ix, what);
	return e ? e : evidence(a);
}

enum err need_of_study(struct sqlite3 *work, struct index_reader *ix, const char *study_uid, struct need *out, struct why *why)
{
	struct asking a = { work, study_uid, "", out, why };
	return find(&a, ix, NULL);
}

enum err need_of_instance(struct sqlite3 *work, struct index_reader *ix, const struct index_instance *what, struct need *out, struct why *why)
{
	struct asking a = { work, what->study_uid.s, what->sop_uid.s, out, why };
	return find(&a, ix, what);
}

struct need_text need_text(unsigned what)
{
	static const struct { enum need_what what; const char *text; } words[] = {
		{ NEED_PLANNED, "not planned" }, { NEED_SENT, "not sent" }, { NEED_CONFIRMED, "not confirmed" },
		{ NEED_READ, "not read" }, { NEED_ANSWERED, "commitment not answered" },
	};
	struct need_text t = { "" };
	size_t at = 0;
	for (size_t i = 0; i < NELEM(words); i++)
		if (what & words[i].what)
			at += (size_t)snprintf(t.s + at, sizeof(t.s) - at, "%s%s", at ? ", " : "", words[i].text);
	return t;
}

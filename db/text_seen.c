/* text_seen - what senders declare of their text and what it is: a few counters for each sender and day, kept in the
 * transaction that adds the instance. Never a name: an example is a Study Instance UID. */
#include <stdio.h>
#include <time.h>

#include "db/index_reader.h"
#include "db/index_writer.h"

static int day_of(int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	return localtime_r(&t, &tm) ? (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday : 0;
}

static bool same_case(const struct cached_text *a, const struct cached_text *b)
{
	return a->day == b->day && !strcmp(a->calling, b->calling) && !strcmp(a->said, b->said) && !strcmp(a->how, b->how) &&
	       !strcmp(a->declared, b->declared) && !strcmp(a->found, b->found);
}

static enum err flush(struct index_writer *w, struct cached_text *t, struct why *why)
{
	sqlite3_stmt *st = w->st[W_TEXT_ADD];
	sql_bind_text(st, 1, t->calling);
	sql_bind_int(st, 2, t->day);
	sql_bind_text(st, 3, t->said);
	sql_bind_text(st, 4, t->how);
	sql_bind_text(st, 5, t->declared);
	sql_bind_text(st, 6, t->found);
	sql_bind_int(st, 7, t->objects);
	sql_bind_int(st, 8, t->studies);
	sql_bind_text(st, 9, t->study_uid);
	enum err e = sql_run(st, why);
	t->objects = t->studies = 0;
	return e;
}

enum err text_seen_note(struct index_writer *w, const struct index_record *r, bool is_new_study, struct why *why)
{
	struct cached_text like = { .day = day_of(r->received_ms) };
	enum err e = ERR_OK;
	if (!r->charset_said)
		return ERR_OK;
	snprintf(like.calling, sizeof(like.calling), "%s", r->calling);
	snprintf(like.said, sizeof(like.said), "%s", r->charset_said);
	snprintf(like.how, sizeof(like.how), "%s", r->charset_how);
	snprintf(like.declared, sizeof(like.declared), "%s", r->charset_declared);
	snprintf(like.found, sizeof(like.found), "%s", r->charset_found);
	struct cached_text *t = cache_text(&w->cache, &like);
	if (t->objects && !same_case(t, &like))
		e = flush(w, t, why);
	if (e)
		return e;
	if (!t->objects)
		*t = like;
	t->objects++;
	t->studies += is_new_study;
	snprintf(t->study_uid, sizeof(t->study_uid), "%s", r->study_uid);
	return ERR_OK;
}

enum err text_seen_flush(struct index_writer *w, struct why *why)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < CACHE_TEXTS; i++)
		if (w->cache.texts[i].objects)
			e = flush(w, &w->cache.texts[i], why);
	return e;
}

/* Of a group, SQLite takes the columns without an aggregate from the row that has the max(). */
enum err index_text_list(struct index_reader *r, const char *calling, int since_day, bool (*fn)(void *arg, const struct index_text *t), void *arg, struct why *why)
{
	sqlite3_stmt *st = NULL;
	struct index_text t;
	enum err e = sql_prepare(index_reader_db(r), "SELECT calling, said, how, declared, found, sum(objects), sum(studies), max(day), study_uid FROM text_seen"
	                         " WHERE (?1 = '' OR calling = ?1) AND day >= ?2 GROUP BY 1, 2, 3, 4, 5 ORDER BY calling, sum(objects) DESC", &st, why);
	if (!e) {
		sql_bind_text(st, 1, calling);
		sql_bind_int(st, 2, since_day);
	}
	while (!e && (e = sql_step(st, why)) == ERR_OK) {
		const struct { char *p; size_t cap; } texts[] = {
			{ t.calling, sizeof(t.calling) }, { t.said, sizeof(t.said) }, { t.how, sizeof(t.how) }, { t.declared, sizeof(t.declared) }, { t.found, sizeof(t.found) },
		};
		for (size_t i = 0; i < NELEM(texts); i++)
			sql_copy(st, (int)i, texts[i].p, texts[i].cap);
		t.objects = (uint64_t)sql_int(st, 5);
		t.studies = (uint64_t)sql_int(st, 6);
		t.last_day = (int)sql_int(st, 7);
		sql_copy(st, 8, t.study_uid.s, sizeof(t.study_uid.s));
		if (!fn(arg, &t))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

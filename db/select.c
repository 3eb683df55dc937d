#include "db/index_reader.h"
#include "db/query_plan.h"

enum { KEYS_MAX = 8 << 20 };     /* a list of UIDs as long as an identifier can be */

/* Retrieve identifiers hold the level and unique keys only (PS3.4 C.4.2.1.4); other keys that clients
 * leave in are passed over. A missing or open key at the level itself would name the whole archive. */
static enum err read_keys(struct keys *k, struct arena *a, const struct dataset *identifier, enum query_root root, struct why *why)
{
	struct query_options o = { .root = root };
	const struct attribute *own;
	const struct key *key;

	enum err e = query_keys_read(k, a, identifier, &o, why);
	if (e)
		return e;
	own = attribute_unique(k->level);
	for (key = k->first; key && key->attribute != own; key = key->next)
		;
	if (!key || match_kind(key->vr, key->text) == MATCH_UNIVERSAL)
		return fail(why, ERR_MISMATCH, "level %s needs (%04X,%04X)", query_level_name(k->level), TAG_GROUP(own->tag), TAG_ELEMENT(own->tag));
	return ERR_OK;
}

static enum err add_conditions(struct sql_text *t, const struct keys *k, sqlite3 *db, struct why *why)
{
	struct plan p;
	enum err e = plan_make(&p, k, t->arena, db, why);

	buf_add_str(&t->sql, "SELECT " INDEX_INSTANCE_COLUMNS);
	plan_from(t, &p, QUERY_IMAGE);
	buf_add_str(&t->sql, " CROSS JOIN term c ON c.id = i.sop_class CROSS JOIN term t ON t.id = i.ts WHERE 1");
	for (const struct key *key = k->first; key && !e; key = key->next) {
		if (key->way != KEY_COLUMN || key->attribute->kind != ATTRIBUTE_UNIQUE || match_kind(key->vr, key->text) == MATCH_UNIVERSAL)
			continue;
		if (strpbrk(key->text, "*?"))
			return fail(why, ERR_MISMATCH, "wildcard in unique key (%04X,%04X)", TAG_GROUP(key->tag), TAG_ELEMENT(key->tag));
		buf_add_str(&t->sql, " AND ");
		e = sql_condition(t, key, why);
	}
	return e;
}

static enum err run(sqlite3_stmt *st, bool (*fn)(void *arg, const struct index_instance *i), void *arg, struct why *why)
{
	enum err e;

	while (!(e = sql_step(st, why))) {
		struct index_instance inst;
		index_instance_take(st, 0, &inst);
		if (!fn(arg, &inst))
			return ERR_OK;
	}
	return e == ERR_END ? ERR_OK : e;
}

enum err query_select(struct index_reader *r, const struct dataset *identifier, enum query_root root,
                      bool (*fn)(void *arg, const struct index_instance *i), void *arg, struct why *why)
{
	struct arena a;
	struct keys k;
	struct sql_text t;
	sqlite3_stmt *st = NULL;

	arena_init(&a, KEYS_MAX);
	sql_text_init(&t, &a);
	enum err e = read_keys(&k, &a, identifier, root, why);
	if (!e)
		e = add_conditions(&t, &k, index_reader_db(r), why);
	if (!e)
		e = sql_text_prepare(&t, index_reader_db(r), &st, why);
	if (!e)
		e = run(st, fn, arg, why);
	if (st)
		sql_finalize_all(&st, 1);
	sql_text_fini(&t);
	arena_fini(&a);
	return e;
}

#include "db/query_plan.h"

#include <stdlib.h>

#include "db/name_search.h"
#include "pacs/dicom/text_fold.h"

/* ---- a statement being written ---- */
void sql_text_init(struct sql_text *t, struct arena *a)
{
	*t = (struct sql_text){ .arena = a };
	buf_init(&t->sql, SQL_TEXT_MAX);
}

void sql_text_fini(struct sql_text *t)
{
	buf_fini(&t->sql);
}

static void add(struct sql_text *t, const char *sql)
{
	buf_add_str(&t->sql, sql);
}

static bool grow_binds(struct sql_text *t)
{
	unsigned cap = t->bind_cap ? 2 * t->bind_cap : 16;

	if (cap > SQL_BINDS_MAX) {
		t->err = ERR_LIMIT;
		return false;
	}
	struct sql_bind *p = arena_alloc(t->arena, cap * sizeof(*p));
	if (!p) {
		t->err = ERR_NOMEM;
		return false;
	}
	if (t->bind_count)
		memcpy(p, t->binds, t->bind_count * sizeof(*p));
	t->binds = p;
	t->bind_cap = cap;
	return true;
}

void sql_add_bind(struct sql_text *t, const char *text)
{
	if (t->err || (t->bind_count == t->bind_cap && !grow_binds(t)))
		return;
	t->binds[t->bind_count++].text = text;
	buf_printf(&t->sql, "?%u", t->bind_count);
}

enum err sql_text_prepare(struct sql_text *t, sqlite3 *db, sqlite3_stmt **out, struct why *why)
{
	enum err e = t->err ? t->err : buf_err(&t->sql);

	*out = NULL;
	if (e)
		return fail(why, e, "the query has too many or too long keys");
	e = sql_prepare(db, buf_cstr(&t->sql), out, why);
	for (unsigned i = 0; !e && i < t->bind_count; i++)
		sql_bind_text(*out, (int)i + 1, t->binds[i].text);
	return e;
}

/* ---- conditions on one expression and one value ---- */
static char *arena_printf_prefix(struct sql_text *t, const char *text, size_t len, const char *tail)
{
	char *s = arena_alloc(t->arena, len + strlen(tail) + 1);

	if (!s) {
		t->err = ERR_NOMEM;
		return NULL;
	}
	memcpy(s, text, len);
	memcpy(s + len, tail, strlen(tail) + 1);
	return s;
}

/* U+10FFFF sorts behind every text. */
void sql_prefix(struct sql_text *t, const char *expr, const char *pattern)
{
	size_t len = strcspn(pattern, "*?");

	if (!len) {
		add(t, "1");
		return;
	}
	buf_printf(&t->sql, "%s>=", expr);
	sql_add_bind(t, arena_printf_prefix(t, pattern, len, ""));
	buf_printf(&t->sql, " AND %s<", expr);
	sql_add_bind(t, arena_printf_prefix(t, pattern, len, "\xF4\x8F\xBF\xBF"));
}

static void add_wildcard(struct sql_text *t, const char *expr, const char *pattern)
{
	sql_prefix(t, expr, pattern);
	add(t, " AND dicom_wildcard(");
	sql_add_bind(t, pattern);
	buf_printf(&t->sql, ",%s)", expr);
}

const char *query_folded(struct arena *a, const char *text)
{
	struct buf folded;

	buf_init(&folded, BOUND_IDENTIFIER);
	text_fold(text, &folded);
	const char *copy = buf_err(&folded) ? NULL : arena_strn(a, folded.p, folded.len);
	buf_fini(&folded);
	return copy;
}

/* A key for one component group may match any group: name_group has a row for each, so its beginning narrows
 * the patients by index. What the key sounds like comes beside it. */
void sql_name(struct sql_text *t, const char *expr, const char *key)
{
	const char *folded = query_folded(t->arena, key);
	bool is_patient = !strcmp(expr, "p.name_fold");
	bool by_group = folded && is_patient && !strchr(folded, '=') && strcspn(folded, "*?");

	if (!folded) {
		t->err = ERR_NOMEM;
		return;
	}
	add(t, "(");
	if (by_group) {
		add(t, "p.id IN (SELECT n.patient FROM name_group n WHERE ");
		sql_prefix(t, "n.fold", folded);
		add(t, " AND ");
	}
	add(t, "dicom_name(");
	sql_add_bind(t, folded);
	buf_printf(&t->sql, ",%s)", by_group ? "n.fold" : expr);
	if (t->pinyin && is_patient)
		name_search_sounds(t, key, by_group ? " UNION ALL " : " OR p.id IN (", by_group ? "" : ")");
	add(t, by_group ? "))" : ")");
}

static void add_name(struct sql_text *t, const char *expr, const struct key *k, const char *value)
{
	if (!k->is_fuzzy) {
		sql_name(t, expr, value);
		return;
	}
	const char *folded = query_folded(t->arena, value);
	if (!folded) {
		t->err = ERR_NOMEM;
		return;
	}
	add(t, "dicom_fuzzy(");
	sql_add_bind(t, folded);
	buf_printf(&t->sql, !strcmp(expr, "st.referring") ? ",dicom_fold(%s))" : ",%s)", expr);
}

static void add_between(struct sql_text *t, const char *expr, const char *lo, const char *hi)
{
	buf_printf(&t->sql, "%s<>''", expr);
	if (*lo) {
		buf_printf(&t->sql, " AND %s>=", expr);
		sql_add_bind(t, arena_printf_prefix(t, lo, strlen(lo), ""));
	}
	if (*hi) {
		buf_printf(&t->sql, " AND %s<=", expr);
		sql_add_bind(t, arena_printf_prefix(t, hi, strlen(hi), ""));
	}
}

static enum err add_range(struct sql_text *t, const char *expr, const struct key *k, const char *value, struct why *why)
{
	char lo[32], hi[32];

	if (match_range(k->vr, value, lo, hi))
		return fail(why, ERR_MISMATCH, "key (%04X,%04X) is no date, time or range", TAG_GROUP(k->tag), TAG_ELEMENT(k->tag));
	add_between(t, expr, lo, hi);
	return ERR_OK;
}

enum err sql_range(struct sql_text *t, const char *expr, const struct key *k, struct why *why)
{
	return add_range(t, expr, k, k->text, why);
}

enum err sql_range_wide(struct sql_text *t, const char *expr, const struct key *k, struct why *why)
{
	enum { A_DAY = 24 * 60 };
	char lo[32], hi[32], from[9], until[9], time[14];

	if (match_range(k->vr, k->text, lo, hi))
		return fail(why, ERR_MISMATCH, "key (%04X,%04X) is no date or range", TAG_GROUP(k->tag), TAG_ELEMENT(k->tag));
	match_shift(lo, "000000", -A_DAY, from, time);
	match_shift(hi, "000000", A_DAY, until, time);
	add_between(t, expr, from, until);
	return ERR_OK;
}

static void add_equal(struct sql_text *t, const char *expr, const char *value)
{
	buf_printf(&t->sql, "%s=", expr);
	sql_add_bind(t, value);
}

static enum err add_value(struct sql_text *t, const char *expr, const struct key *k, const char *value, struct why *why)
{
	if (k->vr == VR_DA || k->vr == VR_TM || k->vr == VR_DT)
		return add_range(t, expr, k, value, why);
	if (k->vr == VR_PN)
		add_name(t, expr, k, value);
	else if (k->attribute->kind == ATTRIBUTE_NUMBER || k->vr == VR_IS || k->vr == VR_DS)
		buf_printf(&t->sql, "dicom_number("), sql_add_bind(t, value), buf_printf(&t->sql, ",%s)", expr);
	else if (match_kind(k->vr, value) == MATCH_WILDCARD)
		add_wildcard(t, expr, value);
	else
		add_equal(t, expr, value);
	return ERR_OK;
}

/* ---- lists ---- */
char *list_next(char **rest)
{
	char *value = *rest;

	if (!value)
		return NULL;
	char *end = strchr(value, '\\');
	*rest = end ? end + 1 : NULL;
	if (end)
		*end = 0;
	while (*value == ' ')
		value++;
	for (size_t n = strlen(value); n && value[n - 1] == ' '; )
		value[--n] = 0;
	return value;
}

/* UIDs as a JSON array in one parameter, so that a list of any length is one index lookup each. What is
 * no UID's letters cannot be stored as one and is left out. */
static enum err add_uid_list(struct sql_text *t, const char *expr, char *list)
{
	struct buf json;
	char *uid;

	buf_init(&json, 4 * BOUND_IDENTIFIER);
	buf_add_byte(&json, '[');
	while ((uid = list_next(&list))) {
		size_t len = strlen(uid);
		if (!len || len > BOUND_UID || strspn(uid, "0123456789.") != len)
			continue;
		buf_printf(&json, "%s\"%s\"", json.len > 1 ? "," : "", uid);
	}
	buf_add_byte(&json, ']');
	const char *copy = arena_strn(t->arena, json.p, json.len);
	enum err e = copy ? buf_err(&json) : ERR_NOMEM;
	buf_fini(&json);
	if (e)
		return e;
	buf_printf(&t->sql, "%s IN (SELECT value FROM json_each(", expr);
	sql_add_bind(t, copy);
	add(t, "))");
	return ERR_OK;
}

static enum err add_any_of(struct sql_text *t, const char *expr, const struct key *k, char *list, struct why *why)
{
	unsigned n = 0;
	char *value;

	while ((value = list_next(&list))) {
		if (!*value)
			continue;
		add(t, n++ ? " OR (" : "(");
		enum err e = add_value(t, expr, k, value, why);
		if (e)
			return e;
		add(t, ")");
	}
	if (!n)
		add(t, "1");
	return ERR_OK;
}

static enum err add_values(struct sql_text *t, const char *expr, const struct key *k, struct why *why)
{
	bool is_list = strchr(k->text, '\\') && (vr_is_multi(k->vr) || k->vr == VR_UI);
	char *copy = is_list ? arena_strn(t->arena, k->text, strlen(k->text)) : NULL;

	if (!is_list)
		return add_value(t, expr, k, k->text, why);
	if (!copy)
		return ERR_NOMEM;
	return k->vr == VR_UI ? add_uid_list(t, expr, copy) : add_any_of(t, expr, k, copy, why);
}

enum err sql_condition(struct sql_text *t, const struct key *k, struct why *why)
{
	const struct attribute *at = k->attribute;
	const char *hole = at->kind == ATTRIBUTE_SET ? strstr(at->match, "%s") : NULL;
	enum err e;

	if (k->vr == VR_UI && strpbrk(k->text, "*?"))
		return fail(why, ERR_MISMATCH, "wildcard in UID key (%04X,%04X)", TAG_GROUP(k->tag), TAG_ELEMENT(k->tag));
	add(t, "(");
	if (k->is_empty) {
		buf_printf(&t->sql, "coalesce(%s,'') IN ('',0)", at->value);
		e = ERR_OK;
	} else if (hole) {
		buf_add(&t->sql, at->match, (size_t)(hole - at->match));
		e = add_values(t, "m", k, why);
		add(t, hole + 2);
	} else {
		e = add_values(t, at->match ? at->match : at->value, k, why);
	}
	add(t, ")");
	return e;
}

/* ---- the whole statement ---- */
bool key_is_condition(const struct key *k, enum key_way way)
{
	return k->way == way && !(k->attribute && k->attribute->kind == ATTRIBUTE_COUNTER) &&
	       (k->is_empty || k->items || match_kind(k->vr, k->text) != MATCH_UNIVERSAL);
}

/* One of the keys below is by itself good enough to begin with it. */
static bool is_selective(const struct key *k)
{
	static const char *const columns[] = { "st.accession", "st.study_id" };

	for (size_t i = 0; i < NELEM(columns); i++)
		if (!strcmp(k->attribute->value, columns[i]))
			return match_kind(k->vr, k->text) == MATCH_SINGLE;
	return k->attribute->kind == ATTRIBUTE_UNIQUE;
}

/* Keys of the levels below: one entity chain below this row must fulfil all of them. When one of them names
 * few rows, the chain is gone up from there once; else down from each row. */
static enum err add_lower(struct sql_text *t, const struct keys *k, struct why *why)
{
	static const char *const link[] = { NULL, "study st", "series se", "instance i" };
	static const char *const on[] = { NULL, "st.patient=p.id", "se.study=st.id", "i.series=se.id" };
	static const char *const id[] = { "p.id", "st.id", "se.id" };
	static const char *const parent[] = { NULL, "st.patient", "se.study", "i.series" };
	enum query_level deepest = k->level;
	bool go_up = false;

	for (const struct key *key = k->first; key; key = key->next)
		if (key_is_condition(key, KEY_LOWER)) {
			go_up |= is_selective(key);
			if (key->attribute->level > deepest)
				deepest = key->attribute->level;
		}
	if (deepest == k->level)
		return ERR_OK;
	enum query_level below = k->level + 1;
	if (go_up)
		buf_printf(&t->sql, " AND %s IN (SELECT %s FROM %s", id[k->level], parent[below], link[below]);
	else
		buf_printf(&t->sql, " AND EXISTS(SELECT 1 FROM %s", link[below]);
	for (int l = (int)below + 1; l <= (int)deepest; l++)
		buf_printf(&t->sql, " JOIN %s ON %s", link[l], on[l]);
	buf_printf(&t->sql, " WHERE %s", go_up ? "1" : on[below]);
	for (const struct key *key = k->first; key; key = key->next) {
		if (!key_is_condition(key, KEY_LOWER))
			continue;
		add(t, " AND ");
		enum err e = sql_key(t, k, key, why);
		if (e)
			return e;
	}
	add(t, ")");
	return ERR_OK;
}

/* The instance whose header answers for a row: its first one. */
static const char *const header_of[] = {
	"(SELECT min(x.id) FROM instance x WHERE x.series=(SELECT min(y.id) FROM series y WHERE y.study=(SELECT min(z.id) FROM study z WHERE z.patient=p.id)))",
	"(SELECT min(x.id) FROM instance x WHERE x.series=(SELECT min(y.id) FROM series y WHERE y.study=st.id))",
	"(SELECT min(x.id) FROM instance x WHERE x.series=se.id)",
	"i.id",
};
_Static_assert(NELEM(header_of) == QUERY_LEVEL_COUNT, "one for each level");

static void add_columns(struct sql_text *t, const struct keys *k)
{
	bool wants_header = false;
	int column = 1;

	for (const struct key *key = k->first; key; key = key->next)
		wants_header |= key->way == KEY_HEADER;
	add(t, "SELECT ");
	add(t, wants_header ? header_of[k->level] : "0");
	for (struct key *key = k->first; key; key = key->next)
		if (key->way == KEY_COLUMN) {
			add(t, ",");
			sql_value(t, k, key);
			key->column = column++;
		}
}

enum err sql_find(struct sql_text *t, const struct keys *k, sqlite3 *db, struct why *why)
{
	struct plan p;
	t->pinyin = k->pinyin;
	enum err e = plan_make(&p, k, t->arena, db, why);

	if (e)
		return e;
	add_columns(t, k);
	plan_from(t, &p, k->level);
	add(t, " WHERE 1");
	e = plan_conditions(t, &p, why);
	for (const struct key *key = k->first; key && !e; key = key->next)
		if (key_is_condition(key, KEY_COLUMN) && !plan_covers(&p, key)) {
			add(t, " AND ");
			e = sql_key(t, k, key, why);
		}
	return e ? e : add_lower(t, k, why);
}

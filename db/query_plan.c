#include "db/query_plan.h"

#include "db/name_search.h"

enum { SCAN_COST = 1500 };               /* looking through a column, in rows of an index that take as long: about */

static const char *const tables[] = { "patient p", "study st", "series se", "instance i" };
static const char *const ids[] = { "p.id", "st.id" };

/* ---- candidates ---- */

/* Columns with an index of their own, beside the unique keys. */
static bool has_index(const struct attribute *at)
{
	static const char *const columns[] = { "p.patient_id", "st.accession", "st.study_id", "st.study_date" };

	for (size_t i = 0; i < NELEM(columns); i++)
		if (!strcmp(at->value, columns[i]))
			return true;
	return false;
}

static bool find_field(const struct attribute *at, enum scan_field *out)
{
	static const char *const columns[] = {
		[SCAN_NAME] = "p.name", [SCAN_PATIENT_ID] = "p.patient_id", [SCAN_ACCESSION] = "st.accession", [SCAN_STUDY_ID] = "st.study_id",
		[SCAN_DESCRIPTION] = "st.description", [SCAN_REFERRING] = "st.referring",
	};

	for (size_t i = 0; i < NELEM(columns); i++)
		if (!strcmp(at->value, columns[i])) {
			*out = (enum scan_field)i;
			return true;
		}
	return false;
}

static bool is_list(const struct key *k)
{
	return strchr(k->text, '\\') != NULL;
}

/* The longest run of plain characters, without what a name's group may lose at its ends; in `a`. "" when there is none. */
static const char *longest_part(struct arena *a, const char *pattern)
{
	const char *best = pattern;
	size_t best_len = 0;

	for (const char *p = pattern; *p; ) {
		size_t len = strcspn(p, "*?="), keep = len;
		while (keep && (p[keep - 1] == '^' || p[keep - 1] == ' '))
			keep--;
		if (keep > best_len) {
			best = p;
			best_len = keep;
		}
		p += len + (p[len] != 0);
	}
	return arena_strn(a, best, best_len);
}

/* A whole value or one with a beginning: true; *wild when only a search helps. */
static bool by_index(const struct key *k, bool *wild)
{
	*wild = false;
	if (k->vr == VR_DA)
		return true;
	if (is_list(k))
		return false;
	*wild = strcspn(k->text, "*?") == 0;
	return !*wild;
}

enum { CANDIDATES = 8 };
struct candidates { struct plan p[CANDIDATES]; unsigned count; };

static void add(struct candidates *c, struct plan p)
{
	if (c->count < CANDIDATES)
		c->p[c->count++] = p;
}

static enum err add_scan(struct candidates *c, const struct key *k, const char *pattern, struct arena *a)
{
	struct plan p = { .drive = DRIVE_SCAN, .at = k->attribute->level, .key = k, .pattern = pattern };

	if (is_list(k) || !find_field(k->attribute, &p.field))
		return ERR_OK;
	p.part = longest_part(a, pattern);
	if (!p.part)
		return ERR_NOMEM;
	if (*p.part)
		add(c, p);
	return ERR_OK;
}

/* A key that is also read as a sound; what is found as it is written comes first. */
static enum err add_sound(struct candidates *c, const struct key *k, const char *folded, bool by_group, struct arena *a)
{
	struct plan p = { .drive = DRIVE_SOUND, .at = QUERY_PATIENT, .key = k, .pattern = folded, .field = SCAN_NAME };

	if (!by_group && !(p.part = longest_part(a, folded)))
		return ERR_NOMEM;
	if (by_group || *p.part)
		add(c, p);
	return ERR_OK;
}

static enum err add_name(struct candidates *c, const struct key *k, bool pinyin, struct arena *a)
{
	const char *folded = query_folded(a, k->text);

	if (!folded)
		return ERR_NOMEM;
	bool is_patient = !strcmp(k->attribute->value, "p.name"), by_group = is_patient && !strchr(folded, '=') && strcspn(folded, "*?");
	if (!k->is_fuzzy && is_patient && pinyin && name_search_has_sounds(k->text))
		return add_sound(c, k, folded, by_group, a);
	if (!k->is_fuzzy && by_group) {
		add(c, (struct plan){ .drive = DRIVE_NAME, .at = QUERY_PATIENT, .key = k, .pattern = folded });
		return ERR_OK;
	}
	if (!k->is_fuzzy)
		return add_scan(c, k, folded, a);
	struct plan p = { .drive = DRIVE_SCAN, .at = k->attribute->level, .key = k, .pattern = folded };
	if (find_field(k->attribute, &p.field))
		add(c, p);
	return ERR_OK;
}

static const struct key *date_key(const struct keys *k)
{
	for (const struct key *key = k->first; key; key = key->next)
		if (key->tag == TAG_STUDY_DATE && key_is_condition(key, KEY_COLUMN) && !key->is_empty)
			return key;
	return NULL;
}

/* One modality is asked for: its table knows the dates too, so the date by itself is never better. */
static bool is_one_modality(const struct key *k)
{
	return k->tag == TAG_MODALITIES_IN_STUDY && !k->is_empty && !is_list(k) && match_kind(k->vr, k->text) == MATCH_SINGLE;
}

static bool has_modality(const struct keys *k)
{
	for (const struct key *key = k->first; key; key = key->next)
		if (key_is_condition(key, KEY_COLUMN) && is_one_modality(key))
			return true;
	return false;
}

static enum err add_key(struct candidates *c, const struct keys *all, const struct key *k, struct arena *a)
{
	bool wild = false;

	if (k->attribute->kind == ATTRIBUTE_SET) {
		if (is_one_modality(k))
			add(c, (struct plan){ .drive = DRIVE_MODALITY, .at = QUERY_STUDY, .key = k, .date = date_key(all) });
		return ERR_OK;
	}
	if (k->is_empty || (k->tag == TAG_STUDY_DATE && has_modality(all)))
		return ERR_OK;
	if (k->vr == VR_PN)
		return add_name(c, k, all->pinyin, a);
	if (has_index(k->attribute) && by_index(k, &wild))
		add(c, (struct plan){ .drive = DRIVE_INDEX, .at = k->attribute->level, .key = k });
	else if (wild || match_kind(k->vr, k->text) == MATCH_WILDCARD)
		return add_scan(c, k, k->text, a);
	return ERR_OK;
}

/* ---- counting ---- */

static enum err date_range(struct sql_text *t, const struct plan *p, const char *expr, const struct key *k, struct why *why)
{
	return p->is_wide ? sql_range_wide(t, expr, k, why) : sql_range(t, expr, k, why);
}

/* What of a plan's key an index answers. */
static enum err narrow(struct sql_text *t, const struct plan *p, struct why *why)
{
	switch (p->drive) {
	case DRIVE_NAME:
		sql_prefix(t, "n.fold", p->pattern);
		return ERR_OK;
	case DRIVE_MODALITY:
		buf_add_str(&t->sql, "sm.modality=");
		sql_add_bind(t, p->key->text);
		if (!p->date)
			return ERR_OK;
		buf_add_str(&t->sql, " AND ");
		return date_range(t, p, "sm.study_date", p->date, why);
	case DRIVE_INDEX:
		if (p->key->vr == VR_DA)
			return date_range(t, p, p->key->attribute->value, p->key, why);
		if (match_kind(p->key->vr, p->key->text) == MATCH_WILDCARD) {
			sql_prefix(t, p->key->attribute->value, p->key->text);
			return ERR_OK;
		}
		buf_printf(&t->sql, "%s=", p->key->attribute->value);
		sql_add_bind(t, p->key->text);
		return ERR_OK;
	case DRIVE_ROWS:
	case DRIVE_SCAN:
	case DRIVE_SOUND:
		break;
	}
	buf_add_str(&t->sql, "1");
	return ERR_OK;
}

static enum err count(const struct plan *p, struct arena *a, sqlite3 *db, int64_t *out, struct why *why)
{
	struct sql_text t;
	sqlite3_stmt *st = NULL;

	enum err e = ERR_OK;
	*out = SCAN_COST;
	if (p->drive == DRIVE_SCAN || (p->drive == DRIVE_SOUND && p->part))
		return ERR_OK;
	sql_text_init(&t, a);
	if (p->drive == DRIVE_SOUND) {
		buf_add_str(&t.sql, "SELECT count(*) FROM (SELECT n.patient FROM name_group n WHERE ");
		sql_prefix(&t, "n.fold", p->pattern);
		name_search_sounds(&t, p->key->text, " UNION ALL ", "");
	} else {
		buf_printf(&t.sql, "SELECT count(*) FROM (SELECT 1 FROM %s WHERE ",
		           p->drive == DRIVE_NAME ? "name_group n" : p->drive == DRIVE_MODALITY ? "study_modality sm" : tables[p->at]);
		e = narrow(&t, p, why);
	}
	buf_printf(&t.sql, " LIMIT %d)", PLAN_ENOUGH);
	if (!e)
		e = sql_text_prepare(&t, db, &st, why);
	if (!e)
		e = sql_step(st, why);
	if (!e)
		*out = sql_int(st, 0);
	if (st)
		sql_finalize_all(&st, 1);
	sql_text_fini(&t);
	return e;
}

static enum err pick(struct plan *out, struct candidates *c, bool is_wide, struct arena *a, sqlite3 *db, struct why *why)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < c->count; i++)
		c->p[i].is_wide = is_wide;
	*out = c->p[0];
	for (unsigned i = 0; c->count > 1 && i < c->count && least > 0; i++) {
		int64_t n;
		enum err e = count(&c->p[i], a, db, &n, why);
		if (e)
			return e;
		if (n < least) {
			least = n;
			*out = c->p[i];
		}
	}
	return ERR_OK;
}

/* ---- the plan ---- */

/* A unique key with a value: of the lowest level there is one. A Patient ID is unique but for its issuer. */
static const struct key *unique_key(const struct keys *k)
{
	const struct key *best = NULL;

	for (const struct key *key = k->first; key; key = key->next)
		if (key_is_condition(key, KEY_COLUMN) && key->attribute->kind == ATTRIBUTE_UNIQUE && !key->is_empty &&
		    match_kind(key->vr, key->text) != MATCH_WILDCARD && (!best || key->attribute->level > best->attribute->level))
			best = key;
	return best;
}

/* Without any index: from the highest level that has a condition. */
static enum query_level first_level(const struct keys *k)
{
	enum query_level at = k->level;

	for (const struct key *key = k->first; key; key = key->next)
		if (key_is_condition(key, KEY_COLUMN) && key->attribute->level < at)
			at = key->attribute->level;
	return at;
}

enum err plan_make(struct plan *p, const struct keys *k, struct arena *a, sqlite3 *db, struct why *why)
{
	struct candidates c = { .count = 0 };
	const struct key *unique = unique_key(k);

	*p = (struct plan){ .drive = DRIVE_ROWS, .at = first_level(k) };
	if (unique) {
		*p = (struct plan){ .drive = DRIVE_INDEX, .at = unique->attribute->level, .key = unique };
		return ERR_OK;
	}
	for (const struct key *key = k->first; key; key = key->next) {
		enum err e = key_is_condition(key, KEY_COLUMN) ? add_key(&c, k, key, a) : ERR_OK;
		if (e)
			return fail(why, e, "no memory for the keys");
	}
	return c.count ? pick(p, &c, k->shift != 0, a, db, why) : ERR_OK;
}

/* Groups of one name that both fit the key are two rows for one patient: the first one counts. */
static void name_conditions(struct sql_text *t, const struct plan *p)
{
	sql_prefix(t, "n.fold", p->pattern);
	buf_add_str(&t->sql, " AND dicom_name(");
	sql_add_bind(t, p->pattern);
	buf_add_str(&t->sql, ",n.fold) AND NOT EXISTS(SELECT 1 FROM name_group m WHERE m.patient=n.patient AND m.fold<n.fold AND ");
	sql_prefix(t, "m.fold", p->pattern);
	buf_add_str(&t->sql, " AND dicom_name(");
	sql_add_bind(t, p->pattern);
	buf_add_str(&t->sql, ",m.fold))");
}

static void scan_from(struct sql_text *t, const char *table, const char *id)
{
	buf_printf(&t->sql, "scan sc CROSS JOIN %s ON %s BETWEEN (sc.id&0xFFFFFFFFFF)<<%d AND ((sc.id&0xFFFFFFFFFF)<<%d)+%d", table, id,
	           SCAN_SHIFT, SCAN_SHIFT, (1 << SCAN_SHIFT) - 1);
}

/* part NULL: fuzzy. */
static void scan_conditions(struct sql_text *t, enum scan_field field, bool is_name, const char *part, const char *pattern)
{
	long long first = (long long)field << 40;

	buf_printf(&t->sql, "sc.id BETWEEN %lld AND %lld AND ", first, first + (1LL << 40) - 1);
	buf_add_str(&t->sql, !part ? "dicom_fuzzy(" : is_name ? "dicom_some_name(" : "dicom_some_line(");
	if (part) {
		sql_add_bind(t, part);
		buf_add_str(&t->sql, ",");
	}
	sql_add_bind(t, pattern);
	buf_add_str(&t->sql, ",sc.text)");
}

/* The patients whose name is written as the key says, and those whose name sounds so: each once, as they are found. */
static void sound_from(struct sql_text *t, const struct plan *p)
{
	buf_add_str(&t->sql, "(SELECT ");
	if (p->part) {
		buf_add_str(&t->sql, "w.id AS id FROM ");
		scan_from(t, "patient w", "w.id");
		buf_add_str(&t->sql, " WHERE ");
		scan_conditions(t, p->field, true, p->part, p->pattern);
		buf_add_str(&t->sql, " AND dicom_name(");
		sql_add_bind(t, p->pattern);
		buf_add_str(&t->sql, ",w.name_fold)");
	} else {
		buf_add_str(&t->sql, "n.patient AS id FROM name_group n WHERE ");
		name_conditions(t, p);
	}
	name_search_others(t, p->key->text, p->pattern);
	buf_add_str(&t->sql, ") found CROSS JOIN patient p ON p.id=found.id");
}

void plan_from(struct sql_text *t, const struct plan *p, enum query_level level)
{
	static const char *const up[] = { " CROSS JOIN patient p ON p.id=st.patient", " CROSS JOIN study st ON st.id=se.study",
	                                  " CROSS JOIN series se ON se.id=i.series" };
	static const char *const down[] = { " CROSS JOIN study st ON st.patient=p.id", " CROSS JOIN series se ON se.study=st.id",
	                                    " CROSS JOIN instance i ON i.series=se.id" };

	buf_add_str(&t->sql, " FROM ");
	if (p->drive == DRIVE_NAME)
		buf_add_str(&t->sql, "name_group n CROSS JOIN patient p ON p.id=n.patient");
	else if (p->drive == DRIVE_MODALITY)
		buf_add_str(&t->sql, "study_modality sm CROSS JOIN study st ON st.id=sm.study");
	else if (p->drive == DRIVE_SCAN)
		scan_from(t, tables[p->at], ids[p->at]);
	else if (p->drive == DRIVE_SOUND)
		sound_from(t, p);
	else
		buf_add_str(&t->sql, tables[p->at]);
	for (int l = (int)p->at - 1; l >= 0; l--)
		buf_add_str(&t->sql, up[l]);
	for (int l = (int)p->at; l < (int)level; l++)
		buf_add_str(&t->sql, down[l]);
}

bool plan_covers(const struct plan *p, const struct key *k)
{
	if (p->drive == DRIVE_NAME || p->drive == DRIVE_SOUND)
		return k == p->key;
	return p->drive == DRIVE_MODALITY && (k == p->key || (k == p->date && !p->is_wide && !k->time));
}

enum err plan_conditions(struct sql_text *t, const struct plan *p, struct why *why)
{
	if (p->drive != DRIVE_NAME && p->drive != DRIVE_MODALITY && p->drive != DRIVE_SCAN)
		return ERR_OK;
	buf_add_str(&t->sql, " AND ");
	if (p->drive == DRIVE_NAME) {
		name_conditions(t, p);
	} else if (p->drive == DRIVE_MODALITY) {
		return narrow(t, p, why);
	} else {
		scan_conditions(t, p->field, p->key->vr == VR_PN, p->part, p->pattern);
	}
	return ERR_OK;
}

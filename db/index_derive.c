/* Applying a correction: the images of its studies are derived anew from their kept headers and all rules. */
#include "db/index_edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "db/retain.h"
#include "db/take_out.h"
#include "pacs/base/fault.h"
#include "pacs/dicom/text_fold.h"

enum { STUDIES_MAX = 2 * BOUND_EDIT_RULES + 2, NAME_MAX_BYTES = 4096 };

struct study { int64_t id, patient; struct uid uid; bool was_there, is_seen; };
struct kept { struct index_kept k; int64_t patient; bool is_done; };

struct deriving {
	struct index_writer *w;
	const struct index_patient_change *c;
	struct index_derive *d;
	const struct edit *rules;            /* whose studies are derived: the entry's, or those of the one that it takes back */
	struct study studies[STUDIES_MAX];
	size_t study_count;
	struct kept *kept;                   /* owned, in the order of their numbers */
	size_t kept_count;
	int64_t *series;                     /* owned: those whose columns stand */
	size_t series_count, series_cap;
	struct why *why;
};

/* ---- what is concerned ---- */

static struct study *find_study(struct deriving *x, int64_t id)
{
	for (size_t i = 0; i < x->study_count; i++)
		if (x->studies[i].id == id)
			return &x->studies[i];
	return NULL;
}

static enum err add_study(struct deriving *x, const char *uid, int64_t id, bool was_there)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_ask(x->w->db, x->why, &st, "SELECT id, patient, study_uid FROM study WHERE study_uid = ?1 OR id = ?2", "ti", uid, id);
	if (!e)
		e = sql_step(st, x->why);
	if (!e && !find_study(x, sql_int(st, 0))) {
		struct study *s = x->study_count < STUDIES_MAX ? &x->studies[x->study_count++] : NULL;
		if (!s) {
			sql_close_one(&st);
			return fail(x->why, ERR_LIMIT, "a correction of more than %d studies", STUDIES_MAX);
		}
		*s = (struct study){ .id = sql_int(st, 0), .patient = sql_int(st, 1), .was_there = was_there };
		sql_copy(st, 2, s->uid.s, sizeof(s->uid.s));
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

static enum err add_kept(struct deriving *x, sqlite3_stmt *st, size_t *cap)
{
	if (x->kept_count == *cap) {
		size_t more = *cap ? 2 * *cap : 256;
		struct kept *grown = fault_fails(FAULT_ALLOC) ? NULL : realloc(x->kept, more * sizeof(*grown));
		if (!grown)
			return fail(x->why, ERR_NOMEM, "no memory for %zu images", more);
		x->kept = grown;
		*cap = more;
	}
	struct kept *k = &x->kept[x->kept_count++];
	*k = (struct kept){ .k = { .instance = (uint64_t)sql_int(st, 0), .oid = (uint64_t)sql_int(st, 1), .size = (uint64_t)sql_int(st, 2),
	                           .dataset_at = (uint64_t)sql_int(st, 3), .received_ms = sql_int(st, 4) }, .patient = sql_int(st, 9) };
	sql_copy(st, 5, k->k.calling, sizeof(k->k.calling));
	sql_copy(st, 6, k->k.address, sizeof(k->k.address));
	sql_copy(st, 7, k->k.sop_class.s, sizeof(k->k.sop_class.s));
	sql_copy(st, 8, k->k.ts.s, sizeof(k->k.ts.s));
	return ERR_OK;
}

static int by_number(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	return x->k.instance < y->k.instance ? -1 : x->k.instance > y->k.instance;
}

static enum err read_kept(struct deriving *x)
{
	size_t cap = 0;
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < x->study_count; i++) {
		sqlite3_stmt *st = NULL;
		e = sql_ask(x->w->db, x->why, &st, "SELECT i.id, i.oid, i.size, i.dataset_at, i.received_ms, k.text, a.text, c.text, t.text, st.patient"
		            " FROM study st JOIN series se ON se.study = st.id JOIN instance i ON i.series = se.id JOIN term k ON k.id = i.calling"
		            " JOIN term a ON a.id = i.address JOIN term c ON c.id = i.sop_class JOIN term t ON t.id = i.ts WHERE st.id = ?1", "i", x->studies[i].id);
		while (!e && !(e = sql_step(st, x->why)))
			e = add_kept(x, st, &cap);
		sql_close_one(&st);
		e = e == ERR_END ? ERR_OK : e;
	}
	if (x->kept_count)
		qsort(x->kept, x->kept_count, sizeof(x->kept[0]), by_number);
	return e;
}

static enum err collect(struct deriving *x)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < x->rules->count; i++) {
		const struct edit_rule *r = &x->rules->rules[i];
		e = add_study(x, r->study.s, 0, true);
		if (!e && r->to_study.s[0])
			e = add_study(x, r->to_study.s, 0, true);
	}
	return e ? e : read_kept(x);
}

/* ---- a study's own row ---- */

static enum err set_demographics(struct deriving *x, const struct index_record *r, int64_t patient)
{
	struct buf fold;
	buf_init(&fold, NAME_MAX_BYTES);
	text_fold(r->patient_name, &fold);
	int64_t ours = 0;
	for (size_t i = 0; i < x->study_count; i++)
		ours += x->studies[i].patient == patient;
	/* Taking something back renames nobody who has studies besides. */
	enum err e = sql_do(x->w->db, x->why, "UPDATE patient SET name = ?2, name_fold = ?3, birth_date = ?4, sex = ?5 WHERE id = ?1"
	                    " AND (?6 OR (SELECT count(*) FROM study WHERE patient = ?1) <= ?7)", "ittttii",
	                    patient, r->patient_name, buf_cstr(&fold), r->birth_date, r->sex, (int64_t)(x->c->edit->kind == EDIT_TAG), ours);
	buf_fini(&fold);
	return e;
}

static enum err give_to(struct deriving *x, struct study *s, int64_t patient)
{
	enum err e = patient == s->patient ? ERR_OK : index_patient_remember(x->w, x->c, s->patient, s->id, x->why);
	if (!e && patient != s->patient)
		e = sql_do(x->w->db, x->why, "UPDATE study SET patient = ?2 WHERE id = ?1", "ii", s->id, patient);
	if (!e && patient != s->patient)
		e = take_out_patient(x->w, s->patient, x->why);
	s->patient = patient;
	return e;
}

static bool names_patient(const struct deriving *x, const char *study)
{
	for (size_t i = 0; i < x->rules->count; i++)
		if (x->rules->rules[i].tag && edit_is_patient(x->rules->rules[i].tag) && !strcmp(x->rules->rules[i].study.s, study))
			return true;
	return false;
}

/* The first image of a study decides whose it is: of whom the rules say, or, when it is new by a split, of whom the old one is. */
static enum err begin_study(struct deriving *x, struct study *s, const struct kept *k, const struct index_record *r)
{
	int64_t patient = k->patient;
	s->is_seen = true;
	if (!s->was_there && x->c->edit->kind == EDIT_SPLIT)
		return give_to(x, s, patient);
	if (!names_patient(x, s->uid.s))
		return ERR_OK;
	enum err e = index_patient_place(x->w, r, &patient, x->why);
	if (!e)
		e = give_to(x, s, patient);
	if (!e)
		e = set_demographics(x, r, patient);
	return e ? e : sql_do(x->w->db, x->why, "DELETE FROM conflict WHERE oid IS NULL AND reason = 'study belongs to another patient'"
	                      " AND instance IN (SELECT i.id FROM series se JOIN instance i ON i.series = se.id WHERE se.study = ?1)", "i", s->id);
}

/* ---- a series' own row ---- */

static enum err begin_series(struct deriving *x, int64_t study, int64_t series, const struct index_record *r)
{
	for (size_t i = x->series_count; i-- > 0;)
		if (x->series[i] == series)
			return ERR_OK;
	if (x->series_count == x->series_cap) {
		size_t cap = x->series_cap ? 2 * x->series_cap : 64;
		int64_t *grown = fault_fails(FAULT_ALLOC) ? NULL : realloc(x->series, cap * sizeof(*grown));
		if (!grown)
			return fail(x->why, ERR_NOMEM, "no memory for %zu series", cap);
		x->series = grown;
		x->series_cap = cap;
	}
	x->series[x->series_count++] = series;
	enum err e = sql_do(x->w->db, x->why, "UPDATE series SET modality = ?2, number = ?3, description = ?4, body_part = ?5, protocol = ?6, station = ?7,"
	                    " institution = ?8, series_date = ?9, series_time = ?10 WHERE id = ?1", "ittttttttt", series, r->modality, r->series_number,
	                    r->series_description, r->body_part, r->protocol, r->station, r->institution, r->series_date, r->series_time);
	return e ? e : index_fill_study(x->w, r, study, x->why);
}

/* ---- an image ---- */

static enum err place(struct deriving *x, const struct kept *k, const struct index_record *r, const struct index_resolved *now)
{
	int64_t study = 0, series = 0;
	enum err e = index_place(x->w, r, x->c->seq, &study, &series, x->why);
	if (!e && !find_study(x, study))
		e = add_study(x, "", study, false);
	struct study *s = e ? NULL : find_study(x, study);
	if (s && !s->is_seen)
		e = begin_study(x, s, k, r);
	if (!e)
		e = begin_series(x, study, series, r);
	if (!e)
		e = sql_do(x->w->db, x->why, "UPDATE instance SET series = ?2, number = ?3, content_date = ?4, content_time = ?5 WHERE id = ?1", "iittt",
		           (int64_t)k->k.instance, series, r->instance_number, r->content_date, r->content_time);
	return e ? e : index_edit_put(x->w, k->k.instance, now, x->why);
}

/* Images that were moved to a study come behind its own, so that it is described by these. */
static enum err derive_one(struct deriving *x, struct kept *k, bool is_second)
{
	struct index_record made, r;
	struct index_resolved now = { .values = NULL };
	if (k->is_done)
		return ERR_OK;
	enum err e = x->d->make(x->d->arg, &k->k, &made, x->why);
	k->is_done = e == ERR_FORMAT;
	if (e)
		return e == ERR_FORMAT ? ERR_OK : e;
	e = index_resolve(x->w, &made, &r, &now, x->why);
	bool is_later = now.is_moved && !is_second;
	if (!e && !is_later) {
		k->is_done = true;
		x->d->touched++;
		e = place(x, k, &r, &now);
	}
	index_resolved_fini(&now);
	return e;
}

static enum err finish(struct deriving *x)
{
	enum err e = index_flush(x->w, x->why);
	memset(&x->w->cache, 0, sizeof(x->w->cache));
	for (size_t i = 0; !e && i < x->study_count; i++) {
		bool is_gone = false;
		e = take_out_recount(x->w, x->studies[i].id, &is_gone, x->why);
		if (!e && !is_gone)
			e = sql_do(x->w->db, x->why, "UPDATE study SET change = ?2 WHERE id = ?1", "ii", x->studies[i].id, x->c->seq);
	}
	return e;
}

/* What was held stays held where it goes. */
static enum err pass_holds_on(struct deriving *x)
{
	enum err e = ERR_OK;
	bool is_revert = x->c->edit->kind == EDIT_REVERT;
	for (size_t i = 0; !e && !is_revert && i < x->rules->count; i++)
		if (x->rules->rules[i].to_study.s[0])
			e = sql_do(x->w->db, x->why, "INSERT OR IGNORE INTO hold SELECT ?2, reason, who, at_ms FROM hold WHERE study_uid = ?1", "tt",
			           x->rules->rules[i].study.s, x->rules->rules[i].to_study.s);
	return e;
}

static enum err derive_all(struct deriving *x)
{
	enum err e = collect(x);
	for (size_t i = 0; !e && i < x->study_count; i++)
		e = sql_do(x->w->db, x->why, "UPDATE study SET study_date = '', study_time = '', accession = '', study_id = '', description = '', referring = '',"
		           " body_part = '', institution = '' WHERE id = ?1", "i", x->studies[i].id);
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; !e && i < x->kept_count; i++)
			e = derive_one(x, &x->kept[i], pass == 1);
	if (!e)
		e = finish(x);
	return e ? e : pass_holds_on(x);
}

/* ---- a deletion ---- */

static enum err delete_one(struct index_writer *w, const struct index_patient_change *c, const struct edit_rule *r, struct index_derive *d, struct why *why)
{
	sqlite3_stmt *st = NULL;
	char calling[BOUND_AET + 1] = "";
	struct take_out t = { .series_uid = r->series.s, .sop_uid = r->sop.s, .max_oid = (int64_t)c->edit->max_oid, .before_ms = c->at_ms };
	enum err e = sql_ask(w->db, why, &st, "SELECT id, calling FROM study st WHERE study_uid = ?1 AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.study_uid = st.study_uid)", "t", r->study.s);
	if (!e)
		e = sql_step(st, why);
	if (!e) {
		t.study = sql_int(st, 0);
		sql_copy(st, 1, calling, sizeof(calling));
	}
	sql_close_one(&st);
	if (e)
		return e == ERR_END ? ERR_OK : e;
	e = take_out(w, &t, why);
	const struct retain_order o = { r->study.s, r->series.s[0] || r->sop.s[0] ? "deleted in part" : "deleted", c->edit->reason, c->edit->who, 0 };
	d->touched += (unsigned)t.instances;
	return e || !t.instances ? e : retain_trail(w, &o, calling, &t, why);
}

static enum err apply_delete(struct index_writer *w, const struct index_patient_change *c, struct index_derive *d, struct why *why)
{
	enum err e = sql_do(w->db, why, "INSERT INTO number_floor VALUES('oid', ?1) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)", "i", (int64_t)c->edit->max_oid);
	for (size_t i = 0; !e && i < c->edit->count; i++)
		e = delete_one(w, c, &c->edit->rules[i], d, why);
	return e;
}

/* ---- an entry ---- */

static enum err apply_rules(struct index_writer *w, const struct index_patient_change *c, const struct edit *rules, struct index_derive *d, struct why *why)
{
	struct deriving *x = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*x));
	if (!x)
		return fail(why, ERR_NOMEM, "no memory for a correction");
	x->w = w;
	x->c = c;
	x->d = d;
	x->rules = rules;
	x->why = why;
	enum err e = derive_all(x);
	free(x->kept);
	free(x->series);
	free(x);
	return e;
}

static enum err apply_revert(struct index_writer *w, const struct index_patient_change *c, struct index_derive *d, struct why *why)
{
	struct edit *target = NULL;
	enum err e = edit_get(w->db, "patient_change", c->edit->target, &target, why);
	if (!e)
		e = sql_do(w->db, why, "UPDATE edit_rule SET is_void = 1 WHERE seq = ?1", "i", c->edit->target);
	if (!e && target)
		e = apply_rules(w, c, target, d, why);
	free(target);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err index_edit_apply(struct index_writer *w, const struct index_patient_change *c, struct index_derive *d, struct why *why)
{
	enum err e = index_change_keep(w, c, why);
	if (e)
		return e == ERR_EXISTS ? ERR_OK : e;
	w->has_edits = true;
	if (c->edit->kind == EDIT_DELETE)
		return apply_delete(w, c, d, why);
	return c->edit->kind == EDIT_REVERT ? apply_revert(w, c, d, why) : apply_rules(w, c, c->edit, d, why);
}

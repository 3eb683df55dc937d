#include "db/orders_sql.h"

#include <stdio.h>

#include "pacs/base/clock.h"
#include "pacs/dicom/uid.h"
#include "pacs/dicom/utf8.h"

/* The columns are those of ORDER_FIELDS, written out: a migration step is never edited. */
const char orders_schema[] =
	"CREATE TABLE imaging_order("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, source TEXT NOT NULL, note TEXT NOT NULL DEFAULT '',"
	"  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
	"  accession TEXT NOT NULL, placer TEXT NOT NULL, filler TEXT NOT NULL, procedure_id TEXT NOT NULL, step_id TEXT NOT NULL,"
	"  study_uid TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, patient_name TEXT NOT NULL, birth_date TEXT NOT NULL,"
	"  sex TEXT NOT NULL, modality TEXT NOT NULL, station_aet TEXT NOT NULL, station_name TEXT NOT NULL, location TEXT NOT NULL,"
	"  date TEXT NOT NULL, time TEXT NOT NULL, performing TEXT NOT NULL, requesting TEXT NOT NULL, referring TEXT NOT NULL,"
	"  department TEXT NOT NULL, description TEXT NOT NULL, code_value TEXT NOT NULL, code_scheme TEXT NOT NULL, code_meaning TEXT NOT NULL,"
	"  reason TEXT NOT NULL, priority TEXT NOT NULL, admission_id TEXT NOT NULL, patient_location TEXT NOT NULL, weight TEXT NOT NULL,"
	"  alerts TEXT NOT NULL, allergies TEXT NOT NULL, UNIQUE(accession, step_id));"
	"CREATE INDEX imaging_order_state ON imaging_order(state, id);"
	"CREATE INDEX imaging_order_placer ON imaging_order(placer) WHERE placer <> '';"
	"CREATE INDEX imaging_order_filler ON imaging_order(filler) WHERE filler <> '';"
	"CREATE INDEX imaging_order_study ON imaging_order(study_uid);"
	"CREATE INDEX imaging_order_patient ON imaging_order(patient_id, date);"
	"CREATE TABLE order_event(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, order_id INTEGER NOT NULL,"
	"  what TEXT NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL);"
	"CREATE INDEX order_event_order ON order_event(order_id, id);"
	/* Every study that came, and its order (0: none). Study date and patient as the index had them when it was looked at. */
	"CREATE TABLE order_study(study_uid TEXT PRIMARY KEY, order_id INTEGER NOT NULL, how TEXT NOT NULL, candidates INTEGER NOT NULL,"
	"  accession TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, study_date TEXT NOT NULL, modalities TEXT NOT NULL,"
	"  at_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX order_study_order ON order_study(order_id, at_ms);"
	"CREATE INDEX order_study_accession ON order_study(accession) WHERE order_id = 0 AND accession <> '';"
	"CREATE INDEX order_study_patient ON order_study(patient_id, study_date) WHERE order_id = 0;"
	"CREATE TABLE order_message(id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, peer TEXT NOT NULL, type TEXT NOT NULL,"
	"  control TEXT NOT NULL, reason TEXT NOT NULL, raw BLOB NOT NULL);";

/* ---- shared ---- */

enum err orders_prepare(sqlite3 *db, const char *sql, const char *const *texts, int n, sqlite3_stmt **out, struct why *why)
{
	enum err e = sql_prepare(db, sql, out, why);
	for (int i = 0; !e && i < n; i++)
		sql_bind_text(*out, i + 1, texts[i]);
	return e;
}

void orders_read_row(sqlite3_stmt *st, struct order_row *out)
{
	int n = (int)order_field_count;
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < n; i++)
		sql_copy(st, i, (char *)&out->o + order_fields[i].offset, order_fields[i].size);
	out->id = sql_int(st, n);
	out->state = (enum order_state)sql_int(st, n + 1);
	sql_copy(st, n + 2, out->source, sizeof(out->source));
	sql_copy(st, n + 3, out->note, sizeof(out->note));
	out->created_ms = sql_int(st, n + 4);
	out->changed_ms = sql_int(st, n + 5);
	sql_copy(st, n + 6, out->matched.s, sizeof(out->matched.s));
	sql_copy(st, n + 7, out->how, sizeof(out->how));
}

enum err orders_event(sqlite3 *db, int64_t id, const char *what, const char *who, const char *note, int64_t now_ms, struct why *why)
{
	const char *const texts[] = { what, who, note };
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "INSERT INTO order_event(what, who, note, at_ms, order_id) VALUES(?1, ?2, ?3, ?4, ?5)", texts, 3, &st, why);
	if (e)
		return e;
	sql_bind_int(st, 4, now_ms);
	sql_bind_int(st, 5, id);
	return items_run(st, why);
}

/* ---- which order is meant ---- */

/* ?1 accession ?2 placer ?3 filler ?4 step. The strongest number that is given decides; the others may be new.
 * One way in for each, so that each has its index. */
static const char *named_sql(const struct order *o)
{
	if (o->accession[0])
		return ORDER_SELECT "WHERE o.accession = ?1 AND ?2 = ?2 AND ?3 = ?3 AND (?4 = '' OR o.step_id = ?4) ORDER BY o.id";
	if (o->placer[0])
		return ORDER_SELECT "WHERE o.placer = ?2 AND o.placer <> '' AND ?1 = ?1 AND ?3 = ?3 AND (?4 = '' OR o.step_id = ?4) ORDER BY o.id";
	return ORDER_SELECT "WHERE o.filler = ?3 AND o.filler <> '' AND ?1 = ?1 AND ?2 = ?2 AND (?4 = '' OR o.step_id = ?4) ORDER BY o.id";
}

static enum err prepare_named(sqlite3 *db, const struct order *o, sqlite3_stmt **st, struct why *why)
{
	const char *const texts[] = { o->accession, o->placer, o->filler, o->step_id };
	return orders_prepare(db, named_sql(o), texts, 4, st, why);
}

/* ERR_NOT_FOUND; ERR_CONFLICT: several steps fit. */
static enum err find(sqlite3 *db, const struct order *o, struct order_row *out, struct why *why)
{
	sqlite3_stmt *st;
	unsigned n = 0;
	enum err e = prepare_named(db, o, &st, why);
	if (e)
		return e;
	while (!(e = sql_step(st, why)) && n++ == 0)
		orders_read_row(st, out);
	sql_close_one(&st);
	if (e && e != ERR_END)
		return e;
	if (n > 1)
		return fail(why, ERR_CONFLICT, "several steps are known by this number; a step ID must tell which is meant");
	return n ? ERR_OK : ERR_NOT_FOUND;
}

/* An accession that is new may still be the first one of an order that came without. */
static enum err find_any(sqlite3 *db, const struct order *o, struct order_row *out, struct why *why)
{
	enum err e = find(db, o, out, why);
	if (e != ERR_NOT_FOUND || !o->accession[0] || (!o->placer[0] && !o->filler[0]))
		return e;
	struct order by_placer = *o;
	by_placer.accession[0] = '\0';
	e = find(db, &by_placer, out, why);
	/* One with an accession of its own is another order of the same request. */
	return !e && out->o.accession[0] && strcmp(out->o.accession, o->accession) ? ERR_NOT_FOUND : e;
}

/* ---- writing ---- */

static enum err next_id(sqlite3 *db, int64_t *id, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'imaging_order'), 0) + 1", &st, why);
	if (!e)
		e = sql_step(st, why);
	if (!e)
		*id = sql_int(st, 0);
	sql_close_one(&st);
	return e;
}

/* The steps of one accession are one study. */
static enum err study_of_accession(sqlite3 *db, struct order *o, struct why *why)
{
	const char *const texts[] = { o->accession, o->patient_id };
	struct uid made;
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "SELECT study_uid FROM imaging_order WHERE accession = ?1 AND patient_id = ?2 LIMIT 1", texts, 2, &st, why);
	if (!e)
		e = sql_step(st, why);
	if (!e)
		sql_copy(st, 0, o->study_uid, sizeof(o->study_uid));
	sql_close_one(&st);
	if (e != ERR_END)
		return e;
	e = uid_new(&made);
	snprintf(o->study_uid, sizeof(o->study_uid), "%s", made.s);
	return e;
}

static unsigned letters(const char *s)
{
	struct bytes b = bytes_str(s);
	unsigned n = 0;
	for (; b.len; n++)
		utf8_take(&b);
	return n;
}

static enum err fill_in(sqlite3 *db, struct order *o, int64_t id, int64_t now_ms, struct why *why)
{
	const char *const numbers[] = { o->filler, o->placer };
	for (size_t i = 0; !o->accession[0] && i < NELEM(numbers); i++)
		if (numbers[i][0] && letters(numbers[i]) <= 16)
			snprintf(o->accession, sizeof(o->accession), "%.64s", numbers[i]);
	if (!o->accession[0])
		snprintf(o->accession, sizeof(o->accession), "A%011lld", (long long)id);
	if (!o->step_id[0])
		snprintf(o->step_id, sizeof(o->step_id), "S%lld", (long long)id);
	if (!o->procedure_id[0])
		memcpy(o->procedure_id, o->accession, sizeof(o->procedure_id));
	if (!o->date[0])
		snprintf(o->date, sizeof(o->date), "%.8s", clock_da(now_ms).s);
	if (!o->time[0])
		snprintf(o->time, sizeof(o->time), "000000");
	return o->study_uid[0] ? ERR_OK : study_of_accession(db, o, why);
}

/* Parameters from 7 on are the fields, in the order of the table. */
#define ORDER_NAME(name, size, kind, says) ", " #name
#define ORDER_PARAMETER(name, size, kind, says) ", ?"
#define ORDER_ASSIGN(name, size, kind, says) ", " #name " = ?"
enum { FIRST_FIELD = 7 };

static void bind_fields(sqlite3_stmt *st, const struct order *o)
{
	for (size_t i = 0; i < order_field_count; i++)
		sql_bind_text(st, FIRST_FIELD + (int)i, order_get(o, &order_fields[i]));
}

static enum err write_row(sqlite3 *db, const char *sql, const struct order_row *row, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, sql, &st, why);
	if (e)
		return e;
	sql_bind_int(st, 1, row->id);
	sql_bind_int(st, 2, row->state);
	sql_bind_text(st, 3, row->source);
	sql_bind_text(st, 4, row->note);
	sql_bind_int(st, 5, row->created_ms);
	sql_bind_int(st, 6, row->changed_ms);
	bind_fields(st, &row->o);
	return items_run(st, why);
}

static enum err insert(sqlite3 *db, struct order_row *row, struct why *why)
{
	enum err e = next_id(db, &row->id, why);
	if (!e)
		e = fill_in(db, &row->o, row->id, row->changed_ms, why);
	if (e)
		return e;
	row->created_ms = row->changed_ms;
	e = write_row(db, "INSERT INTO imaging_order(id, state, source, note, created_ms, changed_ms" ORDER_FIELDS(ORDER_NAME)
	              ") VALUES(?1, ?2, ?3, ?4, ?5, ?6" ORDER_FIELDS(ORDER_PARAMETER) ")", row, why);
	if (e == ERR_EXISTS)
		return fail(why, ERR_CONFLICT, "accession %s has a step %s already, of another order", row->o.accession, row->o.step_id);
	return e ? e : orders_event(db, row->id, "created", row->source, "", row->changed_ms, why);
}

static enum err update(sqlite3 *db, const struct order_row *row, const char *what, const char *who, struct why *why)
{
	enum err e = write_row(db, "UPDATE imaging_order SET state = ?2, source = ?3, note = ?4, created_ms = ?5, changed_ms = ?6"
	                       ORDER_FIELDS(ORDER_ASSIGN) " WHERE id = ?1", row, why);
	if (e == ERR_EXISTS)
		return fail(why, ERR_CONFLICT, "accession %s has a step %s already, of another order", row->o.accession, row->o.step_id);
	return e ? e : orders_event(db, row->id, what, who, row->note, row->changed_ms, why);
}

/* What is not empty goes over what is there; true: that changed something. */
static bool lay_over(struct order *to, const struct order *from)
{
	bool changed = false;
	for (size_t i = 0; i < order_field_count; i++) {
		const char *value = order_get(from, &order_fields[i]);
		char *old = (char *)to + order_fields[i].offset;
		if (!value[0] || !strcmp(old, value))
			continue;
		snprintf(old, order_fields[i].size, "%s", value);
		changed = true;
	}
	return changed;
}

static bool is_same_patient(const struct order *a, const struct order *b)
{
	return !strcmp(a->patient_id, b->patient_id) && (!a->issuer[0] || !b->issuer[0] || !strcmp(a->issuer, b->issuer));
}

enum err orders_put(sqlite3 *db, const struct order *o, const char *source, int64_t now_ms, int64_t *id, enum orders_outcome *out, struct why *why)
{
	struct order_row row = { .id = 0 };
	enum err e = order_check(o, why);
	if (!e)
		e = find_any(db, o, &row, why);
	if (e && e != ERR_NOT_FOUND)
		return e;
	bool is_new = e == ERR_NOT_FOUND;
	if (!is_new && !is_same_patient(&row.o, o))
		return fail(why, ERR_CONFLICT, "the order with accession %s belongs to another patient", row.o.accession);
	bool is_changed = lay_over(&row.o, o);
	if (!is_new && row.state == ORDER_CANCELED) {
		row.state = ORDER_SCHEDULED;
		row.note[0] = '\0';
		is_changed = true;
	}
	*id = row.id;
	*out = is_new ? ORDERS_CREATED : is_changed ? ORDERS_CHANGED : ORDERS_SAME;
	if (*out == ORDERS_SAME)
		return ERR_OK;
	snprintf(row.source, sizeof(row.source), "%s", source);
	row.changed_ms = now_ms;
	e = is_new ? insert(db, &row, why) : update(db, &row, "changed", source, why);
	*id = row.id;
	return e;
}

/* ---- states ---- */

static bool may_move(enum order_state from, enum order_state to)
{
	switch (from) {
	case ORDER_SCHEDULED: return to != ORDER_SCHEDULED;
	case ORDER_STARTED: return to == ORDER_COMPLETED || to == ORDER_DISCONTINUED || to == ORDER_CANCELED;
	case ORDER_CANCELED: return to == ORDER_STARTED || to == ORDER_COMPLETED;
	case ORDER_DISCONTINUED: return to == ORDER_COMPLETED;
	case ORDER_COMPLETED: case ORDER_STATES: break;
	}
	return false;
}

static enum err move_row(sqlite3 *db, struct order_row *row, enum order_state to, const char *note, const char *who, int64_t now_ms, struct why *why)
{
	if (!may_move(row->state, to))
		return ERR_OK;
	row->state = to;
	row->changed_ms = now_ms;
	snprintf(row->note, sizeof(row->note), "%.128s", note);
	return update(db, row, order_state_name(to), who, why);
}

enum err orders_get(sqlite3 *db, int64_t id, struct order_row *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, ORDER_SELECT "WHERE o.id = ?1", &st, why);
	if (e)
		return e;
	sql_bind_int(st, 1, id);
	e = sql_step(st, why);
	if (!e)
		orders_read_row(st, out);
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err orders_move(sqlite3 *db, int64_t id, enum order_state to, const char *note, const char *who, int64_t now_ms, struct why *why)
{
	struct order_row row;
	enum err e = orders_get(db, id, &row, why);
	return e ? e : move_row(db, &row, to, note, who, now_ms, why);
}

/* Calls fn for each row of a statement, which may write: the ids are taken first. */
enum { MANY = 256 };
static enum err for_each(sqlite3 *db, sqlite3_stmt *st, enum err (*fn)(sqlite3 *db, struct order_row *row, void *arg, struct why *why), void *arg,
                         unsigned *n, struct why *why)
{
	int64_t ids[MANY];
	struct order_row row;
	enum err e;
	*n = 0;
	while (!(e = sql_step(st, why)) && *n < MANY)
		ids[(*n)++] = sql_int(st, (int)order_field_count);
	sql_close_one(&st);
	if (!e)
		return fail(why, ERR_LIMIT, "over %d orders fit", MANY);
	e = e == ERR_END ? ERR_OK : e;
	for (unsigned i = 0; !e && i < *n; i++) {
		e = orders_get(db, ids[i], &row, why);
		if (!e)
			e = fn(db, &row, arg, why);
	}
	return e;
}

struct moving { enum order_state to; const char *note, *source; int64_t now_ms; };
static enum err move_one(sqlite3 *db, struct order_row *row, void *arg, struct why *why)
{
	const struct moving *m = arg;
	return move_row(db, row, m->to, m->note, m->source, m->now_ms, why);
}

enum err orders_set_state(sqlite3 *db, const struct order *o, enum order_state to, const char *note, const char *source, int64_t now_ms, unsigned *n, struct why *why)
{
	struct moving m = { to, note, source, now_ms };
	sqlite3_stmt *st;
	if (!o->accession[0] && !o->placer[0] && !o->filler[0])
		return fail(why, ERR_FORMAT, "accession, placer and filler are all missing; one of them must name the order");
	enum err e = prepare_named(db, o, &st, why);
	if (!e)
		e = for_each(db, st, move_one, &m, n, why);
	/* An order that came without an accession got ours: it may still be named by the placer's number. */
	if (!e && !*n && o->accession[0] && (o->placer[0] || o->filler[0])) {
		struct order by_placer = *o;
		by_placer.accession[0] = '\0';
		e = prepare_named(db, &by_placer, &st, why);
		if (!e)
			e = for_each(db, st, move_one, &m, n, why);
	}
	return !e && !*n ? fail(why, ERR_NOT_FOUND, "no order is known by this number") : e;
}

/* ---- patients ---- */

struct patient_change { const struct order *to; const char *source; int64_t now_ms; bool is_merge; };
static enum err change_patient(sqlite3 *db, struct order_row *row, void *arg, struct why *why)
{
	const struct patient_change *c = arg;
	struct order over;
	memset(&over, 0, sizeof(over));
	memcpy(over.patient_id, c->to->patient_id, sizeof(over.patient_id));
	if (c->is_merge || !row->o.issuer[0])
		memcpy(over.issuer, c->to->issuer, sizeof(over.issuer));
	memcpy(over.patient_name, c->to->patient_name, sizeof(over.patient_name));
	memcpy(over.birth_date, c->to->birth_date, sizeof(over.birth_date));
	memcpy(over.sex, c->to->sex, sizeof(over.sex));
	if (row->state == ORDER_SCHEDULED || row->state == ORDER_STARTED) {
		memcpy(over.admission_id, c->to->admission_id, sizeof(over.admission_id));
		memcpy(over.patient_location, c->to->patient_location, sizeof(over.patient_location));
	}
	if (!lay_over(&row->o, &over))
		return ERR_OK;
	row->changed_ms = c->now_ms;
	return update(db, row, c->is_merge ? "patient merged" : "patient changed", c->source, why);
}

enum err orders_update_patient(sqlite3 *db, const struct order *patient, const char *source, int64_t now_ms, unsigned *n, struct why *why)
{
	struct patient_change c = { patient, source, now_ms, false };
	const char *const texts[] = { patient->patient_id, patient->issuer };
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, ORDER_SELECT "WHERE o.patient_id = ?1 AND o.patient_id <> '' AND (o.issuer = ?2 OR o.issuer = '' OR ?2 = '')"
	                            " AND o.state IN (0, 1)", texts, 2, &st, why);
	return e ? e : for_each(db, st, change_patient, &c, n, why);
}

enum err orders_merge_patient(sqlite3 *db, const char *old_id, const char *old_issuer, const struct order *patient, const char *source, int64_t now_ms, unsigned *n, struct why *why)
{
	struct patient_change c = { patient, source, now_ms, true };
	const char *const texts[] = { old_id, old_issuer };
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, ORDER_SELECT "WHERE o.patient_id = ?1 AND o.patient_id <> '' AND (o.issuer = ?2 OR o.issuer = '' OR ?2 = '')",
	                            texts, 2, &st, why);
	return e ? e : for_each(db, st, change_patient, &c, n, why);
}

/* ---- messages ---- */

enum err orders_quarantine(sqlite3 *db, const struct order_message *m, struct why *why)
{
	const char *const texts[] = { m->from, m->type, m->control, m->reason };
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "INSERT INTO order_message(peer, type, control, reason, at_ms, raw) VALUES(?1, ?2, ?3, ?4, ?5, ?6)", texts, 4, &st, why);
	if (e)
		return e;
	sql_bind_int(st, 5, m->at_ms);
	sql_bind_blob(st, 6, m->raw.len ? m->raw : BYTES(""));
	e = items_run(st, why);
	if (!e)
		e = sql_prepare(db, "DELETE FROM order_message WHERE id <= (SELECT max(id) FROM order_message) - ?1", &st, why);
	if (e)
		return e;
	sql_bind_int(st, 1, BOUND_HL7_QUARANTINE);
	return items_run(st, why);
}

#include "pacs/hl7/hl7_event.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/bounds.h"

/* What reading one message needs. The first fault stays. */
struct reading {
	const struct hl7 *m;
	bool (*fn)(void *arg, const struct hl7_change *c);
	void *arg;
	struct hl7_change *change;       /* scratch */
	struct hl7_fault *fault;
	struct why *why;
	enum err e;
	unsigned orders;
};

static void wrong(struct reading *r, enum err e, unsigned code, const struct hl7_segment *s, unsigned field, const char *text)
{
	if (r->e)
		return;
	r->e = fail(r->why, e, "%s", text);
	*r->fault = (struct hl7_fault){ .code = code, .number = 1, .field = field };
	snprintf(r->fault->segment, sizeof(r->fault->segment), "%s", s ? s->name : "MSH");
	for (const struct hl7_segment *p = r->m->segments; s && p < s; p++)
		r->fault->number += !strcmp(p->name, s->name);
}

/* A value into a field of the order, with the HL7 field in the words of a refusal. */
static void set(struct reading *r, const char *name, const struct hl7_segment *s, unsigned field, const char *value)
{
	struct why cause = { "" };
	char text[sizeof(r->why->text)];
	if (r->e || !value[0])
		return;
	enum err e = order_set(&r->change->order, order_field_find(name), value, &cause);
	if (!e)
		return;
	snprintf(text, sizeof(text), "%s-%u: %.280s", s->name, field, cause.text);
	wrong(r, e, HL7_TYPE, s, field, text);
}

static const char *get(const struct reading *r, const struct hl7_segment *s, unsigned field, unsigned component)
{
	return hl7_get(r->m, s, field, 0, component, 1);
}

static const char *first(const char *a, const char *b)
{
	return a[0] ? a : b;
}

/* ---- names ---- */

/* family^given^middle^suffix^prefix from component `from` on, as DICOM's family^given^middle^prefix^suffix. */
static void add_name(struct buf *b, const struct reading *r, const struct hl7_segment *s, unsigned field, unsigned rep, unsigned from)
{
	static const unsigned order[] = { 0, 1, 2, 4, 3 };
	size_t kept = b->len;
	for (size_t i = 0; i < NELEM(order); i++) {
		buf_add_str(b, hl7_get(r->m, s, field, rep, from + order[i], 1));
		if (b->len > kept && b->p[b->len - 1] != '^')
			kept = b->len;
		buf_add_byte(b, '^');
	}
	b->len = kept;                   /* without trailing ^ */
}

/* XPN with its repetitions: name representation A, I, P are DICOM's three groups. One alone stands in the first. */
static void set_patient_name(struct reading *r, const struct hl7_segment *s, unsigned field)
{
	unsigned n = hl7_repetitions(r->m, s, field), at[3] = { 0, 0, 0 };
	bool has[3] = { n > 0, false, false };
	struct buf b;
	for (unsigned i = 0; n > 1 && i < n; i++) {
		char code = hl7_get(r->m, s, field, i, 8, 1)[0];
		int group = code == 'I' ? 1 : code == 'P' ? 2 : code == 'A' ? 0 : -1;
		if (group >= 0) {
			at[group] = i;
			has[group] = true;
		}
	}
	buf_init(&b, 8192);
	if (!n)
		return;
	if (has[1] && at[0] == at[1])
		has[0] = false;
	if (has[0])
		add_name(&b, r, s, field, at[0], 1);
	for (unsigned g = 1; g < 3; g++)
		if (has[g] || (g == 1 && has[2])) {
			buf_add_byte(&b, '=');
			if (has[g])
				add_name(&b, r, s, field, at[g], 1);
		}
	set(r, "patient_name", s, field, buf_cstr(&b));
	buf_fini(&b);
}

/* XCN: the number, then the name. A name alone in the first component is taken as one. */
static void set_person(struct reading *r, const char *name, const struct hl7_segment *s, unsigned field)
{
	struct buf b;
	if (!s)
		return;
	buf_init(&b, 8192);
	add_name(&b, r, s, field, 0, 2);
	const char *number = get(r, s, field, 1);
	bool is_number = number[strspn(number, "0123456789")] == '\0';
	set(r, name, s, field, b.len ? buf_cstr(&b) : is_number ? "" : number);
	buf_fini(&b);
}

static void set_moment(struct reading *r, const char *date, const char *time, const struct hl7_segment *s, unsigned field, const char *ts)
{
	char text[16];
	size_t digits = strspn(ts, "0123456789");
	if (digits >= 8) {
		snprintf(text, sizeof(text), "%.8s", ts);
		set(r, date, s, field, text);
	} else {
		set(r, date, s, field, ts);      /* says what is wrong with it */
	}
	if (digits > 8 && time) {
		snprintf(text, sizeof(text), "%.*s", digits >= 14 ? 6 : digits >= 12 ? 4 : 2, ts + 8);
		set(r, time, s, field, text);
	}
}

/* ---- the patient ---- */

/* Of several identifiers the one that the hospital gave (PI, MR, PT, PN), else the first. */
static unsigned pick_id(const struct reading *r, const struct hl7_segment *s, unsigned field)
{
	static const char *const liked[] = { "PI", "MR", "PT", "PN" };
	unsigned n = hl7_repetitions(r->m, s, field);
	for (size_t k = 0; k < NELEM(liked); k++)
		for (unsigned i = 0; i < n; i++)
			if (!strcmp(hl7_get(r->m, s, field, i, 5, 1), liked[k]) && hl7_get(r->m, s, field, i, 1, 1)[0])
				return i;
	return 0;
}

static void set_patient(struct reading *r, const struct hl7_segment *pid)
{
	unsigned rep = pick_id(r, pid, 3);
	const char *id = hl7_get(r->m, pid, 3, rep, 1, 1);
	if (!pid) {
		wrong(r, ERR_FORMAT, HL7_SEQUENCE, NULL, 0, "there is no PID segment");
		return;
	}
	set(r, "patient_id", pid, 3, first(id, get(r, pid, 2, 1)));
	set(r, "issuer", pid, 3, hl7_get(r->m, pid, 3, rep, 4, 1));
	set_patient_name(r, pid, 5);
	set_moment(r, "birth_date", NULL, pid, 7, get(r, pid, 7, 1));
	set(r, "sex", pid, 8, get(r, pid, 8, 1));
	if (!r->change->order.patient_id[0])
		wrong(r, ERR_FORMAT, HL7_MISSING, pid, 3, "PID-3, the patient's ID, is empty");
}

static void set_visit(struct reading *r, const struct hl7_segment *pid)
{
	const struct hl7_segment *pv1 = hl7_find(r->m, "PV1", 0), *al1;
	struct buf b;
	set(r, "admission_id", pv1 ? pv1 : pid, pv1 && get(r, pv1, 19, 1)[0] ? 19 : 18, first(get(r, pv1, 19, 1), get(r, pid, 18, 1)));
	set(r, "patient_location", pv1, 3, hl7_get(r->m, pv1, 3, 0, 0, 0));
	set_person(r, "referring", pv1, 8);
	buf_init(&b, 4096);
	for (unsigned i = 0; (al1 = hl7_find(r->m, "AL1", i)); i++) {
		if (b.len)
			buf_add_str(&b, ", ");
		buf_add_str(&b, first(get(r, al1, 3, 2), get(r, al1, 3, 1)));
	}
	if (b.len)
		set(r, "allergies", hl7_find(r->m, "AL1", 0), 3, buf_cstr(&b));
	buf_fini(&b);
}

/* ---- orders ---- */

struct group { const struct hl7_segment *orc, *obr, *tq1, *ipc, *zds; };

static void set_numbers(struct reading *r, const struct group *g)
{
	const struct hl7_segment *orc = g->orc, *obr = g->obr, *ipc = g->ipc;
	set(r, "placer", orc, 2, get(r, orc, 2, 1));
	set(r, "filler", orc, 3, get(r, orc, 3, 1));
	if (!r->change->order.placer[0])
		set(r, "placer", obr, 2, get(r, obr, 2, 1));
	if (!r->change->order.filler[0])
		set(r, "filler", obr, 3, get(r, obr, 3, 1));
	set(r, "accession", obr, 18, get(r, obr, 18, 1));
	set(r, "procedure_id", obr, 19, get(r, obr, 19, 1));
	set(r, "step_id", obr, 20, get(r, obr, 20, 1));
	set(r, "accession", ipc, 1, get(r, ipc, 1, 1));
	set(r, "procedure_id", ipc, 2, get(r, ipc, 2, 1));
	set(r, "study_uid", ipc, 3, get(r, ipc, 3, 1));
	set(r, "step_id", ipc, 4, get(r, ipc, 4, 1));
	set(r, "study_uid", g->zds, 1, get(r, g->zds, 1, 1));
}

static void set_when(struct reading *r, const struct group *g)
{
	const struct { const struct hl7_segment *s; unsigned field, component; } starts[] = {
		{ g->tq1, 7, 1 }, { g->obr, 36, 1 }, { g->orc, 7, 4 }, { g->obr, 27, 4 }, { g->obr, 6, 1 } },
		priorities[] = { { g->tq1, 9, 1 }, { g->orc, 7, 6 }, { g->obr, 27, 6 }, { g->obr, 5, 1 } };
	for (size_t i = 0; i < NELEM(starts) && !r->change->order.date[0]; i++)
		set_moment(r, "date", "time", starts[i].s, starts[i].field, get(r, starts[i].s, starts[i].field, starts[i].component));
	for (size_t i = 0; i < NELEM(priorities) && !r->change->order.priority[0]; i++)
		set(r, "priority", priorities[i].s, priorities[i].field, get(r, priorities[i].s, priorities[i].field, priorities[i].component));
}

static void set_procedure(struct reading *r, const struct group *g)
{
	const struct hl7_segment *orc = g->orc, *obr = g->obr, *ipc = g->ipc;
	set(r, "description", obr, 4, first(get(r, obr, 4, 2), first(get(r, obr, 4, 5), get(r, obr, 4, 1))));
	set(r, "code_value", obr, 4, get(r, obr, 4, 1));
	set(r, "code_meaning", obr, 4, get(r, obr, 4, 2));
	set(r, "code_scheme", obr, 4, get(r, obr, 4, 3));
	set(r, "modality", obr, 24, get(r, obr, 24, 1));
	set(r, "station_aet", obr, 21, get(r, obr, 21, 1));
	set(r, "alerts", obr, 12, first(get(r, obr, 12, 2), get(r, obr, 12, 1)));
	set(r, "reason", obr, 13, hl7_get(r->m, obr, 13, 0, 0, 0));
	set(r, "reason", obr, 31, first(get(r, obr, 31, 2), get(r, obr, 31, 1)));
	set_person(r, "requesting", orc, 12);
	set_person(r, "requesting", obr, 16);
	set(r, "department", orc, 21, get(r, orc, 21, 1));
	set(r, "department", orc, 17, first(get(r, orc, 17, 2), get(r, orc, 17, 1)));
	set(r, "modality", ipc, 5, get(r, ipc, 5, 1));
	set(r, "station_name", ipc, 7, get(r, ipc, 7, 1));
	set(r, "location", ipc, 8, first(get(r, ipc, 8, 2), get(r, ipc, 8, 1)));
	set(r, "station_aet", ipc, 9, get(r, ipc, 9, 1));
	/* NDL: the person is one component of subcomponents. */
	if (hl7_get(r->m, obr, 34, 0, 1, 2)[0]) {
		char name[512];
		snprintf(name, sizeof(name), "%.240s^%.240s", hl7_get(r->m, obr, 34, 0, 1, 2), hl7_get(r->m, obr, 34, 0, 1, 3));
		set(r, "performing", obr, 34, name);
	} else {
		set_person(r, "performing", obr, 34);
	}
}

static void emit(struct reading *r, enum hl7_what what)
{
	if (r->e)
		return;
	r->change->what = what;
	if (!r->fn(r->arg, r->change))
		r->e = fail(r->why, ERR_CANCELLED, "stopped");
}

static void put(struct reading *r, const struct group *g)
{
	const struct { const char *value; const struct hl7_segment *s; unsigned field; const char *says; } needed[] = {
		{ r->change->order.modality, g->ipc ? g->ipc : g->obr, g->ipc ? 5 : 24, g->ipc ? "IPC-5, the modality, is empty" : "OBR-24, the modality, is empty" },
		{ r->change->order.patient_name, hl7_find(r->m, "PID", 0), 5, "PID-5, the patient's name, is empty" },
	};
	struct why cause = { "" };
	for (size_t i = 0; i < NELEM(needed); i++)
		if (!needed[i].value[0])
			wrong(r, ERR_FORMAT, HL7_MISSING, needed[i].s ? needed[i].s : g->orc, needed[i].field, needed[i].says);
	if (!r->e && order_check(&r->change->order, &cause))
		wrong(r, ERR_FORMAT, HL7_MISSING, g->orc, 2, cause.text);
	emit(r, CHANGE_PUT);
}

static void move(struct reading *r, enum order_state to)
{
	r->change->state = to;
	emit(r, CHANGE_STATE);
}

/* ORC-5 of a status message (HL7 table 0038). */
static bool state_of_status(const char *status, enum order_state *out)
{
	static const struct { const char *word; enum order_state state; } words[] = {
		{ "IP", ORDER_STARTED }, { "CM", ORDER_COMPLETED }, { "CA", ORDER_CANCELED }, { "DC", ORDER_DISCONTINUED } };
	for (size_t i = 0; i < NELEM(words); i++)
		if (!strcmp(words[i].word, status)) {
			*out = words[i].state;
			return true;
		}
	return false;
}

static void one_order(struct reading *r, const struct group *g)
{
	const char *control = get(r, g->orc, 1, 1);
	enum order_state state;
	char text[120];
	memset(r->change, 0, sizeof(*r->change));
	if (++r->orders > BOUND_HL7_ORDERS)
		wrong(r, ERR_LIMIT, HL7_SEQUENCE, g->orc, 0, "too many orders in one message");
	set_patient(r, hl7_find(r->m, "PID", 0));
	set_visit(r, hl7_find(r->m, "PID", 0));
	set_numbers(r, g);
	set_when(r, g);
	set_procedure(r, g);
	if (!strcmp(control, "CA") || !strcmp(control, "OC")) {
		move(r, ORDER_CANCELED);
	} else if (!strcmp(control, "DC") || !strcmp(control, "OD")) {
		move(r, ORDER_DISCONTINUED);
	} else if (!strcmp(control, "SC") && state_of_status(get(r, g->orc, 5, 1), &state)) {
		move(r, state);
	} else if (strstr("|NW|XO|XX|RO|SC|SN|", control) && strlen(control) == 2) {
		put(r, g);
	} else {
		snprintf(text, sizeof(text), "ORC-1 is \"%.20s\", expected NW, XO, RO, SC, CA, OC or DC", control);
		wrong(r, ERR_UNSUPPORTED, HL7_VALUE, g->orc, 1, text);
	}
}

/* From one ORC to the next; each IPC (none: the OBR) is one step. */
static void read_orders(struct reading *r)
{
	const struct hl7 *m = r->m;
	unsigned groups = 0;
	for (unsigned i = 0; i < m->count && !r->e; i++) {
		struct group g = { .orc = &m->segments[i] };
		unsigned ipcs = 0, end = i + 1;
		if (strcmp(m->segments[i].name, "ORC"))
			continue;
		groups++;
		for (; end < m->count && strcmp(m->segments[end].name, "ORC"); end++) {
			const struct hl7_segment *s = &m->segments[end];
			const struct hl7_segment **into = !strcmp(s->name, "OBR") ? &g.obr : !strcmp(s->name, "TQ1") ? &g.tq1 : !strcmp(s->name, "ZDS") ? &g.zds : NULL;
			if (into && !*into)
				*into = s;
		}
		for (unsigned k = i; k < end && !r->e; k++)
			if (!strcmp(m->segments[k].name, "IPC")) {
				g.ipc = &m->segments[k];
				ipcs++;
				one_order(r, &g);
			}
		if (!ipcs)
			one_order(r, &g);
	}
	if (!groups)
		wrong(r, ERR_FORMAT, HL7_SEQUENCE, NULL, 0, "there is no ORC segment");
}

/* ---- patients ---- */

static void read_patient(struct reading *r, enum hl7_what what)
{
	memset(r->change, 0, sizeof(*r->change));
	set_patient(r, hl7_find(r->m, "PID", 0));
	set_visit(r, hl7_find(r->m, "PID", 0));
	emit(r, what);
}

static void read_merges(struct reading *r)
{
	const struct hl7_segment *mrg, *pid;
	for (unsigned i = 0; !r->e && (mrg = hl7_find(r->m, "MRG", i)); i++) {
		unsigned rep = pick_id(r, mrg, 1);
		memset(r->change, 0, sizeof(*r->change));
		pid = hl7_find(r->m, "PID", i);
		set_patient(r, pid ? pid : hl7_find(r->m, "PID", 0));
		snprintf(r->change->old_id, sizeof(r->change->old_id), "%s", first(hl7_get(r->m, mrg, 1, rep, 1, 1), get(r, mrg, 4, 1)));
		snprintf(r->change->old_issuer, sizeof(r->change->old_issuer), "%s", hl7_get(r->m, mrg, 1, rep, 4, 1));
		if (!r->change->old_id[0])
			wrong(r, ERR_FORMAT, HL7_MISSING, mrg, 1, "MRG-1, the patient ID that ends, is empty");
		if (!strcmp(r->change->old_id, r->change->order.patient_id) && !strcmp(r->change->old_issuer, r->change->order.issuer))
			wrong(r, ERR_FORMAT, HL7_VALUE, mrg, 1, "MRG-1 and PID-3 are the same patient ID");
		emit(r, CHANGE_MERGE);
	}
	if (!r->e && !hl7_find(r->m, "MRG", 0))
		wrong(r, ERR_FORMAT, HL7_SEQUENCE, NULL, 0, "there is no MRG segment");
}

static void read_admission(struct reading *r) { read_patient(r, CHANGE_ADMIT); }
static void read_update(struct reading *r) { read_patient(r, CHANGE_PATIENT); }

static const struct { const char *type, *event; void (*read)(struct reading *r); } messages[] = {
	{ "ORM", "O01", read_orders }, { "OMG", "O19", read_orders }, { "OMI", "O23", read_orders },
	{ "ADT", "A01", read_admission }, { "ADT", "A04", read_admission }, { "ADT", "A05", read_admission },
	{ "ADT", "A08", read_update }, { "ADT", "A31", read_update },
	{ "ADT", "A40", read_merges }, { "ADT", "A18", read_merges }, { "ADT", "A34", read_merges }, { "ADT", "A36", read_merges },
};

void hl7_event_name(const struct hl7 *m, char out[33])
{
	const struct hl7_segment *msh = hl7_find(m, "MSH", 0);
	snprintf(out, 33, "%.15s^%.15s", hl7_get(m, msh, 9, 0, 1, 1), hl7_get(m, msh, 9, 0, 2, 1));
	for (char *c = out; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '^')
			*c = '?';
}

static void dispatch(struct reading *r)
{
	const struct hl7_segment *msh = hl7_find(r->m, "MSH", 0);
	const char *type = get(r, msh, 9, 1), *event = get(r, msh, 9, 2), *version = get(r, msh, 12, 1);
	char name[33], text[120];
	bool knows_type = false;
	if (version[0] && version[0] != '2') {
		wrong(r, ERR_UNSUPPORTED, HL7_NO_VERSION, msh, 12, "MSH-12: HL7 version 2 was expected");
		return;
	}
	for (size_t i = 0; i < NELEM(messages); i++) {
		bool same = !strcmp(messages[i].type, type);
		knows_type = knows_type || same;
		/* ORM has one event only, and old systems leave it out. */
		if (same && (!strcmp(messages[i].event, event) || (!event[0] && !strcmp(type, "ORM")))) {
			messages[i].read(r);
			return;
		}
	}
	hl7_event_name(r->m, name);
	snprintf(text, sizeof(text), "MSH-9 is %s; taken are ORM^O01, OMG^O19, OMI^O23, ADT^A01 A04 A05 A08 A31 A40", name);
	wrong(r, ERR_UNSUPPORTED, knows_type ? HL7_NO_EVENT : HL7_NO_MESSAGE, msh, 9, text);
}

enum err hl7_event_read(const struct hl7 *m, bool (*fn)(void *arg, const struct hl7_change *c), void *arg, struct hl7_fault *fault, struct why *why)
{
	struct why none;
	struct reading r = { .m = m, .fn = fn, .arg = arg, .fault = fault, .why = why ? why : &none };
	*fault = (struct hl7_fault){ 0 };
	r.change = malloc(sizeof(*r.change));
	if (!r.change) {
		fault->code = HL7_INTERNAL;
		return fail(why, ERR_NOMEM, "no memory");
	}
	dispatch(&r);
	free(r.change);
	return r.e;
}

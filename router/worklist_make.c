#include "router/worklist.h"

#include <stdio.h>
#include <string.h>

#include "db/orders.h"

/* How long a reading may take until it is late: urgent work within the hour, the rest within the day. */
enum { URGENT_MS = 60 * 60 * 1000, ROUTINE_MS = 24 * 60 * 60 * 1000 };
enum { URGENT_FROM = 5 };                /* of a rule's priority, 0 routine .. 9 stat */
enum { ARENA = 32 << 20 };

struct making {
	struct sqlite3 *db;
	const struct conf *conf;
	const struct item_pending *p;
	int64_t now_ms;
	struct index_study study;
	struct worklist_images *images;
	struct arena arena;
	struct worklist_result *out;
};

static enum err insert(struct making *m, const char *note, const char *comment, struct why *why)
{
	struct order_row ordered = { .id = 0 };
	enum err found = orders_of_study(m->db, m->p->study_uid.s, &ordered, why);
	bool is_urgent = m->p->priority >= URGENT_FROM || order_is_urgent(&ordered.o);
	struct item_row row = { .study_uid = m->p->study_uid, .instances = m->out->instances, .expected_ms = m->now_ms + (is_urgent ? URGENT_MS : ROUTINE_MS) };
	struct dataset *ds = dataset_new(&m->arena);
	enum err e = found && found != ERR_NOT_FOUND ? found : uid_new(&row.uid);

	snprintf(row.group, sizeof(row.group), "%s", m->p->group);
	snprintf(row.modality, sizeof(row.modality), "%s", m->study.modalities);
	snprintf(row.note, sizeof(row.note), "%s", note);
	struct worklist_order order = { .uid = row.uid.s, .aet = m->conf->aet, .group = m->p->group, .is_urgent = is_urgent,
	                                .now_ms = m->now_ms, .expected_ms = row.expected_ms, .comment = comment };
	if (!e)
		e = ds ? worklist_item_fill(ds, &m->study, m->images, &order) : ERR_NOMEM;
	if (!e && !found)
		e = worklist_item_order(ds, &ordered.o);
	if (e)
		return fail(why, e, "work item of study %s with %u images: %s", row.study_uid.s, row.instances, err_name(e));
	m->out->item = row.uid;
	return items_insert(m->db, &row, ds, m->conf->aet, m->now_ms, why);
}

/* Nobody has begun: the item gets the whole study. */
static enum err update(struct making *m, const struct item_row *old, struct why *why)
{
	struct item_row row;
	struct dataset *ds;
	char comment[128];
	enum err e = items_load(m->db, old->uid.s, &m->arena, &row, &ds, why);

	if (e)
		return e;
	snprintf(comment, sizeof(comment), "late images: %u of %u", m->out->added, m->out->instances);
	e = worklist_item_refill(ds, &m->study, m->images, m->conf->aet, comment);
	if (e)
		return fail(why, e, "work item of study %s with %u images: %s", m->p->study_uid.s, m->out->instances, err_name(e));
	m->out->made = WORKLIST_UPDATED;
	m->out->item = old->uid;
	return items_update_input(m->db, old->uid.s, ds, m->out->instances, m->conf->aet, m->now_ms, why);
}

/* Somebody reads it or has read it: another item, which says what is new and since when. */
static enum err insert_late(struct making *m, const struct item_row *old, struct why *why)
{
	char comment[192];

	snprintf(comment, sizeof(comment), "late images: %u of %u; earlier item %s, %s", m->out->added, m->out->instances, old->uid.s, item_state_name(old->state));
	m->out->made = WORKLIST_LATE;
	enum err e = insert(m, "late images", comment, why);
	return e ? e : items_note(m->db, old->uid.s, "late images came", m->conf->aet, m->now_ms, why);
}

static enum err make(struct making *m, struct why *why)
{
	struct item_row old;
	enum err e = items_newest(m->db, m->p->study_uid.s, m->p->group, &old, why);

	m->out->instances = worklist_images_count(m->images);
	if (e == ERR_NOT_FOUND) {
		m->out->made = WORKLIST_CREATED;
		m->out->added = m->out->instances;
		return insert(m, "", "", why);
	}
	if (e || m->out->instances <= old.instances)
		return e;                /* each of its images is in the item already */
	m->out->added = m->out->instances - old.instances;
	return old.state == ITEM_SCHEDULED ? update(m, &old, why) : insert_late(m, &old, why);
}

enum err worklist_make(struct sqlite3 *db, struct index_reader *ix, const struct conf *conf, const struct item_pending *p, int64_t now_ms,
                       struct worklist_result *out, struct why *why)
{
	struct making m = { .db = db, .conf = conf, .p = p, .now_ms = now_ms, .out = out };
	enum err e;

	*out = (struct worklist_result){ .made = WORKLIST_NOTHING };
	arena_init(&m.arena, ARENA);
	e = index_study_get(ix, p->study_uid.s, &m.study, why);
	if (!e)
		e = worklist_images_read(ix, p->study_uid.s, &m.images, why);
	if (!e)
		e = make(&m, why);
	if (!e)
		e = orders_study_complete(db, p->study_uid.s, now_ms, why);
	/* ERR_CONFLICT cannot be: plan writes on this thread too. */
	if (!e)
		e = items_pending_done(db, p, why);
	worklist_images_free(&m.images);
	arena_fini(&m.arena);
	return e;
}

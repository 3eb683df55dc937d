#include "db/index_writer.h"

/* The header row of an instance: packed against the reference of its device. */

/* The sender and the class: what decides how a header looks. */
static enum err device_of(struct index_writer *w, const struct index_record *r, int64_t *calling, int64_t *sop_class, struct why *why)
{
	enum err e = index_term(w, r->calling, calling, why);

	return e ? e : index_term(w, r->sop_class, sop_class, why);
}

/* The newest reference of the device, from its row; ERR_END: it has none. */
static enum err load_reference(struct index_writer *w, struct pack_reference *ref, int64_t device, int64_t calling, int64_t sop_class, struct why *why)
{
	sqlite3_stmt *st = w->st[W_REFERENCE_GET];

	sql_bind_int(st, 1, calling);
	sql_bind_int(st, 2, sop_class);
	enum err e = sql_step(st, why);
	if (e)
		return e;
	e = pack_reference_set(ref, device, sql_int(st, 0), sql_blob(st, 1), why);
	sql_done(st);
	return e;
}

static enum err make_reference(struct index_writer *w, struct pack_reference *ref, int64_t device, int64_t calling, int64_t sop_class,
                               struct bytes header, struct why *why)
{
	struct bytes part = pack_reference_part(header);
	sqlite3_stmt *st = w->st[W_REFERENCE_ADD];

	sql_bind_int(st, 1, calling);
	sql_bind_int(st, 2, sop_class);
	sql_bind_blob(st, 3, part);
	enum err e = sql_run(st, why);
	return e ? e : pack_reference_set(ref, device, sqlite3_last_insert_rowid(w->db), part, why);
}

static enum err reference_for(struct index_writer *w, const struct index_record *r, struct pack_reference **out, struct why *why)
{
	int64_t calling = 0, sop_class = 0;
	enum err e = device_of(w, r, &calling, &sop_class, why);
	int64_t device = calling << 24 ^ sop_class;
	struct pack_reference *ref = *out = header_packer_slot(&w->pack, device);

	if (e)
		return e;
	if (!pack_reference_is(ref, device)) {
		e = load_reference(w, ref, device, calling, sop_class, why);
		if (e != ERR_END)
			return e;
	} else if (!pack_reference_is_stale(ref)) {
		return ERR_OK;
	}
	return make_reference(w, ref, device, calling, sop_class, r->header, why);
}

enum err index_put_header(struct index_writer *w, uint64_t instance, const struct index_record *r, struct why *why)
{
	struct pack_reference *ref;
	struct bytes z;
	enum err e = reference_for(w, r, &ref, why);

	if (!e)
		e = header_pack(&w->pack, ref, r->header, &z, why);
	if (e)
		return e;
	sqlite3_stmt *st = w->st[W_HEADER_ADD];
	sql_bind_int(st, 1, (int64_t)instance);
	sql_bind_int(st, 2, r->header_encoding);
	sql_bind_blob(st, 3, z);
	sql_bind_int(st, 4, ref->id);
	return sql_run(st, why);
}

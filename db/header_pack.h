/* header_pack - headers of one machine resemble one another, so each is kept as what differs from a reference.
 *
 * A reference is an earlier header of the same sender and SOP class, given to zstd as a dictionary. A header of 3 kB then
 * takes some 300 bytes instead of 1,100, which is most of the index's size and of what ingest writes. References are rows
 * of their own (header_ref) and stay for ever; a machine whose headers fit no longer gets a new one.
 *
 * Both sides are caches over those rows: the caller looks a reference up when it is not here and hands its bytes in.
 * Memory   PACK_SLOTS or UNPACK_SLOTS prepared references of at most REFERENCE_MAX bytes each, direct-mapped.
 */
#ifndef DB_HEADER_PACK_H
#define DB_HEADER_PACK_H

#include <zstd.h>

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"

enum { PACK_SLOTS = 64, UNPACK_SLOTS = 16, REFERENCE_MAX = 16 << 10 };

/* ---- the writer's side ---- */
struct pack_reference {
	int64_t device, id;              /* id 0: empty */
	unsigned poor;                   /* headers in a row that it did not help with */
	ZSTD_CDict *dict;                /* owned */
};
struct header_packer {
	ZSTD_CCtx *zstd;                 /* kept: making one costs more than a header */
	uint8_t *z;                      /* owned; grows with the largest header, bounded by ZSTD_compressBound(BOUND_HEADER) */
	size_t z_cap;
	struct pack_reference refs[PACK_SLOTS];
};

enum err header_packer_init(struct header_packer *p, struct why *why) MUST_USE;
void     header_packer_fini(struct header_packer *p);
/* After a rollback: references may have been part of it. */
void     header_packer_forget(struct header_packer *p);

/* The slot of a device (a sender and SOP class, as one number): is its reference here? */
struct pack_reference *header_packer_slot(struct header_packer *p, int64_t device);
bool     pack_reference_is(const struct pack_reference *r, int64_t device);
/* As many headers did not fit as make a new reference worth its row. */
bool     pack_reference_is_stale(const struct pack_reference *r);
/* What of a header becomes a reference: its beginning. */
struct bytes pack_reference_part(struct bytes header);
enum err pack_reference_set(struct pack_reference *r, int64_t device, int64_t id, struct bytes part, struct why *why) MUST_USE;

/* Lent until the next call. ref NULL: on its own. */
enum err header_pack(struct header_packer *p, struct pack_reference *ref, struct bytes header, struct bytes *z, struct why *why) MUST_USE;

/* ---- the reader's side ---- */
struct header_unpacker {
	ZSTD_DCtx *zstd;
	struct { int64_t id; ZSTD_DDict *dict; } refs[UNPACK_SLOTS];
};
enum err header_unpacker_init(struct header_unpacker *u, struct why *why) MUST_USE;
void     header_unpacker_fini(struct header_unpacker *u);
bool     header_unpacker_has(const struct header_unpacker *u, int64_t ref);
enum err header_unpacker_add(struct header_unpacker *u, int64_t ref, struct bytes part, struct why *why) MUST_USE;
/* ref 0: none, else it must be here. The caller frees *header. ERR_FORMAT: damaged. */
enum err header_unpack(struct header_unpacker *u, int64_t ref, struct bytes z, uint8_t **header, size_t *len, struct why *why) MUST_USE;

#endif

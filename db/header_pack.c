#include "db/header_pack.h"

#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/base/fault.h"

enum { LEVEL = 1, POOR_PART = 3, STALE_AFTER = 64 };

/* In front of a reference's bytes: so that none, whatever a machine sends, begins with the number by which zstd knows
 * its own trained dictionaries. */
static const char mark[] = "header: ";

/* The content of a dictionary; the caller frees it. */
static uint8_t *marked(struct bytes part, size_t *len)
{
	*len = sizeof(mark) - 1 + part.len;
	uint8_t *p = fault_fails(FAULT_ALLOC) ? NULL : malloc(*len);
	if (p) {
		memcpy(p, mark, sizeof(mark) - 1);
		if (part.len)
			memcpy(p + sizeof(mark) - 1, part.p, part.len);
	}
	return p;
}

/* ---- writer ---- */

enum err header_packer_init(struct header_packer *p, struct why *why)
{
	*p = (struct header_packer){ .zstd = fault_fails(FAULT_ALLOC) ? NULL : ZSTD_createCCtx() };
	return p->zstd ? ERR_OK : fail(why, ERR_NOMEM, "no memory for the compressor");
}

static void drop(struct pack_reference *r)
{
	ZSTD_freeCDict(r->dict);
	*r = (struct pack_reference){ 0 };
}

void header_packer_forget(struct header_packer *p)
{
	for (size_t i = 0; i < PACK_SLOTS; i++)
		drop(&p->refs[i]);
}

void header_packer_fini(struct header_packer *p)
{
	header_packer_forget(p);
	ZSTD_freeCCtx(p->zstd);
	free(p->z);
	*p = (struct header_packer){ 0 };
}

struct pack_reference *header_packer_slot(struct header_packer *p, int64_t device)
{
	return &p->refs[(uint64_t)device * 0x9E3779B97F4A7C15u >> 58];
}
_Static_assert(PACK_SLOTS == 1 << (64 - 58), "the slot is the hash's top bits");

bool pack_reference_is(const struct pack_reference *r, int64_t device)
{
	return r->id && r->device == device;
}

bool pack_reference_is_stale(const struct pack_reference *r)
{
	return r->poor >= STALE_AFTER;
}

struct bytes pack_reference_part(struct bytes header)
{
	return bytes_of(header.p, header.len < REFERENCE_MAX ? header.len : REFERENCE_MAX);
}

enum err pack_reference_set(struct pack_reference *r, int64_t device, int64_t id, struct bytes part, struct why *why)
{
	size_t len;
	uint8_t *content = marked(part, &len);

	drop(r);
	if (content)
		r->dict = ZSTD_createCDict(content, len, LEVEL);
	free(content);
	if (!r->dict)
		return fail(why, ERR_NOMEM, "no memory for a reference header");
	r->device = device;
	r->id = id;
	return ERR_OK;
}

enum err header_pack(struct header_packer *p, struct pack_reference *ref, struct bytes header, struct bytes *z, struct why *why)
{
	size_t need = ZSTD_compressBound(header.len), n;

	*z = (struct bytes){ 0 };
	if (need > p->z_cap) {
		uint8_t *grown = fault_fails(FAULT_ALLOC) ? NULL : realloc(p->z, need);
		if (!grown)
			return fail(why, ERR_NOMEM, "no memory to compress a header of %zu bytes", header.len);
		p->z = grown;
		p->z_cap = need;
	}
	if (ref)
		n = ZSTD_compress_usingCDict(p->zstd, p->z, p->z_cap, header.p, header.len, ref->dict);
	else
		n = ZSTD_compressCCtx(p->zstd, p->z, p->z_cap, header.p, header.len, LEVEL);
	if (ZSTD_isError(n))
		return fail(why, ERR_NOMEM, "compressing a header of %zu bytes: %s", header.len, ZSTD_getErrorName(n));
	if (ref)
		ref->poor = n > header.len / POOR_PART ? ref->poor + 1 : 0;
	*z = bytes_of(p->z, n);
	return ERR_OK;
}

/* ---- reader ---- */

enum err header_unpacker_init(struct header_unpacker *u, struct why *why)
{
	*u = (struct header_unpacker){ .zstd = fault_fails(FAULT_ALLOC) ? NULL : ZSTD_createDCtx() };
	return u->zstd ? ERR_OK : fail(why, ERR_NOMEM, "no memory for the decompressor");
}

void header_unpacker_fini(struct header_unpacker *u)
{
	for (size_t i = 0; i < UNPACK_SLOTS; i++)
		ZSTD_freeDDict(u->refs[i].dict);
	ZSTD_freeDCtx(u->zstd);
	*u = (struct header_unpacker){ 0 };
}

bool header_unpacker_has(const struct header_unpacker *u, int64_t ref)
{
	return u->refs[ref % UNPACK_SLOTS].id == ref;
}

enum err header_unpacker_add(struct header_unpacker *u, int64_t ref, struct bytes part, struct why *why)
{
	size_t len, slot = (size_t)(ref % UNPACK_SLOTS);
	uint8_t *content = marked(part, &len);

	ZSTD_freeDDict(u->refs[slot].dict);
	u->refs[slot].id = 0;
	u->refs[slot].dict = content ? ZSTD_createDDict(content, len) : NULL;
	free(content);
	if (!u->refs[slot].dict)
		return fail(why, ERR_NOMEM, "no memory for a reference header");
	u->refs[slot].id = ref;
	return ERR_OK;
}

enum err header_unpack(struct header_unpacker *u, int64_t ref, struct bytes z, uint8_t **header, size_t *len, struct why *why)
{
	unsigned long long size = ZSTD_getFrameContentSize(z.p, z.len);

	*header = NULL;
	if (size > BOUND_HEADER)
		return fail(why, ERR_FORMAT, "a stored header of %zu compressed bytes says it has %llu, limit %d", z.len, size, BOUND_HEADER);
	uint8_t *p = fault_fails(FAULT_ALLOC) ? NULL : malloc(size ? size : 1);
	if (!p)
		return fail(why, ERR_NOMEM, "no memory for a header of %llu bytes", size);
	*len = ref ? ZSTD_decompress_usingDDict(u->zstd, p, size, z.p, z.len, u->refs[ref % UNPACK_SLOTS].dict)
	           : ZSTD_decompressDCtx(u->zstd, p, size, z.p, z.len);
	if (ZSTD_isError(*len) || *len != size) {
		free(p);
		return fail(why, ERR_FORMAT, "a stored header of %zu compressed bytes cannot be unpacked", z.len);
	}
	*header = p;
	return ERR_OK;
}

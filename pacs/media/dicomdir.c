#include "pacs/media/dicomdir.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/coerce.h"
#include "pacs/dicom/dataset.h"
#include "pacs/dicom/part10.h"

enum { ARENA = 16 << 20, NAME_MAX_LEN = 1024, COMPONENTS_MAX = 16, ITEM_HEAD = 8 };
#define UNDEFINED 0xFFFFFFFFu
#define RECORD_SEQUENCE TAG(0x0004, 0x1220)
#define FIRST_RECORD TAG(0x0004, 0x1200)
#define NEXT_RECORD TAG(0x0004, 0x1400)
#define IN_USE TAG(0x0004, 0x1410)
#define LOWER_RECORD TAG(0x0004, 0x1420)
#define RECORD_TYPE TAG(0x0004, 0x1430)
#define FILE_ID TAG(0x0004, 0x1500)
#define NO_NAME SIZE_MAX

/* ---- names ---- */

/* Upper case, without a version or a last dot. */
static size_t add_component(const char *s, size_t len, char *out, size_t room)
{
	const char *version = memchr(s, ';', len);
	if (version)
		len = (size_t)(version - s);
	if (len && s[len - 1] == '.')
		len--;
	if (len > room)
		return SIZE_MAX;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)toupper((unsigned char)s[i]);
	return len;
}

bool dicomdir_name(const char *path, char *out, size_t cap)
{
	size_t n = 0;
	while (*path) {
		size_t len = strcspn(path, "/");
		if (n + 1 >= cap)
			return false;
		if (n)
			out[n++] = '/';
		size_t added = add_component(path, len, out + n, cap - n - 1);
		if (added == SIZE_MAX)
			return false;
		n += added;
		path += len + (path[len] == '/');
	}
	out[n] = '\0';
	return true;
}

bool dicomdir_is_name(const char *file_name)
{
	char name[16];
	return strlen(file_name) < sizeof(name) && dicomdir_name(file_name, name, sizeof(name)) && !strcmp(name, "DICOMDIR");
}

static bool is_component(const char *s, size_t len)
{
	if (!len || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.'))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == '/')
			return false;
	return true;
}

/* "DIR1\IMG001" as "DIR1/IMG001"; some writers put the other slash. */
static bool file_id_name(const char *id, char *out, size_t cap)
{
	char path[NAME_MAX_LEN];
	size_t n = 0;
	unsigned components = 0;
	while (*id) {
		size_t len = strcspn(id, "\\/"), used = len;
		while (used && id[used - 1] == ' ')
			used--;
		if (!is_component(id, used) || ++components > COMPONENTS_MAX || n + used + 2 > sizeof(path))
			return false;
		if (n)
			path[n++] = '/';
		memcpy(path + n, id, used);
		n += used;
		id += len + (id[len] != '\0');
	}
	path[n] = '\0';
	return n && dicomdir_name(path, out, cap) && out[0];
}

/* ---- records ---- */

struct record {
	uint32_t at;             /* of its item tag, from the file's first byte */
	uint32_t next, lower;
	size_t name;             /* in names, or NO_NAME */
	bool is_used, is_seen;
	char type[17];
};

struct reading {
	struct bytes file;
	enum ds_encoding enc;
	struct arena arena;
	struct record *records;
	size_t count, cap;
	uint32_t root;
	struct dicomdir *out;
	struct why *why;
};

static uint32_t offset_of(const struct dataset *ds, uint32_t tag)
{
	int64_t v;
	return dataset_int(ds, tag, &v) && v > 0 && v < UNDEFINED ? (uint32_t)v : 0;
}

static enum err add_name(struct reading *r, const struct dataset *ds, struct record *rec)
{
	char name[NAME_MAX_LEN];
	const char *id = dataset_str(ds, FILE_ID);
	rec->name = NO_NAME;
	if (!*id)
		return ERR_OK;
	if (!file_id_name(id, name, sizeof(name))) {
		r->out->bad++;
		return ERR_OK;
	}
	rec->name = r->out->names.len;
	buf_add(&r->out->names, name, strlen(name) + 1);
	return buf_err(&r->out->names);
}

static enum err add_record(struct reading *r, size_t at, struct bytes content)
{
	struct dataset *ds = NULL;
	if (r->count == BOUND_DICOMDIR_RECORDS)
		return fail(r->why, ERR_LIMIT, "a directory of over %d records", BOUND_DICOMDIR_RECORDS);
	if (r->count == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 256;
		struct record *p = realloc(r->records, cap * sizeof(*p));
		if (!p)
			return fail(r->why, ERR_NOMEM, "no memory for the records of a directory");
		r->records = p;
		r->cap = cap;
	}
	struct record *rec = &r->records[r->count];
	struct arena_mark mark = arena_mark(&r->arena);
	/* Odd elements of one record (icons are in there) shall not cost the others: what was read before them counts. */
	enum err e = ERR_OK;
	if (dataset_parse(&r->arena, content, r->enc, &ds, NULL) != ERR_OK)
		r->out->odd++;
	if (ds) {
		int64_t flag;
		*rec = (struct record){ .at = (uint32_t)at, .next = offset_of(ds, NEXT_RECORD), .lower = offset_of(ds, LOWER_RECORD) };
		rec->is_used = !dataset_int(ds, IN_USE, &flag) || flag != 0;
		strncpy(rec->type, dataset_str(ds, RECORD_TYPE), sizeof(rec->type) - 1);
		e = add_name(r, ds, rec);
		r->count++;
		r->out->records++;
		r->out->unused += !rec->is_used;
	}
	arena_release(&r->arena, mark);
	return e == ERR_NOMEM ? fail(r->why, e, "no memory for the records of a directory") : ERR_OK;
}

/* One item at *at, and past it. ERR_END: the sequence ends here. */
static enum err read_item(struct reading *r, size_t *at, size_t end)
{
	bool is_big = r->enc == DS_EXPLICIT_BE;
	const uint8_t *p = r->file.p + *at;
	if (end - *at < ITEM_HEAD)
		return ERR_END;
	uint32_t tag = is_big ? TAG(be16(p), be16(p + 2)) : TAG(le16(p), le16(p + 2)), len = is_big ? be32(p + 4) : le32(p + 4);
	size_t left = end - *at - ITEM_HEAD, used = len;
	if (tag == TAG_SEQUENCE_END)
		return ERR_END;
	if (tag != TAG_ITEM)
		return fail(r->why, ERR_FORMAT, "the directory is damaged: (%04x,%04x) where a record was expected, at byte %zu", TAG_GROUP(tag), TAG_ELEMENT(tag), *at);
	if (len == UNDEFINED) {
		/* up to the item's own delimiter: no tag of a record is as high */
		enum err e = coerce_boundary(bytes_of(p + ITEM_HEAD, left), true, r->enc, TAG_ITEM_END, &used, r->why);
		if (e)
			return e == ERR_MORE ? fail(r->why, ERR_FORMAT, "the directory is cut in the record at byte %zu", *at) : e;
	} else if (len > left) {
		return fail(r->why, ERR_FORMAT, "the directory is cut: the record at byte %zu has %u bytes, %zu are left", *at, len, left);
	}
	enum err e = add_record(r, *at, bytes_of(p + ITEM_HEAD, used));
	*at += ITEM_HEAD + used;
	if (!e && len == UNDEFINED)
		*at += end - *at < ITEM_HEAD ? end - *at : ITEM_HEAD;
	return e;
}

/* The header of (0004,1220), and the records behind it. A directory that is cut has those before the cut. */
static enum err read_records(struct reading *r, size_t dataset_at, size_t sequence)
{
	const uint8_t *p = r->file.p + sequence;
	size_t left = r->file.len - sequence, head = r->enc == DS_IMPLICIT_LE ? 8 : 12;
	bool is_big = r->enc == DS_EXPLICIT_BE;
	uint32_t tag = left >= head ? (is_big ? TAG(be16(p), be16(p + 2)) : TAG(le16(p), le16(p + 2))) : 0;
	if (tag != RECORD_SEQUENCE)
		return fail(r->why, ERR_FORMAT, "there are no directory records (0004,1220) behind byte %zu", dataset_at);
	uint32_t len = is_big ? be32(p + head - 4) : le32(p + head - 4);
	size_t at = sequence + head, end = len == UNDEFINED || len > left - head ? r->file.len : at + len;
	enum err e = ERR_OK;
	while (!e)
		e = read_item(r, &at, end);
	r->out->is_cut = e == ERR_FORMAT && r->count;
	return e == ERR_END || r->out->is_cut ? ERR_OK : e;
}

/* ---- links ---- */

/* They stand in the order of their offsets. */
static struct record *record_at(const struct reading *r, uint32_t at)
{
	size_t low = 0, high = r->count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (r->records[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->count && r->records[low].at == at ? &r->records[low] : NULL;
}

/* From the root, each record once. False: a link leads nowhere. stack: places for all records. */
static bool follow(struct reading *r, uint32_t *stack)
{
	bool is_sound = true;
	size_t depth = 0;
	stack[depth++] = r->root;
	while (depth) {
		struct record *rec = record_at(r, stack[--depth]);
		if (!rec) {
			is_sound = false;
			continue;
		}
		if (rec->is_seen)
			continue;
		rec->is_seen = true;
		if (rec->next)
			stack[depth++] = rec->next;
		if (rec->lower && rec->is_used)
			stack[depth++] = rec->lower;
	}
	return is_sound;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dicomdir_entry *)a)->name, ((const struct dicomdir_entry *)b)->name);
}

static enum err take_files(struct reading *r)
{
	struct dicomdir *d = r->out;
	d->files = calloc(r->count ? r->count : 1, sizeof(*d->files));
	if (!d->files)
		return fail(r->why, ERR_NOMEM, "no memory for the files of a directory");
	for (size_t i = 0; i < r->count; i++) {
		const struct record *rec = &r->records[i];
		if (!rec->is_used || rec->name == NO_NAME || !(rec->is_seen || d->is_linear))
			continue;
		struct dicomdir_entry *f = &d->files[d->count++];
		f->name = (const char *)d->names.p + rec->name;
		memcpy(f->type, rec->type, sizeof(f->type));
	}
	qsort(d->files, d->count, sizeof(*d->files), by_name);
	size_t kept = 0;
	for (size_t i = 0; i < d->count; i++)
		if (!kept || strcmp(d->files[kept - 1].name, d->files[i].name))
			d->files[kept++] = d->files[i];
	d->count = kept;
	return ERR_OK;
}

static enum err choose_files(struct reading *r)
{
	/* Each record is pushed by at most two others. */
	uint32_t *stack = malloc((2 * r->count + 2) * sizeof(*stack));
	if (!stack)
		return fail(r->why, ERR_NOMEM, "no memory for the files of a directory");
	r->out->is_linear = !follow(r, stack);
	free(stack);
	return take_files(r);
}

enum err dicomdir_read(struct bytes file, struct dicomdir *out, struct why *why)
{
	struct part10 meta;
	struct reading r = { .file = file, .out = out, .why = why };
	struct dataset *ds = NULL;
	size_t sequence = 0;
	*out = (struct dicomdir){ .count = 0 };
	buf_init(&out->names, BOUND_DICOMDIR);
	if (file.len > BOUND_DICOMDIR)
		return fail(why, ERR_LIMIT, "a directory of %zu bytes, limit %d", file.len, BOUND_DICOMDIR);
	enum err e = part10_read(file, &meta, why);
	if (e)
		return e == ERR_MORE ? fail(why, ERR_FORMAT, "the directory's file meta group does not end") : e;
	struct bytes raw = bytes_of(file.p + meta.dataset_at, file.len - meta.dataset_at);
	const struct ts *ts = ts_find(meta.transfer_syntax.s);
	if (!ts || ts->is_deflated)
		return fail(why, ERR_FORMAT, "a directory in transfer syntax %s, expected explicit VR little endian", meta.transfer_syntax.s);
	r.enc = ds_encoding_of(part10_true_syntax(ts, raw));
	arena_init(&r.arena, ARENA);
	e = coerce_boundary(raw, true, r.enc, RECORD_SEQUENCE, &sequence, why);
	if (!e)
		e = dataset_parse(&r.arena, bytes_of(raw.p, sequence), r.enc, &ds, why);
	if (!e) {
		r.root = offset_of(ds, FIRST_RECORD);
		e = read_records(&r, meta.dataset_at, meta.dataset_at + sequence);
	}
	if (!e)
		e = choose_files(&r);
	arena_fini(&r.arena);
	free(r.records);
	return e;
}

void dicomdir_fini(struct dicomdir *d)
{
	free(d->files);
	buf_fini(&d->names);
	*d = (struct dicomdir){ .count = 0 };
}

const struct dicomdir_entry *dicomdir_find(const struct dicomdir *d, const char *name)
{
	struct dicomdir_entry key = { .name = name };
	return d->count ? bsearch(&key, d->files, d->count, sizeof(*d->files), by_name) : NULL;
}

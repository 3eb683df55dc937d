#include "pacs/dicom/commitment.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA = 32 << 20 };               /* BOUND_IDENTIFIER of data as nodes and texts */

#define TAG_TRANSACTION TAG(0x0008, 0x1195)
#define TAG_REF_CLASS TAG(0x0008, 0x1150)
#define TAG_REF_INSTANCE TAG(0x0008, 0x1155)
#define TAG_REFS TAG(0x0008, 0x1199)

enum { MISSING_ATTRIBUTE = 0x0120, BAD_VALUE = 0x0115, TOO_MANY = 0x0213, UNREADABLE = 0xC000, NO_MEMORY = 0x0213 };

/* ---- reading ---- */

struct reading {
	struct commit_refs *out;
	uint16_t *status;
	struct why *why;
};

static enum err refuse(struct reading *r, uint16_t status, enum err e, const char *text)
{
	*r->status = status;
	return fail(r->why, e, "%s", text);
}

static enum err take(struct reading *r, const struct dataset *ds, uint32_t tag, struct uid *out, const char *name)
{
	const char *text = dataset_str(ds, tag);
	if (!dataset_has(ds, tag)) {
		*r->status = MISSING_ATTRIBUTE;
		return fail(r->why, ERR_FORMAT, "there is no %s", name);
	}
	if (!uid_is_legal(text)) {
		*r->status = BAD_VALUE;
		return fail(r->why, ERR_FORMAT, "%s is \"%.70s\", expected a UID", name, text);
	}
	memcpy(out->s, text, strlen(text) + 1);
	return ERR_OK;
}

static enum err take_ref(struct reading *r, const struct dataset *item, bool is_failed)
{
	struct commit_ref *ref = &r->out->refs[r->out->count];
	int64_t reason = 0;
	enum err e = take(r, item, TAG_REF_CLASS, &ref->sop_class, "Referenced SOP Class UID");
	if (!e)
		e = take(r, item, TAG_REF_INSTANCE, &ref->sop_instance, "Referenced SOP Instance UID");
	if (!e && is_failed && (!dataset_int(item, TAG_FAILURE_REASON, &reason) || reason <= 0 || reason > UINT16_MAX))
		reason = 0x0110;         /* it failed, whatever it forgot to say */
	ref->reason = (uint16_t)reason;
	r->out->count += !e;
	return e;
}

static size_t count_items(const struct dataset *ds, uint32_t tag)
{
	const struct element *el = dataset_find(ds, tag);
	size_t n = 0;
	for (const struct item *i = el ? el->items : NULL; i; i = i->next)
		n++;
	return n;
}

static enum err take_all(struct reading *r, const struct dataset *ds, uint32_t tag, bool is_failed)
{
	const struct element *el = dataset_find(ds, tag);
	enum err e = ERR_OK;
	for (const struct item *i = el ? el->items : NULL; i && !e; i = i->next)
		e = take_ref(r, i->ds, is_failed);
	return e;
}

static int by_instance(const void *a, const void *b)
{
	const struct commit_ref *x = *(const struct commit_ref *const *)a, *y = *(const struct commit_ref *const *)b;
	return strcmp(x->sop_instance.s, y->sop_instance.s);
}

/* An instance that stands in a result twice, perhaps once as good and once as failed, says nothing. */
static enum err check_once(struct reading *r)
{
	size_t n = r->out->count;
	const struct commit_ref **sorted = calloc(n + 1, sizeof(*sorted));
	bool twice = false;
	if (!sorted)
		return refuse(r, NO_MEMORY, ERR_NOMEM, "no memory for the references");
	for (size_t i = 0; i < n; i++)
		sorted[i] = &r->out->refs[i];
	qsort(sorted, n, sizeof(*sorted), by_instance);
	for (size_t i = 1; i < n; i++)
		twice |= !strcmp(sorted[i - 1]->sop_instance.s, sorted[i]->sop_instance.s);
	free(sorted);
	return twice ? refuse(r, BAD_VALUE, ERR_FORMAT, "an instance is referenced twice") : ERR_OK;
}

static enum err read_refs(struct reading *r, const struct dataset *ds)
{
	size_t n = count_items(ds, TAG_REFS) + count_items(ds, TAG_FAILED_SOPS);
	enum err e = take(r, ds, TAG_TRANSACTION, &r->out->transaction, "Transaction UID");
	if (e)
		return e;
	if (!n)
		return dataset_has(ds, TAG_REFS) ? refuse(r, BAD_VALUE, ERR_FORMAT, "no instance is referenced")
		                                 : refuse(r, MISSING_ATTRIBUTE, ERR_FORMAT, "there is no Referenced SOP Sequence");
	if (n > BOUND_COMMIT_REFS)
		return refuse(r, TOO_MANY, ERR_LIMIT, "too many instances in one transaction");
	r->out->refs = calloc(n, sizeof(*r->out->refs));
	if (!r->out->refs)
		return refuse(r, NO_MEMORY, ERR_NOMEM, "no memory for the references");
	e = take_all(r, ds, TAG_REFS, false);
	if (!e)
		e = take_all(r, ds, TAG_FAILED_SOPS, true);
	return e ? e : check_once(r);
}

static enum err read_any(struct bytes data, enum ds_encoding enc, bool may_fail, struct commit_refs *out, uint16_t *status, struct why *why)
{
	struct reading r = { out, status, why };
	struct dataset *ds = NULL;
	struct arena a;
	*out = (struct commit_refs){ 0 };
	*status = 0;
	arena_init(&a, ARENA);
	enum err e = dataset_parse(&a, data, enc, &ds, why);
	if (e)
		*status = e == ERR_NOMEM || e == ERR_LIMIT ? TOO_MANY : UNREADABLE;
	else if (!may_fail && count_items(ds, TAG_FAILED_SOPS))
		e = refuse(&r, BAD_VALUE, ERR_FORMAT, "failures where there can be none");
	else
		e = read_refs(&r, ds);
	arena_fini(&a);
	return e;
}

enum err commit_read_request(struct bytes data, enum ds_encoding enc, struct commit_refs *out, uint16_t *status, struct why *why)
{
	return read_any(data, enc, false, out, status, why);
}

enum err commit_read_result(struct bytes data, enum ds_encoding enc, uint16_t event_type, struct commit_refs *out, uint16_t *status, struct why *why)
{
	return read_any(data, enc, event_type != COMMIT_EVENT_SUCCESS, out, status, why);
}

void commit_refs_free(struct commit_refs *r)
{
	free(r->refs);
	*r = (struct commit_refs){ 0 };
}

/* ---- writing ---- */

static enum err add_ref(struct dataset *ds, const struct commit_ref *ref)
{
	struct dataset *item = dataset_add_item(ds, ref->reason ? TAG_FAILED_SOPS : TAG_REFS);
	enum err e = item ? dataset_put_str(item, TAG_REF_CLASS, ref->sop_class.s) : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(item, TAG_REF_INSTANCE, ref->sop_instance.s);
	if (!e && ref->reason)
		e = dataset_put_us(item, TAG_FAILURE_REASON, ref->reason);
	return e;
}

static enum err write_any(const struct commit_refs *r, const char *retrieve_aet, enum ds_encoding enc, struct buf *out)
{
	struct arena a;
	arena_init(&a, ARENA);
	struct dataset *ds = dataset_new(&a);
	enum err e = ds ? dataset_put_str(ds, TAG_TRANSACTION, r->transaction.s) : ERR_NOMEM;
	if (!e && retrieve_aet[0])
		e = dataset_put_str(ds, TAG_RETRIEVE_AE, retrieve_aet);
	for (size_t i = 0; i < r->count && !e; i++)
		e = add_ref(ds, &r->refs[i]);
	if (!e)
		e = dataset_write(ds, enc, out);
	arena_fini(&a);
	return e;
}

enum err commit_write_request(const struct commit_refs *r, enum ds_encoding enc, struct buf *out)
{
	return write_any(r, "", enc, out);
}

uint16_t commit_event_type(const struct commit_refs *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->refs[i].reason)
			return COMMIT_EVENT_FAILURES;
	return COMMIT_EVENT_SUCCESS;
}

enum err commit_write_result(const struct commit_refs *r, const char *retrieve_aet, enum ds_encoding enc, struct buf *out)
{
	return write_any(r, retrieve_aet, enc, out);
}

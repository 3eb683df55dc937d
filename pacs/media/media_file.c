#include "pacs/media/media_file.h"

#include <stdio.h>
#include <string.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/dataset.h"
#include "pacs/dicom/walker.h"

enum { ARENA = 32 << 20, PREAMBLE = 128, MAGIC = 4 };

static bool has_magic(struct bytes head)
{
	return (head.len >= PREAMBLE + MAGIC && !memcmp(head.p + PREAMBLE, "DICM", MAGIC)) || (head.len >= MAGIC && !memcmp(head.p, "DICM", MAGIC));
}

static bool is_zip(struct bytes head)
{
	return head.len >= MAGIC && (!memcmp(head.p, "PK\3\4", MAGIC) || !memcmp(head.p, "PK\5\6", MAGIC));
}

static void take_uid(const struct dataset *ds, uint32_t tag, struct uid *out)
{
	const struct element *el = ds ? dataset_find(ds, tag) : NULL;
	struct uid uid;
	if (el && el->value.len && !uid_take(&uid, el->value) && uid.s[0])
		*out = uid;
}

/* The UIDs of the data set, as far as it is here. False: what is here makes no sense. */
static bool read_uids(struct bytes raw, struct media_file *f)
{
	struct walker *w = NULL;
	struct arena a;
	struct dataset *ds = NULL;
	if (walker_new(&w, f->ts))
		return false;
	enum err e = walker_feed(w, raw, NULL);
	bool is_sound = !e || e == ERR_END;
	arena_init(&a, ARENA);
	/* The header so far may end inside an element: those before it count. */
	(void)!dataset_parse(&a, walker_header(w), walker_encoding(w), &ds, NULL);
	take_uid(ds, TAG_SOP_CLASS_UID, &f->meta.sop_class);
	take_uid(ds, TAG_SOP_INSTANCE_UID, &f->meta.sop_instance);
	arena_fini(&a);
	walker_free(&w);
	return is_sound;
}

enum media_kind media_recognise(struct bytes head, struct media_file *f)
{
	*f = (struct media_file){ .ts = NULL };
	if (is_zip(head))
		return MEDIA_ZIP;
	if (part10_read(head, &f->meta, NULL))
		return MEDIA_OTHER;
	f->is_bare = !has_magic(head) && f->meta.dataset_at == 0;
	struct bytes raw = bytes_of(head.p + f->meta.dataset_at, head.len - f->meta.dataset_at);
	f->ts = ts_find(f->meta.transfer_syntax.s);
	if (!f->ts)
		return strcmp(f->meta.sop_class.s, UID_MEDIA_DIRECTORY) ? MEDIA_NO_SYNTAX : MEDIA_DIRECTORY;
	f->ts = part10_true_syntax(f->ts, raw);
	snprintf(f->meta.transfer_syntax.s, sizeof(f->meta.transfer_syntax.s), "%s", f->ts->uid);
	bool is_sound = read_uids(raw, f);
	if (!strcmp(f->meta.sop_class.s, UID_MEDIA_DIRECTORY))
		return MEDIA_DIRECTORY;
	if (f->is_bare && (!is_sound || !uid_is_legal(f->meta.sop_class.s) || !uid_is_legal(f->meta.sop_instance.s)))
		return MEDIA_OTHER;
	return f->meta.sop_class.s[0] ? MEDIA_OBJECT : MEDIA_NO_CLASS;
}

/* Any bytes as a data set: what is left has nothing that the table or the rule would not leave, can be written, and is read back the same. */
#include "pacs/media/deid.h"

#include "pacs/media/deid_check.h"
#include "tests/fuzz/fuzz.h"

static const struct deid_subject subject = { .name = "SUBJECT0001", .id = "SUBJECT0001", .days = -400 };

static bool is_one_of_ours(const struct element *el, const struct dataset *ds)
{
	const char *text = dataset_str(ds, el->tag);
	return !*text || !strcmp(text, DEID_DUMMY) || !strcmp(text, subject.name) || !strcmp(text, "urn:uuid:0");
}

static void look(const struct dataset *ds, unsigned retain, unsigned depth)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		if (!depth && (TAG_GROUP(el->tag) == 0x0012 || el->tag == TAG(0x0028, 0x0303)))
			continue;
		enum deid_action a = deid_action(el->tag, el->vr, retain);
		if (retain & DEID_MODIFIED_DATES && deid_is_moved(el->tag, el->vr) && a != DEID_K)
			continue;
		MUST(a != DEID_X && !TAG_IS_PRIVATE(el->tag) && dict_find(el->tag) && TAG_GROUP(el->tag) >= 0x0008 - 8 * (depth > 0));
		if (a != DEID_K && a != DEID_E && (vr_is_text(el->vr) || el->vr == VR_AE || el->vr == VR_UR))
			MUST(is_one_of_ours(el, ds));
		if (a == DEID_Z)
			MUST(!el->value.len && !el->items);
		if (a == DEID_U && el->vr == VR_UI && el->value.len)
			MUST(!memcmp(el->value.p, "2.25.", 5) || !memcmp(el->value.p, "1.2.840.10008", 13) || el->value.p[0] == '\\' || !el->value.p[0] || el->value.p[0] == ' ');
		for (const struct item *i = el->items; i; i = i->next)
			look(i->ds, retain, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct deid_needles needles;
	struct arena a;
	struct dataset *ds = NULL, *again = NULL;
	struct buf out, twice;
	struct why why;
	uint32_t at, whose;
	if (size < 2)
		return 0;
	struct deid_options o = { .retain = data[0] & 0x7f, .accept_burned_in = data[1] & 4 };
	deid_key_of(BYTES("0123456789abcdef"), o.key);
	if (o.retain & DEID_DATES)
		o.retain &= ~(unsigned)DEID_MODIFIED_DATES;
	arena_init(&a, 64 << 20);
	buf_init(&out, 64 << 20);
	buf_init(&twice, 64 << 20);
	(void)!dataset_parse(&a, bytes_of(data + 2, size - 2), (enum ds_encoding)(data[1] & 3) % 3, &ds, &why);
	if (ds) {
		needles.count = needles.is_over = 0;
		deid_needles_add(&needles, ds, "GB18030");
		(void)deid_find(&needles, ds, &at, &whose);
		(void)deid_find_bytes(&needles, bytes_of(data, size), &whose);
		(void)deid_refusal(ds, &o);
		if (deid_apply(ds, &o, &subject) == ERR_OK) {
			look(ds, o.retain, 0);
			MUST(dataset_write(ds, DS_EXPLICIT_LE, &out) == ERR_OK);
			MUST(dataset_parse(&a, buf_view(&out), DS_EXPLICIT_LE, &again, &why) == ERR_OK);
			MUST(dataset_write(again, DS_EXPLICIT_LE, &twice) == ERR_OK);
			MUST(bytes_equal(buf_view(&out), buf_view(&twice)));
		}
	}
	buf_fini(&twice);
	buf_fini(&out);
	arena_fini(&a);
	return 0;
}

/* Parse, write, parse again, write again: the second writing is the first one. Byte 0 chooses the encoding. */
#include "pacs/dicom/dataset.h"

#include "pacs/base/bounds.h"
#include "pacs/dicom/head.h"
#include "tests/fuzz/fuzz.h"

static void use_values(struct dataset *ds, unsigned depth)
{
	MUST(depth <= BOUND_DEPTH);
	uint32_t last = 0;
	for (const struct element *el = ds->first; el; el = el->next) {
		int64_t whole;
		double number;
		MUST(el == ds->first || el->tag > last);
		MUST(el->next || el == ds->last);
		last = el->tag;
		MUST(dataset_find(ds, el->tag) == el);
		MUST(dataset_str(ds, el->tag) && dataset_str_n(ds, el->tag, 1));
		(void)dataset_int(ds, el->tag, &whole);
		(void)dataset_double_n(ds, el->tag, 2, &number);
		for (const struct item *i = el->items; i; i = i->next)
			use_values(i->ds, depth + 1);
	}
}

/* A broken sequence is kept as its bytes. When they are odd in number, the padding may be just what it lacked; when it came in big
 * endian, they may be whole items in little endian, which is what UN is read as; and a value under a sequence's tag that was sent
 * with another VR loses that VR in implicit, and may look like items then. */
static bool may_become_sequence(const struct element *el, bool is_big)
{
	return head_implied_vr(el->tag) == VR_SQ && (el->vr == VR_UN ? is_big || el->value.len % 2 : el->vr != VR_SQ && el->value.len);
}

static bool has_late_sequence(const struct dataset *ds, bool is_big)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		if (may_become_sequence(el, is_big))
			return true;
		for (const struct item *i = el->items; i; i = i->next)
			if (has_late_sequence(i->ds, is_big))
				return true;
	}
	return false;
}

/* What is written must be understood again; not so where the first element looks like another
 * encoding, or like padding, which no writer can help. */
static void round_trip(struct arena *a, const struct dataset *ds, enum ds_encoding enc)
{
	struct buf once, twice;
	struct dataset *again;
	struct why why;
	buf_init(&once, 8 << 20);
	buf_init(&twice, 8 << 20);
	MUST(dataset_write(ds, enc, &once) == ERR_OK);
	if (once.len >= 8 && head_detect(once.p, enc, false) == enc && dict_find(ds->first->tag) && ds->first->tag) {
		enum err e = dataset_parse(a, buf_view(&once), enc, &again, &why);
		if (e)
			fprintf(stderr, "%s\n", why.text);
		MUST(e == ERR_OK || e == ERR_NOMEM);
		if (e == ERR_OK) {
			MUST(dataset_write(again, enc, &twice) == ERR_OK);
			if (!bytes_equal(buf_view(&once), buf_view(&twice)))
				fprintf(stderr, "encoding %d: %zu and %zu bytes\n", enc, once.len, twice.len);
			MUST(bytes_equal(buf_view(&once), buf_view(&twice)));
		}
	}
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct arena a;
	struct dataset *ds, *copy;
	struct why why;
	enum ds_encoding enc = (enum ds_encoding)(data[0] % 3);
	arena_init(&a, 16 << 20);
	bool is_big = size > 8 && head_detect(data + 1, enc, false) == DS_EXPLICIT_BE;
	enum err e = dataset_parse(&a, bytes_of(data + 1, size - 1), enc, &ds, &why);
	MUST(ds);
	use_values(ds, 0);
	if (e == ERR_OK && !has_late_sequence(ds, is_big)) {
		round_trip(&a, ds, DS_EXPLICIT_LE);
		round_trip(&a, ds, DS_EXPLICIT_BE);
		round_trip(&a, ds, DS_IMPLICIT_LE);
	}
	if (e == ERR_OK) {
		copy = dataset_new(&a);
		for (const struct element *el = ds->first; copy && el; el = el->next)
			if (dataset_copy(copy, el))
				break;
	}
	arena_fini(&a);
	return 0;
}

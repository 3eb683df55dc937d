/* Whatever a stream holds, it is cut the same way wherever it is broken; each message is read, and the answer to it is itself a
 * message that can be read. Byte 0 is the size of the pieces. */
#include "pacs/base/bounds.h"
#include "pacs/dicom/charset.h"
#include "pacs/hl7/hl7_ack.h"
#include "pacs/hl7/mllp.h"

#include "tests/fuzz/fuzz.h"

static bool on_change(void *arg, const struct hl7_change *c)
{
	unsigned *n = arg;
	/* Every text is one that may go into a data set and into SQL as it is. */
	for (size_t i = 0; i < order_field_count; i++) {
		const char *value = order_get(&c->order, &order_fields[i]);
		MUST(strlen(value) < order_fields[i].size);
		MUST(utf8_is_valid(bytes_str(value)));
		MUST(!strchr(value, '\\') || order_fields[i].kind == ORDER_NUMBER);
	}
	return ++*n < 1000;
}

static void answer(const struct hl7 *m, const struct hl7_fault *f, const char *text)
{
	const struct hl7_answer a = { .code = "AE", .text = text, .fault = *f, .id = "1", .now = "20260301080000", .charset = "" };
	struct buf out;
	struct arena arena;
	struct hl7 back;
	struct why why;
	buf_init(&out, 4 << 20);
	arena_init(&arena, 16 << 20);
	MUST(hl7_ack(m, &a, &out) == ERR_OK);
	MUST(hl7_parse(&arena, buf_view(&out), &back, &why) == ERR_OK);
	MUST(!strcmp(hl7_get(&back, hl7_find(&back, "MSA", 0), 1, 0, 1, 1), "AE"));
	arena_fini(&arena);
	buf_fini(&out);
}

static void one_message(struct bytes raw)
{
	struct buf utf8;
	struct arena arena;
	struct hl7 m;
	struct hl7_fault f = { 0 };
	struct why why = { "" };
	char term[32], name[33];
	unsigned n = 0;
	buf_init(&utf8, 4 << 20);
	arena_init(&arena, 64 << 20);
	MUST(hl7_decode(raw, "", &utf8, term) == ERR_OK);
	if (hl7_parse(&arena, buf_view(&utf8), &m, &why)) {
		answer(NULL, &f, why.text);
	} else {
		hl7_event_name(&m, name);
		enum err e = hl7_event_read(&m, on_change, &n, &f, &why);
		MUST(e == ERR_OK || f.code || e == ERR_CANCELLED);
		answer(&m, &f, why.text);
	}
	arena_fini(&arena);
	buf_fini(&utf8);
}

static unsigned cut(struct bytes in, size_t piece, bool read)
{
	struct mllp m;
	struct bytes one;
	unsigned n = 0;
	mllp_init(&m);
	for (size_t at = 0; at < in.len; at += piece) {
		MUST(mllp_feed(&m, bytes_of(in.p + at, in.len - at < piece ? in.len - at : piece)) == ERR_OK);
		while (!mllp_peek(&m, &one)) {
			if (read && n < 16)
				one_message(one);
			n++;
			mllp_take(&m);
		}
	}
	mllp_fini(&m);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct bytes in = bytes_of(data + 1, size - 1);
	MUST(cut(in, in.len, true) == cut(in, data[0] % 32 + 1u, false));
	return 0;
}

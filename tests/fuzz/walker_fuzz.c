/* Where the stream is cut must not matter, and a header that the walker kept must parse. Byte 0
 * chooses the syntax, byte 1 the size of the pieces. */
#include "pacs/dicom/walker.h"

#include "tests/fuzz/fuzz.h"

static enum err feed(struct walker *w, struct bytes in, size_t piece)
{
	enum err e = ERR_OK;
	struct why why;
	for (size_t at = 0; at < in.len; at += piece)
		e = walker_feed(w, bytes_of(in.p + at, in.len - at < piece ? in.len - at : piece), &why);
	return e;
}

static void parse(const struct walker *w, bool is_whole)
{
	struct arena a;
	struct dataset *ds;
	struct why why;
	arena_init(&a, 32 << 20);
	enum err e = dataset_parse(&a, walker_header(w), walker_encoding(w), &ds, &why);
	if (e == ERR_FORMAT && is_whole)
		fprintf(stderr, "%s\n", why.text);
	MUST(e != ERR_FORMAT || !is_whole);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const syntaxes[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE, TS_EXPLICIT_BE, TS_DEFLATED_LE };
	if (size < 2)
		return 0;
	const struct ts *ts = ts_find(syntaxes[data[0] % 4]);
	size_t piece = data[1] % 64 + 1u;
	struct bytes in = bytes_of(data + 2, size - 2);
	struct walker *one, *many;
	struct why why;
	MUST(walker_new(&one, ts) == ERR_OK && walker_new(&many, ts) == ERR_OK);
	enum err fed = feed(one, in, in.len ? in.len : 1), fed_many = feed(many, in, piece);
	enum err end = walker_finish(one, &why), end_many = walker_finish(many, &why);
	MUST(fed == fed_many || fed == ERR_OK);
	MUST(end == end_many);
	MUST(bytes_equal(walker_header(one), walker_header(many)));
	MUST(walker_encoding(one) == walker_encoding(many));
	MUST(walker_pixel_length(one) == walker_pixel_length(many));
	MUST(walker_was_mislabelled(one) == walker_was_mislabelled(many));
	parse(one, end == ERR_OK);
	walker_free(&one);
	walker_free(&many);
	return 0;
}

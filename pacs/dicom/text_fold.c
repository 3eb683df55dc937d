#include "pacs/dicom/text_fold.h"

#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "pacs/dicom/han.h"
#include "pacs/dicom/utf8.h"

/* UTF-16 units that are folded without asking for memory: any name. GROWTH: one unit can become 18 (U+FDFA), but is
 * three bytes of UTF-8 then. */
enum { PIECE = 256, GROWTH = 8 };

/* Appends one run of valid UTF-8 as the normalizer has it. */
static void normalise(const UNormalizer2 *n, struct bytes in, struct buf *out)
{
	UErrorCode e = U_ZERO_ERROR;
	UChar near[PIECE * (1 + GROWTH)], *far = NULL, *wide = near;
	int32_t cap = in.len > PIECE ? (int32_t)in.len : PIECE, len = 0;
	if (in.len > INT32_MAX / 32 || (in.len > PIECE && !(far = malloc(in.len * (1 + GROWTH) * sizeof(UChar))))) {
		out->err = out->err ? out->err : ERR_NOMEM;
		return;
	}
	wide = far ? far : near;
	u_strFromUTF8(wide, cap, &len, (const char *)in.p, (int32_t)in.len, &e);
	UChar *folded = wide + cap;
	len = n ? unorm2_normalize(n, wide, len, folded, cap * GROWTH, &e) : 0;
	for (int32_t i = 0; U_SUCCESS(e) && i < len; ) {
		UChar32 c;
		U16_NEXT(folded, i, len, c);
		utf8_add(out, (uint32_t)c);
	}
	/* ICU without its tables, or without memory. */
	if (!n || U_FAILURE(e))
		out->err = out->err ? out->err : ERR_NOMEM;
	free(far);
}

/* Each run of valid UTF-8 through the normalizer; other bytes go as they are. */
static void each_run(const UNormalizer2 *n, struct bytes t, struct buf *out)
{
	while (t.len) {
		struct bytes run = { t.p, 0 };
		size_t len = 1;
		while (run.len < t.len && (utf8_peek(bytes_of(t.p + run.len, t.len - run.len), &len) || !t.p[run.len]))
			run.len += len;
		if (run.len)
			normalise(n, run, out);
		else
			buf_add_byte(out, t.p[0]), run.len = 1;
		t.p += run.len;
		t.len -= run.len;
	}
}

static bool is_ascii(struct bytes t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.p[i] >= 0x80)
			return false;
	return true;
}

/* Drops blanks and carets from the end, but not below `from`. */
static void drop_tail(struct buf *out, size_t from)
{
	while (out->len > from && (out->p[out->len - 1] == ' ' || out->p[out->len - 1] == '^'))
		out->len--;
}

static bool begins_with_mark(struct bytes t)
{
	return t.len && t.p[0] >= 0x80 && u_getCombiningClass((UChar32)utf8_take(&t)) != 0;
}

/* Case of ASCII, traditional characters, blanks, ends of groups. */
static void tidy(struct bytes t, struct buf *out)
{
	size_t group = out->len;
	while (t.len) {
		uint32_t c = utf8_take(&t);
		if (c >= 'A' && c <= 'Z')
			c += 0x20;
		if (c == '\t' || c == '\r' || c == '\n')
			c = ' ';
		/* One blank for many, and none at the front; but a mark stays on its blank, else it would go to what is before. */
		if (c == ' ' && (out->len == group || out->p[out->len - 1] == ' ') && !begins_with_mark(t))
			continue;
		if (c == '=') {
			drop_tail(out, group);
			group = out->len + 1;
		}
		/* Bytes that are no text stay what they are. */
		if (c >= 0xDC80 && c <= 0xDCFF)
			buf_add_byte(out, (uint8_t)c);
		else
			utf8_add(out, han_simplified(c));
		if (buf_err(out))
			return;
	}
	drop_tail(out, group);
}

void text_fold(const char *utf8, struct buf *out)
{
	struct bytes t = bytes_str(utf8);
	UErrorCode e = U_ZERO_ERROR;
	if (is_ascii(t)) {
		tidy(t, out);
		return;
	}
	struct buf whole;
	buf_init(&whole, t.len > SIZE_MAX / 32 ? SIZE_MAX : t.len * 32 + 64);
	each_run(unorm2_getNFKCCasefoldInstance(&e), t, &whole);
	if (buf_err(&whole) && !out->err)
		out->err = buf_err(&whole);
	tidy(buf_view(&whole), out);
	buf_fini(&whole);
}

bool text_fold_into(const char *utf8, char *out, size_t cap)
{
	struct buf b;
	buf_init(&b, cap ? cap - 1 : 0);
	text_fold(utf8, &b);
	bool fits = cap && !buf_err(&b);
	if (fits)
		memcpy(out, buf_cstr(&b), b.len + 1);
	else if (cap)
		out[0] = '\0';
	buf_fini(&b);
	return fits;
}

void text_fold_bare(const char *utf8, struct buf *out)
{
	struct buf folded, apart;
	UErrorCode e = U_ZERO_ERROR;
	size_t max = strlen(utf8);
	max = max > SIZE_MAX / 64 ? SIZE_MAX : max * 64 + 64;
	buf_init(&folded, max);
	buf_init(&apart, max);
	text_fold(utf8, &folded);
	if (is_ascii(buf_view(&folded)))
		buf_add(&apart, folded.p, folded.len);
	else
		each_run(unorm2_getNFDInstance(&e), buf_view(&folded), &apart);
	for (struct bytes t = buf_view(&apart); t.len; ) {
		uint32_t c = utf8_take(&t);
		/* u with diaeresis is v in pinyin, where l and n can stand before it. */
		if (c == 0x308 && out->len >= 2 && out->p[out->len - 1] == 'u' && (out->p[out->len - 2] == 'l' || out->p[out->len - 2] == 'n'))
			out->p[out->len - 1] = 'v';
		else if (c < 0x80)
			buf_add_byte(out, (uint8_t)c);
		else if (c >= 0xDC80 && c <= 0xDCFF)
			buf_add_byte(out, (uint8_t)c);
		else if (u_charType((UChar32)c) != U_NON_SPACING_MARK)
			utf8_add(out, c);
	}
	if (!out->err && (buf_err(&folded) || buf_err(&apart)))
		out->err = buf_err(&folded) ? buf_err(&folded) : buf_err(&apart);
	buf_fini(&folded);
	buf_fini(&apart);
}

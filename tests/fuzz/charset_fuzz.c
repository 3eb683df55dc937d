/* Any bytes under any declaration become valid UTF-8; what can be written again, in any set, reads back the same;
 * folding twice is folding once; sounds and the patterns of keys stay within their bounds. Byte 0 chooses the declaration,
 * byte 1 the sender's, byte 2 the VR. */
#include "pacs/dicom/charset_detect.h"

#include "pacs/dicom/match.h"
#include "pacs/dicom/name_sound.h"
#include "pacs/dicom/text_fold.h"
#include "tests/fuzz/fuzz.h"

static const char *const sets[] = { "", "ISO_IR 100", "ISO_IR 192", "GB18030", "GBK", "\\ISO 2022 IR 58", "\\ISO 2022 IR 149", "ISO_IR 13",
	"ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159", "ISO_IR 166", "\\ISO 2022 IR 144\\ISO 2022 IR 126", "ISO-2022-GBK", "NONE",
	"ISO 2022 IR 100\\ISO 2022 IR 144", "\\ISO 2022 IR 58\\ISO 2022 IR 149\\ISO 2022 IR 87", "\\ISO 2022 IR 203", "ISO_IR 127" };

static bool has(struct bytes t, const char *what)
{
	return t.len && memmem(t.p, t.len, what, strlen(what));
}

static void write_and_read(const char *declared, vr_t vr, struct buf *text)
{
	struct buf raw, again;
	struct why why;
	buf_init(&raw, 1 << 20);
	buf_init(&again, 1 << 20);
	const char *utf8 = buf_cstr(text);
	/* Blanks at the ends are padding to the reader, a mark in front is dropped, and an escape is
	 * one, even if the text meant it. */
	bool is_plain = !has(buf_view(text), "\x1B") && !has(buf_view(text), "\xEF\xBB\xBF") && text->len && utf8[0] != ' ' && utf8[text->len - 1] != ' ';
	if (charset_from_utf8(declared, vr, utf8, &raw, &why) == ERR_OK && is_plain) {
		enum charset_how how = charset_to_utf8(declared, NULL, vr, buf_view(&raw), &again);
		if (how == CHARSET_DECLARED || how == CHARSET_ASCII)
			MUST(!strcmp(buf_cstr(&again), utf8));
	}
	buf_fini(&raw);
	buf_fini(&again);
}

static void sound(const char *utf8)
{
	struct name_sounds s;
	struct name_sound_key k;
	char folded[512];
	name_sound_key(utf8, &k);
	MUST(k.count <= SOUND_PATTERNS);
	if (!text_fold_into(utf8, folded, sizeof(folded)))
		return;
	MUST(name_sounds(folded, &s));
	MUST(s.count <= SOUNDS_MAX);
	for (size_t i = 0; i < s.count; i++)
		MUST(s.text[i][0] && strlen(s.text[i]) < SOUND_TEXT && utf8_is_valid(bytes_str(s.text[i])) && !strpbrk(s.text[i], "\"\\^*?"));
	for (size_t i = 0; i < k.count; i++)
		MUST(strlen(k.pattern[i]) < SOUND_TEXT && strcspn(k.pattern[i], "*?") >= 2 && utf8_is_valid(bytes_str(k.pattern[i])));
}

/* The bytes as the text of a whole header, and as one value of it. */
static void judge(const char *declared, const char *sender, vr_t vr, struct bytes raw)
{
	struct charset_verdict v;
	struct buf out;
	buf_init(&out, 1 << 20);
	charset_judge_text(raw, declared, sender, &v);
	MUST((v.how == CHARSET_ASCII) == text_is_ascii(raw) && strlen(v.found) < sizeof(v.found));
	charset_read(&v, vr, raw, &out);
	MUST(buf_err(&out) == ERR_OK && utf8_is_valid(buf_view(&out)) && strlen(buf_cstr(&out)) == out.len);
	buf_fini(&out);
}

static void fold_twice(const char *utf8)
{
	struct buf once, twice;
	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	text_fold(utf8, &once);
	text_fold(buf_cstr(&once), &twice);
	MUST(!strcmp(buf_cstr(&once), buf_cstr(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
}

static void use_as_key(vr_t vr, const char *utf8)
{
	char lo[32], hi[32], out[32];
	static const vr_t moments[] = { VR_DA, VR_TM, VR_DT };
	(void)match_kind(vr, utf8);
	if (strlen(utf8) < 200) {
		MUST(strpbrk(utf8, "*?") || match_wildcard(utf8, utf8));
		(void)match_name(utf8, "Zhang^San=张^三");
		(void)match_name("*a*=?*", utf8);
	}
	for (size_t i = 0; i < NELEM(moments); i++) {
		match_normalise(moments[i], utf8, out);
		if (match_range(moments[i], utf8, lo, hi) == ERR_OK)
			MUST(strlen(lo) < sizeof(lo) && strlen(hi) < sizeof(hi) && (lo[0] || hi[0]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const vr_t vrs[] = { VR_PN, VR_LO, VR_LT };
	if (size < 3 || size > 4096)
		return 0;
	const char *declared = sets[data[0] % NELEM(sets)], *sender = data[1] & 0x80 ? NULL : sets[data[1] % NELEM(sets)];
	vr_t vr = vrs[data[2] % NELEM(vrs)];
	struct buf text;
	buf_init(&text, 1 << 20);
	charset_to_utf8(declared, sender, vr, bytes_of(data + 3, size - 3), &text);
	MUST(buf_err(&text) == ERR_OK);
	MUST(utf8_is_valid(buf_view(&text)));
	MUST(strlen(buf_cstr(&text)) == text.len);
	for (size_t i = 0; i < NELEM(sets); i++)
		write_and_read(sets[i], vr, &text);
	fold_twice(buf_cstr(&text));
	sound(buf_cstr(&text));
	judge(declared, sender, vr, bytes_of(data + 3, size - 3));
	use_as_key(vr, buf_cstr(&text));
	buf_fini(&text);
	return 0;
}

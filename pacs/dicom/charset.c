#include "pacs/dicom/charset.h"

#include "pacs/dicom/charset_impl.h"
#include "pacs/dicom/utf8.h"

bool charset_is_known(const char *declared)
{
	return !set_list(declared).has_unknown;
}

struct bytes charset_strip(vr_t vr, struct bytes v)
{
	bool is_paragraph = vr == VR_ST || vr == VR_LT || vr == VR_UT;
	while (v.len && (v.p[v.len - 1] == ' ' || v.p[v.len - 1] == '\0'))
		v.len--;
	while (!is_paragraph && v.len && v.p[0] == ' ') {
		v.p++;
		v.len--;
	}
	return v;
}

static void drop_nuls(struct buf *out, size_t from)
{
	size_t to = from;
	for (size_t i = from; i < out->len; i++)
		if (out->p[i])
			out->p[to++] = out->p[i];
	out->len = to;
}

/* Every high byte in a pair of GB 2312's rows: hanzi, not accents. */
static bool looks_like_gb2312(struct bytes v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < 0x80)
			continue;
		if (v.p[i] < 0xA1 || v.p[i] > 0xF7 || i + 1 == v.len || v.p[i + 1] < 0xA1)
			return false;
		i++;
	}
	return true;
}

/* Latin-1 can never fail, so it is believed of a sender of Chinese only where it is not Chinese. */
static bool is_latin_by_mistake(const struct charset_list *declared, const struct charset_list *sender, struct bytes v)
{
	return declared->count == 1 && declared->set[0]->kind == SET_SINGLE && !declared->has_unknown &&
	       (set_list_kind(sender, SET_WHOLE) || set_list_kind(sender, SET_PAIRS_G1)) && looks_like_gb2312(v);
}

/* The mark that some put in front of UTF-8. */
static void drop_mark(struct buf *out, size_t from)
{
	if (out->len - from < 3 || memcmp(out->p + from, "\xEF\xBB\xBF", 3) != 0)
		return;
	out->len -= 3;
	memmove(out->p + from, out->p + from + 3, out->len - from);
}

static enum charset_how decode(const char *declared, const char *sender_default, vr_t vr, struct bytes v, struct buf *out)
{
	struct charset_list list = set_list(declared), gb = set_list("GB18030");
	struct charset_list sender = set_list(sender_default ? sender_default : "");
	if (is_latin_by_mistake(&list, &sender, v) && charset_decode(&sender, vr, v, out))
		return CHARSET_SENDER;
	if (charset_decode(&list, vr, v, out))
		return CHARSET_DECLARED;
	if (sender_default && charset_decode(&sender, vr, v, out))
		return CHARSET_SENDER;
	if (utf8_is_valid(v)) {
		buf_add(out, v.p, v.len);
		return CHARSET_DETECTED;
	}
	if (charset_decode(&gb, vr, v, out))
		return CHARSET_DETECTED;
	for (size_t i = 0; i < v.len; i++)
		utf8_add(out, v.p[i]);
	return CHARSET_LATIN1;
}

void charset_tidy(struct buf *out, size_t from)
{
	if (buf_err(out))
		return;
	drop_mark(out, from);
	drop_nuls(out, from);
}

enum charset_how charset_to_utf8(const char *declared, const char *sender_default, vr_t vr, struct bytes raw, struct buf *out)
{
	struct bytes v = charset_strip(vr, raw);
	enum charset_how how = CHARSET_ASCII;
	size_t at = out->len;
	if (text_is_ascii(v)) {
		buf_add(out, v.p, v.len);
	} else {
		set_lock();
		how = decode(declared, sender_default, vr, v, out);
		set_unlock();
	}
	charset_tidy(out, at);
	return how;
}

/* 128 bytes of anything, "DICM", then group 0002 in explicit VR little endian:
 *
 *   0000 UL length of the rest      0001 OB 00 01            0002 UI SOP class
 *   0003 UI SOP instance            0010 UI transfer syntax  0012 UI whose program wrote it
 *   0013 SH its version             0016 AE who sent it (left out when not known)
 *   0100 UI whose 0102 is           0102 OB "r=1764080000123 a=10.1.2.3 d=<32 hex digits> p=<32 hex digits> w=<32 hex digits>",
 *                                   where - stands for what is not known; 13 digits of milliseconds, blanks between; w= not
 *                                   in every file (struct part10_origin)
 */
#include "pacs/dicom/part10.h"

#include <stdio.h>
#include <stdlib.h>

#include "pacs/dicom/head.h"

#define ORIGIN_CREATOR "2.25.300984713526409871635240917263548190"
#define PIXELS "p="
#define WRITTEN "w="

enum { PREAMBLE = 128, MAGIC = 4, META_VALUE_MAX = 65536 };

static void add_element(struct buf *out, uint16_t element, const char *vr, const char *text)
{
	size_t len = strlen(text), even = len + (len & 1);
	buf_add_le16(out, 0x0002);
	buf_add_le16(out, element);
	buf_add(out, vr, 2);
	buf_add_le16(out, (uint16_t)even);
	buf_add(out, text, len);
	if (even > len)
		buf_add_byte(out, vr_pad(VR(vr[0], vr[1])));
}

/* "d=" and "p=" have their places also when they are not known yet. */
static void add_origin(struct buf *out, const struct part10_origin *o)
{
	static const char none[] = "--------------------------------";
	char text[256];
	int n = snprintf(text, sizeof(text), "r=%013lld a=%s d=%.32s " PIXELS "%.32s", (long long)o->received_ms, o->address[0] ? o->address : "-",
	                 o->received_digest[0] ? o->received_digest : none, o->pixel_digest[0] ? o->pixel_digest : none);
	if (o->has_written)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " " WRITTEN "%.32s", o->written_digest[0] ? o->written_digest : none);
	size_t len = (size_t)n, even = len + (len & 1);
	add_element(out, 0x0100, "UI", ORIGIN_CREATOR);
	buf_add(out, "\2\0\2\1OB\0\0", 8);
	buf_add_le32(out, (uint32_t)even);
	buf_add(out, text, len);
	if (even > len)
		buf_add_byte(out, ' ');
}

static size_t place_of(struct bytes written, const char *key)
{
	const uint8_t *at = memmem(written.p, written.len, key, strlen(key));
	return at ? (size_t)(at - written.p) + strlen(key) : 0;
}

size_t part10_pixel_digest_at(struct bytes written)
{
	return place_of(written, " " PIXELS);
}

size_t part10_written_digest_at(struct bytes written)
{
	return place_of(written, " " WRITTEN);
}

enum err part10_write(const struct part10 *m, struct buf *out)
{
	uint8_t *preamble = buf_extend(out, PREAMBLE);
	if (preamble)
		memset(preamble, 0, PREAMBLE);
	buf_add(out, "DICM\2\0\0\0UL\4\0", 12);
	buf_add_le32(out, 0);
	size_t counted_from = out->len;
	buf_add(out, "\2\0\1\0OB\0\0\2\0\0\0\0\1", 14);
	add_element(out, 0x0002, "UI", m->sop_class.s);
	add_element(out, 0x0003, "UI", m->sop_instance.s);
	add_element(out, 0x0010, "UI", m->transfer_syntax.s);
	add_element(out, 0x0012, "UI", IMPLEMENTATION_CLASS_UID);
	add_element(out, 0x0013, "SH", IMPLEMENTATION_VERSION);
	if (m->source_aet[0])
		add_element(out, 0x0016, "AE", m->source_aet);
	if (m->origin.received_ms)
		add_origin(out, &m->origin);
	if (!buf_err(out))
		put_le32(out->p + counted_from - 4, (uint32_t)(out->len - counted_from));
	return buf_err(out);
}

static bool is_plausible(uint32_t tag)
{
	if (TAG_GROUP(tag) == 0)     /* no data set has commands in it, but many files begin with zeros */
		return false;
	return dict_find(tag) || (TAG_ELEMENT(tag) == 0 && TAG_GROUP(tag) <= 0x0020 && TAG_GROUP(tag) % 2 == 0);
}

bool part10_guess(struct bytes head, bool *is_explicit, bool *is_big_endian)
{
	if (head.len < 8)
		return false;
	const uint8_t *p = head.p;
	bool little = is_plausible(TAG(le16(p), le16(p + 2))), big = is_plausible(TAG(be16(p), be16(p + 2)));

	*is_explicit = vr_is_known(VR(p[4], p[5]));
	*is_big_endian = *is_explicit && !little && big;
	if (*is_explicit)
		return little || big;
	/* No first element of a header is 16 MB long. */
	return little && (p[7] == 0 || le32(p + 4) == LENGTH_UNDEFINED);
}

const struct ts *part10_true_syntax(const struct ts *announced, struct bytes head)
{
	bool is_explicit, is_big;
	if (announced->is_deflated || !part10_guess(head, &is_explicit, &is_big))
		return announced;
	if (is_explicit == announced->is_explicit && is_big == announced->is_big_endian)
		return announced;
	if (announced->is_encapsulated && is_explicit && !is_big)
		return announced;
	return ts_find(is_big ? TS_EXPLICIT_BE : is_explicit ? TS_EXPLICIT_LE : TS_IMPLICIT_LE);
}

static void take_aet(char out[BOUND_AET + 1], struct bytes v)
{
	size_t n = 0;
	while (v.len && *v.p == ' ') {
		v.p++;
		v.len--;
	}
	while (n < v.len && n < BOUND_AET && v.p[n] >= ' ' && v.p[n] < 127) {
		out[n] = (char)v.p[n];
		n++;
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* A value behind `key`, up to a blank; "-" and what is too long are not known. */
static void take_word(struct bytes v, const char *key, char *out, size_t cap)
{
	const uint8_t *at = memmem(v.p, v.len, key, strlen(key));
	size_t n = 0;
	out[0] = '\0';
	if (!at)
		return;
	at += strlen(key);
	while (n < (size_t)(v.p + v.len - at) && at[n] > ' ' && at[n] < 127)
		n++;
	if (n >= cap || (n && at[0] == '-'))
		return;
	memcpy(out, at, n);
	out[n] = '\0';
}

static void take_origin(struct part10_origin *o, struct bytes v)
{
	char when[24];
	take_word(v, "r=", when, sizeof(when));
	o->received_ms = strspn(when, "0123456789") == strlen(when) ? strtoll(when, NULL, 10) : 0;
	take_word(v, " a=", o->address, sizeof(o->address));
	take_word(v, " d=", o->received_digest, sizeof(o->received_digest));
	take_word(v, " " PIXELS, o->pixel_digest, sizeof(o->pixel_digest));
	o->has_written = place_of(v, " " WRITTEN) != 0;
	take_word(v, " " WRITTEN, o->written_digest, sizeof(o->written_digest));
}

/* A UID that is too long is left empty: the data set has its own, and the syntax can be guessed. */
static void take_element(struct part10 *out, uint32_t tag, struct bytes v, bool *is_ours)
{
	struct uid *uid = tag == TAG(2, 0x02) ? &out->sop_class : tag == TAG(2, 0x03) ? &out->sop_instance
		: tag == TAG(2, 0x10) ? &out->transfer_syntax : NULL;
	if (uid && uid_take(uid, v))
		uid->s[0] = '\0';
	if (tag == TAG(2, 0x16))
		take_aet(out->source_aet, v);
	if (tag == TAG(2, 0x0100))
		*is_ours = v.len >= sizeof(ORIGIN_CREATOR) - 1 && !memcmp(v.p, ORIGIN_CREATOR, sizeof(ORIGIN_CREATOR) - 1);
	if (tag == TAG(2, 0x0102) && *is_ours)
		take_origin(&out->origin, v);
}

/* Reads on while the group is 0002, whatever its length element says; that one only tells that
 * nothing more of the group comes when the bytes at hand end there too. */
static enum err read_meta(struct bytes head, size_t at, struct part10 *out, struct why *why)
{
	uint64_t announced_end = 0;
	bool is_ours = false;            /* the private information */
	for (;;) {
		struct head h;
		size_t left = head.len - at;
		if (left == 0 && announced_end == at && at)
			break;
		if (left >= 2 && le16(head.p + at) != 0x0002)
			break;
		if (head_read(head.p + at, left, DS_EXPLICIT_LE, &h))
			return ERR_MORE;
		if (h.len > META_VALUE_MAX)
			return fail(why, ERR_FORMAT, "file meta element %08x of %u bytes, limit %d", h.tag, h.len, META_VALUE_MAX);
		if (h.len > left - h.size)
			return ERR_MORE;
		struct bytes v = bytes_of(head.p + at + h.size, h.len);
		at += h.size + h.len;
		if (h.tag == TAG(2, 0) && v.len == 4)
			announced_end = (uint64_t)at + le32(v.p);
		take_element(out, h.tag, v, &is_ours);
	}
	out->dataset_at = at;
	return ERR_OK;
}

static enum err guess_syntax(struct bytes rest, struct part10 *out, struct why *why)
{
	bool is_explicit, is_big;
	if (rest.len < 8)
		return ERR_MORE;
	if (!part10_guess(rest, &is_explicit, &is_big))
		return fail(why, ERR_FORMAT, "not DICOM: no element at offset %zu", out->dataset_at);
	const char *uid = !is_explicit ? TS_IMPLICIT_LE : is_big ? TS_EXPLICIT_BE : TS_EXPLICIT_LE;
	return uid_take(&out->transfer_syntax, bytes_str(uid));
}

enum err part10_read(struct bytes head, struct part10 *out, struct why *why)
{
	*out = (struct part10){ .dataset_at = 0 };
	if (head.len < PREAMBLE + MAGIC)
		return ERR_MORE;
	size_t at = 0;
	if (!memcmp(head.p + PREAMBLE, "DICM", MAGIC))
		at = PREAMBLE + MAGIC;
	else if (!memcmp(head.p, "DICM", MAGIC))
		at = MAGIC;
	enum err e = read_meta(head, at, out, why);
	if (e)
		return e;
	if (out->transfer_syntax.s[0])
		return ERR_OK;
	return guess_syntax(bytes_of(head.p + out->dataset_at, head.len - out->dataset_at), out, why);
}

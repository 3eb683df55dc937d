#include "pacs/dicom/utf8.h"

#include "pacs/dicom/charset.h"

static bool is_tail(uint8_t b)
{
	return (b & 0xC0) == 0x80;
}

uint32_t utf8_peek(struct bytes t, size_t *len)
{
	const uint8_t *p = t.p;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
	if (n == 0 || n > t.len)
		return 0;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (!is_tail(p[i]))
			return 0;
		c = c << 6 | (p[i] & 0x3F);
	}
	if ((n == 3 && (c < 0x800 || (c >= 0xD800 && c < 0xE000))) || (n == 4 && (c < 0x10000 || c > 0x10FFFF)))
		return 0;
	*len = n;
	return c;
}

uint32_t utf8_take(struct bytes *t)
{
	size_t len = 1;
	uint32_t c = utf8_peek(*t, &len);
	if (!c && t->p[0])
		c = 0xDC00u + t->p[0];
	t->p += len;
	t->len -= len;
	return c;
}

void utf8_add(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_byte(out, (uint8_t)c);
		return;
	}
	unsigned tails = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	buf_add_byte(out, (uint8_t)((0xFF00u >> (tails + 1) & 0xFF) | c >> 6 * tails));
	while (tails--)
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 * tails & 0x3F)));
}

uint32_t utf8_fold(uint32_t c)
{
	if (c == 0x3000)
		return ' ';
	if (c >= 0xFF01 && c <= 0xFF5E)
		c -= 0xFF01 - '!';
	if (c >= 'A' && c <= 'Z')
		return c + 0x20;
	if (c < 0xC0)
		return c;
	if ((c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40F)
		return c + 0x50;
	/* Latin Extended-A comes in pairs, but for where the parity turns. */
	if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
		return c + (c & 1);
	return c;
}

bool utf8_is_valid(struct bytes b)
{
	while (b.len) {
		size_t len = 1;
		if (!utf8_peek(b, &len) && b.p[0])
			return false;
		b.p += len;
		b.len -= len;
	}
	return true;
}

bool text_is_ascii(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] >= 0x80 || b.p[i] == 0x1B)
			return false;
	return true;
}

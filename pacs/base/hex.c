#include "pacs/base/hex.h"

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err hex_read(const char *hex, struct buf *out)
{
	for (; hex[0]; hex += 2) {
		int hi = digit(hex[0]), lo = hi < 0 ? -1 : digit(hex[1]);
		if (lo < 0)
			return ERR_FORMAT;
		buf_add_byte(out, (uint8_t)(hi << 4 | lo));
	}
	return buf_err(out);
}

void hex_write(struct bytes raw, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *p = buf_extend(out, 2 * raw.len);
	for (size_t i = 0; p && i < raw.len; i++) {
		p[2 * i] = (uint8_t)digits[raw.p[i] >> 4];
		p[2 * i + 1] = (uint8_t)digits[raw.p[i] & 15];
	}
}

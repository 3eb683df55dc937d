#include "viewer-cli/keys.h"

#include "pacs/base/err.h"

static const struct { const char *sequence; unsigned key; } sequences[] = {
	{ "A", KEY_UP },     { "B", KEY_DOWN },    { "C", KEY_RIGHT },   { "D", KEY_LEFT },      { "H", KEY_HOME }, { "F", KEY_END },
	{ "1~", KEY_HOME },  { "7~", KEY_HOME },   { "4~", KEY_END },    { "8~", KEY_END },      { "5~", KEY_PAGE_UP }, { "6~", KEY_PAGE_DOWN },
};

/* ESC [ parameters final, or ESC O final; the final byte is a letter or ~. */
static size_t escape(struct bytes b, bool is_all, unsigned *key)
{
	size_t at = 2;
	*key = KEY_ESCAPE;
	if (b.len == 1)
		return is_all ? 1 : 0;
	if (b.p[1] != '[' && b.p[1] != 'O')
		return 1;
	while (at < b.len && b.p[at] < 0x40)
		at++;
	if (at == b.len)
		return is_all ? b.len : 0;
	*key = KEY_UNKNOWN;
	for (size_t i = 0; i < NELEM(sequences); i++)
		if (strlen(sequences[i].sequence) == at - 1 && !memcmp(sequences[i].sequence, b.p + 2, at - 1))
			*key = sequences[i].key;
	return at + 1;
}

static size_t letter(struct bytes b, bool is_all, unsigned *key)
{
	unsigned n = b.p[0] < 0x80 ? 1 : b.p[0] >= 0xf0 ? 4 : b.p[0] >= 0xe0 ? 3 : b.p[0] >= 0xc0 ? 2 : 0;
	if (n == 0 || n > b.len) {
		*key = KEY_UNKNOWN;
		return n && !is_all ? 0 : 1;
	}
	unsigned v = n == 1 ? b.p[0] : b.p[0] & (0x7f >> n);
	for (unsigned i = 1; i < n; i++)
		v = v << 6 | (b.p[i] & 0x3f);
	*key = v == '\n' ? KEY_ENTER : v == 8 ? KEY_BACKSPACE : v;
	return n;
}

size_t keys_next(struct bytes b, bool is_all, unsigned *key)
{
	*key = KEY_UNKNOWN;
	if (b.len == 0)
		return 0;
	return b.p[0] == 27 ? escape(b, is_all, key) : letter(b, is_all, key);
}

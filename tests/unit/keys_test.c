/* What a terminal sends, as keys; cut anywhere. */
#include "viewer-cli/keys.h"

#include "tests/lib/t.h"

static const struct { const char *says; struct bytes in; unsigned key; size_t len; } cases[] = {
	{ "a letter", BYTES("q"), 'q', 1 },
	{ "Chinese", BYTES("\345\274\240"), 0x5f20, 3 },
	{ "an arrow", BYTES("\033[A"), KEY_UP, 3 },
	{ "an arrow in application mode", BYTES("\033OB"), KEY_DOWN, 3 },
	{ "page down", BYTES("\033[6~"), KEY_PAGE_DOWN, 4 },
	{ "home, as rxvt sends it", BYTES("\033[7~"), KEY_HOME, 4 },
	{ "a sequence that means nothing here", BYTES("\033[1;5C"), KEY_UNKNOWN, 6 },
	{ "a sequence of its own length, not of a shorter one", BYTES("\033[15~"), KEY_UNKNOWN, 5 },
	{ "Alt and a letter: Escape, then the letter", BYTES("\033x"), KEY_ESCAPE, 1 },
	{ "line feed is Enter", BYTES("\n"), KEY_ENTER, 1 },
	{ "Ctrl-C", BYTES("\3"), KEY_CTRL_C, 1 },
	{ "a stray continuation byte", BYTES("\240"), KEY_UNKNOWN, 1 },
};

TEST(each, "each is its key, of its length, whatever follows")
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		unsigned key;
		uint8_t more[16] = { 0 };
		memcpy(more, cases[i].in.p, cases[i].in.len);
		more[cases[i].in.len] = 'z';
		size_t n = keys_next(bytes_of(more, cases[i].in.len + 1), false, &key);
		if (n != cases[i].len || key != cases[i].key)
			T_FAIL("%s: key %x of %zu bytes, wanted %x of %zu", cases[i].says, key, n, cases[i].key, cases[i].len);
	}
}

TEST(cut, "one that is cut waits for the rest; when nothing comes it is what it is")
{
	static const struct bytes cut[] = { BYTES("\033"), BYTES("\033["), BYTES("\033[6"), BYTES("\345\274") };
	static const unsigned alone[] = { KEY_ESCAPE, KEY_ESCAPE, KEY_ESCAPE, KEY_UNKNOWN };
	for (size_t i = 0; i < NELEM(cut); i++) {
		unsigned key;
		CHECK_INT(keys_next(cut[i], false, &key), 0);
		CHECK(keys_next(cut[i], true, &key) > 0);
		CHECK_INT(key, alone[i]);
	}
	unsigned key;
	CHECK_INT(keys_next((struct bytes){ 0 }, true, &key), 0);
}

int main(void)
{
	RUN(each);
	RUN(cut);
	return t_done();
}

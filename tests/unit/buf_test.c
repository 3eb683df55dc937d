#include "pacs/base/buf.h"

#include <string.h>

#include "tests/lib/t.h"

TEST(grow, "what is added stands there in order, with a NUL behind it")
{
	struct buf b;
	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i < 1000; i++)
		buf_add_le16(&b, (uint16_t)i);
	CHECK_INT(b.len, 2000);
	for (unsigned i = 0; i < 1000; i++)
		CHECK_INT(le16(b.p + 2 * i), i);
	buf_reset(&b);
	buf_add_str(&b, "abc");
	CHECK_STR(buf_cstr(&b), "abc");
	buf_fini(&b);
}

TEST(ceiling, "the byte over the ceiling is an error that stays until the next reset")
{
	struct buf b;
	buf_init(&b, 10);
	buf_add(&b, "0123456789", 10);
	CHECK_INT(buf_err(&b), ERR_OK);
	buf_add_byte(&b, 'x');
	CHECK_INT(buf_err(&b), ERR_LIMIT);
	CHECK(buf_extend(&b, 0) == NULL);
	CHECK_STR(buf_cstr(&b), "");
	buf_reset(&b);
	buf_add_byte(&b, 'x');
	CHECK_INT(buf_err(&b), ERR_OK);
	buf_fini(&b);
}

TEST(reserve, "memory that was reserved is filled without moving, and not more of it is taken than was asked for")
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_add_byte(&b, 'a');
	buf_reserve(&b, 99999);
	const uint8_t *at = b.p;
	CHECK_INT(b.len, 1);
	CHECK_INT(b.cap, 100001);
	memset(buf_extend(&b, 99999), 'b', 99999);
	CHECK(b.p == at && b.p[0] == 'a');
	buf_reserve(&b, 1 << 20);
	CHECK_INT(buf_err(&b), ERR_LIMIT);
	buf_fini(&b);
}

int main(void)
{
	RUN(grow);
	RUN(ceiling);
	RUN(reserve);
	return t_done();
}

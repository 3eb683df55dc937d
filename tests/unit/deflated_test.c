#include <stdlib.h>
#include <zlib.h>

#include "pacs/send/deflated.h"
#include "tests/lib/t.h"

static struct why why;

static uint8_t *made(size_t n)
{
	uint8_t *p = malloc(n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 2654435761u >> 13);
	return p;
}

TEST(round, "what is packed in two pieces is unpacked as one, and its length is even")
{
	static const size_t sizes[][2] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 7, 100 }, { 300, 262144 }, { 262144, 262145 }, { 5, 1000000 } };
	for (size_t i = 0; i < NELEM(sizes); i++) {
		size_t n = sizes[i][0] + sizes[i][1];
		uint8_t *p = made(n);
		struct buf packed, plain;
		buf_init(&packed, 4 << 20);
		buf_init(&plain, 4 << 20);
		CHECK_OK(deflated_pack(bytes_of(p, sizes[i][0]), bytes_of(p + sizes[i][0], sizes[i][1]), &packed, &why), why);
		CHECK_INT(packed.len % 2, 0);
		CHECK_OK(deflated_unpack(buf_view(&packed), &plain, &why), why);
		CHECK_INT(plain.len, n);
		CHECK(!n || !memcmp(plain.p, p, n));
		buf_fini(&packed);
		buf_fini(&plain);
		free(p);
	}
}

TEST(broken, "a stream that is cut, none, or too much is refused, and one with zlib's head is read")
{
	uint8_t *p = made(100000);
	struct buf packed, plain;
	buf_init(&packed, 1 << 20);
	buf_init(&plain, 1 << 20);
	CHECK_OK(deflated_pack(bytes_of(p, 100000), bytes_of(p, 0), &packed, &why), why);
	for (size_t n = 0; n + 16 < packed.len; n += 997) {
		CHECK_INT(deflated_unpack(bytes_of(packed.p, n), &plain, &why), ERR_FORMAT);
		buf_reset(&plain);
	}
	CHECK_INT(deflated_unpack(BYTES("\377\377 no stream"), &plain, &why), ERR_FORMAT);
	struct buf small;
	buf_init(&small, 50000);
	CHECK_INT(deflated_unpack(buf_view(&packed), &small, &why), ERR_LIMIT);
	buf_fini(&small);
	uLongf len = compressBound(100000);
	uint8_t *zlib = malloc(len);
	CHECK_INT(compress(zlib, &len, p, 100000), Z_OK);
	buf_reset(&plain);
	CHECK_OK(deflated_unpack(bytes_of(zlib, len), &plain, &why), why);
	CHECK_INT(plain.len, 100000);
	buf_fini(&packed);
	buf_fini(&plain);
	free(zlib);
	free(p);
}

int main(void)
{
	RUN(round);
	RUN(broken);
	return t_done();
}

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/store/digest.h"
#include "pacs/store/object.h"
#include "tests/lib/t.h"

static char dir[] = "/tmp/object_test.XXXXXX";

TEST(paths, "a file stands where the bits of its number say")
{
	static const struct { uint64_t oid; const char *path, *bucket; } cases[] = {
		{ 0x1, "/d/store/0000/000/000000000001.dcm", "/d/store/0000/000" },
		{ 0xfff, "/d/store/0000/000/000000000fff.dcm", "/d/store/0000/000" },
		{ 0x1000, "/d/store/0000/001/000000001000.dcm", "/d/store/0000/001" },
		{ 0x1234567, "/d/store/0001/234/000001234567.dcm", "/d/store/0001/234" },
		{ 0xabcdef012345, "/d/store/cdef/012/abcdef012345.dcm", "/d/store/cdef/012" },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		CHECK_STR(object_path("/d", cases[i].oid).s, cases[i].path);
		CHECK_STR(object_bucket("/d", cases[i].oid).s, cases[i].bucket);
	}
	char long_dir[PATH_MAX];
	memset(long_dir, 'x', sizeof(long_dir) - 1);
	long_dir[sizeof(long_dir) - 1] = '\0';
	CHECK_STR(object_path(long_dir, 1).s, "");
}

TEST(digests, "the digest of a file is that of its bytes from dataset_at on")
{
	struct why why = { "" };
	static uint8_t data[700000];     /* more than two pieces */
	char got[33], want[33];
	uint64_t size;
	int fd;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 251);
	CHECK_OK(durable_mkdirs(object_bucket(dir, 5).s, &why), why);
	CHECK_INT(object_open(dir, 5, &fd, &size, &why), ERR_NOT_FOUND);
	CHECK_OK(durable_replace(object_path(dir, 5).s, data, sizeof(data), 0644, &why), why);
	CHECK_OK(object_open(dir, 5, &fd, &size, &why), why);
	CHECK_INT(size, sizeof(data));
	for (size_t at = 0; at <= sizeof(data); at += 350000) {
		struct digest *d = digest_new();
		for (size_t n = at; n < sizeof(data); n += 1000)        /* how it is cut does not matter */
			digest_add(d, bytes_of(data + n, 1000));
		digest_hex(d, want);
		digest_free(&d);
		CHECK_OK(object_digest(fd, at, got, &why), why);
		CHECK_STR(got, want);
	}
	CHECK_OK(object_digest(fd, sizeof(data), got, &why), why);
	CHECK_STR(got, "99aa06d3014798d86001c324468d497f");      /* XXH3-128 of nothing */
	close(fd);
}

int main(void)
{
	CHECK(mkdtemp(dir));
	RUN(paths);
	RUN(digests);
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	return t_done();
}

/* Transcoding when the codec lies and when each write fails in turn: nobody hears ok. */
#include <sys/mman.h>
#include <unistd.h>

#include "pacs/base/fault.h"
#include "pacs/xcode/transcode.h"
#include "tests/lib/t.h"

#define US(element, value) "\x28\0" element "US\2\0" value
/* Explicit LE without a meta header: three frames of 2 x 2 bytes. */
#define OBJECT "\x08\0\x16\0UI\4\0" "1.2\0" "\x08\0\x18\0UI\4\0" "1.3\0" US("\2\0", "\1\0") "\x28\0\x04\0CS\x0c\0MONOCHROME2 " \
	"\x28\0\x08\0IS\2\0" "3 " US("\x10\0", "\2\0") US("\x11\0", "\2\0") US("\0\1", "\x08\0") US("\1\1", "\x08\0") US("\2\1", "\7\0") US("\3\1", "\0\0") \
	"\xE0\x7F\x10\0OB\0\0\x0c\0\0\0" "abcdefghijkl"

static enum err run(struct xcode_result *r)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	enum err e = transcode(BYTES(OBJECT), fd, ts_find(TS_J2K_LOSSLESS), r);
	close(fd);
	return e;
}

TEST(good, "without a fault the object is compressed")
{
	struct xcode_result r;
	CHECK_OK(run(&r), r.why);
	CHECK_INT(r.pixel_bytes_in, 12);
}

TEST(lie, "other samples than were given are noticed in each frame")
{
	for (long n = 1; n <= 3; n++) {
		struct xcode_result r;
		char want[80];
		fault_plan(FAULT_CODEC, n, false);
		CHECK_INT(run(&r), ERR_MISMATCH);
		snprintf(want, sizeof(want), "frame %ld decodes to other samples than were encoded", n);
		CHECK_STR(r.why.text, want);
		CHECK_STR(r.digest, "");
	}
	fault_plan(FAULT_CODEC, 0, false);
}

static void fail_each(enum fault_op op, const char *name)
{
	struct xcode_result r;
	fault_plan(op, 0, false);
	CHECK_OK(run(&r), r.why);
	long calls = fault_calls(op);
	CHECK(calls > 0);
	for (long n = 1; n <= calls; n++) {
		fault_plan(op, n, false);
		if (run(&r) == ERR_OK || !r.why.text[0])
			T_FAIL("%s %ld of %ld failed: %s \"%s\"", name, n, calls, err_name(r.err), r.why.text);
	}
	fault_plan(op, 0, false);
}

TEST(writes, "each failing write and each failing allocation is told, with words")
{
	fail_each(FAULT_WRITE, "write");
	fail_each(FAULT_ALLOC, "allocation");
}

int main(void)
{
	RUN(good);
	RUN(lie);
	RUN(writes);
	return t_done();
}

/* Whole objects through the worker program: to JPEG 2000 and back, between encodings, and what it refuses. */
#include "pacs/dicom/dataset.h"
#include "pacs/dicom/part10.h"
#include "pacs/store/digest.h"
#include "pacs/xcode/image_file.h"
#include "tests/lib/xcode_run.h"

static const struct xcode_limits limits = { .workers = 2, .memory_bytes = 512 << 20, .timeout_s = 30 };
static const char *worker;

/* A private sequence of undefined lengths, written as some vendors do: to be kept bit for bit. Explicit LE. */
#define ODD_SEQUENCE "\x09\0\x10\0LO\4\0TEST" "\x09\0\x01\x10SQ\0\0\377\377\377\377" "\xFE\xFF\x00\xE0\377\377\377\377" \
	"\x08\0\x60\0CS\2\0US" "\xFE\xFF\x0D\xE0\0\0\0\0" "\xFE\xFF\xDD\xE0\0\0\0\0"
/* Behind pixel data. */
#define TRAILING "\xFC\xFF\xFC\xFFOB\0\0\6\0\0\0padpad"

struct shape { unsigned columns, rows, frames, samples, allocated, stored; bool is_signed, is_planar; };

static struct buf object;

static void add_number(struct dataset *ds, uint16_t element, unsigned v)
{
	CHECK_INT(dataset_put_us(ds, TAG(0x0028, element), (uint16_t)v), ERR_OK);
}

static void describe(struct dataset *ds, const struct shape *s)
{
	char frames[16];
	snprintf(frames, sizeof(frames), "%u", s->frames);
	CHECK_INT(dataset_put_str(ds, TAG(0x0028, 0x0004), s->samples == 3 ? "RGB" : "MONOCHROME2"), ERR_OK);
	if (s->frames > 1)
		CHECK_INT(dataset_put_str(ds, TAG(0x0028, 0x0008), frames), ERR_OK);
	add_number(ds, 0x0002, s->samples);
	if (s->samples > 1)
		add_number(ds, 0x0006, s->is_planar);
	add_number(ds, 0x0010, s->rows);
	add_number(ds, 0x0011, s->columns);
	add_number(ds, 0x0100, s->allocated);
	add_number(ds, 0x0101, s->stored);
	add_number(ds, 0x0102, s->stored - 1);
	add_number(ds, 0x0103, s->is_signed);
}

static void add_header(struct buf *b, const struct shape *s, enum ds_encoding enc)
{
	struct arena a;
	arena_init(&a, 1 << 20);
	struct dataset *before = dataset_new(&a), *after = dataset_new(&a);
	CHECK_INT(dataset_put_str(before, TAG_SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.7"), ERR_OK);
	CHECK_INT(dataset_put_str(before, TAG_SOP_INSTANCE_UID, "1.2.3.4"), ERR_OK);
	CHECK_INT(dataset_write(before, enc, b), ERR_OK);
	if (enc == DS_EXPLICIT_LE)
		buf_add(b, ODD_SEQUENCE, sizeof(ODD_SEQUENCE) - 1);
	if (s)
		describe(after, s);
	CHECK_INT(dataset_write(after, enc, b), ERR_OK);
	arena_fini(&a);
}

static void add_pixels(struct buf *b, const struct shape *s, enum ds_encoding enc)
{
	size_t count = (size_t)s->columns * s->rows * s->samples * s->frames, len = count * s->allocated / 8;
	uint8_t head[12] = { 0xe0, 0x7f, 0x10, 0, 'O', s->allocated == 8 ? 'B' : 'W' };
	uint32_t seed = 12345;
	if (enc == DS_EXPLICIT_BE) {
		put_be32(head, TAG_PIXEL_DATA);
		put_be32(head + 8, (uint32_t)(len + (len & 1)));
	} else {
		put_le32(enc == DS_EXPLICIT_LE ? head + 8 : head + 4, (uint32_t)(len + (len & 1)));
	}
	buf_add(b, head, enc == DS_IMPLICIT_LE ? 8 : 12);
	for (size_t i = 0; i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		uint32_t v = (seed >> 24) * (uint32_t)(i % 17) & ((1u << s->stored) - 1);
		if (s->is_signed && v >> (s->stored - 1))
			v |= UINT32_MAX << s->stored;
		if (s->allocated == 8)
			buf_add_byte(b, (uint8_t)v);
		else if (enc == DS_EXPLICIT_BE)
			buf_add_be16(b, (uint16_t)v);
		else
			buf_add_le16(b, (uint16_t)v);
	}
	if (len & 1)
		buf_add_byte(b, 0);
}

static struct part10_origin origin;      /* of what make_object() makes */

/* s NULL: an object without pixels. Lent until the next call. */
static struct bytes make_object(const char *ts, const struct shape *s)
{
	struct part10 meta = { .source_aet = "TEST", .origin = origin };
	enum ds_encoding enc = ds_encoding_of(ts_find(ts));
	buf_reset(&object);
	CHECK_INT(uid_take(&meta.sop_class, bytes_str("1.2.840.10008.5.1.4.1.1.7")), ERR_OK);
	CHECK_INT(uid_take(&meta.sop_instance, bytes_str("1.2.3.4")), ERR_OK);
	CHECK_INT(uid_take(&meta.transfer_syntax, bytes_str(ts)), ERR_OK);
	CHECK_INT(part10_write(&meta, &object), ERR_OK);
	add_header(&object, s, enc);
	if (s) {
		add_pixels(&object, s, enc);
		if (enc == DS_EXPLICIT_LE)
			buf_add(&object, TRAILING, sizeof(TRAILING) - 1);
	}
	CHECK_INT(buf_err(&object), ERR_OK);
	return buf_view(&object);
}

static struct xcode_result convert(struct bytes in, const char *to, struct bytes *out)
{
	struct xcode_job j = { .in = in, .to = to };
	xcode_run(worker, limits, &j, 1, false);
	CHECK_INT(j.answers, 1);
	*out = xcode_job_output(&j);
	close(j.out_fd);
	return j.result;
}

static struct bytes dataset_of(struct bytes file)
{
	struct part10 meta;
	struct why why;
	CHECK_OK(part10_read(file, &meta, &why), why);
	return bytes_of(file.p + meta.dataset_at, file.len - meta.dataset_at);
}

static const struct { const char *says; struct shape s; } shapes[] = {
	{ "grey of 12 bits", { 40, 30, 1, 1, 16, 12, false, false } },
	{ "signed 16 bits", { 40, 30, 1, 1, 16, 16, true, false } },
	{ "odd size, 8 bits, 3 frames", { 5, 7, 3, 1, 8, 8, false, false } },
	{ "colour", { 33, 21, 2, 3, 8, 8, false, false } },
};

TEST(round, "to JPEG 2000 and back gives the very same data set, odd sequences and trailing elements too")
{
	for (size_t i = 0; i < NELEM(shapes); i++) {
		struct bytes in = make_object(TS_EXPLICIT_LE, &shapes[i].s), coded, back;
		struct xcode_result r = convert(in, TS_J2K_LOSSLESS, &coded), b;
		CHECK_OK(r.err, r.why);
		CHECK_INT(r.size, coded.len);
		b = convert(coded, TS_EXPLICIT_LE, &back);
		CHECK_OK(b.err, b.why);
		CHECK_STR(b.pixel_digest, r.pixel_digest);
		if (!bytes_equal(dataset_of(back), dataset_of(in)))
			T_FAIL("%s: %zu bytes came back other than %zu went in", shapes[i].says, back.len, in.len);
	}
}

TEST(rotten, "an original whose bytes are no longer what its own head says is not compressed")
{
	struct bytes in, coded;
	char hex[33];
	origin = (struct part10_origin){ .received_ms = 1764080000123, .has_written = true };
	in = make_object(TS_EXPLICIT_LE, &shapes[0].s);
	struct digest *d = digest_new();
	digest_add(d, dataset_of(in));
	digest_hex(d, hex);
	digest_free(&d);
	memcpy(object.p + part10_written_digest_at(in), hex, 32);
	struct xcode_result r = convert(in, TS_J2K_LOSSLESS, &coded);
	CHECK_OK(r.err, r.why);
	object.p[object.len - 100] ^= 1;
	r = convert(in, TS_J2K_LOSSLESS, &coded);
	CHECK_INT(r.err, ERR_MISMATCH);
	memset(object.p + part10_written_digest_at(in), '-', 32);        /* a file that was never finished */
	r = convert(in, TS_J2K_LOSSLESS, &coded);
	CHECK_INT(r.err, ERR_MISMATCH);
	origin = (struct part10_origin){ .received_ms = 0 };
}

TEST(header, "compressed colour says YBR_RCT and by pixel, with a filled offset table")
{
	const struct shape s = { 16, 9, 3, 3, 8, 8, false, true };
	struct bytes coded;
	struct image_file f;
	struct why why = { "" };
	struct xcode_result r = convert(make_object(TS_EXPLICIT_LE, &s), TS_J2K_LOSSLESS, &coded);
	CHECK_OK(r.err, r.why);
	CHECK_OK(image_file_init(&f, coded, &why), why);
	CHECK_OK(image_file_index(&f, &why), why);
	CHECK_STR(f.desc.photometric, "YBR_RCT");
	CHECK_INT(f.desc.planar, 0);
	CHECK_INT(le32(f.pixels.value.p + 4), 4 * 3);
	CHECK_INT(le32(f.pixels.value.p + 8), 0);
	uint32_t second = le32(f.pixels.value.p + 12);
	CHECK_INT(le32(f.pixels.value.p + 8 + 12 + second), TAG(0xE000, 0xFFFE));
	CHECK(memmem(coded.p, coded.len, ODD_SEQUENCE, sizeof(ODD_SEQUENCE) - 1) != NULL);
	CHECK(coded.len > sizeof(TRAILING) && !memcmp(coded.p + coded.len - (sizeof(TRAILING) - 1), TRAILING, sizeof(TRAILING) - 1));
	image_file_fini(&f);
}

static const char *const natives[] = { TS_IMPLICIT_LE, TS_EXPLICIT_LE, TS_EXPLICIT_BE };

TEST(encodings, "implicit, explicit and big endian carry the same samples to every target")
{
	const struct shape s = { 31, 17, 2, 1, 16, 12, false, false };
	char digest[33] = "";
	for (size_t from = 0; from < NELEM(natives); from++)
		for (size_t to = 0; to < 3; to++) {
			static const char *const targets[] = { TS_IMPLICIT_LE, TS_EXPLICIT_LE, TS_J2K_LOSSLESS };
			struct bytes out;
			struct xcode_result r = convert(make_object(natives[from], &s), targets[to], &out);
			if (!strcmp(natives[from], targets[to])) {
				CHECK_INT(r.err, ERR_UNSUPPORTED);
				continue;
			}
			CHECK_OK(r.err, r.why);
			if (!*digest)
				memcpy(digest, r.pixel_digest, sizeof(digest));
			CHECK_STR(r.pixel_digest, digest);
		}
}

TEST(refused, "what cannot or need not be changed is refused with the reason, and the next job works")
{
	const struct shape good = { 8, 8, 1, 1, 8, 8, false, false };
	struct bytes coded, out;
	struct xcode_result r = convert(make_object(TS_EXPLICIT_LE, NULL), TS_J2K_LOSSLESS, &out);
	CHECK_INT(r.err, ERR_UNSUPPORTED);
	CHECK_STR(r.why.text, "no pixel data");
	r = convert(make_object(TS_EXPLICIT_LE, &good), TS_J2K_LOSSLESS, &coded);
	CHECK_OK(r.err, r.why);
	r = convert(coded, TS_J2K_LOSSLESS, &out);
	CHECK_INT(r.err, ERR_UNSUPPORTED);
	r = convert(bytes_of(coded.p, coded.len - 60), TS_EXPLICIT_LE, &out);
	CHECK_INT(r.err, ERR_FORMAT);
	r = convert(BYTES("nothing like DICOM"), TS_EXPLICIT_LE, &out);
	CHECK_INT(r.err, ERR_FORMAT);
	r = convert(make_object(TS_EXPLICIT_LE, &good), "1.2.840.10008.1.2.4.100", &out);
	CHECK_INT(r.err, ERR_UNSUPPORTED);
	CHECK_STR(r.why.text, "no way to write MPEG2 Main Profile / Main Level");
	r = convert(make_object(TS_IMPLICIT_LE, NULL), TS_EXPLICIT_LE, &out);
	CHECK_OK(r.err, r.why);
	CHECK_STR(r.pixel_digest, "");
}

/* One worker for all: what one job leaves behind must not reach the next. */
TEST(hostile, "an object cut at any byte is answered by the same worker")
{
	enum { CUTS = 60 };
	const struct shape s = { 20, 10, 2, 3, 8, 8, false, false };
	struct xcode_limits one = limits;
	struct xcode_job jobs[CUTS + 1];
	struct bytes coded;
	struct xcode_result r = convert(make_object(TS_EXPLICIT_LE, &s), TS_J2K_LOSSLESS, &coded);
	CHECK_OK(r.err, r.why);
	one.workers = 1;
	for (unsigned i = 0; i <= CUTS; i++)
		jobs[i] = (struct xcode_job){ .in = bytes_of(coded.p, i == CUTS ? coded.len : 132 + i * (coded.len - 140) / CUTS), .to = TS_EXPLICIT_LE };
	xcode_run(worker, one, jobs, CUTS + 1, false);
	for (unsigned i = 0; i < CUTS; i++)
		if (jobs[i].result.err != ERR_FORMAT && jobs[i].result.err != ERR_UNSUPPORTED && !(jobs[i].result.err == ERR_OK && !jobs[i].result.pixel_bytes_out))
			T_FAIL("cut to %zu of %zu bytes: %s %s", jobs[i].in.len, coded.len, err_name(jobs[i].result.err), jobs[i].result.why.text);
	CHECK_OK(jobs[CUTS].result.err, jobs[CUTS].result.why);
	for (unsigned i = 0; i <= CUTS; i++)
		close(jobs[i].out_fd);
}

TEST(many, "more jobs than one worker process gets all come back, each once")
{
	enum { JOBS = 150 };
	const struct shape s = { 8, 8, 1, 1, 8, 8, false, false };
	struct xcode_job jobs[JOBS];
	struct bytes in = make_object(TS_EXPLICIT_LE, &s);
	for (unsigned i = 0; i < JOBS; i++)
		jobs[i] = (struct xcode_job){ .in = in, .to = TS_J2K_LOSSLESS };
	xcode_run(worker, limits, jobs, JOBS, false);
	for (unsigned i = 0; i < JOBS; i++) {
		CHECK_OK(jobs[i].result.err, jobs[i].result.why);
		CHECK_INT(jobs[i].answers, 1);
		close(jobs[i].out_fd);
	}
}

TEST(cancelled, "jobs that are open when the set is freed hear so, once")
{
	enum { JOBS = 20 };
	const struct shape s = { 600, 600, 1, 1, 16, 12, false, false };
	struct xcode_job jobs[JOBS];
	struct bytes in = make_object(TS_EXPLICIT_LE, &s);
	unsigned cancelled = 0;
	for (unsigned i = 0; i < JOBS; i++)
		jobs[i] = (struct xcode_job){ .in = in, .to = TS_J2K_LOSSLESS };
	xcode_run(worker, limits, jobs, JOBS, true);
	for (unsigned i = 0; i < JOBS; i++) {
		CHECK_INT(jobs[i].answers, 1);
		cancelled += jobs[i].result.err == ERR_CANCELLED;
		close(jobs[i].out_fd);
	}
	CHECK(cancelled > 0);
}

TEST(absent, "a worker program that is not there is an error with its path")
{
	const struct shape s = { 8, 8, 1, 1, 8, 8, false, false };
	struct xcode_job j = { .in = make_object(TS_EXPLICIT_LE, &s), .to = TS_J2K_LOSSLESS };
	xcode_run("/nonexistent/worker", limits, &j, 1, false);
	CHECK_INT(j.result.err, ERR_IO);
	CHECK_STR(j.result.why.text, "starting /nonexistent/worker: No such file or directory");
	close(j.out_fd);
}

int main(void)
{
	worker = xcode_run_worker("build/bin");
	buf_init(&object, 16 << 20);
	RUN(round);
	RUN(rotten);
	RUN(header);
	RUN(encodings);
	RUN(refused);
	RUN(hostile);
	RUN(many);
	RUN(cancelled);
	RUN(absent);
	buf_fini(&object);
	return t_done();
}

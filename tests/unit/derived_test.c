/* What a lossily compressed image says of its source: everything the standard wants of a derived object, behind what it said of
 * earlier steps; and nothing of it when every sample comes back. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pacs/xcode/transcode.h"
#include "tests/lib/t.h"

#define IMAGE_TYPE TAG(0x0008, 0x0008)
#define SERIES TAG(0x0008, 0x1115)
#define INSTANCES TAG(0x0008, 0x114A)
#define INSTANCE TAG(0x0008, 0x1155)
#define SOURCES TAG(0x0008, 0x2112)
#define FRAME_TYPE TAG(0x0008, 0x9007)
#define STEPS TAG(0x0008, 0x9124)
#define EVIDENCE TAG(0x0008, 0x9154)
#define CODES TAG(0x0008, 0x9215)
#define MR_FRAME TAG(0x0018, 0x9226)
#define SHARED TAG(0x5200, 0x9229)
#define FRAMES TAG(0x5200, 0x9230)
#define CR "1.2.840.10008.5.1.4.1.1.1"
#define OPHTHALMIC "1.2.840.10008.5.1.4.1.1.77.1.5.1"
#define ENHANCED_MR "1.2.840.10008.5.1.4.1.1.4.1"

enum { SIDE = 16 };

struct made {
	struct arena arena;
	struct dataset *ds;              /* to be filled before convert(), the converted one after it */
	const char *sop_class;
};

static void text(struct dataset *ds, uint32_t tag, const char *s)
{
	CHECK(ds && dataset_put_str(ds, tag, s) == ERR_OK);
}

static void number(struct dataset *ds, uint16_t element, uint16_t v)
{
	CHECK_INT(dataset_put_us(ds, TAG(0x0028, element), v), ERR_OK);
}

static struct dataset *make(struct made *m, const char *sop_class, const char *type)
{
	arena_init(&m->arena, 1 << 20);
	m->ds = dataset_new(&m->arena);
	m->sop_class = sop_class;
	text(m->ds, IMAGE_TYPE, type);
	text(m->ds, TAG_SOP_CLASS_UID, sop_class);
	text(m->ds, TAG_SOP_INSTANCE_UID, "1.2.3.4");
	text(m->ds, TAG_STUDY_UID, "1.2");
	text(m->ds, TAG_SERIES_UID, "1.2.3");
	text(m->ds, TAG(0x0028, 0x0004), "MONOCHROME2");
	number(m->ds, 0x0002, 1);
	number(m->ds, 0x0010, SIDE);
	number(m->ds, 0x0011, SIDE);
	number(m->ds, 0x0100, 8);
	number(m->ds, 0x0101, 8);
	number(m->ds, 0x0102, 7);
	number(m->ds, 0x0103, 0);
	return m->ds;
}

static void write_object(const struct made *m, struct buf *out)
{
	struct part10 meta = { .source_aet = "TEST" };
	static const uint8_t head[12] = { 0xe0, 0x7f, 0x10, 0, 'O', 'B', 0, 0, 0, SIDE * SIDE >> 8 };
	CHECK_INT(uid_take(&meta.sop_class, bytes_str(m->sop_class)), ERR_OK);
	CHECK_INT(uid_take(&meta.sop_instance, bytes_str("1.2.3.4")), ERR_OK);
	CHECK_INT(uid_take(&meta.transfer_syntax, bytes_str(TS_EXPLICIT_LE)), ERR_OK);
	CHECK_INT(part10_write(&meta, out), ERR_OK);
	CHECK_INT(dataset_write(m->ds, DS_EXPLICIT_LE, out), ERR_OK);
	put_le32(buf_extend(out, sizeof(head)) + 8, 0);
	memcpy(out->p + out->len - sizeof(head), head, 8);
	put_le32(out->p + out->len - 4, SIDE * SIDE);
	for (unsigned i = 0; i < SIDE * SIDE; i++)
		buf_add_byte(out, (uint8_t)(i % SIDE * 8 + i / SIDE * 4));
}

/* Converts it; m->ds is then the header of the result. */
static void convert(struct made *m, const char *uid, unsigned level)
{
	const struct transcode_how how = { .to = ts_find(uid), .level = level };
	struct buf in, out;
	struct xcode_result r;
	struct image_file f;
	struct why why = { "" };
	int fd = memfd_create("out", MFD_CLOEXEC);
	buf_init(&in, 1 << 22);
	buf_init(&out, 1 << 22);
	write_object(m, &in);
	CHECK_OK(transcode_as(buf_view(&in), fd, &how, &r), r.why);
	uint8_t *p = buf_extend(&out, (size_t)r.size);
	CHECK(p && pread(fd, p, (size_t)r.size, 0) == (ssize_t)r.size);
	CHECK_OK(image_file_init(&f, buf_view(&out), &why), why);
	CHECK_OK(dataset_parse(&m->arena, bytes_of(f.data.p, f.header_len), f.enc, &m->ds, &why), why);
	image_file_fini(&f);
	buf_fini(&in);
	buf_fini(&out);
	close(fd);
}

static const char *text_at(const struct dataset *ds, uint32_t tag)
{
	return ds ? dataset_str(ds, tag) : "no such item";
}

static void check_step(const struct dataset *ds, unsigned n)
{
	const struct dataset *source = dataset_item(ds, SOURCES, n);
	CHECK_STR(text_at(dataset_item(ds, CODES, n), TAG(0x0008, 0x0100)), "113040");
	CHECK_STR(text_at(source, INSTANCE), "1.2.3.4");
	CHECK_STR(text_at(source ? dataset_item(source, TAG(0x0040, 0xA170), 0) : NULL, TAG(0x0008, 0x0100)), "121320");
	CHECK(!dataset_item(ds, SOURCES, n + 1) && !dataset_item(ds, CODES, n + 1));
}

TEST(source, "the source is named, with its series, and a reversible form names none")
{
	struct made m;
	make(&m, CR, "ORIGINAL\\PRIMARY");
	convert(&m, TS_JPEG_BASELINE, 90);
	CHECK_STR(dataset_str(m.ds, IMAGE_TYPE), "DERIVED\\PRIMARY");
	check_step(m.ds, 0);
	CHECK(!dataset_has(m.ds, EVIDENCE));
	const struct dataset *series = dataset_item(m.ds, SERIES, 0);
	CHECK_STR(text_at(series, TAG_SERIES_UID), "1.2.3");
	CHECK_STR(text_at(series ? dataset_item(series, INSTANCES, 0) : NULL, INSTANCE), "1.2.3.4");
	CHECK_STR(text_at(series ? dataset_item(series, INSTANCES, 0) : NULL, TAG(0x0008, 0x1150)), CR);
	arena_fini(&m.arena);

	make(&m, CR, "ORIGINAL\\PRIMARY");
	convert(&m, TS_JPEGLS_LOSSLESS, 0);
	CHECK_STR(dataset_str(m.ds, IMAGE_TYPE), "ORIGINAL\\PRIMARY");
	CHECK(!dataset_has(m.ds, SOURCES) && !dataset_has(m.ds, SERIES) && !dataset_has(m.ds, CODES));
	arena_fini(&m.arena);
}

TEST(steps, "sources, steps and series that an image named already stay, before the new ones")
{
	struct made m;
	struct dataset *ds = make(&m, CR, "DERIVED\\SECONDARY\\AXIAL");
	text(dataset_add_item(ds, CODES), TAG(0x0008, 0x0100), "113072");
	text(dataset_add_item(ds, SOURCES), INSTANCE, "1.2.3.1");
	text(dataset_add_item(ds, SERIES), TAG_SERIES_UID, "1.2.2");
	struct dataset *series = dataset_add_item(ds, SERIES);
	text(series, TAG_SERIES_UID, "1.2.3");
	text(dataset_add_item(series, INSTANCES), INSTANCE, "1.2.3.1");
	convert(&m, TS_JPEG_BASELINE, 90);
	CHECK_STR(dataset_str(m.ds, IMAGE_TYPE), "DERIVED\\SECONDARY\\AXIAL");
	CHECK_STR(text_at(dataset_item(m.ds, CODES, 0), TAG(0x0008, 0x0100)), "113072");
	CHECK_STR(text_at(dataset_item(m.ds, SOURCES, 0), INSTANCE), "1.2.3.1");
	check_step(m.ds, 1);
	CHECK_STR(text_at(dataset_item(m.ds, SERIES, 0), TAG_SERIES_UID), "1.2.2");
	CHECK(!dataset_item(m.ds, SERIES, 2));
	const struct dataset *own = dataset_item(m.ds, SERIES, 1);
	CHECK_STR(text_at(own ? dataset_item(own, INSTANCES, 0) : NULL, INSTANCE), "1.2.3.1");
	CHECK_STR(text_at(own ? dataset_item(own, INSTANCES, 1) : NULL, INSTANCE), "1.2.3.4");
	arena_fini(&m.arena);
}

TEST(flavour, "value 3 of Image Type is added where a derived ophthalmic photograph needs one, and nowhere else")
{
	static const struct { const char *sop_class, *was, *is; } types[] = {
		{ OPHTHALMIC, "ORIGINAL\\PRIMARY", "DERIVED\\PRIMARY\\LOSSY" },
		{ OPHTHALMIC, "ORIGINAL\\PRIMARY\\\\COLOR", "DERIVED\\PRIMARY\\LOSSY\\COLOR" },
		{ OPHTHALMIC, "DERIVED\\PRIMARY\\MONTAGE", "DERIVED\\PRIMARY\\MONTAGE" },
		{ OPHTHALMIC ".9", "ORIGINAL\\PRIMARY", "DERIVED\\PRIMARY" },
		{ CR, "ORIGINAL\\PRIMARY", "DERIVED\\PRIMARY" },
		{ CR, "ORIGINAL", "DERIVED\\SECONDARY" },
	};
	for (size_t i = 0; i < NELEM(types); i++) {
		struct made m;
		make(&m, types[i].sop_class, types[i].was);
		convert(&m, TS_JPEG_BASELINE, 90);
		CHECK_STR(dataset_str(m.ds, IMAGE_TYPE), types[i].is);
		arena_fini(&m.arena);
	}
}

TEST(shared, "an enhanced image says it of its frames: in the group that all share")
{
	struct made m;
	struct dataset *ds = make(&m, ENHANCED_MR, "ORIGINAL\\PRIMARY\\T1\\NONE"), *shared = dataset_add_item(ds, SHARED);
	text(dataset_add_item(shared, MR_FRAME), FRAME_TYPE, "ORIGINAL\\PRIMARY\\T1\\NONE");
	text(dataset_add_item(dataset_add_item(ds, FRAMES), TAG(0x0020, 0x9111)), TAG(0x0020, 0x9056), "1");
	convert(&m, TS_JPEG_BASELINE, 90);
	shared = dataset_item(m.ds, SHARED, 0);
	CHECK_STR(text_at(shared ? dataset_item(shared, MR_FRAME, 0) : NULL, FRAME_TYPE), "DERIVED\\PRIMARY\\T1\\NONE");
	const struct dataset *step = shared ? dataset_item(shared, STEPS, 0) : NULL;
	CHECK(step != NULL);
	if (step)
		check_step(step, 0);
	const struct dataset *frame = dataset_item(m.ds, FRAMES, 0);
	CHECK_STR(text_at(frame ? dataset_item(frame, TAG(0x0020, 0x9111), 0) : NULL, TAG(0x0020, 0x9056)), "1");
	CHECK(frame && !dataset_has(frame, STEPS));
	const struct dataset *evidence = dataset_item(m.ds, EVIDENCE, 0), *series = evidence ? dataset_item(evidence, SERIES, 0) : NULL;
	CHECK_STR(text_at(evidence, TAG_STUDY_UID), "1.2");
	CHECK_STR(text_at(series, TAG_SERIES_UID), "1.2.3");
	CHECK_STR(text_at(series ? dataset_item(series, TAG(0x0008, 0x1199), 0) : NULL, INSTANCE), "1.2.3.4");
	arena_fini(&m.arena);
}

TEST(frames, "or in the group of each frame, where the frames told their own steps")
{
	struct made m;
	struct dataset *ds = make(&m, ENHANCED_MR, "MIXED\\PRIMARY\\T1\\NONE"), *step;
	CHECK(dataset_add_item(ds, SHARED) != NULL);
	for (unsigned i = 0; i < 2; i++) {
		struct dataset *frame = dataset_add_item(ds, FRAMES);
		text(dataset_add_item(frame, MR_FRAME), FRAME_TYPE, i ? "DERIVED\\PRIMARY\\T1\\NONE" : "ORIGINAL\\PRIMARY\\T1\\NONE");
		if (i == 0)
			CHECK_INT(dataset_put_empty_sequence(frame, STEPS), ERR_OK);
		else if ((step = dataset_add_item(frame, STEPS)))
			text(dataset_add_item(step, CODES), TAG(0x0008, 0x0100), "113072");
	}
	convert(&m, TS_JPEG_BASELINE, 90);
	CHECK_STR(dataset_str(m.ds, IMAGE_TYPE), "DERIVED\\PRIMARY\\T1\\NONE");
	for (unsigned i = 0; i < 2; i++) {
		const struct dataset *frame = dataset_item(m.ds, FRAMES, i);
		CHECK_STR(text_at(frame ? dataset_item(frame, MR_FRAME, 0) : NULL, FRAME_TYPE), "DERIVED\\PRIMARY\\T1\\NONE");
		const struct dataset *first = frame ? dataset_item(frame, STEPS, 0) : NULL, *added = frame ? dataset_item(frame, STEPS, i) : NULL;
		if (i)
			CHECK_STR(text_at(first ? dataset_item(first, CODES, 0) : NULL, TAG(0x0008, 0x0100)), "113072");
		CHECK(added != NULL);
		if (added)
			check_step(added, 0);
	}
	const struct dataset *shared = dataset_item(m.ds, SHARED, 0);
	CHECK(shared && !dataset_has(shared, STEPS));
	arena_fini(&m.arena);
}

int main(void)
{
	RUN(source);
	RUN(steps);
	RUN(flavour);
	RUN(shared);
	RUN(frames);
	return t_done();
}

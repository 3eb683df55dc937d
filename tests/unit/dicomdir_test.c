#include "pacs/media/dicomdir.h"

#include "pacs/base/bounds.h"
#include "pacs/dicom/part10.h"
#include "pacs/media/media_file.h"
#include "tests/lib/t.h"

static struct why why;

/* ---- a directory, record by record; links are numbers of records, from 1; 0 none, BAD one that leads nowhere ---- */
enum { BAD = 99, OPEN_ITEMS = 1 };
struct rec { const char *type, *id; int next, lower; bool is_unused; };

static void short_element(struct buf *b, uint16_t group, uint16_t element, const char *vr, const void *p, size_t len)
{
	buf_add_le16(b, group);
	buf_add_le16(b, element);
	buf_add(b, vr, 2);
	buf_add_le16(b, (uint16_t)(len + (len & 1)));
	buf_add(b, p, len);
	if (len & 1)
		buf_add_byte(b, ' ');
}

static void number(struct buf *b, uint16_t element, uint32_t v)
{
	uint8_t raw[4];
	put_le32(raw, v);
	short_element(b, 4, element, "UL", raw, 4);
}

/* Written twice: the first time to learn where each record stands. */
static void build(struct buf *b, const struct rec *r, size_t n, int root, bool is_open)
{
	uint32_t at[16] = { 0 };
	for (int pass = 0; pass < 2; pass++) {
		struct part10 m = { .source_aet = "" };
		strcpy(m.sop_class.s, UID_MEDIA_DIRECTORY);
		strcpy(m.sop_instance.s, "1.2.3");
		strcpy(m.transfer_syntax.s, TS_EXPLICIT_LE);
		buf_reset(b);
		CHECK_INT(part10_write(&m, b), ERR_OK);
		number(b, 0x1200, root == BAD ? 7 : root ? at[root] : 0);
		short_element(b, 4, 0x1212, "US", "\0\0", 2);
		buf_add(b, "\4\0\x20\x12SQ\0\0\xff\xff\xff\xff", 12);
		for (size_t i = 0; i < n; i++) {
			at[i + 1] = (uint32_t)b->len;
			buf_add(b, "\xfe\xff\0\xe0", 4);
			size_t length_at = b->len;
			buf_add_le32(b, 0xffffffff);
			number(b, 0x1400, r[i].next == BAD ? 13 : r[i].next ? at[r[i].next] : 0);
			short_element(b, 4, 0x1410, "US", r[i].is_unused ? "\0\0" : "\xff\xff", 2);
			number(b, 0x1420, r[i].lower == BAD ? 13 : r[i].lower ? at[r[i].lower] : 0);
			short_element(b, 4, 0x1430, "CS", r[i].type, strlen(r[i].type));
			if (r[i].id)
				short_element(b, 4, 0x1500, "CS", r[i].id, strlen(r[i].id));
			if (is_open)
				buf_add(b, "\xfe\xff\x0d\xe0\0\0\0\0", 8);
			else
				put_le32(b->p + length_at, (uint32_t)(b->len - length_at - 4));
		}
		buf_add(b, "\xfe\xff\xdd\xe0\0\0\0\0", 8);
	}
}

static const struct {
	const char *says;
	struct rec r[4];
	size_t n;
	int root;
	const char *names;               /* sorted, each behind a blank */
	bool is_linear;
	size_t bad;
} cases[] = {
	{ "children and siblings of the root", { { "PATIENT", NULL, 0, 2, false }, { "IMAGE", "A\\B", 3, 0, false }, { "IMAGE", "A\\C", 0, 0, false } }, 3, 1, " A/B A/C", false, 0 },
	{ "one that is not in use, and what is below it", { { "PATIENT", NULL, 2, 3, true }, { "IMAGE", "B", 0, 0, false }, { "IMAGE", "C", 0, 0, false } }, 3, 1, " B", false, 0 },
	{ "an image that is not in use", { { "IMAGE", "A", 2, 0, true }, { "IMAGE", "B", 0, 0, false } }, 2, 1, " B", false, 0 },
	{ "links in a ring", { { "IMAGE", "A", 2, 3, false }, { "IMAGE", "B", 1, 3, false }, { "IMAGE", "C", 3, 1, false } }, 3, 1, " A B C", false, 0 },
	{ "a record that no link leads to", { { "IMAGE", "A", 0, 0, false }, { "IMAGE", "B", 0, 0, false } }, 2, 1, " A", false, 0 },
	{ "no root: as they stand", { { "IMAGE", "A", 0, 0, false }, { "IMAGE", "B", 0, 0, false } }, 2, 0, " A B", true, 0 },
	{ "a root that is none", { { "IMAGE", "A", 0, 0, false }, { "IMAGE", "B", 0, 0, true } }, 2, BAD, " A", true, 0 },
	{ "a link that leads nowhere", { { "IMAGE", "B", BAD, 0, false }, { "IMAGE", "A", 0, 0, false } }, 2, 1, " A B", true, 0 },
	{ "the same file twice", { { "IMAGE", "A", 2, 0, false }, { "IMAGE", "A", 0, 0, false } }, 2, 1, " A", false, 0 },
	{ "upwards out of the folder", { { "IMAGE", "..\\..\\X", 2, 0, false }, { "IMAGE", "A\\..\\X", 0, 0, false } }, 2, 1, "", false, 2 },
	{ "from the root of the disk, and an empty component", { { "IMAGE", "\\ETC\\X", 2, 0, false }, { "IMAGE", "A\\\\X", 0, 0, false } }, 2, 1, "", false, 2 },
	{ "a control character", { { "IMAGE", "A\nB", 0, 0, false } }, 1, 1, "", false, 1 },
	{ "small letters, blanks, a version, another slash", { { "IMAGE", "dir \\im1.;1", 2, 0, false }, { "IMAGE", "dir/im2", 0, 0, false } }, 2, 1, " DIR/IM1 DIR/IM2", false, 0 },
	{ "nothing", { { "", NULL, 0, 0, false } }, 0, 0, "", true, 0 },
};

static void one_case(size_t i, bool is_open)
{
	struct buf b;
	struct dicomdir d;
	char names[256] = "";
	buf_init(&b, 65536);
	build(&b, cases[i].r, cases[i].n, cases[i].root, is_open);
	CHECK_OK(dicomdir_read(buf_view(&b), &d, &why), why);
	for (size_t f = 0; f < d.count; f++) {
		strcat(names, " ");
		strcat(names, d.files[f].name);
		CHECK(dicomdir_find(&d, d.files[f].name) == &d.files[f]);
	}
	if (strcmp(names, cases[i].names) || d.is_linear != cases[i].is_linear || d.bad != cases[i].bad || d.records != cases[i].n)
		T_FAIL("%s: got \"%s\" linear %d bad %zu records %zu", cases[i].says, names, d.is_linear, d.bad, d.records);
	dicomdir_fini(&d);
	buf_fini(&b);
}

TEST(links, "records in use are found by their links, each once, and file IDs become names that can be compared")
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		one_case(i, false);
		one_case(i, true);
	}
}

TEST(cut, "a directory that is cut anywhere gives an error or the records before the cut, and never more")
{
	struct buf b;
	struct dicomdir d;
	buf_init(&b, 65536);
	for (int is_open = 0; is_open < 2; is_open++) {
		build(&b, cases[0].r, cases[0].n, cases[0].root, is_open);
		for (size_t n = 0; n < b.len; n++) {
			uint8_t *exact = malloc(n + 1);
			memcpy(exact, b.p, n);
			enum err e = dicomdir_read(bytes_of(exact, n), &d, &why);
			if (e ? e != ERR_FORMAT : d.records > 3 || (d.count == 2 && d.records != 3))
				T_FAIL("cut at %zu of %zu: error %d, %zu records, %zu files", n, b.len, e, d.records, d.count);
			dicomdir_fini(&d);
			free(exact);
		}
	}
	buf_fini(&b);
}

TEST(names, "a directory file is known by its name, in any case and with a version; a path is made comparable")
{
	static const struct { const char *name; bool is; } of[] = {
		{ "DICOMDIR", true }, { "dicomdir", true }, { "DicomDir.;1", true }, { "DICOMDIR;1", true }, { "DICOMDIR.TXT", false }, { "DICOMDIR2", false }, { "", false },
	};
	char out[64];
	for (size_t i = 0; i < NELEM(of); i++)
		if (dicomdir_is_name(of[i].name) != of[i].is)
			T_FAIL("%s", of[i].name);
	CHECK(dicomdir_name("images/im1.;2", out, sizeof(out)));
	CHECK_STR(out, "IMAGES/IM1");
	CHECK(!dicomdir_name("0123456789", out, 8));
}

/* ---- what a file is ---- */

#define MAGIC_HEAD(b) do { buf_reset(b); memset(buf_extend(b, 128), 0, 128); buf_add(b, "DICM", 4); } while (0)
#define CLASS_I "\x08\0\x16\0\x1a\0\0\0" "1.2.840.10008.5.1.4.1.1.2\0"
#define SOP_I "\x08\0\x18\0\6\0\0\0" "1.2.3\0"
#define CLASS_E "\x08\0\x16\0UI\x1a\0" "1.2.840.10008.5.1.4.1.1.2\0"
#define SOP_E "\x08\0\x18\0UI\6\0" "1.2.3\0"

TEST(bare, "a bare data set is taken only when it reads like one and names its class and itself")
{
	static const struct { const char *says; struct bytes in; enum media_kind want; } of[] = {
		{ "implicit", BYTES(CLASS_I SOP_I), MEDIA_OBJECT },
		{ "explicit", BYTES(CLASS_E SOP_E), MEDIA_OBJECT },
		{ "no instance", BYTES(CLASS_I), MEDIA_OTHER },
		{ "no class", BYTES(SOP_E), MEDIA_OTHER },
		{ "a class that is no UID", BYTES("\x08\0\x16\0\4\0\0\0abcd" SOP_I), MEDIA_OTHER },
		{ "nonsense behind", BYTES(CLASS_E SOP_E "\x08\0\x20\0\xff\xff\xff\xff\xff\xff\xff\xff"), MEDIA_OBJECT },
		{ "a zip archive", BYTES("PK\3\4"), MEDIA_ZIP },
		{ "text", BYTES("<?xml version=\"1.0\"?>"), MEDIA_OTHER },
	};
	struct buf b;
	struct media_file f;
	buf_init(&b, 65536);
	for (size_t i = 0; i < NELEM(of); i++) {
		buf_reset(&b);
		buf_add(&b, of[i].in.p, of[i].in.len);
		/* real ones are longer: a number of elements that all readers know */
		for (int n = 0; n < 16 && b.p[4] != 'U'; n++)
			buf_add(&b, "\x28\0\x10\0\2\0\0\0\x10\0", 10);
		while (b.p[4] == 'U' && b.len < 200)
			buf_add(&b, "\x28\0\x10\0US\2\0\x10\0", 10);
		enum media_kind got = media_recognise(buf_view(&b), &f);
		if (of[i].want == MEDIA_OBJECT && i == 5)
			continue;                        /* a length that nobody believes: either answer will do, but no crash */
		if (got != of[i].want)
			T_FAIL("%s: got %d", of[i].says, got);
	}
	buf_fini(&b);
}

TEST(magic, "what begins as a DICOM file is an object whatever is wrong behind; the true syntax and the data set's UIDs count")
{
	struct buf b;
	struct media_file f;
	buf_init(&b, 65536);
	MAGIC_HEAD(&b);
	buf_add(&b, "\2\0\2\0UI\6\0" "1.2.9\0" "\2\0\3\0UI\6\0" "1.2.8\0" "\2\0\x10\0UI\x14\0" "1.2.840.10008.1.2.1\0", 14 + 14 + 28);
	size_t meta = b.len;
	buf_add(&b, "garbage, as far as it goes", 26);
	CHECK_INT(media_recognise(buf_view(&b), &f), MEDIA_OBJECT);
	CHECK_STR(f.meta.sop_instance.s, "1.2.8");
	b.len = meta;
	buf_add(&b, CLASS_I SOP_I, sizeof(CLASS_I SOP_I) - 1);
	CHECK_INT(media_recognise(buf_view(&b), &f), MEDIA_OBJECT);
	CHECK_STR(f.meta.sop_instance.s, "1.2.3");
	CHECK_STR(f.meta.sop_class.s, "1.2.840.10008.5.1.4.1.1.2");
	CHECK_STR(f.ts->uid, TS_IMPLICIT_LE);
	CHECK_INT(f.meta.dataset_at, meta);
	b.p[meta - 2] = '7';                             /* 1.2.840.10008.1.2.7 */
	CHECK_INT(media_recognise(buf_view(&b), &f), MEDIA_NO_SYNTAX);
	buf_fini(&b);
}

int main(void)
{
	RUN(links);
	RUN(cut);
	RUN(names);
	RUN(bare);
	RUN(magic);
	return t_done();
}

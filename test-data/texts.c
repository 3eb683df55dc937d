/* texts - every text of a DICOM file that is no private element, in UTF-8, as the index reads it: one line each, "TAG TEXT", the tags of sequences and
 * the numbers of items in front: 00081110/0/00100010. Backslashes, line ends and controls are shown as \xx.
 *
 *   texts FILE
 */
#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/durable.h"
#include "pacs/dicom/charset_detect.h"
#include "pacs/dicom/part10.h"

static void print_text(const struct element *el, const char *path, const struct charset_verdict *v)
{
	struct buf b;
	buf_init(&b, BOUND_ELEMENT * 4);
	charset_read(v, el->vr, el->value, &b);
	printf("%s%08X ", path, el->tag);
	for (size_t i = 0; i < b.len; i++)
		printf(b.p[i] < ' ' || b.p[i] == '\\' ? "\\%02x" : "%c", b.p[i]);
	putchar('\n');
	buf_fini(&b);
}

static void print_all(const struct dataset *ds, const char *path, const char *outer)
{
	struct charset_verdict v;
	const char *declared = dataset_has(ds, TAG_SPECIFIC_CHARACTER_SET) ? dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET) : outer;
	charset_judge(ds, declared, NULL, &v);
	for (const struct element *el = ds->first; el; el = el->next) {
		unsigned n = 0;
		for (const struct item *i = el->items; i; i = i->next) {
			char below[512];
			snprintf(below, sizeof(below), "%s%08X/%u/", path, el->tag, n++);
			print_all(i->ds, below, declared);
		}
		if (vr_is_text(el->vr) && !TAG_IS_PRIVATE(el->tag))
			print_text(el, path, &v);
	}
}

int main(int argc, char **argv)
{
	enum { FILE_MAX_BYTES = 64 << 20, NODES_MAX = 64 << 20 };
	struct why why = { "" };
	struct part10 m;
	struct dataset *ds = NULL;
	struct arena a;
	char *raw = NULL;
	size_t len = 0;
	if (argc != 2) {
		fputs("usage: texts FILE\n", stderr);
		return 2;
	}
	arena_init(&a, NODES_MAX);
	enum err e = durable_slurp(argv[1], FILE_MAX_BYTES, &raw, &len, &why);
	if (!e)
		e = part10_read(bytes_of(raw, len), &m, &why);
	if (!e) {
		const struct ts *ts = ts_find(m.transfer_syntax.s);
		e = dataset_parse(&a, bytes_of(raw + m.dataset_at, len - m.dataset_at), ts ? ds_encoding_of(ts) : DS_EXPLICIT_LE, &ds, &why);
	}
	if (ds)
		print_all(ds, "", "");
	free(raw);
	arena_fini(&a);
	if (e)
		fprintf(stderr, "texts: %s\n", why.text);
	return e ? 1 : 0;
}

/* index_headers - a line for each image of an index: its SOP Instance UID, and a digest of its kept header.
 *
 *   index_headers DIR
 *
 * For comparing two indices: headers are packed against earlier ones, so equal headers need not be equal rows. */
#include <stdio.h>
#include <stdlib.h>

#include "db/index.h"
#include "pacs/store/digest.h"

enum { PAGE = 512 };

static _Noreturn void die(const char *why)
{
	fprintf(stderr, "index_headers: %s\n", why);
	exit(2);
}

static void print(struct index_reader *r, const struct index_instance *i)
{
	uint8_t *header;
	size_t len;
	int encoding;
	char hex[33];
	struct why why;
	struct digest *d = digest_new();

	if (!d || index_header(r, i->instance, &header, &len, &encoding, &why))
		die(d ? why.text : "no memory");
	digest_add(d, bytes_of(header, len));
	digest_hex(d, hex);
	printf("%s %d %s\n", i->sop_uid.s, encoding, hex);
	digest_free(&d);
	free(header);
}

int main(int argc, char **argv)
{
	static struct index_arrival a[PAGE];
	struct index_reader *r;
	struct why why;
	int64_t after = 0;
	size_t n = 1;

	if (argc != 2)
		die("usage: index_headers DIR");
	if (index_reader_open(argv[1], &r, &why))
		die(why.text);
	while (n) {
		if (index_arrivals(r, after, a, PAGE, &n, &why))
			die(why.text);
		for (size_t i = 0; i < n; after = a[i++].seq)
			print(r, &a[i].what);
	}
	index_reader_close(&r);
	return 0;
}

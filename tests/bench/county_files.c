/* county_files - the images of a county's studies as files, to be sent to any archive.
 *
 *   county_files DIR --studies N [--mean M] [--seed S]
 *
 * DIR/SITE/NUMBER.dcm, in the folder of the machine that sent it. Headers are those that tests/bench/fill indexes
 * (tests/lib/county.h), the pixels a black square that they do not tell of: what is measured are queries. So `find` with
 * the same N, M and S asks for what is there. Prints images=N.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "pacs/dicom/part10.h"
#include "tests/lib/county.h"

static void die(const char *what, const char *why)
{
	fprintf(stderr, "county_files: %s: %s\n", what, why);
	exit(1);
}

static void write_image(const char *dir, const struct county *c, const struct county_study *s, unsigned image, struct bytes header)
{
	static const uint8_t pixels[] = { 0xE0, 0x7F, 0x10, 0, 'O', 'W', 0, 0, 64, 0, 0, 0, [12 + 63] = 0 };
	struct part10 meta = { .source_aet = "" };
	struct buf out;
	char path[4200];

	buf_init(&out, 1 << 22);
	snprintf(meta.sop_class.s, sizeof(meta.sop_class.s), "%s", s->sop_class);
	county_sop_uid(c, s, image, meta.sop_instance.s);
	snprintf(meta.transfer_syntax.s, sizeof(meta.transfer_syntax.s), "%s", TS_EXPLICIT_LE);
	if (part10_write(&meta, &out))
		die("a file", "no memory");
	buf_add(&out, header.p, header.len);
	buf_add(&out, pixels, sizeof(pixels));
	snprintf(path, sizeof(path), "%.4000s/%s", dir, s->calling);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%.4000s/%s/%08lu-%03u.dcm", dir, s->calling, s->number, image);
	FILE *f = fopen(path, "wb");
	if (!f || buf_err(&out) || fwrite(out.p, 1, out.len, f) != out.len || fclose(f))
		die("writing", path);
	buf_fini(&out);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "studies", 1, NULL, 'n' }, { "mean", 1, NULL, 'm' }, { "seed", 1, NULL, 's' }, { 0 } };
	struct county county = { .seed = 1, .mean_images = 7 };
	unsigned long images = 0;

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1; )
		switch (c) {
		case 'n': county.studies = strtoul(optarg, NULL, 10); break;
		case 'm': county.mean_images = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': county.seed = strtoul(optarg, NULL, 10); break;
		default: die("usage", "see the top of tests/bench/county_files.c");
		}
	if (optind + 1 != argc || !county.studies || !county.mean_images)
		die("usage", "county_files DIR --studies N [--mean M] [--seed S]");
	for (unsigned long n = 0; n < county.studies; n++) {
		struct county_study s;
		size_t ends[COUNTY_IMAGES_MAX], at = 0;
		struct buf headers;

		buf_init(&headers, 64 << 20);
		county_study(&county, n, &s);
		if (county_headers(&county, &s, &headers, ends))
			die("a header", "cannot be written");
		for (unsigned i = 0; i < s.images; at = ends[i++])
			write_image(argv[optind], &county, &s, i, bytes_of(headers.p + at, ends[i] - at));
		images += s.images;
		buf_fini(&headers);
	}
	printf("images=%lu\n", images);
	return 0;
}

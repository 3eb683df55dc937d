#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/demo.h"

/* The bytes of (7FE0,0010) after GDCM, which shares no code with us, has decompressed the file. */
static bool raw_pixels(struct demo *d, const char *file, char **pixels, size_t *len)
{
	char plain[PATH_MAX + 16], raw[PATH_MAX + 16];
	snprintf(plain, sizeof(plain), "%s/verify.dcm", d->dir);
	snprintf(raw, sizeof(raw), "%s/verify.raw", d->dir);
	const char *convert[] = { "gdcmconv", "--raw", "-i", file, "-o", plain, NULL };
	const char *extract[] = { "gdcmraw", "-i", plain, "-t", "7fe0,0010", "-o", raw, NULL };
	bool ok = !demo_run(d, convert, NULL) && !demo_run(d, extract, NULL) && !durable_slurp(raw, 1u << 31, pixels, len, NULL);
	unlink(plain);
	unlink(raw);
	return ok;
}

bool demo_same_pixels(struct demo *d, const char *a, const char *b)
{
	char *pa = NULL, *pb = NULL;
	size_t na = 0, nb = 0;
	bool ok = raw_pixels(d, a, &pa, &na) && raw_pixels(d, b, &pb, &nb) && na == nb && na > 0 && !memcmp(pa, pb, na);
	free(pa);
	free(pb);
	return ok;
}

static void verify_one(struct demo *d, const struct demo_image *m)
{
	if (!demo_step(d, m->at_s[STAGE_INDEXED] > 0 && m->at_s[STAGE_FORWARDED] > 0, "%s is indexed at the clinic and at the county", m->label) || !m->is_imaging)
		return;
	bool small = demo_has_ts(d, CLINIC, m, TS_J2K_LOSSLESS) && demo_has_ts(d, COUNTY, m, TS_J2K_LOSSLESS);
	if (!small && !m->is_phantom && m->note[0])
		demo_step(d, true, "%s is kept as it came: %s", m->label, m->note);
	else
		demo_step(d, small, "%s is JPEG 2000 at both", m->label);
	demo_step(d, m->at_s[STAGE_LISTED] > 0, "%s is on the county's worklist", m->label);
}

/* Brought back from the county as it is kept there, and compared with the file that was sent. */
static void verify_pixels(struct demo *d, const struct demo_image *m)
{
	char program[PATH_MAX + 16], node[32], folder[PATH_MAX + 16], file[PATH_MAX + 96];
	snprintf(program, sizeof(program), "%s/viewer-cli", d->bin);
	snprintf(node, sizeof(node), "127.0.0.1:%u", d->nodes[COUNTY].port);
	snprintf(folder, sizeof(folder), "%s/verify", d->dir);
	snprintf(file, sizeof(file), "%s/%s.dcm", folder, m->sop.s);
	const char *argv[] = { program, "--node", node, "--called", d->nodes[COUNTY].aet, "--calling", "READER", "pull", "-o", folder, "--study", m->study.s, NULL };
	bool pulled = !access(file, R_OK) || !demo_run(d, argv, NULL);
	demo_step(d, pulled && demo_same_pixels(d, m->path, file), "%s comes back from the county with every pixel as it was sent", m->label);
}

void demo_verify_images(struct demo *d)
{
	for (size_t i = 0; i < d->image_count && !d->is_interrupted; i++) {
		const struct demo_image *m = &d->images[i];
		verify_one(d, m);
		if (m->is_phantom && m->at_s[STAGE_FORWARDED] > 0)
			verify_pixels(d, m);
	}
}

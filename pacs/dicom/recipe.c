#include "pacs/dicom/recipe.h"

#include <stdio.h>
#include <stdlib.h>

static const struct named {
	const char *name, *ts;
	unsigned min, max, preset;       /* of the level; max 0: reversible */
} names[] = {
	{ "keep", NULL, 0, 0, 0 },
	{ "jpeg2000", TS_J2K_LOSSLESS, 0, 0, 0 },
	{ "htj2k", TS_HTJ2K_LOSSLESS_RPCL, 0, 0, 0 },
	{ "htj2k-any", TS_HTJ2K_LOSSLESS, 0, 0, 0 },
	{ "jpegls", TS_JPEGLS_LOSSLESS, 0, 0, 0 },
	{ "jpeg-lossless", TS_JPEG_LOSSLESS_SV1, 0, 0, 0 },
	{ "rle", TS_RLE, 0, 0, 0 },
	{ "deflated", TS_DEFLATED_LE, 0, 0, 0 },
	{ "jpeg", TS_JPEG_BASELINE, 1, 100, 90 },
	{ "jpeg12", TS_JPEG_EXTENDED, 1, 100, 90 },
	{ "jpegls-near", TS_JPEGLS_NEAR, 1, 255, 2 },
	{ "jpeg2000-lossy", TS_J2K, 2, 200, 10 },
	{ "htj2k-lossy", TS_HTJ2K, 1, 255, 2 },
};

static enum err unknown(const char *text, struct why *why)
{
	char all[240] = "";
	size_t at = 0;
	for (size_t i = 0; i < NELEM(names) && at < sizeof(all) - 1; i++)
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s%s", i ? ", " : "", names[i].name, names[i].max ? ":N" : "");
	return fail(why, ERR_CONFIG, "\"%.40s\" is no codec; known are %s", text, all);
}

enum err recipe_parse(const char *text, struct recipe *out, struct why *why)
{
	size_t len = strcspn(text, ":");
	const struct named *n = NULL;
	for (size_t i = 0; i < NELEM(names); i++)
		if (strlen(names[i].name) == len && !memcmp(names[i].name, text, len))
			n = &names[i];
	if (!n)
		return unknown(text, why);
	*out = (struct recipe){ .ts = n->ts ? ts_find(n->ts) : NULL, .level = n->preset, .is_lossy = n->max != 0 };
	if (!text[len])
		return ERR_OK;
	char *end;
	unsigned long v = strtoul(text + len + 1, &end, 10);
	if (!n->max)
		return fail(why, ERR_CONFIG, "%s takes no number, \"%.40s\" has one", n->name, text);
	if (text[len + 1] < '0' || text[len + 1] > '9' || *end || v < n->min || v > n->max)
		return fail(why, ERR_CONFIG, "\"%.40s\": %s takes a number from %u to %u", text, n->name, n->min, n->max);
	out->level = (unsigned)v;
	return ERR_OK;
}

const char *recipe_reversible(unsigned n)
{
	for (size_t i = 0; i < NELEM(names); i++)
		if (names[i].ts && !names[i].max && n-- == 0)
			return names[i].name;
	return NULL;
}

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/durable.h"
#include "pacs/demo.h"

enum { WORDS_MAX = 16, RAISE_S = 90 };

/* viewer-cli at a node, as the reader `calling`, with these words. Its exit code; what it wrote is in *out. */
static int viewer(struct demo *d, enum demo_place at, const char *const *words, struct buf *out)
{
	char program[PATH_MAX + 16], node[32];
	const char *argv[WORDS_MAX + 8];
	size_t n = 0;
	snprintf(program, sizeof(program), "%s/viewer-cli", d->bin);
	snprintf(node, sizeof(node), "127.0.0.1:%u", d->nodes[at].port);
	const char *const head[] = { program, "--node", node, "--called", d->nodes[at].aet, "--calling", "READER" };
	for (size_t i = 0; i < NELEM(head); i++)
		argv[n++] = head[i];
	for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
		argv[n++] = words[i];
	argv[n] = NULL;
	buf_reset(out);
	return demo_run(d, argv, out);
}

#define VIEWER(d, at, out, ...) viewer(d, at, (const char *const[]){ __VA_ARGS__, NULL }, out)

static bool is_png(const char *path)
{
	char *p = NULL;
	size_t len = 0;
	bool ok = !durable_slurp(path, 256 << 20, &p, &len, NULL) && len > 100 && !memcmp(p, "\x89PNG\r\n\x1a\n", 8);
	free(p);
	return ok;
}

static unsigned count_files(const char *folder)
{
	unsigned n = 0;
	DIR *dir = opendir(folder);
	for (const struct dirent *e; dir && (e = readdir(dir)); )
		n += strstr(e->d_name, ".dcm") != NULL;
	if (dir)
		closedir(dir);
	return n;
}

static unsigned images_of(const struct demo *d, const char *study)
{
	unsigned n = 0;
	for (size_t i = 0; i < d->image_count; i++)
		n += !strcmp(d->images[i].study.s, study);
	return n;
}

static const struct demo_image *phantom(const struct demo *d, const char *label)
{
	for (size_t i = 0; i < d->image_count; i++)
		if (d->images[i].is_phantom && !strcmp(d->images[i].label, label))
			return &d->images[i];
	return NULL;
}

static void look_at_image(struct demo *d, const char *folder, const struct demo_image *m, struct buf *out)
{
	char file[PATH_MAX + 128], png[PATH_MAX + 64];
	snprintf(file, sizeof(file), "%s/%s.dcm", folder, m->sop.s);
	snprintf(png, sizeof(png), "%s/%s.png", d->dir, m->label);
	int code = VIEWER(d, COUNTY, out, "show", file);
	if (!code && d->is_terminal)
		fwrite(out->p, 1, out->len, stdout);
	demo_step(d, !code && out->len > 100, "the reader looks at %s in the terminal", m->label);
	code = VIEWER(d, COUNTY, out, "show", file, "--png", png);
	demo_step(d, !code && is_png(png), "... and as a picture: %s", png);
}

static void read_one(struct demo *d, const struct demo_image *m, struct buf *out)
{
	char item[65], other[65], folder[PATH_MAX + 16];
	if (!demo_step(d, demo_item(d, COUNTY, m->study.s, "SCHEDULED", item), "the study of %s waits on the county's worklist", m->label))
		return;
	int code = VIEWER(d, COUNTY, out, "claim", item);
	if (!demo_step(d, !code && demo_item(d, COUNTY, m->study.s, "IN PROGRESS", other), "a reader claims it%s%s", code ? ": " : "", code ? buf_cstr(out) : ""))
		return;
	demo_step(d, VIEWER(d, COUNTY, out, "claim", item) > 0, "it cannot be claimed a second time");
	snprintf(folder, sizeof(folder), "%s/reader", d->dir);
	code = VIEWER(d, COUNTY, out, "pull", "-o", folder, item);
	unsigned got = count_files(folder), want = images_of(d, m->study.s);
	demo_step(d, !code && got == want, "pulls its images: %u of %u %s", got, want, code ? buf_cstr(out) : "");
	look_at_image(d, folder, m, out);
	code = VIEWER(d, COUNTY, out, "complete", item);
	demo_step(d, !code && demo_item(d, COUNTY, m->study.s, "COMPLETED", other), "and completes it%s%s", code ? ": " : "", code ? buf_cstr(out) : "");
}

/* The county cannot read it: given up for a specialist, so the manager sends it up. */
static void raise_one(struct demo *d, const struct demo_image *m, struct buf *out)
{
	char item[65], other[65];
	if (!demo_step(d, demo_item(d, COUNTY, m->study.s, "SCHEDULED", item), "the study of %s waits on the county's worklist", m->label))
		return;
	int code = VIEWER(d, COUNTY, out, "claim", item);
	demo_step(d, !code, "a reader claims it%s%s", code ? ": " : "", code ? buf_cstr(out) : "");
	code = VIEWER(d, COUNTY, out, "release", item, "--reason", "specialist");
	demo_step(d, !code, "and gives it up: it needs a specialist%s%s", code ? ": " : "", code ? buf_cstr(out) : "");
	double end = demo_now_s(d) + RAISE_S;
	bool listed = false;
	while (!(listed = demo_item(d, PROVINCE, m->study.s, "SCHEDULED", other)) && demo_now_s(d) < end && demo_pause(d, 250))
		demo_look(d);
	demo_look(d);
	unsigned up = 0, want = images_of(d, m->study.s);
	for (size_t i = 0; i < d->image_count; i++)
		up += !strcmp(d->images[i].study.s, m->study.s) && d->images[i].at_s[STAGE_RAISED] > 0;
	demo_step(d, up == want, "its images are at the province: %u of %u", up, want);
	demo_step(d, listed, "and it waits on the province's worklist");
}

bool demo_read_cases(struct demo *d)
{
	const struct demo_image *dr = phantom(d, "dr_chest"), *us = phantom(d, "us_cine");
	struct buf out;
	buf_init(&out, 32 << 20);
	int code = VIEWER(d, COUNTY, &out, "list");
	demo_say(d, "\nThe county's reading list, as viewer-cli shows it:\n%s", buf_cstr(&out));
	demo_step(d, !code && dr && us, "the reading list is shown");
	if (dr && us && !d->is_interrupted)
		read_one(d, dr, &out);
	if (dr && us && !d->is_interrupted) {
		demo_say(d, "%s", "");
		raise_one(d, us, &out);
	}
	buf_fini(&out);
	return !d->is_interrupted;
}

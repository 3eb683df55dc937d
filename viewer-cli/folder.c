#include "viewer-cli/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer-cli/exchange.h"
#include "viewer-cli/image.h"

enum { HEADER_READ = 1 << 20, ARENA = 16 << 20 };

/* ---- one file ---- */

static int64_t number(const struct dataset *ds, uint32_t tag)
{
	int64_t v;
	return dataset_int(ds, tag, &v) ? v : 0;
}

static void take(const struct dataset *ds, uint32_t tag, char *out, size_t size)
{
	snprintf(out, size, "%s", client_text(ds, tag));
}

/* Milliseconds of a frame: Frame Time, the mean of a Frame Time Vector, or a rate (PS3.3 C.7.6.5). */
static unsigned frame_time(const struct dataset *ds)
{
	double v, sum = 0;
	unsigned n = 0;
	if (dataset_double_n(ds, TAG(0x0018, 0x1063), 0, &v) && v >= 1 && v <= 60000)
		return (unsigned)(v + 0.5);
	while (dataset_double_n(ds, TAG(0x0018, 0x1065), n, &v) && v >= 0 && v <= 60000)
		sum += n++ ? v : 0;              /* the first is 0: nothing is before it */
	if (n > 1 && sum >= n - 1)
		return (unsigned)(sum / (n - 1) + 0.5);
	static const uint32_t rates[] = { TAG(0x0008, 0x2144), TAG(0x0018, 0x0040) };
	for (size_t i = 0; i < NELEM(rates); i++)
		if (dataset_double_n(ds, rates[i], 0, &v) && v >= 0.1 && v <= 1000)
			return (unsigned)(1000 / v + 0.5);
	return 0;
}

static void fill(struct folder_image *i, const struct image *im, const struct dataset *ds)
{
	take(ds, TAG_STUDY_UID, i->study.s, sizeof(i->study.s));
	take(ds, TAG_SERIES_UID, i->series.s, sizeof(i->series.s));
	i->sop = im->file.meta.sop_instance;
	take(ds, TAG_STUDY_DATE, i->study_date, sizeof(i->study_date));
	take(ds, TAG_STUDY_TIME, i->study_time, sizeof(i->study_time));
	take(ds, TAG_MODALITY, i->modality, sizeof(i->modality));
	take(ds, TAG(0x0008, 0x103E), i->series_text, sizeof(i->series_text));
	take(ds, TAG(0x0008, 0x1030), i->study_text, sizeof(i->study_text));
	i->series_number = number(ds, TAG(0x0020, 0x0011));
	i->number = number(ds, TAG(0x0020, 0x0013));
	i->frames = im->file.desc.frames;
	i->frame_ms = frame_time(ds);
}

static bool read_image(const char *path, struct folder_image *out)
{
	struct image im;
	struct arena a;
	struct dataset *ds;
	struct why why;
	arena_init(&a, ARENA);
	bool good = image_open(&im, path, &why) == ERR_OK;
	/* A long header is read as far as the arena goes: what is looked for stands at its beginning. */
	if (good && (dataset_parse(&a, bytes_of(im.file.data.p, im.file.header_len < HEADER_READ ? im.file.header_len : HEADER_READ), im.file.enc, &ds, &why) == ERR_OK || ds))
		fill(out, &im, ds);
	image_close(&im);
	arena_fini(&a);
	return good;
}

/* ---- the folder ---- */

static bool is_image_name(const char *name)
{
	size_t n = strlen(name);
	return n > 4 && !strcmp(name + n - 4, ".dcm");
}

static enum err add_other(struct folder *f, const char *path, struct why *why)
{
	struct folder_state *grown = realloc(f->states, (f->states_n + 1) * sizeof(*grown));
	if (!grown)
		return fail(why, ERR_NOMEM, "no memory for %u presentation states", f->states_n + 1);
	f->states = grown;
	if (folder_state_read(path, &grown[f->states_n]))
		f->states_n++;
	else
		f->others++;
	return ERR_OK;
}

static enum err add(struct folder *f, const char *dir, const char *name, struct why *why)
{
	struct folder_image *grown = realloc(f->images, (f->n + 1) * sizeof(*grown));
	if (!grown)
		return fail(why, ERR_NOMEM, "no memory for %u images", f->n + 1);
	f->images = grown;
	memset(&grown[f->n], 0, sizeof(*grown));
	int len = snprintf(grown[f->n].path, sizeof(grown->path), "%s/%s", dir, name);
	bool has_path = len > 0 && (size_t)len < sizeof(grown->path);
	if (has_path && read_image(grown[f->n].path, &grown[f->n])) {
		f->n++;
		return ERR_OK;
	}
	if (has_path)
		return add_other(f, grown[f->n].path, why);
	f->others++;
	return ERR_OK;
}

/* The case's study, then newer before older. */
static int order(const void *a, const void *b, void *study)
{
	const struct folder_image *x = a, *y = b;
	bool x_is = !strcmp(x->study.s, study), y_is = !strcmp(y->study.s, study);
	if (x_is != y_is)
		return x_is ? -1 : 1;
	int by = strcmp(y->study_date, x->study_date);
	if (!by)
		by = strcmp(y->study_time, x->study_time);
	if (!by)
		by = strcmp(x->study.s, y->study.s);
	if (!by)
		by = (x->series_number > y->series_number) - (x->series_number < y->series_number);
	if (!by)
		by = strcmp(x->series.s, y->series.s);
	if (!by)
		by = (x->number > y->number) - (x->number < y->number);
	return by ? by : strcmp(x->sop.s, y->sop.s);
}

enum err folder_read(const char *dir, const char *study, struct folder **out, struct why *why)
{
	struct folder *f = *out = calloc(1, sizeof(*f));
	DIR *d = opendir(dir);
	enum err e = f ? ERR_OK : fail(why, ERR_NOMEM, "no memory");
	if (!e && !d && errno != ENOENT)
		e = fail_errno(why, ERR_IO, "%s", dir);
	for (struct dirent *de; !e && d && (de = readdir(d)); )
		if (is_image_name(de->d_name))
			e = add(f, dir, de->d_name, why);
	if (d)
		closedir(d);
	if (!e && f->n)
		qsort_r(f->images, f->n, sizeof(*f->images), order, (void *)(uintptr_t)study);
	if (!e)
		folder_states_sort(f);
	return e;
}

void folder_free(struct folder **f)
{
	for (unsigned i = 0; *f && i < (*f)->states_n; i++)
		folder_state_fini(&(*f)->states[i]);
	if (*f) {
		free((*f)->images);
		free((*f)->states);
	}
	free(*f);
	*f = NULL;
}

/* ---- finding one's way ---- */

static bool same_study(const struct folder *f, int a, int b)
{
	return !strcmp(f->images[a].study.s, f->images[b].study.s);
}

static bool same_series(const struct folder *f, int a, int b)
{
	return !strcmp(f->images[a].series.s, f->images[b].series.s);
}

static bool is_there(const struct folder *f, int at)
{
	return f && at >= 0 && at < (int)f->n;
}

int folder_step(const struct folder *f, int at, int by)
{
	int way = by < 0 ? -1 : 1;
	for (; is_there(f, at) && by; by -= way)
		if (is_there(f, at + way) && same_study(f, at, at + way))
			at += way;
		else
			break;
	return is_there(f, at) ? at : -1;
}

int folder_series(const struct folder *f, int at, int by)
{
	int to = at;
	if (!is_there(f, at))
		return -1;
	while (is_there(f, to) && same_series(f, at, to))
		to += by < 0 ? -1 : 1;
	if (!is_there(f, to) || !same_study(f, at, to))
		to = at;
	while (is_there(f, to - 1) && same_series(f, to, to - 1))
		to--;
	return to;
}

int folder_study(const struct folder *f, int at)
{
	int to = at;
	if (!is_there(f, at))
		return -1;
	while (is_there(f, to) && same_study(f, at, to))
		to++;
	return is_there(f, to) ? to : 0;
}

struct folder_place folder_place(const struct folder *f, int at)
{
	struct folder_place p = { 0 };
	if (!is_there(f, at))
		return p;
	for (int i = 0; i < (int)f->n; i++) {
		if (!same_study(f, i, at))
			continue;
		bool is_new = !is_there(f, i - 1) || !same_series(f, i, i - 1);
		p.series_n += is_new;
		p.series += is_new && i <= at;
		p.image_n += same_series(f, i, at);
		p.image += same_series(f, i, at) && i <= at;
	}
	return p;
}

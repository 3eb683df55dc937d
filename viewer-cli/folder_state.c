#include "viewer-cli/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer-cli/exchange.h"
#include "viewer-cli/image.h"

enum { ARENA = 64 << 20, SOPS_MOST = 4096 };

/* Greyscale and Colour Softcopy Presentation State (PS3.4 table N.2-1): what the others add would be left out without a word. */
static bool is_state_class(const char *uid)
{
	static const char root[] = "1.2.840.10008.5.1.4.1.1.11.";
	return !strncmp(uid, root, sizeof(root) - 1) && (uid[sizeof(root) - 1] == '1' || uid[sizeof(root) - 1] == '2') && !uid[sizeof(root)];
}

static bool add_sop(struct folder_state *s, const char *uid)
{
	struct uid *grown = s->sops_n < SOPS_MOST ? realloc(s->sops, (s->sops_n + 1) * sizeof(*grown)) : NULL;
	if (!grown)
		return false;
	s->sops = grown;
	snprintf(grown[s->sops_n++].s, sizeof(grown->s), "%s", uid);
	return true;
}

/* Referenced Series Sequence, in each item Referenced Image Sequence (PS3.3 C.11.11). */
static bool add_sops(struct folder_state *s, const struct dataset *ds)
{
	const struct dataset *series, *image;
	for (unsigned i = 0; (series = dataset_item(ds, TAG(0x0008, 0x1115), i)); i++)
		for (unsigned k = 0; (image = dataset_item(series, TAG(0x0008, 0x1140), k)); k++)
			if (!add_sop(s, dataset_str(image, TAG(0x0008, 0x1155))))
				return false;
	return s->sops_n > 0;
}

bool folder_state_read(const char *path, struct folder_state *out)
{
	struct arena a;
	struct dataset *ds = NULL;
	struct why why;
	memset(out, 0, sizeof(*out));
	arena_init(&a, ARENA);
	bool good = image_read_state(path, &a, &ds, &why) == ERR_OK && is_state_class(dataset_str(ds, TAG_SOP_CLASS_UID)) && add_sops(out, ds);
	if (good) {
		snprintf(out->path, sizeof(out->path), "%s", path);
		snprintf(out->made, sizeof(out->made), "%.8s%.13s", dataset_str(ds, TAG(0x0070, 0x0082)), dataset_str(ds, TAG(0x0070, 0x0083)));
		const char *description = client_text(ds, TAG(0x0070, 0x0081));
		snprintf(out->label, sizeof(out->label), "%s", *description ? description : client_text(ds, TAG(0x0070, 0x0080)));
	} else {
		folder_state_fini(out);
	}
	arena_fini(&a);
	return good;
}

void folder_state_fini(struct folder_state *s)
{
	free(s->sops);
	s->sops = NULL;
	s->sops_n = 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct folder_state *x = a, *y = b;
	int by = strcmp(y->made, x->made);
	return by ? by : strcmp(x->path, y->path);
}

void folder_states_sort(struct folder *f)
{
	if (f->states_n)
		qsort(f->states, f->states_n, sizeof(*f->states), newest_first);
}

static bool is_for(const struct folder_state *s, const char *sop)
{
	for (unsigned i = 0; i < s->sops_n; i++)
		if (!strcmp(s->sops[i].s, sop))
			return true;
	return false;
}

const struct folder_state *folder_state(const struct folder *f, const char *sop, unsigned number)
{
	for (unsigned i = 0; number && i < f->states_n; i++)
		if (is_for(&f->states[i], sop) && !--number)
			return &f->states[i];
	return NULL;
}

unsigned folder_states(const struct folder *f, const char *sop)
{
	unsigned n = 0;
	while (folder_state(f, sop, n + 1))
		n++;
	return n;
}

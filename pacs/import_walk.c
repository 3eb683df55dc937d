#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pacs/base/bounds.h"
#include "pacs/base/durable.h"
#include "pacs/import_private.h"
#include "pacs/media/dicomdir.h"

/* A folder with a DICOMDIR, while the walk is below it. Nothing is opened by a name that the directory gives: files are found by
 * walking, and their names are looked up in it. */
struct file_set {
	struct dicomdir dir;
	bool *is_found;                  /* one for each file of dir */
	size_t root_len;                 /* of its folder's path, with the slash */
};

struct walk {
	struct import *im;
	char path[PATH_MAX];
	unsigned depth;
};

static void give_file(struct walk *w, bool is_unnamed)
{
	struct import_task *t = calloc(1, sizeof(*t));
	if (t && (t->name = strdup(w->path)) && (t->path = strdup(w->path))) {
		t->is_unnamed = is_unnamed;
		import_give(w->im, t);
		return;
	}
	if (t)
		import_task_free(t);
	import_note(w->im, IMPORT_FAILED, w->path, "no memory");
}

/* ---- file sets ---- */

static struct file_set *open_set(struct walk *w, const char *name)
{
	char path[PATH_MAX + 300], *file = NULL;
	size_t len;
	struct why why = { "" };
	struct file_set *s = calloc(1, sizeof(*s));
	snprintf(path, sizeof(path), "%s/%s", w->path, name);
	enum err e = s ? durable_slurp(path, BOUND_DICOMDIR, &file, &len, &why) : fail(&why, ERR_NOMEM, "no memory");
	if (!e)
		e = dicomdir_read(bytes_of(file, len), &s->dir, &why);
	free(file);
	if (!e && !(s->is_found = calloc(s->dir.count + 1, sizeof(bool))))
		e = fail(&why, ERR_NOMEM, "no memory");
	if (e || s->dir.is_cut)
		import_note(w->im, IMPORT_BAD_DIRECTORY, path, why.text);
	if (!e && s->dir.bad)
		import_note(w->im, IMPORT_BAD_DIRECTORY, path, "some of its file IDs cannot be names");
	if (!e) {
		s->root_len = strlen(w->path) + 1;
		return s;
	}
	if (s)
		dicomdir_fini(&s->dir);
	free(s);
	return NULL;
}

static void close_set(struct walk *w, struct file_set *s)
{
	if (!s)
		return;
	bool is_whole = !import_is_stopping(w->im);      /* else nobody looked everywhere */
	for (size_t i = 0; is_whole && i < s->dir.count; i++) {
		char name[PATH_MAX + 300];
		snprintf(name, sizeof(name), "%s/%.290s", w->path, s->dir.files[i].name);
		if (!s->is_found[i])
			import_note(w->im, IMPORT_MISSING, name, s->dir.files[i].type);
	}
	dicomdir_fini(&s->dir);
	free(s->is_found);
	free(s);
}

/* Does the set's directory name the file in hand? */
static bool is_named(const struct walk *w, struct file_set *s)
{
	char name[PATH_MAX];
	if (!dicomdir_name(w->path + s->root_len, name, sizeof(name)))
		return false;
	const struct dicomdir_entry *f = dicomdir_find(&s->dir, name);
	if (f)
		s->is_found[f - s->dir.files] = true;
	return f != NULL;
}

/* ---- folders ---- */

static int is_visible(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

static void walk_folder(struct walk *w, struct file_set *outer);

static void walk_entry(struct walk *w, struct file_set *s)
{
	struct stat link, st;
	if (lstat(w->path, &link) || stat(w->path, &st))
		import_note(w->im, IMPORT_UNREADABLE, w->path, strerror(errno));
	else if (S_ISDIR(st.st_mode) && S_ISLNK(link.st_mode))
		import_note(w->im, IMPORT_LINK, w->path, NULL);
	else if (S_ISDIR(st.st_mode))
		walk_folder(w, s);
	else if (!S_ISREG(st.st_mode))
		import_note(w->im, IMPORT_SPECIAL, w->path, NULL);
	else if (import_is_zip(w->path))
		import_take_zip(w->im, w->path, w->path);
	else
		give_file(w, s && !is_named(w, s) && !w->im->o->with_unnamed);
}

static bool is_file(const struct walk *w, const char *name)
{
	char path[PATH_MAX + 300];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", w->path, name);
	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* A folder's own directory file counts from here downwards. */
static struct file_set *set_of(struct walk *w, struct dirent **of, int n)
{
	for (int i = 0; i < n; i++)
		if (dicomdir_is_name(of[i]->d_name) && is_file(w, of[i]->d_name))
			return open_set(w, of[i]->d_name);
	return NULL;
}

static void walk_folder(struct walk *w, struct file_set *outer)
{
	struct dirent **of = NULL;
	size_t len = strlen(w->path);
	int n = w->depth < BOUND_MEDIA_DEPTH ? scandir(w->path, &of, is_visible, alphasort) : -1;
	if (n < 0) {
		import_note(w->im, IMPORT_UNREADABLE, w->path, w->depth < BOUND_MEDIA_DEPTH ? strerror(errno) : "folders are nested too deep");
		return;
	}
	struct file_set *own = set_of(w, of, n);
	w->depth++;
	for (int i = 0; i < n; i++) {
		if (!import_is_stopping(w->im)) {
			int more = snprintf(w->path + len, sizeof(w->path) - len, "/%s", of[i]->d_name);
			if (more < 0 || (size_t)more >= sizeof(w->path) - len)
				import_note(w->im, IMPORT_UNREADABLE, of[i]->d_name, "the path is too long");
			else
				walk_entry(w, own ? own : outer);
			w->path[len] = '\0';
		}
		free(of[i]);
	}
	w->depth--;
	free(of);
	close_set(w, own);
}

/* "DISC/DICOMDIR" is the disc. */
static bool cut_directory_name(char *path)
{
	char *slash = strrchr(path, '/');
	if (!dicomdir_is_name(slash ? slash + 1 : path))
		return false;
	if (slash)
		*(slash == path ? slash + 1 : slash) = '\0';
	else
		strcpy(path, ".");
	return true;
}

void import_walk(struct import *im, const char *path)
{
	struct stat st;
	struct walk *w = calloc(1, sizeof(*w));
	int n = w ? snprintf(w->path, sizeof(w->path), "%s", path) : -1;
	if (n <= 0 || (size_t)n >= sizeof(w->path)) {
		import_note(im, IMPORT_UNREADABLE, path, w ? "no path" : "no memory");
		free(w);
		return;
	}
	w->im = im;
	for (; n > 1 && w->path[n - 1] == '/'; n--)
		w->path[n - 1] = '\0';
	if (stat(w->path, &st))
		import_note(im, IMPORT_UNREADABLE, path, strerror(errno));
	else if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && cut_directory_name(w->path)))
		walk_folder(w, NULL);
	else
		walk_entry(w, NULL);
	free(w);
}

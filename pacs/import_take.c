#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/import_private.h"
#include "pacs/media/media_file.h"
#include "pacs/media/zip_in.h"

enum { PIECE = 1 << 20, PATIENCE_S = 120 };

/* ---- what a head tells ---- */

static const enum import_outcome passed_over[] = {
	[MEDIA_OBJECT] = IMPORT_WOULD, [MEDIA_DIRECTORY] = IMPORT_DIRECTORY, [MEDIA_ZIP] = IMPORT_NESTED,
	[MEDIA_NO_SYNTAX] = IMPORT_NO_SYNTAX, [MEDIA_NO_CLASS] = IMPORT_NO_CLASS, [MEDIA_OTHER] = IMPORT_NOT_DICOM,
};

/* False: no object to be copied, and it was said why. */
static bool is_wanted(struct import *im, const char *name, struct bytes head, bool is_unnamed, struct media_file *f)
{
	enum media_kind kind = media_recognise(head, f);
	if (kind != MEDIA_OBJECT) {
		import_note(im, passed_over[kind], name, kind == MEDIA_NO_SYNTAX ? f->meta.transfer_syntax.s : NULL);
		return false;
	}
	if (is_unnamed) {
		import_note(im, IMPORT_UNNAMED, name, "--unnamed imports it too");
		return false;
	}
	if (!im->o->is_dry)
		return true;
	struct index_instance known;
	pthread_mutex_lock(&im->mutex);
	bool is_there = im->index && !index_get_by_uid(im->index, f->meta.sop_instance.s, &known, NULL);
	pthread_mutex_unlock(&im->mutex);
	import_note(im, is_there ? IMPORT_SAME : IMPORT_WOULD, name, is_there ? "by its SOP Instance UID; contents were not compared" : NULL);
	return false;
}

/* ---- asking the owner ---- */

static bool may_wait(void *im)
{
	return !import_is_stopping(im);
}

static void adopt(struct import *im, struct import_task *t)
{
	static const struct { const char *said; enum import_outcome outcome; char letter; } table[] = {
		{ "stored", IMPORT_STORED, '+' }, { "same", IMPORT_SAME, '+' }, { "repaired", IMPORT_REPAIRED, '+' },
		{ "conflict", IMPORT_CONFLICT, 'c' }, { "quarantined", IMPORT_QUARANTINED, 'q' },
	};
	char said[16] = "";
	struct why why = { "" };
	enum err e = import_copy_adopt(&t->copy, PATIENCE_S, may_wait, im, said, &why);
	if (e == ERR_CLOSED || e == ERR_FULL || e == ERR_NOMEM)
		import_stop(im, e, &why);
	if (e) {
		import_note(im, IMPORT_FAILED, t->name, why.text[0] ? why.text : err_name(e));
		return;
	}
	for (size_t i = 0; i < NELEM(table); i++)
		if (!strcmp(table[i].said, said)) {
			pthread_mutex_lock(&im->mutex);
			import_journal_add(im->journal, &t->key, table[i].letter, t->sop.s);
			pthread_mutex_unlock(&im->mutex);
			import_note(im, table[i].outcome, t->name, why.text);
			return;
		}
	import_note(im, IMPORT_FAILED, t->name, "storescp gave an answer that is not known: its version is another");
}

/* ---- a file ---- */

/* Everything behind the old meta group. */
static enum err copy_rest(struct import *im, struct import_task *t, int from, uint64_t at, uint64_t size, struct why *why)
{
	uint8_t *piece = malloc(PIECE);
	enum err e = piece ? ERR_OK : fail(why, ERR_NOMEM, "no memory to copy a file");
	for (; !e && at < size; at += PIECE) {
		size_t n = size - at < PIECE ? (size_t)(size - at) : PIECE;
		e = durable_pread(from, piece, n, (off_t)at, why);
		if (e) {
			e = ERR_UNSUPPORTED;             /* the source's fault, not the node's */
			break;
		}
		e = import_copy_add(&t->copy, bytes_of(piece, n), why);
		if (!e)
			import_pace(im, n);
		if (!e && import_is_stopping(im))
			e = ERR_CANCELLED;
	}
	free(piece);
	return e;
}

/* A failed copy, said or acted upon. */
static void copy_failed(struct import *im, const char *name, enum err e, const struct why *why)
{
	if (e == ERR_CANCELLED)
		return;
	if (e == ERR_FULL || e == ERR_NOMEM || e == ERR_IO)
		import_stop(im, e, why);
	import_note(im, e == ERR_UNSUPPORTED || e == ERR_FORMAT ? IMPORT_UNREADABLE : e == ERR_LIMIT ? IMPORT_BOMB : IMPORT_FAILED, name, why->text);
}

static bool read_head(int fd, uint64_t size, uint8_t *head, size_t *len, struct why *why)
{
	*len = size < MEDIA_HEAD ? (size_t)size : MEDIA_HEAD;
	return !durable_pread(fd, head, *len, 0, why);
}

static void take_file(struct import *im, struct import_task *t, int fd, const struct stat *st)
{
	struct media_file f;
	struct why why = { "" };
	char real[PATH_MAX];
	uint8_t head[MEDIA_HEAD];
	size_t len;
	if (!read_head(fd, (uint64_t)st->st_size, head, &len, &why)) {
		import_note(im, IMPORT_UNREADABLE, t->name, why.text);
		return;
	}
	bool has_path = realpath(t->path, real) != NULL;
	t->key = import_key(has_path ? real : t->path, (uint64_t)st->st_size, (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec, 0, bytes_of(head, len));
	if (!t->is_unnamed && import_is_done(im, &t->key, t->name))
		return;
	if (!is_wanted(im, t->name, bytes_of(head, len), t->is_unnamed, &f))
		return;
	t->sop = f.meta.sop_instance;
	uint64_t at = f.meta.dataset_at;
	enum err e = import_copy_begin(&t->copy, im->conf, im->o->calling, &f.meta, &why);
	if (!e)
		e = copy_rest(im, t, fd, at, (uint64_t)st->st_size, &why);
	if (e)
		copy_failed(im, t->name, e, &why);
	else
		adopt(im, t);
}

void import_take(struct import *im, struct import_task *t)
{
	struct stat st;
	if (!t->path) {
		adopt(im, t);
		return;
	}
	int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		import_note(im, IMPORT_UNREADABLE, t->name, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		import_note(im, IMPORT_SPECIAL, t->name, NULL);
	else
		take_file(im, t, fd, &st);
	if (fd >= 0)
		close(fd);
}

/* ---- an archive ---- */

bool import_is_zip(const char *path)
{
	struct media_file f;
	uint8_t head[4];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is = fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) && media_recognise(bytes_of(head, sizeof(head)), &f) == MEDIA_ZIP;
	if (fd >= 0)
		close(fd);
	return is;
}

/* Fills the buffer as far as the entry goes. */
static enum err read_some(struct zip_in *z, uint8_t *p, size_t cap, size_t *len, struct why *why)
{
	enum err e = ERR_OK;
	size_t n = 1;
	for (*len = 0; !e && n && *len < cap; *len += n)
		e = zip_in_read(z, p + *len, cap - *len, &n, why);
	return e;
}

/* The rest of the entry whose head is in `piece`. */
static enum err copy_entry(struct import *im, struct import_task *t, struct zip_in *z, uint8_t *piece, size_t len, struct media_file *f, struct why *why)
{
	size_t skip = f->meta.dataset_at;
	enum err e = import_copy_begin(&t->copy, im->conf, im->o->calling, &f->meta, why);
	while (!e && len) {
		e = import_copy_add(&t->copy, bytes_of(piece + skip, len - skip), why);
		skip = 0;
		if (!e)
			import_pace(im, len);
		if (!e && import_is_stopping(im))
			e = ERR_CANCELLED;
		if (!e)
			e = read_some(z, piece, PIECE, &len, why);
	}
	return e;
}

/* Not looked at further than its head when it is no object: so nothing unpacks that is not wanted. */
static void take_entry(struct import *im, struct zip_in *z, const struct zip_entry *entry, const char *name, const char *real, const struct stat *st, uint8_t *piece)
{
	struct media_file f;
	struct why why = { "" };
	size_t len = 0;
	if (entry->is_encrypted) {
		import_note(im, IMPORT_ENCRYPTED, name, "unpack the archive first");
		return;
	}
	enum err e = read_some(z, piece, MEDIA_HEAD, &len, &why);
	if (e) {
		copy_failed(im, name, e, &why);
		return;
	}
	struct import_key key = import_key(real, (uint64_t)st->st_size, (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec, entry->number, bytes_of(piece, len));
	if (import_is_done(im, &key, name) || !is_wanted(im, name, bytes_of(piece, len), false, &f))
		return;
	struct import_task *t = calloc(1, sizeof(*t));
	if (!t || !(t->name = strdup(name))) {
		free(t);
		import_note(im, IMPORT_FAILED, name, "no memory");
		return;
	}
	t->key = key;
	t->sop = f.meta.sop_instance;
	e = copy_entry(im, t, z, piece, len, &f, &why);
	if (!e) {
		import_give(im, t);
		return;
	}
	copy_failed(im, name, e, &why);
	import_task_free(t);
}

void import_take_zip(struct import *im, const char *path, const char *name)
{
	struct zip_in *z = NULL;
	struct zip_entry entry;
	struct stat st;
	struct why why = { "" };
	char real[PATH_MAX], shown[PATH_MAX + 300];
	uint8_t *piece = malloc(PIECE);
	enum err e = !piece ? fail(&why, ERR_NOMEM, "no memory for an archive") : stat(path, &st) || !realpath(path, real) ? fail_errno(&why, ERR_FORMAT, "looking at it") : zip_in_open(path, &z, &why);
	while (!e && !import_is_stopping(im) && !(e = zip_in_next(z, &entry, &why))) {
		snprintf(shown, sizeof(shown), "%.4095s: %s", name, entry.name);
		take_entry(im, z, &entry, shown, real, &st, piece);
		if (zip_in_is_over(z))
			e = fail(&why, ERR_LIMIT, "the rest of the archive was not looked at");
	}
	if (e && e != ERR_END)
		import_note(im, e == ERR_LIMIT ? IMPORT_BOMB : IMPORT_UNREADABLE, name, why.text);
	zip_in_close(&z);
	free(piece);
}

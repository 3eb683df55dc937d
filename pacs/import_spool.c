#include "pacs/import_spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/ctl/ctl.h"
#include "pacs/folder.h"

#define PREFIX "import-"
#define S_NS 1000000000ull
enum { PIECE = 1 << 20, ANSWER_MS = 600000, NAP_MS = 200 };      /* a cine of GBs is read and synced before the answer */

struct full_path { char s[PATH_MAX]; };
static struct full_path full(const struct conf *conf, const char *relative)
{
	struct full_path p;
	snprintf(p.s, sizeof(p.s), "%.4000s/%.80s", conf->dir, relative);
	return p;
}

void import_spool_clean(const char *dir)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%.4000s/spool", dir);
	DIR *d = opendir(path);
	if (!d)
		return;
	for (const struct dirent *e; (e = readdir(d)); )
		if (!strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

/* An empty file of ours. */
static enum err make(struct import_copy *c, struct why *why)
{
	struct full_path p = full(c->conf, "spool/" PREFIX "XXXXXX");
	struct statvfs v;
	if (!statvfs(c->conf->dir, &v) && (uint64_t)v.f_bavail * v.f_frsize < (uint64_t)c->conf->reserve_mb << 20)
		return fail(why, ERR_FULL, "less than the reserve of %lu MB is free in %s: make room, then run the same command again", (unsigned long)c->conf->reserve_mb, c->conf->dir);
	int fd = mkostemp(p.s, O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "making a file in %s/spool", c->conf->dir);
	c->fd = fd;
	c->size = 0;
	snprintf(c->path, sizeof(c->path), "spool/%.57s", strrchr(p.s, '/') + 1);
	return ERR_OK;
}

static enum err append(struct import_copy *c, struct bytes piece, struct why *why)
{
	enum err e = durable_pwrite(c->fd, piece.p, piece.len, (off_t)c->size, why);
	if (!e)
		c->size += piece.len;
	return e;
}

enum err import_copy_begin(struct import_copy *c, const struct conf *conf, const char *calling, struct part10 *meta, struct why *why)
{
	struct buf head;
	*c = (struct import_copy){ .conf = conf, .fd = -1 };
	snprintf(meta->source_aet, sizeof(meta->source_aet), "%s", calling);
	meta->origin = (struct part10_origin){ .received_ms = clock_wall_ms(), .address = "import", .has_written = true };
	buf_init(&head, 4096);
	c->digest = digest_new();
	enum err e = c->digest ? part10_write(meta, &head) : ERR_NOMEM;
	if (e)
		fail(why, e, "no memory for a file's meta group");
	if (!e)
		e = make(c, why);
	if (!e)
		e = append(c, buf_view(&head), why);
	c->digest_at = part10_written_digest_at(buf_view(&head));
	buf_fini(&head);
	return e;
}

enum err import_copy_add(struct import_copy *c, struct bytes piece, struct why *why)
{
	digest_add(c->digest, piece);
	return append(c, piece, why);
}

/* The last byte is there: the file says now what was written into it. */
static enum err seal(struct import_copy *c, struct why *why)
{
	char hex[33];
	if (!c->digest_at)
		return ERR_OK;
	digest_hex(c->digest, hex);
	enum err e = durable_pwrite(c->fd, hex, sizeof(hex) - 1, (off_t)c->digest_at, why);
	if (!e)
		c->digest_at = 0;
	return e;
}

static void drop(struct import_copy *c)
{
	if (c->path[0])
		(void)unlink(full(c->conf, c->path).s);
	c->path[0] = '\0';
}

void import_copy_fini(struct import_copy *c)
{
	if (!c->conf)
		return;
	drop(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	digest_free(&c->digest);
}

/* From a file that has lost its name: its bytes are still ours. */
static enum err copy_anew(struct import_copy *c, struct why *why)
{
	struct import_copy old = *c;
	uint8_t *piece = malloc(PIECE);
	enum err e = piece ? make(c, why) : fail(why, ERR_NOMEM, "no memory to copy a file");
	for (uint64_t at = 0; !e && at < old.size; at += PIECE) {
		size_t n = old.size - at < PIECE ? (size_t)(old.size - at) : PIECE;
		e = durable_pread(old.fd, piece, n, (off_t)at, why);
		if (!e)
			e = append(c, bytes_of(piece, n), why);
	}
	free(piece);
	if (c->fd != old.fd) {
		drop(&old);
		close(old.fd);
	}
	return e;
}

static enum err ask_once(struct import_copy *c, char outcome[16], struct why *why)
{
	json_t *answer = NULL;
	enum err e = seal(c, why);
	if (!e)
		e = durable_sync(c->fd, c->path, why);
	if (!e)
		e = ctl_call(run_path(c->conf->dir, "storescp.sock").s, json_pack("{s:s,s:s}", "op", "adopt", "path", c->path), ANSWER_MS, &answer, why);
	if (!e) {
		const char *said = json_string_value(json_object_get(answer, "outcome")), *reason = json_string_value(json_object_get(answer, "why"));
		snprintf(outcome, 16, "%.15s", said ? said : "");
		snprintf(why->text, sizeof(why->text), "%.300s", reason ? reason : "");
		c->path[0] = '\0';               /* the owner has it */
	}
	json_decref(answer);
	return e;
}

enum err import_copy_adopt(struct import_copy *c, unsigned patience_s, bool (*may_wait)(void *arg), void *arg, char outcome[16], struct why *why)
{
	static const struct timespec nap = { .tv_nsec = NAP_MS * 1000000l };
	uint64_t deadline = clock_mono_ns() + (uint64_t)patience_s * S_NS;
	for (;;) {
		enum err e = ask_once(c, outcome, why);
		if ((e != ERR_CLOSED && e != ERR_NOT_FOUND) || clock_mono_ns() > deadline || !may_wait(arg))
			return e;
		nanosleep(&nap, NULL);
		if (access(full(c->conf, c->path).s, F_OK) && (e = copy_anew(c, why)))
			return e;
	}
}

#include "pacs/store/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/store/object.h"
#include "pacs/store/object_scan.h"
#include "pacs/store/pace.h"
#include "pacs/store/store_walk.h"

/* A bucket's worth: conflicts and garbage have numbers of the same kind, so a page never has more. */
enum { PAGE = 4096 };

static const struct { const char *name; bool is_damage; } faults[VERIFY_FAULTS] = {
	[VERIFY_MISSING] = { "missing", true }, [VERIFY_SIZE] = { "size", true }, [VERIFY_DIGEST] = { "digest", true },
	[VERIFY_UNREADABLE] = { "unreadable", true }, [VERIFY_META] = { "meta", false }, [VERIFY_HEADER] = { "header", false },
	[VERIFY_ORPHAN] = { "orphan", false }, [VERIFY_STRANGE] = { "strange", false }, [VERIFY_CONFLICT] = { "conflict", true },
	[VERIFY_GARBAGE] = { "garbage", false }, [VERIFY_QUARANTINE_ROW] = { "quarantine-row", true },
	[VERIFY_QUARANTINE_FILE] = { "quarantine-file", false }, [VERIFY_COUNTERS] = { "counters", false },
};

const char *verify_fault_name(enum verify_fault f)
{
	return f < VERIFY_FAULTS ? faults[f].name : "unknown";
}

bool verify_is_damage(enum verify_fault f)
{
	return f < VERIFY_FAULTS && faults[f].is_damage;
}

struct verify {
	const struct verify_options *o;
	struct index_reader *reader;
	struct survey *survey;
	struct verify_progress *p;
	struct pace pace;
	struct survey_row *rows;         /* PAGE, owned */
	size_t count;
	bool *seen;                      /* PAGE, owned: a file stands for this row */
	bool stop;
};

static void tell(struct verify *v, struct verify_finding *f, const struct survey_row *row, uint64_t oid)
{
	f->oid = oid;
	f->sop_uid = row ? row->what.sop_uid.s : "";
	f->study_uid = row ? row->what.study_uid.s : "";
	f->calling = row ? row->calling : "";
	f->instance = row ? row->what.instance : 0;
	if (!f->path[0] && oid)
		snprintf(f->path, sizeof(f->path), "%.200s", object_path("", oid).s + 1);
	v->p->faults[f->fault]++;
	if (v->o->on_finding)
		v->o->on_finding(v->o->arg, f);
}

static bool on_piece(void *arg, size_t bytes)
{
	struct verify *v = arg;
	v->p->bytes += bytes;
	pace_wait(&v->pace, bytes);
	return true;
}

/* ---- one image ---- */

static enum verify_fault compare_scan(const struct survey_row *row, const struct object_scan *s, struct why *why)
{
	const struct index_instance *k = &row->what;
	if (s->size != k->size)
		return fail(why, ERR_OK, "%llu bytes, its row says %llu", (unsigned long long)s->size, (unsigned long long)k->size), VERIFY_SIZE;
	if (s->meta.dataset_at != k->dataset_at)
		return fail(why, ERR_OK, "the data set begins at %zu, its row says %llu", s->meta.dataset_at, (unsigned long long)k->dataset_at), VERIFY_META;
	if (strcmp(s->digest, k->digest))
		return fail(why, ERR_OK, "digest %s, its row says %s", s->digest, k->digest), VERIFY_DIGEST;
	if (strcmp(s->meta.transfer_syntax.s, k->ts.s))
		return fail(why, ERR_OK, "transfer syntax %s, its row says %s", s->meta.transfer_syntax.s, k->ts.s), VERIFY_META;
	if (s->meta.sop_instance.s[0] && strcmp(s->meta.sop_instance.s, k->sop_uid.s))
		return fail(why, ERR_OK, "SOP instance %s, its row says %s", s->meta.sop_instance.s, k->sop_uid.s), VERIFY_META;
	return VERIFY_FAULTS;
}

/* The header that queries are answered from. A compressed file has another one than was received. */
static bool header_agrees(struct verify *v, const struct survey_row *row, const struct object_scan *s, struct why *why)
{
	uint8_t *kept = NULL;
	size_t len;
	int encoding;
	if (row->kind != SURVEY_INSTANCE || strcmp(row->what.digest, row->what.received_digest) || !s->walker)
		return true;
	struct bytes file = walker_header(s->walker);
	enum err e = index_header(v->reader, row->what.instance, &kept, &len, &encoding, why);
	bool same = !e && len == file.len && !memcmp(kept, file.p, len) && encoding == (int)walker_encoding(s->walker);
	if (!e && !same)
		fail(why, ERR_MISMATCH, "the index has a header of %zu bytes, the file one of %zu", len, file.len);
	free(kept);
	return same || (e && e != ERR_NOT_FOUND && e != ERR_FORMAT);
}

static enum verify_fault look(struct verify *v, const struct survey_row *row, struct why *why)
{
	const struct object_scan_options whole = { .on_piece = on_piece, .arg = v };
	struct object_scan s = { .size = 0 };
	uint64_t size;
	int fd;
	enum verify_fault f = VERIFY_FAULTS;
	enum err e = object_open(v->o->dir, row->what.oid, &fd, &size, why);
	if (e)
		return e == ERR_NOT_FOUND ? VERIFY_MISSING : VERIFY_UNREADABLE;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	e = object_scan(fd, &whole, &s, why);
	if (e == ERR_IO || e == ERR_NOMEM || e == ERR_END)
		f = e == ERR_END ? VERIFY_SIZE : VERIFY_UNREADABLE;
	else if ((f = compare_scan(row, &s, why)) == VERIFY_FAULTS && !e && !header_agrees(v, row, &s, why))
		f = VERIFY_HEADER;
	/* What ingest could take, it can take again; a file that was never readable has no row. */
	object_scan_fini(&s);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	return f;
}

/* The same number still stands for the same image: else it was replaced while we looked. */
static bool still_names(struct verify *v, const struct survey_row *row)
{
	struct survey_row now[4];
	size_t n;
	if (survey_page(v->survey, row->what.oid, row->what.oid + 1, now, NELEM(now), &n, NULL))
		return true;
	for (size_t i = 0; i < n; i++)
		if (now[i].kind == row->kind && now[i].what.instance == row->what.instance)
			return true;
	return false;
}

static void look_at_row(struct verify *v, size_t i)
{
	const struct survey_row *row = &v->rows[i];
	struct verify_finding f = { .fault = VERIFY_FAULTS };
	if (row->kind == SURVEY_GARBAGE) {
		if (v->seen[i] && still_names(v, row)) {
			f.fault = VERIFY_GARBAGE;
			fail(&f.why, ERR_OK, "replaced, and not removed yet; the next start of the node does");
			tell(v, &f, row, row->what.oid);
		}
		return;
	}
	if (row->received_ms < v->o->since_ms)
		return;
	f.fault = look(v, row, &f.why);
	v->p->files += row->kind == SURVEY_INSTANCE;
	if (f.fault == VERIFY_FAULTS || !still_names(v, row))
		return;
	if (row->kind == SURVEY_CONFLICT)
		f.fault = VERIFY_CONFLICT;
	tell(v, &f, row, row->what.oid);
}

/* ---- names on disk ---- */

struct names { struct verify *v; uint64_t bucket; };

static bool is_young(const struct verify *v, const char *path)
{
	struct stat st;
	return stat(path, &st) || st.st_ctim.tv_sec + (time_t)v->o->young_s > clock_wall_ms() / 1000;
}

static void strange(struct verify *v, const char *path)
{
	struct verify_finding f = { .fault = VERIFY_STRANGE };
	snprintf(f.path, sizeof(f.path), "%.300s", path);
	fail(&f.why, ERR_OK, "a name that this program never makes; look at it and move it away");
	tell(v, &f, NULL, 0);
}

static void strange_name(void *arg, const char *path)
{
	strange(arg, path);
}

static size_t row_of(const struct verify *v, uint64_t oid)
{
	size_t lo = 0, hi = v->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v->rows[mid].what.oid < oid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool on_name(void *arg, const char *path, bool is_object, uint64_t oid)
{
	struct names *n = arg;
	struct verify *v = n->v;
	bool has_row = false;
	if (!is_object || oid / PAGE != n->bucket) {
		strange(v, path);
		return true;
	}
	for (size_t i = row_of(v, oid); i < v->count && v->rows[i].what.oid == oid; i++)
		has_row = v->seen[i] = true;
	if (has_row || is_young(v, object_path(v->o->dir, oid).s))
		return true;
	struct verify_finding f = { .fault = VERIFY_ORPHAN };
	struct survey_row now[1];
	size_t count = 0;
	fail(&f.why, ERR_OK, "no row of the index names this file");
	if (!survey_page(v->survey, oid, oid + 1, now, 1, &count, NULL) && !count)
		tell(v, &f, NULL, oid);
	return true;
}

static enum err one_bucket(struct verify *v, uint64_t bucket, struct why *why)
{
	struct names n = { v, bucket };
	enum err e = survey_page(v->survey, bucket * PAGE, (bucket + 1) * PAGE, v->rows, PAGE, &v->count, why);
	memset(v->seen, 0, PAGE * sizeof(*v->seen));
	if (!e)
		e = store_walk_bucket(v->o->dir, bucket, on_name, &n, why);
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;              /* no folder: then every row's file is missing */
	for (size_t i = 0; !e && i < v->count; i++) {
		if (v->rows[i].what.oid < v->o->first)
			continue;
		look_at_row(v, i);
		v->p->next_oid = v->rows[i].what.oid + 1;
		if (v->o->on_progress && !v->o->on_progress(v->o->arg, v->p))
			e = fail(why, ERR_CANCELLED, "stopped");
	}
	return e;
}

/* ---- quarantine, counters ---- */

static bool quarantine_row(void *arg, const char *path, const char *reason)
{
	struct verify *v = arg;
	char full[4400];
	struct verify_finding f = { .fault = VERIFY_QUARANTINE_ROW };
	snprintf(full, sizeof(full), "%s/%s", v->o->dir, path);
	if (!access(full, F_OK))
		return true;
	snprintf(f.path, sizeof(f.path), "%.300s", path);
	fail(&f.why, ERR_OK, "kept in quarantine (%s), and gone", reason);
	tell(v, &f, NULL, 0);
	return true;
}

static void quarantine_files(struct verify *v)
{
	char dir[4400], path[320];
	snprintf(dir, sizeof(dir), "%s/quarantine", v->o->dir);
	DIR *d = opendir(dir);
	for (struct dirent *de; d && (de = readdir(d)); ) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "quarantine/%.300s", de->d_name);
		snprintf(dir, sizeof(dir), "%s/%s", v->o->dir, path);
		if (survey_has_quarantine(v->survey, path) || is_young(v, dir))
			continue;
		struct verify_finding f = { .fault = VERIFY_QUARANTINE_FILE };
		snprintf(f.path, sizeof(f.path), "%s", path);
		fail(&f.why, ERR_OK, "no row tells why; the next start of the node makes one");
		tell(v, &f, NULL, 0);
	}
	if (d)
		closedir(d);
}

static bool counters(void *arg, uint64_t study, const char *study_uid)
{
	struct verify *v = arg;
	struct survey_row row = { .what = { .instance = study } };
	struct verify_finding f = { .fault = VERIFY_COUNTERS };
	snprintf(row.what.study_uid.s, sizeof(row.what.study_uid.s), "%s", study_uid);
	fail(&f.why, ERR_OK, "the numbers of images and bytes of study %s are not those of its images", study_uid);
	tell(v, &f, &row, 0);
	return true;
}

static enum err the_rest(struct verify *v, struct why *why)
{
	quarantine_files(v);
	enum err e = survey_quarantine(v->survey, quarantine_row, v, why);
	return e ? e : survey_counters(v->survey, counters, v, why);
}

/* ---- all ---- */

static enum err all_buckets(struct verify *v, struct why *why)
{
	struct store_buckets disk;
	enum err e = store_buckets_read(v->o->dir, &disk, strange_name, v, why);
	uint64_t next = v->o->first / PAGE;
	size_t at = 0;
	while (!e) {
		uint64_t oid = 0;
		enum err rows = survey_next_oid(v->survey, next * PAGE, &oid, why);
		if (rows && rows != ERR_END) {
			e = rows;
			break;
		}
		while (at < disk.count && disk.bucket[at] < next)
			at++;
		if (rows == ERR_END && at == disk.count)
			break;
		uint64_t bucket = rows == ERR_END ? disk.bucket[at] : oid / PAGE;
		if (at < disk.count && disk.bucket[at] < bucket)
			bucket = disk.bucket[at];
		e = one_bucket(v, bucket, why);
		next = bucket + 1;
	}
	store_buckets_free(&disk);
	return e;
}

enum err verify_run(struct index_reader *r, const struct verify_options *o, struct verify_progress *out, struct why *why)
{
	struct verify v = { .o = o, .reader = r, .p = out, .rows = calloc(PAGE, sizeof(*v.rows)), .seen = calloc(PAGE, sizeof(*v.seen)) };
	*out = (struct verify_progress){ .next_oid = o->first };
	pace_init(&v.pace, o->rate);
	enum err e = v.rows && v.seen ? survey_open(r, &v.survey, why) : fail(why, ERR_NOMEM, "no memory for a survey");
	if (!e)
		e = survey_total(v.survey, &out->all_files, &out->all_bytes, why);
	if (!e)
		e = all_buckets(&v, why);
	if (!e && !o->files_only)
		e = the_rest(&v, why);
	survey_close(&v.survey);
	free(v.rows);
	free(v.seen);
	return e;
}

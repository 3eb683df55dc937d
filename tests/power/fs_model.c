#include "tests/power/fs_model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, SYNCS = 64 };
static const size_t NONE = SIZE_MAX;     /* a change of a name that has no effect any more */

struct content { uint8_t *p; size_t len, cap; };

/* An unsynced write (data) or change of size (data NULL). */
struct change { uint64_t at; size_t len; const uint8_t *data; uint64_t size; };

struct node;
struct entry { char *name; struct node *live, *durable; };

/* An unsynced change of a name; both halves of a rename carry the same group and know each other's directory. */
struct name_change { size_t entry; struct node *now; uint64_t group; struct node *partner; };

struct node {
	struct node *next_all;
	uint64_t number;
	bool is_dir;
	uint64_t first;                  /* number of changes[0]: those before it are durable */
	/* a file */
	struct content live, durable;
	struct change *changes;
	/* a directory */
	struct entry *entries;
	size_t entry_count;
	struct name_change *names;
	size_t count;                    /* of changes or of names */
	/* while one cut is written */
	uint64_t cut_mark;
	char *cut_path;
};

struct fs_model {
	struct node *all, *root;
	struct node **by_inode;          /* open addressing: inode, node */
	uint64_t *inodes;
	size_t slots, used;
	struct { uint64_t number, upto; struct node *node; } sync[SYNCS];
	uint64_t next_number, next_group, cuts;
	bool split;
};

static void *need(void *p)
{
	if (p)
		return p;
	fprintf(stderr, "fs_model: no memory\n");
	exit(2);
}

/* Room for one more in an array that grows by doubling. */
static void *grown(void *p, size_t count, size_t size)
{
	return count & (count - 1) ? p : need(realloc(p, (count ? count * 2 : 1) * size));
}

static bool odd(const char *what, const char *which)
{
	printf("# the log does not fit: %s %s\n", what, which);
	return false;
}

/* ---- nodes and names ---- */

static struct node *node_new(struct fs_model *m, bool is_dir)
{
	struct node *n = need(calloc(1, sizeof(*n)));
	n->is_dir = is_dir;
	n->number = ++m->next_number;
	n->next_all = m->all;
	m->all = n;
	return n;
}

static struct entry *entry_of(struct node *dir, const char *name, size_t len, bool make)
{
	for (size_t i = 0; i < dir->entry_count; i++)
		if (!strncmp(dir->entries[i].name, name, len) && !dir->entries[i].name[len])
			return &dir->entries[i];
	if (!make)
		return NULL;
	dir->entries = grown(dir->entries, dir->entry_count, sizeof(*dir->entries));
	dir->entries[dir->entry_count] = (struct entry){ .name = need(strndup(name, len)) };
	return &dir->entries[dir->entry_count++];
}

/* The directory that holds the last part of path; *name is that part. */
static struct node *parent_of(struct fs_model *m, const char *path, const char **name)
{
	struct node *dir = m->root;
	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
		const struct entry *e = entry_of(dir, path, (size_t)(slash - path), false);
		if (!e || !e->live || !e->live->is_dir)
			return NULL;
		dir = e->live;
	}
	*name = path;
	return dir;
}

static struct node *lookup(struct fs_model *m, const char *path)
{
	const char *name;
	if (!*path)
		return m->root;
	struct node *dir = parent_of(m, path, &name);
	const struct entry *e = dir ? entry_of(dir, name, strlen(name), false) : NULL;
	return e ? e->live : NULL;
}

static bool set_name(struct fs_model *m, const char *path, struct node *now, uint64_t group, struct node *partner, struct node **dir_out)
{
	const char *name;
	struct node *dir = parent_of(m, path, &name);
	if (!dir)
		return odd("no such folder:", path);
	struct entry *e = entry_of(dir, name, strlen(name), true);
	e->live = now;
	dir->names = grown(dir->names, dir->count, sizeof(*dir->names));
	dir->names[dir->count++] = (struct name_change){ (size_t)(e - dir->entries), now, group, partner };
	if (dir_out)
		*dir_out = dir;
	return true;
}

/* ---- inodes ---- */

static size_t slot_of(const struct fs_model *m, uint64_t inode)
{
	size_t at = (size_t)(inode * 0x9E3779B97F4A7C15u >> 20) % m->slots;
	while (m->by_inode[at] && m->inodes[at] != inode)
		at = (at + 1) % m->slots;
	return at;
}

static void bind_inode(struct fs_model *m, uint64_t inode, struct node *n)
{
	if (m->used * 2 >= m->slots) {
		struct fs_model old = *m;
		m->slots = m->slots ? m->slots * 2 : 1024;
		m->by_inode = need(calloc(m->slots, sizeof(*m->by_inode)));
		m->inodes = need(calloc(m->slots, sizeof(*m->inodes)));
		for (size_t i = 0; i < old.slots; i++)
			if (old.by_inode[i]) {
				size_t at = slot_of(m, old.inodes[i]);
				m->by_inode[at] = old.by_inode[i];
				m->inodes[at] = old.inodes[i];
			}
		free(old.by_inode);
		free(old.inodes);
	}
	size_t at = slot_of(m, inode);
	m->used += !m->by_inode[at];
	m->by_inode[at] = n;
	m->inodes[at] = inode;
}

static struct node *by_inode(const struct fs_model *m, uint64_t inode)
{
	return m->slots ? m->by_inode[slot_of(m, inode)] : NULL;
}

/* ---- contents ---- */

static void resize(struct content *c, size_t len)
{
	if (len > c->cap) {
		c->cap = len > 2 * c->cap ? len : 2 * c->cap;
		c->p = need(realloc(c->p, c->cap));
	}
	if (len > c->len)
		memset(c->p + c->len, 0, len - c->len);
	c->len = len;
}

static void apply(struct content *c, const struct change *ch)
{
	if (ch->data) {
		if (ch->at + ch->len > c->len)
			resize(c, ch->at + ch->len);
		memcpy(c->p + ch->at, ch->data, ch->len);
	} else {
		resize(c, ch->size);
	}
}

static void add_change(struct node *n, struct change ch)
{
	apply(&n->live, &ch);
	ch.size = n->live.len;
	n->changes = grown(n->changes, n->count, sizeof(*n->changes));
	n->changes[n->count++] = ch;
}

/* ---- becoming durable ---- */

static void fold_file(struct node *n, size_t upto)
{
	for (size_t i = 0; i < upto; i++)
		apply(&n->durable, &n->changes[i]);
	memmove(n->changes, n->changes + upto, (n->count - upto) * sizeof(*n->changes));
}

/* The other half of a rename that is durable here: the journal has both, and so what that name was before is over. */
static void fold_partner(struct node *dir, uint64_t group)
{
	size_t at = 0;
	while (group && dir && at < dir->count && dir->names[at].group != group)
		at++;
	if (!group || !dir || at == dir->count)
		return;
	size_t entry = dir->names[at].entry;
	dir->entries[entry].durable = dir->names[at].now;
	for (size_t i = 0; i <= at; i++)
		if (dir->names[i].entry == entry)
			dir->names[i] = (struct name_change){ .entry = NONE };
}

static void fold_dir(struct node *n, size_t upto)
{
	for (size_t i = 0; i < upto; i++) {
		const struct name_change *c = &n->names[i];
		if (c->entry == NONE)
			continue;
		n->entries[c->entry].durable = c->now;
		fold_partner(c->partner == n ? NULL : c->partner, c->group);
	}
	memmove(n->names, n->names + upto, (n->count - upto) * sizeof(*n->names));
}

static void fold(struct node *n, uint64_t upto)
{
	if (upto <= n->first)
		return;
	size_t k = (size_t)(upto - n->first);
	if (n->is_dir)
		fold_dir(n, k);
	else
		fold_file(n, k);
	n->count -= k;
	n->first = upto;
}

static bool sync_begin(struct fs_model *m, const struct power_event *ev)
{
	struct node *n = by_inode(m, ev->inode);
	if (!n)
		return odd("a sync of what was never opened", "");
	for (size_t i = 0; i < SYNCS; i++)
		if (!m->sync[i].node) {
			m->sync[i].node = n;
			m->sync[i].number = ev->a;
			m->sync[i].upto = n->first + n->count;
			return true;
		}
	return odd("too many syncs at once", "");
}

static bool sync_end(struct fs_model *m, const struct power_event *ev)
{
	for (size_t i = 0; i < SYNCS; i++)
		if (m->sync[i].node && m->sync[i].number == ev->a) {
			fold(m->sync[i].node, m->sync[i].upto);
			m->sync[i].node = NULL;
			return true;
		}
	return odd("a sync ends that never began", "");
}

/* ---- the log ---- */

static bool open_file(struct fs_model *m, const struct power_event *ev, const char *path)
{
	struct node *n = lookup(m, path);
	if (!n) {
		n = node_new(m, false);
		if (!set_name(m, path, n, 0, NULL, NULL))
			return false;
	}
	bind_inode(m, ev->inode, n);
	if ((ev->a & O_TRUNC) && n->live.len)
		add_change(n, (struct change){ .size = 0 });
	return true;
}

static bool two_names(struct fs_model *m, const char *from, const char *to, bool is_rename)
{
	struct node *n = lookup(m, from), *to_dir = NULL, *from_dir = NULL;
	uint64_t group = is_rename && !m->split ? ++m->next_group : 0;
	if (!n)
		return odd("a new name for what is not there:", from);
	if (!set_name(m, to, n, group, NULL, &to_dir))
		return false;
	if (!is_rename)
		return true;
	if (!set_name(m, from, NULL, group, to_dir, &from_dir))
		return false;
	/* In one directory the removal comes behind; the other half is found by its group. */
	for (size_t i = to_dir->count; i--; )
		if (to_dir->names[i].group == group && to_dir->names[i].now)
			to_dir->names[i].partner = from_dir;
	return true;
}

static bool file_change(struct fs_model *m, const struct power_event *ev, struct bytes data)
{
	struct node *n = by_inode(m, ev->inode);
	if (!n || n->is_dir)
		return odd("a change of a file that was never opened", "");
	if (ev->kind == POWER_WRITE)
		add_change(n, (struct change){ .at = ev->a, .len = data.len, .data = data.p });
	else
		add_change(n, (struct change){ .size = ev->a });
	return true;
}

static bool make_dir(struct fs_model *m, const struct power_event *ev, const char *path)
{
	struct node *n = node_new(m, true);
	bind_inode(m, ev->inode, n);
	return set_name(m, path, n, 0, NULL, NULL);
}

bool fs_model_feed(struct fs_model *m, const struct power_event *ev, struct bytes data)
{
	const char *path = (const char *)data.p;
	switch ((enum power_kind)ev->kind) {
	case POWER_OPEN: return open_file(m, ev, path);
	case POWER_WRITE:
	case POWER_TRUNCATE: return file_change(m, ev, data);
	case POWER_MKDIR: return make_dir(m, ev, path);
	case POWER_UNLINK:
	case POWER_RMDIR: return set_name(m, path, NULL, 0, NULL, NULL);
	case POWER_RENAME: return two_names(m, path, path + strlen(path) + 1, true);
	case POWER_LINK: return two_names(m, path, path + strlen(path) + 1, false);
	case POWER_SYNC_BEGIN: return sync_begin(m, ev);
	case POWER_SYNC_END: return sync_end(m, ev);
	case POWER_SEND: return true;
	}
	return odd("an unknown record", "");
}

size_t fs_model_pending(const struct fs_model *m)
{
	size_t all = 0;
	for (const struct node *n = m->all; n; n = n->next_all)
		all += n->count;
	return all;
}

/* ---- the beginning ---- */

static bool read_content(struct content *c, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && !fstat(fd, &st);
	if (ok) {
		resize(c, (size_t)st.st_size);
		for (size_t at = 0; ok && at < c->len; ) {
			ssize_t n = pread(fd, c->p + at, c->len - at, (off_t)at);
			ok = n > 0;
			at += ok ? (size_t)n : 0;
		}
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool load(struct fs_model *m, struct node *dir, const char *path)
{
	DIR *d = opendir(path);
	bool ok = d != NULL;
	for (struct dirent *de; ok && (de = readdir(d)); ) {
		char below[PATH_MAX];
		struct stat st;
		snprintf(below, sizeof(below), "%s/%s", path, de->d_name);
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") || lstat(below, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			continue;
		struct node *n = node_new(m, S_ISDIR(st.st_mode));
		struct entry *e = entry_of(dir, de->d_name, strlen(de->d_name), true);
		e->live = e->durable = n;
		bind_inode(m, st.st_ino, n);
		if (n->is_dir) {
			ok = load(m, n, below);
		} else {
			ok = read_content(&n->durable, below);
			resize(&n->live, n->durable.len);
			if (n->live.len)
				memcpy(n->live.p, n->durable.p, n->live.len);
		}
	}
	if (d)
		closedir(d);
	return ok;
}

struct fs_model *fs_model_new(const char *root, bool split)
{
	struct fs_model *m = need(calloc(1, sizeof(*m)));
	m->split = split;
	struct stat st;
	m->root = node_new(m, true);
	if (stat(root, &st) || !load(m, m->root, root))
		fs_model_free(&m);
	else
		bind_inode(m, st.st_ino, m->root);
	return m;
}

void fs_model_free(struct fs_model **m)
{
	if (!*m)
		return;
	for (struct node *n = (*m)->all; n; ) {
		struct node *next = n->next_all;
		for (size_t i = 0; i < n->entry_count; i++)
			free(n->entries[i].name);
		free(n->entries);
		free(n->names);
		free(n->changes);
		free(n->live.p);
		free(n->durable.p);
		free(n->cut_path);
		free(n);
		n = next;
	}
	free((*m)->by_inode);
	free((*m)->inodes);
	free(*m);
	*m = NULL;
}

/* ---- a cut ---- */

static uint64_t mixed(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9E3779B97F4A7C15u ^ (b + 0x632BE59BD9B4E019u) * 0xD6E8FEB86659FD93u;
	x ^= x >> 32;
	x *= 0xD6E8FEB86659FD93u;
	return x ^ x >> 29;
}

/* The same question gets the same answer within one cut. */
static bool chance(const struct fs_cut *cut, uint64_t what, uint64_t which)
{
	return cut->kept >= 1 || (cut->kept > 0 && (double)(mixed(cut->seed ^ what << 17, which) >> 11) / 9007199254740992.0 < cut->kept);
}

/* How many of the unsynced changes one piece (a sector, the size) has seen. */
static size_t reached(const struct fs_cut *cut, const struct node *n, uint64_t piece)
{
	uint64_t r = mixed(cut->seed ^ n->number << 20, piece);
	if (!chance(cut, n->number, piece))
		return 0;
	/* By half it is the newest, as the pages of a file are often written together. */
	return cut->kept >= 1 || r & 1 ? n->count : (size_t)((r >> 8) % (n->count + 1));
}

static void put_piece(uint8_t *out, size_t from, size_t to, const struct change *ch, size_t old_len)
{
	size_t at = ch->data ? ch->at : ch->size, end = ch->data ? ch->at + ch->len : old_len;
	at = at > from ? at : from;
	end = end < to ? end : to;
	if (at >= end)
		return;
	if (ch->data)
		memcpy(out + at, ch->data + (at - ch->at), end - at);
	else
		memset(out + at, 0, end - at);
}

static void cut_content(const struct fs_cut *cut, const struct node *n, struct content *out)
{
	size_t seen = reached(cut, n, UINT64_MAX), most = n->durable.len;
	for (size_t i = 0; i < n->count; i++)
		most = n->changes[i].size > most ? n->changes[i].size : most;
	resize(out, most);
	if (n->durable.len)
		memcpy(out->p, n->durable.p, n->durable.len);
	if (cut->junk)
		for (size_t at = n->durable.len; at < most; at++)
			out->p[at] = (uint8_t)(mixed(cut->seed, at / 8) >> at % 8 * 8);
	for (size_t from = 0; n->count && from < most; from += SECTOR) {
		size_t upto = reached(cut, n, from / SECTOR), to = from + SECTOR < most ? from + SECTOR : most, len = n->durable.len;
		for (size_t i = 0; i < upto; i++) {
			put_piece(out->p, from, to, &n->changes[i], len);
			len = n->changes[i].size;
		}
	}
	resize(out, seen ? n->changes[seen - 1].size : n->durable.len);
}

static bool write_file(const char *path, const struct content *c)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool ok = fd >= 0;
	for (size_t at = 0; ok && at < c->len; ) {
		ssize_t n = write(fd, c->p + at, c->len - at);
		ok = n > 0;
		at += ok ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool cut_node(struct node *n, const struct fs_cut *cut, uint64_t mark, const char *path);

static bool cut_file(struct node *n, const struct fs_cut *cut, uint64_t mark, const char *path)
{
	struct content out = { 0 };
	if (n->cut_mark == mark && n->cut_path)
		return !link(n->cut_path, path);         /* it has two names */
	cut_content(cut, n, &out);
	bool ok = write_file(path, &out);
	free(out.p);
	free(n->cut_path);
	n->cut_path = need(strdup(path));
	n->cut_mark = mark;
	return ok;
}

static bool cut_dir(struct node *n, const struct fs_cut *cut, uint64_t mark, const char *path)
{
	struct node **now = need(calloc(n->entry_count + 1, sizeof(*now)));
	bool ok = !mkdir(path, 0755);
	for (size_t i = 0; i < n->entry_count; i++)
		now[i] = n->entries[i].durable;
	for (size_t i = 0; i < n->count; i++) {
		const struct name_change *c = &n->names[i];
		if (c->entry == NONE)
			continue;
		if (c->group ? chance(cut, UINT64_MAX, c->group) : chance(cut, n->number, i + n->first))
			now[c->entry] = c->now;
	}
	for (size_t i = 0; ok && i < n->entry_count; i++) {
		char below[PATH_MAX];
		snprintf(below, sizeof(below), "%s/%s", path, n->entries[i].name);
		if (now[i])
			ok = cut_node(now[i], cut, mark, below);
	}
	free(now);
	return ok;
}

static bool cut_node(struct node *n, const struct fs_cut *cut, uint64_t mark, const char *path)
{
	return n->is_dir ? cut_dir(n, cut, mark, path) : cut_file(n, cut, mark, path);
}

bool fs_model_cut(const struct fs_model *m, const struct fs_cut *cut, const char *dir)
{
	/* What it notes in the nodes is of this cut only. */
	bool ok = cut_node(m->root, cut, ++((struct fs_model *)(uintptr_t)m)->cuts, dir);
	if (!ok)
		printf("# writing %s: %s\n", dir, strerror(errno));
	return ok;
}

/* ---- against the truth ---- */

static bool same_file(const struct node *n, const char *path)
{
	struct content real = { 0 };
	bool ok = read_content(&real, path) && real.len == n->live.len && (!real.len || !memcmp(real.p, n->live.p, real.len));
	if (!ok)
		printf("# model and disk differ: %s (%zu and %zu bytes)\n", path, n->live.len, real.len);
	free(real.p);
	return ok;
}

static bool is_mapped(const char *name)
{
	size_t n = strlen(name);
	return n > 4 && !strcmp(name + n - 4, "-shm");   /* written through memory; holds nothing that must survive */
}

static bool same_dir(struct node *n, const char *path)
{
	bool ok = true;
	size_t there = 0, known = 0;
	DIR *d = opendir(path);
	for (size_t i = 0; i < n->entry_count; i++) {
		char below[PATH_MAX];
		struct node *child = n->entries[i].live;
		snprintf(below, sizeof(below), "%s/%s", path, n->entries[i].name);
		if (!child || is_mapped(n->entries[i].name))
			continue;
		known++;
		ok &= child->is_dir ? same_dir(child, below) : same_file(child, below);
	}
	for (struct dirent *de; d && (de = readdir(d)); )
		there += (de->d_type == DT_REG || de->d_type == DT_DIR) && strcmp(de->d_name, ".") && strcmp(de->d_name, "..") && !is_mapped(de->d_name);
	if (d)
		closedir(d);
	if (there != known)
		printf("# model and disk differ: %s has %zu names, the model %zu\n", path, there, known);
	return ok && there == known;
}

bool fs_model_equals(const struct fs_model *m, const char *root)
{
	return same_dir(m->root, root);
}

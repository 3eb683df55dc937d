#include "pacs/import_journal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/bounds.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { KEY_HEX = 32, PIECE = 1 << 20, LINE_MAX_LEN = KEY_HEX + 3 + BOUND_UID + 1 };

struct slot { struct import_key key; uint32_t at; char outcome; };       /* at: of its line, in units of one byte; outcome 0: free */

struct import_journal {
	int fd;
	uint32_t end;                    /* BOUND_IMPORT_JOURNAL fits */
	struct slot *slots;
	size_t cap, count;               /* cap: a power of two */
};

struct import_key import_key(const char *real_path, uint64_t size, int64_t mtime_ns, uint64_t number, struct bytes head)
{
	struct import_key k;
	char text[PATH_MAX + 100];
	int n = snprintf(text, sizeof(text), "%016llx %llu %lld %llu %.4095s", (unsigned long long)XXH3_64bits(head.p, head.len), (unsigned long long)size, (long long)mtime_ns, (unsigned long long)number, real_path);
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits(text, (size_t)n));
	memcpy(k.of, c.digest, sizeof(k.of));
	return k;
}

static struct slot *slot_of(const struct import_journal *j, const struct import_key *key)
{
	uint64_t h;
	memcpy(&h, key->of, sizeof(h));
	for (size_t i = (size_t)h & (j->cap - 1); ; i = (i + 1) & (j->cap - 1))
		if (!j->slots[i].outcome || !memcmp(&j->slots[i].key, key, sizeof(*key)))
			return &j->slots[i];
}

static bool grow(struct import_journal *j)
{
	struct import_journal bigger = { .cap = j->cap ? 2 * j->cap : 1024 };
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < j->cap; i++)
		if (j->slots[i].outcome)
			*slot_of(&bigger, &j->slots[i].key) = j->slots[i];
	free(j->slots);
	j->slots = bigger.slots;
	j->cap = bigger.cap;
	return true;
}

static void put(struct import_journal *j, const struct import_key *key, char outcome, uint32_t at)
{
	if (j->count * 4 >= j->cap * 3 && !grow(j) && j->count + 1 >= j->cap)
		return;
	struct slot *s = slot_of(j, key);
	j->count += !s->outcome;
	*s = (struct slot){ .key = *key, .at = at, .outcome = outcome };
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A line without its end. */
static bool read_line(const char *s, size_t len, struct import_key *key, char *outcome)
{
	if (len < KEY_HEX + 3 || len >= LINE_MAX_LEN || s[KEY_HEX] != ' ' || s[KEY_HEX + 2] != ' ' || !memchr("+cq", s[KEY_HEX + 1], 3))
		return false;
	for (size_t i = 0; i < sizeof(key->of); i++) {
		int high = digit(s[2 * i]), low = digit(s[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		key->of[i] = (uint8_t)(high << 4 | low);
	}
	*outcome = s[KEY_HEX + 1];
	return true;
}

static enum err load(struct import_journal *j, struct why *why)
{
	char *piece = malloc(PIECE);
	size_t have = 0;
	enum err e = piece ? ERR_OK : fail(why, ERR_NOMEM, "no memory to read import.journal");
	while (!e) {
		ssize_t n = pread(j->fd, piece + have, PIECE - have, (off_t)j->end + (off_t)have);
		if (n < 0)
			e = fail_errno(why, ERR_IO, "reading import.journal");
		if (n <= 0)
			break;
		have += (size_t)n;
		size_t used = 0;
		for (char *end; (end = memchr(piece + used, '\n', have - used)); used = (size_t)(end - piece) + 1) {
			struct import_key key;
			char outcome;
			if (read_line(piece + used, (size_t)(end - piece) - used, &key, &outcome))
				put(j, &key, outcome, j->end + (uint32_t)used);
		}
		if (!used && have == PIECE)
			used = have;                     /* no line is that long */
		memmove(piece, piece + used, have - used);
		have -= used;
		j->end += (uint32_t)used;
	}
	free(piece);
	/* What a kill cut off goes, or the next line would be spoilt by it. */
	if (!e && have && ftruncate(j->fd, (off_t)j->end))
		e = fail_errno(why, ERR_IO, "cutting import.journal");
	return e;
}

enum err import_journal_open(const char *dir, struct import_journal **out, struct why *why)
{
	char path[PATH_MAX];
	struct stat st;
	struct import_journal *j = calloc(1, sizeof(*j));
	*out = NULL;
	if (!j || !grow(j)) {
		free(j);
		return fail(why, ERR_NOMEM, "no memory for the journal");
	}
	snprintf(path, sizeof(path), "%.4000s/import.journal", dir);
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum err e = j->fd < 0 || fstat(j->fd, &st) ? fail_errno(why, ERR_IO, "opening %s", path) : ERR_OK;
	if (!e && st.st_size > BOUND_IMPORT_JOURNAL && ftruncate(j->fd, 0))
		e = fail_errno(why, ERR_IO, "emptying %s", path);
	if (!e)
		e = load(j, why);
	if (e) {
		import_journal_close(&j);
		return e;
	}
	*out = j;
	return ERR_OK;
}

void import_journal_close(struct import_journal **j)
{
	if (!*j)
		return;
	if ((*j)->fd >= 0)
		close((*j)->fd);
	free((*j)->slots);
	free(*j);
	*j = NULL;
}

char import_journal_find(const struct import_journal *j, const struct import_key *key, struct uid *sop)
{
	const struct slot *s = slot_of(j, key);
	char line[LINE_MAX_LEN + 1] = "";
	*sop = (struct uid){ "" };
	if (!s->outcome)
		return 0;
	ssize_t n = pread(j->fd, line, LINE_MAX_LEN, (off_t)s->at);
	if (n < KEY_HEX + 3)
		return 0;
	line[n] = '\0';
	char *uid = line + KEY_HEX + 3;
	uid[strcspn(uid, "\n")] = '\0';
	return uid_take(sop, bytes_str(uid)) ? 0 : s->outcome;
}

void import_journal_add(struct import_journal *j, const struct import_key *key, char outcome, const char *sop)
{
	char line[LINE_MAX_LEN + 1];
	size_t n = 0;
	for (size_t i = 0; i < sizeof(key->of); i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%02x", key->of[i]);
	n += (size_t)snprintf(line + n, sizeof(line) - n, " %c %.64s\n", outcome, sop);
	if (j->end > BOUND_IMPORT_JOURNAL - sizeof(line) || pwrite(j->fd, line, n, (off_t)j->end) != (ssize_t)n)
		return;
	put(j, key, outcome, j->end);
	j->end += (uint32_t)n;
}

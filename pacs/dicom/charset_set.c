#include "pacs/dicom/charset_set.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdint.h>

#include "pacs/dicom/charset.h"

/* GBK is read as GB 18030, of which it is a part. IR 58 is read as GBK: writers of GB 2312 use its
 * characters, and the middle dot of foreign names is another one in iconv's GB 2312. */
static const struct charset_set sets[] = {
	{ "6", SET_ASCII, NULL, NULL, "(B" },
	{ "100", SET_SINGLE, "ISO-8859-1", "ISO-8859-1", "-A" },
	{ "101", SET_SINGLE, "ISO-8859-2", "ISO-8859-2", "-B" },
	{ "109", SET_SINGLE, "ISO-8859-3", "ISO-8859-3", "-C" },
	{ "110", SET_SINGLE, "ISO-8859-4", "ISO-8859-4", "-D" },
	{ "144", SET_SINGLE, "ISO-8859-5", "ISO-8859-5", "-L" },
	{ "127", SET_SINGLE, "ISO-8859-6", "ISO-8859-6", "-G" },
	{ "126", SET_SINGLE, "ISO-8859-7", "ISO-8859-7", "-F" },
	{ "138", SET_SINGLE, "ISO-8859-8", "ISO-8859-8", "-H" },
	{ "148", SET_SINGLE, "ISO-8859-9", "ISO-8859-9", "-M" },
	{ "203", SET_SINGLE, "ISO-8859-15", "ISO-8859-15", "-b" },
	{ "166", SET_SINGLE, "TIS-620", "TIS-620", "-T" },
	{ "13", SET_SHIFTED, "SHIFT_JIS", "SHIFT_JIS", ")I" },
	{ "58", SET_PAIRS_G1, "GBK", "GBK", "$)A" },
	{ "149", SET_PAIRS_G1, "EUC-KR", "EUC-KR", "$)C" },
	{ "87", SET_PAIRS_G0, "EUC-JP", "EUC-JP", "$B" },
	{ "159", SET_PAIRS_G0, "EUC-JP", "EUC-JP", "$(D" },
	{ "192", SET_WHOLE, NULL, NULL, NULL },
	{ "GB18030", SET_WHOLE, "GB18030", "GB18030", NULL },
	{ "GBK", SET_WHOLE, "GB18030", "GBK", NULL },
	{ "BIG5", SET_WHOLE, "BIG5", "BIG5", NULL },     /* no term of DICOM's; found in what comes from Hong Kong and Taiwan */
};

/* What equipment writes for them. */
static const struct { const char *seen, *term; } aliases[] = {
	{ "UTF8", "192" }, { "GB2312", "GBK" }, { "CP936", "GBK" }, { "EUCCN", "GBK" }, { "ASCII", "6" }, { "USASCII", "6" },
	{ "LATIN1", "100" }, { "ISO88591", "100" }, { "IR6", "6" }, { "BIG5", "BIG5" }, { "CP950", "BIG5" },
};

static const struct charset_set *find_term(const char *term)
{
	for (size_t i = 0; i < NELEM(sets); i++)
		if (!strcmp(sets[i].term, term))
			return &sets[i];
	return NULL;
}

/* Letters and digits in upper case: "ISO_IR 100", "ISO-IR 100" and "ISO IR100" are one. */
static void squeeze(struct bytes term, char out[32])
{
	size_t n = 0;
	for (size_t i = 0; i < term.len && n < 31; i++) {
		uint8_t c = term.p[i];
		if (c >= 'a' && c <= 'z')
			c -= 0x20;
		if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

static const char *without(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(name, prefix, len) ? name : name + len;
}

const struct charset_set *set_find(struct bytes term)
{
	char name[32];
	squeeze(term, name);
	if (!name[0])
		return &sets[0];
	const char *rest = without(without(name, "ISO2022"), "ISO");
	if (rest != name && strncmp(rest, "IR", 2) == 0)
		return find_term(rest + 2);
	for (size_t i = 0; i < NELEM(aliases); i++)
		if (!strcmp(aliases[i].seen, name) || !strcmp(aliases[i].seen, rest))
			return find_term(aliases[i].term);
	return strncmp(rest, "GB", 2) ? NULL : find_term(rest);
}

const struct charset_set *set_of_escape(struct bytes after, size_t *len)
{
	/* Designates JIS X 0201's other half: Latin letters, for us ASCII. */
	if (after.len >= 2 && !memcmp(after.p, "(J", 2)) {
		*len = 2;
		return &sets[0];
	}
	for (size_t i = 0; i < NELEM(sets); i++) {
		size_t n = sets[i].escape ? strlen(sets[i].escape) : 0;
		if (n && after.len >= n && !memcmp(after.p, sets[i].escape, n)) {
			*len = n;
			return &sets[i];
		}
	}
	return NULL;
}

struct charset_list set_list(const char *declared)
{
	struct charset_list l = { .count = 0 };
	for (;;) {
		size_t len = strcspn(declared, "\\");
		const struct charset_set *s = set_find(bytes_of(declared, len));
		if (!s)
			l.has_unknown = true;
		if (l.count < SETS_MAX)
			l.set[l.count++] = s ? s : &sets[0];
		if (!declared[len])
			return l;
		declared += len + 1;
	}
}

const struct charset_set *set_list_kind(const struct charset_list *l, enum set_kind kind)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->set[i]->kind == kind)
			return l->set[i];
	return NULL;
}

/* ---- iconv ---- */

/* Shared by all threads: a converter has a state and opening one costs a hundred conversions. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static iconv_t decoders[NELEM(sets)], encoders[NELEM(sets)];     /* NULL: not opened yet */

void set_lock(void)
{
	pthread_mutex_lock(&lock);
}

void set_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static bool convert(iconv_t *kept, const char *to, const char *from, struct bytes in, struct buf *out)
{
	if (!*kept) {
		iconv_t cd = iconv_open(to, from);
		if (cd == (iconv_t)-1)
			return false;
		*kept = cd;
	}
	/* iconv takes its input as not const, and does not write to it. */
	char *p = (char *)(uintptr_t)in.p, piece[512];
	size_t in_left = in.len, at = out->len, n;
	iconv(*kept, NULL, NULL, NULL, NULL);
	do {
		char *end = piece;
		size_t room = sizeof(piece);
		n = iconv(*kept, &p, &in_left, &end, &room);
		buf_add(out, piece, (size_t)(end - piece));
	} while (n == (size_t)-1 && errno == E2BIG && !buf_err(out));
	if (n == 0 && in_left == 0)
		return true;
	out->len = at;
	return false;
}

/* UTF-8 needs no conversion, and iconv lets pass what lies beyond U+10FFFF. */
static bool copy_utf8(struct bytes in, struct buf *out)
{
	bool ok = utf8_is_valid(in);
	if (ok)
		buf_add(out, in.p, in.len);
	return ok;
}

bool set_decode(const struct charset_set *s, struct bytes in, struct buf *out)
{
	if (!s->decoder)
		return copy_utf8(in, out);
	return convert(&decoders[s - sets], "UTF-8", s->decoder, in, out);
}

bool set_encode(const struct charset_set *s, struct bytes utf8, struct buf *out)
{
	if (!s->encoder)
		return copy_utf8(utf8, out);
	return convert(&encoders[s - sets], s->encoder, "UTF-8", utf8, out);
}

/* err - what can go wrong, and why, in words.
 *
 * Every function that can fail returns enum err. Where the cause is known it also fills a
 * struct why with one sentence that carries the numbers: what was seen, what was expected.
 * A why may be NULL: the caller does not want the words.
 */
#ifndef PACS_BASE_ERR_H
#define PACS_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

enum err {
	ERR_OK,
	ERR_MORE,        /* expected: more bytes or rows are needed */
	ERR_END,         /* expected: nothing more comes */
	ERR_EXISTS,      /* expected: already there, nothing changed */
	ERR_NOT_FOUND,
	ERR_PROTO,       /* the peer broke the protocol: abort the association */
	ERR_FORMAT,      /* a data set, file or text that cannot be understood */
	ERR_MISMATCH,    /* two things that must agree do not */
	ERR_LIMIT,       /* over one of the maxima of base/bounds.h */
	ERR_UNSUPPORTED,
	ERR_DENIED,
	ERR_CONFLICT,    /* the state of the object forbids it */
	ERR_NOMEM,
	ERR_IO,
	ERR_FULL,        /* the disk, or the reserve kept on it */
	ERR_BUSY,
	ERR_TIMEOUT,
	ERR_CANCELLED,
	ERR_CLOSED,      /* the far end is gone */
	ERR_CONFIG,
	ERR_VERSION,     /* a file written by a newer program */
	ERR_USAGE,
	ERR_COUNT
};

struct why {
	char text[320];
};

/* The identifier in small letters ("not_found"); never NULL. */
const char *err_name(enum err e);

/* Fills *why (when not NULL) and returns e, so that a failing line reads `return fail(...)`. */
enum err fail(struct why *why, enum err e, const char *fmt, ...) PRINTF(3, 4);

/* As fail(), with ": strerror(errno)" behind it. ENOSPC and EDQUOT become ERR_FULL, ENOMEM ERR_NOMEM. */
enum err fail_errno(struct why *why, enum err e, const char *fmt, ...) PRINTF(3, 4);

#endif

#include "pacs/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[ERR_OK] = "ok",
	[ERR_MORE] = "more",
	[ERR_END] = "end",
	[ERR_EXISTS] = "exists",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_PROTO] = "protocol",
	[ERR_FORMAT] = "format",
	[ERR_MISMATCH] = "mismatch",
	[ERR_LIMIT] = "limit",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_DENIED] = "denied",
	[ERR_CONFLICT] = "conflict",
	[ERR_NOMEM] = "no_memory",
	[ERR_IO] = "io",
	[ERR_FULL] = "full",
	[ERR_BUSY] = "busy",
	[ERR_TIMEOUT] = "timeout",
	[ERR_CANCELLED] = "cancelled",
	[ERR_CLOSED] = "closed",
	[ERR_CONFIG] = "config",
	[ERR_VERSION] = "version",
	[ERR_USAGE] = "usage",
};
_Static_assert(NELEM(names) == ERR_COUNT, "one name per err");

const char *err_name(enum err e)
{
	return (unsigned)e < ERR_COUNT ? names[e] : "unknown";
}

enum err fail(struct why *why, enum err e, const char *fmt, ...)
{
	if (why) {
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(why->text, sizeof(why->text), fmt, ap);
		va_end(ap);
	}
	return e;
}

enum err fail_errno(struct why *why, enum err e, const char *fmt, ...)
{
	int saved = errno;
	if (why) {
		va_list ap;
		va_start(ap, fmt);
		int n = vsnprintf(why->text, sizeof(why->text), fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < sizeof(why->text))
			snprintf(why->text + n, sizeof(why->text) - (size_t)n, ": %s", strerror(saved));
	}
	if (saved == ENOSPC || saved == EDQUOT)
		return ERR_FULL;
	return saved == ENOMEM ? ERR_NOMEM : e;
}

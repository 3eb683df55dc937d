/* log - one event a line, key=value, on stderr.
 *
 *   2026-03-01T08:15:30.123+08:00 level=info prog=storescp event=stored assoc=17 peer=CR1 sop=1.2.3 ms=12
 *
 * A line is written with one write(2), so lines of several threads and processes do not mix.
 * Values with blanks, quotes or control bytes are quoted and escaped; a patient's name or ID
 * never goes in. Thread-safe.
 */
#ifndef PACS_BASE_LOG_H
#define PACS_BASE_LOG_H

#include "pacs/base/err.h"

/* LOG_NONE is a ceiling only: tests that make everything fail do not want to hear of it. */
enum log_level { LOG_NONE = -1, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* prog is kept, not copied. Lines above `level` are dropped. Call once, before threads start. */
void log_init(const char *prog, enum log_level level);
bool log_level_parse(const char *s, enum log_level *out);

/* Pairs of (const char *key, const char *value), ended by NULL: log_event(LOG_INFO, "stored", "sop", uid, NULL).
 * A NULL value skips its key. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* A number as a value, for the length of the full expression: log_num(n).s */
struct log_text { char s[24]; };
struct log_text log_num(long long v);

#endif

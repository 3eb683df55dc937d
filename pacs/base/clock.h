/* clock - the two clocks. Deadlines use the monotonic one, records the wall one. */
#ifndef PACS_BASE_CLOCK_H
#define PACS_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void);
int64_t  clock_wall_ms(void);                    /* since 1970-01-01 UTC */

/* "2026-03-01T08:15:30.123+08:00", local time. */
struct clock_text { char s[40]; };
struct clock_text clock_iso(int64_t wall_ms);
/* DICOM DT "20260301081530.123456+0800" and DA "20260301", local time. */
struct clock_text clock_dt(int64_t wall_ms);
struct clock_text clock_da(int64_t wall_ms);

#endif

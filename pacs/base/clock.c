#include "pacs/base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_mono_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t clock_wall_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The parts of a local time, as bounded numbers: what snprintf may print of them is bounded too. */
struct parts { unsigned year, month, day, hour, minute, second, ms, zone_h, zone_m; char sign; };

static struct parts parts_of(int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm t;
	localtime_r(&s, &t);
	long zone = t.tm_gmtoff / 60, off = zone < 0 ? -zone : zone;
	return (struct parts){ (unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100, (unsigned)t.tm_mday % 100,
	                       (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100, (unsigned)(wall_ms % 1000) % 1000,
	                       (unsigned)(off / 60) % 100, (unsigned)(off % 60) % 100, zone < 0 ? '-' : '+' };
}

struct clock_text clock_iso(int64_t wall_ms)
{
	struct clock_text out;
	struct parts p = parts_of(wall_ms);
	snprintf(out.s, sizeof(out.s), "%04u-%02u-%02uT%02u:%02u:%02u.%03u%c%02u:%02u", p.year, p.month, p.day, p.hour, p.minute, p.second,
	         p.ms, p.sign, p.zone_h, p.zone_m);
	return out;
}

struct clock_text clock_dt(int64_t wall_ms)
{
	struct clock_text out;
	struct parts p = parts_of(wall_ms);
	snprintf(out.s, sizeof(out.s), "%04u%02u%02u%02u%02u%02u.%03u000%c%02u%02u", p.year, p.month, p.day, p.hour, p.minute, p.second,
	         p.ms, p.sign, p.zone_h, p.zone_m);
	return out;
}

struct clock_text clock_da(int64_t wall_ms)
{
	struct clock_text out = clock_dt(wall_ms);
	out.s[8] = '\0';
	return out;
}

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

static struct tm local(int64_t wall_ms, int *ms, int *zone_min)
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	localtime_r(&s, &tm);
	*ms = (int)(wall_ms % 1000);
	*zone_min = (int)(tm.tm_gmtoff / 60);
	return tm;
}

struct clock_text clock_iso(int64_t wall_ms)
{
	struct clock_text out;
	int ms, zone;
	struct tm t = local(wall_ms, &ms, &zone);
	int off = zone < 0 ? -zone : zone;
	snprintf(out.s, sizeof(out.s), "%04u-%02u-%02uT%02u:%02u:%02u.%03u%c%02u:%02u",
	         (unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100, (unsigned)t.tm_mday % 100,
	         (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100, (unsigned)ms % 1000,
	         zone < 0 ? '-' : '+', (unsigned)(off / 60) % 100, (unsigned)(off % 60));
	return out;
}

struct clock_text clock_dt(int64_t wall_ms)
{
	struct clock_text out;
	int ms, zone;
	struct tm t = local(wall_ms, &ms, &zone);
	int off = zone < 0 ? -zone : zone;
	snprintf(out.s, sizeof(out.s), "%04u%02u%02u%02u%02u%02u.%03u000%c%02u%02u",
	         (unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100, (unsigned)t.tm_mday % 100,
	         (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100, (unsigned)ms % 1000,
	         zone < 0 ? '-' : '+', (unsigned)(off / 60) % 100, (unsigned)(off % 60));
	return out;
}

struct clock_text clock_da(int64_t wall_ms)
{
	struct clock_text out = clock_dt(wall_ms);
	out.s[8] = '\0';
	return out;
}

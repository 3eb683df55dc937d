#include "pacs/dicom/match_time.h"

#include "pacs/dicom/match.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* A moment with its parts as far as they were given: year month day hour minute second. */
struct moment {
	int part[6];
	unsigned given;
	int micro_lo, micro_hi;
	bool has_offset;
	int offset_minutes;
};
enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, PARTS };

static const int first[PARTS] = { 0, 1, 1, 0, 0, 0 }, last[PARTS] = { 9999, 12, 31, 23, 59, 60 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_number(struct bytes *t, size_t digits, int *out)
{
	if (t->len < digits)
		return false;
	*out = 0;
	for (size_t i = 0; i < digits; i++) {
		if (!is_digit((char)t->p[i]))
			return false;
		*out = *out * 10 + (t->p[i] - '0');
	}
	t->p += digits;
	t->len -= digits;
	return true;
}

static bool next_is(struct bytes t, char c)
{
	return t.len && t.p[0] == (uint8_t)c;
}

static void drop(struct bytes *t)
{
	t->p++;
	t->len--;
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return days[month - 1] + (month == 2 && is_leap);
}

/* Parts from `from` to `to` while they last, `separator` (0: none) between them. */
static bool take_parts(struct bytes *t, unsigned from, unsigned to, char separator, struct moment *m)
{
	for (unsigned i = from; i < to; i++) {
		if (i > from && separator) {
			if (!next_is(*t, separator))
				return true;
			drop(t);
		} else if (i > from && !(t->len && is_digit((char)t->p[0]))) {
			return true;
		}
		if (!take_number(t, i == YEAR ? 4 : 2, &m->part[i]) || m->part[i] < first[i] || m->part[i] > last[i])
			return false;
		m->given = i + 1;
	}
	return true;
}

/* .F to .FFFFFF; what is not given may be anything. */
static bool take_fraction(struct bytes *t, struct moment *m)
{
	int unit = 1000000;
	m->micro_hi = 999999;
	if (!next_is(*t, '.') || m->given != PARTS)
		return true;
	drop(t);
	while (t->len && is_digit((char)t->p[0])) {
		unit /= 10;
		m->micro_lo += unit * (t->p[0] - '0');
		drop(t);
	}
	m->micro_hi = unit ? m->micro_lo + unit - 1 : m->micro_lo;
	return true;
}

static bool take_offset(struct bytes *t, struct moment *m)
{
	int hours, minutes;
	if (!next_is(*t, '+') && !next_is(*t, '-'))
		return true;
	int sign = next_is(*t, '-') ? -1 : 1;
	drop(t);
	if (!take_number(t, 2, &hours) || !take_number(t, 2, &minutes) || hours > 14 || minutes > 59)
		return false;
	m->has_offset = true;
	m->offset_minutes = sign * (hours * 60 + minutes);
	return true;
}

static bool read_date(struct bytes *t, struct moment *m)
{
	char separator = t->len > 4 && (t->p[4] == '.' || t->p[4] == '-' || t->p[4] == '/') ? (char)t->p[4] : '\0';
	return take_parts(t, YEAR, HOUR, separator, m) && m->given == HOUR;
}

static bool read_time(struct bytes *t, struct moment *m)
{
	char separator = t->len > 2 && t->p[2] == ':' ? ':' : '\0';
	return take_parts(t, HOUR, PARTS, separator, m) && take_fraction(t, m);
}

static bool read_moment(vr_t vr, struct bytes t, struct moment *m)
{
	*m = (struct moment){ .part = { 1970, 1, 1, 0, 0, 0 } };
	bool ok = vr == VR_DA ? read_date(&t, m) : vr == VR_TM ? read_time(&t, m)
		: take_parts(&t, YEAR, PARTS, '\0', m) && take_fraction(&t, m) && take_offset(&t, m);
	if (!ok || t.len || (m->part[YEAR] == 0 && vr != VR_TM))
		return false;
	return m->given < HOUR || m->part[DAY] <= days_of(m->part[YEAR], m->part[MONTH]);
}

/* Its first or its last moment: the parts that were not given are at their least or most. */
static void fill(const struct moment *m, bool is_last, int part[PARTS])
{
	for (unsigned i = 0; i < PARTS; i++)
		part[i] = i < m->given || m->given == 0 ? m->part[i] : is_last ? last[i] : first[i];
	if (is_last && m->given < PARTS)
		part[SECOND] = 59;
	if (is_last && m->given < HOUR)
		part[DAY] = days_of(part[YEAR], part[MONTH]);
}

static void to_local(const struct moment *m, int part[PARTS])
{
	struct tm tm = { .tm_year = part[YEAR] - 1900, .tm_mon = part[MONTH] - 1, .tm_mday = part[DAY],
	                 .tm_hour = part[HOUR], .tm_min = part[MINUTE] - m->offset_minutes, .tm_sec = part[SECOND] };
	time_t utc = timegm(&tm);
	if (!localtime_r(&utc, &tm))
		return;
	part[YEAR] = tm.tm_year + 1900;
	part[MONTH] = tm.tm_mon + 1;
	part[DAY] = tm.tm_mday;
	part[HOUR] = tm.tm_hour;
	part[MINUTE] = tm.tm_min;
	part[SECOND] = tm.tm_sec;
}

/* By hand: an ingest has six of them for each image, and snprintf() took a tenth of its time. */
static char *put_digits(char *at, unsigned digits, int value)
{
	for (unsigned i = digits; i > 0; i--, value /= 10)
		at[i - 1] = (char)('0' + value % 10);
	return at + digits;
}

static void print_moment(vr_t vr, const struct moment *m, bool is_last, char out[32])
{
	int p[PARTS], micro = is_last ? m->micro_hi : m->micro_lo;
	fill(m, is_last, p);
	if (m->has_offset)
		to_local(m, p);
	if (vr != VR_TM) {
		out = put_digits(out, 4, p[YEAR]);
		out = put_digits(out, 2, p[MONTH]);
		out = put_digits(out, 2, p[DAY]);
	}
	if (vr != VR_DA) {
		for (unsigned i = HOUR; i < PARTS; i++)
			out = put_digits(out, 2, p[i]);
		*out++ = '.';
		out = put_digits(out, 6, micro);
	}
	*out = '\0';
}

static struct bytes stripped(struct bytes t)
{
	while (t.len && t.p[0] == ' ')
		drop(&t);
	while (t.len && t.p[t.len - 1] == ' ')
		t.len--;
	return t;
}

/* One end of a range; empty text leaves it open. */
static bool read_end(vr_t vr, struct bytes t, bool is_last, char out[32])
{
	struct moment m;
	t = stripped(t);
	out[0] = '\0';
	if (!t.len)
		return true;
	if (!read_moment(vr, t, &m))
		return false;
	print_moment(vr, &m, is_last, out);
	return true;
}

/* As one moment if it can be; else the hyphen is sought that has a moment or nothing on each side,
 * so hyphens inside dates and before time zones do not mislead. */
bool match_span_parse(vr_t vr, const char *text, struct match_span *out)
{
	struct bytes t = stripped(bytes_str(text));
	struct moment m;
	*out = (struct match_span){ .is_range = false };
	if (vr != VR_DA && vr != VR_TM && vr != VR_DT)
		return false;
	if (t.len && read_moment(vr, t, &m)) {
		print_moment(vr, &m, false, out->lo);
		print_moment(vr, &m, true, out->hi);
		return true;
	}
	out->is_range = true;
	for (size_t i = 0; i < t.len && t.len > 1; i++)
		if (t.p[i] == '-' && read_end(vr, bytes_of(t.p, i), false, out->lo) &&
		    read_end(vr, bytes_of(t.p + i + 1, t.len - i - 1), true, out->hi))
			return true;
	return false;
}

void match_shift(const char *date, const char *time, int minutes, char date_out[9], char time_out[14])
{
	struct moment d, t;
	snprintf(date_out, 9, "%s", date);
	snprintf(time_out, 14, "%s", time);
	if (!minutes || !read_moment(VR_TM, bytes_str(time), &t))
		return;
	bool has_date = read_moment(VR_DA, bytes_str(date), &d);
	if (!has_date)
		d = (struct moment){ .part = { 2000, 1, 1 } };
	struct tm tm = { .tm_year = d.part[YEAR] - 1900, .tm_mon = d.part[MONTH] - 1, .tm_mday = d.part[DAY],
	                 .tm_hour = t.part[HOUR], .tm_min = t.part[MINUTE] + minutes };
	time_t moved = timegm(&tm);
	if (!gmtime_r(&moved, &tm))
		return;
	put_digits(time_out, 2, tm.tm_hour);
	put_digits(time_out + 2, 2, tm.tm_min);
	if (has_date) {
		put_digits(date_out, 4, tm.tm_year + 1900);
		put_digits(date_out + 4, 2, tm.tm_mon + 1);
		put_digits(date_out + 6, 2, tm.tm_mday);
		date_out[8] = '\0';
	}
}

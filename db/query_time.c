#include "db/query_impl.h"

#include <stdio.h>
#include <time.h>

/* Dates and times that belong together: one interval when that was negotiated, and another zone shifts both. */
static const struct { uint32_t date, time; } pairs[] = {
	{ TAG(0x0008, 0x0020), TAG(0x0008, 0x0030) }, { TAG(0x0008, 0x0021), TAG(0x0008, 0x0031) },
	{ TAG(0x0008, 0x0022), TAG(0x0008, 0x0032) }, { TAG(0x0008, 0x0023), TAG(0x0008, 0x0033) },
	{ TAG(0x0008, 0x0012), TAG(0x0008, 0x0013) }, { TAG(0x0040, 0x0244), TAG(0x0040, 0x0245) },
	{ TAG(0x0040, 0x0250), TAG(0x0040, 0x0251) }, { TAG(0x0018, 0x1012), TAG(0x0018, 0x1014) },
};

uint32_t query_time_of(uint32_t date_tag)
{
	for (size_t i = 0; i < NELEM(pairs); i++)
		if (pairs[i].date == date_tag)
			return pairs[i].time;
	return 0;
}

uint32_t query_date_of(uint32_t time_tag)
{
	for (size_t i = 0; i < NELEM(pairs); i++)
		if (pairs[i].time == time_tag)
			return pairs[i].date;
	return 0;
}

static int local_minutes(void)
{
	time_t now = time(NULL);
	struct tm tm;

	return localtime_r(&now, &tm) ? (int)(tm.tm_gmtoff / 60) : 0;
}

/* "+0800". */
static bool read_zone(const char *s, int *minutes)
{
	if (strlen(s) != 5 || (s[0] != '+' && s[0] != '-') || strspn(s + 1, "0123456789") != 4)
		return false;
	int hours = (s[1] - '0') * 10 + (s[2] - '0'), rest = (s[3] - '0') * 10 + (s[4] - '0');
	*minutes = (s[0] == '-' ? -1 : 1) * (hours * 60 + rest);
	return hours <= 14 && rest < 60;
}

static enum err take_zone(struct keys *k, const struct dataset *identifier, struct why *why)
{
	const char *asked = dataset_str(identifier, TAG(0x0008, 0x0201));
	int here = local_minutes(), there = here;

	if (*asked && !read_zone(asked, &there))
		return fail(why, ERR_MISMATCH, "time zone (0008,0201) is no offset like +0800");
	k->is_zoned = true;
	k->shift = there - here;
	snprintf(k->zone, sizeof(k->zone), "%c%02u%02u", there < 0 ? '-' : '+', (unsigned)(there < 0 ? -there : there) / 60 % 100,
	         (unsigned)(there < 0 ? -there : there) % 60);
	return ERR_OK;
}

static struct key *find(struct keys *k, uint32_t tag)
{
	for (struct key *key = k->first; key; key = key->next)
		if (key->tag == tag)
			return key;
	return NULL;
}

enum err query_keys_time(struct keys *k, const struct dataset *identifier, const struct query_options *o, struct why *why)
{
	enum err e = o->extended.zone ? take_zone(k, identifier, why) : ERR_OK;

	for (size_t i = 0; i < NELEM(pairs) && o->extended.combined && !e; i++) {
		struct key *date = find(k, pairs[i].date), *time = find(k, pairs[i].time);
		if (!date || !time || date->way != time->way || !key_is_condition(date, date->way) || !key_is_condition(time, time->way) ||
		    date->is_empty || time->is_empty)
			continue;
		date->time = time;
		time->is_joined = true;
	}
	return e;
}

/* ---- as SQL ---- */

/* "st.study_date" and "st.study_time" for either of the two. */
static bool columns_of(const struct key *k, const char **date, const char **time)
{
	uint32_t time_tag = query_time_of(k->tag), date_tag = query_date_of(k->tag);
	const struct attribute *d = attribute_find(time_tag ? k->tag : date_tag), *t = attribute_find(time_tag ? time_tag : k->tag);

	if ((!time_tag && !date_tag) || !d || !t)
		return false;
	*date = d->value;
	*time = t->value;
	return true;
}

/* The key's column as it is in the zone of the answers. */
static void add_zoned(struct sql_text *t, const struct keys *all, const struct key *k)
{
	const char *date, *time;

	if (all->shift && columns_of(k, &date, &time))
		buf_printf(&t->sql, "dicom_zone_%s(%s,%s,%d)", k->vr == VR_DA ? "date" : "time", date, time, all->shift);
	else
		buf_add_str(&t->sql, k->attribute->value);
}

void sql_value(struct sql_text *t, const struct keys *all, const struct key *k)
{
	add_zoned(t, all, k);
}

/* The first moment of the one and the last of the other, in `a`. */
static enum err interval(struct arena *a, const struct key *date, const char **lo, const char **hi, struct why *why)
{
	char d_lo[32], d_hi[32], t_lo[32], t_hi[32], text[64];

	if (match_range(VR_DA, date->text, d_lo, d_hi) || match_range(VR_TM, date->time->text, t_lo, t_hi))
		return fail(why, ERR_MISMATCH, "key (%04X,%04X) or its time is no range", TAG_GROUP(date->tag), TAG_ELEMENT(date->tag));
	snprintf(text, sizeof(text), "%s%s", d_lo, !*d_lo ? "" : *t_lo ? t_lo : "000000.000000");
	*lo = arena_strn(a, text, strlen(text));
	snprintf(text, sizeof(text), "%s%s", d_hi, !*d_hi ? "" : *t_hi ? t_hi : "235959.999999");
	*hi = arena_strn(a, text, strlen(text));
	return *lo && *hi ? ERR_OK : ERR_NOMEM;
}

static enum err add_interval(struct sql_text *t, const struct keys *all, const struct key *k, struct why *why)
{
	const char *lo = "", *hi = "", *sides[2];
	static const char *const relations[] = { ">=", "<=" };
	enum err e = interval(t->arena, k, &lo, &hi, why);

	sides[0] = lo;
	sides[1] = hi;
	for (size_t i = 0; i < NELEM(sides) && !e; i++) {
		if (!*sides[i])
			continue;
		buf_add_str(&t->sql, " AND ");
		add_zoned(t, all, k);
		buf_add_str(&t->sql, "||");
		add_zoned(t, all, k->time);
		buf_add_str(&t->sql, relations[i]);
		sql_add_bind(t, sides[i]);
	}
	return e;
}

enum err sql_key(struct sql_text *t, const struct keys *all, const struct key *k, struct why *why)
{
	bool is_moved = all->shift && (query_time_of(k->tag) || query_date_of(k->tag));
	struct sql_text zoned;
	const char *date, *time;

	if (k->is_joined) {
		buf_add_str(&t->sql, "1");
		return ERR_OK;
	}
	if ((!is_moved && !k->time) || k->is_empty || !columns_of(k, &date, &time))
		return sql_condition(t, k, why);
	buf_add_str(&t->sql, "(");
	enum err e = ERR_OK;
	if (k->vr == VR_DA)              /* what an index answers, a day too much when moved; then exactly */
		e = is_moved ? sql_range_wide(t, k->attribute->value, k, why) : sql_range(t, k->attribute->value, k, why);
	else
		buf_add_str(&t->sql, "1");
	if (!e && k->time) {
		e = add_interval(t, all, k, why);
	} else if (!e) {
		sql_text_init(&zoned, t->arena);
		add_zoned(&zoned, all, k);
		const char *expr = arena_strn(t->arena, zoned.sql.p, zoned.sql.len);
		sql_text_fini(&zoned);
		buf_add_str(&t->sql, " AND ");
		e = expr ? sql_range(t, expr, k, why) : ERR_NOMEM;
	}
	buf_add_str(&t->sql, ")");
	return e;
}

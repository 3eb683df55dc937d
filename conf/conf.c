#include "conf/conf.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_parse.h"
#include "pacs/base/durable.h"

enum err conf_load_telling(const char *dir, void (*tell)(void *arg, const char *problem), void *arg, struct conf **out, struct why *why)
{
	char path[PATH_MAX], whole[PATH_MAX];
	if (!realpath(dir, whole))
		return errno == ENOENT ? fail(why, ERR_NOT_FOUND, "the data folder %s does not exist; `pacs init %s` makes it", dir, dir)
		                       : fail_errno(why, ERR_IO, "the data folder %s", dir);
	int n = snprintf(path, sizeof(path), "%s/pacs.conf", whole);
	if (n < 0 || (size_t)n >= sizeof(path))
		return fail(why, ERR_LIMIT, "the path of the data folder is too long: %s", whole);
	char *text;
	size_t len;
	enum err e = durable_slurp(path, CONF_TEXT_MAX, &text, &len, why);
	if (e == ERR_NOT_FOUND)
		return fail(why, e, "%s holds no pacs.conf: it is not a data folder of this program; `pacs init DIR` makes one", whole);
	if (e)
		return e;
	e = conf_parse(whole, text, len, tell, arg, out, why);
	free(text);
	return e;
}

enum err conf_load(const char *dir, struct conf **out, struct why *why)
{
	return conf_load_telling(dir, NULL, NULL, out, why);
}

struct conf *conf_ref(struct conf *c)
{
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void conf_unref(struct conf **cp)
{
	struct conf *c = *cp;
	*cp = NULL;
	if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
		return;
	free(c->storage_classes);
	free(c->nodes);
	free(c->routes);
	free(c->retentions);
	free(c);
}

const struct conf_node *conf_node_by_name(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->node_count; i++)
		if (!strcmp(c->nodes[i].name, name))
			return &c->nodes[i];
	return NULL;
}

/* Blanks at the ends of an AE title do not count (PS3.5 table 6.2-1); some senders pad with NUL. */
const struct conf_node *conf_node_by_aet(const struct conf *c, const char *aet)
{
	aet += strspn(aet, " ");
	size_t len = strlen(aet);
	while (len && aet[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < c->node_count; i++)
		if (strlen(c->nodes[i].aet) == len && !memcmp(c->nodes[i].aet, aet, len))
			return &c->nodes[i];
	return NULL;
}

/* One of the comma-separated patterns fits one of the backslash-separated values. */
static bool value_matches(const char *patterns, const char *value, size_t value_len)
{
	char v[257], p[257];
	if (value_len >= sizeof(v))
		return false;
	memcpy(v, value, value_len);
	v[value_len] = '\0';
	while (*patterns) {
		size_t len = strcspn(patterns, ",");
		const char *s = patterns + strspn(patterns, " ");
		size_t n = s < patterns + len ? (size_t)(patterns + len - s) : 0;
		while (n && s[n - 1] == ' ')
			n--;
		memcpy(p, s, n);
		p[n] = '\0';
		if (n && !fnmatch(p, v, FNM_NOESCAPE))
			return true;
		patterns += len + (patterns[len] == ',');
	}
	return false;
}

static bool field_matches(const char *patterns, const char *values)
{
	if (!*patterns)
		return true;
	for (;;) {
		size_t len = strcspn(values, "\\");
		if (value_matches(patterns, values, len))
			return true;
		if (!values[len])
			return false;
		values += len + 1;
	}
}

enum err conf_retention_days(const char *keep, int *days)
{
	char *end;
	*days = -1;
	if (!*keep || !strcmp(keep, "hold"))
		return ERR_OK;
	unsigned long n = strtoul(keep, &end, 10);
	unsigned long unit = !strcmp(end, "y") ? 366 : !strcmp(end, "d") ? 1 : 0;      /* a leap year's worth: never a day too early */
	if (keep[0] < '0' || keep[0] > '9' || !unit || !n || n > 36600 / unit)
		return ERR_CONFIG;
	*days = (int)(n * unit);
	return ERR_OK;
}

const struct conf_retention *conf_retention_of(const struct conf *c, const struct conf_facts *f)
{
	for (size_t i = 0; i < c->retention_count; i++)
		if (field_matches(c->retentions[i].calling, f->calling) && field_matches(c->retentions[i].modality, f->modality))
			return &c->retentions[i];
	return NULL;
}

bool conf_route_matches(const struct conf_route *r, const struct conf_facts *f)
{
	return field_matches(r->calling, f->calling) && field_matches(r->modality, f->modality) &&
	       field_matches(r->body_part, f->body_part) && field_matches(r->level, f->level) &&
	       field_matches(r->sop_class, f->sop_class);
}

#include "conf/conf_parse.h"

#include <confuse.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_text.h"
#include "conf/schema.h"
#include "pacs/dicom/charset.h"
#include "pacs/dicom/recipe.h"

enum { OPTIONS_MAX = 64 };

struct parse {
	char file[sizeof(((struct conf *)0)->dir) + 16];
	const cfg_t *root;
	unsigned problems;
	void (*tell)(void *arg, const char *problem);
	void *arg;
	struct why first, last;
};

/* libconfuse has one scanner and no user pointer in its callbacks: one parse at a time in this process. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static struct parse *parsing;

static void problem(struct parse *p, int line, const char *text)
{
	struct why w;
	fail(&w, ERR_CONFIG, "%s:%d: %s", p->file, line, text);
	if (p->problems && !strcmp(w.text, p->last.text))
		return;          /* libconfuse asks about a list once more at its end */
	if (!p->problems++)
		p->first = w;
	p->last = w;
	if (p->tell)
		p->tell(p->arg, w.text);
}

static const struct option_table *table_of(const cfg_t *section)
{
	const char *name = section->name;
	if (!strcmp(name, conf_node_schema.section))
		return &conf_node_schema;
	if (!strcmp(name, conf_retention_schema.section))
		return &conf_retention_schema;
	if (!strcmp(name, conf_route_schema.section))
		return &conf_route_schema;
	return &conf_schema;
}

/* What libconfuse has to say, with a guess behind an unknown name. */
static PRINTF(2, 0) void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[256], more[384], name[64];
	vsnprintf(text, sizeof(text), fmt, ap);
	if (sscanf(text, "no such option '%63[^']'", name) == 1) {
		const struct option_table *t = table_of(cfg);
		const char *guess = option_guess(t, name);
		snprintf(more, sizeof(more), "there is no option \"%s\"%s%s%s%s%s", name, t->section ? " in a " : "", t->section ? t->section : "",
		         guess ? "; did you mean \"" : "", guess ? guess : "", guess ? "\"?" : "");
		problem(parsing, cfg->line, more);
		return;
	}
	problem(parsing, cfg->line, text);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct option *o = option_find(table_of(cfg), opt->name);
	struct why why;
	for (unsigned i = 0; i < cfg_opt_size(opt); i++)
		if (option_set(o, cfg_opt_getnstr(opt, i), NULL, &why))
			problem(parsing, cfg->line, why.text);
	return 0;
}

static const char *given(cfg_t *section, const char *name)
{
	return cfg_size(section, name) ? cfg_getstr(section, name) : NULL;
}

static void check_required(cfg_t *section, int line)
{
	const struct option_table *t = table_of(section);
	for (size_t i = 0; i < t->count; i++) {
		char text[160];
		if (t->rows[i].preset || given(section, t->rows[i].name))
			continue;
		if (t->section)
			snprintf(text, sizeof(text), "the %s \"%.40s\" that ends here has no %s", t->section, cfg_title(section), t->rows[i].name);
		else
			snprintf(text, sizeof(text), "%s is not set", t->rows[i].name);
		problem(parsing, line, text);
	}
}

static void check_node(cfg_t *s, cfg_opt_t *all, unsigned own)
{
	char text[512];
	struct recipe recipe;
	struct why why;
	const char *codec = given(s, "codec");
	if (codec && recipe_parse(codec, &recipe, &why)) {
		snprintf(text, sizeof(text), "the node \"%.40s\": %s", cfg_title(s), why.text);
		problem(parsing, s->line, text);
	}
	const char *aet = given(s, "aet"), *host = given(s, "host"), *port = given(s, "port");
	if (host && *host && (!port || !strcmp(port, "0"))) {
		snprintf(text, sizeof(text), "the node \"%.40s\" has a host and no port", cfg_title(s));
		problem(parsing, s->line, text);
	}
	for (unsigned i = 0; aet && i < own; i++) {
		cfg_t *other = cfg_opt_getnsec(all, i);
		const char *taken = given(other, "aet");
		if (!taken || strcmp(taken, aet))
			continue;
		snprintf(text, sizeof(text), "the nodes \"%.40s\" and \"%.40s\" have the same AE title %.20s: a caller could be either", cfg_title(other), cfg_title(s), aet);
		problem(parsing, s->line, text);
	}
}

static void check_route(cfg_t *s)
{
	char text[512];
	const char *action = given(s, "action"), *to = given(s, "to"), *codec = given(s, "codec");
	const char *missing = NULL;
	if (!action)
		return;
	if (!strcmp(action, "forward") && (!to || !*to))
		missing = "forwards and does not say to which node (to = NAME)";
	if (!strcmp(action, "notify") && (!to || !*to))
		missing = "notifies and does not say which node (to = NAME)";
	struct recipe recipe;
	struct why why;
	bool has_codec = !strcmp(action, "compress") && codec && *codec;
	if (has_codec && recipe_parse(codec, &recipe, &why))
		missing = why.text;
	else if (has_codec && recipe.is_lossy)
		missing = "compresses what is kept, and its codec is lossy, which makes another object; give it to the node that it goes to";
	if (!missing)
		return;
	snprintf(text, sizeof(text), "the route \"%.40s\"%s %s", cfg_title(s), missing == why.text ? ":" : "", missing);
	problem(parsing, s->line, text);
}

static void check_retention(cfg_t *s)
{
	int days;
	char text[200];
	const char *keep = given(s, "keep");
	if (!keep || !conf_retention_days(keep, &days))
		return;
	snprintf(text, sizeof(text), "the retention \"%.40s\" has keep \"%.20s\", expected e.g. \"15y\", \"400d\" or \"hold\"", cfg_title(s), keep);
	problem(parsing, s->line, text);
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)cfg;
	unsigned own = cfg_opt_size(opt) - 1;
	cfg_t *s = cfg_opt_getnsec(opt, own);
	if (!conf_name_is_legal(cfg_title(s))) {
		char text[200];
		snprintf(text, sizeof(text), "the %s \"%.60s\" needs a name of letters, digits, - and _, at most 32", s->name, cfg_title(s));
		problem(parsing, s->line, text);
	}
	check_required(s, s->line);
	if (table_of(s) == &conf_node_schema)
		check_node(s, opt, own);
	else if (table_of(s) == &conf_route_schema)
		check_route(s);
	else
		check_retention(s);
	return 0;
}

/* ---- the same tables for libconfuse: every value is text to it, read and checked by option_set() ---- */

static void fill_options(cfg_opt_t *out, const struct option_table *t)
{
	size_t i;
	for (i = 0; i < t->count; i++)
		out[i] = t->rows[i].kind == OPTION_UIDS ? (cfg_opt_t)CFG_STR_LIST(t->rows[i].name, NULL, CFGF_NODEFAULT)
		                                        : (cfg_opt_t)CFG_STR(t->rows[i].name, NULL, CFGF_NODEFAULT);
	out[i] = (cfg_opt_t)CFG_END();
}

static void set_validators(cfg_t *root, const struct option_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s%s%s", t->section ? t->section : "", t->section ? "|" : "", t->rows[i].name);
		cfg_set_validate_func(root, path, on_value);
	}
	if (t->section)
		cfg_set_validate_func(root, t->section, on_section);
}

/* ---- values into the struct; they have been checked ---- */

static void take_values(cfg_t *section, void *target)
{
	const struct option_table *t = table_of(section);
	for (size_t i = 0; i < t->count; i++) {
		const struct option *o = &t->rows[i];
		const char *text = given(section, o->name);
		if (o->kind == OPTION_UIDS || (!text && o->kind == OPTION_WORD && !*o->preset))
			continue;
		struct why why;
		if (option_set(o, text ? text : o->preset, target, &why))
			problem(parsing, section->line, why.text);
	}
}

static enum err take_lists(cfg_t *root, struct conf *c)
{
	c->node_count = cfg_size(root, "node");
	c->route_count = cfg_size(root, "route");
	c->retention_count = cfg_size(root, "retention");
	c->storage_class_count = cfg_size(root, "storage_classes");
	c->nodes = calloc(c->node_count + 1, sizeof(*c->nodes));
	c->routes = calloc(c->route_count + 1, sizeof(*c->routes));
	c->retentions = calloc(c->retention_count + 1, sizeof(*c->retentions));
	c->storage_classes = calloc(c->storage_class_count + 1, sizeof(*c->storage_classes));
	if (!c->nodes || !c->routes || !c->retentions || !c->storage_classes)
		return ERR_NOMEM;
	for (unsigned i = 0; i < c->node_count; i++) {
		cfg_t *s = cfg_getnsec(root, "node", i);
		snprintf(c->nodes[i].name, sizeof(c->nodes[i].name), "%s", cfg_title(s));
		take_values(s, &c->nodes[i]);
	}
	for (unsigned i = 0; i < c->route_count; i++) {
		cfg_t *s = cfg_getnsec(root, "route", i);
		snprintf(c->routes[i].name, sizeof(c->routes[i].name), "%s", cfg_title(s));
		take_values(s, &c->routes[i]);
	}
	for (unsigned i = 0; i < c->retention_count; i++) {
		cfg_t *s = cfg_getnsec(root, "retention", i);
		snprintf(c->retentions[i].name, sizeof(c->retentions[i].name), "%s", cfg_title(s));
		take_values(s, &c->retentions[i]);
	}
	for (unsigned i = 0; i < c->storage_class_count; i++)
		snprintf(c->storage_classes[i], sizeof(c->storage_classes[i]), "%s", cfg_getnstr(root, "storage_classes", i));
	return ERR_OK;
}

/* What only the whole can tell. */
static void check_whole(cfg_t *root, const struct conf *c)
{
	char text[256];
	for (unsigned i = 0; i < c->route_count; i++) {
		const struct conf_route *r = &c->routes[i];
		const struct conf_node *n = conf_node_by_name(c, r->to);
		bool is_notify = r->action == ACTION_NOTIFY;
		if ((r->action != ACTION_FORWARD && r->action != ACTION_MPPS && !is_notify) || (n && n->host[0]))
			continue;
		snprintf(text, sizeof(text), n ? "the route \"%s\" %s \"%s\", which has no host and port"
		                               : "the route \"%s\" %s \"%s\", and there is no such node", r->name, is_notify ? "notifies" : "forwards to", r->to);
		problem(parsing, cfg_getnsec(root, "route", i)->line, text);
	}
	if (!charset_is_known(c->charset)) {
		snprintf(text, sizeof(text), "charset is \"%s\", which is no character set of DICOM, as GB18030, GBK or ISO_IR 192 are", c->charset);
		problem(parsing, root->line, text);
	}
	for (unsigned i = 0; i < c->node_count; i++)
		if (!charset_is_known(c->nodes[i].charset)) {
			snprintf(text, sizeof(text), "the node \"%s\" has the charset \"%s\", which is no character set of DICOM, as GB18030, GBK or ISO_IR 192 are",
			         c->nodes[i].name, c->nodes[i].charset);
			problem(parsing, cfg_getnsec(root, "node", i)->line, text);
		}
	if (c->retry_min_s > c->retry_max_s) {
		snprintf(text, sizeof(text), "retry_min is %u, more than retry_max, which is %u", c->retry_min_s, c->retry_max_s);
		problem(parsing, root->line, text);
	}
}

static enum err parse_text(struct parse *p, const char *text, struct conf *c)
{
	static cfg_opt_t node[OPTIONS_MAX], route[OPTIONS_MAX], retention[OPTIONS_MAX], root_opts[OPTIONS_MAX + 3];   /* libconfuse keeps pointers; under the mutex */
	_Static_assert(OPTIONS_MAX > 48, "room for every row and an end");
	fill_options(node, &conf_node_schema);
	fill_options(route, &conf_route_schema);
	fill_options(retention, &conf_retention_schema);
	fill_options(root_opts, &conf_schema);
	size_t n = conf_schema.count;
	root_opts[n++] = (cfg_opt_t)CFG_SEC("node", node, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	root_opts[n++] = (cfg_opt_t)CFG_SEC("route", route, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	root_opts[n++] = (cfg_opt_t)CFG_SEC("retention", retention, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	root_opts[n] = (cfg_opt_t)CFG_END();

	cfg_t *root = cfg_init(root_opts, CFGF_NONE);
	if (!root)
		return ERR_NOMEM;
	cfg_set_error_function(root, on_error);
	set_validators(root, &conf_schema);
	set_validators(root, &conf_node_schema);
	set_validators(root, &conf_route_schema);
	set_validators(root, &conf_retention_schema);
	enum err e = ERR_OK;
	int r = cfg_parse_buf(root, text);
	if (r == CFG_SUCCESS)
		check_required(root, root->line);
	else if (!p->problems)
		problem(p, root->line, "cannot be understood");
	/* libconfuse takes the end of the file for the end of a section: a cut file would pass. */
	if (r == CFG_SUCCESS && !conf_text_is_closed(text))
		problem(p, root->line, "the file ends inside a section: a } is missing");
	if (!p->problems) {
		take_values(root, c);
		e = take_lists(root, c);
	}
	if (!e && !p->problems)
		check_whole(root, c);
	cfg_free(root);
	return e;
}

enum err conf_parse(const char *dir, const char *text, size_t len, void (*tell)(void *arg, const char *problem), void *arg,
                    struct conf **out, struct why *why)
{
	struct parse p = { .tell = tell, .arg = arg };
	struct conf *c = calloc(1, sizeof(*c));
	if (!c)
		return fail(why, ERR_NOMEM, "no memory for the configuration");
	c->refs = 1;
	snprintf(c->dir, sizeof(c->dir), "%s", dir);
	snprintf(p.file, sizeof(p.file), "%s/pacs.conf", dir);

	pthread_mutex_lock(&one_at_a_time);
	parsing = &p;
	enum err e = ERR_OK;
	if (strlen(text) != len)
		problem(&p, 1, "holds NUL bytes: it is not a text");
	else
		e = parse_text(&p, text, c);
	parsing = NULL;
	pthread_mutex_unlock(&one_at_a_time);

	if (e)
		fail(why, e, "no memory for the configuration");
	else if (p.problems == 1)
		e = fail(why, ERR_CONFIG, "%s", p.first.text);
	else if (p.problems)
		e = fail(why, ERR_CONFIG, "%s (and %u more: `pacs check` lists them)", p.first.text, p.problems - 1);
	if (e)
		conf_unref(&c);
	else
		*out = c;
	return e;
}

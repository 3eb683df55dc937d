#include "conf/conf_sample.h"

#include <string.h>

#include "conf/schema.h"

static void add_comment(struct buf *out, const char *indent, const char *says)
{
	while (*says) {
		size_t n = strcspn(says, "\n");
		buf_printf(out, "%s# %.*s\n", indent, (int)n, says);
		says += n + (says[n] == '\n');
	}
}

static bool is_quoted(const struct option *o)
{
	return o->kind == OPTION_TEXT || o->kind == OPTION_NAME || o->kind == OPTION_AET;
}

/* `example` stands for an option that has no default. */
static void add_shown(struct buf *out, const char *before, const struct option *o, const char *example)
{
	const char *quote = is_quoted(o) ? "\"" : "";
	const char *value = o->preset && *o->preset ? o->preset : o->preset && is_quoted(o) ? "" : example;
	add_comment(out, *before == '#' && before[1] == '\t' ? "#\t" : "", o->says);
	buf_printf(out, "%s%s = %s%s%s\n", before, o->name, quote, value, quote);
}

static void add_sections(struct buf *out, const struct option_table *t, const char *const *examples)
{
	buf_printf(out, "#%s \"%s\" {\n", t->section, t == &conf_node_schema ? "COUNTY" : t == &conf_route_schema ? "dr-to-county" : "mammography");
	for (size_t i = 0; i < t->count; i++)
		add_shown(out, "#\t", &t->rows[i], examples[i]);
	buf_add_str(out, "#}\n\n");
}

void conf_sample(struct buf *out, const char *aet, enum conf_level level, unsigned port)
{
	static const char *const node_examples[] = { "COUNTY1", "", "", "county", "", "", "", "", "", "", "" };
	static const char *const route_examples[] = { "", "", "", "", "forward", "COUNTY", "", "", "", "" };
	static const char *const retention_examples[] = { "", "", "", "" };
	char port_text[16];
	buf_add_str(out, "# Configuration of this node. `pacs check` says what is wrong with it, with file and line.\n"
	                 "# A line that begins with # is not in effect; where an option is shown so, that is its default.\n"
	                 "# Changes take effect when the node is told: `pacs reload`, or SIGHUP to `pacs serve`.\n"
	                 "# `pacs node` and `pacs route` change this file and keep your comments. `pacs help conf` explains it.\n\n");
	struct buf number;
	buf_init(&number, sizeof(port_text));
	buf_printf(&number, "%u", port);
	for (size_t i = 0; i < conf_schema.count; i++) {
		struct option o = conf_schema.rows[i];
		const char *set = !strcmp(o.name, "aet") ? aet : !strcmp(o.name, "level") ? conf_level_name(level) : !strcmp(o.name, "port") ? buf_cstr(&number) : NULL;
		if (set)
			o.preset = set;
		add_shown(out, set ? "" : "#", &o, "");
		buf_add_byte(out, '\n');
	}
	buf_fini(&number);
	buf_add_str(out, "# ---- nodes: modalities, workstations and other nodes; `pacs node add` writes these ----\n");
	add_sections(out, &conf_node_schema, node_examples);
	buf_add_str(out, "# ---- routes: what happens to images; every route that matches acts; `pacs route add` writes these ----\n");
	add_sections(out, &conf_route_schema, route_examples);
	buf_add_str(out, "# ---- retention: how long studies are kept; the first that matches decides; `pacs retention` says what would go ----\n");
	add_sections(out, &conf_retention_schema, retention_examples);
}

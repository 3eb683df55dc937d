#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf_edit.h"
#include "pacs/ctl/ctl.h"
#include "pacs/demo.h"
#include "pacs/folder.h"
#include "pacs/net/conn.h"

enum { FIRST_PORT = 11113, PORTS = 2000, START_S = 60 };

/* What each node knows and does, as `pacs node add` and `pacs route add` would write it. */
struct section { enum demo_place at; const char *kind, *name; struct conf_pair pairs[5]; };
static const struct section sections[] = {
	{ CLINIC, "node", "MODALITY", { { "aet", "STORESCU" } } },
	{ CLINIC, "node", "READER", { { "aet", "READER" } } },
	{ CLINIC, "node", "COUNTY", { { "aet", "COUNTY1" }, { "host", "127.0.0.1" }, { "port", "@COUNTY" }, { "level", "county" } } },
	{ CLINIC, "route", "compress", { { "modality", "DR,DX,CR,MG,US" }, { "action", "compress" }, { "codec", "jpeg2000" } } },
	{ CLINIC, "route", "to-county", { { "action", "forward" }, { "to", "COUNTY" } } },
	{ COUNTY, "node", "CLINIC", { { "aet", "CLINIC1" }, { "level", "clinic" } } },
	{ COUNTY, "node", "READER", { { "aet", "READER" } } },
	{ COUNTY, "node", "PROVINCE", { { "aet", "PROVINCE1" }, { "host", "127.0.0.1" }, { "port", "@PROVINCE" }, { "level", "province" } } },
	{ COUNTY, "route", "read-dr", { { "modality", "DR,DX,CR,MG" }, { "action", "worklist" }, { "group", "DR" } } },
	{ COUNTY, "route", "read-us", { { "modality", "US" }, { "action", "worklist" }, { "group", "US" } } },
	{ PROVINCE, "node", "COUNTY", { { "aet", "COUNTY1" }, { "level", "county" } } },
	{ PROVINCE, "node", "READER", { { "aet", "READER" } } },
	{ PROVINCE, "route", "read-all", { { "action", "worklist" }, { "group", "EXPERT" } } },
};

static const char *port_text(const struct demo *d, const char *value, char out[8])
{
	if (!value || value[0] != '@')
		return value;
	snprintf(out, 8, "%u", d->nodes[strcmp(value, "@COUNTY") ? PROVINCE : COUNTY].port);
	return out;
}

static enum err write_conf(const struct demo *d, enum demo_place at, struct why *why)
{
	struct conf_edit edit;
	enum err e = conf_edit_open(&edit, d->nodes[at].dir, why);
	if (e)
		return e;
	e = conf_edit_set(&edit, "listen", "127.0.0.1", why);
	if (!e)
		e = conf_edit_set(&edit, "quiet", "5", why);
	if (!e)
		e = conf_edit_set(&edit, "reserve", "64", why);
	for (size_t i = 0; i < NELEM(sections) && !e; i++) {
		const struct section *s = &sections[i];
		struct conf_pair pairs[NELEM(s->pairs)];
		char port[8];
		size_t n = 0;
		for (; n < NELEM(pairs) && s->pairs[n].name; n++)
			pairs[n] = (struct conf_pair){ s->pairs[n].name, port_text(d, s->pairs[n].value, port) };
		if (s->at == at)
			e = conf_edit_add_section(&edit, s->kind, s->name, pairs, n, why);
	}
	if (!e)
		e = conf_edit_save(&edit, why);
	conf_edit_close(&edit);
	return e;
}

/* The first free port at or behind *port. */
static bool find_port(unsigned *port)
{
	for (unsigned end = FIRST_PORT + PORTS; *port < end; ++*port) {
		int fd;
		if (!listener_bind("127.0.0.1", port, &fd, NULL)) {
			close(fd);
			return true;
		}
	}
	return false;
}

static bool make_folders(struct demo *d)
{
	unsigned port = FIRST_PORT;
	struct why why;
	for (int i = 0; i < PLACES; i++, port++) {
		struct demo_node *n = &d->nodes[i];
		if (!find_port(&port)) {
			say_error("no free port from %d to %d", FIRST_PORT, FIRST_PORT + PORTS);
			return false;
		}
		n->port = port;
		int len = snprintf(n->dir, sizeof(n->dir), "%s/%s", d->dir, n->name);
		enum err e = len < 0 || (size_t)len >= sizeof(n->dir) ? fail(&why, ERR_LIMIT, "the path of the folder is too long: %s", d->dir)
		                                                       : folder_make(n->dir, n->aet, n->level, port, &why);
		if (e) {
			say_failure(e, &why);
			return false;
		}
	}
	for (int i = 0; i < PLACES; i++) {
		enum err e = write_conf(d, (enum demo_place)i, &why);
		if (!e)
			e = conf_load(d->nodes[i].dir, &d->nodes[i].conf, &why);
		if (e) {
			say_failure(e, &why);
			return false;
		}
	}
	return true;
}

static bool answers(const struct demo_node *n)
{
	return !ctl_call(run_path(n->dir, "storescp.sock").s, json_pack("{s:s}", "op", "ping"), 1000, NULL, NULL) &&
	       !ctl_call(run_path(n->dir, "router.sock").s, json_pack("{s:s}", "op", "ping"), 1000, NULL, NULL);
}

static bool await_node(struct demo *d, struct demo_node *n)
{
	for (unsigned waited = 0; !answers(n); waited += 50) {
		int status;
		bool ended = waitpid(n->pid, &status, WNOHANG) == n->pid;
		if (ended)
			n->pid = 0;
		if (ended || waited > START_S * 1000) {
			say_error("the %s node did not start; its log: %s.log", n->name, n->dir);
			d->keep = true;
			return false;
		}
		if (!demo_pause(d, 50))
			return false;
	}
	return true;
}

bool demo_nodes_start(struct demo *d)
{
	if (!make_folders(d))
		return false;
	for (int i = 0; i < PLACES; i++) {
		struct demo_node *n = &d->nodes[i];
		char program[PATH_MAX + 8], log[PATH_MAX + 8];
		snprintf(program, sizeof(program), "%s/pacs", d->bin);
		snprintf(log, sizeof(log), "%s.log", n->dir);
		const char *argv[] = { program, "-C", n->dir, "serve", NULL };
		n->pid = demo_spawn(argv, log);
	}
	for (int i = 0; i < PLACES; i++) {
		if (!await_node(d, &d->nodes[i]))
			return false;
		demo_say(d, "%-9s %-10s listens on 127.0.0.1:%u   %s", d->nodes[i].name, d->nodes[i].aet, d->nodes[i].port, d->nodes[i].dir);
	}
	return true;
}

/* The province last: what is on its way up may still arrive. */
void demo_nodes_stop(struct demo *d)
{
	for (int i = 0; i < PLACES; i++) {
		struct demo_node *n = &d->nodes[i];
		index_reader_close(&n->index);
		demo_stop(&n->pid);
		conf_unref(&n->conf);
	}
}

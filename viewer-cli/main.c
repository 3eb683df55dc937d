/* viewer-cli - a reader's terminal; see help.c for what it can do. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/log.h"
#include "viewer-cli/viewer.h"

enum option_id { O_NODE = 256, O_CALLED, O_CALLING, O_JSON, O_ALL, O_STUDY, O_STATE, O_GROUP, O_PATIENT, O_REASON, O_TRANSACTION, O_HELP };

static const struct option options[] = {
	{ "node", required_argument, NULL, O_NODE },       { "called", required_argument, NULL, O_CALLED },   { "calling", required_argument, NULL, O_CALLING },
	{ "json", no_argument, NULL, O_JSON },             { "all", no_argument, NULL, O_ALL },               { "study", required_argument, NULL, O_STUDY },
	{ "state", required_argument, NULL, O_STATE },     { "group", required_argument, NULL, O_GROUP },     { "patient", required_argument, NULL, O_PATIENT },
	{ "reason", required_argument, NULL, O_REASON },   { "transaction", required_argument, NULL, O_TRANSACTION },
	{ "output", required_argument, NULL, 'o' },        { "help", no_argument, NULL, O_HELP },             { 0 },
};

static const struct { const char *name; int (*run)(const struct viewer_options *o); } commands[] = {
	{ "read", viewer_read }, { "list", viewer_list }, { "claim", viewer_claim }, { "pull", viewer_pull }, { "release", viewer_release }, { "complete", viewer_complete },
};

struct line {
	struct viewer_options o;
	const char *node, *called, *calling;
	bool help;
};

/* False: an option that does not exist, or one without its value; getopt has said so. */
static bool take_option(struct line *l, int id)
{
	switch (id) {
	case O_NODE: l->node = optarg; break;
	case O_CALLED: l->called = optarg; break;
	case O_CALLING: l->calling = optarg; break;
	case O_JSON: l->o.json = true; break;
	case O_ALL: l->o.all = true; break;
	case O_STUDY: l->o.study = optarg; break;
	case O_STATE: l->o.state = optarg; break;
	case O_GROUP: l->o.group = optarg; break;
	case O_PATIENT: l->o.patient = optarg; break;
	case O_REASON: l->o.reason = optarg; break;
	case O_TRANSACTION: l->o.transaction = optarg; break;
	case 'o': l->o.out_dir = optarg; break;
	case O_HELP: l->help = true; break;
	default: return false;
	}
	return true;
}

/* "host:port"; an IPv6 address may stand in brackets. */
static bool take_node(const char *node, struct viewer_options *o)
{
	const char *colon = strrchr(node, ':');
	char *end;

	if (!colon || colon == node)
		return false;
	size_t n = (size_t)(colon - node);
	bool in_brackets = node[0] == '[' && node[n - 1] == ']';
	unsigned long port = strtoul(colon + 1, &end, 10);
	if (*end || end == colon + 1 || port == 0 || port > 65535 || n >= sizeof(o->host))
		return false;
	snprintf(o->host, sizeof(o->host), "%.*s", (int)(n - 2 * in_brackets), node + in_brackets);
	o->port = (unsigned)port;
	return true;
}

static bool take_aet(const char *aet, char out[BOUND_AET + 1])
{
	size_t n = aet ? strlen(aet) : 0;

	if (n == 0 || n > BOUND_AET || strchr(aet, '\\'))
		return false;
	memcpy(out, aet, n + 1);
	return true;
}

static const char *or_environment(const char *given, const char *name)
{
	return given ? given : getenv(name);
}

static bool take_peer(struct line *l)
{
	const char *node = or_environment(l->node, "VIEWER_NODE");
	const char *called = or_environment(l->called, "VIEWER_CALLED");
	const char *calling = or_environment(l->calling, "VIEWER_CALLING");

	if (!node || !take_node(node, &l->o))
		fprintf(stderr, "viewer-cli: --node HOST:PORT is needed\n");
	else if (!take_aet(called, l->o.called))
		fprintf(stderr, "viewer-cli: --called AET is needed, 1 to 16 letters\n");
	else if (!take_aet(calling ? calling : "VIEWER", l->o.calling))
		fprintf(stderr, "viewer-cli: --calling AET is 1 to 16 letters\n");
	else
		return true;
	return false;
}

static int run(struct line *l, const char *command)
{
	for (size_t i = 0; i < NELEM(commands); i++) {
		if (strcmp(commands[i].name, command) != 0)
			continue;
		if (l->help)
			return viewer_help(command);
		return take_peer(l) ? commands[i].run(&l->o) : VIEWER_USAGE;
	}
	return viewer_help(command) == VIEWER_USAGE ? VIEWER_USAGE : VIEWER_OK;
}

int main(int argc, char **argv)
{
	struct line l = { .help = false };
	int id;

	signal(SIGPIPE, SIG_IGN);
	log_init("viewer-cli", LOG_ERROR);
	/* Up to the command; `show` reads the rest itself. */
	while ((id = getopt_long(argc, argv, "+o:", options, NULL)) != -1)
		if (!take_option(&l, id))
			return VIEWER_USAGE;
	const char *command = argv[optind];
	/* Without a command, on a terminal, for a node: read. */
	if (!command && !l.help && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && or_environment(l.node, "VIEWER_NODE"))
		return run(&l, "read");
	if (!command)
		return l.help ? viewer_help(NULL) : (viewer_help(NULL), VIEWER_USAGE);
	if (strcmp(command, "help") == 0)
		return viewer_help(argv[optind + 1]);
	if (strcmp(command, "show") == 0)
		return viewer_show(argc - optind, argv + optind);
	argc -= optind;
	argv += optind;
	optind = 0;
	while ((id = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		if (!take_option(&l, id))
			return VIEWER_USAGE;
	l.o.args = argv + optind;
	l.o.count = argc - optind;
	return run(&l, command);
}

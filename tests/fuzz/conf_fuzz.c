/* Whatever a pacs.conf holds, it is understood or refused with a place; a text that is understood has its tokens in order, and its
 * sections are found again by those who edit it. */
#include <string.h>

#include "conf/conf.h"
#include "conf/conf_parse.h"
#include "conf/conf_text.h"

#include "tests/fuzz/fuzz.h"

static void on_problem(void *arg, const char *problem)
{
	unsigned *n = arg;
	MUST(!strncmp(problem, "/nowhere/pacs.conf:", 19));
	++*n;
}

static void walk_tokens(const char *text, size_t len)
{
	size_t at = 0;
	for (struct conf_token t; (t = conf_token_next(text, at)).kind; at = t.to)
		MUST(t.from >= at && t.to > t.from && t.to <= len);
}

static void check(const struct conf *c, const char *text, size_t len)
{
	MUST(c->port <= 65535 && c->aet[0] && c->max_operations <= BOUND_ASYNC_OPS);
	for (size_t i = 0; i < c->node_count; i++) {
		size_t from, to;
		MUST(conf_node_by_name(c, c->nodes[i].name));
		if (conf_text_find_section(text, "node", c->nodes[i].name, &from, &to))
			MUST(from < to && to <= len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = NULL;
	struct why why = { "" };
	unsigned problems = 0;
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	enum err e = conf_parse("/nowhere", text, size, on_problem, &problems, &c, &why);
	MUST(e == ERR_OK ? !problems : e == ERR_CONFIG && problems && why.text[0]);
	walk_tokens(text, strlen(text));
	if (!e)
		check(c, text, size);
	conf_unref(&c);
	free(text);
	return 0;
}

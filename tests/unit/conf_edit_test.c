#include "conf/conf_edit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_text.h"
#include "pacs/base/durable.h"
#include "tests/lib/t.h"

#define START \
	"# node \"GHOST\" { in a comment\n" \
	"aet = A\n" \
	"#accept = known\n" \
	"\n" \
	"/* node \"N\" { */\n" \
	"node \"M\" { aet = M host = \"} node\" port = 104 } # about M\n" \
	"\n" \
	"# about N\n" \
	"node 'N' {\n" \
	"\taet = X # { not a brace\n" \
	"}\n" \
	"# the end\n"

static char dir[64];

static void begin(struct conf_edit *e)
{
	struct why why;
	char path[128];
	snprintf(dir, sizeof(dir), "/tmp/conf_edit_test.XXXXXX");
	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/run", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/pacs.conf", dir);
	CHECK_OK(durable_replace(path, START, sizeof(START) - 1, 0644, &why), why);
	CHECK_OK(conf_edit_open(e, dir, &why), why);
}

static void end(struct conf_edit *e, const char *want_file)
{
	struct why why;
	char path[128], *text = NULL;
	size_t len;
	conf_edit_close(e);
	snprintf(path, sizeof(path), "%s/pacs.conf", dir);
	CHECK_OK(durable_slurp(path, 1 << 20, &text, &len, &why), why);
	CHECK_STR(text, want_file);
	free(text);
	unlink(path);
	snprintf(path, sizeof(path), "%s/run/conf.lock", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/run", dir);
	rmdir(path);
	CHECK_INT(rmdir(dir), 0);
}

TEST(adds, "a section is added behind everything, and what was there stays to the byte")
{
	struct conf_edit e;
	struct why why;
	const struct conf_pair pairs[] = { { "aet", "P \"1\"" }, { "host", "10.0.0.1" }, { "port", "104" }, { "level", NULL } };
	begin(&e);
	CHECK_OK(conf_edit_add_section(&e, "node", "P", pairs, NELEM(pairs), &why), why);
	CHECK_OK(conf_edit_save(&e, &why), why);
	CHECK_STR(e.conf->nodes[2].aet, "P \"1\"");
	CHECK_STR(e.conf->nodes[2].host, "10.0.0.1");
	end(&e, START "\nnode \"P\" {\n\taet = \"P \\\"1\\\"\"\n\thost = \"10.0.0.1\"\n\tport = 104\n}\n");
}

TEST(removes, "a section is removed without the comments around it; braces in strings and comments do not count")
{
	struct conf_edit e;
	struct why why;
	begin(&e);
	CHECK_OK(conf_edit_remove_section(&e, "node", "N", &why), why);
	CHECK_OK(conf_edit_save(&e, &why), why);
	CHECK_OK(conf_edit_remove_section(&e, "node", "M", &why), why);
	CHECK_INT(conf_edit_remove_section(&e, "node", "GHOST", &why), ERR_NOT_FOUND);
	CHECK_INT(conf_edit_remove_section(&e, "route", "M", &why), ERR_NOT_FOUND);
	CHECK_OK(conf_edit_save(&e, &why), why);
	CHECK_INT(e.conf->node_count, 0);
	end(&e, "# node \"GHOST\" { in a comment\naet = A\n#accept = known\n\n/* node \"N\" { */\n# about M\n\n# about N\n# the end\n");
}

TEST(sets, "an option is set under the comment that explains it, or where it stands")
{
	struct conf_edit e;
	struct why why;
	size_t from, to;
	begin(&e);
	CHECK_OK(conf_edit_set(&e, "accept", "any", &why), why);
	CHECK_OK(conf_edit_set(&e, "aet", "B", &why), why);
	CHECK_OK(conf_edit_save(&e, &why), why);
	CHECK(e.conf->accept_any_calling);
	CHECK_STR(e.conf->aet, "B");
	CHECK(!strncmp(buf_cstr(&e.text) + strlen("# node \"GHOST\" { in a comment\n"), "aet = \"B\"\n#accept = known\naccept = any\n\n", 39));
	CHECK(!conf_text_find_value(buf_cstr(&e.text), "host", &from, &to));
	CHECK_OK(conf_edit_set(&e, "aet", "A", &why), why);
	CHECK_OK(conf_edit_set(&e, "accept", "known", &why), why);
	CHECK_OK(conf_edit_save(&e, &why), why);
	end(&e, "# node \"GHOST\" { in a comment\naet = \"A\"\n#accept = known\naccept = known\n" "\n"
	        "/* node \"N\" { */\nnode \"M\" { aet = M host = \"} node\" port = 104 } # about M\n\n# about N\nnode 'N' {\n\taet = X # { not a brace\n}\n# the end\n");
}

TEST(refuses, "a change that would make the file wrong is refused and the file stays")
{
	struct conf_edit e;
	struct why why;
	const struct conf_pair same_aet[] = { { "aet", "X" } }, bad_port[] = { { "aet", "Q" }, { "port", "nine" } };
	begin(&e);
	CHECK_INT(conf_edit_add_section(&e, "node", "N", same_aet, 1, &why), ERR_EXISTS);
	CHECK_INT(conf_edit_add_section(&e, "node", "bad name", same_aet, 1, &why), ERR_USAGE);
	CHECK_OK(conf_edit_add_section(&e, "node", "Q", bad_port, 2, &why), why);
	CHECK_INT(conf_edit_save(&e, &why), ERR_CONFIG);
	CHECK(strstr(why.text, "port is \"nine\"") != NULL);
	end(&e, START);
}

int main(void)
{
	RUN(adds);
	RUN(removes);
	RUN(sets);
	RUN(refuses);
	return t_done();
}

#include "conf/conf.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf/conf_parse.h"
#include "conf/conf_sample.h"
#include "tests/lib/t.h"

#define HEAD "aet = A\n"

static char told[2048];

static void tell(void *arg, const char *problem)
{
	(void)arg;
	size_t n = strlen(told);
	snprintf(told + n, sizeof(told) - n, "%s\n", problem);
}

static enum err parse(const char *text, struct conf **out, struct why *why)
{
	told[0] = '\0';
	*out = NULL;
	return conf_parse("/d", text, strlen(text), tell, NULL, out, why);
}

/* Text, and every problem that must be told. */
static const struct { const char *text, *problems; } bad[] = {
	{ "", "/d/pacs.conf:1: aet is not set\n" },
	{ "aet = A\nport = 70000\nreserve = many\n",
	  "/d/pacs.conf:2: port is \"70000\", expected a number from 1 to 65535\n"
	  "/d/pacs.conf:3: reserve is \"many\", expected a number from 0 to 1073741824\n" },
	{ "aet = A\nport = -1\n", "/d/pacs.conf:2: port is \"-1\", expected a number from 1 to 65535\n" },
	{ "aet = A\n\nprot = 104\n", "/d/pacs.conf:3: there is no option \"prot\"; did you mean \"port\"?\n" },
	{ "aet = A\nzzzzzzz = 104\n", "/d/pacs.conf:2: there is no option \"zzzzzzz\"\n" },
	{ "aet = ABCDEFGHIJKLMNOPQ\n",
	  "/d/pacs.conf:1: aet is \"ABCDEFGHIJKLMNOPQ\" (17 characters), expected an AE title: 1 to 16 ASCII characters, no backslash, no blank at the ends\n" },
	{ HEAD "level = village\n", "/d/pacs.conf:2: level is \"village\", expected clinic, county or province\n" },
	{ HEAD "accept = all\n", "/d/pacs.conf:2: accept is \"all\", expected known or any\n" },
	{ HEAD "node \"N\" {\n host = h\n}\n",
	  "/d/pacs.conf:4: the node \"N\" that ends here has no aet\n/d/pacs.conf:4: the node \"N\" has a host and no port\n" },
	{ HEAD "node \"N\" {\n aet = X\n hots = h\n}\n", "/d/pacs.conf:4: there is no option \"hots\" in a node; did you mean \"host\"?\n" },
	{ HEAD "node \"N M\" {\n aet = X\n}\n", "/d/pacs.conf:4: the node \"N M\" needs a name of letters, digits, - and _, at most 32\n" },
	{ HEAD "node \"N\" {\n aet = X\n}\nnode \"M\" {\n aet = X\n}\n",
	  "/d/pacs.conf:7: the nodes \"N\" and \"M\" have the same AE title X: a caller could be either\n" },
	{ HEAD "route \"r\" {\n action = forward\n}\n", "/d/pacs.conf:4: the route \"r\" forwards and does not say to which node (to = NAME)\n" },
	{ HEAD "route \"r\" {\n action = forward\n to = N\n}\n", "/d/pacs.conf:5: the route \"r\" forwards to \"N\", and there is no such node\n" },
	{ HEAD "node \"N\" { aet = X }\nroute \"r\" {\n action = forward\n to = N\n}\n",
	  "/d/pacs.conf:6: the route \"r\" forwards to \"N\", which has no host and port\n" },
	{ HEAD "route \"r\" {\n action = compress\n codec = zip\n}\n",
	  "/d/pacs.conf:5: the route \"r\": \"zip\" is no codec; known are keep, jpeg2000, htj2k, htj2k-any, jpegls, jpeg-lossless, rle, deflated, "
	  "jpeg:N, jpeg12:N, jpegls-near:N, jpeg2000-lossy:N, htj2k-lossy:N\n" },
	{ HEAD "route \"r\" {\n action = compress\n codec = \"jpeg:80\"\n}\n",
	  "/d/pacs.conf:5: the route \"r\" compresses what is kept, and its codec is lossy, which makes another object; give it to the node that it goes to\n" },
	{ HEAD "node \"n\" {\n aet = \"X\"\n codec = \"jpeg:101\"\n}\n",
	  "/d/pacs.conf:5: the node \"n\": \"jpeg:101\": jpeg takes a number from 1 to 100\n" },
	{ HEAD "retry_min = 10\nretry_max = 5\n", "/d/pacs.conf:4: retry_min is 10, more than retry_max, which is 5\n" },
	{ HEAD "charset = GB1803\n", "/d/pacs.conf:3: charset is \"GB1803\", which is no character set of DICOM, as GB18030, GBK or ISO_IR 192 are\n" },
	{ HEAD "storage_classes = {\"1.2.3\", \"1..2\"}\n", "/d/pacs.conf:2: storage_classes holds \"1..2\", expected UIDs: digits and dots, at most 64\n" },
};

TEST(mistakes, "every mistake of value is told with its line, what was seen and what was expected")
{
	for (size_t i = 0; i < NELEM(bad); i++) {
		struct conf *c;
		struct why why;
		CHECK_INT(parse(bad[i].text, &c, &why), ERR_CONFIG);
		CHECK_STR(told, bad[i].problems);
		conf_unref(&c);
	}
}

TEST(grammar, "a mistake of grammar is told with its line")
{
	static const char *const texts[] = { "aet = A\nnode {\n}\n", "aet = A\n}\n", "aet = A\nnode \"x\" {\n aet = B\n", "aet A\n", "aet = \"A\n" };
	for (size_t i = 0; i < NELEM(texts); i++) {
		struct conf *c;
		struct why why;
		CHECK_INT(parse(texts[i], &c, &why), ERR_CONFIG);
		if (strncmp(why.text, "/d/pacs.conf:", 13) || why.text[13] == '0')
			T_FAIL("case %zu: \"%s\"", i, why.text);
		conf_unref(&c);
	}
}

TEST(defaults, "what is not said has its default")
{
	struct conf *c;
	struct why why;
	CHECK_OK(parse("aet = CLINIC1\nnode \"N\" {\n aet = X\n}\n", &c, &why), why);
	if (!c)
		return;
	CHECK_STR(c->aet, "CLINIC1");
	CHECK_STR(c->listen, "0.0.0.0");
	CHECK_INT(c->port, 11112);
	CHECK_INT(c->level, LEVEL_CLINIC);
	CHECK_INT(c->accept_any_calling, false);
	CHECK_INT(c->check_called, true);
	CHECK_INT(c->reserve_mb, 1024);
	CHECK_INT(c->quiet_s, 60);
	CHECK_INT(c->log_level, LOG_INFO);
	CHECK_INT(c->node_count, 1);
	CHECK_INT(c->nodes[0].has_level, false);
	CHECK_INT(c->nodes[0].accepts_j2k, true);
	CHECK_INT(c->nodes[0].max_associations, 2);
	conf_unref(&c);
}

TEST(values, "sections keep their order and their values")
{
	struct conf *c;
	struct why why;
	CHECK_OK(parse("aet = A # a comment\naccept = any\nlevel = county\nstorage_classes = {\"1.2.3\"}\n"
	               "node \"P\" { aet = PROV host = \"10.0.0.1\" port = 104 level = province rate = 8000 j2k = no duplicate = keep-latest }\n"
	               "route \"b\" { modality = \"DR,DX\" action = forward to = P priority = 9 }\n"
	               "route \"a\" { action = worklist group = DR }\n", &c, &why), why);
	if (!c)
		return;
	CHECK_INT(c->accept_any_calling, true);
	CHECK_INT(c->storage_class_count, 1);
	CHECK_STR(c->storage_classes[0], "1.2.3");
	CHECK_INT(c->nodes[0].rate_bytes_per_s, 1000000);
	CHECK_INT(c->nodes[0].has_level, true);
	CHECK_INT(c->nodes[0].level, LEVEL_PROVINCE);
	CHECK_INT(c->nodes[0].accepts_j2k, false);
	CHECK_INT(c->nodes[0].duplicate, DUPLICATE_KEEP_LATEST);
	CHECK_STR(c->routes[0].name, "b");
	CHECK_INT(c->routes[0].priority, 9);
	CHECK_INT(c->routes[1].action, ACTION_WORKLIST);
	CHECK(conf_node_by_name(c, "P") == &c->nodes[0]);
	CHECK(conf_node_by_aet(c, " PROV  ") == &c->nodes[0]);
	CHECK(conf_node_by_aet(c, "prov") == NULL);
	CHECK(conf_node_by_name(c, "X") == NULL);
	conf_unref(&c);
}

TEST(sample, "the commented file of init loads, and with every line in effect it still does")
{
	struct conf *c;
	struct why why;
	struct buf b, live;
	buf_init(&b, 1 << 20);
	buf_init(&live, 1 << 20);
	conf_sample(&b, "COUNTY1", LEVEL_COUNTY, 11113);
	CHECK_OK(parse(buf_cstr(&b), &c, &why), why);
	if (c) {
		CHECK_STR(c->aet, "COUNTY1");
		CHECK_INT(c->level, LEVEL_COUNTY);
		CHECK_INT(c->port, 11113);
		CHECK_INT(c->node_count, 0);
	}
	conf_unref(&c);
	/* "#name = value" becomes "name = value"; "# words" stays. The example of a node has no host, that of a route no target. */
	for (const char *s = buf_cstr(&b); *s; ) {
		size_t n = strcspn(s, "\n") + 1;
		size_t cut = s[0] == '#' && s[1] != ' ' && !(s[1] == '\t' && s[2] == '#');
		if (!strstr(s, "action = forward\n") || strstr(s, "action = forward\n") > s + n)
			buf_add(&live, s + cut, n - cut);
		else
			buf_add_str(&live, "action = worklist\n");
		s += n;
	}
	CHECK_OK(parse(buf_cstr(&live), &c, &why), why);
	CHECK(c && c->node_count == 1 && c->route_count == 1);
	conf_unref(&c);
	buf_fini(&b);
	buf_fini(&live);
}

TEST(routes, "a route matches by every field it names, with wildcards, lists and several values")
{
	static const struct { const char *calling, *modality, *body_part, *level; struct conf_facts f; bool want; } cases[] = {
		{ "", "", "", "", { "CR1", "DR", "", "", "" }, true },
		{ "CR1", "", "", "", { "CR1", "DR", "", "", "" }, true },
		{ "CR1", "", "", "", { "CR11", "DR", "", "", "" }, false },
		{ "CR?, US*", "", "", "", { "US77", "US", "", "", "" }, true },
		{ "", "DR,DX", "", "", { "A", "DX", "", "", "" }, true },
		{ "", "DR,DX", "", "", { "A", "US\\DX", "", "", "" }, true },
		{ "", "DR,DX", "", "", { "A", "US", "", "", "" }, false },
		{ "", "DR", "CHEST", "", { "A", "DR", "", "", "" }, false },
		{ "", "DR", "CHEST", "", { "A", "DR", "CHEST", "", "" }, true },
		{ "", "", "", "clinic", { "A", "DR", "", "clinic", "" }, true },
		{ "", "", "", "clinic", { "A", "DR", "", "", "" }, false },
		{ "", ",", "", "", { "A", "DR", "", "", "" }, false },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct conf_route r = { .action = ACTION_FORWARD };
		snprintf(r.calling, sizeof(r.calling), "%s", cases[i].calling);
		snprintf(r.modality, sizeof(r.modality), "%s", cases[i].modality);
		snprintf(r.body_part, sizeof(r.body_part), "%s", cases[i].body_part);
		snprintf(r.level, sizeof(r.level), "%s", cases[i].level);
		if (conf_route_matches(&r, &cases[i].f) != cases[i].want)
			T_FAIL("case %zu: wanted %d", i, cases[i].want);
	}
}

TEST(strange_dir, "a folder without pacs.conf is not ours")
{
	struct conf *c;
	struct why why;
	char dir[] = "/tmp/conf_test.XXXXXX";
	if (!mkdtemp(dir))
		abort();
	CHECK_INT(conf_load(dir, &c, &why), ERR_NOT_FOUND);
	CHECK(strstr(why.text, "pacs init"));
	rmdir(dir);
	CHECK_INT(conf_load(dir, &c, &why), ERR_NOT_FOUND);
}

int main(void)
{
	RUN(mistakes);
	RUN(grammar);
	RUN(defaults);
	RUN(values);
	RUN(sample);
	RUN(routes);
	RUN(strange_dir);
	return t_done();
}

/* A router that is told to stop while the first tasks of all its rooms wait for work.db: they come back to rooms that are gone. */
#include "tests/lib/t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/index.h"
#include "router/requests.h"
#include "router/rooms.h"
#include "router/send.h"

enum { DEADLINE_S = 60 };        /* a loop that does not run out ends the test */

static char dir[64];
static struct why why;

static void write_conf(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/pacs.conf", dir);
	FILE *f = fopen(path, "w");
	CHECK(f);
	fputs("aet = \"COUNTY\"\nlevel = county\nport = 11112\nquiet = 1\n"
	      "node \"hub\" { aet = \"HUB\" host = \"127.0.0.1\" port = 9 }\n"
	      "route \"on\" { action = forward to = \"hub\" }\n"
	      "route \"steps\" { action = mpps to = \"hub\" }\n"
	      "route \"tell\" { action = notify to = \"hub\" }\n"
	      "route \"small\" { action = compress }\n"
	      "route \"reading\" { action = worklist group = \"DR\" }\n", f);
	CHECK(!fclose(f));
}

static void make_folder(bool has_index)
{
	struct index_writer *iw;
	char path[96];
	snprintf(dir, sizeof(dir), "/tmp/rooms_test.XXXXXX");
	CHECK(mkdtemp(dir));
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, ((const char *[]){ "run", "spool", "objects" })[i]);
		CHECK(!mkdir(path, 0755));
	}
	write_conf();
	if (!has_index)
		return;
	CHECK_OK(index_writer_open(dir, &iw, &why), why);
	index_writer_close(&iw);
}

static void remove_folder(void)
{
	char cmd[96];
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	CHECK_INT(system(cmd), 0);
}

/* Nothing that was started can have come back: the loop has not run. */
static void stop_at_once(bool has_index, bool reloads, bool claims)
{
	struct router r = { 0 };
	make_folder(has_index);
	CHECK_OK(conf_load(dir, &r.conf, &why), why);
	CHECK(!loop_new(&r.loop));
	CHECK_OK(rooms_start(&r, &why), why);
	if (reloads)
		requests_reload(&r);
	if (claims)
		send_wake(&r);
	rooms_stop(&r);
	CHECK(r.is_stopping);
	loop_run(r.loop);
	CHECK(!r.work && !r.jobs);
	loop_free(&r.loop);
	rooms_fini(&r);
	conf_unref(&r.conf);
	remove_folder();
}

TEST(with_index, "stopped while the first tasks of all rooms wait, a router ends as it should") { stop_at_once(true, false, false); }
TEST(without_index, "and before there is an index") { stop_at_once(false, false, false); }
TEST(reloading, "and while the configuration is read again") { stop_at_once(true, true, false); }
TEST(claiming, "and while a destination looks for jobs") { stop_at_once(true, false, true); }
TEST(claiming_in_vain, "also where it cannot be told whether there are any") { stop_at_once(false, false, true); }

int main(void)
{
	alarm(DEADLINE_S);
	RUN(with_index);
	RUN(without_index);
	RUN(reloading);
	RUN(claiming);
	RUN(claiming_in_vain);
	return t_done();
}

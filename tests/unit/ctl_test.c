#include "pacs/ctl/ctl.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/ctl/ctl_line.h"
#include "pacs/ctl/local.h"
#include "tests/lib/t.h"

/* One loop on a thread of its own, so that the blocking client can be tested against the server. */
struct world {
	char dir[PATH_MAX - 64], path[PATH_MAX];
	struct loop *loop;
	struct ctl_server *server;
	struct wake *wake;
	struct ctl_request *kept;
	struct loop_timer *deadline;
	int wakes;
	enum err async_err;
	int async_answers;
	char async_text[400];
};

static void handle(void *arg, struct ctl_request *rq, const char *op, const json_t *body)
{
	struct world *w = arg;
	if (!strcmp(op, "ping"))
		ctl_answer(rq, NULL);
	else if (!strcmp(op, "echo"))
		ctl_answer(rq, json_pack("{s:O}", "said", json_object_get(body, "say")));
	else if (!strcmp(op, "keep"))
		w->kept = rq;
	else
		ctl_refuse(rq, ERR_NOT_FOUND, "no such op");
}

static void on_wake(void *arg)
{
	struct world *w = arg;
	w->wakes++;
	loop_stop(w->loop);
}

static void on_stop(void *arg)
{
	struct world *w = arg;
	if (w->kept)
		ctl_answer(w->kept, NULL);
	w->kept = NULL;
	ctl_server_close(&w->server);
	wake_close(&w->wake);
	loop_timer_free(&w->deadline);
}

static void on_deadline(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

static void *run(void *arg)
{
	loop_run(((struct world *)arg)->loop);
	return NULL;
}

static void world_open(struct world *w, size_t longer_by)
{
	struct why why;
	char base[] = "/tmp/ctl_test.XXXXXX";
	*w = (struct world){ 0 };
	if (!mkdtemp(base))
		abort();
	snprintf(w->dir, sizeof(w->dir), "%s", base);
	if (longer_by) {
		size_t n = strlen(w->dir);
		w->dir[n++] = '/';
		memset(w->dir + n, 'd', longer_by);
		CHECK_OK(durable_mkdirs(w->dir, &why), why);
	}
	snprintf(w->path, sizeof(w->path), "%s/test.sock", w->dir);
	CHECK_INT(loop_new(&w->loop), ERR_OK);
	loop_on_stop(w->loop, on_stop, w);
	CHECK_OK(ctl_server_open(w->loop, w->path, handle, w, &w->server, &why), why);
	CHECK_INT(loop_timer_new(w->loop, on_deadline, w, &w->deadline), ERR_OK);
	loop_timer_start(w->deadline, 10000, 0);
}

static void world_close(struct world *w)
{
	char cmd[PATH_MAX + 16];
	loop_free(&w->loop);
	CHECK(access(w->path, F_OK) != 0);
	snprintf(cmd, sizeof(cmd), "rm -rf %.20s", w->dir);
	CHECK_INT(system(cmd), 0);
}

static void with_client(size_t longer_by, void (*client)(struct world *w))
{
	struct world w;
	pthread_t thread;
	world_open(&w, longer_by);
	pthread_create(&thread, NULL, run, &w);
	client(&w);
	loop_stop(w.loop);
	pthread_join(thread, NULL);
	world_close(&w);
}

static void ask(struct world *w)
{
	struct why why = { "" };
	json_t *answer = NULL;
	CHECK_OK(ctl_call(w->path, json_pack("{s:s,s:s}", "op", "echo", "say", "你好"), 5000, &answer, &why), why);
	CHECK_STR(json_string_value(json_object_get(answer, "said")), "你好");
	json_decref(answer);
	CHECK_INT(ctl_call(w->path, json_pack("{s:s}", "op", "nonsense"), 5000, &answer, &why), ERR_NOT_FOUND);
	CHECK_STR(why.text, "no such op");
	CHECK_INT(ctl_call(w->path, json_pack("{s:s}", "no", "op"), 5000, &answer, &why), ERR_FORMAT);
	CHECK_INT(ctl_call(w->path, json_pack("{s:s}", "op", "keep"), 50, &answer, &why), ERR_TIMEOUT);
	CHECK(answer == NULL);
}

TEST(asks, "a request is answered, refused or times out, and the caller learns which")
{
	with_client(0, ask);
}

TEST(far, "a data folder whose path is longer than a socket address can be talked to")
{
	with_client(180, ask);
}

static void look_at_mode(struct world *w)
{
	struct stat st;
	CHECK_INT(stat(w->path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
}

TEST(mode, "nobody else may talk to the socket")
{
	with_client(0, look_at_mode);
}

static void many_lines(struct world *w)
{
	struct why why;
	int fd, lines = 0;
	char in[65536];
	CHECK_OK(local_connect(w->path, &fd, &why), why);
	struct buf b;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_add_str(&b, "{\"op\":\"ping\"}\n");
	CHECK_INT(write(fd, b.p, b.len), (ssize_t)b.len);
	for (int tries = 0; lines < 1000 && tries < 100000; tries++) {
		ssize_t n = read(fd, in, sizeof(in));
		if (n < 0)
			usleep(100);
		for (ssize_t i = 0; i < n; i++)
			lines += in[i] == '\n';
	}
	CHECK_INT(lines, 1000);
	buf_fini(&b);
	close(fd);
}

TEST(pipelined, "a thousand requests written at once get a thousand answers")
{
	with_client(0, many_lines);
}

TEST(nobody, "a socket that is not there means the program is not running")
{
	struct why why;
	CHECK_INT(ctl_call("/tmp/no-such-dir/x.sock", json_pack("{s:s}", "op", "ping"), 100, NULL, &why), ERR_CLOSED);
}

static void on_async(void *arg, enum err e, const json_t *answer, const struct why *why)
{
	struct world *w = arg;
	w->async_err = e;
	const char *said = json_string_value(json_object_get(answer, "said"));
	snprintf(w->async_text, sizeof(w->async_text), "%s", e ? why->text : said ? said : "");
	w->async_answers++;
	loop_stop(w->loop);
}

static void async_case(json_t *body, enum err want, const char *text)
{
	struct world w;
	world_open(&w, 0);
	CHECK_INT(ctl_call_async(w.loop, w.path, body, 100, on_async, &w), ERR_OK);
	loop_run(w.loop);
	CHECK_INT(w.async_answers, 1);
	CHECK_INT(w.async_err, want);
	CHECK_STR(w.async_text, text);
	world_close(&w);
}

TEST(async, "a call on the loop is answered once: with the answer, the refusal or a time-out")
{
	async_case(json_pack("{s:s,s:s}", "op", "echo", "say", "hi"), ERR_OK, "hi");
	async_case(json_pack("{s:s}", "op", "nonsense"), ERR_NOT_FOUND, "no such op");
	async_case(json_pack("{s:s}", "op", "keep"), ERR_TIMEOUT, "no answer on a local socket in time");
}

TEST(wakes, "hints that came together are one wake-up")
{
	struct world w;
	struct why why;
	char path[PATH_MAX];
	world_open(&w, 0);
	snprintf(path, sizeof(path), "%s/wake.test", w.dir);
	struct wake_sender hint;
	CHECK_OK(wake_sender_init(&hint, path, &why), why);
	wake_send(&hint);
	CHECK_OK(wake_open(w.loop, path, on_wake, &w, &w.wake, &why), why);
	for (int i = 0; i < 5; i++)
		wake_send(&hint);
	loop_run(w.loop);
	CHECK_INT(w.wakes, 1);
	wake_sender_fini(&hint);
	world_close(&w);
}

static void on_pause_over(void *arg)
{
	struct world *w = arg;
	CHECK_INT(w->wakes, 0);
	wake_resume(w->wake);
}

TEST(pauses, "a hint during a pause is told when the pause is over")
{
	struct world w;
	struct why why;
	char path[PATH_MAX];
	struct wake_sender hint;
	struct loop_timer *over;
	world_open(&w, 0);
	snprintf(path, sizeof(path), "%s/wake.test", w.dir);
	CHECK_OK(wake_open(w.loop, path, on_wake, &w, &w.wake, &why), why);
	CHECK_OK(wake_sender_init(&hint, path, &why), why);
	CHECK_INT(loop_timer_new(w.loop, on_pause_over, &w, &over), ERR_OK);
	wake_pause(w.wake);
	wake_send(&hint);
	loop_timer_start(over, 30, 0);
	loop_run(w.loop);
	CHECK_INT(w.wakes, 1);
	loop_timer_free(&over);
	wake_sender_fini(&hint);
	world_close(&w);
}

TEST(answers, "a line that is no answer is told apart from a refusal")
{
	static const struct { const char *line; enum err want; } cases[] = {
		{ "{\"ok\":true}\n", ERR_OK }, { "{\"ok\":false,\"error\":\"busy\",\"message\":\"m\"}\n", ERR_BUSY },
		{ "{\"ok\":false,\"error\":\"what\"}\n", ERR_PROTO }, { "{}\n", ERR_PROTO }, { "[1]\n", ERR_PROTO }, { "{\"ok\":tr", ERR_PROTO },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		json_t *a = NULL;
		struct why why;
		CHECK_INT(ctl_line_answer(cases[i].line, strlen(cases[i].line), &a, &why), cases[i].want);
		CHECK((a != NULL) == (cases[i].want == ERR_OK));
		json_decref(a);
	}
}

int main(void)
{
	RUN(asks);
	RUN(far);
	RUN(mode);
	RUN(pipelined);
	RUN(nobody);
	RUN(async);
	RUN(wakes);
	RUN(pauses);
	RUN(answers);
	return t_done();
}

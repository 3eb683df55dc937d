/* ingest_node - a folder whose ingest runs for a while, and what its index says then: for the tests of ingest.
 *
 * start(), submit() as often as wanted, finish(): answers[i] is the answer to the i-th. Between open_node() and close_node(). */
#ifndef TESTS_LIB_INGEST_NODE_H
#define TESTS_LIB_INGEST_NODE_H

#include "db/index_reader.h"
#include "tests/lib/images.h"
#include "tests/lib/t.h"

static char dir[64];
static struct why why;
static struct loop *loop;
static struct conf *conf;
static struct ingest *ingest;

/* ---- a node that runs for a while ---- */

enum { MAX = 600 };
static struct { struct ingest_job *job; struct ingest_result r; } answers[MAX];
static unsigned submitted, answered;

static inline void on_done(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	size_t i = (size_t)(uintptr_t)arg;
	CHECK(!answers[i].job);
	answers[i].job = job;
	answers[i].r = *r;
	CHECK(!job->header.p);
	if (++answered == submitted)
		loop_stop(loop);
}

static inline void start(void)
{
	memset(answers, 0, sizeof(answers));
	submitted = answered = 0;
	CHECK_INT(loop_new(&loop), ERR_OK);
	CHECK_OK(ingest_start(loop, conf, &ingest, &why), why);
	keep_running(loop);
}

static inline size_t submit(struct ingest_job *j)
{
	j->done = on_done;
	j->arg = (void *)(uintptr_t)submitted;
	ingest_submit(ingest, j);
	return submitted++;
}

static inline void finish(void)
{
	if (answered < submitted)
		loop_run(loop);
	ingest_stop(&ingest);
	let_end();
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	CHECK_INT(answered, submitted);
	for (unsigned i = 0; i < submitted; i++)
		free(answers[i].job);
}

static inline struct ingest_result ingest_one(struct ingest_job *j)
{
	start();
	submit(j);
	finish();
	return answers[0].r;
}

static inline struct ingest_result store(const struct image *im)
{
	return ingest_one(image_job(dir, im, "x"));
}

static inline void fresh(void)
{
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s && mkdir -p %s/spool %s/run", dir, dir, dir);
	CHECK_INT(system(cmd), 0);
}

/* ---- what the index says ---- */

static inline struct index_instance instance(const char *sop)
{
	struct index_reader *r;
	struct index_instance i = { 0 };
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_get_by_uid(r, sop, &i, &why), why);
	index_reader_close(&r);
	return i;
}

static inline struct index_counts counts(void)
{
	struct index_reader *r;
	struct index_counts c = { 0 };
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_counts(r, &c, &why), why);
	index_reader_close(&r);
	return c;
}

static inline int64_t number(const char *sql)
{
	struct index_reader *r;
	int64_t v = -1;
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(sql_number(index_reader_db(r), &why, &v, sql, ""), why);
	index_reader_close(&r);
	return v;
}

static inline unsigned stored_files(void)
{
	return files_in(dir, "store/0000/000");
}

static const struct image A = { .study = "1.2", .series = "1.2.1", .sop = "1.2.1.1" };

static inline void restart(void)
{
	start();
	finish();
}

static inline void open_node(const char *test)
{
	snprintf(dir, sizeof(dir), "/tmp/%s.%ld", test, (long)getpid());
	conf = image_conf(dir);
}

static inline int close_node(void)
{
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	conf_unref(&conf);
	return t_done();
}

#endif

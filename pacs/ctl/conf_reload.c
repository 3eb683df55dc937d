#include "pacs/ctl/conf_reload.h"

#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/log.h"

struct reload {
	struct ctl_request *rq;
	void (*use)(void *arg, struct conf *conf);
	void *arg;
	char dir[sizeof(((struct conf *)0)->dir)];
	struct conf *conf;
	enum err err;
	struct why why;
};

static void work(void *arg)
{
	struct reload *r = arg;
	r->err = conf_load(r->dir, &r->conf, &r->why);
}

static void done(void *arg)
{
	struct reload *r = arg;
	log_event(r->err ? LOG_ERROR : LOG_INFO, "reload", "why", r->err ? r->why.text : NULL,
	          "effect", r->err ? "none, the former configuration stays" : NULL, NULL);
	if (!r->err)
		r->use(r->arg, r->conf);
	if (r->rq && r->err)
		ctl_refuse(r->rq, r->err, r->why.text);
	else if (r->rq)
		ctl_answer(r->rq, NULL);
	free(r);
}

void conf_reload(struct loop *l, const char *dir, struct ctl_request *rq, void (*use)(void *arg, struct conf *conf), void *arg)
{
	struct reload *r = calloc(1, sizeof(*r));
	enum err e = r ? ERR_OK : ERR_NOMEM;
	if (r) {
		r->rq = rq;
		r->use = use;
		r->arg = arg;
		snprintf(r->dir, sizeof(r->dir), "%s", dir);
		e = loop_work(l, work, done, r);
	}
	if (e) {
		free(r);
		if (rq)
			ctl_refuse(rq, e, "no memory");
	}
}

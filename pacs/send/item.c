#include "pacs/send/item.h"

#include <stdio.h>
#include <stdlib.h>

void sender_unref(struct sender *s)
{
	if (--s->refs)
		return;
	if (s->timer)
		loop_timer_free(&s->timer);
	free(s->dir);
	free(s);
}

void item_free(struct item *it)
{
	struct sender *s = it->sender;

	source_close(&it->source);
	free(it);
	sender_unref(s);
}

static void leave_state(struct item *it)
{
	struct sender *s = it->sender;

	if (it->state == PREPARING || it->state == READY)
		s->prepared--;
	if (it->state == STREAMING || it->state == ANSWERING)
		s->in_flight--;
	if (s->streaming == it)
		s->streaming = NULL;
}

void item_enter(struct item *it, enum item_state state)
{
	struct sender *s = it->sender;

	leave_state(it);
	it->state = state;
	if (state == PREPARING || state == READY)
		s->prepared++;
	if (state == STREAMING || state == ANSWERING)
		s->in_flight++;
	if (state == STREAMING)
		s->streaming = it;
}

void item_finish(struct item *it)
{
	struct sender *s = it->sender;
	struct send_result result = it->result;
	void (*done)(void *arg, const struct send_result *r) = it->done;
	void *arg = it->arg;

	leave_state(it);
	TAILQ_REMOVE(&s->items, it, link);
	s->open--;
	it->is_done = true;
	it->source.is_given_up = true;   /* with the last sender the owner's transcoder may go, while a file is being opened */
	if (!it->is_busy)
		item_free(it);
	done(arg, &result);
}

static void set_error(struct item *it, enum err e, const char *text)
{
	it->result.err = e;
	snprintf(it->result.comment, sizeof(it->result.comment), "%s", text);
}

void item_fail(struct item *it, enum err e, const char *text)
{
	if (!it->result.err)
		set_error(it, e, text);
	item_finish(it);
}

/* Half a message is on the wire and nothing can follow it. The abort may end all objects before it
 * returns; is_busy keeps this one's memory, and its own error is the one to tell. */
void item_break_off(struct item *it, enum err e, const char *text)
{
	set_error(it, e, text);
	it->is_busy = true;
	if (it->sender->conn)
		conn_abort(it->sender->conn, text);
	it->is_busy = false;
	if (it->is_done)
		item_free(it);
	else
		item_finish(it);
}

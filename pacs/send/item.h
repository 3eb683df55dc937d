/* item - one object given to a sender: its states and its end. Not a contract for anybody else. */
#ifndef PACS_SEND_ITEM_H
#define PACS_SEND_ITEM_H

#include <sys/queue.h>

#include "pacs/send/send.h"
#include "pacs/send/source.h"

/* An object's way:
 *
 *   QUEUED -> PREPARING -> READY -> STREAMING -> ANSWERING -> done
 *                  \__________________\____________\_______-> done with an error
 *
 * PREPARING and STREAMING may have a job of the source under way (is_busy); an object that ends with one
 * is told to its owner at once and freed when the job is back (is_done). */
enum item_state { QUEUED, PREPARING, READY, STREAMING, ANSWERING };

struct item {
	TAILQ_ENTRY(item) link;
	struct sender *sender;           /* holds a reference */
	enum item_state state;
	bool is_busy, is_done, is_answered;
	bool is_wish;                    /* it is being encoded as the destination wants it */
	struct send_object object;
	struct source source;
	uint8_t context_id;
	uint16_t message_id;             /* from STREAMING on */
	struct send_result result;
	void (*done)(void *arg, const struct send_result *r);
	void *arg;
};

struct sender {
	struct loop *loop;
	struct conn *conn;               /* NULL once closed or freed */
	char *dir;                       /* owned */
	struct xcode *xcode;
	struct recipe wish;
	unsigned (*wait_ms)(void *arg, size_t bytes);
	void *wait_arg;
	struct loop_timer *timer;        /* owned; only with wait_ms */
	bool is_waiting;                 /* for the timer */
	bool is_pushing;                 /* a piece is with the conn */
	TAILQ_HEAD(items, item) items;   /* in the order given */
	struct item *streaming;          /* its message is open on the conn */
	unsigned open, prepared, in_flight;      /* prepared: PREPARING and READY; in_flight: STREAMING and ANSWERING */
	unsigned refs;                   /* the owner, each item, and callbacks that are running */
};

void sender_unref(struct sender *s);

void item_enter(struct item *it, enum item_state state);
void item_free(struct item *it);
/* Takes the item out and tells its owner, who may free the sender inside: the caller holds a reference. */
void item_finish(struct item *it);
/* As item_finish(), with this error unless it has one. */
void item_fail(struct item *it, enum err e, const char *text);
/* Half its message is on the wire and nothing can follow: ends the association. */
void item_break_off(struct item *it, enum err e, const char *text);

#endif

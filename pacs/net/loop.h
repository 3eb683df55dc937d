/* loop - one event loop, its timers, its way in for other threads, and its small pool for file work.
 *
 * Hides libuv from the programs: only pacs/net and pacs/ctl include uv.h.
 * Everything here belongs to the loop's thread except loop_post() and loop_stop().
 */
#ifndef PACS_NET_LOOP_H
#define PACS_NET_LOOP_H

#include "pacs/base/err.h"

struct loop;

enum err loop_new(struct loop **out) MUST_USE;
void     loop_free(struct loop **l);             /* after loop_run returned; asserts that nothing is open */
/* Runs until loop_stop() and all handles are closed, or nothing is left to do. */
void     loop_run(struct loop *l);
void     loop_stop(struct loop *l);              /* any thread: calls on_stop on the loop thread, once */
void     loop_on_stop(struct loop *l, void (*fn)(void *arg), void *arg);
/* SIGTERM and SIGINT call loop_stop(); SIGHUP calls fn. */
void     loop_on_signals(struct loop *l, void (*on_hangup)(void *arg), void *arg);

/* Any thread: fn(arg) will run on the loop thread, in order of posting. ERR_NOMEM. */
enum err loop_post(struct loop *l, void (*fn)(void *arg), void *arg) MUST_USE;

/* Runs work(arg) on the pool, then done(arg) on the loop thread. */
enum err loop_work(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg) MUST_USE;

struct loop_timer;
enum err loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg, struct loop_timer **out) MUST_USE;
void     loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms);
void     loop_timer_stop(struct loop_timer *t);
void     loop_timer_free(struct loop_timer **t); /* handle memory goes in its close callback */

#endif

/* ctl - requests between our own programs on one machine: local sockets, one JSON object a line.
 *
 *   request   {"op":"reload"}\n
 *   answer    {"ok":true, ...}\n   or   {"ok":false,"error":"not_found","message":"..."}\n
 *
 * Sockets stand in DIR/run: storescp.sock, router.sock (mode 0600). One request at a time on a connection.
 * Every server answers {"op":"ping"} and {"op":"reload"}.
 */
#ifndef PACS_CTL_CTL_H
#define PACS_CTL_CTL_H

#include <jansson.h>

#include "pacs/base/err.h"
#include "pacs/ctl/local.h"
#include "pacs/net/loop.h"

/* ---- server, on a loop ---- */
struct ctl_server;
struct ctl_request;              /* one waiting client; answered exactly once, possibly later */

/* handle() borrows `body` for the call and answers through ctl_answer()/ctl_refuse(), now or later on the loop thread. */
enum err ctl_server_open(struct loop *l, const char *path, void (*handle)(void *arg, struct ctl_request *rq, const char *op, const json_t *body),
                         void *arg, struct ctl_server **out, struct why *why) MUST_USE;
void     ctl_server_close(struct ctl_server **s);
/* Adds "ok":true; takes the reference to `fields` (may be NULL). */
void     ctl_answer(struct ctl_request *rq, json_t *fields);
void     ctl_refuse(struct ctl_request *rq, enum err e, const char *message);

/* ---- client, blocking ---- */
/* Sends one request (reference to `body` is taken) and waits. ERR_CLOSED: nobody listens there (the program is not running);
 * ERR_TIMEOUT; otherwise the server's error with its message in why. *answer is the caller's to json_decref (may be NULL). */
enum err ctl_call(const char *path, json_t *body, unsigned timeout_ms, json_t **answer, struct why *why) MUST_USE;
/* ---- client, on a loop (storescp asking the router) ---- */
enum err ctl_call_async(struct loop *l, const char *path, json_t *body, unsigned timeout_ms,
                        void (*done)(void *arg, enum err e, const json_t *answer, const struct why *why), void *arg) MUST_USE;

/* ---- wake-up hints: an empty datagram; never blocks, never fails ---- */
struct wake;
enum err wake_open(struct loop *l, const char *path, void (*fn)(void *arg), void *arg, struct wake **out, struct why *why) MUST_USE;
void     wake_close(struct wake **w);
/* Nobody is woken until wake_resume(), which tells at once when hints came meanwhile. */
void     wake_pause(struct wake *w);
void     wake_resume(struct wake *w);

struct wake_sender { int fd; struct local_address to; };        /* fd -1: not open */
/* path: as given to wake_open(), which may come later, and again. */
enum err wake_sender_init(struct wake_sender *s, const char *path, struct why *why) MUST_USE;
void     wake_sender_fini(struct wake_sender *s);
void     wake_send(const struct wake_sender *s);

#endif

/* ask - how admin commands talk to the running programs of a node. */
#ifndef PACS_ASK_H
#define PACS_ASK_H

#include <jansson.h>

#include "pacs/command.h"

/* program: "storescp" or "router". Takes the reference to body. ERR_CLOSED: it does not run. *answer may be NULL. */
enum err ask(const struct conf *conf, const char *program, json_t *body, json_t **answer, struct why *why) MUST_USE;

/* Tells both programs to read pacs.conf again, and says on stdout what came of it: `done` in effect, or at the next start. */
enum exit_code ask_reload(const struct conf *conf, const struct app *app, const char *done);

#endif

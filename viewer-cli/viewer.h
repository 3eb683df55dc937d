/* viewer - the reader's terminal: what its commands share. It speaks DICOM only.
 *
 * Every command returns the exit code: 0 done, 1 failed (the words are on stderr), 2 usage.
 */
#ifndef VIEWER_CLI_VIEWER_H
#define VIEWER_CLI_VIEWER_H

#include <stdatomic.h>

#include "pacs/base/bounds.h"
#include "pacs/base/err.h"

enum { VIEWER_OK, VIEWER_FAILED, VIEWER_USAGE };

struct viewer_options {
	char host[256];
	unsigned port;
	char called[BOUND_AET + 1], calling[BOUND_AET + 1];
	bool json, all;
	const char *out_dir;                     /* pull -o */
	const char *study;                       /* pull --study */
	const char *state, *group, *patient;     /* list: filters; NULL none */
	const char *reason, *transaction;        /* release, complete; NULL none */
	const atomic_bool *cancel;               /* client.h; NULL: waits are not given up */
	char **args;                             /* what is not an option, behind the command */
	int count;
};

int viewer_list(const struct viewer_options *o);
int viewer_claim(const struct viewer_options *o);
int viewer_pull(const struct viewer_options *o);
int viewer_release(const struct viewer_options *o);
int viewer_complete(const struct viewer_options *o);
int viewer_read(const struct viewer_options *o);
int viewer_show(int argc, char **argv);          /* argv[0] is "show" */
/* NULL: the commands in short; returns VIEWER_USAGE for a command that does not exist. */
int viewer_help(const char *command);

/* "viewer-cli: ..." on stderr; returns VIEWER_FAILED. */
int viewer_fail(const char *fmt, ...) PRINTF(1, 2);

#endif

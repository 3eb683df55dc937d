/* folder - the data folder: what must stand in it, and whether it can be used. */
#ifndef PACS_FOLDER_H
#define PACS_FOLDER_H

#include "conf/conf.h"

/* Calls tell() with a sentence for every fault; how many there were. */
unsigned folder_check(const char *dir, void (*tell)(void *arg, const char *problem), void *arg);
/* Makes pacs.conf and the folders in a folder that is new or empty. ERR_EXISTS: a data folder already. ERR_CONFLICT: holds other things. */
enum err folder_make(const char *dir, const char *aet, enum conf_level level, unsigned port, struct why *why) MUST_USE;

/* Where a socket or lock of the running node stands: DIR/run/NAME. */
struct run_path { char s[4096 + 64]; };
struct run_path run_path(const char *dir, const char *name);
/* The lock that `pacs serve` holds as long as it lives. ERR_BUSY: another one holds it. *fd keeps it. */
enum err folder_lock(const char *dir, int *fd, struct why *why) MUST_USE;

#endif

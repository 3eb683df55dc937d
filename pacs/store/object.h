/* object - where a stored object stands on disk, and opening it.
 *
 * An object has a number (oid), rising, never used twice. Its file is
 *     DIR/store/HHHH/HHH/HHHHHHHHHHHH.dcm
 * from the oid in hex: bits 24-39, bits 12-23, all 48. So 4,096 neighbours share a directory and one
 * directory sync serves a whole commit batch. The name says nothing about the patient or the UIDs.
 */
#ifndef PACS_STORE_OBJECT_H
#define PACS_STORE_OBJECT_H

#include <limits.h>

#include "pacs/base/err.h"

struct object_path { char s[PATH_MAX]; };

struct object_path object_path(const char *dir, uint64_t oid);       /* dir = data folder */
struct object_path object_bucket(const char *dir, uint64_t oid);     /* the directory it stands in */
/* Read-only descriptor and size; ERR_NOT_FOUND when it is gone. */
enum err object_open(const char *dir, uint64_t oid, int *fd, uint64_t *size, struct why *why) MUST_USE;
/* XXH3-128 over the file from dataset_at to its end, as 32 hex digits. Blocking. */
enum err object_digest(int fd, uint64_t dataset_at, char out[33], struct why *why) MUST_USE;

#endif

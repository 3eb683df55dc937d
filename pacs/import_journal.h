/* import_journal - what `pacs import` has done, so that a second run of it is quick.
 *
 *   DIR/import.journal   one line for each file that was taken: KEY OUTCOME SOP\n
 *                        KEY is 32 hex digits, XXH3-128 of real path, length, time of change, number in an archive, and
 *                        the file's first bytes (two discs may have the same names, lengths and times);
 *                        OUTCOME one of + (in the index under SOP), c (conflict), q (quarantine)
 *
 * It is a hint: a line that is cut or lost costs one image read again, never an image. Over BOUND_IMPORT_JOURNAL bytes it begins anew.
 *
 * Memory   24 bytes a line. Threads: one at a time; the caller has a lock.
 */
#ifndef PACS_IMPORT_JOURNAL_H
#define PACS_IMPORT_JOURNAL_H

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"
#include "pacs/dicom/uid.h"

struct import_key { uint8_t of[16]; };
struct import_journal;

struct import_key import_key(const char *real_path, uint64_t size, int64_t mtime_ns, uint64_t number, struct bytes head);

enum err import_journal_open(const char *dir, struct import_journal **out, struct why *why) MUST_USE;
void     import_journal_close(struct import_journal **j);
/* Outcome letter, 0: not known. sop: what the line says. */
char     import_journal_find(const struct import_journal *j, const struct import_key *key, struct uid *sop);
/* A line that cannot be written is left out. */
void     import_journal_add(struct import_journal *j, const struct import_key *key, char outcome, const char *sop);

#endif

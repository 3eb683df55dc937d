/* name_sound - a person's name as it is typed without Han characters: pinyin and initials.
 *
 * 张三, ZHANG^SAN and ZHANG^SAN=张^三 all sound "zhangsan", "zhang san" (family and given name apart) and "zs". The
 * index keeps the sounds of each name, and Han names as written without anything in between (张^三 is 张三); a query value that can be meant so is turned into patterns over them. This only
 * widens what the rules of PS3.4 C.2.2.2.1 find (see CONFORMANCE.md).
 *
 * Readings are ICU's (han.h), without tones, u with diaeresis as "v", "u" and "yu". The family name, also one of two
 * characters, gets its reading as a family name, and keeps the common one beside it: 单 is "shan" and "dan". A few
 * given names of two readings have both.
 *
 * Pure, no locks. A name of a patient costs some microseconds.
 */
#ifndef PACS_DICOM_NAME_SOUND_H
#define PACS_DICOM_NAME_SOUND_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SOUNDS_MAX = 40,         /* of one name: three forms of at most 12 readings, and as it is written */
	SOUND_TEXT = 100,        /* a longer name is found as it is written, and by its beginning */
	SOUND_PATTERNS = 12,
};

struct name_sounds {
	size_t count;
	char text[SOUNDS_MAX][SOUND_TEXT];
};

/* Of a name folded by text_fold(). false: no memory; *out is empty then. A name without any Han character has its pinyin once more behind a `=`: these alone
 * are what a query in Han characters looks for, so that 张三 finds ZHANG^SAN and never 章三. */
bool name_sounds(const char *folded, struct name_sounds *out) __attribute__((warn_unused_result));

/* A query value, not folded: the patterns (* and ? as in match_wildcard) whose sounds it is meant to find. Any of them.
 * None (count 0) when it is not to be read so: it has `=`, digits or other scripts, fewer than two letters (or no Han
 * character) before its first wildcard, or a ? in front. A * in front is passed over: sounds are compared from their beginning. */
struct name_sound_key {
	size_t count;
	char pattern[SOUND_PATTERNS][SOUND_TEXT];
};
void name_sound_key(const char *key, struct name_sound_key *out);

/* Does the key find the name by its sound? What the index answers by its rows, for one name. */
bool name_sound_matches(const struct name_sound_key *key, const char *folded);

#endif

/* name_reading - how a Han character is read in a name: the tables behind name_sound. Pure. */
#ifndef PACS_DICOM_NAME_READING_H
#define PACS_DICOM_NAME_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { READINGS_MAX = 6, READING_TEXT = 8 };
struct readings {
	uint32_t c;                  /* the character; 0: none */
	size_t count;
	char text[READINGS_MAX][READING_TEXT];   /* the likeliest first */
};

enum reading_place { READING_SURNAME, READING_SURNAME_SECOND, READING_GIVEN };

/* Is `ab` a family name of two characters? */
bool reading_is_double_surname(uint32_t a, uint32_t b);
/* Fills the readings of c at its place; `other` is the other character of a family name of two, else 0. At least one
 * when han_reading() knows one. */
void reading_of(uint32_t c, enum reading_place place, uint32_t other, struct readings *out);
/* First letters of a word's syllables when it is pinyin from end to end, in the fewest syllables; else its first letter. */
void reading_initials(const char *word, char *out, size_t cap);

#endif

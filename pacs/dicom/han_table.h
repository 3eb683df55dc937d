/* han_table - the generated tables of Han characters, for han.c alone. */
#ifndef PACS_DICOM_HAN_TABLE_H
#define PACS_DICOM_HAN_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum { HAN_FIRST = 0x3400, HAN_LAST = 0x9FFF, HAN_SYLLABLE = 7 };
struct han_pair { uint32_t c, to; };

extern const char han_syllables[][HAN_SYLLABLE];         /* sorted; number 0: none */
extern const size_t han_syllable_count;
extern const uint16_t han_readings[HAN_LAST - HAN_FIRST + 1];    /* numbers of syllables */
extern const uint8_t han_commonness[0x9FFF - 0x4E00 + 1];
/* Sorted by character. far: readings outside of the table above; surnames: where the reading is another one. */
extern const struct han_pair han_far[], han_surnames[], han_simple[];
extern const size_t han_far_count, han_surnames_count, han_simple_count;

#endif

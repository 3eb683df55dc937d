/* han - single Han characters: how they are read (pinyin without tones) and their simplified form. Pure; constant tables
 * made from ICU's transliterators, see make_han.pl. */
#ifndef PACS_DICOM_HAN_H
#define PACS_DICOM_HAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool     han_is(uint32_t c);
/* "zhang"; u with diaeresis is v ("lv"). NULL: no Han character, or nobody knows its reading. */
const char *han_reading(uint32_t c);
/* As a surname, where that is another reading (单: "shan"); NULL: as always. */
const char *han_surname(uint32_t c);
/* Is this (length 1 to 6) a syllable of pinyin that some character has, with a vowel in it? */
bool     han_is_syllable(const char *text, size_t len);
/* How common: the two levels of GB 2312, Big5's first level (traditional), neither. */
enum han_rank { HAN_RARE, HAN_COMMON, HAN_LESS_COMMON, HAN_TRADITIONAL };
enum han_rank han_rank(uint32_t c);
/* The simplified character of a traditional one; else c itself. */
uint32_t han_simplified(uint32_t c);

#endif

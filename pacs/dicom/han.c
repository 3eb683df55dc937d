#include "pacs/dicom/han.h"

#include <string.h>

#include "pacs/dicom/han_table.h"

/* The second of the pair whose first is c; 0: none. */
static uint32_t pair_of(const struct han_pair *rows, size_t count, uint32_t c)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (rows[middle].c < c)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && rows[low].c == c ? rows[low].to : 0;
}

bool han_is(uint32_t c)
{
	return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || c == 0x3007 || (c >= 0x20000 && c <= 0x323AF) || (c >= 0xF900 && c <= 0xFAFF);
}

const char *han_reading(uint32_t c)
{
	uint32_t n = c >= HAN_FIRST && c <= HAN_LAST ? han_readings[c - HAN_FIRST] : pair_of(han_far, han_far_count, c);
	return n ? han_syllables[n] : NULL;
}

const char *han_surname(uint32_t c)
{
	uint32_t n = pair_of(han_surnames, han_surnames_count, c);
	return n ? han_syllables[n] : NULL;
}

bool han_is_syllable(const char *text, size_t len)
{
	size_t low = 1, high = han_syllable_count;
	if (!len || len >= HAN_SYLLABLE || strcspn(text, "aeiouv") >= len)
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strncmp(han_syllables[middle], text, len);
		if (!order && !han_syllables[middle][len])
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

enum han_rank han_rank(uint32_t c)
{
	return c >= 0x4E00 && c <= 0x9FFF ? (enum han_rank)han_commonness[c - 0x4E00] : HAN_RARE;
}

uint32_t han_simplified(uint32_t c)
{
	uint32_t to = c >= HAN_FIRST ? pair_of(han_simple, han_simple_count, c) : 0;
	return to ? to : c;
}

/* deid_table - what de-identification does with an attribute (PS3.15 table E.1-1, edition 2024b, Basic Application Level
 * Confidentiality Profile). Pure.
 *
 * Where the table leaves a choice by the attribute's type in its IOD (X/Z, Z/D, X/Z/D ...) the action is the one that stays valid for
 * every type: a dummy before an empty value before nothing. What the table does not name goes by its VR: what a person may
 * have typed and every date becomes a dummy, a UID that is not the standard's another, numbers and codes stay.
 */
#ifndef PACS_MEDIA_DEID_TABLE_H
#define PACS_MEDIA_DEID_TABLE_H

#include "pacs/dicom/tag.h"

enum deid_action {
	DEID_X,          /* remove */
	DEID_Z,          /* empty */
	DEID_D,          /* a dummy value; a sequence: its items are cleaned */
	DEID_U,          /* another UID, the same for the same */
	DEID_K,          /* stays; a sequence: its items are cleaned */
	DEID_S,          /* the subject's new name or ID */
	DEID_R,          /* a sequence of references: its items are cleaned, so that they lead to the new UIDs */
	DEID_E,          /* an encapsulated document */
};

/* Options of the profile, as bits. */
enum {
	DEID_UIDS = 1, DEID_DEVICE = 2, DEID_INSTITUTION = 4, DEID_DATES = 8, DEID_MODIFIED_DATES = 16, DEID_PATIENT = 32,
	DEID_OVERLAYS = 64,      /* not the standard's: the graphics of groups 60xx stay, whatever they say */
};

/* After the options. vr: as the data set has it. Private attributes, those that the dictionary does not know, and those whose VR is
 * text where the dictionary says none: DEID_X. */
enum deid_action deid_action(uint32_t tag, vr_t vr, unsigned retain);
/* A date, time or moment that DEID_MODIFIED_DATES moves instead of what deid_action() says. */
bool deid_is_moved(uint32_t tag, vr_t vr);

#endif

/* sop_table - the table of storage SOP classes, for uid.c alone. */
#ifndef PACS_DICOM_SOP_TABLE_H
#define PACS_DICOM_SOP_TABLE_H

#include "pacs/dicom/uid.h"

extern const struct sop_class sop_table[];       /* ascending UIDs */
extern const size_t sop_table_count;

#endif

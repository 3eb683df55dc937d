/* dict_table - the generated data dictionary (make_dict.pl), ascending by tag. For tag.c only. */
#ifndef PACS_DICOM_DICT_TABLE_H
#define PACS_DICOM_DICT_TABLE_H

#include "pacs/dicom/tag.h"

extern const struct dict_entry dict_table[];
extern const size_t dict_table_count;

#endif

/* dict_table - the generated data dictionary, for tag.c alone. */
#ifndef PACS_DICOM_DICT_TABLE_H
#define PACS_DICOM_DICT_TABLE_H

#include "pacs/dicom/tag.h"

extern const struct dict_entry dict_table[];     /* ascending tags */
extern const size_t dict_table_count;
extern const uint16_t dict_by_keyword[];         /* places in dict_table, keywords ascending as strcmp() has it */
extern const size_t dict_by_keyword_count;

#endif

/* charset_cost - how unlikely a text is as what people write in DICOM headers of Chinese and European devices. Pure. */
#ifndef PACS_DICOM_CHARSET_COST_H
#define PACS_DICOM_CHARSET_COST_H

#include "pacs/base/bytes.h"

/* Tenths of a natural logarithm, of valid UTF-8; ASCII counts too. */
long charset_cost(struct bytes utf8);

#endif

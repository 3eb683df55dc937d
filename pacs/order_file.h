/* order_file - a file of orders, CSV or HL7, as changes for the router. */
#ifndef PACS_ORDER_FILE_H
#define PACS_ORDER_FILE_H

#include <jansson.h>

#include "pacs/base/err.h"

/* Appends to `changes`; *kind is "csv" or "hl7 file". HL7: one message or many, framed or not; each begins with MSH. An error names
 * the line or the message; nothing should be sent then. */
enum err order_file_read(const char *path, const char *hl7_charset, json_t *changes, const char **kind, struct why *why) MUST_USE;

#endif

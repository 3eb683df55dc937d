/* schema - the tables of index.db, version by version. See schema.c for what each column means. */
#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H

#include "db/sql.h"

extern const struct sql_schema index_schema;
#define INDEX_FILE "index.db"        /* below DIR */

/* The columns that table scan has: which one a row is of, by its id (field << 40 | first row >> SCAN_SHIFT). */
enum scan_field { SCAN_NAME, SCAN_PATIENT_ID, SCAN_ACCESSION, SCAN_STUDY_ID, SCAN_DESCRIPTION, SCAN_REFERRING };
enum { SCAN_SHIFT = 6 };

#endif

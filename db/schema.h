/* schema - the tables of index.db, version by version. See schema.c for what each column means. */
#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H

#include "db/sql.h"

extern const struct sql_schema index_schema;
#define INDEX_FILE "index.db"        /* below DIR */

#endif

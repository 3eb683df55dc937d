/* work_schema - the tables of work.db, for everybody in db/ who opens it. Private to db/. */
#ifndef DB_WORK_SCHEMA_H
#define DB_WORK_SCHEMA_H

#include "db/sql.h"

/* Step 1 makes the tables of jobs; further steps are appended by the room that needs tables. */
extern const struct sql_schema work_schema;

#endif

/* commit_schema - the tables of work.db for storage commitment, study events and notices. */
#ifndef DB_COMMIT_SCHEMA_H
#define DB_COMMIT_SCHEMA_H

extern const char commit_schema[];

#endif

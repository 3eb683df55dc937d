/* index_reader - the inside of a reader, for the rooms of db/ that build their own statements on the schema. */
#ifndef DB_INDEX_READER_H
#define DB_INDEX_READER_H

#include "db/index.h"
#include "db/sql.h"

/* The reader's connection; lent until index_reader_close(). Finalize every statement before that. */
sqlite3 *index_reader_db(struct index_reader *r);

/* What index_instance_take() reads, from column `first` on. The tables are joined as
 *   instance i, series se ON se.id = i.series, study st ON st.id = se.study, term c ON c.id = i.sop_class, term t ON t.id = i.ts */
#define INDEX_INSTANCE_COLUMNS \
	"i.id, i.oid, i.size, i.dataset_at, i.digest, i.received_digest, i.pixel_digest, i.sop_uid, c.text, t.text, st.study_uid, se.series_uid, st.change"
#define INDEX_INSTANCE_JOINS \
	" JOIN series se ON se.id = i.series JOIN study st ON st.id = se.study JOIN term c ON c.id = i.sop_class JOIN term t ON t.id = i.ts "
enum { INDEX_INSTANCE_COLUMN_COUNT = 13 };
void index_instance_take(sqlite3_stmt *st, int first, struct index_instance *out);

#endif

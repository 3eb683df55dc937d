#include "db/work_schema.h"

#include "db/commit_schema.h"
#include "db/items.h"
#include "db/mpps.h"
#include "db/orders.h"
#include "db/patients.h"

/* State numbers are those of enum job_state; job.state < 4 is open, and the index of the open ones stays small whatever the
 * history. job_count spares a walk over that history when somebody asks how many. */
static const char jobs_schema[] =
	"CREATE TABLE cursor(name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE job("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, state INTEGER NOT NULL, hold INTEGER NOT NULL, blocked INTEGER NOT NULL,"
	"  instance INTEGER NOT NULL, size INTEGER NOT NULL, sop_instance TEXT NOT NULL, study TEXT NOT NULL,"
	"  to_name TEXT NOT NULL, source TEXT NOT NULL, priority INTEGER NOT NULL, tries INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, why TEXT NOT NULL,"
	"  UNIQUE(instance, kind, to_name));"
	"CREATE INDEX job_open ON job(kind, to_name, state, blocked, priority DESC, id) WHERE state < 4;"
	"CREATE TABLE job_count(kind INTEGER NOT NULL, to_name TEXT NOT NULL, state INTEGER NOT NULL, n INTEGER NOT NULL,"
	"  PRIMARY KEY(kind, to_name, state)) WITHOUT ROWID;"
	"CREATE TRIGGER job_inserted AFTER INSERT ON job BEGIN"
	"  INSERT INTO job_count VALUES(new.kind, new.to_name, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1; END;"
	"CREATE TRIGGER job_deleted AFTER DELETE ON job BEGIN"
	"  UPDATE job_count SET n = n - 1 WHERE kind = old.kind AND to_name = old.to_name AND state = old.state; END;"
	"CREATE TRIGGER job_moved AFTER UPDATE OF state ON job BEGIN"
	"  UPDATE job_count SET n = n - 1 WHERE kind = old.kind AND to_name = old.to_name AND state = old.state;"
	"  INSERT INTO job_count VALUES(new.kind, new.to_name, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1; END;";

static const char *const steps[] = { jobs_schema, items_schema, commit_schema, orders_schema, mpps_schema, patients_schema, patients_edits };

const struct sql_schema work_schema = {
	.name = "work", .application_id = 0x50414357 /* "PACW" */, .steps = steps, .step_count = NELEM(steps),
};

#include "db/commit_schema.h"

/* commit_item.request   0: to be asked for, not before due_ms; -1: being sent again; else the request it is in.
 * commit_peer           how asking a node goes: back-off, and when it last refused the context.
 * commit_duty           what others asked of us; digest is of the references, so that the same request again is known.
 * commit_ref.reason     0: none.
 * study_quiet           studies whose quiet time runs, for the event; pending_study (items) is the worklist's own.
 * study_event           a study is complete: (study_uid, instances) says of how much. uid is that of its notification.
 * notice                what others told us of the availability of a study.
 * known                 identity of the index.db whose numbers stand in job.instance, and when its last planned arrival came. */
const char commit_schema[] =
	"CREATE INDEX job_study ON job(study);"
	"CREATE INDEX job_sop ON job(sop_instance);"
	"CREATE INDEX job_done ON job(changed_ms) WHERE state >= 4;"
	"CREATE TABLE commit_item("
	"  job INTEGER PRIMARY KEY, to_name TEXT NOT NULL, sop_instance TEXT NOT NULL, request INTEGER NOT NULL,"
	"  asked INTEGER NOT NULL, resent INTEGER NOT NULL, due_ms INTEGER NOT NULL, why TEXT NOT NULL);"
	"CREATE INDEX commit_item_what ON commit_item(to_name, sop_instance);"
	"CREATE INDEX commit_item_due ON commit_item(request, to_name, due_ms);"
	"CREATE TABLE commit_request("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, transaction_uid TEXT NOT NULL UNIQUE, to_name TEXT NOT NULL, state INTEGER NOT NULL,"
	"  objects INTEGER NOT NULL, created_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL);"
	"CREATE INDEX commit_request_open ON commit_request(to_name, until_ms) WHERE state < 2;"
	"CREATE INDEX commit_request_over ON commit_request(changed_ms) WHERE state = 2;"
	"CREATE TABLE commit_peer(to_name TEXT PRIMARY KEY, tries INTEGER NOT NULL, until_ms INTEGER NOT NULL, refused_ms INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE commit_duty("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, calling TEXT NOT NULL, transaction_uid TEXT NOT NULL, digest TEXT NOT NULL, is_duplicate INTEGER NOT NULL,"
	"  state INTEGER NOT NULL, origin TEXT NOT NULL, objects INTEGER NOT NULL, failed INTEGER NOT NULL, tries INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, why TEXT NOT NULL,"
	"  UNIQUE(calling, transaction_uid, digest));"
	"CREATE INDEX commit_duty_open ON commit_duty(state, calling, until_ms) WHERE state < 2;"
	"CREATE INDEX commit_duty_over ON commit_duty(changed_ms) WHERE state = 2;"
	"CREATE TABLE commit_ref("
	"  duty INTEGER NOT NULL, n INTEGER NOT NULL, sop_class TEXT NOT NULL, sop_instance TEXT NOT NULL,"
	"  reason INTEGER NOT NULL, PRIMARY KEY(duty, n)) WITHOUT ROWID;"
	"CREATE INDEX commit_ref_what ON commit_ref(sop_instance);"
	"CREATE TRIGGER commit_job_deleted AFTER DELETE ON job BEGIN DELETE FROM commit_item WHERE job = old.id; END;"
	"CREATE TRIGGER commit_duty_deleted AFTER DELETE ON commit_duty BEGIN DELETE FROM commit_ref WHERE duty = old.id; END;"
	"CREATE TABLE study_quiet(study_uid TEXT PRIMARY KEY, last_arrival_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX study_quiet_last ON study_quiet(last_arrival_ms);"
	"CREATE TABLE study_event("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL, study_uid TEXT NOT NULL, cause TEXT NOT NULL, instances INTEGER NOT NULL, at_ms INTEGER NOT NULL);"
	"CREATE INDEX study_event_study ON study_event(study_uid, id);"
	"CREATE INDEX study_event_at ON study_event(at_ms);"
	"CREATE TABLE notice("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE, calling TEXT NOT NULL, study_uid TEXT NOT NULL, series INTEGER NOT NULL,"
	"  instances INTEGER NOT NULL, availability TEXT NOT NULL, retrieve_aet TEXT NOT NULL, at_ms INTEGER NOT NULL);"
	"CREATE INDEX notice_study ON notice(study_uid);"
	"CREATE TABLE known(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;";

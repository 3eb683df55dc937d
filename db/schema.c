#include "db/schema.h"

/* The index: one row for each patient, study, series and instance, and the lists of what needs a person.
 *
 * Ten million instances are expected in one file, so `instance` has few and short columns and three
 * indices only. What repeats in it (SOP classes, transfer syntaxes, AE titles, addresses) is a number
 * into `term`. Digests are 16-byte blobs, NULL when unknown.
 *
 * Text is UTF-8. *_fold columns are text_fold() of their neighbour, for searching. Dates are YYYYMMDD,
 * times HHMMSS.FFFFFF ('' unknown); times of ours are milliseconds since 1970 (*_ms).
 *
 * patient.surrogate  '' normally; the Study Instance UID when the Patient ID is empty, so that people
 *                    without an ID are never taken for one another.
 * study.modalities   the distinct modalities of its series, sorted, backslash between them.
 * study.instances .. kept in the transaction that adds the instance, so no query counts rows.
 * series             the key is (series_uid, study): a Series UID that turns up in two studies is two
 *                    rows and a conflict row, never one study's series in another.
 * instance.oid       the current file; conflict.oid: a file that is kept beside it.
 * instance.received_digest   data set as received; digest: data set as it stands in the file now.
 *                    They differ after compression.
 * header.z           the raw header (everything before pixel data, encoding as enum ds_encoding), zstd.
 * arrival            what the router tails: seq rises, rows are never changed.
 * garbage            files that a replacement left: unlink, then forget.
 */
static const char version_1[] =
	"CREATE TABLE term(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
	"CREATE TABLE patient("
	"  id INTEGER PRIMARY KEY, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, surrogate TEXT NOT NULL,"
	"  name TEXT NOT NULL, name_fold TEXT NOT NULL, birth_date TEXT NOT NULL, sex TEXT NOT NULL,"
	"  UNIQUE(patient_id, issuer, surrogate));"
	"CREATE INDEX patient_name ON patient(name_fold);"
	"CREATE TABLE study("
	"  id INTEGER PRIMARY KEY, patient INTEGER NOT NULL REFERENCES patient, study_uid TEXT NOT NULL UNIQUE,"
	"  study_date TEXT NOT NULL, study_time TEXT NOT NULL, accession TEXT NOT NULL, study_id TEXT NOT NULL,"
	"  description TEXT NOT NULL, referring TEXT NOT NULL, modalities TEXT NOT NULL, body_part TEXT NOT NULL,"
	"  institution TEXT NOT NULL, calling TEXT NOT NULL, charset_how TEXT NOT NULL,"
	"  series INTEGER NOT NULL, instances INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	"  first_received_ms INTEGER NOT NULL, last_received_ms INTEGER NOT NULL);"
	"CREATE INDEX study_patient ON study(patient);"
	"CREATE INDEX study_when ON study(study_date, study_time);"
	"CREATE INDEX study_accession ON study(accession);"
	"CREATE INDEX study_study_id ON study(study_id);"
	"CREATE TABLE series("
	"  id INTEGER PRIMARY KEY, study INTEGER NOT NULL REFERENCES study, series_uid TEXT NOT NULL,"
	"  modality TEXT NOT NULL, number TEXT NOT NULL, description TEXT NOT NULL, body_part TEXT NOT NULL,"
	"  protocol TEXT NOT NULL, station TEXT NOT NULL, institution TEXT NOT NULL,"
	"  series_date TEXT NOT NULL, series_time TEXT NOT NULL,"
	"  instances INTEGER NOT NULL, bytes INTEGER NOT NULL, UNIQUE(series_uid, study));"
	"CREATE INDEX series_study ON series(study, modality);"
	"CREATE TABLE instance("
	"  id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series, sop_uid TEXT NOT NULL UNIQUE,"
	"  sop_class INTEGER NOT NULL REFERENCES term, number TEXT NOT NULL,"
	"  content_date TEXT NOT NULL, content_time TEXT NOT NULL,"
	"  rows INTEGER NOT NULL, columns INTEGER NOT NULL, frames INTEGER NOT NULL, bits INTEGER NOT NULL,"
	"  ts INTEGER NOT NULL REFERENCES term, oid INTEGER NOT NULL UNIQUE, size INTEGER NOT NULL, dataset_at INTEGER NOT NULL,"
	"  digest BLOB, received_digest BLOB, pixel_digest BLOB,"
	"  calling INTEGER NOT NULL REFERENCES term, address INTEGER NOT NULL REFERENCES term, received_ms INTEGER NOT NULL);"
	"CREATE INDEX instance_series ON instance(series);"
	"CREATE TABLE header(instance INTEGER PRIMARY KEY REFERENCES instance, encoding INTEGER NOT NULL, z BLOB NOT NULL);"
	"CREATE TABLE arrival(seq INTEGER PRIMARY KEY AUTOINCREMENT, instance INTEGER NOT NULL REFERENCES instance, kind INTEGER NOT NULL);"
	"CREATE TABLE garbage(oid INTEGER PRIMARY KEY);"
	"CREATE TABLE conflict("
	"  id INTEGER PRIMARY KEY, instance INTEGER REFERENCES instance, oid INTEGER, reason TEXT NOT NULL,"
	"  sop_uid TEXT NOT NULL, study_uid TEXT NOT NULL, series_uid TEXT NOT NULL, ts TEXT NOT NULL,"
	"  size INTEGER NOT NULL, dataset_at INTEGER NOT NULL, digest BLOB,"
	"  calling TEXT NOT NULL, address TEXT NOT NULL, at_ms INTEGER NOT NULL);"
	"CREATE INDEX conflict_instance ON conflict(instance);"
	"CREATE INDEX conflict_oid ON conflict(oid);"
	"CREATE TABLE quarantine("
	"  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, reason TEXT NOT NULL,"
	"  calling TEXT NOT NULL, address TEXT NOT NULL, at_ms INTEGER NOT NULL);"
	"CREATE TABLE unknown_ae("
	"  calling TEXT PRIMARY KEY, called TEXT NOT NULL, address TEXT NOT NULL,"
	"  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX unknown_ae_age ON unknown_ae(last_ms);";

/* name_group: one row for each component group (alphabetic, ideographic, phonetic) of each patient's folded
 * name, since a name key may match any of them and an index on the whole finds the first only. Kept by
 * triggers, so that no writer can forget it. (In a trigger WITH may stand in a subquery only.) */
#define NAME_GROUPS(row) \
	"INSERT OR IGNORE INTO name_group SELECT fold, " row ".id FROM (" \
	"  WITH RECURSIVE part(fold, rest) AS (SELECT '', " row ".name_fold || '='" \
	"    UNION ALL SELECT substr(rest, 1, instr(rest, '=') - 1), substr(rest, instr(rest, '=') + 1) FROM part WHERE rest <> '')" \
	"  SELECT fold FROM part WHERE fold <> '');"
static const char version_2[] =
	"CREATE TABLE name_group(fold TEXT NOT NULL, patient INTEGER NOT NULL, PRIMARY KEY(fold, patient)) WITHOUT ROWID;"
	"CREATE INDEX name_group_patient ON name_group(patient);"
	"CREATE TRIGGER patient_added AFTER INSERT ON patient BEGIN " NAME_GROUPS("new") " END;"
	"CREATE TRIGGER patient_renamed AFTER UPDATE OF name_fold ON patient WHEN new.name_fold <> old.name_fold BEGIN"
	"  DELETE FROM name_group WHERE patient = old.id; " NAME_GROUPS("new") " END;"
	"INSERT OR IGNORE INTO name_group"
	"  WITH RECURSIVE part(id, fold, rest) AS (SELECT id, '', name_fold || '=' FROM patient"
	"    UNION ALL SELECT id, substr(rest, 1, instr(rest, '=') - 1), substr(rest, instr(rest, '=') + 1) FROM part WHERE rest <> '')"
	"  SELECT fold, id FROM part WHERE fold <> '';";

/* identity: made once with the file. Row numbers and seq mean something only together with it (db/work_keep.h). */
static const char version_identity[] =
	"CREATE TABLE identity(id BLOB NOT NULL);"
	"INSERT INTO identity VALUES(randomblob(16));";

/* damage: images whose file is missing or not what it was (db/survey.h), until they have another one. */
static const char version_damage[] =
	"CREATE TABLE damage(instance INTEGER PRIMARY KEY, oid INTEGER NOT NULL, what TEXT NOT NULL, found_ms INTEGER NOT NULL);"
	"CREATE TRIGGER damage_mended AFTER UPDATE OF oid ON instance BEGIN DELETE FROM damage WHERE instance = old.id; END;"
	"CREATE TRIGGER damage_gone AFTER DELETE ON instance BEGIN DELETE FROM damage WHERE instance = old.id; END;";

/* hold: studies that stay whatever their class says. retired: what retention removed; the trail of it. */
static const char version_retention[] =
	"CREATE TABLE hold(study_uid TEXT PRIMARY KEY, reason TEXT NOT NULL, who TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE retired("
	"  id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, study_uid TEXT NOT NULL, class TEXT NOT NULL, why TEXT NOT NULL, who TEXT NOT NULL,"
	"  calling TEXT NOT NULL, instances INTEGER NOT NULL, bytes INTEGER NOT NULL);";

static const char *const steps[] = { version_1, version_2, version_identity, version_damage, version_retention };

const struct sql_schema index_schema = {
	.name = "index", .application_id = 0x50414349 /* "PACI" */, .steps = steps, .step_count = NELEM(steps),
};

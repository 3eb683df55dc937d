#include "db/schema.h"

#include "db/edit.h"
#include "db/name_search.h"
#include "db/sql_match.h"

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

/* name_sound: what each patient's name sounds like, see pacs/dicom/name_sound.h; kept by triggers. Names are folded anew,
 * since folding knows of traditional characters now; name_group follows by its own trigger. */
#define SOUNDS_OF(row) "(SELECT value FROM json_each(dicom_sounds(" row ".name_fold)))"
#define SOUNDS_GONE(row) "DELETE FROM name_sound WHERE patient = " row ".id AND sound IN " SOUNDS_OF(row) ";"
#define SOUNDS_ADDED(row) "INSERT OR IGNORE INTO name_sound SELECT value, " row ".id FROM " SOUNDS_OF(row) ";"
static const char version_sound[] =
	"UPDATE patient SET name_fold = dicom_fold(name) WHERE name_fold <> dicom_fold(name);"
	"CREATE TABLE name_sound(sound TEXT NOT NULL, patient INTEGER NOT NULL, PRIMARY KEY(sound, patient)) WITHOUT ROWID;"
	"CREATE TRIGGER name_sound_added AFTER INSERT ON patient BEGIN " SOUNDS_ADDED("new") " END;"
	"CREATE TRIGGER name_sound_changed AFTER UPDATE OF name_fold ON patient WHEN new.name_fold <> old.name_fold BEGIN "
	SOUNDS_GONE("old") SOUNDS_ADDED("new") " END;"
	"CREATE TRIGGER name_sound_removed AFTER DELETE ON patient BEGIN " SOUNDS_GONE("old") " END;"
	"INSERT INTO name_sound SELECT DISTINCT j.value, p.id FROM patient p, json_each(dicom_sounds(p.name_fold)) j ORDER BY 1, 2;";

/* text_seen: how each sender's text was declared and read, by day, for `pacs check text`; see struct index_text. Of what came
 * before only how it was read is known, by study. A sender has two or three cases, so a few rows a day; at the most one for each set
 * that can be declared and found. */
static const char version_text[] =
	"CREATE TABLE text_seen("
	"  calling TEXT NOT NULL, day INTEGER NOT NULL, said TEXT NOT NULL, how TEXT NOT NULL, declared TEXT NOT NULL, found TEXT NOT NULL,"
	"  objects INTEGER NOT NULL, studies INTEGER NOT NULL, study_uid TEXT NOT NULL,"
	"  PRIMARY KEY(calling, day, said, how, declared, found)) WITHOUT ROWID;"
	"INSERT INTO text_seen SELECT calling, CAST(strftime('%Y%m%d', first_received_ms / 1000, 'unixepoch', 'localtime') AS INTEGER), '', charset_how, '', '',"
	"  sum(instances), count(*), max(study_uid) FROM study GROUP BY 1, 2, 4;";

/* header_ref, header.ref: see header_pack.h. header.ref 0: on its own.
 *
 * scan: a wildcard key that begins with `*` fits no index. So the texts of 64 neighbouring rows stand together in one, line by
 * line, and looking through a million names reads some 20 MB in one go instead of a million rows; which of the 64 it is, the
 * rows themselves tell. A line that is no longer any row's does no harm. One run of rows for each column, see enum scan_field.
 *
 * study_modality: studies by modality and date, since a modality that is rare among many studies of its days would be
 * found one by one.
 *
 * All kept by triggers. */
#define SCAN_ROW(field, row) field "<<40|(" row ".id>>6)"
#define SCAN_ADD(field, row, text) \
	"INSERT INTO scan VALUES(" SCAN_ROW(field, row) "," text "||char(10)) ON CONFLICT(id) DO UPDATE SET text=text||excluded.text;"
#define SCAN_AGAIN(field, table, row, text) \
	"UPDATE scan SET text=coalesce((SELECT group_concat(" text ",char(10))||char(10) FROM " table \
	" WHERE id BETWEEN (" row ".id>>6)<<6 AND ((" row ".id>>6)<<6)+63),'') WHERE id=" SCAN_ROW(field, row) ";"
#define SCAN_FILL(field, table, text) \
	"INSERT INTO scan SELECT " field "<<40|(id>>6), group_concat(" text ",char(10))||char(10) FROM " table " GROUP BY id>>6;"
static const char version_query[] =
	"CREATE TABLE header_ref(id INTEGER PRIMARY KEY, calling INTEGER NOT NULL REFERENCES term, sop_class INTEGER NOT NULL REFERENCES term, part BLOB NOT NULL);"
	"CREATE INDEX header_ref_device ON header_ref(calling, sop_class);"
	"ALTER TABLE header ADD COLUMN ref INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE scan(id INTEGER PRIMARY KEY, text TEXT NOT NULL);"
	"CREATE TABLE study_modality("
	"  modality TEXT NOT NULL, study_date TEXT NOT NULL, study INTEGER NOT NULL, PRIMARY KEY(modality, study_date, study)) WITHOUT ROWID;"
	"CREATE INDEX study_modality_study ON study_modality(study);"
	"CREATE TRIGGER patient_scan_added AFTER INSERT ON patient BEGIN " SCAN_ADD("0", "new", "new.name_fold") SCAN_ADD("1", "new", "new.patient_id") " END;"
	"CREATE TRIGGER patient_scan_named AFTER UPDATE OF name_fold ON patient WHEN new.name_fold<>old.name_fold BEGIN "
	SCAN_AGAIN("0", "patient", "new", "name_fold") " END;"
	"CREATE TRIGGER patient_scan_numbered AFTER UPDATE OF patient_id ON patient WHEN new.patient_id<>old.patient_id BEGIN "
	SCAN_AGAIN("1", "patient", "new", "patient_id") " END;"
	"CREATE TRIGGER study_scan_added AFTER INSERT ON study BEGIN " SCAN_ADD("2", "new", "new.accession") SCAN_ADD("3", "new", "new.study_id")
	SCAN_ADD("4", "new", "new.description") SCAN_ADD("5", "new", "dicom_fold(new.referring)") " END;"
	"CREATE TRIGGER study_scan_changed AFTER UPDATE OF accession, study_id, description, referring ON study"
	"  WHEN new.accession<>old.accession OR new.study_id<>old.study_id OR new.description<>old.description OR new.referring<>old.referring BEGIN "
	SCAN_AGAIN("2", "study", "new", "accession") SCAN_AGAIN("3", "study", "new", "study_id")
	SCAN_AGAIN("4", "study", "new", "description") SCAN_AGAIN("5", "study", "new", "dicom_fold(referring)") " END;"
	"CREATE TRIGGER series_modality_added AFTER INSERT ON series BEGIN"
	"  INSERT OR IGNORE INTO study_modality SELECT new.modality, study_date, id FROM study WHERE id=new.study; END;"
	"CREATE TRIGGER series_modality_changed AFTER UPDATE OF modality, study ON series WHEN new.modality<>old.modality OR new.study<>old.study BEGIN"
	"  DELETE FROM study_modality WHERE study=old.study AND modality=old.modality"
	"    AND NOT EXISTS(SELECT 1 FROM series WHERE study=old.study AND modality=old.modality);"
	"  INSERT OR IGNORE INTO study_modality SELECT new.modality, study_date, id FROM study WHERE id=new.study; END;"
	"CREATE TRIGGER series_modality_removed AFTER DELETE ON series BEGIN"
	"  DELETE FROM study_modality WHERE study=old.study AND modality=old.modality"
	"    AND NOT EXISTS(SELECT 1 FROM series WHERE study=old.study AND modality=old.modality); END;"
	"CREATE TRIGGER study_modality_dated AFTER UPDATE OF study_date ON study WHEN new.study_date<>old.study_date BEGIN"
	"  UPDATE study_modality SET study_date=new.study_date WHERE study=new.id; END;"
	SCAN_FILL("0", "patient", "name_fold") SCAN_FILL("1", "patient", "patient_id") SCAN_FILL("2", "study", "accession")
	SCAN_FILL("3", "study", "study_id") SCAN_FILL("4", "study", "description") SCAN_FILL("5", "study", "dicom_fold(referring)")
	"INSERT OR IGNORE INTO study_modality SELECT se.modality, st.study_date, st.id FROM series se JOIN study st ON st.id=se.study;";

/* Patient updates and merges. patient_change is a copy of the journal in work.db; study.change the latest of them that touched the
 * study's patient; patient_history what stood there before, one row for each patient and study that was touched. */
static const char version_patients[] =
	"CREATE TABLE patient_change("
	"  seq INTEGER PRIMARY KEY, is_merge INTEGER NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, name TEXT NOT NULL,"
	"  birth_date TEXT NOT NULL, sex TEXT NOT NULL, old_id TEXT NOT NULL, old_issuer TEXT NOT NULL, message TEXT NOT NULL, at_ms INTEGER NOT NULL);"
	"CREATE INDEX patient_change_patient ON patient_change(patient_id, seq);"
	"CREATE INDEX patient_change_old ON patient_change(old_id, seq) WHERE is_merge;"
	"CREATE TABLE patient_history("
	"  id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, what TEXT NOT NULL, study_uid TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL,"
	"  name TEXT NOT NULL, birth_date TEXT NOT NULL, sex TEXT NOT NULL, at_ms INTEGER NOT NULL);"
	"ALTER TABLE study ADD COLUMN change INTEGER NOT NULL DEFAULT 0;";

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

/* durable: one row; every arrival up to this seq was there to stay, with its file, when the last rows were written. */
static const char version_durable[] =
	"CREATE TABLE durable(seq INTEGER NOT NULL);"
	"INSERT INTO durable SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'arrival';";

/* Corrections by people. edit_rule: what the entries of patient_change say (db/edit.h), for images still to come. edited: what is told of
 * an image besides its kept header, by tag; also the UIDs of the study and series that it was moved to. number_floor: the highest
 * numbers of images that were taken out. */
static const char version_edits[] =
	EDIT_COLUMNS_OF("patient_change") EDIT_RULE_TABLE
	"CREATE TABLE edited(instance INTEGER NOT NULL, tag INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY(instance, tag)) WITHOUT ROWID;"
	"CREATE TRIGGER edited_gone AFTER DELETE ON instance BEGIN DELETE FROM edited WHERE instance = old.id; END;"
	"CREATE TABLE number_floor(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;";

static const char *const steps[] = { version_1, version_2, version_identity, version_sound, version_text, version_query, version_patients, version_damage, version_retention,
	version_durable, version_edits };

static enum err add_functions(sqlite3 *db, struct why *why)
{
	enum err e = sql_match_add_fold(db, why);
	return e ? e : name_search_add_function(db, why);
}

const struct sql_schema index_schema = {
	.name = "index", .application_id = 0x50414349 /* "PACI" */, .steps = steps, .step_count = NELEM(steps),
	.add_functions = add_functions,
};

#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "router/worklist.h"
#include "tests/lib/t.h"

enum { NOW = 1700000000 };
#define STUDY "1.2.3"

static char dir[] = "/tmp/worklist_test.XXXXXX";
static struct index_writer *index_w;
static struct index_reader *ix;
static struct work *work;
static struct arena arena;
static struct conf_node nodes[2];
static struct conf conf = { .aet = "COUNTY", .level = LEVEL_COUNTY, .nodes = nodes, .refs = 1 };
static struct why why;

/* One image of STUDY. */
static void arrive(const char *series, const char *sop)
{
	struct index_record r = {
		.patient_id = "P1", .issuer = "", .patient_name = "ZHANG^SAN=张^三", .birth_date = "19700101", .sex = "F",
		.study_uid = STUDY, .study_date = "20260301", .study_time = "", .accession = "A1", .study_id = "S1", .study_description = "胸部", .referring = "",
		.series_uid = series, .modality = "DX", .series_number = "1", .series_description = "", .body_part = "CHEST", .protocol = "",
		.station = "", .institution = "乡卫生院", .series_date = "", .series_time = "",
		.sop_uid = sop, .sop_class = "1.2.840.10008.5.1.4.1.1.1.1", .instance_number = "1", .content_date = "", .content_time = "",
		.rows = 2, .columns = 2, .frames = 1, .bits = 16, .ts = TS_EXPLICIT_LE, .size = 100, .dataset_at = 50,
		.digest = "00112233445566778899aabbccddeeff", .pixel_digest = "", .calling = "CR1", .address = "", .charset_how = "declared", .received_ms = NOW,
		.header = BYTES("header"), .header_encoding = DS_EXPLICIT_LE,
	};
	static uint64_t oid;             /* rising over the whole test, as oids are */
	uint64_t instance;
	int64_t seq;

	r.oid = ++oid;
	CHECK_OK(index_begin(index_w, &why), why);
	CHECK_OK(index_add(index_w, &r, &instance, &seq, &why), why);
	CHECK_OK(index_commit(index_w, &why), why);
}

/* The quiet time of STUDY is over. */
static struct worklist_result make(unsigned priority)
{
	struct item_pending p = { .study_uid = { STUDY }, .group = "DR", .priority = priority, .last_arrival_ms = NOW };
	struct worklist_result r = { .made = WORKLIST_NOTHING };

	CHECK_OK(work_begin(work, &why), why);
	CHECK_OK(items_pending_note(work_db(work), &p, &why), why);
	CHECK_OK(worklist_make(work_db(work), ix, &conf, &p, NOW, &r, &why), why);
	CHECK_INT(items_pending_first(work_db(work), &p, &why), ERR_NOT_FOUND);
	CHECK_OK(work_commit(work, &why), why);
	return r;
}

static struct dataset *load(const char *uid, struct item_row *row)
{
	struct dataset *ds = NULL;

	CHECK_OK(items_load(work_db(work), uid, &arena, row, &ds, &why), why);
	return ds;
}

static unsigned references(const struct dataset *ds, unsigned *series)
{
	unsigned n = 0;
	struct dataset *in;

	for (*series = 0; (in = dataset_item(ds, TAG_INPUT_INFORMATION, *series)); ++*series)
		for (unsigned i = 0; dataset_item(in, TAG_REFERENCED_SOPS, i); i++)
			n++;
	return n;
}

static void claim(const char *uid, const char *lock)
{
	uint16_t status;

	CHECK_OK(items_change_state(work_db(work), uid, ITEM_IN_PROGRESS, lock, "READER1", NOW, &status, &why), why);
	CHECK_INT(status, UPS_OK);
}

static void give_up(const char *uid, const char *lock, const char *reason)
{
	struct dataset *ds = dataset_new(&arena), *progress = dataset_add_item(ds, TAG_STEP_PROGRESS);
	uint16_t status;

	CHECK_INT(dataset_put_str(progress, TAG_CANCELLATION_TIME, "20260301120000"), ERR_OK);
	CHECK_INT(item_attrs_add_code(progress, TAG_DISCONTINUATION_REASON, reason, "DCM", "for a test"), ERR_OK);
	CHECK_OK(items_set(work_db(work), uid, lock, ds, "READER1", NOW, &status, &why), why);
	CHECK_INT(status, UPS_OK);
	CHECK_OK(items_change_state(work_db(work), uid, ITEM_CANCELED, lock, "READER1", NOW, &status, &why), why);
	CHECK_INT(status, UPS_OK);
}

static unsigned forwards;

static bool count_forward(void *arg, const struct work_job *j)
{
	forwards += j->kind == JOB_FORWARD && strcmp(j->to, arg) == 0;
	return true;
}

static struct uid first, late;

TEST(created, "a quiet study becomes an item with all a reader needs")
{
	struct item_row row;
	unsigned series;

	arrive("1.2.3.1", "1.2.3.1.1");
	arrive("1.2.3.2", "1.2.3.2.1");
	struct worklist_result r = make(7);
	CHECK_INT(r.made, WORKLIST_CREATED);
	CHECK_INT(r.instances, 2);
	first = r.item;
	struct dataset *ds = load(first.s, &row);
	CHECK_INT(row.state, ITEM_SCHEDULED);
	CHECK_STR(row.priority, "HIGH");
	CHECK_STR(dataset_str(ds, TAG_STEP_LABEL), "READING-DR");
	CHECK_STR(dataset_str(ds, TAG_WORKLIST_LABEL), "DR");
	CHECK_STR(dataset_str(ds, TAG_INPUT_READINESS), "READY");
	CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "ZHANG^SAN=张^三");
	CHECK_STR(dataset_str(ds, TAG_STUDY_UID), STUDY);
	CHECK_STR(dataset_str(dataset_item(ds, TAG_WORKITEM_CODE, 0), TAG_CODE_VALUE), "110005");
	CHECK_STR(dataset_str(dataset_item(ds, TAG_REFERENCED_REQUEST, 0), TAG_ACCESSION_NUMBER), "A1");
	CHECK_STR(dataset_str(dataset_item(dataset_item(ds, TAG_INPUT_INFORMATION, 0), TAG_DICOM_RETRIEVAL, 0), TAG_RETRIEVE_AE), "COUNTY");
	CHECK_INT(references(ds, &series), 2);
	CHECK_INT(series, 2);
	CHECK(row.expected_ms > NOW);
}

TEST(nothing, "a study that is quiet again without a new image changes nothing")
{
	struct item_row row;

	CHECK_INT(make(0).made, WORKLIST_NOTHING);
	load(first.s, &row);
	CHECK_INT(row.revision, 0);
}

TEST(updated, "late images go into the item while nobody has claimed it")
{
	struct item_row row;
	unsigned series;

	arrive("1.2.3.1", "1.2.3.1.2");
	struct worklist_result r = make(0);
	CHECK_INT(r.made, WORKLIST_UPDATED);
	CHECK_STR(r.item.s, first.s);
	CHECK_INT(r.added, 1);
	struct dataset *ds = load(first.s, &row);
	CHECK_INT(row.instances, 3);
	CHECK_INT(references(ds, &series), 3);
	CHECK_STR(dataset_str(ds, TAG_STEP_COMMENTS), "late images: 1 of 3");
}

TEST(late, "late images of a claimed item make a new one that names it")
{
	struct item_row row;

	claim(first.s, "2.25.1");
	arrive("1.2.3.1", "1.2.3.1.3");
	struct worklist_result r = make(0);
	CHECK_INT(r.made, WORKLIST_LATE);
	late = r.item;
	struct dataset *ds = load(late.s, &row);
	CHECK_STR(row.note, "late images");
	CHECK(strstr(dataset_str(ds, TAG_STEP_COMMENTS), first.s) != NULL);
	CHECK_INT(row.instances, 4);
}

TEST(given_up, "a case given up is on the list again, once")
{
	struct uid next;
	bool escalated;

	give_up(first.s, "2.25.1", "110530");
	CHECK_OK(worklist_cancelled(work, ix, &conf, first.s, NOW, &next, &escalated, &why), why);
	CHECK(!escalated);
	CHECK_STR(next.s, late.s);       /* it has the late images, and so all of them */
	claim(late.s, "2.25.2");
	give_up(late.s, "2.25.2", "110531");
	CHECK_OK(worklist_cancelled(work, ix, &conf, late.s, NOW, &next, &escalated, &why), why);
	CHECK(!escalated && strcmp(next.s, late.s) != 0);
	first = next;
}

TEST(no_specialist, "a case for a specialist stays on our list when there is nobody above")
{
	struct uid next;
	bool escalated;

	nodes[0] = (struct conf_node){ .name = "shy", .has_level = true, .level = LEVEL_PROVINCE };      /* it only calls us */
	conf.node_count = 1;
	claim(first.s, "2.25.3");
	give_up(first.s, "2.25.3", REASON_NEEDS_SPECIALIST);
	CHECK_OK(worklist_cancelled(work, ix, &conf, first.s, NOW, &next, &escalated, &why), why);
	CHECK(!escalated && next.s[0]);
	first = next;
}

TEST(escalated, "a case for a specialist goes up with all its images, and leaves our list")
{
	struct work_filter all = { .to = "province", .limit = 100 };
	struct item_row row;
	struct uid next;
	bool escalated;

	/* one of its images went there before */
	struct work_job before = { .kind = JOB_FORWARD, .instance = 1, .size = 100, .to = "province", .source = "CR1" };
	strcpy(before.study.s, STUDY);
	CHECK_OK(work_enqueue(work, &before, &why), why);
	strcpy(nodes[0].name, "clinic");
	nodes[0].has_level = true;
	nodes[0].level = LEVEL_CLINIC;
	strcpy(nodes[1].name, "province");
	strcpy(nodes[0].host, "127.0.0.1");
	nodes[1].has_level = true;
	nodes[1].level = LEVEL_PROVINCE;
	strcpy(nodes[1].host, "127.0.0.1");
	conf.node_count = 2;
	claim(first.s, "2.25.4");
	give_up(first.s, "2.25.4", REASON_NEEDS_SPECIALIST);
	CHECK_OK(worklist_cancelled(work, ix, &conf, first.s, NOW, &next, &escalated, &why), why);
	CHECK(escalated && !next.s[0]);
	forwards = 0;
	struct work_reader *reader = NULL;
	CHECK_OK(work_reader_open(dir, &reader, &why), why);
	CHECK_OK(work_reader_list(reader, &all, count_forward, (char[]){ "province" }, &why), why);
	work_reader_close(&reader);
	CHECK_INT(forwards, 4);
	load(first.s, &row);
	CHECK_STR(row.note, "escalated to the province");
	CHECK_OK(items_newest(work_db(work), STUDY, "DR", &row, &why), why);
	CHECK_INT(row.state, ITEM_CANCELED);
}

static void clean(void)
{
	char path[64];
	static const char *const files[] = { "index.db", "index.db-wal", "index.db-shm", "work.db", "work.db-wal", "work.db-shm",
	                                     "run/router.lock", "run/ingest.lock", "run/work.lock" };

	for (size_t i = 0; i < NELEM(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/run", dir);
	rmdir(path);
	rmdir(dir);
}

int main(void)
{
	char run[64];

	arena_init(&arena, 32 << 20);
	if (!mkdtemp(dir))
		return 1;
	snprintf(run, sizeof(run), "%s/run", dir);
	if (durable_mkdirs(run, &why) || index_writer_open(dir, &index_w, &why) || index_reader_open(dir, &ix, &why) || work_open(dir, &work, &why)) {
		printf("Bail out! %s\n", why.text);
		return 1;
	}
	RUN(created);
	RUN(nothing);
	RUN(updated);
	RUN(late);
	RUN(given_up);
	RUN(no_specialist);
	RUN(escalated);
	work_close(&work);
	index_reader_close(&ix);
	index_writer_close(&index_w);
	arena_fini(&arena);
	clean();
	return t_done();
}

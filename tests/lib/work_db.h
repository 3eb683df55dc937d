/* work_db - a work.db and an index.db in a folder of their own, for the tests of the rooms that use both. */
#ifndef TESTS_LIB_WORK_DB_H
#define TESTS_LIB_WORK_DB_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/index.h"
#include "db/work.h"
#include "pacs/base/clock.h"
#include "tests/lib/t.h"

#define WORK_DB_CT "1.2.840.10008.5.1.4.1.1.2"

static char dir[64];
static struct work *work;
static struct index_writer *iw;
static struct index_reader *ix;
static struct why why;

static void index_open(void)
{
	CHECK_OK(index_writer_open(dir, &iw, &why), why);
	CHECK_OK(index_reader_open(dir, &ix, &why), why);
}

static void index_close(void)
{
	index_reader_close(&ix);
	index_writer_close(&iw);
}

static void open_dbs(void)
{
	char run[96];
	snprintf(dir, sizeof(dir), "/tmp/work_db.XXXXXX");
	CHECK(mkdtemp(dir));
	snprintf(run, sizeof(run), "%s/run", dir);
	CHECK(!mkdir(run, 0755));
	CHECK_OK(work_open(dir, &work, &why), why);
	CHECK_OK(work_begin(work, &why), why);
	index_open();
}

static void close_dbs(void)
{
	char cmd[96];
	work_rollback(work);
	work_close(&work);
	index_close();
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	CHECK_INT(system(cmd), 0);
}

/* Instance number n of a study: UID STUDY.n. */
static inline uint64_t add_image(const char *study, unsigned n, int64_t received_ms)
{
	static uint64_t oid;
	char series[80], sop[80];
	uint64_t id = 0;
	int64_t seq;
	snprintf(series, sizeof(series), "%s.0", study);
	snprintf(sop, sizeof(sop), "%s.%u", study, n);
	struct index_record r = {
		.patient_id = "P", .issuer = "", .patient_name = "A", .birth_date = "", .sex = "", .study_uid = study, .study_date = "", .study_time = "",
		.accession = "", .study_id = "", .study_description = "", .referring = "", .series_uid = series, .modality = "CT", .series_number = "",
		.series_description = "", .body_part = "", .protocol = "", .station = "", .institution = "", .series_date = "", .series_time = "",
		.sop_uid = sop, .sop_class = WORK_DB_CT, .instance_number = "1", .content_date = "", .content_time = "", .rows = 1, .columns = 1, .frames = 1,
		.bits = 8, .ts = TS_EXPLICIT_LE, .oid = ++oid, .size = 100, .dataset_at = 10, .digest = "", .pixel_digest = "", .calling = "CT1", .address = "",
		.charset_how = "", .received_ms = received_ms, .header = BYTES("h"), .header_encoding = 1,
	};
	CHECK_OK(index_begin(iw, &why), why);
	CHECK_OK(index_add(iw, &r, &id, &seq, &why), why);
	CHECK_OK(index_commit(iw, &why), why);
	return id;
}

/* A forward job of an image of the index, in any state that it can come to by itself; its number. */
static inline int64_t add_job(uint64_t instance, const char *to, enum job_state state, int64_t now_ms)
{
	struct index_instance what;
	struct work_job j = { .kind = JOB_FORWARD, .instance = instance, .size = 100, .created_ms = now_ms }, got;
	size_t n;
	int64_t next;
	CHECK_OK(index_get(ix, instance, &what, &why), why);
	j.sop_instance = what.sop_uid;
	j.study = what.study_uid;
	snprintf(j.to, sizeof(j.to), "%s", to);
	CHECK_OK(work_enqueue(work, &j, &why), why);
	CHECK_OK(work_claim(work, JOB_FORWARD, to, now_ms, 1, 1, &got, &n, &next, &why), why);
	CHECK_INT(n, 1);
	const struct work_event ev = { .event = state == JOB_QUEUED ? JOB_GIVE_BACK : JOB_DELIVERED, .now_ms = now_ms };
	CHECK_OK(work_apply(work, got.id, &ev, NULL, &why), why);
	const struct work_event confirm = { .event = JOB_CONFIRM, .now_ms = now_ms };
	if (state == JOB_CONFIRMED)
		CHECK_OK(work_apply(work, got.id, &confirm, NULL, &why), why);
	return got.id;
}

static inline enum job_state state_of(int64_t job)
{
	struct work_job j = { .state = JOB_STATE_COUNT };
	CHECK_OK(work_get(work, job, &j, &why), why);
	return j.state;
}

#endif

#include <unistd.h>

#include "db/mpps.h"
#include "db/orders_sql.h"
#include "db/patients.h"
#include "db/work_schema.h"
#include "pacs/orders/order_csv.h"
#include "pacs/orders/order_worklist.h"
#include "storescp/mwl.h"
#include "tests/lib/t.h"

enum { NOW = 1700000000 };

static char dir[] = "/tmp/orders_test.XXXXXX";
static sqlite3 *db;
static struct arena arena;
static struct why why;

static void fresh(void)
{
	char path[64];
	sql_close(&db);
	for (size_t i = 0; i < 3; i++) {
		static const char *const ends[] = { "", "-wal", "-shm" };
		snprintf(path, sizeof(path), "%s/work.db%s", dir, ends[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/work.db", dir);
	CHECK_OK(sql_open_writer(path, &work_schema, &db, &why), why);
}

static struct order order(const char *accession, const char *patient, const char *date)
{
	struct order o;
	memset(&o, 0, sizeof(o));
	snprintf(o.accession, sizeof(o.accession), "%s", accession);
	snprintf(o.patient_id, sizeof(o.patient_id), "%s", patient);
	snprintf(o.patient_name, sizeof(o.patient_name), "张^三");
	snprintf(o.modality, sizeof(o.modality), "DX");
	snprintf(o.date, sizeof(o.date), "%s", date);
	return o;
}

static int64_t put(const struct order *o, enum orders_outcome want)
{
	enum orders_outcome got;
	int64_t id = 0;
	CHECK_OK(orders_put(db, o, "test", NOW, &id, &got, &why), why);
	CHECK_INT(got, want);
	return id;
}

static struct order_row row_of(int64_t id)
{
	struct order_row row;
	CHECK_OK(orders_get(db, id, &row, &why), why);
	return row;
}

TEST(put_again, "an order is made once; the same again changes nothing, more of it lays itself over")
{
	fresh();
	struct order o = order("A1", "P1", "20260301"), more = order("A1", "P1", "");
	int64_t id = put(&o, ORDERS_CREATED);
	put(&o, ORDERS_SAME);
	snprintf(more.reason, sizeof(more.reason), "咳嗽");
	CHECK_INT(put(&more, ORDERS_CHANGED), id);
	struct order_row row = row_of(id);
	CHECK_STR(row.o.reason, "咳嗽");
	CHECK_STR(row.o.date, "20260301");
	CHECK_STR(row.o.procedure_id, "A1");
	CHECK(uid_is_legal(row.o.study_uid) && row.o.step_id[0]);
}

TEST(other_patient, "an order never goes to another patient, nor to one of another issuer")
{
	enum orders_outcome got;
	int64_t id;
	fresh();
	struct order o = order("A1", "P1", ""), other = order("A1", "P2", ""), issuer = order("A1", "P1", "");
	snprintf(o.issuer, sizeof(o.issuer), "HIS");
	snprintf(issuer.issuer, sizeof(issuer.issuer), "RIS");
	put(&o, ORDERS_CREATED);
	CHECK_INT(orders_put(db, &other, "test", NOW, &id, &got, &why), ERR_CONFLICT);
	CHECK_INT(orders_put(db, &issuer, "test", NOW, &id, &got, &why), ERR_CONFLICT);
}

TEST(numbers, "without an accession the filler's or placer's number is one where it fits, else one is made; and finds it again")
{
	fresh();
	struct order o = order("", "P1", ""), longer = order("", "P1", "");
	snprintf(o.placer, sizeof(o.placer), "PL1");
	snprintf(longer.placer, sizeof(longer.placer), "A-PLACER-NUMBER-OF-OVER-16-LETTERS");
	CHECK_STR(row_of(put(&o, ORDERS_CREATED)).o.accession, "PL1");
	int64_t id = put(&longer, ORDERS_CREATED);
	CHECK_INT(row_of(id).o.accession[0], 'A');
	CHECK(strlen(row_of(id).o.accession) <= 16);
	CHECK_INT(put(&longer, ORDERS_SAME), id);
}

TEST(steps, "two steps of one accession share their study; a number alone does not say which is meant")
{
	enum orders_outcome got;
	int64_t id;
	unsigned n;
	fresh();
	struct order a = order("A1", "P1", ""), b = order("A1", "P1", ""), which = order("A1", "P1", "");
	snprintf(a.step_id, sizeof(a.step_id), "S1");
	snprintf(b.step_id, sizeof(b.step_id), "S2");
	int64_t first = put(&a, ORDERS_CREATED), second = put(&b, ORDERS_CREATED);
	CHECK_STR(row_of(first).o.study_uid, row_of(second).o.study_uid);
	CHECK_INT(orders_put(db, &which, "test", NOW, &id, &got, &why), ERR_CONFLICT);
	CHECK_OK(orders_set_state(db, &b, ORDER_CANCELED, "", "test", NOW, &n, &why), why);
	CHECK_INT(n, 1);
	CHECK_INT(row_of(first).state, ORDER_SCHEDULED);
	CHECK_OK(orders_set_state(db, &which, ORDER_CANCELED, "", "test", NOW, &n, &why), why);
	CHECK_INT(n, 2);
	CHECK_INT(row_of(first).state, ORDER_CANCELED);
	put(&a, ORDERS_CHANGED);
	CHECK_INT(row_of(first).state, ORDER_SCHEDULED);
}

TEST(final, "what is completed stays completed")
{
	fresh();
	struct order o = order("A1", "P1", "");
	int64_t id = put(&o, ORDERS_CREATED);
	CHECK_OK(orders_move(db, id, ORDER_COMPLETED, "", "test", NOW, &why), why);
	CHECK_OK(orders_move(db, id, ORDER_CANCELED, "", "test", NOW, &why), why);
	CHECK_INT(row_of(id).state, ORDER_COMPLETED);
}

/* ---- matching ---- */

static struct index_study study(const char *uid, const char *accession, const char *patient, const char *date, const char *modality)
{
	struct index_study s;
	memset(&s, 0, sizeof(s));
	snprintf(s.study_uid.s, sizeof(s.study_uid.s), "%s", uid);
	snprintf(s.accession, sizeof(s.accession), "%s", accession);
	snprintf(s.patient_id, sizeof(s.patient_id), "%s", patient);
	snprintf(s.study_date, sizeof(s.study_date), "%s", date);
	snprintf(s.modalities, sizeof(s.modalities), "%s", modality);
	return s;
}

static enum order_how match(const struct index_study *s, int64_t *id)
{
	enum order_how how = HOW_COUNT;
	CHECK_OK(orders_match_study(db, s, NOW, &how, id, &why), why);
	return how;
}

TEST(matching, "study UID, then accession, then patient and date with modality; another patient and a choice are told")
{
	fresh();
	struct order o1 = order("A1", "P1", "20260301"), o2 = order("A2", "P2", "20260301"), o3 = order("A3", "P3", "20260301"), o4 = order("A4", "P3", "20260301");
	snprintf(o1.study_uid, sizeof(o1.study_uid), "1.2.1");
	int64_t id1 = put(&o1, ORDERS_CREATED), id2 = put(&o2, ORDERS_CREATED), id;
	put(&o3, ORDERS_CREATED);
	put(&o4, ORDERS_CREATED);
	const struct { struct index_study s; enum order_how how; int64_t id; } cases[] = {
		{ study("1.2.1", "A2", "P1", "", "DX"), HOW_STUDY_UID, id1 },
		{ study("1.2.2", "A2", "P2", "19990101", "CT"), HOW_ACCESSION, id2 },
		{ study("1.2.3", "A2", "P9", "20260301", "DX"), HOW_OTHER_PATIENT, 0 },
		{ study("1.2.1", "", "P9", "", "DX"), HOW_OTHER_PATIENT, 0 },
		{ study("1.2.4", "", "P3", "20260301", "DX"), HOW_AMBIGUOUS, 0 },
		{ study("1.2.5", "", "P3", "20260302", "DX"), HOW_NONE, 0 },
		{ study("1.2.6", "", "P3", "20260301", "CT\\MR"), HOW_NONE, 0 },
		{ study("1.2.7", "ZZ", "", "", ""), HOW_NONE, 0 },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		enum order_how how = match(&cases[i].s, &id);
		if (how != cases[i].how || id != cases[i].id)
			T_FAIL("case %zu: %s, order %lld", i, order_how_name(how), (long long)id);
	}
	struct order o5 = order("A5", "P5", "20260305");
	int64_t id5 = put(&o5, ORDERS_CREATED);
	struct index_study by_date = study("1.2.8", "", "P5", "20260305", "DX\\SR");
	CHECK_INT(match(&by_date, &id), HOW_PATIENT_DATE);
	CHECK_INT(id, id5);
}

static enum err count_study(void *arg, const char *study_uid, struct why *w)
{
	unsigned *n = arg;
	(void)study_uid;
	(void)w;
	(*n)++;
	return ERR_OK;
}

TEST(late, "an order that comes behind its study finds it")
{
	unsigned n, called = 0;
	int64_t id;
	struct order_row row;
	fresh();
	struct index_study s = study("1.2.9", "A9", "P9", "20260301", "DX");
	CHECK_INT(match(&s, &id), HOW_NONE);
	CHECK(!orders_is_matched(db, "1.2.9"));
	struct order o = order("A9", "P9", "");
	id = put(&o, ORDERS_CREATED);
	CHECK_OK(orders_match_order(db, id, NOW, count_study, &called, &n, &why), why);
	CHECK_INT(n, 1);
	CHECK_INT(called, 1);
	CHECK_OK(orders_of_study(db, "1.2.9", &row, &why), why);
	CHECK_INT(row.id, id);
	CHECK_STR(row.how, "accession");
	CHECK_OK(orders_study_complete(db, "1.2.9", NOW, &why), why);
	CHECK_INT(row_of(id).state, ORDER_COMPLETED);
}

TEST(merge, "a merge takes the orders over, done ones too; an update changes the open ones")
{
	unsigned n;
	fresh();
	struct order open = order("A1", "P1", ""), done = order("A2", "P1", ""), other = order("A3", "P2", ""), now = order("", "P9", "");
	int64_t id1 = put(&open, ORDERS_CREATED), id2 = put(&done, ORDERS_CREATED), id3 = put(&other, ORDERS_CREATED);
	CHECK_OK(orders_move(db, id2, ORDER_COMPLETED, "", "t", NOW, &why), why);
	snprintf(now.patient_name, sizeof(now.patient_name), "张^三丰");
	CHECK_OK(orders_merge_patient(db, "P1", "", &now, "t", NOW, &n, &why), why);
	CHECK_INT(n, 2);
	CHECK_STR(row_of(id1).o.patient_id, "P9");
	CHECK_STR(row_of(id2).o.patient_name, "张^三丰");
	CHECK_STR(row_of(id3).o.patient_id, "P2");
	snprintf(now.birth_date, sizeof(now.birth_date), "19700301");
	CHECK_OK(orders_update_patient(db, &now, "t", NOW, &n, &why), why);
	CHECK_STR(row_of(id1).o.birth_date, "19700301");
	CHECK_STR(row_of(id2).o.birth_date, "");
}

/* ---- MPPS ---- */

static struct dataset *step(const char *study_uid, const char *accession, const char *status)
{
	struct dataset *ds = dataset_new(&arena), *s;
	const struct { uint32_t tag; const char *v; } values[] = { { TAG_MODALITY, "DX" }, { TAG(0x0040, 0x0241), "DR1" }, { TAG(0x0040, 0x0244), "20260301" },
		{ TAG(0x0040, 0x0245), "1015" }, { TAG_MPPS_STATUS, status }, { TAG(0x0040, 0x0253), "PPS1" } };
	for (size_t i = 0; i < NELEM(values); i++)
		CHECK_INT(dataset_put_str(ds, values[i].tag, values[i].v), ERR_OK);
	s = dataset_add_item(ds, TAG_MPPS_STEPS);
	CHECK_INT(dataset_put_str(s, TAG_STUDY_UID, study_uid), ERR_OK);
	CHECK_INT(dataset_put_str(s, TAG_ACCESSION_NUMBER, accession), ERR_OK);
	return ds;
}

static struct dataset *end(const char *status, const char *const *images)
{
	struct dataset *ds = dataset_new(&arena), *s;
	CHECK_INT(dataset_put_str(ds, TAG_MPPS_STATUS, status), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG(0x0040, 0x0250), "20260301"), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG(0x0040, 0x0251), "1020"), ERR_OK);
	s = dataset_add_item(ds, TAG_MPPS_SERIES);
	CHECK_INT(dataset_put_str(s, TAG_SERIES_UID, "1.2.3.1"), ERR_OK);
	CHECK_INT(dataset_put_str(s, TAG(0x0018, 0x1030), "CHEST"), ERR_OK);
	for (; *images; images++)
		CHECK_INT(dataset_put_str(dataset_add_item(s, TAG(0x0008, 0x1140)), TAG(0x0008, 0x1155), *images), ERR_OK);
	return ds;
}

static bool is_one(void *arg, const char *sop_uid)
{
	(void)arg;
	return !strcmp(sop_uid, "1.1");
}

TEST(mpps, "a step starts and ends its order, waits for the images that are not planned, and is final")
{
	static const char *const images[] = { "1.1", "1.2", NULL }, *const here[] = { "1.1", NULL };
	struct mpps_result res;
	struct uid uid;
	fresh();
	struct order o = order("A1", "P1", "");
	int64_t id = put(&o, ORDERS_CREATED);
	struct mpps_request create = { "9.1", "DR1", step("1.2.3", "A1", "IN PROGRESS"), NOW }, set = { "9.1", "DR1", end("COMPLETED", images), NOW };
	CHECK_OK(mpps_create(db, &create, &res, &why), why);
	CHECK_INT(res.status, 0);
	CHECK_INT(row_of(id).state, ORDER_STARTED);
	CHECK_OK(mpps_change(db, &set, is_one, NULL, &res, &why), why);
	CHECK_INT(res.status, 0);
	CHECK_INT(res.missing, 1);
	CHECK(!res.is_complete);
	CHECK_INT(row_of(id).state, ORDER_COMPLETED);
	CHECK_OK(mpps_image_came(db, "1.7", &uid, &why), why);
	CHECK_STR(uid.s, "");
	CHECK_OK(mpps_image_came(db, "1.2", &uid, &why), why);
	CHECK_STR(uid.s, "9.1");
	CHECK_OK(mpps_image_came(db, "1.2", &uid, &why), why);
	CHECK_STR(uid.s, "");
	CHECK_OK(mpps_change(db, &set, is_one, NULL, &res, &why), why);
	CHECK_INT(res.status, 0x0110);
	CHECK_INT(res.error_id, 0xA710);
	struct mpps_request second = { "9.2", "DR1", step("1.2.3", "A1", "IN PROGRESS"), NOW }, all = { "9.2", "DR1", end("COMPLETED", here), NOW };
	CHECK_OK(mpps_create(db, &second, &res, &why), why);
	CHECK_OK(mpps_change(db, &all, is_one, NULL, &res, &why), why);
	CHECK(res.is_complete);
}

/* ---- the worklist's queries ---- */

static bool takes(const char *date, const char *time, const char *at_date, const char *at_time)
{
	struct dataset *keys = dataset_new(&arena), *match_keys, *s = dataset_add_item(keys, TAG_STEP_SEQUENCE);
	struct mwl_query q;
	struct order_row row;
	memset(&row, 0, sizeof(row));
	row.o = order("A1", "P1", at_date);
	snprintf(row.o.time, sizeof(row.o.time), "%s", at_time);
	CHECK_INT(dataset_put_str(s, TAG_STEP_START_DATE, date), ERR_OK);
	CHECK_INT(dataset_put_str(s, TAG_STEP_START_TIME, time), ERR_OK);
	CHECK_INT(mwl_query_read(keys, "CR1", 0, &q, &match_keys), ERR_OK);
	return mwl_query_takes(&q, &row);
}

TEST(combined, "ranges of date and time are one stretch, from the first moment to the last")
{
	CHECK(takes("20260301-20260303", "0900-1000", "20260301", "090000"));
	CHECK(takes("20260301-20260303", "0900-1000", "20260302", "235959"));
	CHECK(takes("20260301-20260303", "0900-1000", "20260303", "100059"));
	CHECK(!takes("20260301-20260303", "0900-1000", "20260301", "085959"));
	CHECK(!takes("20260301-20260303", "0900-1000", "20260303", "100100"));
	CHECK(takes("20260301-", "0900-", "20260401", "000000"));
	CHECK(!takes("-20260301", "-0900", "20260301", "091000"));
	CHECK(takes("-20260301", "-0900", "20250101", "233000"));
}

/* ---- CSV ---- */

static bool count_line(void *arg, const struct order *o, unsigned line)
{
	char *text = arg;
	snprintf(text + strlen(text), 256 - strlen(text), "%u:%s/%s ", line, o->accession, o->patient_name);
	return true;
}

TEST(csv, "quotes, separators, line ends and a mark in front are understood; an error names the line")
{
	static const struct { const char *text, *want; enum err e; } cases[] = {
		{ "\xef\xbb\xbf" "accession;patient_id;patient_name;modality\r\nA1;P1;\"W;a\"\"b\nc\";DX\r\n\r\nA2;P2;Li;US", "", ERR_FORMAT },
		{ "accession;patient_id;patient_name;modality\r\nA1;P1;\"W;a\"\"b\";DX\r\n\r\nA2;P2;Li;US", "2:A1/W;a\"b 4:A2/Li ", ERR_OK },
		{ "Accession\tpatient_ID\tpatient_name\tmodality\nA1\tP1\tX\tDX\n", "2:A1/X ", ERR_OK },
		{ "accession,patient_id,patient_name,modality\nA1,P1,X,DX\nA2,P2,\"open,DX\n", "2:A1/X ", ERR_FORMAT },
		{ "accession,patient_id,patient_name,modality\nA1,P1,X\n", "", ERR_FORMAT },
		{ "accession,accession\n", "", ERR_FORMAT }, { "", "", ERR_FORMAT }, { "accession,patient_id,patient_name,modality\nA1,P1,X,DX,more\n", "", ERR_FORMAT },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		char got[256] = "";
		enum err e = order_csv_read(bytes_str(cases[i].text), count_line, got, &why);
		if (e != cases[i].e || strcmp(got, cases[i].want))
			T_FAIL("case %zu: error %d, %s: %s", i, e, why.text, got);
	}
	CHECK_INT(order_csv_read(bytes_str("accession,patient_id,patient_name,modality\nA1,P1,X,DX\nA2,,X,DX\n"), count_line, (char[256]){ "" }, &why), ERR_FORMAT);
	CHECK_STR(why.text, "line 3: patient_id is missing");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	arena_init(&arena, 8 << 20);
	RUN(put_again);
	RUN(other_patient);
	RUN(numbers);
	RUN(steps);
	RUN(final);
	RUN(matching);
	RUN(late);
	RUN(merge);
	RUN(mpps);
	RUN(combined);
	RUN(csv);
	fresh();
	sql_close(&db);
	arena_fini(&arena);
	char command[64];
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) ? 1 : t_done();
}

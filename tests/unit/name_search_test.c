#include "db/name_search.h"

#include <stdlib.h>
#include <unistd.h>

#include "db/index_reader.h"
#include "db/schema.h"
#include "pacs/base/clock.h"
#include "tests/lib/t.h"

static char dir[] = "/tmp/name_search_test.XXXXXX";
static struct why why;

static const char *at(const char *file)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return path;
}

static void forget(void)
{
	static const char *const files[] = { "index.db", "index.db-wal", "index.db-shm" };
	for (size_t i = 0; i < NELEM(files); i++)
		unlink(at(files[i]));
}

/* ---- an archive of one study for each person ---- */

static void add(struct index_writer *w, unsigned number, const char *name)
{
	static uint64_t oid;
	char id[24], study[32], series[32], sop[32];
	uint64_t instance;
	int64_t seq;
	snprintf(id, sizeof(id), "P%u", number);
	snprintf(study, sizeof(study), "1.%u", number);
	snprintf(series, sizeof(series), "1.%u.1", number);
	snprintf(sop, sizeof(sop), "1.%u.1.1", number);
	struct index_record r = {
		.patient_id = id, .issuer = "", .patient_name = name, .birth_date = "", .sex = "", .study_uid = study, .study_date = "20260301",
		.study_time = "", .accession = "", .study_id = "", .study_description = "", .referring = "", .series_uid = series, .modality = "DX",
		.series_number = "1", .series_description = "", .body_part = "", .protocol = "", .station = "", .institution = "", .series_date = "",
		.series_time = "", .sop_uid = sop, .sop_class = "1.2", .instance_number = "1", .content_date = "", .content_time = "", .rows = 8, .columns = 8,
		.ts = TS_EXPLICIT_LE, .oid = ++oid, .size = 100, .dataset_at = 100, .digest = "", .pixel_digest = "", .calling = "CR1",
		.address = "10.0.0.1:1", .charset_how = "ascii", .received_ms = 1000,
	};
	CHECK_OK(index_add(w, &r, &instance, &seq, &why), why);
}

static const char *const people[] = {
	"张三", "ZHANG^SAN", "ZHANG^SAN=张^三", "張三", "章三", "李四", "LI^SI", "刘三", "单田芳", "吕布", "欧阳修", "WANG^XIAODONG=王^小东", "尉迟恭", "Zhang San", "O'Brien^Ann",
};

static void fill(void)
{
	struct index_writer *w;
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	CHECK_OK(index_begin(w, &why), why);
	for (unsigned i = 0; i < NELEM(people); i++)
		add(w, i, people[i]);
	CHECK_OK(index_commit(w, &why), why);
	index_writer_close(&w);
}

struct found { bool is_there[NELEM(people)]; };

static bool note(void *arg, const struct index_study *s)
{
	struct found *f = arg;
	unsigned long n = strtoul(s->patient_id + 1, NULL, 10);
	CHECK(n < NELEM(people));
	f->is_there[n < NELEM(people) ? n : 0] = true;
	return true;
}

/* The people that a key finds, as "张三 章三 ". */
static const char *find(const char *key, bool pinyin)
{
	static char list[1024];
	struct index_reader *r;
	struct found f = { { false } };
	list[0] = '\0';
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	const struct index_study_filter filter = { .patient_name = key, .pinyin = pinyin };
	CHECK_OK(index_study_list(r, &filter, 0, note, &f, &why), why);
	index_reader_close(&r);
	for (size_t i = 0; i < NELEM(people); i++)
		if (f.is_there[i])
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", list[0] ? " | " : "", people[i]);
	return list;
}

#define ZHANGSAN "张三 | ZHANG^SAN | ZHANG^SAN=张^三 | 張三 | 章三"
static const struct { const char *key, *by_sound, *exactly; } searches[] = {
	{ "zhangsan", ZHANGSAN " | Zhang San", "" },
	{ "zhang san", ZHANGSAN " | Zhang San", "Zhang San" },
	{ "ZHANG^SAN", ZHANGSAN " | Zhang San", "ZHANG^SAN | ZHANG^SAN=张^三" },
	{ "zs", ZHANGSAN " | Zhang San", "" },
	{ "zhang s*", ZHANGSAN " | Zhang San", "Zhang San" },
	{ "*zhangsan*", ZHANGSAN " | Zhang San", "" },
	{ "张三", "张三 | ZHANG^SAN | ZHANG^SAN=张^三 | 張三 | Zhang San", "张三 | 張三" },
	{ "張三", "张三 | ZHANG^SAN | ZHANG^SAN=张^三 | 張三 | Zhang San", "张三 | 張三" },
	{ "张^三", "张三 | ZHANG^SAN | ZHANG^SAN=张^三 | 張三 | Zhang San", "ZHANG^SAN=张^三" },
	{ "张*", "张三 | ZHANG^SAN | ZHANG^SAN=张^三 | 張三 | Zhang San", "张三 | ZHANG^SAN=张^三 | 張三" },
	{ "li^*", "李四 | LI^SI", "LI^SI" },
	{ "l?b*", "", "" },
	{ "lv*", "吕布", "" },
	{ "shan*", "单田芳", "" },
	{ "stf", "单田芳", "" },
	{ "ouyang xiu", "欧阳修", "" },
	{ "wxd", "WANG^XIAODONG=王^小东", "" },
	{ "yuchi*", "尉迟恭", "" },
	{ "zhang^san=张^三", "ZHANG^SAN=张^三", "ZHANG^SAN=张^三" },
	{ "o'brien^ann", "O'Brien^Ann", "O'Brien^Ann" },
	{ "xyz", "", "" },
	{ "'", "", "" },
};

TEST(searches, "a person is found by Han, pinyin and initials, and only as written when that is off")
{
	fill();
	for (size_t i = 0; i < NELEM(searches); i++) {
		const char *got = find(searches[i].key, true);
		if (strcmp(got, searches[i].by_sound))
			T_FAIL("\"%s\" by sound: got \"%s\", wanted \"%s\"", searches[i].key, got, searches[i].by_sound);
		got = find(searches[i].key, false);
		if (strcmp(got, searches[i].exactly))
			T_FAIL("\"%s\" exactly: got \"%s\", wanted \"%s\"", searches[i].key, got, searches[i].exactly);
	}
}

/* ---- rows ---- */

static long long count(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	CHECK_OK(sql_prepare(db, sql, &st, &why), why);
	CHECK_OK(sql_step(st, &why), why);
	long long n = sql_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

TEST(follows, "the sounds follow a name that changes, and go with the patient")
{
	sqlite3 *db;
	CHECK_OK(sql_open_writer(at("index.db"), &index_schema, &db, &why), why);
	CHECK_INT(count(db, "SELECT count(*) FROM name_sound WHERE sound IN ('shantianfang', 'shan tianfang', 'stf', 'dantianfang')"), 4);
	CHECK_OK(sql_exec(db, "UPDATE patient SET name = '王五', name_fold = dicom_fold('王五') WHERE patient_id = 'P8'", &why), why);
	CHECK_INT(count(db, "SELECT count(*) FROM name_sound WHERE sound LIKE '%tianfang'"), 0);
	CHECK_INT(count(db, "SELECT count(*) FROM name_sound s JOIN patient p ON p.id = s.patient WHERE p.patient_id = 'P8' AND sound = 'wangwu'"), 1);
	CHECK_OK(sql_exec(db, "DELETE FROM patient WHERE patient_id = 'P8'", &why), why);
	CHECK_INT(count(db, "SELECT count(*) FROM name_sound WHERE sound = 'wangwu'"), 0);
	sql_close(&db);
	forget();
}

/* The schema as it was before the step that brought sounds. */
static struct sql_schema schema_before(void)
{
	struct sql_schema s = index_schema;
	s.step_count = 0;
	while (s.step_count < index_schema.step_count && !strstr(index_schema.steps[s.step_count], "CREATE TABLE name_sound"))
		s.step_count++;
	return s;
}

TEST(migrates, "an older index gets sounds for all its patients, and names are folded anew")
{
	struct sql_schema old = schema_before();
	sqlite3 *db;
	CHECK(old.step_count < index_schema.step_count);
	CHECK_OK(sql_open_writer(at("index.db"), &old, &db, &why), why);
	CHECK_OK(sql_exec(db, "INSERT INTO patient(patient_id, issuer, surrogate, name, name_fold, birth_date, sex) VALUES"
	                      "('P0', '', '', '張三', '張三', '', ''), ('P1', '', '', 'LI^SI', 'li^si', '', ''), ('P2', '', '', '', '', '', '')", &why), why);
	sql_close(&db);
	CHECK_OK(sql_open_writer(at("index.db"), &index_schema, &db, &why), why);
	CHECK_INT(count(db, "SELECT count(*) FROM patient WHERE name = '張三' AND name_fold = '张三'"), 1);
	CHECK_INT(count(db, "SELECT count(*) FROM name_group WHERE fold = '张三'"), 1);
	CHECK_INT(count(db, "SELECT count(*) FROM name_group WHERE fold = '張三'"), 0);
	CHECK_INT(count(db, "SELECT count(DISTINCT patient) FROM name_sound WHERE sound IN ('zhangsan', 'zhang san', 'zs', 'lisi')"), 2);
	sql_close(&db);
	forget();
}

/* ---- many ---- */

enum { MANY = 20000 };

/* No plan may look at all patients or all sounds. */
static void check_plan(struct index_reader *r, const char *key)
{
	struct arena a;
	struct sql_text t;
	sqlite3_stmt *st;
	arena_init(&a, 1 << 20);
	sql_text_init(&t, &a);
	t.pinyin = true;
	buf_add_str(&t.sql, "EXPLAIN QUERY PLAN SELECT st.study_uid FROM study st JOIN patient p ON p.id = st.patient WHERE (");
	sql_name(&t, "p.name_fold", key);
	buf_add_str(&t.sql, ")");
	CHECK_OK(sql_text_prepare(&t, index_reader_db(r), &st, &why), why);
	while (sql_step(st, NULL) == ERR_OK)
		if (!strncmp(sql_text(st, 3), "SCAN", 4))
			T_FAIL("\"%s\": %s", key, sql_text(st, 3));
	sqlite3_finalize(st);
	sql_text_fini(&t);
	arena_fini(&a);
}

static bool count_one(void *arg, const struct index_study *s)
{
	(void)s;
	++*(unsigned *)arg;
	return true;
}

TEST(by_index, "among many patients a name is found by index")
{
	static const char *const family[] = { "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴" }, *const first[] = { "伟", "芳", "娜", "敏", "静", "强", "磊", "军", "洋", "勇" };
	static const char *const keys[] = { "wangwei*", "www", "王伟*", "wang wei?*", "张*", "zhang^wei*" };
	struct index_writer *w;
	struct index_reader *r;
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	CHECK_OK(index_begin(w, &why), why);
	uint64_t began = clock_mono_ns();
	for (unsigned i = 0; i < MANY; i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s%s%c%c%c", family[i % 10], first[i / 10 % 10], 0xE6, 0x80 + (int)(i / 100 % 60), 0x80 + (int)(i / 6000 % 60));
		add(w, i, name);
	}
	CHECK_OK(index_commit(w, &why), why);
	printf("# %llu ns for a patient with study, series, image\n", (unsigned long long)((clock_mono_ns() - began) / MANY));
	index_writer_close(&w);
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	for (size_t i = 0; i < NELEM(keys); i++) {
		const struct index_study_filter filter = { .patient_name = keys[i], .pinyin = true };
		unsigned n = 0;
		check_plan(r, keys[i]);
		began = clock_mono_ns();
		CHECK_OK(index_study_list(r, &filter, 100, count_one, &n, &why), why);
		printf("# \"%s\": %u in %llu us\n", keys[i], n, (unsigned long long)((clock_mono_ns() - began) / 1000));
		CHECK(n > 0);
	}
	index_reader_close(&r);
	forget();
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	RUN(searches);
	RUN(follows);
	RUN(migrates);
	RUN(by_index);
	rmdir(dir);
	return t_done();
}

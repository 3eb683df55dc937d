/* An identifier as a peer may send it, asked of a small index: byte 0 chooses root and what was negotiated, byte 1 the encoding.
 * Whatever it is, the query ends with answers or a reason, and each answer can be written. */
#include <unistd.h>

#include "db/query.h"
#include "pacs/base/bounds.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/county.h"
#include "tests/lib/indexed.h"

static struct index_reader *rd;

/* Made anew for each process and removed at once: the connections keep the files. */
static void make_index(void)
{
	static const struct county county = { .seed = 3, .studies = 12, .mean_images = 3 };
	static struct indexed indexed;
	char dir[] = "/tmp/identifier_fuzz.XXXXXX", cmd[64];
	struct index_writer *w;
	struct county_study s;
	struct buf headers;
	size_t ends[COUNTY_IMAGES_MAX];
	struct why why;
	MUST(mkdtemp(dir) && !index_writer_open(dir, &w, &why) && !index_begin(w, &why));
	indexed_init(&indexed);
	for (unsigned long n = 0; n < county.studies; n++) {
		size_t at = 0;
		county_study(&county, n, &s);
		buf_init(&headers, 1 << 20);
		MUST(!county_headers(&county, &s, &headers, ends));
		for (unsigned i = 0; i < s.images; at = ends[i++]) {
			struct ingest_job job = { .size = 1000, .dataset_at = 300, .calling = "CR1" };
			snprintf(job.ts.s, sizeof(job.ts.s), TS_EXPLICIT_LE);
			MUST(!indexed_add(&indexed, w, &job, bytes_of(headers.p + at, ends[i] - at), &why));
		}
		buf_fini(&headers);
	}
	MUST(!index_commit(w, &why) && !index_reader_open(dir, &rd, &why));
	indexed_fini(&indexed);
	index_writer_close(&w);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	MUST(!system(cmd));
}

static bool count(void *arg, const struct index_instance *i)
{
	MUST(i->sop_uid.s[0]);
	return ++*(unsigned *)arg < 1000;
}

static void answers(struct query *q, enum ds_encoding enc)
{
	struct why why;
	for (unsigned n = 0; n < 100; n++) {
		struct arena a;
		struct dataset *ds;
		struct buf out;
		bool unsupported;
		arena_init(&a, 8 << 20);
		enum err e = query_next(q, &a, &ds, &unsupported, &why);
		if (!e) {
			buf_init(&out, 8 << 20);
			e = dataset_write(ds, enc, &out);
			MUST(!e || e == ERR_LIMIT || e == ERR_NOMEM);
			buf_fini(&out);
		}
		arena_fini(&a);
		if (e)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!rd)
		make_index();
	if (size < 2)
		return 0;
	struct query_options o = { .root = data[0] & 1 ? QUERY_STUDY_ROOT : QUERY_PATIENT_ROOT, .retrieve_aet = "PACS", .sender_charset = data[0] & 64 ? "GB18030" : "",
	                           .extended = { data[0] & 2, data[0] & 4, data[0] & 8, data[0] & 16, data[0] & 32 } };
	enum ds_encoding enc = (enum ds_encoding)(data[1] % 3);
	struct arena a;
	struct dataset *ds;
	struct query *q;
	struct why why;
	unsigned selected = 0;
	arena_init(&a, 16 << 20);
	if (!dataset_parse(&a, bytes_of(data + 2, size - 2), enc, &ds, &why)) {
		if (!query_open(rd, ds, &o, &q, &why))
			answers(q, enc);
		query_close(&q);
		(void)!query_select(rd, ds, o.root, count, &selected, &why);
	}
	arena_fini(&a);
	return 0;
}

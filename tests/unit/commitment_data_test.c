/* The data sets of storage commitment and of availability notifications: written, read again, and refused with the right status. */
#include "tests/lib/t.h"

#include "pacs/dicom/availability.h"
#include "pacs/dicom/commitment.h"

#define CT "1.2.840.10008.5.1.4.1.1.2"

static struct why why;
static uint16_t status;

static void put(struct dataset *ds, uint32_t tag, const char *text)
{
	CHECK_OK(dataset_put_str(ds, tag, text), why);
}

static void add_ref(struct dataset *ds, uint32_t sequence, const char *sop_class, const char *instance)
{
	struct dataset *item = dataset_add_item(ds, sequence);
	if (sop_class)
		put(item, TAG(0x0008, 0x1150), sop_class);
	if (instance)
		put(item, TAG(0x0008, 0x1155), instance);
}

TEST(round, "what is written is read again, in each encoding, and the event type follows from the reasons")
{
	struct commit_ref refs[] = { { { CT }, { "1.1" }, 0 }, { { CT }, { "1.2" }, 0x0112 }, { { CT }, { "1.3" }, 0 } };
	struct commit_refs in = { .transaction = { "1.9" }, .refs = refs, .count = 3 }, out;
	for (int enc = DS_IMPLICIT_LE; enc <= DS_EXPLICIT_BE; enc++) {
		struct buf b;
		buf_init(&b, 1 << 20);
		CHECK_INT(commit_event_type(&in), COMMIT_EVENT_FAILURES);
		CHECK_OK(commit_write_result(&in, "ARCHIVE", (enum ds_encoding)enc, &b), why);
		CHECK_INT(commit_read_result(buf_view(&b), (enum ds_encoding)enc, COMMIT_EVENT_SUCCESS, &out, &status, &why), ERR_FORMAT);
		CHECK_INT(status, 0x0115);
		commit_refs_free(&out);
		CHECK_OK(commit_read_result(buf_view(&b), (enum ds_encoding)enc, COMMIT_EVENT_FAILURES, &out, &status, &why), why);
		CHECK_STR(out.transaction.s, "1.9");
		CHECK_INT(out.count, 3);
		CHECK_STR(out.refs[1].sop_instance.s, "1.3");
		CHECK_INT(out.refs[1].reason, 0);
		CHECK_STR(out.refs[2].sop_instance.s, "1.2");
		CHECK_INT(out.refs[2].reason, 0x0112);
		commit_refs_free(&out);
		buf_fini(&b);
	}
	refs[1].reason = 0;
	CHECK_INT(commit_event_type(&in), COMMIT_EVENT_SUCCESS);
}

/* Requests that are refused: what makes them so, and the status. */
static void no_transaction(struct dataset *ds) { add_ref(ds, TAG(0x0008, 0x1199), CT, "1.1"); }
static void bad_transaction(struct dataset *ds) { no_transaction(ds); put(ds, TAG(0x0008, 0x1195), "1.2.x"); }
static void no_refs(struct dataset *ds) { put(ds, TAG(0x0008, 0x1195), "1.9"); }
static void empty_refs(struct dataset *ds) { no_refs(ds); CHECK_OK(dataset_put_empty_sequence(ds, TAG(0x0008, 0x1199)), why); }
static void no_class(struct dataset *ds) { no_refs(ds); add_ref(ds, TAG(0x0008, 0x1199), NULL, "1.1"); }
static void no_instance(struct dataset *ds) { no_refs(ds); add_ref(ds, TAG(0x0008, 0x1199), CT, NULL); }
static void bad_instance(struct dataset *ds) { no_refs(ds); add_ref(ds, TAG(0x0008, 0x1199), CT, "1..2"); }
static void twice(struct dataset *ds) { no_refs(ds); add_ref(ds, TAG(0x0008, 0x1199), CT, "1.1"); add_ref(ds, TAG(0x0008, 0x1199), CT, "1.1"); }
static void failures(struct dataset *ds) { no_refs(ds); add_ref(ds, TAG(0x0008, 0x1199), CT, "1.1"); add_ref(ds, TAG(0x0008, 0x1198), CT, "1.2"); }
static void too_many(struct dataset *ds)
{
	char uid[32];
	no_refs(ds);
	for (unsigned i = 0; i <= BOUND_COMMIT_REFS; i++) {
		snprintf(uid, sizeof(uid), "1.%u", i);
		add_ref(ds, TAG(0x0008, 0x1199), CT, uid);
	}
}

static const struct { const char *says; void (*make)(struct dataset *ds); uint16_t status; } refused[] = {
	{ "no Transaction UID", no_transaction, 0x0120 }, { "one that is no UID", bad_transaction, 0x0115 }, { "no sequence", no_refs, 0x0120 },
	{ "an empty one", empty_refs, 0x0115 }, { "no class", no_class, 0x0120 }, { "no instance", no_instance, 0x0120 },
	{ "an instance that is no UID", bad_instance, 0x0115 }, { "an instance twice", twice, 0x0115 }, { "failures in a request", failures, 0x0115 },
	{ "more than the bound", too_many, 0x0213 },
};

TEST(refusals, "a request that cannot be taken is refused with the status that says why")
{
	for (size_t i = 0; i < NELEM(refused); i++) {
		struct commit_refs out;
		struct arena a;
		struct buf b;
		arena_init(&a, 64 << 20);
		buf_init(&b, 4 << 20);
		struct dataset *ds = dataset_new(&a);
		refused[i].make(ds);
		CHECK_OK(dataset_write(ds, DS_EXPLICIT_LE, &b), why);
		if (!commit_read_request(buf_view(&b), DS_EXPLICIT_LE, &out, &status, &why))
			T_FAIL("%s: taken", refused[i].says);
		if (status != refused[i].status)
			T_FAIL("%s: %04X, wanted %04X", refused[i].says, status, refused[i].status);
		commit_refs_free(&out);
		buf_fini(&b);
		arena_fini(&a);
	}
	struct commit_refs out;
	CHECK_INT(commit_read_request(BYTES("\x08\x00\x95\x11UI\x20\x00""1.2"), DS_EXPLICIT_LE, &out, &status, &why), ERR_FORMAT);
	CHECK_INT(status, 0xC000);
	commit_refs_free(&out);
}

TEST(forgotten_reason, "a failed reference without a reason is a processing failure")
{
	struct commit_refs out;
	struct arena a;
	struct buf b;
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	struct dataset *ds = dataset_new(&a);
	failures(ds);
	CHECK_OK(dataset_write(ds, DS_EXPLICIT_LE, &b), why);
	CHECK_OK(commit_read_result(buf_view(&b), DS_EXPLICIT_LE, COMMIT_EVENT_FAILURES, &out, &status, &why), why);
	CHECK_INT(out.refs[1].reason, 0x0110);
	commit_refs_free(&out);
	buf_fini(&b);
	arena_fini(&a);
}

TEST(availability, "a notification is read as a summary, series by series; what is missing is named")
{
	struct availability a;
	struct availability_summary s;
	struct arena arena;
	struct buf b;
	arena_init(&arena, 1 << 20);
	buf_init(&b, 1 << 20);
	CHECK_OK(availability_begin(&a, &arena, "1.1"), why);
	CHECK_OK(dataset_write(a.ds, DS_EXPLICIT_LE, &b), why);
	CHECK_INT(availability_read(buf_view(&b), DS_EXPLICIT_LE, &s, &status, &why), ERR_FORMAT);
	CHECK_INT(status, 0x0120);
	CHECK_OK(availability_add(&a, "1.1.1", CT, "1.1.1.1", "A"), why);
	CHECK_OK(availability_add(&a, "1.1.1", CT, "1.1.1.2", "A"), why);
	CHECK_OK(availability_add(&a, "1.1.2", CT, "1.1.2.1", "B"), why);
	buf_reset(&b);
	CHECK_OK(dataset_write(a.ds, DS_IMPLICIT_LE, &b), why);
	CHECK_OK(availability_read(buf_view(&b), DS_IMPLICIT_LE, &s, &status, &why), why);
	CHECK_STR(s.study_uid.s, "1.1");
	CHECK_INT(s.series, 2);
	CHECK_INT(s.instances, 3);
	CHECK_STR(s.availability, "ONLINE");
	CHECK_STR(s.retrieve_aet, "mixed");
	buf_fini(&b);
	arena_fini(&arena);
}

int main(void)
{
	RUN(round);
	RUN(refusals);
	RUN(forgotten_reason);
	RUN(availability);
	return t_done();
}

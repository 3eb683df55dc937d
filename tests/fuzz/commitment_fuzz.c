/* Any bytes as a commitment request, a result, a notification: refused with a status and words, or what is written of it is
 * read again the same. The first byte says in which encoding. */
#include <string.h>

#include "pacs/dicom/availability.h"
#include "pacs/dicom/commitment.h"

#include "tests/fuzz/fuzz.h"

static void same(const struct commit_refs *a, const struct commit_refs *b, size_t count)
{
	MUST(b->count == count && !strcmp(a->transaction.s, b->transaction.s));
	size_t good = 0, bad = 0;
	for (size_t i = 0; i < count; i++) {
		good += !a->refs[i].reason && !b->refs[i].reason;
		bad += a->refs[i].reason && b->refs[i].reason;
		MUST(uid_is_legal(a->refs[i].sop_instance.s) && uid_is_legal(a->refs[i].sop_class.s));
	}
	MUST(good + bad == count);       /* good ones come first, both ways */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct commit_refs r, again;
	struct availability_summary s;
	struct why why = { "" };
	uint16_t status;
	struct buf b;
	if (!size)
		return 0;
	enum ds_encoding enc = (enum ds_encoding)(data[0] % 3);
	struct bytes in = bytes_of(data + 1, size - 1);

	if (commit_read_request(in, enc, &r, &status, &why)) {
		MUST(status && why.text[0]);
	} else {
		MUST(r.count && r.count <= BOUND_COMMIT_REFS && commit_event_type(&r) == COMMIT_EVENT_SUCCESS);
		buf_init(&b, 4 << 20);
		MUST(commit_write_request(&r, enc, &b) == ERR_OK);
		MUST(commit_read_request(buf_view(&b), enc, &again, &status, &why) == ERR_OK);
		same(&r, &again, r.count);
		commit_refs_free(&again);
		buf_fini(&b);
	}
	commit_refs_free(&r);
	if (commit_read_result(in, enc, COMMIT_EVENT_FAILURES, &r, &status, &why)) {
		MUST(status && why.text[0]);
	} else {
		buf_init(&b, 4 << 20);
		MUST(commit_write_result(&r, "A", enc, &b) == ERR_OK);
		MUST(commit_read_result(buf_view(&b), enc, commit_event_type(&r), &again, &status, &why) == ERR_OK);
		same(&r, &again, r.count);
		commit_refs_free(&again);
		buf_fini(&b);
	}
	commit_refs_free(&r);
	if (availability_read(in, enc, &s, &status, &why))
		MUST(status && why.text[0]);
	else
		MUST(s.series && s.instances && uid_is_legal(s.study_uid.s));
	return 0;
}

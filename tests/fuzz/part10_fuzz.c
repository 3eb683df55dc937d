/* What is read of a file can be written and is read back the same. */
#include "pacs/dicom/part10.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part10 m, again;
	struct why why;
	struct buf out;
	if (part10_read(bytes_of(data, size), &m, &why) != ERR_OK)
		return 0;
	MUST(m.dataset_at <= size);
	MUST(strlen(m.source_aet) <= BOUND_AET && strlen(m.transfer_syntax.s) <= BOUND_UID && m.transfer_syntax.s[0]);
	buf_init(&out, 65536);
	MUST(part10_write(&m, &out) == ERR_OK);
	MUST(part10_read(buf_view(&out), &again, &why) == ERR_OK);
	MUST(again.dataset_at == out.len);
	MUST(!strcmp(m.sop_class.s, again.sop_class.s) && !strcmp(m.sop_instance.s, again.sop_instance.s));
	MUST(!strcmp(m.transfer_syntax.s, again.transfer_syntax.s) && !strcmp(m.source_aet, again.source_aet));
	buf_fini(&out);
	return 0;
}

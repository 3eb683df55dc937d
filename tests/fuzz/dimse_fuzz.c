/* Any bytes: refused, or a command set that is written and read again the same. */
#include "pacs/ul/dimse.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dimse d, again;
	struct buf b;
	struct why why = { "" };
	if (dimse_parse(bytes_of(data, size), &d, &why)) {
		MUST(why.text[0]);
		return 0;
	}
	MUST(!!d.field && d.attribute_count <= NELEM(d.attributes));
	buf_init(&b, BOUND_COMMAND_SET);
	MUST(dimse_build(&d, &b) == ERR_OK);
	MUST(!(b.len & 1));
	MUST(dimse_parse(buf_view(&b), &again, &why) == ERR_OK);
	MUST(again.field == d.field && again.message_id == d.message_id && again.has_data == d.has_data);
	MUST(!strcmp(again.sop_class.s, d.sop_class.s) && !strcmp(again.sop_instance.s, d.sop_instance.s));
	MUST(!memcmp(again.attributes, d.attributes, d.attribute_count * sizeof(d.attributes[0])));
	buf_fini(&b);
	return 0;
}

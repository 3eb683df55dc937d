/* A head that can be corrected is one that can be read again and says the new values; what follows it begins where the old head ended;
 * and a head that came in part asks for more or says the same as the whole. Byte 0 chooses the encoding, byte 1 how much comes. */
#include "pacs/dicom/coerce.h"
#include "pacs/dicom/charset.h"

#include "tests/fuzz/fuzz.h"

static bool reads_as(const struct dataset *ds, uint32_t tag, const char *text)
{
	struct buf b;
	const char *declared = dataset_has(ds, TAG_SPECIFIC_CHARACTER_SET) ? dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET) : "";
	buf_init(&b, 1 << 16);
	charset_to_utf8(declared, "", dict_find(tag)->vr, dataset_find(ds, tag)->value, &b);
	bool same = !strcmp(buf_cstr(&b), text);
	buf_fini(&b);
	return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct coerce_value values[] = { { TAG(0x0008, 0x1030), "\350\205\271" }, { TAG_STUDY_UID, "1.2.3" }, { TAG(0x0020, 0x4000), "" } };
	static const struct coerce_patient p = { .patient_id = "P2", .issuer = "HIS", .name = "\345\274\240^\344\270\211", .birth_date = "19700301", .sex = "M",
	                                         .when = "20260301081500.000000+0800", .by = "TEST", .reason = "CORRECT", .values = values, .value_count = 3 };
	if (size < 2)
		return 0;
	enum ds_encoding enc = (enum ds_encoding)(data[0] % 3);
	struct bytes in = bytes_of(data + 2, size - 2);
	struct buf out, part;
	struct why why;
	size_t used = 0, part_used = 0, have = in.len * data[1] / 255;
	buf_init(&out, 64 << 20);
	buf_init(&part, 64 << 20);
	enum err e = coerce_head(in, true, enc, "", &p, &out, &used, &why);
	MUST(e != ERR_MORE);
	enum err few = coerce_head(bytes_of(in.p, have), false, enc, "", &p, &part, &part_used, &why);
	if (!few) {
		MUST(!e && used == part_used && bytes_equal(buf_view(&out), buf_view(&part)));
	}
	if (!e) {
		struct arena a;
		struct dataset *ds;
		arena_init(&a, 256 << 20);
		MUST(used <= in.len);
		MUST(dataset_parse(&a, buf_view(&out), enc, &ds, &why) == ERR_OK);
		MUST(!strcmp(dataset_str(ds, TAG_PATIENT_ID), "P2"));
		MUST(dataset_has(ds, TAG(0x0400, 0x0561)));
		MUST(!strcmp(dataset_str(ds, TAG_STUDY_UID), "1.2.3"));
		/* By what it declares: a guess over a whole set of noise may guess wrong. */
		MUST(reads_as(ds, TAG(0x0008, 0x1030), values[0].text) && reads_as(ds, TAG_PATIENT_NAME, p.name));
		arena_fini(&a);
	}
	buf_fini(&part);
	buf_fini(&out);
	return 0;
}

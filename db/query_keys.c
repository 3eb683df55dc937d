#include "db/query_keys.h"

#include <strings.h>

#define T(g, e) TAG(0x##g, 0x##e)

/* Aliases: p patient, st study, se series, i instance. Counters come from the sums that the writer
 * keeps in study and series, so that no query counts instances. */
static const struct attribute table[] = {
	{ T(0010, 0010), VR_PN, QUERY_PATIENT, ATTRIBUTE_TEXT, "p.name", "p.name_fold" },
	{ T(0010, 0020), VR_LO, QUERY_PATIENT, ATTRIBUTE_UNIQUE, "p.patient_id", NULL },
	{ T(0010, 0021), VR_LO, QUERY_PATIENT, ATTRIBUTE_TEXT, "p.issuer", NULL },
	{ T(0010, 0030), VR_DA, QUERY_PATIENT, ATTRIBUTE_TEXT, "p.birth_date", NULL },
	{ T(0010, 0040), VR_CS, QUERY_PATIENT, ATTRIBUTE_TEXT, "p.sex", NULL },
	{ T(0020, 1200), VR_IS, QUERY_PATIENT, ATTRIBUTE_COUNTER, "(SELECT count(*) FROM study x WHERE x.patient=p.id)", NULL },
	{ T(0020, 1202), VR_IS, QUERY_PATIENT, ATTRIBUTE_COUNTER, "(SELECT sum(x.series) FROM study x WHERE x.patient=p.id)", NULL },
	{ T(0020, 1204), VR_IS, QUERY_PATIENT, ATTRIBUTE_COUNTER, "(SELECT sum(x.instances) FROM study x WHERE x.patient=p.id)", NULL },

	{ T(0008, 0020), VR_DA, QUERY_STUDY, ATTRIBUTE_TEXT, "st.study_date", NULL },
	{ T(0008, 0030), VR_TM, QUERY_STUDY, ATTRIBUTE_TEXT, "st.study_time", NULL },
	{ T(0008, 0050), VR_SH, QUERY_STUDY, ATTRIBUTE_TEXT, "st.accession", NULL },
	{ T(0020, 0010), VR_SH, QUERY_STUDY, ATTRIBUTE_TEXT, "st.study_id", NULL },
	{ T(0020, 000D), VR_UI, QUERY_STUDY, ATTRIBUTE_UNIQUE, "st.study_uid", NULL },
	{ T(0008, 0061), VR_CS, QUERY_STUDY, ATTRIBUTE_SET, "st.modalities",
	  "EXISTS(SELECT 1 FROM (SELECT x.modality m FROM series x WHERE x.study=st.id) WHERE %s)" },
	{ T(0008, 0062), VR_UI, QUERY_STUDY, ATTRIBUTE_SET,
	  "(SELECT group_concat(m,'\\') FROM (SELECT DISTINCT t.text m FROM series x JOIN instance y ON y.series=x.id"
	  " JOIN term t ON t.id=y.sop_class WHERE x.study=st.id ORDER BY 1))",
	  "EXISTS(SELECT 1 FROM (SELECT t.text m FROM series x JOIN instance y ON y.series=x.id"
	  " JOIN term t ON t.id=y.sop_class WHERE x.study=st.id) WHERE %s)" },
	{ T(0008, 0090), VR_PN, QUERY_STUDY, ATTRIBUTE_TEXT, "st.referring", "st.referring" },
	{ T(0008, 1030), VR_LO, QUERY_STUDY, ATTRIBUTE_TEXT, "st.description", NULL },
	{ T(0020, 1206), VR_IS, QUERY_STUDY, ATTRIBUTE_COUNTER, "st.series", NULL },
	{ T(0020, 1208), VR_IS, QUERY_STUDY, ATTRIBUTE_COUNTER, "st.instances", NULL },

	{ T(0008, 0060), VR_CS, QUERY_SERIES, ATTRIBUTE_TEXT, "se.modality", NULL },
	{ T(0020, 0011), VR_IS, QUERY_SERIES, ATTRIBUTE_TEXT, "se.number", NULL },
	{ T(0020, 000E), VR_UI, QUERY_SERIES, ATTRIBUTE_UNIQUE, "se.series_uid", NULL },
	{ T(0008, 103E), VR_LO, QUERY_SERIES, ATTRIBUTE_TEXT, "se.description", NULL },
	{ T(0018, 0015), VR_CS, QUERY_SERIES, ATTRIBUTE_TEXT, "se.body_part", NULL },
	{ T(0018, 1030), VR_LO, QUERY_SERIES, ATTRIBUTE_TEXT, "se.protocol", NULL },
	{ T(0008, 1010), VR_SH, QUERY_SERIES, ATTRIBUTE_TEXT, "se.station", NULL },
	{ T(0008, 0080), VR_LO, QUERY_SERIES, ATTRIBUTE_TEXT, "se.institution", NULL },
	{ T(0008, 0021), VR_DA, QUERY_SERIES, ATTRIBUTE_TEXT, "se.series_date", NULL },
	{ T(0008, 0031), VR_TM, QUERY_SERIES, ATTRIBUTE_TEXT, "se.series_time", NULL },
	{ T(0020, 1209), VR_IS, QUERY_SERIES, ATTRIBUTE_COUNTER, "se.instances", NULL },

	{ T(0020, 0013), VR_IS, QUERY_IMAGE, ATTRIBUTE_TEXT, "i.number", NULL },
	{ T(0008, 0018), VR_UI, QUERY_IMAGE, ATTRIBUTE_UNIQUE, "i.sop_uid", NULL },
	{ T(0008, 0016), VR_UI, QUERY_IMAGE, ATTRIBUTE_TEXT, "(SELECT text FROM term WHERE id=i.sop_class)", NULL },
	{ T(0008, 0023), VR_DA, QUERY_IMAGE, ATTRIBUTE_TEXT, "i.content_date", NULL },
	{ T(0008, 0033), VR_TM, QUERY_IMAGE, ATTRIBUTE_TEXT, "i.content_time", NULL },
	{ T(0028, 0008), VR_IS, QUERY_IMAGE, ATTRIBUTE_NUMBER, "i.frames", NULL },
	{ T(0028, 0010), VR_US, QUERY_IMAGE, ATTRIBUTE_NUMBER, "i.rows", NULL },
	{ T(0028, 0011), VR_US, QUERY_IMAGE, ATTRIBUTE_NUMBER, "i.columns", NULL },
	{ T(0008, 3002), VR_UI, QUERY_IMAGE, ATTRIBUTE_TEXT, "(SELECT text FROM term WHERE id=i.ts)", NULL },
};

static const char *const level_names[] = { "PATIENT", "STUDY", "SERIES", "IMAGE" };
_Static_assert(NELEM(level_names) == QUERY_LEVEL_COUNT, "one name per level");

const struct attribute *attribute_find(uint32_t tag)
{
	for (size_t i = 0; i < NELEM(table); i++)
		if (table[i].tag == tag)
			return &table[i];
	return NULL;
}

const struct attribute *attribute_unique(enum query_level level)
{
	static const uint32_t tags[] = { TAG_PATIENT_ID, TAG_STUDY_UID, TAG_SERIES_UID, TAG_SOP_INSTANCE_UID };

	return attribute_find(tags[level]);
}

const char *query_level_name(enum query_level level)
{
	return level_names[level];
}

enum err query_level_read(const struct dataset *identifier, enum query_root root, enum query_level *out, struct why *why)
{
	const char *name = dataset_str(identifier, TAG_QUERY_LEVEL);

	if (!*name)
		return fail(why, ERR_MISMATCH, "query level (0008,0052) is missing");
	for (unsigned i = 0; i < NELEM(level_names); i++)
		if (!strcasecmp(name, level_names[i])) {
			if (i == QUERY_PATIENT && root == QUERY_STUDY_ROOT)
				return fail(why, ERR_MISMATCH, "level PATIENT does not exist in the study root");
			*out = (enum query_level)i;
			return ERR_OK;
		}
	return fail(why, ERR_MISMATCH, "query level (0008,0052) is none of PATIENT STUDY SERIES IMAGE");
}

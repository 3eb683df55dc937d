#include "pacs/repair.h"

#include "pacs/ask.h"
#include "pacs/store/ingest_repair.h"

static const struct { bool is_known; enum ingest_repair_kind kind; } repairs[VERIFY_FAULTS] = {
	[VERIFY_MISSING] = { true, REPAIR_FILE }, [VERIFY_SIZE] = { true, REPAIR_FILE }, [VERIFY_DIGEST] = { true, REPAIR_FILE },
	[VERIFY_ORPHAN] = { true, REPAIR_ORPHAN }, [VERIFY_HEADER] = { true, REPAIR_HEADER }, [VERIFY_COUNTERS] = { true, REPAIR_COUNTERS },
};

bool repair_finding(const struct conf *conf, const struct verify_finding *f, char *did, size_t cap)
{
	struct why why = { "" };
	json_t *answer = NULL;
	did[0] = '\0';
	if (!repairs[f->fault].is_known)
		return false;
	enum err e = ask(conf, "storescp", json_pack("{s:s,s:s,s:I,s:I}", "op", "repair", "what", ingest_repair_name(repairs[f->fault].kind),
	                                             "instance", (json_int_t)f->instance, "oid", (json_int_t)f->oid), &answer, &why);
	const char *said = json_string_value(json_object_get(answer, "did"));
	snprintf(did, cap, "%s", e ? why.text : said ? said : "done");
	json_decref(answer);
	return !e;
}

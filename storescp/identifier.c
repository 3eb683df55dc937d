#include "storescp/identifier.h"

#include <stdio.h>

enum { ARENA_MAX = 16 << 20 };       /* BOUND_IDENTIFIER of data as nodes and texts */

static enum query_root root_of(const char *sop_class)
{
	static const char *const patient[] = { UID_PATIENT_ROOT_FIND, UID_PATIENT_ROOT_MOVE, UID_PATIENT_ROOT_GET };

	for (size_t i = 0; i < NELEM(patient); i++)
		if (!strcmp(sop_class, patient[i]))
			return QUERY_PATIENT_ROOT;
	return QUERY_STUDY_ROOT;
}

enum err identifier_read(struct identifier *id, const struct session *s, uint8_t context_id, struct bytes data, struct why *why)
{
	const struct assoc_context *pc = conn_context(s->conn, context_id);
	const struct conf *conf = s->server->conf;
	const struct conf_node *node = conf_node_by_aet(conf, s->calling);

	*id = (struct identifier){ 0 };
	arena_init(&id->arena, ARENA_MAX);
	if (!pc || !pc->ts)
		return fail(why, ERR_PROTO, "presentation context %u was not accepted", context_id);
	id->encoding = ds_encoding_of(pc->ts);
	id->root = root_of(pc->abstract_syntax.s);
	id->extended = s->extended[id->root];
	snprintf(id->sender_charset, sizeof(id->sender_charset), "%s", node && *node->charset ? node->charset : conf->charset);
	snprintf(id->answer_charset, sizeof(id->answer_charset), "%s", node ? node->charset : "");
	id->pinyin = conf->pinyin;
	snprintf(id->aet, sizeof(id->aet), "%s", conf->aet);
	return dataset_parse(&id->arena, data, id->encoding, &id->ds, why);
}

void identifier_fini(struct identifier *id)
{
	arena_fini(&id->arena);
	id->ds = NULL;
}

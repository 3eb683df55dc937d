#include "viewer-cli/priors.h"

#include <stdio.h>
#include <string.h>

enum { ARENA = 4 << 20 };

struct search {
	const struct work_entry *e;
	struct uid *out;
	char when[PRIORS_MAX][32];       /* of each in out, newest first */
	unsigned n;
};

static bool is_same_person(const struct work_entry *e, const struct dataset *answer)
{
	const char *born = client_text(answer, TAG(0x0010, 0x0030)), *name = client_text(answer, TAG_PATIENT_NAME);
	if (strcmp(client_text(answer, TAG_PATIENT_ID), e->patient_id) != 0)
		return false;
	return (*born && !strcmp(born, e->birth_date)) || (*name && !strcmp(name, e->patient));
}

static void found(void *arg, const struct dataset *answer)
{
	struct search *s = arg;
	const char *study = dataset_str(answer, TAG_STUDY_UID);
	char when[32];
	unsigned at = 0;
	if (!uid_is_legal(study) || !strcmp(study, s->e->study.s) || !is_same_person(s->e, answer))
		return;
	snprintf(when, sizeof(when), "%.8s%.17s", client_text(answer, TAG_STUDY_DATE), client_text(answer, TAG_STUDY_TIME));
	while (at < s->n && strcmp(s->when[at], when) >= 0)
		at++;
	if (at == PRIORS_MAX)
		return;
	s->n += s->n < PRIORS_MAX;
	for (unsigned i = s->n - 1; i > at; i--) {
		s->out[i] = s->out[i - 1];
		memcpy(s->when[i], s->when[i - 1], sizeof(s->when[i]));
	}
	memcpy(s->when[at], when, sizeof(when));
	memcpy(s->out[at].s, study, strlen(study) + 1);
}

static enum err make_keys(struct dataset *keys, const struct work_entry *e)
{
	static const uint32_t asked[] = { TAG_STUDY_DATE, TAG_STUDY_TIME, TAG_PATIENT_NAME, TAG(0x0010, 0x0030), TAG_STUDY_UID };
	enum err err = dataset_put_str(keys, TAG_SPECIFIC_CHARACTER_SET, "ISO_IR 192");
	if (!err)
		err = dataset_put_str(keys, TAG_QUERY_LEVEL, "STUDY");
	if (!err)
		err = dataset_put_str(keys, TAG_PATIENT_ID, e->patient_id);
	for (size_t i = 0; i < NELEM(asked) && !err; i++)
		err = dataset_put_str(keys, asked[i], "");
	return err;
}

enum err priors_find(const struct viewer_options *o, const struct work_entry *entry, struct uid out[PRIORS_MAX], unsigned *n, struct why *why)
{
	const char *ts[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE };
	struct negotiate_context context = { .id = 1, .abstract_syntax = UID_STUDY_ROOT_FIND, .ts = ts, .ts_count = NELEM(ts) };
	struct assoc_request rq = { .contexts = &context, .context_count = 1 };
	struct client_peer peer = { o->host, o->port, o->called, o->calling, o->cancel };
	struct search s = { .e = entry, .out = out };
	const struct assoc_context *pc;
	struct client *client = NULL;
	struct arena a;
	uint16_t status = 0;

	*n = 0;
	/* An ID that would be taken for a pattern asks for everybody. */
	if (!entry->patient_id[0] || strpbrk(entry->patient_id, "*?\\"))
		return ERR_OK;
	arena_init(&a, ARENA);
	enum err e = client_open(&peer, &rq, &client, why);
	if (!e && !(pc = client_context(client, UID_STUDY_ROOT_FIND)))
		e = fail(why, ERR_UNSUPPORTED, "%s answers no queries (Study Root FIND refused)", o->called);
	struct dataset *keys = e ? NULL : dataset_new(&a);
	if (!e && (!keys || make_keys(keys, entry)))
		e = fail(why, ERR_NOMEM, "no memory for a query");
	if (!e)
		e = client_find(client, pc, UID_STUDY_ROOT_FIND, keys, &a, found, &s, &status, why);
	if (!e && status != STATUS_SUCCESS)
		e = fail(why, ERR_CONFLICT, "the node answered the query with %04x", status);
	client_close(&client);
	arena_fini(&a);
	*n = s.n;
	return e;
}

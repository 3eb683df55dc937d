/* Any body of an A-ASSOCIATE-RQ: refused with words, or decided and answered, and the answer and the request
 * are read again and agree. Byte 0 chooses whether it is a request, or an answer to a fixed request. */
#include "pacs/ul/negotiate.h"

#include "tests/fuzz/fuzz.h"

static const struct ts *pick(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	MUST(pc->abstract_syntax && pc->ts_count);
	*as_scu = pc->id & 2;
	*result = pc->id & 4 ? CONTEXT_ABSTRACT_SYNTAX : CONTEXT_TRANSFER_SYNTAX;
	return ts_find(pc->ts[0]);
}

static void answer(struct arena *a, const struct assoc_request *rq)
{
	struct negotiate_policy p = { .pick = pick, .max_ops = 8 };
	struct assoc_answer ans, got;
	struct why why = { "" };
	struct buf b;
	if (negotiate_decide(a, rq, &p, &ans))
		return;                          /* the arena is full */
	MUST(ans.context_count == rq->context_count);
	MUST(ans.max_invoked >= 1 && ans.max_invoked <= 8);
	buf_init(&b, BOUND_ASSOCIATE_PDU);
	if (!negotiate_build_ac(rq, &ans, &b)) {
		enum err e = negotiate_parse_ac(a, bytes_of(b.p + 6, b.len - 6), rq, &got, &why);
		MUST(!e || e == ERR_NOMEM);
		MUST(e || got.context_count == rq->context_count);
		for (unsigned i = 0; !e && i < got.context_count; i++)
			MUST(got.contexts[i].id == rq->contexts[i].id && (got.contexts[i].result == CONTEXT_ACCEPTED) == !!got.contexts[i].ts);
	}
	buf_fini(&b);
}

static void write_and_read(struct arena *a, const struct assoc_request *rq)
{
	struct assoc_request again;
	struct why why = { "" };
	struct buf b;
	buf_init(&b, BOUND_ASSOCIATE_PDU);
	if (!negotiate_build_rq(rq, &b)) {
		enum err e = negotiate_parse_rq(a, bytes_of(b.p + 6, b.len - 6), &again, &why);
		MUST(!e || e == ERR_NOMEM);
		MUST(e || (again.context_count == rq->context_count && again.role_count == rq->role_count && again.extended_count == rq->extended_count));
		MUST(e || (!strcmp(again.called, rq->called) && !strcmp(again.calling, rq->calling)));
	}
	buf_fini(&b);
}

static void as_answer(struct arena *a, struct bytes body)
{
	static const char *ts[] = { TS_IMPLICIT_LE, TS_EXPLICIT_LE };
	static struct negotiate_context contexts[] = { { 1, UID_VERIFICATION, ts, 2 }, { 3, "1.2.3", ts, 1 } };
	static struct negotiate_role roles[] = { { "1.2.3", true, true } };
	static const struct assoc_request ours = { .contexts = contexts, .context_count = 2, .roles = roles, .role_count = 1 };
	struct assoc_answer got;
	struct why why = { "" };
	if (negotiate_parse_ac(a, body, &ours, &got, &why)) {
		MUST(why.text[0]);
		return;
	}
	MUST(got.context_count == 2);
	for (unsigned i = 0; i < 2; i++)
		MUST((got.contexts[i].result == CONTEXT_ACCEPTED) == !!got.contexts[i].ts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct assoc_request rq;
	struct why why = { "" };
	if (!size)
		return 0;
	struct bytes body = bytes_of(data + 1, size - 1);
	arena_init(&a, 4 << 20);
	if (data[0] & 1) {
		as_answer(&a, body);
	} else if (negotiate_parse_rq(&a, body, &rq, &why)) {
		MUST(why.text[0]);
	} else {
		MUST(rq.context_count <= BOUND_CONTEXTS);
		answer(&a, &rq);
		write_and_read(&a, &rq);
	}
	arena_fini(&a);
	return 0;
}

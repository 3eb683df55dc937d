/* Two associations joined in memory: what one puts out the other is fed, cut at every size. */
#include "tests/unit/assoc_pair.h"

TEST(negotiates, "contexts, roles, window and maximum are agreed, however the stream is cut")
{
	for (size_t chunk = 1; chunk < 40; chunk += chunk < 4 ? 1 : 17) {
		struct end scu, scp = { 0 };
		open_pair(&scu, &scp, chunk);
		CHECK_INT(scu.opens, 1);
		CHECK_INT(scp.opens, 1);
		CHECK_STR(scp.a.calling, "CALLING");
		CHECK_INT(scu.a.context_count, 3);
		CHECK_STR(assoc_context(&scu.a, 1)->ts->uid, TS_IMPLICIT_LE);
		CHECK(assoc_context(&scu.a, 3)->may_perform && !assoc_context(&scu.a, 3)->may_invoke);
		CHECK(assoc_context(&scp.a, 3)->may_invoke);
		CHECK(!assoc_context(&scu.a, 5));
		CHECK_INT(scu.a.contexts[2].result, CONTEXT_ABSTRACT_SYNTAX);
		CHECK_INT(scu.a.max_invoked, 4);
		CHECK_INT(scp.a.peer_max, 16384);
		CHECK(!scp.a.artim_on);
		close_pair(&scu, &scp);
	}
}

TEST(messages, "a command is answered, and a data set of any size arrives whole")
{
	static const size_t sizes[] = { 0, 1, 16377, 16378, 16379, 200000 };
	for (size_t i = 0; i < NELEM(sizes); i++) {
		struct end scu, scp = { 0 };
		open_pair(&scu, &scp, 1 << 20);
		struct dimse echo = { .field = DIMSE_C_ECHO_RQ, .message_id = 9 };
		CHECK_INT(assoc_send_command(&scu.a, 1, &echo), ERR_OK);
		pump(&scu, &scp, 7);
		CHECK_INT(scu.cmd.field, DIMSE_C_ECHO_RSP);
		CHECK_INT(scu.cmd.message_id, 9);

		uint8_t *data = calloc(1, sizes[i] + 1);
		uint32_t sum = 0;
		for (size_t k = 0; k < sizes[i]; k++)
			sum = sum * 31 + (data[k] = (uint8_t)(k * 7));
		struct dimse store = { .field = DIMSE_C_STORE_RQ, .message_id = 10, .has_data = true };
		CHECK_INT(assoc_send_command(&scu.a, 1, &store), ERR_OK);
		CHECK_INT(assoc_send_data(&scu.a, 1, bytes_of(data, sizes[i]), true), ERR_OK);
		pump(&scu, &scp, 1000);
		CHECK(scp.data_done);
		CHECK_INT(scp.data_len, sizes[i]);
		CHECK_INT(scp.data_sum, sum);
		free(data);
		close_pair(&scu, &scp);
	}
}

TEST(release, "a release is agreed to; when both ask at once both get through")
{
	struct end scu, scp = { 0 };
	open_pair(&scu, &scp, 100);
	assoc_release(&scu.a);
	pump(&scu, &scp, 3);
	CHECK_INT(scu.a.end, ASSOC_RELEASED);
	CHECK(scu.a.wants_close);
	CHECK_INT(scp.a.state, STA13);
	assoc_on_closed(&scp.a);
	CHECK_INT(scp.a.end, ASSOC_RELEASED);
	close_pair(&scu, &scp);

	open_pair(&scu, &scp, 100);
	assoc_release(&scu.a);
	assoc_release(&scp.a);
	pump(&scu, &scp, 100);
	CHECK_INT(scu.a.end, ASSOC_RELEASED);
	CHECK_INT(scp.a.end, ASSOC_RELEASED);
	close_pair(&scu, &scp);
}

TEST(rejected, "a rejection reaches the requestor with its codes")
{
	struct end scu, scp = { .reject = true };
	open_pair(&scu, &scp, 2);
	CHECK_INT(scu.a.end, ASSOC_REJECTED);
	CHECK_INT(scu.a.rj_result, 1);
	CHECK_INT(scu.a.rj_source, 1);
	CHECK_INT(scu.a.rj_reason, 7);
	CHECK_INT(scp.a.end, ASSOC_REJECTED);
	CHECK_INT(scp.opens, 0);
	close_pair(&scu, &scp);
}

TEST(aborts, "an abort ends both sides, and data after it is not looked at")
{
	struct end scu, scp = { 0 };
	open_pair(&scu, &scp, 100);
	assoc_abort(&scu.a, "enough");
	assoc_abort(&scu.a, "twice is harmless");
	pump(&scu, &scp, 100);
	CHECK_INT(scu.a.end, ASSOC_ABORTED_BY_US);
	CHECK_STR(scu.a.detail.text, "enough");
	CHECK_INT(scp.a.end, ASSOC_ABORTED);
	CHECK(scp.a.wants_close);
	struct dimse echo = { .field = DIMSE_C_ECHO_RQ, .message_id = 1 };
	CHECK_INT(assoc_send_command(&scu.a, 1, &echo), ERR_CLOSED);
	close_pair(&scu, &scp);
}

/* What a hostile peer sends in data transfer; each ends in A-ABORT from the provider with this reason. */
static const struct { const char *says; struct bytes in; uint8_t reason; } hostile[] = {
	{ "type 08 does not exist", BYTES("\10\0\0\0\0\0"), 1 },
	{ "a P-DATA over what we announced", BYTES("\4\0\0\2\0\1"), 6 },
	{ "a PDV past the end of its PDU", BYTES("\4\0\0\0\0\6\0\0\0\3\1\3"), 6 },
	{ "a PDV of one byte", BYTES("\4\0\0\0\0\6\0\0\0\1\1\3"), 6 },
	{ "a PDU that cannot hold a PDV", BYTES("\4\0\0\0\0\5\0\0\0\1\1"), 6 },
	{ "a command on a context that was refused", BYTES("\4\0\0\0\0\6\0\0\0\2\5\3"), 6 },
	{ "a command on a context that was never proposed", BYTES("\4\0\0\0\0\6\0\0\0\2\7\3"), 6 },
	{ "a data set without a command", BYTES("\4\0\0\0\0\6\0\0\0\2\1\2"), 6 },
	{ "an empty command set", BYTES("\4\0\0\0\0\6\0\0\0\2\1\3"), 6 },
	{ "a command set cut in an element", BYTES("\4\0\0\0\0\13\0\0\0\7\1\3\0\0\0\1\2"), 6 },
	{ "an association request in an association", BYTES("\1\0\0\0\0\1x"), 2 },
	{ "a release answer nobody asked for", BYTES("\6\0\0\0\0\4\0\0\0\0"), 2 },
	{ "a release request of five bytes", BYTES("\5\0\0\0\0\5\0\0\0\0\0"), 6 },
};

TEST(hostility, "what may not come is answered by A-ABORT with the standard's reason, however it is cut")
{
	for (size_t i = 0; i < NELEM(hostile); i++)
		for (size_t chunk = 1; chunk <= hostile[i].in.len; chunk++) {
			struct end scu, scp = { 0 };
			open_pair(&scu, &scp, 1000);
			for (size_t at = 0; at < hostile[i].in.len; at += chunk) {
				size_t n = hostile[i].in.len - at < chunk ? hostile[i].in.len - at : chunk;
				uint8_t *copy = malloc(n);
				memcpy(copy, hostile[i].in.p + at, n);
				assoc_feed(&scp.a, bytes_of(copy, n));
				free(copy);
			}
			if (scp.a.end != ASSOC_ABORTED_BY_US || scp.a.out.len != 10 || scp.a.out.p[0] != 7 || scp.a.out.p[8] != 2 || scp.a.out.p[9] != hostile[i].reason)
				T_FAIL("%s, chunk %zu: end %d, %zu bytes out, reason %d", hostile[i].says, chunk, (int)scp.a.end, scp.a.out.len,
				       scp.a.out.len == 10 ? scp.a.out.p[9] : -1);
			close_pair(&scu, &scp);
		}
}

TEST(silence, "a transport without a request ends by ARTIM; a peer that closes is told apart from one that releases")
{
	struct end scp = { 0 };
	assoc_init(&scp.a, false, &events, &scp);
	assoc_on_accepted(&scp.a);
	CHECK(scp.a.artim_on);
	assoc_on_artim(&scp.a);
	CHECK(scp.a.wants_close);
	assoc_fini(&scp.a);

	struct end scu, other = { 0 };
	open_pair(&scu, &other, 100);
	assoc_on_closed(&other.a);
	CHECK_INT(other.a.end, ASSOC_LOST);
	close_pair(&scu, &other);
}

/* Counts the fragments in `out` that are of odd length and not the last of their message. */
static unsigned odd_fragments(struct bytes out)
{
	unsigned n = 0;
	for (size_t at = 0; at < out.len; at += 6 + be32(out.p + at + 2))
		n += (be32(out.p + at + 6) & 1) && !(out.p[at + 11] & 2);
	return n;
}

TEST(odd_pieces, "pieces of odd length leave in even fragments, all but the last, and nothing is lost")
{
	static const size_t sizes[] = { 1, 2, 3, 1, 1, 0, 20001, 16384, 5 };
	static uint8_t data[40000];
	struct end scu, scp = { 0 };
	struct dimse store = { .field = DIMSE_C_STORE_RQ, .message_id = 10, .has_data = true };
	size_t at = 0;
	uint32_t sum = 0;
	open_pair(&scu, &scp, 1 << 20);
	CHECK_INT(assoc_send_command(&scu.a, 1, &store), ERR_OK);
	clear_out(&scp);
	for (size_t i = 0; i < NELEM(sizes); at += sizes[i++])
		for (size_t k = 0; k < sizes[i]; k++)
			sum = sum * 31 + (data[at + k] = (uint8_t)(at + k * 7));
	size_t whole = at;
	at = 0;
	for (size_t i = 0; i < NELEM(sizes); at += sizes[i++])
		CHECK_INT(assoc_send_data(&scu.a, 1, bytes_of(data + at, sizes[i]), i + 1 == NELEM(sizes)), ERR_OK);
	CHECK_INT(odd_fragments(buf_view(&scu.a.out)), 0);
	pump(&scu, &scp, 777);
	CHECK(scp.data_done);
	CHECK_INT(scp.data_len, whole);
	CHECK_INT(scp.data_sum, sum);
	close_pair(&scu, &scp);
}

int main(void)
{
	RUN(negotiates);
	RUN(messages);
	RUN(release);
	RUN(rejected);
	RUN(aborts);
	RUN(hostility);
	RUN(silence);
	RUN(odd_pieces);
	return t_done();
}

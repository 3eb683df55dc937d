/* The PDU reader: every stream cut in every way gives the same events; what cannot be goes no further. */
#include <stdlib.h>

#include "pacs/ul/pdu.h"
#include "tests/lib/t.h"

enum { MAX_DATA = 64 };

/* What came out, as text: W<type>:<body length> for a whole PDU, D for a P-DATA header, and for fragments, joined as far as
 * they belong to one PDV, <context><c|d>:<bytes>, then "." at its end or "!" when that was the last of its message. */
struct seen { char text[512]; bool in_pdv; enum err last; uint8_t reason; struct why why; };

static void say(struct seen *s, const struct pdu_event *ev)
{
	char *at = s->text + strlen(s->text);
	size_t room = sizeof(s->text) - strlen(s->text);
	if (ev->kind == PDU_WHOLE)
		snprintf(at, room, "W%u:%zu ", ev->type, ev->body.len);
	else if (ev->kind == PDU_DATA_BEGINS)
		snprintf(at, room, "D ");
	else {
		char head[16] = "";
		if (!s->in_pdv)
			snprintf(head, sizeof(head), "%u%c:", ev->context_id, ev->is_command ? 'c' : 'd');
		snprintf(at, room, "%s%.*s%s", head, (int)ev->body.len, ev->body.len ? (const char *)ev->body.p : "", ev->is_last ? "! " : ev->is_pdv_end ? ". " : "");
		s->in_pdv = !ev->is_pdv_end;
	}
}

static struct seen read_all(struct bytes in, size_t chunk)
{
	struct pdu_reader r;
	struct pdu_event ev;
	struct seen s = { .last = ERR_MORE };
	pdu_reader_init(&r, MAX_DATA);
	for (size_t at = 0; at < in.len && s.last == ERR_MORE; at += chunk) {
		size_t n = in.len - at < chunk ? in.len - at : chunk;
		uint8_t *copy = malloc(n);       /* exactly as long as it is: overreads show */
		memcpy(copy, in.p + at, n);
		struct bytes piece = bytes_of(copy, n);
		while ((s.last = pdu_reader_next(&r, &piece, &ev, &s.reason, &s.why)) == ERR_OK) {
			say(&s, &ev);
			if (ev.kind == PDU_WHOLE)
				pdu_reader_drop(&r);
		}
		if (s.last == ERR_MORE && piece.len)
			T_FAIL("%zu bytes were left over", piece.len);
		free(copy);
	}
	if (s.last == ERR_PROTO) {       /* sticky */
		struct bytes more = BYTES("\5\0\0\0\0\4\0\0\0\0");
		uint8_t again;
		CHECK_INT(pdu_reader_next(&r, &more, &ev, &again, NULL), ERR_PROTO);
	}
	pdu_reader_fini(&r);
	return s;
}

#define RLRQ "\5\0\0\0\0\4\0\0\0\0"
#define DATA_ABC "\4\0\0\0\0\x09\0\0\0\5\1\3" "abc"
static const struct { const char *says; struct bytes in; const char *events; enum err last; uint8_t reason; } cases[] = {
	{ "a header one byte short", BYTES("\5\0\0\0\0"), "", ERR_MORE, 0 },
	{ "back to back, and a tail", BYTES(DATA_ABC RLRQ DATA_ABC "\4"), "D 1c:abc! W5:4 D 1c:abc! ", ERR_MORE, 0 },
	{ "two PDVs in one PDU", BYTES("\4\0\0\0\0\x12\0\0\0\5\1\0" "abc" "\0\0\0\5\3\2" "def"), "D 1d:abc. 3d:def! ", ERR_MORE, 0 },
	{ "an empty last data PDV", BYTES("\4\0\0\0\0\6\0\0\0\2\1\2" RLRQ), "D 1d:! W5:4 ", ERR_MORE, 0 },
	{ "a P-DATA without any PDV", BYTES("\4\0\0\0\0\0" RLRQ), "D W5:4 ", ERR_MORE, 0 },
	{ "reserved bytes are not tested", BYTES("\5\377\0\0\0\4\1\2\3\4"), "W5:4 ", ERR_MORE, 0 },
	{ "unknown control bits are not tested", BYTES("\4\0\0\0\0\7\0\0\0\3\1\xFE" "x"), "D 1d:x! ", ERR_MORE, 0 },
	{ "A-ASSOCIATE bodies are collected", BYTES("\1\0\0\0\0\3abc\2\0\0\0\0\0"), "W1:3 W2:0 ", ERR_MORE, 0 },
	{ "type 00 does not exist", BYTES("\0\0\0\0\0\4\0\0\0\0"), "", ERR_PROTO, 1 },
	{ "type 08, after a good one", BYTES(DATA_ABC "\10\0\0\0\0\4"), "D 1c:abc! ", ERR_PROTO, 1 },
	{ "a P-DATA at the limit waits", BYTES("\4\0\0\0\0\x40"), "D ", ERR_MORE, 0 },
	{ "one past the limit, on its header", BYTES("\4\0\0\0\0\x41"), "", ERR_PROTO, 6 },
	{ "the largest length there is", BYTES("\4\0\xFF\xFF\xFF\xFF"), "", ERR_PROTO, 6 },
	{ "an A-ASSOCIATE over its bound", BYTES("\1\0\0\x10\0\1"), "", ERR_PROTO, 6 },
	{ "a release of 5 bytes", BYTES("\5\0\0\0\0\5"), "", ERR_PROTO, 6 },
	{ "an abort of 3 bytes", BYTES("\7\0\0\0\0\3"), "", ERR_PROTO, 6 },
	{ "a PDV of one byte", BYTES("\4\0\0\0\0\6\0\0\0\1\1\3"), "D ", ERR_PROTO, 6 },
	{ "a PDV one past its PDU", BYTES("\4\0\0\0\0\7\0\0\0\4\1\3"), "D ", ERR_PROTO, 6 },
	{ "a PDV of the largest length", BYTES("\4\0\0\0\0\7\xFF\xFF\xFF\xFF\1\3"), "D ", ERR_PROTO, 6 },
	{ "a rest that holds no PDV header", BYTES("\4\0\0\0\0\x0B\0\0\0\2\1\2" "12345"), "D 1d:! ", ERR_PROTO, 6 },
};

TEST(streams, "where TCP cuts the stream does not matter, and nothing past its end is read")
{
	for (size_t i = 0; i < NELEM(cases); i++)
		for (size_t chunk = 1; chunk <= cases[i].in.len; chunk++) {
			struct seen s = read_all(cases[i].in, chunk);
			if (strcmp(s.text, cases[i].events) || s.last != cases[i].last || (s.last == ERR_PROTO && s.reason != cases[i].reason))
				T_FAIL("%s, chunk %zu: \"%s\" then %s, reason %u", cases[i].says, chunk, s.text, err_name(s.last), s.reason);
		}
}

TEST(lean, "no memory is held for data, whatever its length; a body is held until it is dropped")
{
	static uint8_t big[BOUND_PDU_OURS + PDU_HEAD] = { PDU_DATA };
	struct pdu_reader r;
	struct pdu_event ev;
	uint8_t reason;
	put_be32(big + 2, BOUND_PDU_OURS);
	put_be32(big + 6, BOUND_PDU_OURS - 4);
	big[10] = 1;
	pdu_reader_init(&r, BOUND_PDU_OURS);
	struct bytes in = bytes_of(big, sizeof(big));
	CHECK_INT(pdu_reader_next(&r, &in, &ev, &reason, NULL), ERR_OK);
	CHECK_INT(pdu_reader_next(&r, &in, &ev, &reason, NULL), ERR_OK);
	CHECK(ev.body.p == big + 12 && ev.body.len == BOUND_PDU_OURS - 6);
	CHECK_INT(r.body.cap, 0);

	in = BYTES("\1\0\0\0\0\3abc");
	CHECK_INT(pdu_reader_next(&r, &in, &ev, &reason, NULL), ERR_OK);
	CHECK(bytes_equal(ev.body, BYTES("abc")));
	pdu_reader_drop(&r);
	CHECK_INT(r.body.cap, 0);
	pdu_reader_fini(&r);
}

int main(void)
{
	RUN(streams);
	RUN(lean);
	return t_done();
}

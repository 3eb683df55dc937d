/* A stream read in pieces gives what it gives read at once. Byte 0 is the length of the pieces. */
#include "pacs/ul/pdu.h"

#include "tests/fuzz/fuzz.h"

/* Of all events: a sum in which the cutting of fragments does not show. */
struct sum { uint64_t value; enum err last; uint8_t reason; };

static void add(struct sum *s, uint64_t v)
{
	s->value = (s->value ^ v) * 0x100000001b3;
}

static void add_event(struct sum *s, const struct pdu_event *ev)
{
	for (size_t i = 0; i < ev->body.len; i++)
		add(s, ev->body.p[i] + 1000u);
	if (ev->kind == PDU_FRAGMENT && ev->is_pdv_end)
		add(s, 1u << 20 | (unsigned)ev->context_id << 2 | (unsigned)ev->is_command << 1 | ev->is_last);
	else if (ev->kind != PDU_FRAGMENT)
		add(s, 2u << 20 | (unsigned)ev->kind << 8 | ev->type);
}

static struct sum read_all(struct bytes in, size_t chunk)
{
	struct pdu_reader r;
	struct pdu_event ev;
	struct why why = { "" };
	struct sum s = { .last = ERR_MORE };
	pdu_reader_init(&r, 4096);
	while (in.len && s.last == ERR_MORE) {
		struct bytes piece = bytes_of(in.p, in.len < chunk ? in.len : chunk);
		in.p += piece.len;
		in.len -= piece.len;
		while ((s.last = pdu_reader_next(&r, &piece, &ev, &s.reason, &why)) == ERR_OK)
			add_event(&s, &ev);
		MUST(s.last != ERR_MORE || !piece.len);
		MUST(s.last == ERR_MORE || (s.last == ERR_PROTO && why.text[0] && (s.reason == 1 || s.reason == 6)));
	}
	pdu_reader_fini(&r);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct bytes in = bytes_of(data + 1, size - 1);
	struct sum whole = read_all(in, in.len), cut = read_all(in, 1 + data[0] % 16u);
	MUST(whole.value == cut.value && whole.last == cut.last);
	MUST(whole.last != ERR_PROTO || whole.reason == cut.reason);
	return 0;
}

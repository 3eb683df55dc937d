#include "pacs/hl7/mllp.h"

#include "pacs/base/bounds.h"

enum { VT = 0x0B, FS = 0x1C };

void mllp_init(struct mllp *m)
{
	buf_init(&m->in, BOUND_HL7_MESSAGE + 3);
}

void mllp_fini(struct mllp *m)
{
	buf_fini(&m->in);
}

enum err mllp_feed(struct mllp *m, struct bytes data)
{
	buf_add(&m->in, data.p, data.len);
	return buf_err(&m->in);
}

/* Drops what cannot begin a message: up to the first VT or M. */
static void skip_noise(struct mllp *m)
{
	size_t n = 0;
	while (n < m->in.len && m->in.p[n] != VT && m->in.p[n] != 'M')
		n++;
	buf_consume(&m->in, n);
}

enum err mllp_peek(struct mllp *m, struct bytes *out)
{
	skip_noise(m);
	const uint8_t *end = m->in.len ? memchr(m->in.p, FS, m->in.len) : NULL;
	size_t head = m->in.len && *m->in.p == VT;
	if (!end)
		return ERR_MORE;
	*out = bytes_of(m->in.p + head, (size_t)(end - m->in.p) - head);
	return ERR_OK;
}

void mllp_take(struct mllp *m)
{
	const uint8_t *end = m->in.len ? memchr(m->in.p, FS, m->in.len) : NULL;
	if (end)
		buf_consume(&m->in, (size_t)(end - m->in.p) + 1);
	skip_noise(m);
}

void mllp_frame(struct bytes message, struct buf *out)
{
	buf_add_byte(out, VT);
	buf_add(out, message.p, message.len);
	buf_add_byte(out, FS);
	buf_add_byte(out, '\r');
}

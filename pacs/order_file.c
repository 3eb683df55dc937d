#include "pacs/order_file.h"

#include <stdlib.h>
#include <string.h>

#include "pacs/base/bounds.h"
#include "pacs/base/durable.h"
#include "pacs/hl7/hl7_json.h"
#include "pacs/orders/order_csv.h"
#include "pacs/orders/order_json.h"

enum { ARENA = 16 << 20 };

static bool add_put(void *arg, const struct order *o, unsigned line)
{
	(void)line;
	json_t *order = order_to_json(o);
	return order && !json_array_append_new(arg, json_pack("{s:s,s:o}", "do", "put", "order", order));
}

static enum err read_message(struct bytes raw, const char *charset, json_t *changes, struct why *why)
{
	struct hl7_fault fault;
	struct arena a;
	struct buf utf8;
	struct hl7 m;
	char term[32];
	arena_init(&a, ARENA);
	buf_init(&utf8, 3 * BOUND_HL7_MESSAGE);
	enum err e = raw.len > BOUND_HL7_MESSAGE ? fail(why, ERR_LIMIT, "a message of %zu bytes, limit %d", raw.len, BOUND_HL7_MESSAGE) : hl7_decode(raw, charset, &utf8, term);
	if (!e)
		e = hl7_parse(&a, buf_view(&utf8), &m, why);
	if (!e)
		e = hl7_changes(&m, changes, &fault, why);
	buf_fini(&utf8);
	arena_fini(&a);
	return e;
}

/* The beginning of the next message behind `at`: MSH at the start of a line, or behind a frame's VT. */
static size_t next_message(struct bytes t, size_t at)
{
	for (; at + 3 < t.len; at++)
		if (!memcmp(t.p + at, "MSH", 3) && (at == 0 || t.p[at - 1] == '\r' || t.p[at - 1] == '\n' || t.p[at - 1] == 0x0B))
			return at;
	return t.len;
}

static enum err read_messages(struct bytes t, const char *charset, json_t *changes, struct why *why)
{
	struct why cause = { "" };
	unsigned n = 0;
	enum err e = ERR_OK;
	for (size_t at = next_message(t, 0), end; !e && at < t.len; at = end) {
		end = next_message(t, at + 3);
		size_t len = end - at;
		const uint8_t *fs = memchr(t.p + at, 0x1C, len);
		n++;
		e = read_message(bytes_of(t.p + at, fs ? (size_t)(fs - t.p) - at : len), charset, changes, &cause);
		if (e)
			fail(why, e, "message %u: %.280s", n, cause.text);
	}
	return e;
}

static bool is_hl7(struct bytes t)
{
	while (t.len && (*t.p <= ' ' || *t.p >= 0x80))   /* a frame, line ends, a byte order mark */
		t = bytes_of(t.p + 1, t.len - 1);
	return t.len > 4 && !memcmp(t.p, "MSH", 3) && t.p[3] != 'a';
}

enum err order_file_read(const char *path, const char *hl7_charset, json_t *changes, const char **kind, struct why *why)
{
	char *text = NULL;
	size_t len = 0;
	enum err e = durable_slurp(path, BOUND_ORDER_FILE, &text, &len, why);
	if (e)
		return e;
	struct bytes t = bytes_of(text, len);
	*kind = is_hl7(t) ? "hl7 file" : "csv";
	e = is_hl7(t) ? read_messages(t, hl7_charset, changes, why) : order_csv_read(t, add_put, changes, why);
	if (!e && !json_array_size(changes))
		e = fail(why, ERR_FORMAT, "there is no order in it");
	free(text);
	return e;
}

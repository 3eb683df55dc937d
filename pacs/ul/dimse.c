#include "pacs/ul/dimse.h"

#include <stdio.h>
#include <string.h>

#include "pacs/dicom/tag.h"

/* PS3.7 annex E: elements of group 0000, implicit VR little endian. */
enum { NO_DATA_SET = 0x0101 };

bool dimse_status_is_pending(uint16_t status) { return status == STATUS_PENDING || status == STATUS_PENDING_WARNING; }
bool dimse_status_is_done(uint16_t status)
{
	return status == STATUS_SUCCESS || status == 0x0001 || status == 0x0107 || status == 0x0116 || (status & 0xF000) == 0xB000;
}
bool dimse_status_is_transient(uint16_t status)
{
	return (status & 0xFF00) == 0xA700 || status == 0x0213 || status == 0x0110;
}

static const struct { uint16_t field; const char *name; } fields[] = {
	{ DIMSE_C_STORE_RQ, "C-STORE-RQ" }, { DIMSE_C_STORE_RSP, "C-STORE-RSP" }, { DIMSE_C_GET_RQ, "C-GET-RQ" },
	{ DIMSE_C_GET_RSP, "C-GET-RSP" }, { DIMSE_C_FIND_RQ, "C-FIND-RQ" }, { DIMSE_C_FIND_RSP, "C-FIND-RSP" },
	{ DIMSE_C_MOVE_RQ, "C-MOVE-RQ" }, { DIMSE_C_MOVE_RSP, "C-MOVE-RSP" }, { DIMSE_C_ECHO_RQ, "C-ECHO-RQ" },
	{ DIMSE_C_ECHO_RSP, "C-ECHO-RSP" }, { DIMSE_C_CANCEL_RQ, "C-CANCEL-RQ" },
	{ DIMSE_N_EVENT_REPORT_RQ, "N-EVENT-REPORT-RQ" }, { DIMSE_N_EVENT_REPORT_RSP, "N-EVENT-REPORT-RSP" },
	{ DIMSE_N_GET_RQ, "N-GET-RQ" }, { DIMSE_N_GET_RSP, "N-GET-RSP" }, { DIMSE_N_SET_RQ, "N-SET-RQ" }, { DIMSE_N_SET_RSP, "N-SET-RSP" },
	{ DIMSE_N_ACTION_RQ, "N-ACTION-RQ" }, { DIMSE_N_ACTION_RSP, "N-ACTION-RSP" }, { DIMSE_N_CREATE_RQ, "N-CREATE-RQ" },
	{ DIMSE_N_CREATE_RSP, "N-CREATE-RSP" }, { DIMSE_N_DELETE_RQ, "N-DELETE-RQ" }, { DIMSE_N_DELETE_RSP, "N-DELETE-RSP" },
};

const char *dimse_field_name(uint16_t field)
{
	for (size_t i = 0; i < NELEM(fields); i++)
		if (fields[i].field == field)
			return fields[i].name;
	return "unknown command";
}

static bool is_requested(uint16_t field)         /* N-GET, N-SET, N-ACTION, N-DELETE requests say Requested SOP ... */
{
	return field == DIMSE_N_GET_RQ || field == DIMSE_N_SET_RQ || field == DIMSE_N_ACTION_RQ || field == DIMSE_N_DELETE_RQ;
}

/* ---- parse ---- */

static void take_text(char *out, size_t cap, struct bytes v)
{
	while (v.len && (v.p[v.len - 1] == ' ' || v.p[v.len - 1] == '\0'))
		v.len--;
	while (v.len && *v.p == ' ') {
		v.p++;
		v.len--;
	}
	size_t n = v.len < cap - 1 ? v.len : cap - 1;
	if (n)
		memcpy(out, v.p, n);
	out[n] = '\0';
}

static void take_us(uint16_t *out, struct bytes v)
{
	if (v.len >= 2)
		*out = le16(v.p);
}

static void take_attributes(struct dimse *d, struct bytes v)
{
	for (size_t i = 0; i + 4 <= v.len && d->attribute_count < NELEM(d->attributes); i += 4)
		d->attributes[d->attribute_count++] = TAG(le16(v.p + i), le16(v.p + i + 2));
}

static enum err take_uid(struct uid *out, struct bytes v, uint16_t element, struct why *why)
{
	if (uid_take(out, v))
		return fail(why, ERR_PROTO, "(0000,%04x) holds a UID of %zu bytes, limit %d", element, v.len, BOUND_UID);
	return ERR_OK;
}

/* What has to be known of the command set as a whole. */
struct seen { bool has_id_rq, has_id_rsp; uint16_t data_type, id_rq, id_rsp; };

static bool take_id(uint16_t *out, struct bytes v)
{
	take_us(out, v);
	return v.len >= 2;
}

static enum err take(struct dimse *d, uint16_t element, struct bytes v, struct seen *seen, struct why *why)
{
	switch (element) {
	case 0x0002: case 0x0003: return take_uid(&d->sop_class, v, element, why);
	case 0x1000: case 0x1001: return take_uid(&d->sop_instance, v, element, why);
	case 0x0100: take_us(&d->field, v); break;
	case 0x0110: seen->has_id_rq = take_id(&seen->id_rq, v); break;
	case 0x0120: seen->has_id_rsp = take_id(&seen->id_rsp, v); break;
	case 0x0600: take_text(d->move_destination, sizeof(d->move_destination), v); break;
	case 0x0700: take_us(&d->priority, v); break;
	case 0x0800: take_us(&seen->data_type, v); break;
	case 0x0900: take_us(&d->status, v); d->present |= DIMSE_HAS_STATUS; break;
	case 0x0902: take_text(d->error_comment, sizeof(d->error_comment), v); break;
	case 0x0903: take_us(&d->error_id, v); d->present |= DIMSE_HAS_ERROR_ID; break;
	case 0x1002: take_us(&d->event_type, v); d->present |= DIMSE_HAS_EVENT_TYPE; break;
	case 0x1005: take_attributes(d, v); break;
	case 0x1008: take_us(&d->action_type, v); d->present |= DIMSE_HAS_ACTION_TYPE; break;
	case 0x1020: take_us(&d->remaining, v); d->present |= DIMSE_HAS_REMAINING; break;
	case 0x1021: take_us(&d->completed, v); d->present |= DIMSE_HAS_COMPLETED; break;
	case 0x1022: take_us(&d->failed, v); d->present |= DIMSE_HAS_FAILED; break;
	case 0x1023: take_us(&d->warning, v); d->present |= DIMSE_HAS_WARNING; break;
	case 0x1030: take_text(d->move_originator, sizeof(d->move_originator), v); d->present |= DIMSE_HAS_MOVE_ORIGINATOR; break;
	case 0x1031: take_us(&d->move_originator_id, v); break;
	default: break;                  /* retired or unknown: not ours to judge */
	}
	return ERR_OK;
}

enum err dimse_parse(struct bytes raw, struct dimse *out, struct why *why)
{
	struct seen seen = { .data_type = NO_DATA_SET };
	*out = (struct dimse){ 0 };
	for (size_t at = 0; at < raw.len; ) {
		size_t left = raw.len - at;
		if (left < 8)
			return fail(why, ERR_PROTO, "command set: %zu bytes left at %zu, an element has at least 8", left, at);
		uint16_t group = le16(raw.p + at), element = le16(raw.p + at + 2);
		uint32_t len = le32(raw.p + at + 4);
		if (len > left - 8)
			return fail(why, ERR_PROTO, "command set: (%04x,%04x) of %u bytes, %zu are left", group, element, len, left - 8);
		if (group == 0) {
			enum err e = take(out, element, bytes_of(raw.p + at + 8, len), &seen, why);
			if (e)
				return e;
		}
		at += 8 + (size_t)len;
	}
	if (!out->field)
		return fail(why, ERR_PROTO, "command set of %zu bytes without a command field", raw.len);
	bool answers = DIMSE_IS_RSP(out->field) || out->field == DIMSE_C_CANCEL_RQ;
	if (answers ? !seen.has_id_rsp : !seen.has_id_rq)
		return fail(why, ERR_PROTO, "%s without a message ID", dimse_field_name(out->field));
	out->message_id = answers ? seen.id_rsp : seen.id_rq;
	out->has_data = seen.data_type != NO_DATA_SET;
	return ERR_OK;
}

/* ---- build: ascending tags ---- */

static void put_head(struct buf *b, uint16_t element, uint32_t len)
{
	buf_add_le16(b, 0);
	buf_add_le16(b, element);
	buf_add_le32(b, len);
}

static void put_us(struct buf *b, uint16_t element, uint16_t v)
{
	put_head(b, element, 2);
	buf_add_le16(b, v);
}

static void put_text(struct buf *b, uint16_t element, const char *s, uint8_t pad)
{
	size_t n = strlen(s);
	put_head(b, element, (uint32_t)(n + (n & 1)));
	buf_add(b, s, n);
	if (n & 1)
		buf_add_byte(b, pad);
}

static void put_uid(struct buf *b, uint16_t element, const struct uid *u)
{
	if (u->s[0])
		put_text(b, element, u->s, 0);
}

static void put_identity(const struct dimse *d, struct buf *b)
{
	put_uid(b, is_requested(d->field) ? 0x0003 : 0x0002, &d->sop_class);
	put_us(b, 0x0100, d->field);
	if (DIMSE_IS_RSP(d->field) || d->field == DIMSE_C_CANCEL_RQ)
		put_us(b, 0x0120, d->message_id);
	else
		put_us(b, 0x0110, d->message_id);
	if (d->field == DIMSE_C_MOVE_RQ)
		put_text(b, 0x0600, d->move_destination, ' ');
	if (d->field == DIMSE_C_STORE_RQ || d->field == DIMSE_C_FIND_RQ || d->field == DIMSE_C_GET_RQ || d->field == DIMSE_C_MOVE_RQ)
		put_us(b, 0x0700, d->priority);
	put_us(b, 0x0800, d->has_data ? 0x0001 : NO_DATA_SET);
}

static void put_outcome(const struct dimse *d, struct buf *b)
{
	if (d->present & DIMSE_HAS_STATUS)
		put_us(b, 0x0900, d->status);
	if (d->error_comment[0])
		put_text(b, 0x0902, d->error_comment, ' ');
	if (d->present & DIMSE_HAS_ERROR_ID)
		put_us(b, 0x0903, d->error_id);
}

static void put_subject(const struct dimse *d, struct buf *b)
{
	put_uid(b, is_requested(d->field) ? 0x1001 : 0x1000, &d->sop_instance);
	if (d->present & DIMSE_HAS_EVENT_TYPE)
		put_us(b, 0x1002, d->event_type);
	if (d->attribute_count) {
		put_head(b, 0x1005, 4 * d->attribute_count);
		for (unsigned i = 0; i < d->attribute_count; i++) {
			buf_add_le16(b, TAG_GROUP(d->attributes[i]));
			buf_add_le16(b, TAG_ELEMENT(d->attributes[i]));
		}
	}
	if (d->present & DIMSE_HAS_ACTION_TYPE)
		put_us(b, 0x1008, d->action_type);
}

static void put_counters(const struct dimse *d, struct buf *b)
{
	if (d->present & DIMSE_HAS_REMAINING)
		put_us(b, 0x1020, d->remaining);
	if (d->present & DIMSE_HAS_COMPLETED)
		put_us(b, 0x1021, d->completed);
	if (d->present & DIMSE_HAS_FAILED)
		put_us(b, 0x1022, d->failed);
	if (d->present & DIMSE_HAS_WARNING)
		put_us(b, 0x1023, d->warning);
	if (d->present & DIMSE_HAS_MOVE_ORIGINATOR) {
		put_text(b, 0x1030, d->move_originator, ' ');
		put_us(b, 0x1031, d->move_originator_id);
	}
}

enum err dimse_build(const struct dimse *d, struct buf *out)
{
	size_t start = out->len;
	put_head(out, 0x0000, 4);
	buf_add_le32(out, 0);
	put_identity(d, out);
	put_outcome(d, out);
	put_subject(d, out);
	put_counters(d, out);
	if (buf_err(out))
		return buf_err(out);
	put_le32(out->p + start + 8, (uint32_t)(out->len - start - 12));
	return ERR_OK;
}

struct dimse dimse_response(const struct dimse *rq, uint16_t status)
{
	struct dimse d = { .field = (uint16_t)(rq->field | 0x8000), .message_id = rq->message_id, .status = status,
	                   .present = DIMSE_HAS_STATUS, .sop_class = rq->sop_class, .sop_instance = rq->sop_instance };
	if (rq->field == DIMSE_N_ACTION_RQ) {
		d.present |= DIMSE_HAS_ACTION_TYPE;
		d.action_type = rq->action_type;
	}
	if (rq->field == DIMSE_N_EVENT_REPORT_RQ) {
		d.present |= DIMSE_HAS_EVENT_TYPE;
		d.event_type = rq->event_type;
	}
	return d;
}

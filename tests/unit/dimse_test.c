/* Command sets: the standard's bytes, every request and response there and back, and what is cut or strange. */
#include <stdlib.h>

#include "pacs/ul/dimse.h"
#include "tests/lib/t.h"

/* C-ECHO-RQ as it stands on the wire (dicom-notes 2.1), without its PDU and PDV headers. */
#define ECHO_RQ \
	"\0\0\0\0\4\0\0\0\x38\0\0\0" \
	"\0\0\2\0\x12\0\0\0" "1.2.840.10008.1.1\0" \
	"\0\0\0\1\2\0\0\0\x30\0" \
	"\0\0\x10\1\2\0\0\0\1\0" \
	"\0\0\0\x08\2\0\0\0\1\1"

static struct uid uid_of(const char *s)
{
	struct uid u;
	CHECK_INT(uid_take(&u, bytes_str(s)), ERR_OK);
	return u;
}

TEST(vector, "a C-ECHO request is read and written byte by byte as the standard has it")
{
	struct dimse d, rq = { .field = DIMSE_C_ECHO_RQ, .message_id = 1, .sop_class = uid_of(UID_VERIFICATION) };
	struct why why = { "" };
	struct buf b;
	buf_init(&b, BOUND_COMMAND_SET);
	CHECK_OK(dimse_parse(BYTES(ECHO_RQ), &d, &why), why);
	CHECK_INT(d.field, DIMSE_C_ECHO_RQ);
	CHECK_INT(d.message_id, 1);
	CHECK_STR(d.sop_class.s, UID_VERIFICATION);
	CHECK(!d.has_data);
	CHECK_INT(dimse_build(&rq, &b), ERR_OK);
	CHECK(bytes_equal(buf_view(&b), BYTES(ECHO_RQ)));
	buf_fini(&b);
}

static const uint16_t fields[] = {
	DIMSE_C_STORE_RQ, DIMSE_C_GET_RQ, DIMSE_C_FIND_RQ, DIMSE_C_MOVE_RQ, DIMSE_C_ECHO_RQ, DIMSE_C_CANCEL_RQ, DIMSE_N_EVENT_REPORT_RQ,
	DIMSE_N_GET_RQ, DIMSE_N_SET_RQ, DIMSE_N_ACTION_RQ, DIMSE_N_CREATE_RQ, DIMSE_N_DELETE_RQ,
	DIMSE_C_STORE_RSP, DIMSE_C_GET_RSP, DIMSE_C_FIND_RSP, DIMSE_C_MOVE_RSP, DIMSE_C_ECHO_RSP, DIMSE_N_EVENT_REPORT_RSP,
	DIMSE_N_GET_RSP, DIMSE_N_SET_RSP, DIMSE_N_ACTION_RSP, DIMSE_N_CREATE_RSP, DIMSE_N_DELETE_RSP,
};

static struct dimse full(uint16_t field)
{
	struct dimse d = {
		.field = field, .message_id = 0xFFFE, .has_data = true, .status = 0xB006, .remaining = 1, .completed = 65535, .failed = 3, .warning = 4,
		.event_type = 2, .action_type = 9, .error_id = 0xA710, .present = 0xFF, .sop_class = uid_of("1.2.840.10008.5.1.4.1.1.7"),
		.sop_instance = uid_of("1.2.3.4.5"), .error_comment = "odd", .attributes = { 0x00100010, 0x7FE00010 }, .attribute_count = 2,
	};
	if (field == DIMSE_C_MOVE_RQ)
		memcpy(d.move_destination, "SIXTEEN_LETTERS_", 17);
	if (field == DIMSE_C_STORE_RQ) {
		d.present |= DIMSE_HAS_MOVE_ORIGINATOR;
		memcpy(d.move_originator, "ORIGIN", 7);
		d.move_originator_id = 77;
		d.priority = 2;
	}
	return d;
}

/* Ascending tags, group 0000, even lengths, and a group length that is right. */
static void check_form(struct bytes raw)
{
	uint32_t last = 0;
	CHECK_INT(le32(raw.p + 8), raw.len - 12);
	for (size_t at = 0; at < raw.len; at += 8 + le32(raw.p + at + 4)) {
		uint32_t element = le16(raw.p + at + 2);
		CHECK_INT(le16(raw.p + at), 0);
		CHECK(!at || element > last);
		CHECK_INT(le32(raw.p + at + 4) & 1, 0);
		last = element;
	}
}

TEST(round, "each request and response comes back as it went, ascending and even")
{
	for (size_t i = 0; i < NELEM(fields); i++) {
		struct dimse d = full(fields[i]), got;
		struct why why = { "" };
		struct buf b;
		buf_init(&b, BOUND_COMMAND_SET);
		CHECK_INT(dimse_build(&d, &b), ERR_OK);
		check_form(buf_view(&b));
		CHECK_OK(dimse_parse(buf_view(&b), &got, &why), why);
		if (memcmp(&got, &d, sizeof(d)))
			T_FAIL("%s did not come back as it went", dimse_field_name(fields[i]));
		buf_fini(&b);
	}
}

TEST(requested, "N-GET, N-SET, N-ACTION and N-DELETE name the requested instance, all others the affected one")
{
	for (size_t i = 0; i < NELEM(fields); i++) {
		struct dimse d = full(fields[i]);
		struct buf b;
		buf_init(&b, BOUND_COMMAND_SET);
		CHECK_INT(dimse_build(&d, &b), ERR_OK);
		bool wanted = fields[i] == 0x0110 || fields[i] == 0x0120 || fields[i] == 0x0130 || fields[i] == 0x0150;
		CHECK_INT(le16(b.p + 14), wanted ? 0x0003 : 0x0002);
		buf_fini(&b);
	}
}

TEST(cut, "a command set cut anywhere is refused or lacks what was cut, and is never read past its end")
{
	struct dimse rq = full(DIMSE_C_STORE_RQ);
	struct buf b;
	buf_init(&b, BOUND_COMMAND_SET);
	CHECK_INT(dimse_build(&rq, &b), ERR_OK);
	unsigned whole = 0;
	for (size_t n = 0; n < b.len; n++) {
		struct dimse d;
		uint8_t *copy = malloc(n ? n : 1);
		if (n)
			memcpy(copy, b.p, n);
		whole += dimse_parse(bytes_of(copy, n), &d, NULL) == ERR_OK;
		free(copy);
	}
	CHECK_INT(whole, 15);    /* the cuts between elements, from behind the message ID on */
	buf_fini(&b);
}

#define US(element, value) "\0\0" element "\2\0\0\0" value
static const struct { const char *says; struct bytes in; enum err want; bool has_data; } odd[] = {
	{ "no group length", BYTES(US("\0\1", "\x30\0") US("\x10\1", "\1\0") US("\0\x08", "\1\1")), ERR_OK, false },
	{ "a retired element and one of another group", BYTES("\0\0\1\0\2\0\0\0xx" US("\0\1", "\x30\0") US("\x10\1", "\1\0") "\x08\0\5\0\2\0\0\0ab"), ERR_OK, false },
	{ "a data set type of 0000 means a data set", BYTES(US("\0\1", "\1\0") US("\x10\1", "\1\0") US("\0\x08", "\0\0")), ERR_OK, true },
	{ "without a data set type there is none", BYTES(US("\0\1", "\1\0") US("\x10\1", "\1\0")), ERR_OK, false },
	{ "nothing", BYTES(""), ERR_PROTO, false },
	{ "no command field", BYTES(US("\x10\1", "\1\0")), ERR_PROTO, false },
	{ "an empty command field", BYTES("\0\0\0\1\0\0\0\0" US("\x10\1", "\1\0")), ERR_PROTO, false },
	{ "no message ID", BYTES(US("\0\1", "\x30\0")), ERR_PROTO, false },
	{ "a response that answers nothing", BYTES(US("\0\1", "\x30\x80") US("\x10\1", "\1\0")), ERR_PROTO, false },
	{ "a cancel that cancels nothing", BYTES(US("\0\1", "\xFF\x0F") US("\x10\1", "\1\0")), ERR_PROTO, false },
	{ "an element of undefined length", BYTES(US("\0\1", "\x30\0") "\0\0\x10\1\xFF\xFF\xFF\xFF\1\0"), ERR_PROTO, false },
	{ "a UID of 65 letters", BYTES("\0\0\2\0\x41\0\0\0" "1.2345678901234567890123456789012345678901234567890123456789012345"), ERR_PROTO, false },
};

TEST(strange, "what peers are careless about is taken, what cannot be understood is refused with words")
{
	for (size_t i = 0; i < NELEM(odd); i++) {
		struct dimse d;
		struct why why = { "" };
		enum err e = dimse_parse(odd[i].in, &d, &why);
		if (e != odd[i].want || (!e && d.has_data != odd[i].has_data) || (e && !why.text[0]))
			T_FAIL("%s: %s, has_data %d, \"%s\"", odd[i].says, err_name(e), d.has_data, why.text);
	}
}

TEST(text, "AE titles and comments over their size are cut, blanks around them are not kept")
{
	struct dimse d;
	CHECK_INT(dimse_parse(BYTES(US("\0\1", "\x21\0") US("\x10\1", "\1\0") "\0\0\0\6\x14\0\0\0" "  ABCDEFGHIJKLMNOPQR"), &d, NULL), ERR_OK);
	CHECK_STR(d.move_destination, "ABCDEFGHIJKLMNOP");
	CHECK_INT(dimse_parse(BYTES(US("\0\1", "\x21\0") US("\x10\1", "\1\0") "\0\0\0\6\6\0\0\0" " A B \0"), &d, NULL), ERR_OK);
	CHECK_STR(d.move_destination, "A B");
}

TEST(answers, "a response carries what its request named, and a status each class of which is told apart")
{
	struct dimse rq = full(DIMSE_C_STORE_RQ), rsp = dimse_response(&rq, 0xA700);
	CHECK_INT(rsp.field, DIMSE_C_STORE_RSP);
	CHECK_INT(rsp.message_id, rq.message_id);
	CHECK_STR(rsp.sop_instance.s, rq.sop_instance.s);
	CHECK_INT(rsp.present, DIMSE_HAS_STATUS);
	CHECK(!rsp.has_data);
	CHECK(dimse_status_is_transient(0xA700) && dimse_status_is_transient(0x0213) && dimse_status_is_transient(0x0110));
	CHECK(!dimse_status_is_transient(0xA900) && !dimse_status_is_transient(0xC001) && !dimse_status_is_transient(0));
	CHECK(dimse_status_is_done(0) && dimse_status_is_done(0xB007) && !dimse_status_is_done(0xFF00) && !dimse_status_is_done(0x0110));
	CHECK(dimse_status_is_pending(0xFF00) && dimse_status_is_pending(0xFF01) && !dimse_status_is_pending(0));
	CHECK_STR(dimse_field_name(0x8130), "N-ACTION-RSP");
	CHECK_STR(dimse_field_name(0x1234), "unknown command");
}

int main(void)
{
	RUN(vector);
	RUN(round);
	RUN(requested);
	RUN(cut);
	RUN(strange);
	RUN(text);
	RUN(answers);
	return t_done();
}

/* ask - one C-FIND with extended negotiation, for tests: no client of the packages can negotiate it.
 *
 *   ask --port P [--called A] [--patient] [--extended 0101000] [--cancel N] [--show GGGGEEEE] GGGGEEEE=VALUE...
 *
 * Prints "extended 0100000" when that was answered, the shown attribute (the Study Instance UID) of each answer, sorted by
 * nobody, and "status 0000".
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/qr.h"

static void die(const char *why)
{
	fprintf(stderr, "ask: %s\n", why);
	exit(2);
}

static void show(struct bytes raw, uint32_t tag)
{
	struct arena a;
	struct dataset *ds;

	arena_init(&a, 4 << 20);
	if (dataset_parse(&a, raw, DS_IMPLICIT_LE, &ds, NULL))
		die("an answer cannot be read");
	printf("%s\n", dataset_str(ds, tag));
	arena_fini(&a);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "port", 1, NULL, 'p' }, { "called", 1, NULL, 'c' }, { "patient", 0, NULL, 'r' },
	                                       { "extended", 1, NULL, 'x' }, { "cancel", 1, NULL, 'n' }, { "show", 1, NULL, 's' }, { 0 } };
	struct wire_target t = { .host = "127.0.0.1", .called = "ANY-SCP", .calling = "ASK" };
	const char *sop_class = UID_STUDY_ROOT_FIND;
	uint8_t extended[16];
	size_t extended_len = 0;
	unsigned long cancel = 0, answers = 0;
	uint32_t tag = TAG_STUDY_UID;
	struct why why = { "" };
	struct arena a;
	struct qr q;

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1; )
		switch (c) {
		case 'p': t.port = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': t.called = optarg; break;
		case 'r': sop_class = UID_PATIENT_ROOT_FIND; break;
		case 'x': for (; optarg[extended_len] && extended_len < sizeof(extended); extended_len++) extended[extended_len] = (uint8_t)(optarg[extended_len] - '0'); break;
		case 'n': cancel = strtoul(optarg, NULL, 10); break;
		case 's': tag = (uint32_t)strtoul(optarg, NULL, 16); break;
		default: die("see the top of tests/bench/ask.c");
		}
	arena_init(&a, 4 << 20);
	struct dataset *ds = dataset_new(&a);
	for (int i = optind; i < argc; i++) {
		const char *value = strchr(argv[i], '=');
		if (!value || dataset_put(ds, (uint32_t)strtoul(argv[i], NULL, 16), 0, bytes_str(value + 1)))
			die("keys are GGGGEEEE=VALUE");
	}
	if (qr_open(&q, &t, sop_class, bytes_of(extended, extended_len), NULL, 0, &why))
		die(why.text);
	if (qr_extended(&q).len) {
		printf("extended ");
		for (size_t i = 0; i < qr_extended(&q).len; i++)
			printf("%u", qr_extended(&q).p[i]);
		printf("\n");
	}
	if (qr_request(&q, DIMSE_C_FIND_RQ, ds, NULL))
		die("the request could not be sent");
	for (;;) {
		struct dimse rsp;
		struct buf data;
		uint8_t context;
		uint64_t len;
		buf_init(&data, 1 << 20);
		if (qr_read(&q, &rsp, &context, &data, &len))
			die("the association broke");
		if (!dimse_status_is_pending(rsp.status)) {
			printf("status %04x\n", rsp.status);
			break;
		}
		show(buf_view(&data), tag);
		buf_fini(&data);
		if (++answers == cancel && qr_cancel(&q))
			die("the association broke");
	}
	qr_close(&q);
	arena_fini(&a);
	return 0;
}

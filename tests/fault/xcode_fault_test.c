/* A codec worker that crashes, hangs, eats memory, lies about size or digest, or tries to open a file costs its own job and nothing else.
 *
 * The worker of the fault flavour does so when its input begins with "PACS-FAULT". */
#include "tests/lib/xcode_run.h"

/* Only one that hangs must run into its time: on a slow guest eating 256 MB alone takes a second. */
static const struct xcode_limits limits = { .workers = 1, .memory_bytes = 256 << 20, .timeout_s = 1 }, patient = { .workers = 1, .memory_bytes = 256 << 20, .timeout_s = 1000 };

/* The smallest object: no meta header, implicit, no pixels. */
#define GOOD "\x08\0\x16\0\x08\0\0\0" "1.2.3.4\0" "\x08\0\x18\0\x08\0\0\0" "1.2.3.5\0"

static const struct { const char *fault; enum err want; const char *why; } faults[] = {
	{ "PACS-FAULT hang", ERR_TIMEOUT, "the codec worker did not answer within 1 s" },
	{ "PACS-FAULT crash", ERR_CLOSED, "the codec worker died by signal 6 (Aborted)" },
	{ "PACS-FAULT open", ERR_CLOSED, "the codec worker died by signal 31 (Bad system call)" },
	{ "PACS-FAULT hunger", ERR_NOMEM, NULL },
	{ "PACS-FAULT lie", ERR_MISMATCH, "the codec worker says 14 bytes, the file has 0" },
	{ "PACS-FAULT forge", ERR_MISMATCH, NULL },
};

TEST(faults, "each fault of a worker gives its error, and the job behind it works")
{
	for (size_t i = 0; i < NELEM(faults); i++) {
		struct bytes padded = { (const uint8_t *)faults[i].fault, strlen(faults[i].fault) };
		struct xcode_job jobs[2] = { { .in = padded, .to = TS_J2K_LOSSLESS }, { .in = BYTES(GOOD GOOD GOOD GOOD GOOD), .to = TS_EXPLICIT_LE } };
		xcode_run(xcode_run_worker("build/fault/bin"), faults[i].want == ERR_TIMEOUT ? limits : patient, jobs, 2, false);
		if (jobs[0].result.err != faults[i].want || (faults[i].why && strcmp(jobs[0].result.why.text, faults[i].why)))
			T_FAIL("%s: got %s: %s", faults[i].fault, err_name(jobs[0].result.err), jobs[0].result.why.text);
		CHECK_OK(jobs[1].result.err, jobs[1].result.why);
		CHECK(jobs[1].result.size > 132);
		for (unsigned n = 0; n < 2; n++) {
			CHECK_INT(jobs[n].answers, 1);
			close(jobs[n].out_fd);
		}
	}
}

TEST(hang_free, "a set is freed at once though its worker hangs")
{
	struct xcode_job j = { .in = BYTES("PACS-FAULT hang"), .to = TS_J2K_LOSSLESS };
	xcode_run(xcode_run_worker("build/fault/bin"), patient, &j, 1, true);
	CHECK_INT(j.result.err, ERR_CANCELLED);
	CHECK_INT(j.answers, 1);
	close(j.out_fd);
}

int main(void)
{
	/* PACS_BIN names the programs under test; only those of the fault flavour can misbehave. */
	unsetenv("PACS_BIN");
	RUN(faults);
	RUN(hang_free);
	return t_done();
}

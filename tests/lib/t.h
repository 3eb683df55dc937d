/* t - the smallest test harness that speaks TAP; `prove` runs and sums up.
 *
 * A test is one function; its name is a sentence about behaviour. Checks print what was got and
 * what was wanted; the first failed check of a test marks it and the test goes on. What failed is told on stderr, which
 * `prove` shows whatever else it hides.
 *
 *   TEST(header, "a header one byte short asks for more") { CHECK_INT(feed(...), ERR_MORE); }
 *   int main(void) { RUN(header); return t_done(); }
 *
 * The product's log is silent in tests, as most of them make things fail; T_LOG=1 in the environment lets it speak.
 * T_SLOWED there says that the program runs under something that slows it down: what takes how long is not judged then.
 */
#ifndef TESTS_LIB_T_H
#define TESTS_LIB_T_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/log.h"

static int t_count, t_failed;
static bool t_bad;

__attribute__((constructor)) static void silence_log(void)
{
	log_init("test", getenv("T_LOG") ? LOG_DEBUG : LOG_NONE);
}

#define TEST(name, sentence) \
	static const char *const t_says_##name = sentence; \
	static void t_##name(void)
#define RUN(name) t_run(t_##name, t_says_##name)

static inline void t_run(void (*f)(void), const char *says)
{
	t_bad = false;
	f();
	t_count++;
	t_failed += t_bad;
	printf("%sok %d - %s\n", t_bad ? "not " : "", t_count, says);
	fflush(stdout);
	if (t_bad)
		fprintf(stderr, "# failed: %d - %s\n", t_count, says);
}

static inline int t_done(void)
{
	printf("1..%d\n", t_count);
	return t_failed ? 1 : 0;
}

#define T_FAIL(...) \
	do { t_bad = true; fprintf(stderr, "# %s:%d: ", __FILE__, __LINE__); fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); } while (0)

#define CHECK(cond) \
	do { if (!(cond)) T_FAIL("not true: %s", #cond); } while (0)

#define CHECK_INT(got, want) \
	do { \
		long long t_g = (long long)(got), t_w = (long long)(want); \
		if (t_g != t_w) T_FAIL("%s: got %lld, wanted %s = %lld", #got, t_g, #want, t_w); \
	} while (0)

#define CHECK_STR(got, want) \
	do { \
		const char *t_g = (got), *t_w = (want); \
		if (!t_g || !t_w || strcmp(t_g, t_w)) T_FAIL("%s: got \"%s\", wanted \"%s\"", #got, t_g ? t_g : "(null)", t_w ? t_w : "(null)"); \
	} while (0)

#define CHECK_OK(call, why) \
	do { \
		int t_e = (int)(call); \
		if (t_e) T_FAIL("%s: error %d: %s", #call, t_e, (why).text); \
	} while (0)

#endif

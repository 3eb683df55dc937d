/* find - C-FIND over one kept-open association against a node whose index tests/bench/fill made: latencies by kind of query.
 *
 *   find --port P [--called A] --studies N [--mean M] [--seed S] [--runs R] [--kinds A,B] [--factor F] [--check]
 *             [--spin]
 *        N, M and S as they were given to fill: the queries ask for what it made
 *
 * The time of a query goes from its first byte to the final response, or to the FIRST_ANSWERS-th answer when there are more:
 * then the query is cancelled and the next one begins when the cancel was answered.
 * Prints one line for each kind:  kind=patient-id queries=R answers=.. p50_ms=.. p99_ms=.. max_ms=.. limit_ms=..
 * With --check it exits 1 when a p99 is over its limit times F (1), or a query that must find something found nothing.
 */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/clock.h"
#include "tests/lib/county.h"
#include "tests/lib/qr.h"

enum { FIRST_ANSWERS = 100, RUNS_MAX = 100000 };

static struct county county = { .seed = 1, .mean_images = 7 };
static uint64_t chances = 88172645463325252u;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "find: %s: %s\n", what, why);
	exit(2);
}

static unsigned long draw(unsigned long below)
{
	chances ^= chances << 13;
	chances ^= chances >> 7;
	chances ^= chances << 17;
	return below ? (unsigned long)(chances >> 11) % below : 0;
}

static struct county_study some_study(void)
{
	struct county_study s;

	county_study(&county, draw(county.studies), &s);
	return s;
}

static void put(struct dataset *ds, uint32_t tag, const char *text)
{
	if (dataset_put(ds, tag, 0, bytes_str(text)))
		die("an identifier", "no memory");
}

/* ---- the kinds ---- */
static void by_patient_id(struct dataset *ds, unsigned long n) { (void)n; put(ds, TAG_PATIENT_ID, some_study().patient_id); }
static void by_accession(struct dataset *ds, unsigned long n) { (void)n; put(ds, TAG_ACCESSION_NUMBER, some_study().accession); }
static void by_study_uid(struct dataset *ds, unsigned long n) { (void)n; put(ds, TAG_STUDY_UID, some_study().study_uid); }

/* A day, some weeks, or all years; each modality, the rare ones too. */
static void by_date(struct dataset *ds, unsigned long n)
{
	static const char *const modalities[] = { "DX", "US", "CR", "MG", "CT" };
	struct county_study a = some_study(), b;
	char range[32];

	county_study(&county, n % 3 == 2 ? draw(county.studies) : (a.number + draw(n % 3 ? 6000 : 1)) % county.studies, &b);
	bool swapped = strcmp(a.date, b.date) > 0;
	snprintf(range, sizeof(range), "%s-%s", swapped ? b.date : a.date, swapped ? a.date : b.date);
	put(ds, TAG_STUDY_DATE, range);
	put(ds, TAG_MODALITIES_IN_STUDY, modalities[draw(5)]);
}

/* The first characters of somebody's name as it is written there, cut between characters. */
static void by_name_prefix(struct dataset *ds, unsigned long n)
{
	struct county_study s = some_study();
	size_t caret = strcspn(s.name, "^"), end = caret + 1 + 1 + n % 3;
	char key[160];

	if (end > strcspn(s.name, "="))
		end = strcspn(s.name, "=");
	while (s.name[end] && ((unsigned char)s.name[end] & 0xC0) == 0x80)
		end++;
	snprintf(key, sizeof(key), "%.*s*", (int)end, s.name);
	put(ds, TAG_PATIENT_NAME, key);
}

/* Letters run together, of a name that is written in Han: needs the names to be kept as pinyin. */
static struct county_study han_study(void)
{
	struct county_study s = some_study();

	while ((unsigned char)s.name[0] < 0x80)
		s = some_study();
	return s;
}

static void by_pinyin(struct dataset *ds, unsigned long n)
{
	struct county_study s = han_study();
	char key[80];
	size_t at = 0;

	(void)n;
	for (const char *p = s.pinyin; *p; p++)
		key[at++] = (char)(*p == '^' ? ' ' : *p | 32);
	key[at] = 0;
	put(ds, TAG_PATIENT_NAME, key);
}

static void by_initials(struct dataset *ds, unsigned long n)
{
	struct county_study s = han_study();
	char key[8];

	(void)n;
	/* A family name of two characters has two initials, and which of its letters is the second its pinyin does not show. */
	while (strcspn(s.name, "^") != 3)
		s = han_study();
	snprintf(key, sizeof(key), "%c%c*", s.pinyin[0] | 32, s.pinyin[strcspn(s.pinyin, "^") + 1] | 32);
	put(ds, TAG_PATIENT_NAME, key);
}

/* What no index has the beginning of: parts that nobody has, that some have, that very many have; in three attributes. */
static void by_wildcard(struct dataset *ds, unsigned long n)
{
	static const char *const names[] = { "*QQX*", "*UAN*", "*\xE6\x9B\xA6*", "*Z", "*?IJ?*" };
	static const char *const descriptions[] = { "*QQX*", "*AP*", "*routin*", "*\xE9\x92\xBC*" };
	char key[16];

	if (n % 3 == 0) {
		put(ds, TAG_PATIENT_NAME, names[draw(NELEM(names))]);
	} else if (n % 3 == 1) {
		put(ds, TAG(0x0008, 0x1030), descriptions[draw(NELEM(descriptions))]);
	} else {
		snprintf(key, sizeof(key), "*%05lu", draw(1000000));
		put(ds, TAG_ACCESSION_NUMBER, key);
	}
}

static const struct kind {
	const char *name;
	void (*make)(struct dataset *ds, unsigned long n);
	double limit_ms;
	bool must_find, is_optional;             /* optional: only when --kinds names it */
} kinds[] = {
	{ "patient-id", by_patient_id, 2, true, false },
	{ "accession", by_accession, 2, true, false },
	{ "study-uid", by_study_uid, 2, true, false },
	{ "date-modality", by_date, 10, false, false },
	{ "name-prefix", by_name_prefix, 20, true, false },
	{ "pinyin", by_pinyin, 20, true, true },
	{ "initials", by_initials, 20, true, true },
	{ "wildcard", by_wildcard, 300, false, false },
};

/* ---- measuring ---- */
static void ask_for(struct dataset *ds, uint32_t tag)
{
	if (!dataset_has(ds, tag))
		put(ds, tag, "");
}

static double one_query(struct qr *q, const struct kind *k, unsigned long n, unsigned *answers)
{
	struct arena a;
	struct dimse rsp;
	uint8_t context;
	uint64_t len, took = 0, began;

	arena_init(&a, 1 << 20);
	struct dataset *ds = dataset_new(&a);
	put(ds, TAG_SPECIFIC_CHARACTER_SET, "ISO_IR 192");
	put(ds, TAG_QUERY_LEVEL, "STUDY");
	k->make(ds, n);
	static const uint32_t wanted[] = { TAG_STUDY_UID, TAG_STUDY_DATE, TAG_STUDY_TIME, TAG_ACCESSION_NUMBER, TAG_PATIENT_NAME, TAG_PATIENT_ID,
	                                   TAG_MODALITIES_IN_STUDY, TAG(0x0008, 0x1030), TAG(0x0010, 0x0030), TAG(0x0020, 0x1208) };
	for (size_t i = 0; i < NELEM(wanted); i++)
		ask_for(ds, wanted[i]);
	*answers = 0;
	began = clock_mono_ns();
	if (qr_request(q, DIMSE_C_FIND_RQ, ds, NULL))
		die(k->name, "the request could not be sent");
	do {
		if (qr_read(q, &rsp, &context, NULL, &len))
			die(k->name, "the association broke");
		if (!dimse_status_is_pending(rsp.status))
			break;
		if (++*answers == FIRST_ANSWERS) {
			took = clock_mono_ns() - began;
			if (qr_cancel(q))
				die(k->name, "the association broke");
		}
	} while (true);
	if (!took)
		took = clock_mono_ns() - began;
	if (rsp.status != STATUS_SUCCESS && rsp.status != STATUS_CANCEL)
		die(k->name, rsp.error_comment);
	if (k->must_find && !*answers)           /* the people are made up */
		fprintf(stderr, "find: %s: nobody for \"%s\"\n", k->name, dataset_str(ds, TAG_PATIENT_NAME));
	arena_fini(&a);
	return (double)took / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* False: a limit was passed. */
static bool measure(struct qr *q, const struct kind *k, unsigned long runs, double factor)
{
	double *ms = calloc(runs, sizeof(*ms));
	unsigned long found = 0, empty = 0;
	unsigned answers;

	if (!ms)
		die("memory", "none");
	for (unsigned long n = 0; n < 20; n++)   /* what the caches hold in a running node */
		one_query(q, k, n, &answers);
	for (unsigned long n = 0; n < runs; n++) {
		ms[n] = one_query(q, k, n, &answers);
		found += answers;
		empty += !answers;
	}
	qsort(ms, runs, sizeof(*ms), compare);
	double p99 = ms[runs * 99 / 100];
	bool ok = p99 <= k->limit_ms * factor && !(k->must_find && empty);
	printf("kind=%s queries=%lu answers=%lu without=%lu p50_ms=%.3f p99_ms=%.3f max_ms=%.3f limit_ms=%.0f%s\n", k->name, runs, found, empty,
	       ms[runs / 2], p99, ms[runs - 1], k->limit_ms * factor, ok ? "" : " OVER");
	fflush(stdout);
	free(ms);
	return ok;
}

static bool is_named(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, name, n) && (!p[n] || p[n] == ','))
			return true;
	return false;
}

/* For a query of few answers the processor stays awake, and is given up at once to whoever else wants it: the node first
 * of all. Where answers stream, that would leave them unread. */
static void spin(bool on)
{
	const struct sched_param none = { 0 };

	wire_spins = on;
	sched_setscheduler(0, on ? SCHED_IDLE : SCHED_OTHER, &none);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "port", 1, NULL, 'p' }, { "called", 1, NULL, 'c' }, { "studies", 1, NULL, 'n' }, { "mean", 1, NULL, 'm' },
	                                       { "seed", 1, NULL, 's' }, { "runs", 1, NULL, 'r' }, { "kinds", 1, NULL, 'k' }, { "factor", 1, NULL, 'f' },
	                                       { "check", 0, NULL, 'x' }, { "spin", 0, NULL, 'b' }, { 0 } };
	struct wire_target t = { .host = "127.0.0.1", .called = "BENCH", .calling = "FINDER" };
	const char *only = NULL;
	unsigned long runs = 500;
	double factor = 1;
	bool check = false, ok = true, may_spin = false;
	struct why why = { "" };
	struct qr q;

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1; )
		switch (c) {
		case 'p': t.port = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': t.called = optarg; break;
		case 'n': county.studies = strtoul(optarg, NULL, 10); break;
		case 'm': county.mean_images = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': county.seed = strtoul(optarg, NULL, 10); break;
		case 'r': runs = strtoul(optarg, NULL, 10); break;
		case 'k': only = optarg; break;
		case 'f': factor = strtod(optarg, NULL); break;
		case 'x': check = true; break;
		case 'b': may_spin = true; break;
		default: die("usage", "see the top of tests/bench/find.c");
		}
	if (optind != argc || !t.port || !county.studies || !county.mean_images || !runs || runs > RUNS_MAX)
		die("usage", "find --port P --studies N [--runs R] ...; see the top of tests/bench/find.c");
	if (qr_open(&q, &t, UID_STUDY_ROOT_FIND, (struct bytes){ 0 }, NULL, 0, &why))
		die("association", why.text);
	for (size_t i = 0; i < NELEM(kinds); i++)
		if (only ? is_named(only, kinds[i].name) : !kinds[i].is_optional) {
			spin(may_spin && kinds[i].limit_ms < 10);
			ok &= measure(&q, &kinds[i], runs, factor);
		}
	qr_close(&q);
	return check && !ok;
}

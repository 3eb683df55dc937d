/* power - what is left of two nodes after a power cut, at many moments and in many ways.
 *
 *   power --bin DIR --recorder SO --file IMAGE.dcm --dir DIR --port CLINIC-PORT [--trials N] [--images N] [--rounds N]
 *         [--seed S] [--split] [--recoded] [--lie file|dir]
 *
 * DIR/root holds two data folders, clinic (forwards to county) and county (keeps a worklist). A round:
 *   1. the four programs run on them under the recorder, loaders send images to the clinic and note what was answered 0000
 *      (and when that answer left the receiver); then everything ends, and the model must equal the real files;
 *   2. for each trial a moment of that record is drawn (by half right after an answer, or after a sync or a change of a
 *      name) and a tree as the cut may leave it is written; the programs are started on it, undisturbed, and then:
 *        - each image answered before the cut is at the clinic, whole by its digest, and comes to the county and its worklist;
 *        - every image that either index knows has the very bytes that were sent, acknowledged or not;
 *        - no file is without a row, no row without a file, the spool is empty;
 *   3. one tree more becomes the beginning of the next round: so recovery itself is recorded and cut.
 *
 * --recoded: the clinic compresses; the county's bytes are others.
 * --lie: the disk acknowledges syncs of that kind and does nothing; the trials must then find losses (exit 1).
 * Prints what was done and what is wrong; exit 0 only if nothing is.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <linux/tcp.h>           /* the whole struct tcp_info; netinet/tcp.h has an old one */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "db/index.h"
#include "db/survey.h"
#include "pacs/base/clock.h"
#include "pacs/ctl/ctl.h"
#include "pacs/store/digest.h"
#include "tests/lib/scu.h"
#include "tests/lib/verify.h"
#include "tests/power/fs_model.h"

enum { PROGRAMS = 4, LOADERS = 4, PER_STUDY = 10, MAX_IMAGES = 100000, DRAIN_S = 20, LIE_S = 5 };
static const char *const programs[PROGRAMS][2] = {
	{ "county", "storescp" }, { "county", "router" }, { "clinic", "storescp" }, { "clinic", "router" },
};

struct answered { struct uid sop; uint16_t port; uint64_t bytes; size_t event; bool is_old; };

struct power {
	const char *bin, *recorder, *file, *dir, *lie;
	unsigned trials, images, rounds, clinic_port;
	bool split, recoded;
	uint64_t seed;
	struct scu_image image;
	atomic_ulong next, last;         /* image numbers: the next to send, the end of the round */
	pthread_mutex_t lock;
	struct answered *answered;               /* MAX_IMAGES; under lock while loaders run */
	size_t answered_count;
	pid_t pid[PROGRAMS];
	/* the record of this round */
	uint8_t *log;
	size_t log_len;
	const struct power_event **events;
	size_t event_count;
	size_t marked;                   /* rows without a whole file, all trials together */
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "power: %s: %s\n", what, why);
	exit(2);
}

struct path { char s[PATH_MAX + 64]; };

static struct path below(const char *dir, const char *name)
{
	struct path p;
	snprintf(p.s, sizeof(p.s), "%.4000s/%s", dir, name);
	return p;
}

static uint64_t draw(struct power *p)
{
	p->seed = p->seed * 6364136223846793005u + 1442695040888963407u;
	return p->seed >> 20;
}

/* ---- folders and programs ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree(const char *dir)
{
	(void)nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

static void start(struct power *p, unsigned i, const char *root, bool record)
{
	struct path program = below(p->bin, programs[i][1]), dir = below(root, programs[i][0]), record_to = below(p->dir, "record");
	char name[64];
	snprintf(name, sizeof(name), "%s-%s.log", programs[i][0], programs[i][1]);
	struct path log = below(p->dir, name);
	pid_t pid = fork();
	if (pid < 0)
		die("fork", strerror(errno));
	if (pid == 0) {
		int fd = open(log.s, O_WRONLY | O_CREAT | O_APPEND, 0644);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDERR_FILENO);
		dup2(fd, STDOUT_FILENO);
		if (record) {
			setenv(POWER_ROOT, root, 1);
			setenv(POWER_LOG, record_to.s, 1);
			if (p->lie)
				setenv(POWER_LIE, p->lie, 1);
			setenv("LD_PRELOAD", p->recorder, 1);
		}
		execl(program.s, program.s, "-C", dir.s, (char *)NULL);
		_exit(127);
	}
	p->pid[i] = pid;
}

static void start_all(struct power *p, const char *root, bool record)
{
	for (unsigned i = 0; i < PROGRAMS; i++)
		start(p, i, root, record);
}

/* false: one of them had not lived until now, or did not end by itself. */
static bool stop_all(struct power *p)
{
	bool ok = true;
	for (unsigned i = PROGRAMS; i--; ) {
		int status = -1;
		kill(p->pid[i], SIGTERM);
		waitpid(p->pid[i], &status, 0);
		if (status) {
			printf("# %s of the %s ended with status %x\n", programs[i][1], programs[i][0], (unsigned)status);
			ok = false;
		}
		p->pid[i] = 0;
	}
	return ok;
}

/* They answer when they work, and take signals. */
static bool wait_started(const char *root)
{
	uint64_t deadline = clock_mono_ns() + (uint64_t)DRAIN_S * 1000000000u;
	for (unsigned i = 0; i < PROGRAMS; i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s/run/%s.sock", programs[i][0], programs[i][1]);
		struct path socket_path = below(root, name);
		while (ctl_call(socket_path.s, json_pack("{s:s}", "op", "ping"), 1000, NULL, NULL))
			if (clock_mono_ns() > deadline) {
				printf("# %s of the %s does not start\n", programs[i][1], programs[i][0]);
				return false;
			} else {
				nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
			}
	}
	return true;
}

/* ---- load ---- */

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 }, NULL);
}

/* An answer is known by our port and the number of bytes that had come there with its end. */
static void note_answer(struct power *p, const struct scu *s, const struct uid *sop)
{
	struct sockaddr_in me;
	struct tcp_info info;
	socklen_t len = sizeof(me), info_len = sizeof(info);
	if (getsockname(s->fd, (struct sockaddr *)&me, &len) || getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &info_len))
		die("socket", strerror(errno));
	pthread_mutex_lock(&p->lock);
	if (p->answered_count < MAX_IMAGES)
		p->answered[p->answered_count++] = (struct answered){ .sop = *sop, .port = ntohs(me.sin_port), .bytes = info.tcpi_bytes_received };
	pthread_mutex_unlock(&p->lock);
}

static void *loader(void *arg)
{
	struct power *p = arg;
	struct wire_target t = { "127.0.0.1", "CLINIC", "LOAD", p->clinic_port };
	struct scu s;
	struct uid sop;
	uint16_t status;
	uint64_t deadline = clock_mono_ns() + (uint64_t)DRAIN_S * 1000000000u;
	while (atomic_load(&p->next) < atomic_load(&p->last) && clock_mono_ns() < deadline) {
		if (scu_open(&s, &t, &p->image, NULL)) {
			pause_ms(10);
			continue;
		}
		for (unsigned k = 0; k < 2 * PER_STUDY; k++) {
			unsigned long n = atomic_fetch_add(&p->next, 1);
			if (n >= atomic_load(&p->last) || scu_store(&s, n, PER_STUDY, &status, &sop))
				break;
			if (status == 0)
				note_answer(p, &s, &sop);
		}
		scu_close(&s, true);
	}
	return NULL;
}

static struct verify_acked *acked_until(const struct power *p, size_t event, size_t *n)
{
	struct verify_acked *a = calloc(p->answered_count + 1, sizeof(*a));
	if (!a)
		die("memory", "none");
	*n = 0;
	for (size_t i = 0; i < p->answered_count; i++)
		if (p->answered[i].is_old || p->answered[i].event < event)
			a[(*n)++].sop = p->answered[i].sop;
	return a;
}

static bool record_round(struct power *p, const char *root)
{
	pthread_t t[LOADERS];
	struct path county = below(root, "county"), clinic = below(root, "clinic");
	struct why why = { "" };
	size_t n;
	unlink(below(p->dir, "record").s);
	atomic_store(&p->last, atomic_load(&p->next) + p->images);
	start_all(p, root, true);
	for (unsigned i = 0; i < LOADERS; i++)
		if (pthread_create(&t[i], NULL, loader, p))
			die("thread", strerror(errno));
	for (unsigned i = 0; i < LOADERS; i++)
		pthread_join(t[i], NULL);
	atomic_store(&p->next, atomic_load(&p->last));
	struct verify_acked *a = acked_until(p, SIZE_MAX, &n);
	bool ok = n > 0 && verify_drained(clinic.s, county.s, a, n, DRAIN_S, &why) && verify_listed(county.s, a, n, DRAIN_S);
	if (!ok)
		printf("# the recorded run itself: %zu answered; %s\n", n, why.text);
	free(a);
	return stop_all(p) && ok;
}

/* ---- the record ---- */

static void map_record(struct power *p)
{
	struct path path = below(p->dir, "record");
	struct stat st;
	int fd = open(path.s, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !st.st_size)
		die("the recorder wrote nothing to", path.s);
	p->log_len = (size_t)st.st_size;
	p->log = mmap(NULL, p->log_len, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p->log == MAP_FAILED)
		die(path.s, strerror(errno));
	p->event_count = 0;
	for (size_t at = 0; at < p->log_len; ) {
		const struct power_event *ev = (const void *)(p->log + at);
		if (!(p->event_count & (p->event_count - 1)))
			p->events = realloc(p->events, (p->event_count ? 2 * p->event_count : 1) * sizeof(*p->events));
		if (!p->events)
			die("memory", "none");
		p->events[p->event_count++] = ev;
		at += sizeof(*ev) + (ev->len + 7u) / 8 * 8;
	}
}

/* The moment at which each answer left the receiver. */
static bool place_answers(struct power *p)
{
	size_t lost = 0;
	for (size_t i = 0; i < p->answered_count; i++) {
		struct answered *a = &p->answered[i];
		if (a->is_old)
			continue;
		a->event = SIZE_MAX;
		for (size_t k = 0; k < p->event_count && a->event == SIZE_MAX; k++) {
			const struct power_event *ev = p->events[k];
			if (ev->kind == POWER_SEND && ev->inode == a->port && ev->a < a->bytes && a->bytes <= ev->a + ev->b)
				a->event = k;
		}
		lost += a->event == SIZE_MAX;
	}
	if (lost)
		printf("# %zu answers are not in the record\n", lost);
	return !lost;
}

static bool feed(const struct power *p, struct fs_model *m, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (!fs_model_feed(m, p->events[i], bytes_of((const uint8_t *)(p->events[i] + 1), p->events[i]->len)))
			return false;
	return true;
}

static bool is_interesting(enum power_kind k)
{
	return k == POWER_SYNC_END || k == POWER_RENAME || k == POWER_UNLINK;
}

/* By half right after an answer: then the most is promised and the least is synced. */
static size_t moment(struct power *p)
{
	size_t i = (size_t)(draw(p) % p->event_count);
	if (draw(p) % 2) {
		for (unsigned tries = 0; tries < 100; tries++) {
			const struct answered *a = &p->answered[draw(p) % p->answered_count];
			if (!a->is_old)
				return a->event + 1;
		}
	}
	if (draw(p) % 2)
		while (i < p->event_count && !is_interesting((enum power_kind)p->events[i]->kind))
			i++;
	return i < p->event_count ? i + 1 : i;
}

/* ---- a trial ---- */

struct bytes_check { struct power *p; const char *dir; struct index_reader *ix; unsigned wrong; char *data; };

/* The digest of the image as it was sent; false: no such image was ever sent. */
static bool sent_digest(struct bytes_check *b, const char *sop, char out[33])
{
	const struct power *p = b->p;
	char made[BOUND_UID + 1] = "";
	for (unsigned long n = 0; n < atomic_load(&p->last); n++) {
		scu_image_stamp(&p->image, b->data, n, PER_STUDY, made);
		if (strcmp(made, sop))
			continue;
		struct digest *d = digest_new();
		digest_add(d, bytes_of((uint8_t *)b->data, p->image.file_len - p->image.data_at));
		digest_hex(d, out);
		digest_free(&d);
		return true;
	}
	return false;
}

/* Rows that say themselves that no whole file is left. Were they acknowledged, verify_kept() would miss their files. */
struct marked { size_t n; uint64_t instance[512]; };

static bool note_marked(void *arg, const struct survey_damage *d)
{
	struct marked *m = arg;
	if (m->n < NELEM(m->instance))
		m->instance[m->n++] = d->what.instance;
	return true;
}

static enum err read_marked(struct index_reader *ix, struct marked *m, struct why *why)
{
	struct survey *s = NULL;
	enum err e = survey_open(ix, &s, why);
	if (!e)
		e = survey_damaged(s, note_marked, m, why);
	survey_close(&s);
	return e;
}

static bool is_marked(const struct marked *m, uint64_t instance)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->instance[i] == instance)
			return true;
	return false;
}

/* Every other row: what it stands for is what was sent, and its file is whole. */
static bool verify_bytes(struct power *p, const char *dir)
{
	enum { PAGE = 256 };
	struct bytes_check b = { .p = p, .dir = dir };
	struct index_arrival *a = calloc(PAGE, sizeof(*a));
	struct why why = { "" };
	int64_t after = 0;
	size_t n = 1;
	b.data = malloc(p->image.file_len);
	struct marked marked = { 0 };
	enum err e = a && b.data ? index_reader_open(dir, &b.ix, &why) : ERR_NOMEM;
	if (!e)
		e = read_marked(b.ix, &marked, &why);
	p->marked += marked.n;
	if (!e)
		memcpy(b.data, p->image.file + p->image.data_at, p->image.file_len - p->image.data_at);
	while (!e && n && !(e = index_arrivals(b.ix, after, a, PAGE, &n, &why)))
		for (size_t i = 0; i < n; i++) {
			char sent[33] = "";
			struct verify_acked one = { a[i].what.sop_uid };
			after = a[i].seq;
			if (is_marked(&marked, a[i].what.instance))
				continue;
			if ((!sent_digest(&b, a[i].what.sop_uid.s, sent) || strcmp(sent, a[i].what.received_digest)) && b.wrong++ < 3)
				printf("# %s: kept with other bytes than were sent: %s\n", dir, a[i].what.sop_uid.s);
			b.wrong += !verify_kept(dir, &one, 1);
		}
	if (e)
		printf("# %s: %s\n", dir, why.text);
	index_reader_close(&b.ix);
	free(b.data);
	free(a);
	return !e && !b.wrong;
}

static bool check_tree(struct power *p, const char *root, size_t event)
{
	struct path county = below(root, "county"), clinic = below(root, "clinic");
	struct why why = { "" };
	size_t n;
	struct verify_acked *a = acked_until(p, event, &n);
	unsigned drain_s = p->lie ? LIE_S : DRAIN_S;
	start_all(p, root, false);
	/* The clinic may have kept an image and not have told: the county gets that too, and all of it is checked. */
	bool ok = wait_started(root) && verify_drained(clinic.s, clinic.s, a, n, drain_s, &why) && verify_drained(clinic.s, county.s, a, n, drain_s, &why) &&
	          verify_listed(county.s, a, n, drain_s);
	if (why.text[0])
		printf("# %s\n", why.text);
	ok &= stop_all(p);
	ok &= verify_kept(clinic.s, a, n) && verify_kept(county.s, a, n);
	ok &= verify_bytes(p, clinic.s) && (p->recoded || verify_bytes(p, county.s));
	ok &= verify_no_orphans(clinic.s) && verify_no_orphans(county.s);
	free(a);
	return ok;
}

struct trial { size_t event; struct fs_cut cut; };

static int by_event(const void *a, const void *b)
{
	size_t x = ((const struct trial *)a)->event, y = ((const struct trial *)b)->event;
	return (x > y) - (x < y);
}

static struct trial *draw_trials(struct power *p, unsigned n)
{
	static const double kept[] = { 0, 0.5, 0.1, 0.9, 1 };
	struct trial *t = calloc(n, sizeof(*t));
	if (!t)
		die("memory", "none");
	for (unsigned i = 0; i < n; i++)
		t[i] = (struct trial){ moment(p), { .seed = draw(p), .kept = kept[draw(p) % NELEM(kept)], .junk = draw(p) % 2 } };
	qsort(t, n, sizeof(*t), by_event);
	return t;
}

/* All trials of a round in one pass over its record; the last tree that was drawn becomes `next`. */
static unsigned run_trials(struct power *p, struct fs_model *m, const char *next)
{
	struct path root = below(p->dir, "trial");
	unsigned failed = 0, chosen = (unsigned)(draw(p) % p->trials);
	size_t at = 0;
	struct trial *t = draw_trials(p, p->trials);
	for (unsigned i = 0; i < p->trials && failed < (p->lie ? 1 : 3); i++) {
		if (!feed(p, m, at, t[i].event))
			die("model", "the record cannot be played");
		at = t[i].event;
		if (!fs_model_cut(m, &t[i].cut, root.s))
			die("tree", root.s);
		if (i == chosen && next && fs_model_cut(m, &t[i].cut, next))
			for (size_t k = 0; k < p->answered_count; k++)
				p->answered[k].is_old = p->answered[k].is_old || p->answered[k].event < at;
		if (!check_tree(p, root.s, at)) {
			printf("# trial %u: cut after event %zu of %zu, %zu pieces unsynced, kept %.1f%s: FAILED\n", i, at, p->event_count,
			       fs_model_pending(m), t[i].cut.kept, t[i].cut.junk ? ", junk" : "");
			failed++;
		}
		remove_tree(root.s);
	}
	if (!feed(p, m, at, p->event_count))
		die("model", "the record cannot be played");
	free(t);
	return failed;
}

/* Answers of a later moment than the cut that the next round begins with: nothing is promised of them any more. */
static void forget_the_rest(struct power *p)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->answered_count; i++)
		if (p->answered[i].is_old)
			p->answered[kept++] = p->answered[i];
	p->answered_count = kept;
}

static unsigned round_of(struct power *p, unsigned round)
{
	struct path root = below(p->dir, "root"), next = below(p->dir, "next");
	struct fs_model *m = fs_model_new(root.s, p->split);
	if (!m)
		die("cannot read", root.s);
	unsigned failed = !record_round(p, root.s);
	map_record(p);
	failed += !place_answers(p);
	bool is_last = round + 1 == p->rounds;
	failed += failed ? 0 : run_trials(p, m, is_last ? NULL : next.s);
	if (!failed && !fs_model_equals(m, root.s))
		failed++;
	printf("# round %u: %zu calls recorded, %zu images answered, %u cuts, %zu rows marked as not acknowledged, %u failed\n", round, p->event_count,
	       p->answered_count, p->trials, p->marked, failed);
	fs_model_free(&m);
	munmap(p->log, p->log_len);
	if (!is_last && !failed) {
		remove_tree(root.s);
		if (rename(next.s, root.s))
			die(next.s, strerror(errno));
		forget_the_rest(p);
	}
	return failed;
}

static void parse_options(int argc, char **argv, struct power *p)
{
	static const struct option longs[] = {
		{ "bin", 1, NULL, 'b' }, { "recorder", 1, NULL, 'r' }, { "file", 1, NULL, 'f' }, { "dir", 1, NULL, 'd' }, { "port", 1, NULL, 'o' },
		{ "trials", 1, NULL, 't' }, { "images", 1, NULL, 'i' }, { "rounds", 1, NULL, 'n' }, { "seed", 1, NULL, 's' },
		{ "split", 0, NULL, 'x' }, { "recoded", 0, NULL, 'c' }, { "lie", 1, NULL, 'l' }, { 0 },
	};
	p->trials = 10;
	p->images = 60;
	p->rounds = 1;
	p->seed = (uint64_t)clock_wall_ms();
	for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1; ) {
		unsigned n = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
		switch (o) {
		case 'b': p->bin = optarg; break;
		case 'r': p->recorder = optarg; break;
		case 'f': p->file = optarg; break;
		case 'd': p->dir = optarg; break;
		case 'o': p->clinic_port = n; break;
		case 't': p->trials = n; break;
		case 'i': p->images = n; break;
		case 'n': p->rounds = n; break;
		case 's': p->seed = strtoull(optarg, NULL, 10); break;
		case 'x': p->split = true; break;
		case 'c': p->recoded = true; break;
		case 'l': p->lie = optarg; break;
		default: die("usage", "see tests/power/power.c");
		}
	}
	if (!p->bin || !p->recorder || !p->file || !p->dir || !p->clinic_port || !p->trials || !p->images)
		die("usage", "--bin, --recorder, --file, --dir and --port are needed; see tests/power/power.c");
}

int main(int argc, char **argv)
{
	static struct power p;           /* one for the program */
	struct why why = { "" };
	unsigned failed = 0;
	parse_options(argc, argv, &p);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&p.lock, NULL);
	p.answered = calloc(MAX_IMAGES, sizeof(*p.answered));
	if (!p.answered || scu_image_load(&p.image, p.file, false, &why))
		die(p.file, why.text);
	printf("# seed %llu\n", (unsigned long long)p.seed);
	for (unsigned round = 0; round < p.rounds && !failed; round++)
		failed = round_of(&p, round);
	scu_image_free(&p.image);
	free(p.answered);
	free(p.events);
	printf("# %s\n", failed ? "FAILED" : "nothing acknowledged was lost, nothing half-done was seen");
	return failed ? 1 : 0;
}

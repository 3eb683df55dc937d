/* A destination of the router: what it claims, gives, opens and gives back, on associations that do as they are told. */
#include "tests/lib/t.h"

#include <stdlib.h>

#include "pacs/base/clock.h"
#include "router/dest.h"

#define US "1.2.840.10008.5.1.4.1.1.6.1"
#define DX "1.2.840.10008.5.1.4.1.1.1.1"

struct link {
	LIST_ENTRY(link) entry;
	struct dest *dest;
	bool is_open, is_retired, is_lingering;
	unsigned room, given;
	char offers[65];                 /* a class; "" all */
};

/* ---- the associations ---- */
static struct link links[8];
static unsigned opened;
static enum err open_fails;
static struct outbound *given[128];
static unsigned given_count;

enum err link_open(struct dest *d, struct why *why)
{
	struct link *k = &links[opened++];
	if (open_fails)
		return fail(why, open_fails, "refused");
	*k = (struct link){ .dest = d };
	LIST_INSERT_HEAD(&d->links, k, entry);
	d->link_count++;
	return ERR_OK;
}
bool link_is_connecting(const struct link *k) { return !k->is_open; }
bool link_offers(const struct link *k, const struct send_object *o) { return !k->offers[0] || !strcmp(k->offers, o->sop_class.s); }
bool link_has_room(const struct link *k, uint64_t bytes) { (void)bytes; return k->is_open && !k->is_retired && k->given < k->room; }
bool link_is_idle(const struct link *k) { return !k->given; }
enum err link_give(struct link *k, struct outbound *o)
{
	o->link = k;
	k->given++;
	given[given_count++] = o;
	return ERR_OK;
}
void link_linger(struct link *k, bool on) { k->is_lingering = on; }
void link_retire(struct link *k) { k->is_retired = true; }
void link_drop(struct link *k) { (void)k; }
struct link *link_next(const struct link *k) { return LIST_NEXT(k, entry); }
void send_tell_quiet(struct router *r) { (void)r; }

static void link_opens(unsigned i, unsigned room)
{
	links[i].is_open = true;
	links[i].room = room;
	dest_step(links[i].dest);
}

/* ---- the jobs ---- */
static struct jobs_claimed store;        /* what the next claim gets */
static unsigned claims;
static void (*claim_done)(void *arg, enum err e, const struct jobs_claimed *c);
static void *claim_arg;
static struct { int64_t id; enum job_event event; } reports[256];
static unsigned report_count;

enum err jobs_claim(struct router *r, enum job_kind kind, const char *to, size_t max, uint64_t max_bytes,
                    void (*done)(void *arg, enum err e, const struct jobs_claimed *c), void *arg)
{
	(void)r;
	(void)max;
	(void)max_bytes;
	CHECK_INT(kind, JOB_FORWARD);
	CHECK_STR(to, "A");
	claims++;
	claim_done = done;
	claim_arg = arg;
	return ERR_OK;
}

void jobs_report(struct router *r, int64_t id, enum job_event ev, const char *why, void (*saved)(struct router *r))
{
	(void)r;
	(void)why;
	(void)saved;
	reports[report_count].id = id;
	reports[report_count++].event = ev;
}

static void put_job(int64_t id, unsigned priority, const char *sop_class)
{
	size_t i = store.n++;
	store.job[i] = (struct work_job){ .id = id, .priority = priority, .size = 1000 };
	store.what[i] = (struct index_instance){ .oid = (uint64_t)id, .size = 1000 };
	snprintf(store.what[i].sop_class.s, sizeof(store.what[i].sop_class.s), "%s", sop_class);
	snprintf(store.what[i].ts.s, sizeof(store.what[i].ts.s), "%s", TS_EXPLICIT_LE);
}

static void claim_comes(void)
{
	void (*done)(void *, enum err, const struct jobs_claimed *) = claim_done;
	struct jobs_claimed c = store;
	claim_done = NULL;
	store.n = 0;
	if (!done)
		T_FAIL("nothing was claimed");
	else
		done(claim_arg, ERR_OK, &c);
}

/* ---- the destination ---- */
static struct conf conf;
static struct router router;
static struct dest dest;

static void fresh(unsigned max_associations)
{
	struct outbound *o;
	while ((o = TAILQ_FIRST(&dest.ready))) {
		TAILQ_REMOVE(&dest.ready, o, entry);
		free(o);
	}
	for (unsigned i = 0; i < given_count; i++)
		free(given[i]);
	conf = (struct conf){ .retry_min_s = 5, .retry_max_s = 60 };
	router = (struct router){ .conf = &conf };
	dest = (struct dest){ .router = &router, .is_known = true, .has_work = true, .node = { .name = "A", .max_associations = max_associations } };
	TAILQ_INIT(&dest.ready);
	LIST_INIT(&dest.links);
	opened = given_count = claims = report_count = 0;
	open_fails = ERR_OK;
	claim_done = NULL;
	store.n = 0;
}

static void answer(unsigned i, enum err e, uint16_t status, uint64_t bytes, bool has_closed)
{
	const struct send_result res = { .err = e, .status = status, .bytes = bytes, .comment = "words" };
	struct outbound *o = given[i];
	given[i] = NULL;
	o->link->given--;
	dest_done(&dest, o, &res, has_closed);
	dest_step(&dest);
}

static void link_ends(unsigned i)
{
	LIST_REMOVE(&links[i], entry);
	dest.link_count--;
}

TEST(normal, "jobs are claimed, an association is opened, they are given, and their delivery is told")
{
	fresh(2);
	dest_step(&dest);
	CHECK_INT(claims, 1);
	CHECK_INT(opened, 0);
	put_job(1, 0, US);
	put_job(2, 0, US);
	claim_comes();
	CHECK_INT(opened, 1);
	CHECK_INT(given_count, 0);
	link_opens(0, 4);
	CHECK_INT(given_count, 2);
	CHECK_INT(opened, 1);
	answer(0, ERR_OK, 0, 1000, false);
	CHECK_INT(report_count, 1);
	CHECK_INT(reports[0].event, JOB_DELIVERED);
	CHECK_INT(dest.images, 1);
	answer(1, ERR_OK, 0xB000, 1000, false);
	CHECK_INT(reports[1].event, JOB_DELIVERED);
	CHECK(links[0].is_lingering);
}

TEST(idle, "with nothing to do nothing is asked again before somebody says so or a wait is over")
{
	fresh(2);
	dest_step(&dest);
	claim_comes();
	dest_step(&dest);
	CHECK_INT(claims, 1);
	dest.next_due_ms = clock_wall_ms() + 100000;
	dest_step(&dest);
	CHECK_INT(claims, 1);
	dest.next_due_ms = clock_wall_ms();
	dest_step(&dest);
	CHECK_INT(claims, 2);
}

TEST(urgent, "an urgent job that comes later is given before the routine ones that wait")
{
	fresh(1);
	dest_step(&dest);
	for (int64_t id = 1; id <= 5; id++)
		put_job(id, 0, US);
	claim_comes();
	link_opens(0, 1);
	CHECK_INT(given[0]->job, 1);
	put_job(9, 9, US);
	claim_comes();
	CHECK_INT(given_count, 1);
	answer(0, ERR_OK, 0, 1000, false);
	CHECK_INT(given[1]->job, 9);
	CHECK_INT(given[1]->object.priority, 1);
	answer(1, ERR_OK, 0, 1000, false);
	CHECK_INT(given[2]->job, 2);
}

TEST(window, "no more associations than allowed are opened, one after another")
{
	fresh(2);
	dest_step(&dest);
	for (int64_t id = 1; id <= 9; id++)
		put_job(id, 0, US);
	claim_comes();
	CHECK_INT(opened, 1);
	link_opens(0, 2);
	CHECK_INT(opened, 2);
	dest_step(&dest);
	CHECK_INT(opened, 2);
	link_opens(1, 2);
	CHECK_INT(opened, 2);
	CHECK_INT(given_count, 4);
}

TEST(dead, "while connecting fails one attempt is made at a time, and the images are given back untried")
{
	fresh(4);
	dest_step(&dest);
	for (int64_t id = 1; id <= 20; id++)
		put_job(id, 0, US);
	claim_comes();
	CHECK_INT(opened, 1);
	link_ends(0);
	dest_failed(&dest, "unreachable");
	CHECK_INT(report_count, 20);
	for (unsigned i = 0; i < report_count; i++)
		CHECK_INT(reports[i].event, JOB_GIVE_BACK);
	unsigned before = claims;
	for (int i = 0; i < 100; i++)
		dest_step(&dest);
	CHECK_INT(claims, before);
	CHECK_INT(opened, 1);
	CHECK_STR(dest.last_error, "unreachable");
	/* its time comes: one association only, until it has answered */
	dest.not_before_ns = 0;
	dest_step(&dest);
	for (int64_t id = 1; id <= 20; id++)
		put_job(id, 0, US);
	claim_comes();
	CHECK_INT(opened, 2);
	link_opens(1, 1);
	CHECK_INT(opened, 2);
	answer(0, ERR_OK, 0, 1000, false);
	CHECK_INT(dest.failures, 0);
	CHECK_INT(opened, 3);
}

TEST(longer, "each failure waits longer, at most the configured time")
{
	uint64_t now = clock_mono_ns();
	fresh(1);
	for (unsigned i = 1; i <= 8; i++) {
		dest_failed(&dest, "unreachable");
		uint64_t want_s = 5ull << (i - 1) < 60 ? 5ull << (i - 1) : 60, got_ms = (dest.not_before_ns - now) / 1000000;
		if (got_ms < want_s * 500 || got_ms > want_s * 1000 + 1000)
			T_FAIL("failure %u: %llu ms, wanted %llu to %llu", i, (unsigned long long)got_ms, (unsigned long long)want_s * 500, (unsigned long long)want_s * 1000);
	}
}

TEST(poison, "an image on the wire when the association breaks steps aside; those behind it are tried at once")
{
	fresh(1);
	dest_step(&dest);
	put_job(1, 0, US);
	put_job(2, 0, US);
	claim_comes();
	link_opens(0, 2);
	links[0].is_retired = true;
	answer(0, ERR_CLOSED, 0, 500, true);
	answer(1, ERR_CLOSED, 0, 0, true);
	CHECK_INT(reports[0].event, JOB_FAILED);
	CHECK_INT(reports[1].event, JOB_GIVE_BACK);
	link_ends(0);
	dest_step(&dest);
	CHECK_INT(claims, 2);
	put_job(2, 0, US);
	claim_comes();
	CHECK_INT(opened, 2);
}

TEST(full, "a peer without room is left alone for a while")
{
	fresh(1);
	dest_step(&dest);
	for (int64_t id = 1; id <= 5; id++)
		put_job(id, 0, US);
	claim_comes();
	link_opens(0, 2);
	answer(0, ERR_OK, 0xA700, 1000, false);
	CHECK_INT(reports[0].event, JOB_FAILED);
	CHECK(dest.not_before_ns > clock_mono_ns());
	CHECK_INT(dest.ready_count, 0);
	answer(1, ERR_OK, 0xA700, 1000, false);
	CHECK_INT(dest.failures, 1);
	CHECK_INT(given_count, 2);
}

TEST(kinds, "a kind of image that no association offers gets one by retiring another")
{
	fresh(1);
	dest_step(&dest);
	put_job(1, 0, US);
	claim_comes();
	snprintf(links[0].offers, sizeof(links[0].offers), "%s", US);
	link_opens(0, 2);
	CHECK_INT(given_count, 1);
	put_job(2, 0, DX);
	claim_comes();
	CHECK_INT(given_count, 1);
	CHECK(links[0].is_retired);
	answer(0, ERR_OK, 0, 1000, false);
	link_ends(0);
	dest_step(&dest);
	CHECK_INT(opened, 2);
	CHECK_STR(dest.kinds[0].sop_class.s, DX);
	CHECK_STR(dest.kinds[1].sop_class.s, US);
	CHECK_INT(dest.kind_count, 2);
}

TEST(gone, "a claim that comes back when the node was removed is given back")
{
	fresh(1);
	dest_step(&dest);
	put_job(1, 0, US);
	dest.is_known = false;
	claim_comes();
	CHECK_INT(report_count, 1);
	CHECK_INT(reports[0].event, JOB_GIVE_BACK);
	CHECK_INT(opened, 0);
}

int main(void)
{
	TAILQ_INIT(&dest.ready);
	RUN(normal);
	RUN(idle);
	RUN(urgent);
	RUN(window);
	RUN(dead);
	RUN(longer);
	RUN(poison);
	RUN(full);
	RUN(kinds);
	RUN(gone);
	fresh(1);
	return t_done();
}

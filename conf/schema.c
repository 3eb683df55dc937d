#include "conf/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/dicom/recipe.h"

static const char *const levels[] = { "clinic", "county", "province", NULL };
static const char *const duplicates[] = { "keep-first", "keep-latest", NULL };
static const char *const actions[] = { "forward", "worklist", "compress", "notify", "mpps", NULL };
static const char *const callers[] = { "known", "any", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const commits[] = { "no", "yes", "auto", NULL };
static const char *const no_yes[] = { "no", "yes", NULL };

_Static_assert(NELEM(levels) == LEVEL_COUNT + 1, "one word for each level");

const char *conf_level_name(enum conf_level l)
{
	return l < LEVEL_COUNT ? levels[l] : "unknown";
}

#define AT(type, field) .offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)
#define RANGE(low, high) .min = (low), .max = (high), .unit = 1

static const struct option global_rows[] = {
	{ "aet", OPTION_AET, AT(conf, aet),
	  .says = "This node's AE title: what modalities and other nodes call. 1 to 16 characters." },
	{ "level", OPTION_WORD, AT(conf, level), .words = levels, .preset = "clinic",
	  .says = "Where this node stands: clinic, county or province." },
	{ "listen", OPTION_TEXT, AT(conf, listen), .preset = "0.0.0.0",
	  .says = "Address to listen on. 0.0.0.0: every IPv4 address of this machine; 127.0.0.1: this machine only." },
	{ "port", OPTION_COUNT, AT(conf, port), RANGE(1, 65535), .preset = "11112",
	  .says = "TCP port for DICOM." },
	{ "accept", OPTION_YES, AT(conf, accept_any_calling), .words = callers, .preset = "known",
	  .says = "known: only callers that have a node section below are let in; others are shown by `pacs node pending`.\n"
	          "any: every caller is let in. For a lab only." },
	{ "check_called", OPTION_YES, AT(conf, check_called), .preset = "yes",
	  .says = "Refuse callers that call another AE title than `aet`." },
	{ "max_associations", OPTION_COUNT, AT(conf, max_associations), RANGE(1, BOUND_ASSOCIATIONS), .preset = "2000",
	  .says = "Open associations at once; more callers are told to try again later." },
	{ "max_operations", OPTION_COUNT, AT(conf, max_operations), RANGE(1, BOUND_ASYNC_OPS), .preset = "16",
	  .says = "Operations in flight on one association, when the caller asks for an asynchronous window." },
	{ "artim", OPTION_COUNT, AT(conf, artim_s), RANGE(1, 3600), .preset = "30",
	  .says = "Seconds a caller has for opening its association after it has connected." },
	{ "idle", OPTION_COUNT, AT(conf, idle_s), RANGE(1, 86400), .preset = "600",
	  .says = "Seconds of silence after which an association is ended." },
	{ "reserve", OPTION_SIZE, AT(conf, reserve_mb), RANGE(0, 1ul << 30), .preset = "1024",
	  .says = "MB kept free on the disk. Below it new images are refused (A700) until there is space again." },
	{ "quiet", OPTION_COUNT, AT(conf, quiet_s), RANGE(1, 86400), .preset = "60",
	  .says = "Seconds after the last image of a study until the study counts as complete and goes to the worklist." },
	{ "charset", OPTION_TEXT, AT(conf, charset), .preset = "",
	  .says = "Character set of senders that do not say theirs, e.g. GB18030; of answers, when the question says none.\n"
	          "Empty: found by looking at the text; answers in UTF-8." },
	{ "log", OPTION_WORD, AT(conf, log_level), .words = log_levels, .preset = "info",
	  .says = "How much is logged: error, warn, info or debug." },
	{ "compress_workers", OPTION_COUNT, AT(conf, compress_workers), RANGE(1, 64), .preset = "1",
	  .says = "Images that are compressed at the same time, each in a process of its own." },
	{ "worker_memory", OPTION_SIZE, AT(conf, worker_memory_mb), RANGE(64, 1ul << 20), .preset = "2048",
	  .says = "MB of memory that one compressing process may use." },
	{ "worker_timeout", OPTION_COUNT, AT(conf, worker_timeout_s), RANGE(1, 86400), .preset = "300",
	  .says = "Seconds that one image may take to compress or decompress." },
	{ "retry_min", OPTION_COUNT, AT(conf, retry_min_s), RANGE(1, 86400), .preset = "5",
	  .says = "Seconds until the first new attempt when a destination does not answer; doubled each time ..." },
	{ "retry_max", OPTION_COUNT, AT(conf, retry_max_s), RANGE(1, 86400), .preset = "600",
	  .says = "... up to this many seconds. Attempts never end." },
	{ "commit_wait", OPTION_COUNT, AT(conf, commit_wait_s), RANGE(1, 30 * 86400), .preset = "3600",
	  .says = "Seconds until a node that has not said whether it keeps our images (storage commitment) is asked again." },
	{ "keep_jobs", OPTION_COUNT, AT(conf, keep_jobs_days), RANGE(1, 36500), .preset = "30",
	  .says = "Days until finished jobs are forgotten. Open jobs, and those that wait for a confirmation, never are." },
	{ "hl7_port", OPTION_COUNT, AT(conf, hl7_port), RANGE(0, 65535), .preset = "0",
	  .says = "TCP port for orders and patient data by HL7 v2 (MLLP). 0: none. Takes effect at the next start." },
	{ "hl7_from", OPTION_TEXT, AT(conf, hl7_from), .preset = "",
	  .says = "Addresses that may send HL7 messages, with wildcards, e.g. \"10.1.0.5,10.2.*\". Empty: every address." },
	{ "hl7_charset", OPTION_TEXT, AT(conf, hl7_charset), .preset = "",
	  .says = "Character set of HL7 messages that do not say theirs in MSH-18, e.g. GB18030. Empty: found by looking." },
	{ "order_days", OPTION_COUNT, AT(conf, order_days), RANGE(0, 3650), .preset = "30",
	  .says = "Days after its date that an order nobody began leaves the modality worklist. 0: it stays." },
	{ "scrub_days", OPTION_COUNT, AT(conf, scrub_days), RANGE(0, 3650), .preset = "30",
	  .says = "Every stored file is read again and checked within so many days, slowly. 0: never." },
	{ "scrub_rate", OPTION_SIZE, AT(conf, scrub_rate_mb), RANGE(1, 100000), .preset = "20",
	  .says = "MB a second that this may read at most, when the days are too few for all." },
	{ "storage_classes", OPTION_UIDS, .offset = 0, .size = 0, .preset = "{}",
	  .says = "Private storage SOP classes to accept besides the standard ones, e.g. {\"1.2.840.113619.4.27\"}." },
	{ "pinyin", OPTION_YES, AT(conf, pinyin), .preset = "yes",
	  .says = "Find patients by pinyin and initials too: zhangsan, zs. no: only as names are written." },
};

static const struct option node_rows[] = {
	{ "aet", OPTION_AET, AT(conf_node, aet), .says = "Its AE title." },
	{ "host", OPTION_TEXT, AT(conf_node, host), .preset = "",
	  .says = "Its address, when we send to it. Empty: it only calls us." },
	{ "port", OPTION_COUNT, AT(conf_node, port), RANGE(0, 65535), .preset = "0", .says = "Its port, with host." },
	{ "level", OPTION_WORD, AT(conf_node, level), .words = levels, .given_offset = offsetof(struct conf_node, has_level), .preset = "",
	  .says = "For our own nodes: clinic, county or province." },
	{ "charset", OPTION_TEXT, AT(conf_node, charset), .preset = "",
	  .says = "Its character set: of what it sends, when it does not say one or says a false one, and of our answers to it." },
	{ "duplicate", OPTION_WORD, AT(conf_node, duplicate), .words = duplicates, .preset = "keep-first",
	  .says = "When it sends other content under a UID that is here already, both are kept; current is: keep-first or keep-latest." },
	{ "max_associations", OPTION_COUNT, AT(conf_node, max_associations), RANGE(1, 64), .preset = "2",
	  .says = "Associations to it at once." },
	{ "rate", OPTION_SIZE, AT(conf_node, rate_bytes_per_s), .min = 0, .max = 100000000, .unit = 125, .preset = "0",
	  .says = "kbit/s that sending to it may use. 0: no limit." },
	{ "j2k", OPTION_YES, AT(conf_node, accepts_j2k), .preset = "yes",
	  .says = "Offer it images compressed as they are stored; no: always decompressed." },
	{ "commit", OPTION_WORD, AT(conf_node, commit), .words = commits, .preset = "auto",
	  .says = "Ask it to confirm what we sent (storage commitment): no; yes; auto: if it offers that." },
	{ "codec", OPTION_TEXT, AT(conf_node, codec), .preset = "keep",
	  .says = "How images are encoded on the way to it, if it takes that: keep (as stored), jpeg2000, htj2k, jpegls, jpeg-lossless ...\n"
	          "A lossy one (jpeg:90, jpegls-near:2, jpeg2000-lossy:10, htj2k-lossy:2) sends another, derived object; the kept one stays.\n"
	          "What is compressed lossily already goes as it is. `pacs help codecs` tells them all." },
};

static const struct option route_rows[] = {
	{ "calling", OPTION_TEXT, AT(conf_route, calling), .preset = "", .says = "Which senders (AE titles). Empty: all. Several: \"CR1,US?\"." },
	{ "modality", OPTION_TEXT, AT(conf_route, modality), .preset = "", .says = "Which modalities, e.g. \"DR,DX,CR\". Empty: all." },
	{ "body_part", OPTION_TEXT, AT(conf_route, body_part), .preset = "", .says = "Which body parts, e.g. \"CHEST\". Empty: all." },
	{ "level", OPTION_TEXT, AT(conf_route, level), .preset = "", .says = "Only when the sender is a node of this level. Empty: all." },
	{ "action", OPTION_WORD, AT(conf_route, action), .words = actions,
	  .says = "forward: send to the node `to`. worklist: make a reading item for `group`. compress: store as `codec`.\n"
	          "notify: tell the node `to` when a study is complete. mpps: send the modality's performed procedure steps on to it." },
	{ "to", OPTION_NAME, AT(conf_route, to), .preset = "", .says = "forward, notify, mpps: the name of a node section." },
	{ "group", OPTION_TEXT, AT(conf_route, group), .preset = "", .says = "worklist: who reads it, e.g. \"DR\"." },
	{ "codec", OPTION_TEXT, AT(conf_route, codec), .preset = "", .says = "compress: keep, jpeg2000, htj2k, jpegls, jpeg-lossless, rle or deflated; all reversible. Empty: " RECIPE_DEFAULT "." },
	{ "priority", OPTION_COUNT, AT(conf_route, priority), RANGE(0, 9), .preset = "0", .says = "0 routine ... 9 stat." },
	{ "sop_class", OPTION_TEXT, AT(conf_route, sop_class), .preset = "", .says = "Which SOP classes (UIDs). Empty: all." },
};

static const struct option retention_rows[] = {
	{ "calling", OPTION_TEXT, AT(conf_retention, calling), .preset = "", .says = "Studies of which senders. Empty: all." },
	{ "modality", OPTION_TEXT, AT(conf_retention, modality), .preset = "", .says = "Studies with one of these modalities, e.g. \"MG\". Empty: all." },
	{ "keep", OPTION_TEXT, AT(conf_retention, keep), .preset = "hold", .says = "How long after the last image: \"15y\", \"30y\", \"400d\"; \"hold\": for ever." },
	{ "quota", OPTION_SIZE, AT(conf_retention, quota_mb), RANGE(0, 1ul << 40), .preset = "0",
	  .says = "MB that all studies of this class may take; above it the oldest go first. 0: no limit." },
};

const struct option_table conf_schema = { NULL, global_rows, NELEM(global_rows) };
const struct option_table conf_node_schema = { "node", node_rows, NELEM(node_rows) };
const struct option_table conf_route_schema = { "route", route_rows, NELEM(route_rows) };
const struct option_table conf_retention_schema = { "retention", retention_rows, NELEM(retention_rows) };

const struct option *option_find(const struct option_table *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->rows[i].name, name))
			return &t->rows[i];
	return NULL;
}

/* Changes of one letter that make b out of a (Levenshtein), for words of a few letters. */
static unsigned distance(const char *a, const char *b)
{
	enum { LONGEST = 32 };
	unsigned row[LONGEST + 1];
	size_t n = strlen(b);
	if (strlen(a) > LONGEST || n > LONGEST)
		return LONGEST;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned best = corner + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

const char *option_guess(const struct option_table *t, const char *name)
{
	const char *best = NULL;
	unsigned least = 3;
	for (size_t i = 0; i < t->count; i++) {
		unsigned d = distance(name, t->rows[i].name);
		if (d < least) {
			least = d;
			best = t->rows[i].name;
		}
	}
	return best;
}

bool conf_name_is_legal(const char *s)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	return n >= 1 && n < sizeof(((struct conf_node *)0)->name);
}

/* PS3.5 table 6.2-1: no backslash, no control characters; blanks at the ends do not count, so we allow none there. */
bool conf_aet_is_legal(const char *s)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] > '~' || s[i] == '\\')
			return false;
	return n >= 1 && n <= BOUND_AET && s[0] != ' ' && s[n - 1] != ' ';
}

static void *place(const struct option *o, void *target)
{
	return (char *)target + o->offset;
}

static enum err set_number(const struct option *o, const char *text, void *target, struct why *why)
{
	char *end;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || v < o->min || v > o->max)
		return fail(why, ERR_CONFIG, "%s is \"%.60s\", expected a number from %lu to %lu", o->name, text, o->min, o->max);
	if (target && o->kind == OPTION_COUNT)
		*(unsigned *)place(o, target) = (unsigned)v;
	else if (target)
		*(unsigned long *)place(o, target) = v * o->unit;
	return ERR_OK;
}

static enum err set_word(const struct option *o, const char *text, void *target, struct why *why)
{
	const char *const *words = o->words ? o->words : no_yes;
	char all[128] = "";
	size_t at = 0;
	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], text)) {
			if (target && o->kind == OPTION_YES)
				*(bool *)place(o, target) = i == 1;
			else if (target)
				memcpy(place(o, target), &i, sizeof(i));
			return ERR_OK;
		}
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
	}
	return fail(why, ERR_CONFIG, "%s is \"%.60s\", expected %s", o->name, text, all);
}

static enum err set_text(const struct option *o, const char *text, void *target, struct why *why)
{
	size_t n = strlen(text);
	if (o->kind == OPTION_AET && !conf_aet_is_legal(text))
		return fail(why, ERR_CONFIG, "%s is \"%.60s\" (%zu characters), expected an AE title: 1 to %d ASCII characters, no backslash, no blank at the ends",
		            o->name, text, n, BOUND_AET);
	if (o->kind == OPTION_NAME && n && !conf_name_is_legal(text))
		return fail(why, ERR_CONFIG, "%s is \"%.60s\", expected a name of letters, digits, - and _, at most %zu", o->name, text, o->size - 1);
	if (n >= o->size)
		return fail(why, ERR_CONFIG, "%s has %zu characters, expected at most %zu", o->name, n, o->size - 1);
	for (const char *s = text; *s; s++)
		if ((unsigned char)*s < ' ')
			return fail(why, ERR_CONFIG, "%s holds the control character %02x", o->name, (unsigned char)*s);
	if (target)
		memcpy(place(o, target), text, n + 1);
	return ERR_OK;
}

enum err option_set(const struct option *o, const char *text, void *target, struct why *why)
{
	enum err e = ERR_OK;
	switch (o->kind) {
	case OPTION_TEXT:
	case OPTION_NAME:
	case OPTION_AET:
		e = set_text(o, text, target, why);
		break;
	case OPTION_COUNT:
	case OPTION_SIZE:
		e = set_number(o, text, target, why);
		break;
	case OPTION_WORD:
	case OPTION_YES:
		e = set_word(o, text, target, why);
		break;
	case OPTION_UIDS:
		if (!uid_is_legal(text))
			e = fail(why, ERR_CONFIG, "%s holds \"%.70s\", expected UIDs: digits and dots, at most %d", o->name, text, BOUND_UID);
		break;
	}
	if (!e && target && o->given_offset)
		*(bool *)((char *)target + o->given_offset) = true;
	return e;
}

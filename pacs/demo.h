/* demo - what the files of `pacs demo` share: three nodes, the images that were sent, what is known of each.
 *
 * The demo learns everything by asking, as a person would: the indexes (read only), the local sockets, and
 * independent clients as child processes. It is one thread; Ctrl-C is seen in every wait.
 */
#ifndef PACS_DEMO_H
#define PACS_DEMO_H

#include <limits.h>
#include <sys/types.h>

#include "db/index.h"
#include "pacs/base/buf.h"
#include "pacs/command.h"

enum demo_place { CLINIC, COUNTY, PROVINCE, PLACES };

struct demo_node {
	const char *aet, *name;
	enum conf_level level;
	unsigned port;
	char dir[PATH_MAX];
	pid_t pid;                   /* of its `pacs serve`; 0: none */
	struct conf *conf;
	struct index_reader *index;  /* NULL until it is there */
};

/* The way of an image, in this order; LISTED and RAISED do not happen to every one. */
enum demo_stage { STAGE_SENT, STAGE_INDEXED, STAGE_COMPRESSED, STAGE_FORWARDED, STAGE_LISTED, STAGE_RAISED, STAGES };

struct demo_image {
	char path[PATH_MAX], label[40];
	struct uid sop, study;
	uint64_t size, kept_size;    /* of the file sent; as it is kept at the clinic now */
	bool is_phantom, is_imaging; /* made by us; DR or ultrasound, so compression and worklist apply */
	bool is_refused;             /* storescu failed */
	char note[120];              /* why it is kept uncompressed */
	double at_s[STAGES];         /* seconds since the first image was sent; 0: not yet */
};

enum { DEMO_IMAGES_MAX = 64 };

struct demo {
	char bin[PATH_MAX];          /* the folder of our programs */
	char dir[PATH_MAX];
	bool once, keep, is_terminal, is_own_dir;
	struct demo_node nodes[PLACES];
	struct demo_image images[DEMO_IMAGES_MAX];
	size_t image_count;
	uint64_t begun_ns;
	int signal_fd;
	bool is_interrupted;
	unsigned steps, failed;      /* verified ones */
	unsigned drawn;              /* lines of the table on the terminal */
};

/* ---- demo_process.c ---- */
bool demo_signals_open(struct demo *d);
/* Waits; false once Ctrl-C or SIGTERM came. */
bool demo_pause(struct demo *d, unsigned ms);
/* argv ends with NULL; a name without / is looked for in PATH. Output goes to the file `log`. 0: it could not be started. */
pid_t demo_spawn(const char *const *argv, const char *log);
void  demo_stop(pid_t *pid);
/* Runs it to its end, with what it wrote in *out (may be NULL). Its exit code; -1: not started, killed or interrupted. */
int   demo_run(struct demo *d, const char *const *argv, struct buf *out);
bool  demo_program_exists(const char *name);

/* ---- demo_nodes.c ---- */
bool demo_nodes_start(struct demo *d);
void demo_nodes_stop(struct demo *d);

/* ---- demo_images.c ---- */
bool demo_images_find(struct demo *d);
bool demo_images_send(struct demo *d);

/* ---- demo_watch.c ---- */
/* Looks once at everything and shows what is new. */
void demo_look(struct demo *d);
/* Until every image has gone its way, or the time is over. */
bool demo_watch(struct demo *d, unsigned timeout_s);
/* A reading item at a node, by study ("" any) and state ("" any); false: none. */
bool demo_item(struct demo *d, enum demo_place at, const char *study, const char *state, char uid[65]);
bool demo_has_ts(struct demo *d, enum demo_place at, const struct demo_image *m, const char *ts);

/* ---- demo_show.c ---- */
void demo_show_stage(struct demo *d, const struct demo_image *m, enum demo_stage s);     /* one line, when not on a terminal */
void demo_show_table(struct demo *d);                                                    /* on a terminal: drawn again */
void demo_say(struct demo *d, const char *fmt, ...) PRINTF(2, 3);
/* One verified step: said, counted. Returns ok. */
bool demo_step(struct demo *d, bool ok, const char *fmt, ...) PRINTF(3, 4);
double demo_now_s(const struct demo *d);

/* ---- demo_reader.c ---- */
bool demo_read_cases(struct demo *d);

/* ---- demo_verify.c ---- */
void demo_verify_images(struct demo *d);
/* The pixels of two files, decoded by GDCM, are the same. */
bool demo_same_pixels(struct demo *d, const char *a, const char *b);

/* ---- demo_help.c ---- */
void demo_print_next(const struct demo *d);

#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/demo.h"
#include "pacs/dicom/dataset.h"
#include "pacs/dicom/part10.h"

/* Real objects that a default storescu can send (uncompressed), where they are at hand. */
static const char *const real[] = {
	"dr/cr_philips_study_000.dcm", "dr/cr_philips_study_001.dcm", "dr/dx_ge_505x2021_tcia.dcm", "dr/mg_pixelspacing_512.dcm",
	"us/us1_unc.dcm", "us/philips_palette_implicit.dcm", "us/esaote_ybr422_555x800.dcm", "us/aloka_pal16_bigendian.dcm",
};
static const char *const pydicom[] = { "CT_small.dcm", "MR_small_implicit.dcm", "SC_rgb_small_odd.dcm" };
#define PYDICOM_FOLDER "/usr/lib/python3/dist-packages/pydicom/data/test_files"

/* The SOP Instance UID of the data set, which is what storescu sends; that of the meta group is another in some
 * real files. The head of the file is enough, and that it is cut does not matter. */
static bool read_sop(struct bytes head, const struct part10 *p, struct uid *out)
{
	const struct ts *ts = ts_find(p->transfer_syntax.s);
	struct dataset *ds = NULL;
	struct arena a;
	arena_init(&a, 4 << 20);
	if (ts && p->dataset_at < head.len) {
		struct bytes body = { head.p + p->dataset_at, head.len - p->dataset_at };
		enum err cut = dataset_parse(&a, body, ds_encoding_of(ts), &ds, NULL);
		(void)cut;
	}
	snprintf(out->s, sizeof(out->s), "%s", ds ? dataset_str(ds, TAG(0x0008, 0x0018)) : "");
	arena_fini(&a);
	return out->s[0];
}

/* Files without a meta group are left out. */
static bool read_identity(struct demo_image *m)
{
	static uint8_t head[65536];      /* one image is read at a time */
	int fd = open(m->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return false;
	ssize_t n = read(fd, head, sizeof(head));
	bool ok = n > 0 && !fstat(fd, &st);
	close(fd);
	struct part10 p;
	if (!ok || part10_read(bytes_of(head, (size_t)n), &p, NULL) || !read_sop(bytes_of(head, (size_t)n), &p, &m->sop))
		return false;
	m->size = (uint64_t)st.st_size;
	return true;
}

static bool is_there(const struct demo *d, const struct uid *sop)
{
	for (size_t i = 0; i < d->image_count; i++)
		if (!strcmp(d->images[i].sop.s, sop->s))
			return true;
	return false;
}

static void add(struct demo *d, const char *folder, const char *file, bool is_phantom)
{
	if (d->image_count == DEMO_IMAGES_MAX)
		return;
	struct demo_image m = { .is_phantom = is_phantom };
	int n = snprintf(m.path, sizeof(m.path), "%s/%s", folder, file);
	if (n < 0 || (size_t)n >= sizeof(m.path) || !read_identity(&m) || is_there(d, &m.sop))
		return;
	snprintf(m.label, sizeof(m.label), "%.35s", strrchr(m.path, '/') + 1);
	char *dot = strrchr(m.label, '.');
	if (dot)
		*dot = '\0';
	d->images[d->image_count++] = m;
}

static int by_name(const void *a, const void *b)
{
	const struct demo_image *x = a, *y = b;
	return strcmp(x->path, y->path);
}

static bool make_phantoms(struct demo *d)
{
	char program[PATH_MAX + 32], folder[PATH_MAX + 16];
	struct buf out;
	struct why why;
	buf_init(&out, 1 << 16);
	/* build/bin/pacs has it in build/release/tools, a build/FLAVOUR/bin/pacs in build/FLAVOUR/tools. */
	snprintf(program, sizeof(program), "%s/../release/tools/phantom", d->bin);
	if (access(program, X_OK))
		snprintf(program, sizeof(program), "%s/../tools/phantom", d->bin);
	snprintf(folder, sizeof(folder), "%s/images", d->dir);
	const char *argv[] = { program, "--out", folder, "--set", "demo", NULL };
	int code = durable_mkdirs(folder, &why) ? -1 : demo_run(d, argv, &out);
	if (code && !d->is_interrupted)
		say_error("the phantom images could not be made (%s, exit %d): %s", program, code, buf_cstr(&out));
	buf_fini(&out);
	DIR *dir = code ? NULL : opendir(folder);
	if (!dir)
		return false;
	for (const struct dirent *e; (e = readdir(dir)); )
		if (strstr(e->d_name, ".dcm"))
			add(d, folder, e->d_name, true);
	closedir(dir);
	qsort(d->images, d->image_count, sizeof(d->images[0]), by_name);
	return d->image_count > 0;
}

bool demo_images_find(struct demo *d)
{
	if (!make_phantoms(d))
		return false;
	size_t phantoms = d->image_count;
	char folder[PATH_MAX + 32];
	const char *env = getenv("PACS_TEST_DATA");
	snprintf(folder, sizeof(folder), "%s/../../../shared/data", d->bin);
	for (size_t i = 0; i < NELEM(real); i++)
		add(d, env ? env : folder, real[i], false);
	for (size_t i = 0; i < NELEM(pydicom); i++)
		add(d, PYDICOM_FOLDER, pydicom[i], false);
	demo_say(d, "%zu phantoms, %zu real images", phantoms, d->image_count - phantoms);
	return true;
}

static bool send_one(struct demo *d, struct demo_image *m)
{
	char port[8];
	struct buf out;
	buf_init(&out, 1 << 16);
	snprintf(port, sizeof(port), "%u", d->nodes[CLINIC].port);
	const char *argv[] = { "storescu", "-aec", d->nodes[CLINIC].aet, "127.0.0.1", port, m->path, NULL };
	m->is_refused = demo_run(d, argv, &out) != 0;
	/* Success is said only when the file, its directory and its row are on disk: received is durable. */
	if (!m->is_refused) {
		m->at_s[STAGE_SENT] = demo_now_s(d);
		demo_show_stage(d, m, STAGE_SENT);
	} else if (!d->is_interrupted) {
		say_error("%s was not stored: %s", m->label, buf_cstr(&out));
	}
	buf_fini(&out);
	return !d->is_interrupted;
}

bool demo_images_send(struct demo *d)
{
	d->begun_ns = clock_mono_ns();
	for (size_t i = 0; i < d->image_count; i++) {
		if (!send_one(d, &d->images[i]))
			return false;
		demo_look(d);
	}
	return true;
}

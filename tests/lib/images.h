/* images - small synthetic objects on their way into ingest, for the tests of the store.
 *
 * An image is: a data set of the usual keys, native pixels (16 bits if nothing else is said), in any of the plain
 * syntaxes. Its pixel bytes follow from `seed`, so two images of one seed have equal content whatever their encoding. */
#ifndef TESTS_LIB_IMAGES_H
#define TESTS_LIB_IMAGES_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "db/index.h"
#include "pacs/base/durable.h"
#include "pacs/dicom/dataset.h"
#include "pacs/dicom/part10.h"
#include "pacs/net/loop.h"
#include "pacs/store/digest.h"
#include "pacs/store/ingest.h"
#include "pacs/store/object.h"

#define IMAGE_CLASS "1.2.840.10008.5.1.4.1.1.1.1"

struct image {
	const char *study, *series, *sop;        /* NULL: the attribute is left out */
	const char *patient_id, *name, *charset; /* NULL: "P1", "TEST^A", none */
	unsigned seed;
	const char *ts;                          /* NULL: explicit LE */
	unsigned side;                           /* rows and columns; 0: 8 */
	unsigned bits, frames;                   /* allocated, 0: 16; 0: 1, and the attribute is left out */
	bool is_rgb, is_by_plane;
};

/* The data set up to its pixels, and the pixel element: both in the encoding of ts. */
static inline void image_encode(const struct image *im, struct buf *header, struct buf *pixels)
{
	struct arena a;
	const struct ts *ts = ts_find(im->ts ? im->ts : TS_EXPLICIT_LE);
	enum ds_encoding enc = ds_encoding_of(ts);
	unsigned side = im->side ? im->side : 8, bits = im->bits ? im->bits : 16;
	arena_init(&a, 1 << 20);
	struct dataset *ds = dataset_new(&a);
	const struct { uint32_t tag; const char *v; } texts[] = {
		{ TAG_SPECIFIC_CHARACTER_SET, im->charset }, { TAG_SOP_CLASS_UID, IMAGE_CLASS }, { TAG_SOP_INSTANCE_UID, im->sop },
		{ TAG_STUDY_DATE, "20260301" }, { TAG_STUDY_TIME, "081530" }, { TAG_ACCESSION_NUMBER, "A1" }, { TAG_MODALITY, "DX" },
		{ TAG_PATIENT_NAME, im->name ? im->name : "TEST^A" }, { TAG_PATIENT_ID, im->patient_id ? im->patient_id : "P1" },
		{ TAG(0x0018, 0x0015), "chest" }, { TAG_STUDY_UID, im->study }, { TAG_SERIES_UID, im->series },
		{ TAG(0x0020, 0x0011), "1" }, { TAG(0x0020, 0x0013), "007" },
	};
	for (size_t i = 0; i < NELEM(texts); i++)
		if (texts[i].v && dataset_put_str(ds, texts[i].tag, texts[i].v))
			abort();
	if (dataset_put_us(ds, TAG(0x0028, 0x0010), (uint16_t)side) || dataset_put_us(ds, TAG(0x0028, 0x0011), (uint16_t)side) ||
	    dataset_put_us(ds, TAG(0x0028, 0x0100), (uint16_t)bits))
		abort();
	if (im->frames) {
		char text[16];
		snprintf(text, sizeof(text), "%u", im->frames);
		if (dataset_put_str(ds, TAG(0x0028, 0x0008), text))
			abort();
	}
	if (im->is_rgb && (dataset_put_us(ds, TAG(0x0028, 0x0002), 3) || dataset_put_str(ds, TAG(0x0028, 0x0004), "RGB") ||
	                   dataset_put_us(ds, TAG(0x0028, 0x0006), im->is_by_plane)))
		abort();
	if (dataset_write(ds, enc, header))
		abort();
	arena_fini(&a);
	uint32_t samples = side * side * (im->is_rgb ? 3 : 1) * (im->frames ? im->frames : 1);
	uint32_t len = samples * (bits / 8);
	len += len & 1;
	if (enc == DS_EXPLICIT_BE) {
		buf_add(pixels, bits == 8 ? "\x7f\xe0\0\x10OB\0\0" : "\x7f\xe0\0\x10OW\0\0", 8);
		buf_add_be32(pixels, len);
	} else {
		buf_add(pixels, bits == 8 ? "\xe0\x7f\x10\0OB\0\0" : "\xe0\x7f\x10\0OW\0\0", enc == DS_IMPLICIT_LE ? 4 : 8);
		buf_add_le32(pixels, len);
	}
	for (uint32_t i = 0; i < len && bits == 8; i++)
		buf_add_byte(pixels, (uint8_t)(i < samples ? i * 7 + im->seed * 101 : 0));
	for (uint32_t i = 0; i < len / 2 && bits == 16; i++) {
		uint16_t v = (uint16_t)(i * 7 + im->seed * 1001);
		if (enc == DS_EXPLICIT_BE)
			buf_add_be16(pixels, v);
		else
			buf_add_le16(pixels, v);
	}
}

/* What the upper layer and the spool make of an image: a synced file below dir and the job that tells of it. */
static inline struct ingest_job *image_job(const char *dir, const struct image *im, const char *name)
{
	struct buf header, pixels, file;
	struct part10 meta = { .source_aet = "CR1" };
	struct ingest_job *j = calloc(1, sizeof(*j));
	buf_init(&header, 1 << 20);
	buf_init(&pixels, 64 << 20);
	buf_init(&file, 64 << 20);
	image_encode(im, &header, &pixels);
	snprintf(j->ts.s, sizeof(j->ts.s), "%s", im->ts ? im->ts : TS_EXPLICIT_LE);
	snprintf(j->sop_class.s, sizeof(j->sop_class.s), "%s", IMAGE_CLASS);
	snprintf(j->sop_instance.s, sizeof(j->sop_instance.s), "%s", im->sop ? im->sop : "9.9");
	snprintf(j->calling, sizeof(j->calling), "CR1");
	snprintf(j->called, sizeof(j->called), "PACS");
	snprintf(j->address, sizeof(j->address), "127.0.0.1:4711");
	snprintf(j->path, sizeof(j->path), "spool/%s", name);
	meta.sop_class = j->sop_class;
	meta.sop_instance = j->sop_instance;
	meta.transfer_syntax = j->ts;
	if (part10_write(&meta, &file))
		abort();
	j->dataset_at = file.len;
	buf_add(&file, header.p, header.len);
	buf_add(&file, pixels.p, pixels.len);
	j->size = file.len;
	struct digest *d = digest_new();
	digest_add(d, bytes_of(file.p + j->dataset_at, file.len - j->dataset_at));
	digest_hex(d, j->digest);
	digest_free(&d);
	j->encoding = ds_encoding_of(ts_find(j->ts.s));
	j->has_pixel_data = true;
	uint8_t *copy = malloc(header.len);
	memcpy(copy, header.p, header.len);
	j->header = bytes_of(copy, header.len);
	char path[400];
	snprintf(path, sizeof(path), "%s/%s", dir, j->path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, file.p, file.len) != (ssize_t)file.len || close(fd)) {
		perror(path);
		abort();
	}
	buf_fini(&header);
	buf_fini(&pixels);
	buf_fini(&file);
	return j;
}

static inline struct conf *image_conf(const char *dir)
{
	struct conf *c = calloc(1, sizeof(*c));
	snprintf(c->dir, sizeof(c->dir), "%s", dir);
	c->refs = 1;
	return c;
}

/* Answers of ingest do not keep a loop running by themselves; a listener does in the programs, this in the tests. */
static struct loop_timer *images_timer;
static inline void images_too_late(void *arg)
{
	(void)arg;
	fprintf(stderr, "no answer within a minute\n");
	abort();
}

static inline void keep_running(struct loop *l)
{
	if (loop_timer_new(l, images_too_late, NULL, &images_timer))
		abort();
	loop_timer_start(images_timer, 60000, 0);
}

static inline void let_end(void)
{
	loop_timer_free(&images_timer);
}

static inline unsigned files_in(const char *dir, const char *below)
{
	char path[400];
	unsigned n = 0;
	snprintf(path, sizeof(path), "%s/%s", dir, below);
	DIR *d = opendir(path);
	for (struct dirent *de; d && (de = readdir(d)); )
		n += de->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

/* Is this object there, and are its data set bytes those of the digest? */
static inline bool object_is_whole(const char *dir, const struct index_instance *i)
{
	int fd;
	uint64_t size;
	char digest[33];
	if (object_open(dir, i->oid, &fd, &size, NULL))
		return false;
	bool ok = size == i->size && !object_digest(fd, i->dataset_at, digest, NULL) && !strcmp(digest, i->digest);
	close(fd);
	return ok;
}

#endif

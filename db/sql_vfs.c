#include "db/sql_vfs.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/fault.h"

enum { GATHER = 120 << 10 };             /* bytes of the log in one write: 29 pages; SQLite's own files take 131,071 bytes at most */

enum { CONTROL_SLOT = 1000 };             /* to our xFileControl; SQLite's own are below 100 */
enum { FRAME_HEAD = 24, LOG_HEAD = 32 };  /* of the log: before each page; before all */

/* A file of ours stands before SQLite's own in one piece of memory: { our_file, real file }. */
struct our_file {
	sqlite3_file base;
	bool is_log;
	bool ends_commit;                /* the next page is a commit's last */
	sqlite3_int64 end;               /* behind all that was written, or gathered, since the log began anew */
	void *slot;                      /* of the database itself */
	uint8_t *gathered;               /* owned: what is to be written */
	sqlite3_int64 at;
	int len;
};

static struct our_file *ours(sqlite3_file *f)
{
	return (struct our_file *)f;
}

static sqlite3_file *real(sqlite3_file *f)
{
	return (sqlite3_file *)(void *)(ours(f) + 1);
}

/* ---- gathering ---- */

static int put(struct our_file *o, const void *p, int n, sqlite3_int64 at)
{
	return fault_fails(FAULT_WRITE) ? SQLITE_IOERR_WRITE : real(&o->base)->pMethods->xWrite(real(&o->base), p, n, at);
}

/* What cannot be written is told once: SQLite then takes the whole transaction back, and the next one begins at the same place. */
static int flush(struct our_file *o)
{
	int len = o->len;
	o->len = 0;
	return len ? put(o, o->gathered, len, o->at) : SQLITE_OK;
}

/* Where SQLite does not expect a full disk, it would take back one statement only, and the transaction would go on with a hole. */
static int flush_before(struct our_file *o)
{
	return flush(o) == SQLITE_OK ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

/* Pages are gathered as the log grows; what is written over is written as it is. */
static bool is_gathered(struct our_file *o, int n, sqlite3_int64 at)
{
	if (!o->is_log || n > GATHER || at < o->end)
		return false;
	return o->gathered || (o->gathered = malloc(GATHER));
}

static int gather(struct our_file *o, const uint8_t *p, int n, sqlite3_int64 at)
{
	int code = o->len && (at != o->at + o->len || n > GATHER - o->len) ? flush(o) : SQLITE_OK;
	if (code)
		return code;
	if (!o->len)
		o->at = at;
	memcpy(o->gathered + o->len, p, (size_t)n);
	o->len += n;
	bool is_over = o->ends_commit && n != FRAME_HEAD;
	/* A frame's head has the pages of the database after its commit, or 0. */
	o->ends_commit = n == FRAME_HEAD && (p[4] | p[5] | p[6] | p[7]);
	return is_over ? flush(o) : SQLITE_OK;
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct our_file *o = ours(f);
	if (n == LOG_HEAD && !at)
		o->end = 0;
	bool is_new = is_gathered(o, n, at);
	o->end = at + n > o->end ? at + n : o->end;
	if (is_new)
		return gather(o, p, n, at);
	int code = flush(o);
	return code ? code : put(o, p, n, at);
}

static int f_sync(sqlite3_file *f, int flags)
{
	int code = flush(ours(f));
	if (fault_fails(FAULT_FSYNC))
		return SQLITE_IOERR_FSYNC;
	return code ? code : real(f)->pMethods->xSync(real(f), flags);
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int code = flush_before(ours(f));
	return code ? code : real(f)->pMethods->xRead(real(f), p, n, at);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	int code = flush_before(ours(f));
	ours(f)->end = n;
	return code ? code : real(f)->pMethods->xTruncate(real(f), n);
}

static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
	int code = flush_before(ours(f));
	return code ? code : real(f)->pMethods->xFileSize(real(f), n);
}

static int f_close(sqlite3_file *f)
{
	struct our_file *o = ours(f);
	int code = flush(o), closed = real(f)->pMethods->xClose(real(f));
	free(o->gathered);
	return code ? code : closed;
}

/* ---- a place for a pointer ---- */

static int f_control(sqlite3_file *f, int op, void *p)
{
	if (op != CONTROL_SLOT)
		return real(f)->pMethods->xFileControl(real(f), op, p);
	*(void ***)p = &ours(f)->slot;
	return SQLITE_OK;
}

void **sql_vfs_slot(sqlite3 *db)
{
	void **slot = NULL;
	return sqlite3_file_control(db, "main", CONTROL_SLOT, &slot) == SQLITE_OK ? slot : NULL;
}

/* ---- the rest ---- */

static int f_lock(sqlite3_file *f, int l) { return real(f)->pMethods->xLock(real(f), l); }
static int f_unlock(sqlite3_file *f, int l) { return real(f)->pMethods->xUnlock(real(f), l); }
static int f_check(sqlite3_file *f, int *l) { return real(f)->pMethods->xCheckReservedLock(real(f), l); }
static int f_sector(sqlite3_file *f) { return real(f)->pMethods->xSectorSize(real(f)); }
static int f_device(sqlite3_file *f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
static int f_shm_map(sqlite3_file *f, int r, int n, int e, void volatile **p) { return real(f)->pMethods->xShmMap(real(f), r, n, e, p); }
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags) { return real(f)->pMethods->xShmLock(real(f), at, n, flags); }
static void f_shm_barrier(sqlite3_file *f) { real(f)->pMethods->xShmBarrier(real(f)); }
static int f_shm_unmap(sqlite3_file *f, int del) { return real(f)->pMethods->xShmUnmap(real(f), del); }

static const sqlite3_io_methods methods = {
	.iVersion = 2, .xClose = f_close, .xRead = f_read, .xWrite = f_write, .xTruncate = f_truncate, .xSync = f_sync, .xFileSize = f_size,
	.xLock = f_lock, .xUnlock = f_unlock, .xCheckReservedLock = f_check, .xFileControl = f_control, .xSectorSize = f_sector,
	.xDeviceCharacteristics = f_device, .xShmMap = f_shm_map, .xShmLock = f_shm_lock, .xShmBarrier = f_shm_barrier, .xShmUnmap = f_shm_unmap,
};

static sqlite3_vfs vfs;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	sqlite3_vfs *own = v->pAppData;
	struct our_file *o = ours(f);
	f->pMethods = NULL;
	if (fault_fails(FAULT_OPEN))
		return SQLITE_CANTOPEN;
	memset(o, 0, sizeof(*o) + (size_t)own->szOsFile);
	int code = own->xOpen(own, name, real(f), flags, out_flags);
	if (code != SQLITE_OK)
		return code;
	f->pMethods = &methods;
	o->is_log = flags & SQLITE_OPEN_WAL;
	return SQLITE_OK;
}

static void make_vfs(void)
{
	sqlite3_vfs *own = sqlite3_vfs_find(NULL);
	vfs = *own;
	vfs.pNext = NULL;
	vfs.zName = "pacs";
	vfs.pAppData = own;
	vfs.szOsFile = (int)sizeof(struct our_file) + own->szOsFile;
	vfs.xOpen = v_open;
	sqlite3_vfs_register(&vfs, 0);
}

const char *sql_vfs(bool is_writer)
{
#ifndef PACS_FAULTS
	if (!is_writer)
		return NULL;
#endif
	(void)is_writer;
	pthread_once(&once, make_vfs);
	return vfs.zName;
}

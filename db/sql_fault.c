#include "db/sql_fault.h"

#ifdef PACS_FAULTS
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

#include "pacs/base/fault.h"

/* A file of ours stands before SQLite's own in one piece of memory: { fault_file, real file }. */
struct fault_file {
	sqlite3_file base;
};

static sqlite3_file *real(sqlite3_file *f)
{
	return (sqlite3_file *)(void *)((struct fault_file *)f + 1);
}

static int f_close(sqlite3_file *f) { return real(f)->pMethods->xClose(real(f)); }
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), p, n, at); }
static int f_truncate(sqlite3_file *f, sqlite3_int64 n) { return real(f)->pMethods->xTruncate(real(f), n); }
static int f_size(sqlite3_file *f, sqlite3_int64 *n) { return real(f)->pMethods->xFileSize(real(f), n); }
static int f_lock(sqlite3_file *f, int l) { return real(f)->pMethods->xLock(real(f), l); }
static int f_unlock(sqlite3_file *f, int l) { return real(f)->pMethods->xUnlock(real(f), l); }
static int f_check(sqlite3_file *f, int *l) { return real(f)->pMethods->xCheckReservedLock(real(f), l); }
static int f_control(sqlite3_file *f, int op, void *p) { return real(f)->pMethods->xFileControl(real(f), op, p); }
static int f_sector(sqlite3_file *f) { return real(f)->pMethods->xSectorSize(real(f)); }
static int f_device(sqlite3_file *f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
static int f_shm_map(sqlite3_file *f, int r, int n, int e, void volatile **p) { return real(f)->pMethods->xShmMap(real(f), r, n, e, p); }
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags) { return real(f)->pMethods->xShmLock(real(f), at, n, flags); }
static void f_shm_barrier(sqlite3_file *f) { real(f)->pMethods->xShmBarrier(real(f)); }
static int f_shm_unmap(sqlite3_file *f, int del) { return real(f)->pMethods->xShmUnmap(real(f), del); }

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return fault_fails(FAULT_WRITE) ? SQLITE_IOERR_WRITE : real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int f_sync(sqlite3_file *f, int flags)
{
	return fault_fails(FAULT_FSYNC) ? SQLITE_IOERR_FSYNC : real(f)->pMethods->xSync(real(f), flags);
}

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
	f->pMethods = NULL;
	if (fault_fails(FAULT_OPEN))
		return SQLITE_CANTOPEN;
	memset(real(f), 0, (size_t)own->szOsFile);
	int code = own->xOpen(own, name, real(f), flags, out_flags);
	if (code == SQLITE_OK)
		f->pMethods = &methods;
	return code;
}

static void make_vfs(void)
{
	sqlite3_vfs *own = sqlite3_vfs_find(NULL);
	vfs = *own;
	vfs.pNext = NULL;
	vfs.zName = "pacs-fault";
	vfs.pAppData = own;
	vfs.szOsFile = (int)sizeof(struct fault_file) + own->szOsFile;
	vfs.xOpen = v_open;
	sqlite3_vfs_register(&vfs, 0);
}

const char *sql_vfs(void)
{
	pthread_once(&once, make_vfs);
	return vfs.zName;
}
#else
/* A translation unit may not be empty (C11 6.9). */
typedef int sql_fault_is_off;
#endif

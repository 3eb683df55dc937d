#include "pacs/xcode/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pacs/base/sanitized.h"

enum { OPEN_FILES = 16, NICENESS = 10 };

static enum err limit(int what, rlim_t to, const char *name, struct why *why)
{
	struct rlimit l = { to, to };
	return setrlimit((__rlimit_resource_t)what, &l) ? fail_errno(why, ERR_IO, "limiting %s", name) : ERR_OK;
}

/* Receiving must not wait for compression: what runs under SCHED_IDLE gets the time that nobody else takes. The disk
 * is not left to others altogether (ioprio class idle could wait for ever, with pages that must be written). */
static int yield_to_all(void)
{
	const struct sched_param none = { 0 };
	const int best_effort_lowest = 2 << 13 | 7, this_process = 1;
	if (syscall(SYS_ioprio_set, this_process, 0, best_effort_lowest))
		return -1;
	return sched_setscheduler(0, SCHED_IDLE, &none);
}

/* A parent that died before the first line is noticed by the end of the job socket. Memory is limited by RLIMIT_DATA: what is allocated. RLIMIT_AS would also count the mapped files, and a cine of
 * 500 MB, mapped twice, is no hunger. */
enum err sandbox_limit(const struct sandbox_limits *l, struct why *why)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail_errno(why, ERR_IO, "prctl");
	if (setpriority(PRIO_PROCESS, 0, NICENESS) || (l->is_background && yield_to_all()))
		return fail_errno(why, ERR_IO, "lowering the priority");
	enum err e = limit(RLIMIT_CORE, 0, "core files", why);
	if (!e && l->cpu_s)
		e = limit(RLIMIT_CPU, l->cpu_s, "processor time", why);
	if (!e && !IS_SANITIZED && l->memory_bytes)
		e = limit(RLIMIT_DATA, l->memory_bytes, "memory", why);
	if (!e && !IS_SANITIZED)
		e = limit(RLIMIT_NOFILE, OPEN_FILES, "open files", why);
	return e;
}

static const int plain[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(lseek),
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(ftruncate),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex), SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(gettid), SCMP_SYS(getpid),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
};

/* Memory never becomes code; a clone is a thread. clone3 hides its flags behind a pointer, so it is said not to exist
 * and libc falls back to clone. tgkill is abort() of ourselves. */
static int add_conditional(scmp_filter_ctx f)
{
	int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!r)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!r)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (!r)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!r)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	return r;
}

enum err sandbox_enter(struct why *why)
{
	if (IS_SANITIZED)
		return ERR_OK;
	if (prctl(PR_SET_DUMPABLE, 0))
		return fail_errno(why, ERR_IO, "prctl");
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!f)
		return fail(why, ERR_NOMEM, "no memory for a system call filter");
	int r = 0;
	for (size_t i = 0; !r && i < NELEM(plain); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, plain[i], 0);
	if (!r)
		r = add_conditional(f);
	if (!r)
		r = seccomp_load(f);
	seccomp_release(f);
	errno = -r;
	return r ? fail_errno(why, ERR_IO, "loading the system call filter") : ERR_OK;
}

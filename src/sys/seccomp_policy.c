/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_policy.c - the default policy: which calls, and the BPF program for it
 *
 * The program is a search tree over ranges of call numbers, since allowed numbers stand
 * together, with one copy of every answer: about eighty instructions an architecture, where
 * one test a call takes eight hundred. The kernel translates it when it is installed
 * and runs it once for every number, so its size and depth are paid at each start.
 */
#include "sys/seccomp_policy.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define NO_CAP	      (-1)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct group {
	const char *why;
	int cap;   /* only with this capability; NO_CAP: always */
	bool nest; /* also for containers inside */
	const char *const *calls;
};

#define CALLS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* lint: table */
static const struct group groups[] = {
	{"files and directories, by path and by descriptor: the kernel checks every one", NO_CAP,
		false,
		CALLS("access", "chdir", "chmod", "chown", "chown32", "close", "close_range",
			"copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat",
			"faccessat2", "fadvise64", "fadvise64_64", "fallocate", "fchdir", "fchmod",
			"fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat", "fcntl",
			"fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr",
			"fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64",
			"fsync", "ftruncate", "ftruncate64", "futimesat", "getcwd", "getdents",
			"getdents64", "getxattr", "getxattrat", "lchown", "lchown32", "lgetxattr",
			"link", "linkat", "listxattr", "listxattrat", "llistxattr", "_llseek",
			"lremovexattr", "lseek", "lsetxattr", "lstat", "lstat64", "mkdir",
			"mkdirat", "mknod", "mknodat", "name_to_handle_at", "newfstatat", "open",
			"openat", "openat2", "readahead", "readlink", "readlinkat", "removexattr",
			"removexattrat", "rename", "renameat", "renameat2", "rmdir", "setxattr",
			"setxattrat", "stat", "stat64", "statfs", "statfs64", "statx", "symlink",
			"symlinkat", "sync", "sync_file_range", "sync_file_range2",
			"arm_sync_file_range", "syncfs", "truncate", "truncate64", "umask",
			"unlink", "unlinkat", "utime", "utimensat", "utimensat_time64", "utimes",
			"cachestat")},
	{"reading, writing, waiting for it", NO_CAP, false,
		CALLS("_newselect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old",
			"epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd",
			"eventfd2", "fanotify_mark", "inotify_add_watch", "inotify_init",
			"inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy",
			"io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup",
			"io_submit", "ioctl", "memfd_create", "memfd_secret", "pipe", "pipe2",
			"poll", "ppoll", "ppoll_time64", "pread64", "preadv", "preadv2", "pselect6",
			"pselect6_time64", "pwrite64", "pwritev", "pwritev2", "read", "readv",
			"select", "sendfile", "sendfile64", "signalfd", "signalfd4", "splice",
			"tee", "vmsplice", "write", "writev")},
	{"memory of the own process", NO_CAP, false,
		CALLS("brk", "get_mempolicy", "madvise", "map_shadow_stack", "membarrier",
			"mincore", "mlock", "mlock2", "mlockall", "mmap", "mmap2", "mprotect",
			"mremap", "mseal", "msync", "munlock", "munlockall", "munmap", "pkey_alloc",
			"pkey_free", "pkey_mprotect", "process_mrelease", "remap_file_pages")},
	{"processes, threads and their scheduling", NO_CAP, false,
		CALLS("arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group",
			"fork", "futex", "futex_requeue", "futex_time64", "futex_wait",
			"futex_waitv", "futex_wake", "get_robust_list", "get_thread_area", "getcpu",
			"getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom",
			"getrlimit", "getrusage", "getsid", "gettid", "ioprio_get", "ioprio_set",
			"kill", "landlock_add_rule", "landlock_create_ruleset",
			"landlock_restrict_self", "modify_ldt", "nanosleep", "pause", "pidfd_open",
			"pidfd_send_signal", "prctl", "prlimit64", "ptrace", "restart_syscall",
			"rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
			"rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
			"rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sched_get_priority_max",
			"sched_get_priority_min", "sched_getaffinity", "sched_getattr",
			"sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
			"sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr",
			"sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
			"set_robust_list", "set_thread_area", "set_tid_address", "set_tls",
			"setpgid", "setpriority", "setrlimit", "setsid", "sgetmask", "sigaction",
			"sigaltstack", "signal", "sigpending", "sigprocmask", "sigreturn",
			"sigsuspend", "ssetmask", "tgkill", "tkill", "ugetrlimit", "vfork", "wait4",
			"waitid", "waitpid", "cacheflush", "breakpoint", "riscv_flush_icache",
			"riscv_hwprobe", "sys_debug_setcontext")},
	{"ids: what they may become is the user namespace's to say", NO_CAP, false,
		CALLS("getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
			"getgroups", "getgroups32", "getresgid", "getresgid32", "getresuid",
			"getresuid32", "getuid", "getuid32", "setfsgid", "setfsgid32", "setfsuid",
			"setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setregid",
			"setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32",
			"setreuid", "setreuid32", "setuid", "setuid32")},
	{"clocks and timers; setting a clock needs a capability", NO_CAP, false,
		CALLS("adjtimex", "alarm", "clock_adjtime", "clock_adjtime64", "clock_getres",
			"clock_getres_time64", "clock_gettime", "clock_gettime64",
			"clock_nanosleep", "clock_nanosleep_time64", "getitimer", "gettimeofday",
			"setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun",
			"timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64",
			"timerfd_create", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
			"timerfd_settime64", "times")},
	{"sockets; which network they reach is the network namespace's to say", NO_CAP, false,
		CALLS("accept", "accept4", "bind", "connect", "getpeername", "getsockname",
			"getsockopt", "listen", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64",
			"recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt",
			"shutdown", "socketcall", "socketpair")},
	{"System V and POSIX queues of the IPC namespace", NO_CAP, false,
		CALLS("ipc", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive",
			"mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64",
			"mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget",
			"semop", "semtimedop", "semtimedop_time64", "shmat", "shmctl", "shmdt",
			"shmget")},
	{"what the system is", NO_CAP, false,
		CALLS("olduname", "oldolduname", "sysinfo", "uname", "statmount", "listmount",
			"ustat", "lsm_get_self_attr", "lsm_list_modules", "uretprobe", "uprobe")},
	{"a root of one's own", CAP_SYS_CHROOT, true, CALLS("chroot")},
	{"mounts and namespaces", CAP_SYS_ADMIN, true,
		CALLS("clone3", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr",
			"move_mount", "open_tree", "open_tree_attr", "pivot_root", "setdomainname",
			"sethostname", "setns", "umount", "umount2", "unshare")},
	{"administration", CAP_SYS_ADMIN, false,
		CALLS("bpf", "fanotify_init", "lookup_dcookie", "perf_event_open", "quotactl",
			"quotactl_fd", "vm86", "vm86old")},
	{"other processes' memory", CAP_SYS_PTRACE, false,
		CALLS("kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv",
			"process_vm_writev")},
	{"placement of memory", CAP_SYS_NICE, false,
		CALLS("mbind", "migrate_pages", "move_pages", "set_mempolicy",
			"set_mempolicy_home_node")},
	{"files by handle", CAP_DAC_READ_SEARCH, false, CALLS("open_by_handle_at")},
	{"clocks", CAP_SYS_TIME, false,
		CALLS("clock_settime", "clock_settime64", "settimeofday", "stime")},
	{"the machine's power", CAP_SYS_BOOT, false, CALLS("reboot")},
	{"kernel modules", CAP_SYS_MODULE, false,
		CALLS("delete_module", "finit_module", "init_module")},
	{"accounting", CAP_SYS_PACCT, false, CALLS("acct")},
	{"ports", CAP_SYS_RAWIO, false, CALLS("ioperm", "iopl")},
	{"terminals of others", CAP_SYS_TTY_CONFIG, false, CALLS("vhangup")},
	{"the kernel's log", CAP_SYSLOG, false, CALLS("syslog")},
	{"programs in the kernel", CAP_BPF, false, CALLS("bpf")},
	{"performance counters", CAP_PERFMON, false, CALLS("perf_event_open")},
};

/* Newer than the libseccomp of stable distributions; one number on every architecture. */
static const struct {
	const char *name;
	int nr;
} new_calls[] = {{"cachestat", 451}, {"fchmodat2", 452}, {"map_shadow_stack", 453},
	{"futex_wake", 454}, {"futex_wait", 455}, {"futex_requeue", 456}, {"statmount", 457},
	{"listmount", 458}, {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
	{"lsm_list_modules", 461}, {"mseal", 462}, {"setxattrat", 463}, {"getxattrat", 464},
	{"listxattrat", 465}, {"removexattrat", 466}, {"open_tree_attr", 467}};

/* Above this number nobody here knows what a call does: ENOSYS. */
#define LAST_KNOWN 467
#define NUMBERS	   (LAST_KNOWN + 1)

/* In the order in which a program ends with them: the first four lead to the others. */
enum action {
	ACTION_CLONE,	    /* without namespaces */
	ACTION_PERSONALITY, /* harmless ones */
	ACTION_SOCKET,	    /* not vsock */
	ACTION_IOCTL,	    /* not typing into a terminal */
	ACTION_ALLOW,
	ACTION_EPERM,
	ACTION_ENOSYS,
	ACTIONS,
};

/*
 * 32-bit x86 has these calls twice: inside socketcall and ipc, whose numbers libseccomp gives,
 * and since Linux 4.3 and 5.1 directly, as today's libc calls them.
 */
static const struct {
	const char *name;
	int nr;
} direct_x86[] = {{"socket", 359}, {"socketpair", 360}, {"bind", 361}, {"connect", 362},
	{"listen", 363}, {"accept4", 364}, {"getsockopt", 365}, {"setsockopt", 366},
	{"getsockname", 367}, {"getpeername", 368}, {"sendto", 369}, {"sendmsg", 370},
	{"recvfrom", 371}, {"recvmsg", 372}, {"shutdown", 373}, {"semget", 393}, {"semctl", 394},
	{"shmget", 395}, {"shmctl", 396}, {"shmat", 397}, {"shmdt", 398}, {"msgget", 399},
	{"msgsnd", 400}, {"msgrcv", 401}, {"msgctl", 402}};

static int resolve(uint32_t arch, const char *name)
{
	for (size_t i = 0; arch == SCMP_ARCH_X86 && i < ARRAY_SIZE(direct_x86); i++)
		if (!strcmp(direct_x86[i].name, name))
			return direct_x86[i].nr;
	for (size_t i = 0; i < ARRAY_SIZE(new_calls); i++)
		if (!strcmp(new_calls[i].name, name))
			return new_calls[i].nr;
	int nr = seccomp_syscall_resolve_name_arch(arch, name);
	return nr >= 0 && nr < NUMBERS ? nr : -1;
}

static void set(unsigned char *actions, uint32_t arch, const char *name, enum action action)
{
	int nr = resolve(arch, name);
	if (nr >= 0)
		actions[nr] = (unsigned char)action;
}

static bool has_cap(uint64_t caps, int cap)
{
	return cap == NO_CAP || (caps >> cap & 1);
}

static void fill(unsigned char *actions, uint32_t arch, uint64_t caps, bool nest)
{
	bool namespaces = nest || has_cap(caps, CAP_SYS_ADMIN);
	memset(actions, ACTION_EPERM, NUMBERS);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!has_cap(caps, groups[i].cap) && !(nest && groups[i].nest))
			continue;
		for (const char *const *call = groups[i].calls; *call; call++)
			set(actions, arch, *call, ACTION_ALLOW);
	}
	set(actions, arch, "clone", namespaces ? ACTION_ALLOW : ACTION_CLONE);
	/* libc falls back to clone, whose flags can be looked at. */
	if (!namespaces)
		set(actions, arch, "clone3", ACTION_ENOSYS);
	/* Programs try these first and fall back when there is no such call. */
	set(actions, arch, "io_uring_setup", ACTION_ENOSYS);
	set(actions, arch, "io_uring_enter", ACTION_ENOSYS);
	set(actions, arch, "io_uring_register", ACTION_ENOSYS);
	set(actions, arch, "personality", ACTION_PERSONALITY);
	set(actions, arch, "socket", ACTION_SOCKET);
	set(actions, arch, "ioctl", ACTION_IOCTL);
}

struct range {
	uint32_t first;
	enum action action;
	bool is_exception; /* one number, among others that all get the same */
};

/* A jump whose target, the code of an action, is not there yet. */
struct pending {
	size_t at;
	enum action to;
	bool is_yes; /* the jump taken when the test holds */
};

struct program {
	struct sock_filter *code;
	size_t n;
	size_t room; /* 0 after a failure */
	struct pending pending[4 * NUMBERS];
	size_t n_pending;
};

static size_t emit(struct program *p, struct sock_filter instruction)
{
	if (p->n < p->room)
		p->code[p->n] = instruction;
	return p->n++;
}

#define LOAD(offset) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset)))
#define RET(value)   ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (value)))
#define JUMP(op, k)  ((struct sock_filter)BPF_JUMP(BPF_JMP | (op) | BPF_K, (k), 0, 0))

/* Lets one side of the jump @at lead to where the program ends now. */
static void lead_here(struct program *p, size_t at, bool is_yes)
{
	size_t distance = p->n - at - 1;
	if (distance > 255) /* a conditional jump reaches no further */
		p->room = 0;
	if (at >= p->room)
		return;
	if (is_yes)
		p->code[at].jt = (unsigned char)distance;
	else
		p->code[at].jf = (unsigned char)distance;
}

static void lead_to(struct program *p, size_t at, bool is_yes, enum action to)
{
	if (p->n_pending == ARRAY_SIZE(p->pending)) {
		p->room = 0;
		return;
	}
	p->pending[p->n_pending++] = (struct pending){at, to, is_yes};
}

/* The low half of an argument: the kernel looks at no more of these. */
static size_t argument(int i)
{
	size_t at = offsetof(struct seccomp_data, args) + 8 * (size_t)i;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	at += 4;
#endif
	return at;
}

/* CLONE_NEW* but CLONE_NEWTIME, which clone() takes as part of its signal. */
#define NAMESPACE_FLAGS 0x7e020000u

static void emit_checks(struct program *p, const uint32_t *values, size_t n, int arg,
	enum action if_equal, enum action otherwise)
{
	emit(p, LOAD(argument(arg)));
	for (size_t i = 0; i < n; i++) {
		size_t at = emit(p, JUMP(BPF_JEQ, values[i]));
		lead_to(p, at, true, if_equal);
		if (i + 1 == n)
			lead_to(p, at, false, otherwise);
	}
}

static void emit_action(struct program *p, enum action action)
{
	static const uint32_t personalities[] = {0, 0x8, 0x20000, 0x20008, 0xffffffff};
	static const uint32_t vsock[] = {40};
	static const uint32_t typing[] = {TIOCSTI, 0x541c /* TIOCLINUX */};
	size_t at;
	switch (action) {
	case ACTION_CLONE:
		emit(p, LOAD(argument(0)));
		at = emit(p, JUMP(BPF_JSET, NAMESPACE_FLAGS));
		lead_to(p, at, true, ACTION_EPERM);
		lead_to(p, at, false, ACTION_ALLOW);
		return;
	case ACTION_PERSONALITY:
		emit_checks(p, personalities, 5, 0, ACTION_ALLOW, ACTION_EPERM);
		return;
	case ACTION_SOCKET:
		emit_checks(p, vsock, 1, 0, ACTION_EPERM, ACTION_ALLOW);
		return;
	case ACTION_IOCTL:
		emit_checks(p, typing, 2, 1, ACTION_EPERM, ACTION_ALLOW);
		return;
	case ACTION_ALLOW:
		emit(p, RET(SECCOMP_RET_ALLOW));
		return;
	case ACTION_EPERM:
		emit(p, RET(SECCOMP_RET_ERRNO | EPERM));
		return;
	case ACTION_ENOSYS:
	case ACTIONS:
		emit(p, RET(SECCOMP_RET_ERRNO | ENOSYS));
		return;
	}
}

/* Every action that something leads to, once; later ones may be led to by earlier ones. */
static void emit_actions(struct program *p)
{
	for (enum action action = 0; action < ACTIONS; action++) {
		size_t n_before = p->n_pending, begin = p->n;
		for (size_t i = 0; i < n_before; i++) {
			if (p->pending[i].to != action)
				continue;
			if (p->n == begin)
				begin = SIZE_MAX;
			lead_here(p, p->pending[i].at, p->pending[i].is_yes);
		}
		if (begin == SIZE_MAX)
			emit_action(p, action);
	}
	p->n_pending = 0;
}

/* One test is enough for one number that stands out; as a range it would take two. */
static void find_exceptions(struct range *ranges, size_t n)
{
	for (size_t i = 1; i + 1 < n; i++)
		ranges[i].is_exception = !ranges[i - 1].is_exception &&
					 ranges[i + 1].first == ranges[i].first + 1 &&
					 ranges[i + 1].action == ranges[i - 1].action;
}

/* Tests in a row: no more, since the kernel tries every number. */
#define EXCEPTIONS_MAX 4

/*
 * Where to divide: in the middle of the numbers, not of the ranges, since the kernel tries every
 * number; but not beside an exception, if that can be. 0: not at all.
 */
static size_t find_middle(const struct range *ranges, size_t n, uint32_t end)
{
	uint32_t known = end < NUMBERS ? end : NUMBERS;
	int64_t middle = ranges[0].first + (known - ranges[0].first) / 2, nearest = INT64_MAX;
	size_t found = 0;
	for (size_t i = 1; i < n; i++) {
		int64_t far = llabs((int64_t)ranges[i].first - middle);
		if (!ranges[i].is_exception && !ranges[i - 1].is_exception && far < nearest) {
			nearest = far;
			found = i;
		}
	}
	/* Of usual ones and exceptions in turn, behind an exception. */
	return !found && n / 2 > EXCEPTIONS_MAX ? n / 4 * 2 : found;
}

static void emit_exceptions(struct program *p, const struct range *ranges, size_t n)
{
	size_t at = 0;
	for (size_t i = 1; i < n; i += 2) {
		at = emit(p, JUMP(BPF_JEQ, ranges[i].first));
		lead_to(p, at, true, ranges[i].action);
	}
	lead_to(p, at, false, ranges[0].action);
}

/* @n > 1 ranges, each up to the next one's first number, the last up to @end. */
static void emit_search(struct program *p, const struct range *ranges, size_t n, uint32_t end)
{
	size_t low = find_middle(ranges, n, end);
	if (!low) {
		emit_exceptions(p, ranges, n);
		return;
	}
	size_t at = emit(p, JUMP(BPF_JGE, ranges[low].first));
	if (low == 1)
		lead_to(p, at, false, ranges[0].action);
	else
		emit_search(p, ranges, low, ranges[low].first);
	if (low + 1 == n) {
		lead_to(p, at, true, ranges[low].action);
		return;
	}
	lead_here(p, at, true);
	emit_search(p, ranges + low, n - low, end);
}

static void emit_numbers(struct program *p, uint32_t arch, uint64_t caps, bool nest)
{
	unsigned char actions[NUMBERS];
	struct range ranges[NUMBERS + 1];
	size_t n = 0;
	fill(actions, arch, caps, nest);
	for (uint32_t nr = 0; nr < NUMBERS; nr++)
		if (n == 0 || ranges[n - 1].action != (enum action)actions[nr])
			ranges[n++] = (struct range){nr, actions[nr], false};
	ranges[n++] = (struct range){NUMBERS, ACTION_ENOSYS, false};
	find_exceptions(ranges, n);
	emit_search(p, ranges, n, UINT32_MAX);
	emit_actions(p);
}

/* Native first, then the 32-bit one that the same kernel runs. */
static const struct {
	uint32_t audit, scmp;
} archs[] = {
#if defined(__x86_64__)
	{AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64},
	{AUDIT_ARCH_I386, SCMP_ARCH_X86},
#elif defined(__aarch64__)
	{AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64},
	{AUDIT_ARCH_ARM, SCMP_ARCH_ARM},
#elif defined(__riscv)
	{AUDIT_ARCH_RISCV64, SCMP_ARCH_RISCV64},
#else
#error "no system call policy for this architecture yet"
#endif
};

size_t seccomp_policy_emit(uint64_t caps, bool nest, struct sock_filter *code, size_t room)
{
	struct program p = {.code = code, .room = room};
	emit(&p, LOAD(offsetof(struct seccomp_data, arch)));
	for (size_t i = 0; i < ARRAY_SIZE(archs); i++) {
		size_t at = emit(&p, JUMP(BPF_JEQ, archs[i].audit));
		/*
		 * At each start the kernel tries every number, to remember those that are
		 * allowed whatever their arguments. Loading an argument makes it give up at
		 * once: 32-bit programs are rare, and pay with 30 ns a call.
		 */
		if (i > 0)
			emit(&p, LOAD(argument(0)));
		emit(&p, LOAD(offsetof(struct seccomp_data, nr)));
		emit_numbers(&p, archs[i].scmp, caps, nest);
		lead_here(&p, at, false);
	}
	emit(&p, RET(SECCOMP_RET_ERRNO | ENOSYS));
	return p.n <= p.room ? p.n : 0;
}

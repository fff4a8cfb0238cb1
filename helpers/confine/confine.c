/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/confine.h"
#include "base/own.h"
#include "confine/filter.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Newer than Debian 12's header. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14)
#endif

/* lint: table */
const char *const confine_unpack_calls[] = {"brk", "chdir", "clock_gettime", "clone", "clone3",
	"close", "copy_file_range", "dup", "exit", "exit_group", "fchmod", "fchown", "fchownat",
	"fcntl", "fgetxattr", "flistxattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate",
	"futex", "getcwd", "getdents64", "getegid", "geteuid", "getgid", "getpid", "getrandom",
	"gettid", "getuid", "linkat", "lseek", "madvise", "mkdirat", "mknodat", "mmap", "mprotect",
	"mremap", "munmap", "newfstatat", "openat", "openat2", "pread64", "prlimit64", "pwrite64",
	"read", "readlinkat", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"sched_getaffinity", "sched_yield", "sendmsg", "set_robust_list", "sigaltstack", "statx",
	"symlinkat", "umask", "unlinkat", "utimensat", "write", "writev", NULL};

/* lint: table */
const char *const confine_net_calls[] = {"accept4", "bind", "brk", "clock_gettime", "close",
	"connect", "epoll_ctl", "epoll_pwait", "epoll_wait", "exit", "exit_group", "fcntl", "fstat",
	"futex", "getpeername", "getrandom", "getsockname", "getsockopt", "inotify_add_watch",
	"inotify_init1", "ioctl", "madvise", "mmap", "mremap", "munmap", "newfstatat", "openat",
	"read", "readlink", "readlinkat", "readv", "recvfrom", "recvmsg", "restart_syscall",
	"rt_sigprocmask", "rt_sigreturn", "sendmsg", "sendto", "setsockopt", "shutdown", "socket",
	"socketpair", "write", "writev", NULL};

/* lint: table */
const char *const confine_fetch_denied_calls[] = {"acct", "add_key", "bpf", "chroot",
	"delete_module", "execve", "execveat", "finit_module", "fsconfig", "fsmount", "fsopen",
	"fspick", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup",
	"kexec_load", "keyctl", "kill", "mount", "mount_setattr", "move_mount", "name_to_handle_at",
	"open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd", "pidfd_open",
	"pidfd_send_signal", "pivot_root", "process_madvise", "process_vm_readv",
	"process_vm_writev", "ptrace", "quotactl", "request_key", "setns", "swapon", "tkill",
	"umount2", "unshare", "userfaultfd", NULL};

bool confine_process(struct err *e)
{
	static const struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return err_sys(e, "set no_new_privs");
	return true;
}

#define FILES_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

static bool add_rule(int ruleset_fd, int fd, uint64_t access, struct err *e)
{
	struct landlock_path_beneath_attr rule = {.parent_fd = fd, .allowed_access = access};
	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_sys(e, "add a Landlock rule");
	return true;
}

static uint64_t handled_access(long abi)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return all;
}

bool confine_files(const char *const *readable, int writable_fd, bool *ret_applied, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	/* The first version cannot allow links between directories: it would forbid too much. */
	*ret_applied = abi >= 2;
	if (abi < 2)
		return true;
	struct landlock_ruleset_attr attr = {.handled_access_fs = handled_access(abi)};
	CLEAN(clean_fd)
	int ruleset_fd =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (ruleset_fd < 0)
		return err_sys(e, "make a Landlock ruleset");
	for (; readable && *readable; readable++) {
		CLEAN(clean_fd) int fd = open(*readable, O_PATH | O_CLOEXEC);
		struct stat st;
		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		if (!add_rule(ruleset_fd, fd,
			    S_ISDIR(st.st_mode) ? FILES_READ : LANDLOCK_ACCESS_FS_READ_FILE, e))
			return false;
	}
	/* Everything but executing: that stays handled, and so forbidden. */
	if (writable_fd >= 0 && !add_rule(ruleset_fd, writable_fd,
					attr.handled_access_fs & ~LANDLOCK_ACCESS_FS_EXECUTE, e))
		return false;
	if (syscall(SYS_landlock_restrict_self, ruleset_fd, 0) < 0)
		return err_sys(e, "restrict files by Landlock");
	return true;
}

static bool load(const struct filter_wish *wish, struct err *e)
{
	struct filter filter;
	if (!filter_build(wish, &filter))
		return err_msg(e, ERR_INTERNAL, "too many names for a seccomp filter");
	struct sock_fprog program = {.len = (unsigned short)filter.n, .filter = filter.code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return err_sys(e, "install the seccomp filter");
	return true;
}

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)

bool confine_calls_allow(const char *const *names, struct err *e)
{
	return load(&(struct filter_wish){names, SECCOMP_RET_ALLOW, REFUSED, false}, e);
}

bool confine_calls_allow_inet(const char *const *names, struct err *e)
{
	return load(&(struct filter_wish){names, SECCOMP_RET_ALLOW, REFUSED, true}, e);
}

bool confine_calls_deny(const char *const *names, struct err *e)
{
	return load(&(struct filter_wish){names, REFUSED, SECCOMP_RET_ALLOW, false}, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/aside.h"
#include "base/own.h"
#include "base/raw_call.h"
#include "sys/mount.h"
#include "sys/netif.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Below the smallest limit that a machine can have [proc_sys_kernel(5), pid_max]. */
#define THREAD_ID 300

#define LOOKS_MAX 1500

/* Of the thread: its stack is not the sanitizer's, and errno is the other thread's. */
#define IN_THREAD __attribute__((no_sanitize("address", "undefined"), no_stack_protector))

IN_THREAD static void reach(_Atomic(unsigned) *at, enum aside_stage stage)
{
	atomic_store_explicit(at, stage, memory_order_release);
	raw_call4(SYS_futex, (long)at, FUTEX_WAKE_PRIVATE, 1, 0);
}

IN_THREAD static bool raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	long fd = raw_call4(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0);
	if (fd < 0)
		return false;
	long answer = raw_call4(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&request, 0);
	raw_call4(SYS_close, fd, 0, 0, 0);
	return answer == 0;
}

IN_THREAD static enum aside_stage make_network(struct aside *aside)
{
	if (raw_call4(SYS_unshare, CLONE_NEWNET, 0, 0, 0) < 0)
		return ASIDE_FAILED;
	long fd = raw_call4(
		SYS_openat, AT_FDCWD, (long)"/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return ASIDE_FAILED;
	aside->network_fd = (int)fd;
	/* Who waits can go on: the rest is done beside it. */
	reach(&aside->network, ASIDE_MADE);
	return raise_loopback() ? ASIDE_DONE : ASIDE_FAILED;
}

IN_THREAD static void write_below(int dir_fd, const char *path, const char *text)
{
	struct open_how how = {.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
	long n = 0, fd = raw_call4(SYS_openat2, dir_fd, (long)path, (long)&how, sizeof(how));
	while (text[n])
		n++;
	if (fd < 0)
		return;
	raw_call4(SYS_write, fd, (long)text, n, 0);
	raw_call4(SYS_close, fd, 0, 0, 0);
}

/* One of the two threads does it, whoever comes first. */
IN_THREAD static bool takes_defaults(struct aside *aside)
{
	unsigned asked = ASIDE_ASKED;
	return atomic_compare_exchange_strong(&aside->defaults, &asked, ASIDE_MADE);
}

IN_THREAD static void write_defaults(struct aside *aside)
{
	if (!takes_defaults(aside))
		return;
	write_below(aside->proc_fd, PING_GROUPS_FILE, aside->ping_groups);
	write_below(aside->proc_fd, LOW_PORTS_FILE, "0");
	reach(&aside->defaults, ASIDE_DONE);
}

/* "/" and not ".": the other thread goes on to its own directory meanwhile. */
IN_THREAD static enum aside_stage detach_old_root(struct aside *aside)
{
	while (atomic_load_explicit(&aside->old_root, memory_order_acquire) == ASIDE_IDLE)
		raw_call4(SYS_futex, (long)&aside->old_root, FUTEX_WAIT_PRIVATE, ASIDE_IDLE, 0);
	return raw_call4(SYS_umount2, (long)"/", MNT_DETACH, 0, 0) == 0 ? ASIDE_DONE : ASIDE_FAILED;
}

IN_THREAD __attribute__((noreturn)) static int be_thread(void *argument)
{
	struct aside *aside = argument;
	if (atomic_load_explicit(&aside->network, memory_order_acquire) == ASIDE_ASKED) {
		enum aside_stage stage = make_network(aside);
		reach(&aside->network, stage);
		/* After a failure the other thread has a namespace of its own: not the one we are
		 * in. */
		if (stage == ASIDE_DONE)
			write_defaults(aside);
	}
	reach(&aside->old_root, detach_old_root(aside));
	for (;;)
		raw_call4(SYS_exit, 0, 0, 0, 0);
}

static void begin(struct aside *aside, void *stack)
{
	pid_t id = THREAD_ID;
	struct clone_args args = {.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
					   CLONE_THREAD | CLONE_SYSVSEM,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = ASIDE_STACK_SIZE,
		.set_tid = (uint64_t)(uintptr_t)&id,
		.set_tid_size = 1};
	/* Only in a pid namespace of our own may we choose. */
	if (getpid() != 1)
		args.set_tid = args.set_tid_size = 0;
	aside->has_thread = raw_clone3(&args, sizeof(args), be_thread, aside) >= 0;
}

void aside_network_begin(struct aside *aside, void *stack)
{
	aside->network_fd = -1;
	atomic_store(&aside->network, ASIDE_ASKED);
	begin(aside, stack);
	if (!aside->has_thread)
		atomic_store(&aside->network, ASIDE_FAILED);
}

/*
 * For what is nearly there: to wake a processor that sleeps takes a virtual machine 50 us. Longer
 * than that nobody looks, and not at all for what the kernel does in a thread of its own.
 */
static void look_for(_Atomic(unsigned) *at, enum aside_stage wanted)
{
	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		if (atomic_load_explicit(at, memory_order_relaxed) >= wanted)
			return;
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
}

static enum aside_stage await(_Atomic(unsigned) *at, enum aside_stage wanted)
{
	for (;;) {
		unsigned stage = atomic_load_explicit(at, memory_order_acquire);
		if (stage >= wanted)
			return stage;
		syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, stage, NULL);
	}
}

bool aside_network_adopt(struct aside *aside, struct err *e)
{
	look_for(&aside->network, ASIDE_MADE);
	await(&aside->network, ASIDE_MADE);
	CLEAN(clean_fd) int fd = aside->network_fd;
	aside->network_fd = -1;
	if (fd >= 0)
		return setns(fd, CLONE_NEWNET) == 0 || err_sys(e, "enter the new network");
	return unshare(CLONE_NEWNET) == 0 || err_sys(e, "make a network namespace");
}

void aside_network_defaults(struct aside *aside, int proc_fd, const char *ping_groups)
{
	aside->proc_fd = proc_fd;
	aside->ping_groups = ping_groups;
	atomic_store_explicit(&aside->defaults, ASIDE_ASKED, memory_order_release);
}

bool aside_network_has_defaults(struct aside *aside)
{
	if (atomic_load(&aside->defaults) == ASIDE_IDLE || takes_defaults(aside))
		return false;
	look_for(&aside->defaults, ASIDE_DONE);
	return await(&aside->defaults, ASIDE_DONE) == ASIDE_DONE;
}

bool aside_detach_old_root(struct aside *aside, void *stack, struct err *e)
{
	atomic_store_explicit(&aside->old_root, ASIDE_ASKED, memory_order_release);
	if (aside->has_thread)
		syscall(SYS_futex, &aside->old_root, FUTEX_WAKE_PRIVATE, 1);
	else
		begin(aside, stack);
	if (aside->has_thread)
		return true;
	atomic_store(&aside->old_root, ASIDE_IDLE);
	return mount_detach_old_root(e);
}

bool aside_finish(struct aside *aside, struct err *e)
{
	bool has_network = atomic_load(&aside->network) != ASIDE_IDLE;
	if (has_network && await(&aside->network, ASIDE_DONE) != ASIDE_DONE && !netif_up("lo", e))
		return false;
	if (atomic_load(&aside->old_root) == ASIDE_IDLE)
		return true;
	return await(&aside->old_root, ASIDE_DONE) == ASIDE_DONE || mount_detach_old_root(e);
}

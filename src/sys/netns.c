/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/netns.h"
#include "base/own.h"
#include "base/raw_call.h"
#include "sys/netif.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Below the smallest limit that a machine can have [proc_sys_kernel(5), pid_max]. */
#define THREAD_ID 300

/* Of the thread: its stack is not the sanitizer's, and errno is the other thread's. */
#define IN_THREAD __attribute__((no_sanitize("address", "undefined"), no_stack_protector))

IN_THREAD static void reach(struct netns_maker *maker, enum netns_stage stage)
{
	atomic_store_explicit(&maker->stage, stage, memory_order_release);
	raw_call4(SYS_futex, (long)&maker->stage, FUTEX_WAKE_PRIVATE, 1, 0);
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

IN_THREAD static enum netns_stage make(struct netns_maker *maker)
{
	if (raw_call4(SYS_unshare, CLONE_NEWNET, 0, 0, 0) < 0)
		return NETNS_FAILED;
	long fd = raw_call4(
		SYS_openat, AT_FDCWD, (long)"/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return NETNS_FAILED;
	maker->fd = (int)fd;
	/* Who waits can go on: the rest is done beside it. */
	reach(maker, NETNS_MADE);
	return raise_loopback() ? NETNS_READY : NETNS_FAILED;
}

IN_THREAD __attribute__((noreturn)) static int be_thread(void *argument)
{
	struct netns_maker *maker = argument;
	reach(maker, make(maker));
	for (;;)
		raw_call4(SYS_exit, 0, 0, 0, 0);
}

void netns_begin(struct netns_maker *maker, void *stack)
{
	pid_t id = THREAD_ID;
	struct clone_args args = {.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
					   CLONE_THREAD | CLONE_SYSVSEM,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = NETNS_STACK_SIZE,
		.set_tid = (uint64_t)(uintptr_t)&id,
		.set_tid_size = 1};
	maker->fd = -1;
	atomic_store(&maker->stage, NETNS_BEGUN);
	if (raw_clone3(&args, sizeof(args), be_thread, maker) < 0)
		atomic_store(&maker->stage, NETNS_FAILED);
}

static enum netns_stage await(struct netns_maker *maker, enum netns_stage wanted)
{
	for (;;) {
		unsigned stage = atomic_load_explicit(&maker->stage, memory_order_acquire);
		if (stage >= wanted)
			return stage;
		syscall(SYS_futex, &maker->stage, FUTEX_WAIT_PRIVATE, stage, NULL);
	}
}

bool netns_adopt(struct netns_maker *maker, struct err *e)
{
	await(maker, NETNS_MADE);
	CLEAN(clean_fd) int fd = maker->fd;
	maker->fd = -1;
	if (fd >= 0)
		return setns(fd, CLONE_NEWNET) == 0 || err_sys(e, "enter the new network");
	return unshare(CLONE_NEWNET) == 0 || err_sys(e, "make a network namespace");
}

bool netns_finish(struct netns_maker *maker, struct err *e)
{
	return await(maker, NETNS_READY) == NETNS_READY || netif_up("lo", e);
}

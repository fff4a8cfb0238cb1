/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/port_attach.h"
#include "base/own.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool open_directory(const struct host *host, const char *id, int *ret_fd, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", host->runtime_dir, id);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	*ret_fd = fd;
	return true;
}

/* The process, and no other that got its number meanwhile. */
static bool open_process(const struct state_record *record, int *ret_fd, struct err *e)
{
	uint64_t start_time;
	CLEAN(clean_fd) int fd = (int)syscall(SYS_pidfd_open, record->pid, 0);
	if (fd < 0 || !state_start_time(record->pid, &start_time) ||
		start_time != record->start_time)
		return err_msg(e, ERR_STATE, "it does not run");
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool has_own_network(const struct state_record *record)
{
	char path[64];
	struct stat its, ours;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)record->pid);
	return stat(path, &its) == 0 && stat("/proc/self/ns/net", &ours) == 0 &&
	       its.st_ino != ours.st_ino;
}

static bool start_service(const struct host *host, const struct state_record *record,
	int directory_fd, struct notes *notes, struct err *e)
{
	const struct open_ports none = {0};
	pid_t pid;
	CLEAN(clean_fd) int pid_fd = -1;
	CLEAN(clean_fd) int control_fd = -1;
	CLEAN(clean_fd) int answer_fd = -1;
	CLEAN(network_close) struct network_of network = NETWORK_OF_NONE;
	if (!network_open(record->pid, &network, e) || !open_process(record, &pid_fd, e))
		return false;
	if (!has_own_network(record))
		return err_msg(e, ERR_STATE, "it has the host's network: its ports are the host's");
	/* What a guscio-port that was killed left behind. */
	unlinkat(directory_fd, "port.sock", 0);
	if (!ports_listen(directory_fd, &control_fd, e))
		return false;
	const struct port_target target = {.helper_dir = host->helper_dir,
		.id = record->id,
		.pid_fd = pid_fd,
		.network = &network,
		.control_fd = control_fd,
		.guest4 = "-",
		.guest6 = "-",
		.gateway4 = "-",
		.gateway6 = "-"};
	return ports_serve(&none, &target, &answer_fd, &pid, e) && ports_ready(answer_fd, notes, e);
}

static bool attach(const struct host *host, bool start, struct port_service *service,
	struct notes *notes, struct err *e)
{
	CLEAN(clean_fd) int directory_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	if (!open_directory(host, service->container.id, &directory_fd, e))
		return false;
	if (start) {
		/* Two that find nobody at once: the second one finds the first one's. */
		lock_fd = openat(
			directory_fd, "port.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0)
			return err_sys(e, "lock the container's ports");
	}
	if (!ports_connect(directory_fd, &service->control_fd, e))
		return false;
	service->was_lost =
		service->control_fd < 0 && faccessat(directory_fd, "port.sock", F_OK, 0) == 0;
	if (service->control_fd >= 0 || !start)
		return true;
	return start_service(host, &service->container, directory_fd, notes, e) &&
	       ports_connect(directory_fd, &service->control_fd, e) &&
	       (service->control_fd >= 0 || err_msg(e, ERR_INTERNAL, "guscio-port is gone"));
}

bool port_service_open(const struct host *host, const char *name, bool start,
	struct port_service *ret, struct notes *notes, struct err *e)
{
	struct port_service service = {.control_fd = -1};
	if (!state_find(host->runtime_dir, name, &service.container, e))
		return false;
	if (!attach(host, start, &service, notes, e)) {
		clean_fd(&service.control_fd);
		return err_what(e, e->kind, "cannot reach the ports of container '%s'", name);
	}
	*ret = service;
	return true;
}

int port_service_peek(const struct host *host, const char *id)
{
	CLEAN(clean_fd) int directory_fd = -1;
	struct err ignored = ERR_INIT;
	int fd = -1;
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s/port.sock", host->runtime_dir, id);
	/* A look for the file first: mostly there is none, and ps asks hundreds of them. */
	if (faccessat(AT_FDCWD, path, F_OK, 0) == 0 &&
		open_directory(host, id, &directory_fd, &ignored))
		ports_connect(directory_fd, &fd, &ignored);
	return fd;
}

void port_service_close(struct port_service *service)
{
	clean_fd(&service->control_fd);
}

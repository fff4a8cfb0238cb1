/* SPDX-License-Identifier: Apache-2.0 */
#include "net/lease.h"
#include "base/own.h"
#include "sys/files.h"
#include "wire/net_ask.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SOCKET_NAME "control"
#define TRIES	    16 /* to lock what others remove */

void net_lease_done(struct net_lease *lease)
{
	clean_fd(&lease->control_fd);
	clean_fd(&lease->userns_fd);
	clean_fd(&lease->netns_fd);
}

static int open_directory(const char *runtime_dir, const char *name)
{
	char path[4096];
	if (snprintf(path, sizeof(path), "%s/networks/%s", runtime_dir, name) >= (int)sizeof(path))
		return errno = ENAMETOOLONG, -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A directory that was removed while we waited for its lock is nobody's. */
static bool is_there(int dir_fd)
{
	struct stat st;
	return fstat(dir_fd, &st) == 0 && st.st_nlink > 0;
}

bool net_open(const char *runtime_dir, const char *name, int *ret_dir_fd, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/networks/%s", runtime_dir, name);
	for (int i = 0; i < TRIES; i++) {
		if (!files_make_path(path, 0700, e))
			return false;
		CLEAN(clean_fd) int dir_fd = open_directory(runtime_dir, name);
		if (dir_fd < 0 && errno == ENOENT)
			continue;
		if (dir_fd < 0 || flock(dir_fd, LOCK_EX) < 0)
			return err_sys(e, "lock '%s'", path);
		if (is_there(dir_fd)) {
			*ret_dir_fd = TAKE_FD(dir_fd);
			return true;
		}
	}
	return err_msg(e, ERR_STATE, "'%s' is removed again and again", path);
}

void net_forget(int take_dir_fd, const char *runtime_dir, const char *name)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/networks/%s", runtime_dir, name);
	unlinkat(take_dir_fd, SOCKET_NAME, 0);
	rmdir(path);
	close(take_dir_fd);
}

/* By way of the directory's descriptor: a socket's path has only 107 bytes. */
static void socket_address(int dir_fd, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir_fd, SOCKET_NAME);
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

#define HELPER "guscio-net"

bool net_connect(int dir_fd, int *ret_fd, struct err *e)
{
	struct sockaddr_un address;
	CLEAN(clean_fd) int fd = new_socket();
	socket_address(dir_fd, &address);
	if (fd < 0)
		return err_sys(e, "open a socket");
	msg_set_patience(fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ENOENT || errno == ECONNREFUSED
			       ? false
			       : err_sys(e, "reach the network's helper") || msg_blame(HELPER, e);
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool net_listen(int dir_fd, int *ret_fd, struct err *e)
{
	struct sockaddr_un address;
	CLEAN(clean_fd) int fd = new_socket();
	socket_address(dir_fd, &address);
	if (fd < 0)
		return err_sys(e, "open a socket");
	/* The directory is locked: nobody has bound it since we found nobody there. */
	unlinkat(dir_fd, SOCKET_NAME, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0)
		return err_sys(e, "listen for the network's containers");
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool ask(int fd, const struct msg *question, const int *fds, size_t n_fds, struct msg *ret,
	int *ret_fds, size_t *ret_n_fds, struct err *e)
{
	struct err gone = ERR_INIT;
	/* Where nobody has room for us that was said before we asked, and waits to be read. */
	if (!msg_send(fd, question, fds, n_fds, &gone) && gone.sys != EPIPE &&
		gone.sys != ECONNRESET)
		return *e = gone, msg_blame(HELPER, e);
	switch (msg_receive(fd, ret, ret_fds, ret_n_fds, e)) {
	case MSG_GOT_RECORD:
		if (ret->kind == MSG_FAIL)
			return *e = ret->err, false;
		return true;
	case MSG_GOT_EOF:
	case MSG_GOT_ERROR:
		break;
	}
	return msg_blame(HELPER, e);
}

/* A name that does not fit is refused rather than cut. */
static bool add_word(char *buf, size_t size, const char *word, struct err *e)
{
	size_t n = strlen(buf);
	if (n + strlen(word) + 2 > size)
		return err_what(e, ERR_USAGE, "the names in the network are too many or too long");
	snprintf(buf + n, size - n, "%s%s", n ? " " : "", word);
	return true;
}

static bool write_wish(const struct net_wish *wish, struct msg *m, struct err *e)
{
	char buf[ADDRESS_TEXT_SIZE], mac[18] = "-";
	if (wish->mac)
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", wish->mac[0],
			wish->mac[1], wish->mac[2], wish->mac[3], wish->mac[4], wish->mac[5]);
	bool ok = add_word(m->err.what, sizeof(m->err.what),
			  wish->ip4.family ? address_print(&wish->ip4, buf) : "-", e) &&
		  add_word(m->err.what, sizeof(m->err.what),
			  wish->ip6.family ? address_print(&wish->ip6, buf) : "-", e) &&
		  add_word(m->err.what, sizeof(m->err.what), mac, e) &&
		  add_word(m->err.cause, sizeof(m->err.cause), wish->id, e);
	for (size_t i = 0; ok && i < wish->names->n; i++)
		ok = add_word(m->err.cause, sizeof(m->err.cause), wish->names->v[i], e);
	return ok;
}

bool net_join(struct net_lease *lease, const struct net_wish *wish, struct err *e)
{
	struct msg question = {.kind = MSG_ASK, .value = NET_ASK_JOIN}, answer;
	char ip4[ADDRESS_TEXT_SIZE], ip6[ADDRESS_TEXT_SIZE];
	int fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	if (!write_wish(wish, &question, e) ||
		!ask(lease->control_fd, &question, NULL, 0, &answer, fds, &n_fds, e))
		return false;
	bool ok = n_fds == 2 && sscanf(answer.err.what, "%63s %63s", ip4, ip6) == 2 &&
		  address_parse(ip4, &lease->ip4);
	if (!ok) {
		while (n_fds > 0)
			close(fds[--n_fds]);
		return err_msg(e, ERR_INTERNAL, "the network's helper gave no place");
	}
	if (!address_parse(ip6, &lease->ip6))
		lease->ip6 = (struct address){0};
	lease->userns_fd = fds[0];
	lease->netns_fd = fds[1];
	return true;
}

bool net_bind(const struct net_lease *lease, int pid_fd, struct err *e)
{
	struct msg question = {.kind = MSG_ASK, .value = NET_ASK_BIND}, answer;
	return ask(lease->control_fd, &question, &pid_fd, 1, &answer, NULL, NULL, e) ||
	       e->kind != ERR_NONE || err_msg(e, ERR_STATE, "the network's helper has ended");
}

static bool take_member(struct arena *arena, const struct msg *m, struct net_member *ret)
{
	char id[16], name[160], ip4[ADDRESS_TEXT_SIZE], ip6[ADDRESS_TEXT_SIZE];
	if (sscanf(m->err.what, "%15s %159s %63s %63s", id, name, ip4, ip6) != 4)
		return false;
	*ret = (struct net_member){arena_strdup(arena, id), arena_strdup(arena, name),
		arena_strdup(arena, ip4), arena_strdup(arena, strcmp(ip6, "-") ? ip6 : "")};
	return true;
}

/* @ret_places counts those without a container too; without @arena nobody is in @ret. */
static bool list_places(
	int dir_fd, struct arena *arena, struct net_members *ret, size_t *ret_places, struct err *e)
{
	struct msg m = {.kind = MSG_ASK, .value = NET_ASK_LIST};
	struct net_member member;
	CLEAN(clean_fd) int fd = -1;
	*ret = (struct net_members){.n = 0};
	*ret_places = 0;
	if (!net_connect(dir_fd, &fd, e))
		return e->kind == ERR_NONE;
	if (!ask(fd, &m, NULL, 0, &m, NULL, NULL, e))
		return e->kind == ERR_NONE;
	for (; m.kind == MSG_NOTE; ++*ret_places) {
		if (m.value && arena && take_member(arena, &m, &member))
			*ARENA_APPEND(arena, ret->v, ret->n) = member;
		if (msg_receive(fd, &m, NULL, NULL, e) != MSG_GOT_RECORD)
			return msg_blame(HELPER, e) || e->kind == ERR_NONE;
	}
	return true;
}

bool net_count_places(int dir_fd, size_t *ret, struct err *e)
{
	struct net_members ignored;
	return list_places(dir_fd, NULL, &ignored, ret, e);
}

bool net_list_members(const char *runtime_dir, const char *name, struct arena *arena,
	struct net_members *ret, struct err *e)
{
	size_t places;
	CLEAN(clean_fd) int dir_fd = open_directory(runtime_dir, name);
	*ret = (struct net_members){.n = 0};
	return dir_fd < 0 || list_places(dir_fd, arena, ret, &places, e) ||
	       err_what(e, ERR_STATE, "cannot ask who is in network '%s'", name);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/notify.h"
#include "base/own.h"
#include "base/text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGE_MAX 4096
#define STATUS_MAX  256

static socklen_t find_socket(struct sockaddr_un *ret)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len < 2 || len >= sizeof(ret->sun_path) || (path[0] != '/' && path[0] != '@'))
		return 0;
	memcpy(ret->sun_path, path, len);
	if (path[0] == '@')
		ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

bool notify_is_wanted(void)
{
	struct sockaddr_un to;
	return find_socket(&to) > 0;
}

void notify_send(const char *text)
{
	struct sockaddr_un to;
	socklen_t size = find_socket(&to);
	CLEAN(clean_fd) int fd = size ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd >= 0)
		sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
			size);
}

/* One line for systemctl status: what could be a terminal's escape is no text. */
static void hand_on_status(const char *line)
{
	char text[STATUS_MAX];
	size_t n = 0;
	for (; line[n] && n < sizeof(text) - 1; n++)
		text[n] = (unsigned char)line[n] < 0x20 || line[n] == 0x7f ? ' ' : line[n];
	text[n] = '\0';
	notify_send(text);
}

bool notify_take(int fd, bool hands_on, bool *ret_ready)
{
	static const char *const words[] = {"READY=1", "STOPPING=1", "RELOADING=1", "WATCHDOG=1"};
	char text[MESSAGE_MAX];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n < 0)
		return false;
	text[n] = '\0';
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		*ret_ready |= !strcmp(line, words[0]);
		for (size_t i = 0; hands_on && i < ARRAY_LEN(words); i++)
			if (!strcmp(line, words[i]))
				notify_send(words[i]);
		if (hands_on && text_starts(line, "STATUS="))
			hand_on_status(line);
	}
	return true;
}

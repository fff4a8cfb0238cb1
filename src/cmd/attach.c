/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/attach.h"
#include "apply/terminal.h"
#include "base/own.h"
#include "cmd/container_command.h"
#include "sys/tty.h"
#include "wire/control.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

static const char usual_keys[] = {16, 17, 0}; /* ctrl-p, ctrl-q */

struct visit {
	const struct attachment *a;
	const char *data_dir, *id;
	const char *keys;
	size_t n_keys; /* how many of them were typed */
	int signal_fd;
	bool has_input, has_left, has_ended;
	int status;
	struct control_record record;
	char input[CONTROL_DATA_MAX];
	size_t input_n;
	bool is_input_over;
};

static bool write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, data, n);
		if (wrote < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};
			poll(&p, 1, -1);
			continue;
		}
		if (wrote < 0 && errno != EINTR)
			return false;
		if (wrote > 0) {
			data += wrote;
			n -= (size_t)wrote;
		}
	}
	return true;
}

/* Found anew each time: a pid that is not the container's any more gets no signal. */
static void signal_container(struct visit *v, int sig)
{
	CLEAN(clean_fd) int all_fd = -1;
	struct arena arena;
	struct container c;
	struct err ignored = ERR_INIT;
	if (!containers_open(v->data_dir, false, &all_fd, &ignored) ||
		!arena_init(&arena, &ignored))
		return;
	if (container_read(all_fd, v->id, &arena, &c, &ignored)) {
		CLEAN(clean_fd) int fd = live_process_open(&c.first, c.boot_id);
		if (fd >= 0)
			syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
	}
	arena_done(&arena);
}

static void send_size(struct visit *v)
{
	struct winsize size;
	if (v->a->has_terminal && (tty_size(STDIN_FILENO, &size) || tty_size(STDOUT_FILENO, &size)))
		control_send(v->a->fd, CONTROL_RESIZE, (uint64_t)size.ws_row << 16 | size.ws_col,
			NULL, 0);
}

static void take_signal(struct visit *v)
{
	struct signalfd_siginfo info;
	if (read(v->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	int sig = (int)info.ssi_signo;
	if (sig == SIGWINCH)
		send_size(v);
	else if (sig == SIGCHLD || sig == SIGPIPE)
		return;
	else if (v->a->proxies_signals)
		signal_container(v, sig);
	else
		v->has_left = true;
	if (sig == SIGTSTP)
		kill(getpid(), SIGSTOP);
}

/* Keys that might leave are held back until it is clear that they do not. */
static size_t look_for_keys(struct visit *v, const char *typed, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n && !v->has_left; i++) {
		if (v->keys[0] && typed[i] == v->keys[v->n_keys]) {
			v->has_left = !v->keys[++v->n_keys];
			continue;
		}
		memcpy(v->input + kept, v->keys, v->n_keys);
		kept += v->n_keys;
		v->n_keys = v->keys[0] && typed[i] == v->keys[0];
		if (!v->n_keys)
			v->input[kept++] = typed[i];
	}
	return kept;
}

static void read_input(struct visit *v, bool is_raw)
{
	char typed[CONTROL_DATA_MAX / 32];
	ssize_t n = read(STDIN_FILENO, typed, sizeof(typed));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		v->has_input = false;
		v->is_input_over = true;
		return;
	}
	if (is_raw) {
		v->input_n = look_for_keys(v, typed, (size_t)n);
	} else {
		memcpy(v->input, typed, (size_t)n);
		v->input_n = (size_t)n;
	}
}

static void send_input(struct visit *v)
{
	if (v->input_n) {
		if (!control_send(v->a->fd, CONTROL_INPUT, 0, v->input, v->input_n) &&
			errno == EAGAIN)
			return;
		v->input_n = 0;
	}
	if (v->is_input_over &&
		(control_send(v->a->fd, CONTROL_INPUT_END, 0, NULL, 0) || errno != EAGAIN))
		v->is_input_over = false;
}

static bool take_record(struct visit *v, struct err *e)
{
	ssize_t n = control_receive(v->a->fd, &v->record);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n < 0)
		return err_what(e, ERR_STATE, "the container's monitor is gone");
	switch (v->record.head.kind) {
	case CONTROL_OUTPUT:
		write_all(STDOUT_FILENO, v->record.data, (size_t)n);
		break;
	case CONTROL_ERROR:
		write_all(STDERR_FILENO, v->record.data, (size_t)n);
		break;
	case CONTROL_EXIT:
		v->has_ended = true;
		v->status = (int)v->record.head.value;
		break;
	default:
		break;
	}
	return true;
}

static bool turn(struct visit *v, bool is_raw, struct err *e)
{
	bool wants_to_send = v->input_n || v->is_input_over;
	struct pollfd fds[] = {
		{.fd = v->a->fd, .events = (short)(POLLIN | (wants_to_send ? POLLOUT : 0))},
		{.fd = v->signal_fd, .events = POLLIN},
		{.fd = v->has_input && !wants_to_send ? STDIN_FILENO : -1, .events = POLLIN}};
	if (poll(fds, ARRAY_LEN(fds), -1) < 0)
		return errno == EINTR || err_sys(e, "poll");
	if (fds[1].revents)
		take_signal(v);
	if (fds[2].revents)
		read_input(v, is_raw);
	send_input(v);
	return !(fds[0].revents & (POLLIN | POLLHUP | POLLERR)) || take_record(v, e);
}

static void wanted_signals(sigset_t *set)
{
	struct sigaction action;
	sigfillset(set);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN &&
			sig != SIGCHLD)
			sigdelset(set, sig);
}

bool attach_stay(const struct attachment *a, const struct host *host, const char *id,
	int *ret_status, struct err *e)
{
	static const size_t size = sizeof(struct visit);
	CLEAN(clean_free) struct visit *v = calloc(1, size);
	struct held_terminal terminal = HELD_TERMINAL_INIT;
	sigset_t all, before;
	if (!v)
		return err_sys(e, "have memory");
	v->a = a;
	v->data_dir = host->data_dir;
	v->id = id;
	v->keys = a->detach_keys ? a->detach_keys : usual_keys;
	v->has_input = a->has_input;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	wanted_signals(&all);
	v->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	bool ok = v->signal_fd >= 0 || err_sys(e, "open a signal descriptor");
	if (ok && a->has_terminal && a->has_input)
		ok = terminal_take(&terminal, e);
	send_size(v);
	while (ok && !v->has_ended && !v->has_left)
		ok = turn(v, terminal.is_raw, e);
	bool was_raw = terminal.is_raw;
	terminal_give_back(&terminal);
	clean_fd(&v->signal_fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (ok && v->has_left && was_raw)
		ok = print_out("\r\n", e);
	if (ok)
		*ret_status = v->has_ended ? v->status : 0;
	return ok;
}

static bool attach(struct container_command *c, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	struct container record;
	struct attachment a = {.fd = -1, .detach_keys = c->to.life.detach_keys};
	if (!container_get_kept(c, c->argv[0], "attach to",
		    "whoever started it has its input and output", &record, e))
		return false;
	if (!container_is_up(&record))
		return err_what(e, ERR_STATE, "container '%s' does not run", c->argv[0]);
	dir_fd = openat(c->all_fd, record.id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || !control_connect(dir_fd, &a.fd, e))
		return err_hint(e, "its monitor was killed: stop the container and start it again");
	a.has_terminal = record.has_terminal;
	a.has_input = record.has_input && !c->to.life.has_no_stdin;
	a.proxies_signals = !c->to.life.has_no_sig_proxy;
	bool ok = control_send(a.fd, CONTROL_HELLO, CONTROL_WANTS_OUTPUT, NULL, 0) ||
		  err_sys(e, "speak to the container's monitor");
	ok = ok && attach_stay(&a, &c->host, record.id, &c->status, e);
	clean_fd(&a.fd);
	return ok;
}

static int run_attach(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, 1, ARGUMENTS_MIXED, attach, e);
}

static const struct option_def attach_options[] = {
	{"detach-keys", 0, "KEYS", "what leaves it again (ctrl-p,ctrl-q)", set_detach_keys},
	{"no-stdin", 0, NULL, "only watch", set_no_stdin},
	{"sig-proxy", 0, NULL, "hand signals on to the container (true)", set_sig_proxy}, {0}};

const struct command command_attach = {.name = "attach",
	.arguments = "[OPTIONS] CONTAINER",
	.summary = "Connect to a container's input and output",
	.details = "",
	.options = attach_options,
	.run = run_attach};

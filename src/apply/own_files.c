/* SPDX-License-Identifier: Apache-2.0 */
/* own_files.c - hosts, hostname and resolv.conf of a container */
#include "apply/start.h"
#include "apply/system.h"
#include "base/own.h"
#include "base/text.h"
#include "state/record.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool write_file(struct starter *s, const char *name, const char *text, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", s->plan->container_dir, name);
	CLEAN(clean_fd)
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	/* No fsync: the file is only worth something while this container runs. */
	if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, text, len) != (ssize_t)len)
		return err_sys(e, "write '%s'", path);
	return true;
}

/* Where "host-gateway" leads: to this machine, as far as its network lets the container. */
static const char *host_gateway(const struct plan *plan, char *buf)
{
	return plan->net.has_device ? address_print(&plan->net.gateway4, buf) : "127.0.0.1";
}

static const char *own_line(const struct plan *plan)
{
	const struct spec *spec = plan->spec;
	char buf[ADDRESS_TEXT_SIZE];
	const char *name = spec->name ? spec->name : "";
	if (spec->hostname && !strcmp(name, spec->hostname))
		name = "";
	/* With the host's network the name must mean what it means outside. */
	if (!spec->hostname)
		return "";
	return arena_printf(spec->arena, "%s\t%s%s%s\n",
		plan->net.has_device ? address_print(&plan->net.guest4, buf) : "127.0.1.1",
		spec->hostname, name[0] ? " " : "", name);
}

static const char *hosts_text(const struct plan *plan)
{
	const struct spec *spec = plan->spec;
	char buf[ADDRESS_TEXT_SIZE];
	const char *text = arena_printf(spec->arena,
		"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%s",
		own_line(plan));
	if (plan->net.has_device && !plan->net.is_internal)
		text = arena_printf(spec->arena,
			"%s%s\thost.containers.internal host.docker.internal\n", text,
			address_print(&plan->net.gateway4, buf));
	for (size_t i = 0; i < spec->extra_hosts.n; i++) {
		const char *entry = spec->extra_hosts.v[i];
		size_t len = strcspn(entry, ":");
		const char *address = entry + len + 1;
		if (!strcmp(address, "host-gateway"))
			address = host_gateway(plan, buf);
		text = arena_printf(spec->arena, "%s%s\t%.*s\n", text, address, (int)len, entry);
	}
	return text;
}

static const char *joined(struct arena *a, const char *text, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++)
		text = arena_printf(a, "%s %s", text, words->v[i]);
	return arena_printf(a, "%s\n", text);
}

/* The lines of the host's resolv.conf that begin with @word [resolv.conf(5)]. */
static const char *host_lines(struct arena *a, const char *host, const char *word)
{
	const char *text = "";
	size_t word_len = strlen(word);
	while (*host) {
		size_t len = strcspn(host, "\n");
		if (!strncmp(host, word, word_len) &&
			(host[word_len] == ' ' || host[word_len] == '\t'))
			text = arena_printf(a, "%s%.*s\n", text, (int)len, host);
		host += len + (host[len] == '\n');
	}
	return text;
}

static const char *nameserver_lines(const struct plan *plan, const char *host)
{
	const struct strv *dns = &plan->spec->net.dns;
	struct arena *a = plan->spec->arena;
	char buf[ADDRESS_TEXT_SIZE];
	const char *text = "";
	for (size_t i = 0; i < dns->n; i++)
		if (strcmp(dns->v[i], "none"))
			text = arena_printf(a, "%snameserver %s\n", text, dns->v[i]);
	if (dns->n)
		return text;
	/* One address is enough: libc would only wait twice for the same resolver. */
	if (plan->net.has_device)
		return arena_printf(a, "nameserver %s\n", address_print(&plan->net.dns4, buf));
	return host_lines(a, host, "nameserver");
}

/* The joined container's own file: its resolver is the one that can be reached there. */
static const char *joined_resolv(const struct plan *plan)
{
	const struct ns_spec *ns = &plan->spec->namespaces[NS_NET];
	struct arena *a = plan->spec->arena;
	struct state_record record;
	struct err ignored;
	if (ns->mode != NS_JOIN_CONTAINER ||
		!state_find(plan->host->runtime_dir, ns->from, &record, &ignored))
		return NULL;
	return arena_read_file(a, AT_FDCWD,
		arena_printf(a, "%s/%s/resolv.conf", plan->host->runtime_dir, record.id), NULL,
		&ignored);
}

/* Who has neither the host's network nor one of ours asks nobody: an empty file answers at once. */
static const char *resolv_text(const struct plan *plan)
{
	const struct net_spec *net = &plan->spec->net;
	struct arena *a = plan->spec->arena;
	struct err ignored;
	bool is_hosts = plan->spec->namespaces[NS_NET].mode == NS_HOST;
	bool is_changed = net->dns.n || net->dns_search.n || net->dns_options.n;
	const char *host = NULL;
	if (is_hosts || plan->net.has_device)
		host = arena_read_file(a, AT_FDCWD, "/etc/resolv.conf", NULL, &ignored);
	else
		host = joined_resolv(plan);
	if (!host)
		host = "";
	if (!plan->net.has_device && !is_changed)
		return host;
	const char *search = net->dns_search.n ? joined(a, "search", &net->dns_search)
					       : host_lines(a, host, "search");
	if (strv_has(&net->dns_search, "."))
		search = "search .\n";
	return arena_printf(a, "%s%s%s", nameserver_lines(plan, host), search,
		net->dns_options.n ? joined(a, "options", &net->dns_options)
				   : host_lines(a, host, "options"));
}

bool parent_write_files(struct starter *s, const struct step *step, struct err *e)
{
	const struct spec *spec = s->plan->spec;
	char host[256] = "";
	const char *name = spec->hostname;
	(void)step;
	if (spec->notify_path && !system_open_notify(s->plan->container_dir, &s->proc.notify_fd, e))
		return err_what(e, ERR_HOST, "cannot write the container's own files");
	/* A root without /etc gets none of them. */
	if (spec->root.kind == ROOT_DIR &&
		faccessat(AT_FDCWD, arena_printf(spec->arena, "%s/etc", spec->root.path), F_OK,
			AT_EACCESS) < 0 &&
		errno == ENOENT)
		return true;
	if (!name && gethostname(host, sizeof(host) - 1) == 0)
		name = host;
	bool ok =
		write_file(s, "hosts", hosts_text(s->plan), e) &&
		write_file(s, "hostname", arena_printf(spec->arena, "%s\n", name ? name : ""), e) &&
		write_file(s, "resolv.conf", resolv_text(s->plan), e);
	return ok || err_what(e, ERR_HOST, "cannot write the container's own files");
}

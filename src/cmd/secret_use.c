/* SPDX-License-Identifier: Apache-2.0 */
/* secret_use.c - run --secret: from the store into a start, and into a container that stays */
#include "base/own.h"
#include "cmd/secret.h"
#include "spec/secret_text.h"
#include "store/secret.h"
#include "sys/files.h"

#include <fcntl.h>
#include <string.h>

/* All of them together: they are copied into each child. */
#define TOTAL_MAX ((size_t)8 << 20)
/* What execve(2) takes as one string, with the variable's name. */
#define VARIABLE_MAX ((size_t)131072 - 256)

static bool check(const struct secret_spec *secret, size_t total, struct err *e)
{
	if (total > TOTAL_MAX)
		return err_what(e, ERR_USAGE, "the secrets have more than %zu MiB together",
			TOTAL_MAX >> 20);
	if (!secret->is_env)
		return true;
	if (memchr(secret->data, '\0', secret->size))
		err_msg(e, ERR_USAGE, "it holds a zero byte");
	else if (secret->size > VARIABLE_MAX)
		err_msg(e, ERR_USAGE, "it has more than %zu bytes", VARIABLE_MAX);
	else
		return true;
	err_what(e, ERR_USAGE, "secret '%s' cannot be a variable", secret->name);
	return err_hint(e, "give it as a file: --secret %s,type=mount", secret->name);
}

bool secrets_settle(struct invocation *to, const struct host *host, struct err *e)
{
	size_t total = 0;
	for (size_t i = 0; i < to->spec.n_secrets; i++) {
		struct secret_spec *secret = &to->spec.secrets[i];
		struct secret found;
		const char *name;
		if (!secret_find(host->data_dir, secret->name, &to->arena, &name, e) ||
			!secret_read(host->data_dir, name, true, &to->arena, &found, e))
			return false;
		secret->data = found.data;
		secret->size = found.size;
		total += found.size;
		if (!check(secret, total, e))
			return false;
	}
	return true;
}

static void copy_name(char name[32], size_t i)
{
	snprintf(name, 32, "secret.%zu", i);
}

bool secrets_keep(const struct invocation *to, int dir_fd, struct err *e)
{
	for (size_t i = 0; i < to->spec.n_secrets; i++) {
		const struct secret_spec *secret = &to->spec.secrets[i];
		char name[32];
		copy_name(name, i);
		if (!files_write_private(dir_fd, name, secret->data, secret->size, true, e))
			return err_what(e, ERR_HOST, "cannot keep secret '%s' for the container",
				secret->name);
	}
	return true;
}

void secrets_forget(int dir_fd)
{
	char name[32];
	size_t i = 0;
	do
		copy_name(name, i++);
	while (unlinkat(dir_fd, name, 0) == 0);
}

bool secrets_load(struct invocation *to, const struct host *host, struct err *e)
{
	for (size_t i = 0; i < to->spec.n_secrets; i++) {
		struct secret_spec *secret = &to->spec.secrets[i];
		CLEAN(clean_free) char *text = NULL;
		char name[32];
		size_t size;
		copy_name(name, i);
		const char *path = arena_printf(
			&to->arena, "%s/containers/%s/%s", host->data_dir, to->spec.id, name);
		if (!files_read(AT_FDCWD, path, SECRET_SIZE_LIMIT, &text, &size, e))
			return err_what(e, ERR_HOST, "cannot read the container's secret '%s'",
				secret->name);
		char *data = arena_alloc(&to->arena, size + 1);
		memcpy(data, text, size);
		explicit_bzero(text, size);
		secret->data = data;
		secret->size = size;
	}
	return true;
}

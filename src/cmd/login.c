/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cmd/image_command.h"
#include "image/auth.h"
#include "image/push.h"

#include <bsd/readpassphrase.h>
#include <stdio.h>
#include <string.h>

#define DOCKER_HUB "https://index.docker.io/v1/"

/* A registry alone, as the beginning of any name in it. */
static bool read_registry(struct image_command *c, struct reference *ret, struct err *e)
{
	const char *text = c->argc ? c->argv[0] : "docker.io";
	if (!strncmp(text, "https://", 8))
		text += 8;
	const char *host = arena_strndup(&c->to.arena, text, strcspn(text, "/"));
	if (!strpbrk(host, ".:") && strcmp(host, "localhost"))
		return err_what(e, ERR_USAGE, "'%s' is no registry", text);
	return reference_parse(&c->to.arena, arena_printf(&c->to.arena, "%s/x/x", host), ret, e);
}

static const char *key_of(const struct reference *r)
{
	return strcmp(r->registry, "docker.io") ? r->registry : DOCKER_HUB;
}

static bool ask(const char *prompt, int flags, char *buf, size_t size, struct err *e)
{
	if (readpassphrase(prompt, buf, size, flags | RPP_REQUIRE_TTY) && buf[0])
		return true;
	err_msg(e, ERR_USAGE, "there is no terminal to ask on");
	err_hint(e, "guscio login -u USER --password-stdin REGISTRY");
	return err_what(e, ERR_USAGE, "cannot log in");
}

static bool read_stdin(char *buf, size_t size, struct err *e)
{
	size_t n = fread(buf, 1, size - 1, stdin);
	buf[n] = '\0';
	buf[strcspn(buf, "\r\n")] = '\0';
	return buf[0] || err_what(e, ERR_USAGE, "there is no password on standard input");
}

static bool login(struct image_command *c, struct err *e)
{
	struct reference registry;
	char user[256] = "", password[4096] = "";
	bool ignored;
	if (!read_registry(c, &registry, e))
		return false;
	snprintf(user, sizeof(user), "%s", c->to.user_name ? c->to.user_name : "");
	snprintf(password, sizeof(password), "%s", c->to.password ? c->to.password : "");
	if (!user[0] && !ask("Username: ", RPP_ECHO_ON, user, sizeof(user), e))
		return false;
	if (c->to.from_stdin && !read_stdin(password, sizeof(password), e))
		return false;
	if (!password[0] && !ask("Password: ", RPP_ECHO_OFF, password, sizeof(password), e))
		return false;
	struct remote_options options = c->to.source.remote;
	options.credentials = arena_printf(&c->to.arena, "%s:%s", user, password);
	const struct credentials credentials = {.user = user, .password = password};
	bool ok = push_login(&c->to.arena, &c->host, &registry, &options, e) &&
		  auth_store(&c->to.arena, options.auth_file, key_of(&registry), &credentials,
			  &ignored, e);
	explicit_bzero(password, sizeof(password));
	if (!ok)
		return e->what[0] ? false
				  : err_what(e, e->kind, "cannot log in to %s", registry.registry);
	return print_out("Login Succeeded!\n", e);
}

static bool set_user_name(struct invocation *to, const char *value, struct err *e)
{
	(void)e;
	to->user_name = value;
	return true;
}

static bool set_password(struct invocation *to, const char *value, struct err *e)
{
	(void)e;
	to->password = value;
	return true;
}

static bool set_password_stdin(struct invocation *to, const char *value, struct err *e)
{
	return option_bool(value, "password-stdin", &to->from_stdin, e);
}

static int run_login(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 0, 1, IMAGE_READS, login, e);
}

static const struct option_def login_options[] = {
	{"authfile", 0, "FILE", "keep the credentials in FILE", set_authfile},
	{"cert-dir", 0, "DIR", "CA (*.crt), certificate and key for the registry", set_cert_dir},
	{"password", 'p', "PASSWORD", "the password (others can see it: better --password-stdin)",
		set_password},
	{"password-stdin", 0, NULL, "read the password from standard input", set_password_stdin},
	{"tls-verify", 0, NULL, "check the registry's certificate (true)", set_tls_verify},
	{"username", 'u', "USER", "the user", set_user_name}, {0}};

const struct command command_login = {.name = "login",
	.arguments = "[OPTIONS] [REGISTRY]",
	.summary = "Log in to a registry",
	.details = "\nThe credentials are tried, then kept where podman keeps them.\n",
	.options = login_options,
	.run = run_login};

static bool logout(struct image_command *c, struct err *e)
{
	struct reference registry;
	bool was_there = false;
	if (!read_registry(c, &registry, e) ||
		!auth_store(&c->to.arena, c->to.source.remote.auth_file, key_of(&registry), NULL,
			&was_there, e))
		return false;
	if (was_there)
		return true;
	err_what(e, ERR_STATE, "nobody is logged in to %s", registry.registry);
	return err_hint(e, "other files may know a user: %s is the one that login writes",
		auth_file(&c->to.arena, c->to.source.remote.auth_file));
}

static int run_logout(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 0, 1, IMAGE_READS, logout, e);
}

static const struct option_def logout_options[] = {
	{"authfile", 0, "FILE", "the credentials are in FILE", set_authfile}, {0}};

const struct command command_logout = {.name = "logout",
	.arguments = "[OPTIONS] [REGISTRY]",
	.summary = "Forget a registry's credentials",
	.details = "",
	.options = logout_options,
	.run = run_logout};

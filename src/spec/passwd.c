/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/passwd.h"
#include "base/text.h"

#include <string.h>

/* A piece of somebody else's text: not zero-ended. */
struct piece {
	const char *at;
	size_t n;
};

/* Cuts off up to @end; what is cut is returned. */
static struct piece cut(struct piece *text, char end)
{
	const char *found = text->n ? memchr(text->at, end, text->n) : NULL;
	struct piece first = {text->at, found ? (size_t)(found - text->at) : text->n};
	size_t taken = first.n + (found != NULL);
	text->at += taken;
	text->n -= taken;
	return first;
}

static bool is_word(struct piece piece, const char *word, size_t n)
{
	return piece.n == n && n > 0 && !memcmp(piece.at, word, n);
}

static bool to_id(struct piece piece, uint32_t *ret)
{
	char text[16];
	if (piece.n == 0 || piece.n >= sizeof(text) || memchr(piece.at, '\0', piece.n))
		return false;
	memcpy(text, piece.at, piece.n);
	text[piece.n] = '\0';
	return text_to_id(text, ret);
}

/* Too long or with a zero byte: left as it was. */
static void copy_out(struct piece piece, char *dst, size_t size)
{
	if (piece.n == 0 || piece.n >= size || memchr(piece.at, '\0', piece.n))
		return;
	memcpy(dst, piece.at, piece.n);
	dst[piece.n] = '\0';
}

struct account {
	struct piece name, home, shell;
	uint32_t uid, gid;
};

/* name:password:uid:gid:gecos:home:shell [passwd(5)] */
static bool parse_account(struct piece line, struct account *ret)
{
	struct account account;
	account.name = cut(&line, ':');
	cut(&line, ':');
	struct piece uid = cut(&line, ':');
	struct piece gid = cut(&line, ':');
	cut(&line, ':');
	account.home = cut(&line, ':');
	account.shell = line;
	if (account.name.n == 0 || !to_id(uid, &account.uid) || !to_id(gid, &account.gid))
		return false;
	*ret = account;
	return true;
}

static bool find_account(
	struct piece text, struct piece name, const uint32_t *uid, struct account *ret)
{
	while (text.n) {
		struct account account;
		if (!parse_account(cut(&text, '\n'), &account))
			continue;
		if (uid ? account.uid == *uid : is_word(account.name, name.at, name.n)) {
			*ret = account;
			return true;
		}
	}
	return false;
}

/* name:password:gid:members [group(5)] */
static bool find_group(struct piece text, struct piece name, uint32_t *ret)
{
	while (text.n) {
		struct piece line = cut(&text, '\n');
		struct piece found = cut(&line, ':');
		cut(&line, ':');
		uint32_t gid;
		if (!is_word(found, name.at, name.n) || !to_id(cut(&line, ':'), &gid))
			continue;
		*ret = gid;
		return true;
	}
	return false;
}

static bool lists_member(struct piece members, struct piece name)
{
	while (members.n)
		if (is_word(cut(&members, ','), name.at, name.n))
			return true;
	return false;
}

static void add_groups(struct piece text, struct piece name, struct user_id *user)
{
	while (text.n && user->n_groups < PASSWD_GROUPS_MAX) {
		struct piece line = cut(&text, '\n');
		uint32_t gid;
		cut(&line, ':');
		cut(&line, ':');
		if (!to_id(cut(&line, ':'), &gid) || gid == user->gid)
			continue;
		if (lists_member(line, name))
			user->groups[user->n_groups++] = gid;
	}
}

bool passwd_find_group(const char *text, const char *group, size_t group_size, uint32_t *ret_gid)
{
	struct piece name = {text, strlen(text)};
	if (to_id(name, ret_gid))
		return true;
	return find_group((struct piece){group, group_size}, name, ret_gid);
}

static void use_account(const struct account *account, struct user_id *user)
{
	user->uid = account->uid;
	user->gid = account->gid;
	copy_out(account->name, user->name, sizeof(user->name));
	copy_out(account->home, user->home, sizeof(user->home));
	copy_out(account->shell, user->shell, sizeof(user->shell));
	/* A home that is no path, or would break out of HOME=…, is none. */
	if (user->home[0] != '/')
		strcpy(user->home, "/");
}

static bool find_user(struct piece who, uint32_t default_uid, struct piece passwd,
	struct user_id *user, struct err *e)
{
	struct account account;
	uint32_t uid = default_uid;
	if (who.n == 0 || to_id(who, &uid)) {
		user->uid = uid;
		if (find_account(passwd, who, &uid, &account))
			use_account(&account, user);
		return true;
	}
	if (!find_account(passwd, who, NULL, &account)) {
		err_what(e, ERR_INPUT, "user '%.*s' is not in the container's /etc/passwd",
			(int)(who.n < 64 ? who.n : 64), who.at);
		return err_hint(e, "name a user that it has, or a number");
	}
	use_account(&account, user);
	return true;
}

bool passwd_find_user(const char *text, uint32_t default_uid, const char *passwd,
	size_t passwd_size, const char *group, size_t group_size, struct user_id *ret,
	struct err *e)
{
	struct user_id user = {.home = "/", .shell = "/bin/sh"};
	struct piece groups = {group, group_size};
	struct piece rest = {text, strlen(text)};
	bool has_group = strchr(text, ':');
	struct piece who = cut(&rest, ':');
	*e = (struct err)ERR_INIT;
	if (has_group && rest.n == 0)
		return err_what(e, ERR_INPUT, "'%s' names no group after ':'", text);
	if (!find_user(who, default_uid, (struct piece){passwd, passwd_size}, &user, e))
		return false;
	if (has_group) {
		if (!to_id(rest, &user.gid) && !find_group(groups, rest, &user.gid))
			return err_what(e, ERR_INPUT,
				"group '%s' is not in the container's /etc/group", rest.at);
	} else if (user.name[0]) {
		add_groups(groups, (struct piece){user.name, strlen(user.name)}, &user);
	}
	*ret = user;
	return true;
}

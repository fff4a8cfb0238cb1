/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/limits.h"
#include "base/own.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define WEIGHT_MAX    10000
#define SHARES_MIN    2
#define SHARES_MAX    262144
#define PERIOD_US     100000
#define CPUS_MAX      8192
#define OOM_SCORE_MAX 1000
/* Below this no program comes as far as its own code. */
#define MEMORY_MIN ((uint64_t)512 << 10)
/* A kernel that counts in longs takes no larger one for a number. */
#define BYTES_MAX ((uint64_t)INT64_MAX)

bool limits_any(const struct limits_spec *l)
{
	return l->memory || l->has_memory_swap || l->memory_low || l->memory_high || l->oom_group ||
	       l->cpu_quota_us || l->cpu_weight || l->cpus || l->mems || l->pids || l->io_weight ||
	       l->n_io || l->conf.n;
}

bool limits_want_cgroup(const struct limits_spec *l)
{
	return limits_any(l) || l->cgroup == CGROUP_ALWAYS || l->cgroup == CGROUP_IF_POSSIBLE ||
	       l->cgroup == CGROUP_SPLIT || l->parent || l->cgroups_path;
}

/* Options: what each text means. */
static bool read_bytes(const char *name, const char *text, uint64_t *ret, struct err *e)
{
	if (!strcmp(text, "-1") || !strcmp(text, "max")) {
		*ret = LIMIT_NONE;
		return true;
	}
	if (text_to_bytes(text, ret) && *ret <= BYTES_MAX)
		return true;
	err_what(e, ERR_USAGE, "--%s '%s' is no size", name, text);
	return err_hint(e, "512m, 2g, or -1 for no limit");
}

static bool read_number(const char *name, const char *text, uint64_t min, uint64_t max,
	uint64_t *ret, struct err *e)
{
	uint64_t value;
	if (text_to_u64(text, max, &value) && value >= min) {
		*ret = value;
		return true;
	}
	return err_what(e, ERR_USAGE, "--%s '%s' is no number from %llu to %llu", name, text,
		(unsigned long long)min, (unsigned long long)max);
}

/* Processors as docker counts them: "1.5" is 150 ms of every 100. */
static bool read_cpus(const char *text, uint64_t *ret_us, struct err *e)
{
	size_t whole = strspn(text, "0123456789");
	const char *fraction = text[whole] == '.' ? text + whole + 1 : text + whole;
	size_t digits = strspn(fraction, "0123456789");
	uint64_t us = 0, factor = PERIOD_US / 10;
	bool is_number = whole + digits > 0 && whole < 6 && !fraction[digits];
	for (size_t i = 0; is_number && i < whole; i++)
		us = us * 10 + (uint64_t)(text[i] - '0');
	us *= PERIOD_US;
	for (size_t i = 0; is_number && i < digits && factor; i++, factor /= 10)
		us += (uint64_t)(fraction[i] - '0') * factor;
	if (!is_number)
		return err_what(e, ERR_USAGE, "--cpus '%s' is no number of processors", text);
	/* The kernel's least is 1 ms [cpu.max]. */
	if (us < 1000)
		return err_what(e, ERR_USAGE, "--cpus '%s' is less than 0.01", text);
	*ret_us = us;
	return true;
}

bool limits_list(const char *text, uint32_t *ret_max)
{
	uint32_t max = 0;
	const char *p = text;
	while (true) {
		char *end;
		if (*p < '0' || *p > '9')
			return false;
		unsigned long first = strtoul(p, &end, 10), last = first;
		if (*end == '-') {
			p = end + 1;
			if (*p < '0' || *p > '9')
				return false;
			last = strtoul(p, &end, 10);
		}
		if (last < first || last > CPUS_MAX)
			return false;
		max = last > max ? (uint32_t)last : max;
		if (!*end) {
			*ret_max = max;
			return true;
		}
		if (*end != ',')
			return false;
		p = end + 1;
	}
}

static bool list_has(const char *list, unsigned long number)
{
	for (const char *p = list; *p >= '0' && *p <= '9';) {
		char *end;
		unsigned long first = strtoul(p, &end, 10), last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (number >= first && number <= last)
			return true;
		p = *end == ',' ? end + 1 : end;
	}
	return false;
}

bool limits_list_within(const char *list, const char *all)
{
	uint32_t max;
	if (!limits_list(list, &max))
		return false;
	for (unsigned long i = 0; i <= max; i++)
		if (list_has(list, i) && !list_has(all, i))
			return false;
	return true;
}

static bool read_list(const char *name, const char *text, const char **ret, struct err *e)
{
	uint32_t max;
	if (!limits_list(text, &max)) {
		err_what(e, ERR_USAGE, "--%s '%s' is no list", name, text);
		return err_hint(e, "0-2,4");
	}
	*ret = text;
	return true;
}

static bool read_io(struct limits_spec *l, const char *name, enum io_rate rate, const char *text,
	struct arena *a, struct err *e)
{
	const char *colon = strrchr(text, ':');
	bool is_bytes = rate == IO_READ_BPS || rate == IO_WRITE_BPS;
	uint64_t value = 0;
	bool ok = colon && colon > text && text[0] == '/';
	if (ok && is_bytes)
		ok = text_to_bytes(colon + 1, &value) && value <= BYTES_MAX;
	else if (ok)
		ok = text_to_u64(colon + 1, UINT32_MAX, &value);
	if (!ok || !value) {
		err_what(e, ERR_USAGE, "--%s '%s' is not DEVICE:RATE", name, text);
		return err_hint(e, is_bytes ? "/dev/sda:10mb" : "/dev/sda:100");
	}
	struct io_limit *io = ARENA_APPEND(a, l->io, l->n_io);
	io->device = arena_strndup(a, text, (size_t)(colon - text));
	io->rate = rate;
	io->per_second = value;
	return true;
}

static bool read_conf(struct limits_spec *l, const char *text, struct arena *a, struct err *e)
{
	size_t len = strcspn(text, "=");
	size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.");
	const char *dot = memchr(text, '.', len);
	/* A file of this cgroup and no other; those that move or end processes are not limits. */
	if (!text[len] || good != len || !dot || dot == text || text_starts(text, "cgroup.")) {
		err_what(e, ERR_USAGE, "--cgroup-conf '%s' is not FILE=VALUE", text);
		return err_hint(e, "memory.high=1073741824, as the kernel's cgroup-v2 says");
	}
	strv_add(a, &l->conf, text);
	return true;
}

static bool read_parent(struct limits_spec *l, const char *text, struct err *e)
{
	size_t good = strspn(
		text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\-");
	if (text[good] || !text_ends(text, ".slice") || strlen(text) > 200) {
		err_what(e, ERR_USAGE, "--cgroup-parent '%s' is no slice", text);
		return err_hint(e, "a slice of your own systemd: work.slice");
	}
	l->parent = text;
	return true;
}

static bool is_unit_name(const char *text, size_t size_max)
{
	size_t good = strspn(
		text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@\\-");
	return text[0] && !text[good] && text[0] != '.' && good <= size_max;
}

/* Each word between slashes is a directory of the cgroup file system, and none leads up. */
static bool is_cgroup_path(const char *text)
{
	size_t len = strlen(text);
	const char *p = text + (text[0] == '/');
	if (!*p || len > 256)
		return false;
	for (;; p++) {
		size_t word = strcspn(p, "/");
		if (!word || word > 200 || p[0] == '.' || !strncmp(p, "cgroup.", 7))
			return false;
		for (size_t i = 0; i < word; i++)
			if ((unsigned char)p[i] <= ' ' || p[i] == 0x7f)
				return false;
		p += word;
		if (!*p)
			return true;
	}
}

const char *limits_cgroups_path(struct limits_spec *l, const char *text, struct arena *a)
{
	const char *first = strchr(text, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;
	struct err ignored = ERR_INIT;
	if (!first) {
		if (!is_cgroup_path(text))
			return "is no path of a cgroup";
		l->below = l->cgroups_path = text;
		return NULL;
	}
	if (!second || strchr(second + 1, ':'))
		return "is not SLICE:PREFIX:NAME";
	const char *slice = arena_strndup(a, text, (size_t)(first - text));
	const char *prefix = arena_strndup(a, first + 1, (size_t)(second - first - 1));
	if (text_ends(second + 1, ".slice"))
		return "asks for a slice, where a container has a scope";
	if (slice[0] && !read_parent(l, slice, &ignored))
		return "names no slice";
	l->unit = arena_printf(a, "%s%s%s", prefix, prefix[0] ? "-" : "", second + 1);
	if (!second[1] || !is_unit_name(l->unit, 200))
		return "names no unit of systemd";
	l->cgroups_path = text;
	return NULL;
}

static bool read_word(const char *name, const char *text, const struct name_value *words,
	const char *all, int *ret, struct err *e)
{
	const struct name_value *found = name_find(words, text);
	if (!found) {
		err_what(e, ERR_USAGE, "--%s '%s' is not known", name, text);
		return err_hint(e, "%s", all);
	}
	*ret = (int)found->value;
	return true;
}

static bool read_shares(struct limits_spec *l, const char *text, struct err *e)
{
	uint64_t shares;
	if (!strcmp(text, "0"))
		return true; /* docker's word for the default */
	if (!read_number("cpu-shares", text, SHARES_MIN, SHARES_MAX, &shares, e))
		return false;
	/* The line through docker's ends that every OCI runtime uses. */
	l->cpu_weight = 1 + ((shares - SHARES_MIN) * (WEIGHT_MAX - 1)) / (SHARES_MAX - SHARES_MIN);
	return true;
}

static bool read_pids(struct limits_spec *l, const char *text, struct err *e)
{
	if (!strcmp(text, "-1") || !strcmp(text, "0") || !strcmp(text, "max")) {
		l->pids = LIMIT_NONE;
		return true;
	}
	return read_number("pids-limit", text, 1, 4194304, &l->pids, e);
}

static bool read_oom_score(struct limits_spec *l, const char *text, struct err *e)
{
	uint32_t value;
	bool is_negative = text[0] == '-';
	if (!text_to_u32(text + is_negative, &value) || value > OOM_SCORE_MAX)
		return err_what(
			e, ERR_USAGE, "--oom-score-adj '%s' is no number from -1000 to 1000", text);
	l->oom_score_adj = is_negative ? -(int)value : (int)value;
	l->has_oom_score_adj = true;
	return true;
}

static bool read_swap(struct limits_spec *l, const char *text, struct err *e)
{
	l->has_memory_swap = true;
	return read_bytes("memory-swap", text, &l->memory_swap, e);
}

static bool read_flag(const char *name, const char *text, bool *ret, struct err *e)
{
	*ret = !strcmp(text, "true");
	return *ret || !strcmp(text, "false") ||
	       err_what(e, ERR_USAGE, "--%s '%s' is neither true nor false", name, text);
}

static const struct name_value modes[] = {{"best", LIMIT_BEST}, {"hard", LIMIT_HARD}, {NULL, 0}};
static const struct name_value wishes[] = {{"auto", CGROUP_WITH_LIMITS}, {"enabled", CGROUP_ALWAYS},
	{"disabled", CGROUP_NEVER}, {"split", CGROUP_SPLIT}, {NULL, 0}};

enum option {
	O_MEMORY,
	O_SWAP,
	O_LOW,
	O_HIGH,
	O_GROUP,
	O_CPUS,
	O_WEIGHT,
	O_SHARES,
	O_SET_CPUS,
	O_SET_MEMS,
	O_PIDS,
	O_IO_WEIGHT,
	O_RBPS,
	O_WBPS,
	O_RIOPS,
	O_WIOPS,
	O_SCORE,
	O_CONF,
	O_PARENT,
	O_MODE,
	O_CGROUPS,
};

static const struct name_value names[] = {{"memory", O_MEMORY}, {"memory-swap", O_SWAP},
	{"memory-reservation", O_LOW}, {"memory-high", O_HIGH}, {"oom-group", O_GROUP},
	{"cpus", O_CPUS}, {"cpu-weight", O_WEIGHT}, {"cpu-shares", O_SHARES},
	{"cpuset-cpus", O_SET_CPUS}, {"cpuset-mems", O_SET_MEMS}, {"pids-limit", O_PIDS},
	{"io-weight", O_IO_WEIGHT}, {"device-read-bps", O_RBPS}, {"device-write-bps", O_WBPS},
	{"device-read-iops", O_RIOPS}, {"device-write-iops", O_WIOPS}, {"oom-score-adj", O_SCORE},
	{"cgroup-conf", O_CONF}, {"cgroup-parent", O_PARENT}, {"limit-mode", O_MODE},
	{"cgroups", O_CGROUPS}, {NULL, 0}};

/* lint: table */
bool limits_option(
	struct limits_spec *l, const char *name, const char *text, struct arena *a, struct err *e)
{
	const struct name_value *option = name_find(names, name);
	int word;
	switch (option ? (int)option->value : -1) {
	case O_MEMORY:
		return read_bytes(name, text, &l->memory, e);
	case O_SWAP:
		return read_swap(l, text, e);
	case O_LOW:
		return read_bytes(name, text, &l->memory_low, e);
	case O_HIGH:
		return read_bytes(name, text, &l->memory_high, e);
	case O_GROUP:
		return read_flag(name, text, &l->oom_group, e);
	case O_CPUS:
		return read_cpus(text, &l->cpu_quota_us, e);
	case O_WEIGHT:
		return read_number(name, text, 1, WEIGHT_MAX, &l->cpu_weight, e);
	case O_SHARES:
		return read_shares(l, text, e);
	case O_SET_CPUS:
		return read_list(name, text, &l->cpus, e);
	case O_SET_MEMS:
		return read_list(name, text, &l->mems, e);
	case O_PIDS:
		return read_pids(l, text, e);
	case O_IO_WEIGHT:
		return read_number(name, text, 1, WEIGHT_MAX, &l->io_weight, e);
	case O_RBPS:
		return read_io(l, name, IO_READ_BPS, text, a, e);
	case O_WBPS:
		return read_io(l, name, IO_WRITE_BPS, text, a, e);
	case O_RIOPS:
		return read_io(l, name, IO_READ_IOPS, text, a, e);
	case O_WIOPS:
		return read_io(l, name, IO_WRITE_IOPS, text, a, e);
	case O_SCORE:
		return read_oom_score(l, text, e);
	case O_CONF:
		return read_conf(l, text, a, e);
	case O_PARENT:
		return read_parent(l, text, e);
	case O_MODE:
		if (!read_word(name, text, modes, "hard or best", &word, e))
			return false;
		l->mode = (enum limit_mode)word;
		return true;
	case O_CGROUPS:
		if (!read_word(name, text, wishes, "auto, enabled, disabled or split", &word, e))
			return false;
		l->cgroup = (enum cgroup_wish)word;
		return true;
	default:
		return err_what(e, ERR_INTERNAL, "'%s' is no limit", name);
	}
}

bool limits_freeze(struct limits_spec *l, struct err *e)
{
	if (l->memory && l->memory < MEMORY_MIN) {
		err_what(e, ERR_USAGE, "a memory limit of %llu bytes is too small for any start",
			(unsigned long long)l->memory);
		return err_hint(e, "at least 512k; a shell wants 2m");
	}
	if (l->has_memory_swap && l->memory_swap != LIMIT_NONE) {
		if (!l->memory || l->memory == LIMIT_NONE) {
			err_what(e, ERR_USAGE, "--memory-swap needs --memory");
			return err_hint(e, "it is the sum of memory and swap");
		}
		if (l->memory_swap && l->memory_swap < l->memory)
			return err_what(e, ERR_USAGE,
				"--memory-swap is less than --memory, of which it is a part");
	}
	if (l->cgroup == CGROUP_NEVER && l->mode == LIMIT_HARD && limits_any(l))
		return err_what(e, ERR_USAGE,
			"--limit-mode=hard and --cgroups=disabled exclude each other");
	return true;
}

void limits_merge(struct limits_spec *to, const struct limits_spec *from, struct arena *a)
{
#define TAKE_SAID(field) to->field = from->field ? from->field : to->field
	TAKE_SAID(memory);
	TAKE_SAID(memory_low);
	TAKE_SAID(memory_high);
	TAKE_SAID(cpu_quota_us);
	TAKE_SAID(cpu_weight);
	TAKE_SAID(cpus);
	TAKE_SAID(mems);
	TAKE_SAID(pids);
	TAKE_SAID(io_weight);
#undef TAKE_SAID
	to->oom_group |= from->oom_group;
	if (from->has_memory_swap) {
		to->has_memory_swap = true;
		to->memory_swap = from->memory_swap;
	}
	for (size_t i = 0; i < from->n_io; i++)
		*ARENA_APPEND(a, to->io, to->n_io) = from->io[i];
	for (size_t i = 0; i < from->conf.n; i++)
		strv_env_set(a, &to->conf, from->conf.v[i]);
}

/* Files. */
struct files {
	struct arena *a;
	struct limit_file *v;
	size_t n;
};

static struct limit_file *add(struct files *f, const char *controller, const char *file,
	const char *option, const char *value)
{
	struct limit_file *to = ARENA_APPEND(f->a, f->v, f->n);
	to->controller = controller;
	to->file = file;
	to->option = option;
	to->value = value;
	return to;
}

static void add_amount(struct files *f, const char *controller, const char *file,
	const char *option, uint64_t amount)
{
	if (amount)
		add(f, controller, file, option,
			amount == LIMIT_NONE
				? "max"
				: arena_printf(f->a, "%llu", (unsigned long long)amount));
}

static void add_swap(struct files *f, const struct limits_spec *l)
{
	/* As in docker: a memory limit alone allows as much swap again; 0 means that too. */
	if (!l->has_memory_swap || !l->memory_swap)
		return;
	const char *value = "max";
	if (l->memory_swap != LIMIT_NONE)
		value = arena_printf(
			f->a, "%llu", (unsigned long long)(l->memory_swap - l->memory));
	add(f, "memory", "memory.swap.max", "--memory-swap", value);
}

static void add_cpu(struct files *f, const struct limits_spec *l)
{
	unsigned long long period = l->cpu_period_us ? l->cpu_period_us : PERIOD_US;
	if (l->cpu_quota_us)
		add(f, "cpu", "cpu.max", "--cpus",
			l->cpu_quota_us == LIMIT_NONE
				? arena_printf(f->a, "max %llu", period)
				: arena_printf(f->a, "%llu %llu",
					  (unsigned long long)l->cpu_quota_us, period));
	add_amount(f, "cpu", "cpu.weight", "--cpu-weight", l->cpu_weight);
	if (l->cpus)
		add(f, "cpuset", "cpuset.cpus", "--cpuset-cpus", l->cpus);
	if (l->mems)
		add(f, "cpuset", "cpuset.mems", "--cpuset-mems", l->mems);
}

static void add_io(struct files *f, const struct limits_spec *l)
{
	static const char *const keys[] = {"rbps", "wbps", "riops", "wiops"};
	static const char *const options[] = {"--device-read-bps", "--device-write-bps",
		"--device-read-iops", "--device-write-iops"};
	if (l->io_weight)
		add(f, "io", "io.weight", "--io-weight",
			arena_printf(f->a, "default %llu", (unsigned long long)l->io_weight));
	for (size_t i = 0; i < l->n_io; i++)
		add(f, "io", "io.max", options[l->io[i].rate],
			arena_printf(f->a, "%s=%llu", keys[l->io[i].rate],
				(unsigned long long)l->io[i].per_second))
			->device = l->io[i].device;
}

struct limit_file *limits_files(const struct limits_spec *l, struct arena *a, size_t *ret_n)
{
	struct files f = {.a = a};
	add_amount(&f, "memory", "memory.max", "--memory", l->memory);
	add_swap(&f, l);
	add_amount(&f, "memory", "memory.low", "--memory-reservation", l->memory_low);
	add_amount(&f, "memory", "memory.high", "--memory-high", l->memory_high);
	if (l->oom_group)
		add(&f, "memory", "memory.oom.group", "--oom-group", "1");
	add_cpu(&f, l);
	add_amount(&f, "pids", "pids.max", "--pids-limit", l->pids);
	add_io(&f, l);
	for (size_t i = 0; i < l->conf.n; i++) {
		const char *text = l->conf.v[i];
		size_t len = strcspn(text, "=");
		add(&f, arena_strndup(a, text, strcspn(text, ".")), arena_strndup(a, text, len),
			"--cgroup-conf", text + len + 1);
	}
	*ret_n = f.n;
	return f.v;
}

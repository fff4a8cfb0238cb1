/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_limits.c - "resources" of an OCI document, read and written
 *
 * The document speaks of version 1 (shares, a sum of memory and swap); what it has no word for
 * is in "unified", and devices that were named by a path travel as annotations.
 */
#include "base/own.h"
#include "base/text.h"
#include "spec/json_limits.h"

#include <string.h>

static struct limits_spec *limits_of(struct reader *r)
{
	return &r->spec->limits;
}

/* A JSON number as the option of the same meaning takes it: -1 is no limit. */
static bool read_amount(struct reader *r, json_t *value, const char *option)
{
	json_int_t number = json_integer_value(value);
	const char *text = arena_printf(r->spec->arena, "%lld", (long long)number);
	struct err ignored;
	/* 0 stands for "not said" in documents that write every key. */
	if (!number)
		return true;
	if (number < -1 || !limits_option(limits_of(r), option, text, r->spec->arena, &ignored))
		return reader_refuse(r, "is out of range");
	return true;
}

#define AMOUNT(function, option)                                                                   \
	static bool function(struct reader *r, json_t *value)                                      \
	{                                                                                          \
		return read_amount(r, value, option);                                              \
	}

AMOUNT(read_limit, "memory")
AMOUNT(read_reservation, "memory-reservation")
AMOUNT(read_swap, "memory-swap")
AMOUNT(read_shares, "cpu-shares")
AMOUNT(read_pids_limit, "pids-limit")

static bool read_memory(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"limit", JSON_INTEGER, read_limit},
		{"reservation", JSON_INTEGER, read_reservation}, {"swap", JSON_INTEGER, read_swap},
		{"kernel", JSON_INTEGER, NULL}, {"kernelTCP", JSON_INTEGER, NULL},
		{"swappiness", JSON_INTEGER, NULL}, {"disableOOMKiller", JSON_TRUE, NULL},
		{"useHierarchy", JSON_TRUE, NULL}, {"checkBeforeUpdate", JSON_TRUE, NULL}, {0}};
	return reader_object(r, keys, object);
}

static bool read_quota(struct reader *r, json_t *value)
{
	json_int_t number = json_integer_value(value);
	if (number && number != -1 && number < 1000)
		return reader_refuse(r, "is less than a millisecond");
	limits_of(r)->cpu_quota_us = number == -1 ? LIMIT_NONE : (uint64_t)number;
	return true;
}

static bool read_period(struct reader *r, json_t *value)
{
	json_int_t number = json_integer_value(value);
	if (number && (number < 1000 || number > 1000000))
		return reader_refuse(r, "is not from 1000 to 1000000");
	limits_of(r)->cpu_period_us = (uint64_t)number;
	return true;
}

static bool read_list(struct reader *r, json_t *value, const char **ret)
{
	uint32_t max;
	if (!json_string_length(value))
		return true;
	*ret = reader_copy(r, value);
	return limits_list(*ret, &max) || reader_refuse(r, "is no list");
}

static bool read_cpus(struct reader *r, json_t *value)
{
	return read_list(r, value, &limits_of(r)->cpus);
}

static bool read_mems(struct reader *r, json_t *value)
{
	return read_list(r, value, &limits_of(r)->mems);
}

static bool read_cpu(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"shares", JSON_INTEGER, read_shares},
		{"quota", JSON_INTEGER, read_quota}, {"period", JSON_INTEGER, read_period},
		{"cpus", JSON_STRING, read_cpus}, {"mems", JSON_STRING, read_mems},
		{"burst", JSON_INTEGER, NULL}, {"idle", JSON_INTEGER, NULL},
		{"realtimePeriod", JSON_INTEGER, NULL}, {"realtimeRuntime", JSON_INTEGER, NULL},
		{0}};
	return reader_object(r, keys, object);
}

static bool read_pids(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"limit", JSON_INTEGER, read_pids_limit}, {0}};
	return reader_object(r, keys, object);
}

static bool read_rates(struct reader *r, json_t *array, enum io_rate rate)
{
	struct limits_spec *l = limits_of(r);
	size_t i;
	json_t *value;
	json_array_foreach(array, i, value)
	{
		uint32_t major, minor;
		json_t *number = json_object_get(value, "rate");
		if (i >= 64 || !reader_id(json_object_get(value, "major"), &major) ||
			!reader_id(json_object_get(value, "minor"), &minor) ||
			!json_is_integer(number) || json_integer_value(number) <= 0)
			return reader_refuse(r, "holds something that is no device with a rate");
		struct io_limit *io = ARENA_APPEND(r->spec->arena, l->io, l->n_io);
		io->device = arena_printf(r->spec->arena, "%u:%u", major, minor);
		io->rate = rate;
		io->per_second = (uint64_t)json_integer_value(number);
	}
	return true;
}

#define RATES(function, rate)                                                                      \
	static bool function(struct reader *r, json_t *value)                                      \
	{                                                                                          \
		return read_rates(r, value, rate);                                                 \
	}

RATES(read_read_bps, IO_READ_BPS)
RATES(read_write_bps, IO_WRITE_BPS)
RATES(read_read_iops, IO_READ_IOPS)
RATES(read_write_iops, IO_WRITE_IOPS)

/* blkio's 10 to 1000 on the line through io's 1 to 10000, as in the other OCI runtimes. */
static bool read_io_weight(struct reader *r, json_t *value)
{
	json_int_t number = json_integer_value(value);
	if (!number)
		return true;
	if (number < 10 || number > 1000)
		return reader_refuse(r, "is not from 10 to 1000");
	limits_of(r)->io_weight = (uint64_t)(1 + (number - 10) * 9999 / 990);
	return true;
}

static bool read_block_io(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"weight", JSON_INTEGER, read_io_weight},
		{"throttleReadBpsDevice", JSON_ARRAY, read_read_bps},
		{"throttleWriteBpsDevice", JSON_ARRAY, read_write_bps},
		{"throttleReadIOPSDevice", JSON_ARRAY, read_read_iops},
		{"throttleWriteIOPSDevice", JSON_ARRAY, read_write_iops},
		{"leafWeight", JSON_INTEGER, NULL}, {"weightDevice", JSON_ARRAY, NULL}, {0}};
	return reader_object(r, keys, object);
}

/* Files that options of ours have a name for: what was written as one is read as one. */
static bool read_named(struct reader *r, const char *file, const char *value)
{
	static const char *const named[][2] = {{"cpu.weight", "cpu-weight"},
		{"io.weight", "io-weight"}, {"memory.high", "memory-high"}};
	struct err ignored = ERR_INIT;
	if (!strcmp(file, "memory.oom.group") && !strcmp(value, "1"))
		return limits_of(r)->oom_group = true;
	if (text_starts(value, "default "))
		value += strlen("default ");
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (!strcmp(file, named[i][0]))
			return limits_option(
				limits_of(r), named[i][1], value, r->spec->arena, &ignored);
	return false;
}

static bool read_unified(struct reader *r, json_t *object)
{
	const char *name;
	json_t *value;
	struct err why = ERR_INIT;
	json_object_foreach(object, name, value)
	{
		if (!json_is_string(value) || json_object_size(object) > 64)
			return reader_refuse(r, "holds something that is no string");
		if (read_named(r, name, json_string_value(value)))
			continue;
		const char *pair =
			arena_printf(r->spec->arena, "%s=%s", name, json_string_value(value));
		if (!limits_option(limits_of(r), "cgroup-conf", pair, r->spec->arena, &why))
			return reader_refuse(r, "holds something that is no file of a cgroup");
	}
	return true;
}

/* A rule for the device cgroup is root's, and every document has one. */
static bool pass_over(struct reader *r, json_t *value)
{
	(void)r;
	(void)value;
	return true;
}

bool reader_resources(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"memory", JSON_OBJECT, read_memory},
		{"cpu", JSON_OBJECT, read_cpu}, {"pids", JSON_OBJECT, read_pids},
		{"blockIO", JSON_OBJECT, read_block_io}, {"unified", JSON_OBJECT, read_unified},
		{"devices", JSON_ARRAY, pass_over}, {"hugepageLimits", JSON_ARRAY, NULL},
		{"network", JSON_OBJECT, NULL}, {"rdma", JSON_OBJECT, NULL}, {0}};
	return reader_object(r, keys, object);
}

bool reader_cgroups_path(struct reader *r, json_t *value)
{
	if (!json_string_length(value))
		return true;
	const char *why = limits_cgroups_path(limits_of(r), reader_copy(r, value), r->spec->arena);
	return !why || reader_refuse(r, why);
}

bool reader_oom_score(struct reader *r, json_t *value)
{
	json_int_t number = json_integer_value(value);
	if (number < -1000 || number > 1000)
		return reader_refuse(r, "is not from -1000 to 1000");
	limits_of(r)->has_oom_score_adj = true;
	limits_of(r)->oom_score_adj = (int)number;
	return true;
}

static const char *const rate_options[] = {
	"device-read-bps", "device-write-bps", "device-read-iops", "device-write-iops"};

bool reader_limit_annotation(struct reader *r, const char *name, const char *value, bool *ret_known)
{
	static const char *const plain[] = {"limit-mode", "cgroups", "cgroup-parent"};
	struct limits_spec *l = limits_of(r);
	*ret_known = false;
	if (!text_starts(name, "guscio."))
		return true;
	name += strlen("guscio.");
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (!strcmp(name, plain[i]))
			return *ret_known = true,
			       limits_option(l, name, value, r->spec->arena, r->e);
	for (size_t i = 0; i < ARRAY_LEN(rate_options); i++) {
		if (strcmp(name, rate_options[i]))
			continue;
		*ret_known = true;
		while (*value) {
			size_t len = strcspn(value, "\n");
			if (!limits_option(l, name, arena_strndup(r->spec->arena, value, len),
				    r->spec->arena, r->e))
				return false;
			value += len + (value[len] == '\n');
		}
	}
	return true;
}

/* Writing. */
static void set_amount(json_t *object, const char *key, uint64_t amount)
{
	if (amount)
		json_object_set_new(
			object, key, json_integer(amount == LIMIT_NONE ? -1 : (json_int_t)amount));
}

static void set_part(json_t *resources, const char *key, json_t *part)
{
	if (json_object_size(part))
		json_object_set_new(resources, key, part);
	else
		json_decref(part);
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static json_t *memory_part(const struct limits_spec *l)
{
	json_t *object = json_object();
	set_amount(object, "limit", l->memory);
	set_amount(object, "reservation", l->memory_low);
	if (l->has_memory_swap)
		set_amount(object, "swap", l->memory_swap);
	return object;
}

static json_t *cpu_part(const struct limits_spec *l)
{
	json_t *object = json_object();
	set_amount(object, "quota", l->cpu_quota_us);
	if (l->cpu_quota_us)
		set_amount(object, "period", l->cpu_period_us ? l->cpu_period_us : 100000);
	set_text(object, "cpus", l->cpus);
	set_text(object, "mems", l->mems);
	return object;
}

static json_t *unified_part(const struct limits_spec *l, struct arena *a)
{
	json_t *object = json_object();
	if (l->memory_high)
		set_text(object, "memory.high",
			l->memory_high == LIMIT_NONE
				? "max"
				: arena_printf(a, "%llu", (unsigned long long)l->memory_high));
	set_text(object, "memory.oom.group", l->oom_group ? "1" : NULL);
	if (l->cpu_weight)
		set_text(object, "cpu.weight",
			arena_printf(a, "%llu", (unsigned long long)l->cpu_weight));
	if (l->io_weight)
		set_text(object, "io.weight",
			arena_printf(a, "default %llu", (unsigned long long)l->io_weight));
	for (size_t i = 0; i < l->conf.n; i++) {
		const char *text = l->conf.v[i];
		size_t len = strcspn(text, "=");
		set_text(object, arena_strndup(a, text, len), text + len + 1);
	}
	return object;
}

/* A device by its number goes where the document has a place for it, one by path beside. */
static json_t *block_io_part(const struct limits_spec *l, struct arena *a, json_t *annotations)
{
	static const char *const keys[] = {"throttleReadBpsDevice", "throttleWriteBpsDevice",
		"throttleReadIOPSDevice", "throttleWriteIOPSDevice"};
	json_t *object = json_object();
	for (size_t i = 0; i < l->n_io; i++) {
		const struct io_limit *io = &l->io[i];
		unsigned major, minor;
		unsigned long long rate = io->per_second;
		if (sscanf(io->device, "%u:%u", &major, &minor) == 2) {
			json_t *array = json_object_get(object, keys[io->rate]);
			if (!array) {
				array = json_array();
				json_object_set_new(object, keys[io->rate], array);
			}
			json_array_append_new(array,
				json_pack("{s:I, s:I, s:I}", "major", (json_int_t)major, "minor",
					(json_int_t)minor, "rate", (json_int_t)rate));
			continue;
		}
		const char *key = arena_printf(a, "guscio.%s", rate_options[io->rate]);
		const char *before = json_string_value(json_object_get(annotations, key));
		set_text(annotations, key,
			arena_printf(a, "%s%s%s:%llu", before ? before : "", before ? "\n" : "",
				io->device, rate));
	}
	return object;
}

json_t *limits_to_json(const struct limits_spec *l, struct arena *a, json_t *annotations)
{
	static const char *const wishes[] = {NULL, "enabled", "disabled", NULL, "split"};
	json_t *resources = json_object(), *pids = json_object();
	set_part(resources, "memory", memory_part(l));
	set_part(resources, "cpu", cpu_part(l));
	set_amount(pids, "limit", l->pids);
	set_part(resources, "pids", pids);
	set_part(resources, "blockIO", block_io_part(l, a, annotations));
	set_part(resources, "unified", unified_part(l, a));
	set_text(annotations, "guscio.limit-mode", l->mode == LIMIT_HARD ? "hard" : NULL);
	set_text(annotations, "guscio.cgroups", wishes[l->cgroup]);
	set_text(annotations, "guscio.cgroup-parent", l->parent);
	return resources;
}

bool limits_patch_json(const char *text, size_t size, const struct limits_spec *limits,
	struct arena *a, char **ret_text, struct err *e)
{
	json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	json_t *linux_part = json_object_get(document, "linux");
	json_t *annotations = json_object_get(document, "annotations");
	char *printed = NULL;
	if (linux_part && annotations) {
		/* Devices by path are collected there anew. */
		for (size_t i = 0; i < ARRAY_LEN(rate_options); i++)
			json_object_del(annotations, arena_printf(a, "guscio.%s", rate_options[i]));
		json_object_set_new(
			linux_part, "resources", limits_to_json(limits, a, annotations));
		printed = json_dumps(document, JSON_INDENT(2));
	}
	json_decref(document);
	if (!printed)
		return err_msg(e, ERR_INPUT, "its document is none of guscio's");
	*ret_text = printed;
	return true;
}

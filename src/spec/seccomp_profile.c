/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/seccomp_profile.h"
#include "base/capability_set.h"
#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define RULES_MAX 4096
#define NAMES_MAX 4096

#if defined(__x86_64__)
#define ARCH_NAME    "amd64"
#define ARCH_32_SCMP "SCMP_ARCH_X86"
#elif defined(__aarch64__)
#define ARCH_NAME    "arm64"
#define ARCH_32_SCMP "SCMP_ARCH_ARM"
#else
#define ARCH_NAME    "riscv64"
#define ARCH_32_SCMP ""
#endif

struct reader {
	const struct profile_context *context;
	struct arena *arena;
	char path[96];
	struct err *e;
};

static bool refuse(struct reader *r, const char *why)
{
	return err_what(
		r->e, ERR_INPUT, "system call profile '%s': %s %s", r->context->name, r->path, why);
}

static bool read_action(struct reader *r, json_t *value, enum rule_action *ret)
{
	static const struct name_value actions[] = {{"SCMP_ACT_ALLOW", RULE_ALLOW},
		{"SCMP_ACT_ERRNO", RULE_ERRNO}, {"SCMP_ACT_KILL", RULE_KILL_THREAD},
		{"SCMP_ACT_KILL_THREAD", RULE_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", RULE_KILL_PROCESS}, {"SCMP_ACT_TRAP", RULE_TRAP},
		{"SCMP_ACT_LOG", RULE_LOG}, {NULL, 0}};
	const struct name_value *found =
		json_is_string(value) ? name_find(actions, json_string_value(value)) : NULL;
	if (!found)
		return refuse(r, "is no action that guscio has");
	*ret = (enum rule_action)found->value;
	return true;
}

static bool read_errno(struct reader *r, json_t *value, unsigned *ret)
{
	if (!value || json_is_null(value))
		return true;
	json_int_t n = json_integer_value(value);
	if (!json_is_integer(value) || n < 0 || n > 4095)
		return refuse(r, "is no errno");
	*ret = (unsigned)n;
	return true;
}

static bool read_argument(struct reader *r, json_t *object, struct rule_argument *ret)
{
	static const struct name_value operators[] = {{"SCMP_CMP_NE", RULE_NE},
		{"SCMP_CMP_LT", RULE_LT}, {"SCMP_CMP_LE", RULE_LE}, {"SCMP_CMP_EQ", RULE_EQ},
		{"SCMP_CMP_GE", RULE_GE}, {"SCMP_CMP_GT", RULE_GT},
		{"SCMP_CMP_MASKED_EQ", RULE_MASKED_EQ}, {NULL, 0}};
	json_t *index = json_object_get(object, "index"), *value = json_object_get(object, "value");
	json_t *two = json_object_get(object, "valueTwo"), *op = json_object_get(object, "op");
	const struct name_value *found =
		json_is_string(op) ? name_find(operators, json_string_value(op)) : NULL;
	json_int_t at = json_integer_value(index);
	if (!json_is_integer(index) || at < 0 || at > 5)
		return refuse(r, "has no index from 0 to 5");
	if (!json_is_integer(value) || (two && !json_is_integer(two)))
		return refuse(r, "has no value");
	if (!found)
		return refuse(r, "has no known op");
	*ret = (struct rule_argument){(unsigned)at, (enum rule_compare)found->value,
		(uint64_t)json_integer_value(value), (uint64_t)json_integer_value(two)};
	return true;
}

static bool read_arguments(struct reader *r, json_t *array, struct seccomp_rule *rule)
{
	size_t i, before = strlen(r->path);
	json_t *value;
	if (!array || json_is_null(array))
		return true;
	if (!json_is_array(array) || json_array_size(array) > 6)
		return refuse(r, "has args that are no list of at most 6");
	json_array_foreach(array, i, value)
	{
		snprintf(r->path + before, sizeof(r->path) - before, ".args[%zu]", i);
		if (!read_argument(r, value, &rule->arguments[rule->n_arguments++]))
			return false;
	}
	r->path[before] = '\0';
	return true;
}

static bool has_string(json_t *array, const char *text)
{
	size_t i;
	json_t *value;
	json_array_foreach(array, i, value)
	{
		if (json_is_string(value) && !strcmp(json_string_value(value), text))
			return true;
	}
	return false;
}

/* For includes: all named capabilities are there; for excludes: any of them is. */
static size_t count_caps(const struct reader *r, json_t *array)
{
	size_t i, n = 0;
	json_t *value;
	json_array_foreach(array, i, value)
	{
		int cap;
		if (json_is_string(value) && capability_find(json_string_value(value), &cap) &&
			(r->context->caps >> cap & 1))
			n++;
	}
	return n;
}

static bool is_kernel_at_least(const struct reader *r, json_t *text)
{
	int major = 0, minor = 0;
	if (!json_is_string(text))
		return true;
	sscanf(json_string_value(text), "%d.%d", &major, &minor);
	return r->context->kernel_major > major ||
	       (r->context->kernel_major == major && r->context->kernel_minor >= minor);
}

static bool is_meant(const struct reader *r, json_t *rule)
{
	json_t *in = json_object_get(rule, "includes"), *ex = json_object_get(rule, "excludes");
	json_t *arches = json_object_get(in, "arches"), *caps = json_object_get(in, "caps");
	if (json_array_size(arches) && !has_string(arches, ARCH_NAME))
		return false;
	if (json_array_size(caps) && count_caps(r, caps) != json_array_size(caps))
		return false;
	if (!is_kernel_at_least(r, json_object_get(in, "minKernel")))
		return false;
	if (has_string(json_object_get(ex, "arches"), ARCH_NAME))
		return false;
	json_t *newest = json_object_get(ex, "minKernel");
	if (newest && is_kernel_at_least(r, newest))
		return false;
	return count_caps(r, json_object_get(ex, "caps")) == 0;
}

static bool read_names(struct reader *r, json_t *object, struct seccomp_rule *rule)
{
	json_t *names = json_object_get(object, "names"), *name = json_object_get(object, "name");
	size_t i;
	json_t *value;
	if (json_is_string(name))
		strv_add(r->arena, &rule->names, json_string_value(name));
	if (names && (!json_is_array(names) || json_array_size(names) > NAMES_MAX))
		return refuse(r, "has names that are no list");
	json_array_foreach(names, i, value)
	{
		if (!json_is_string(value))
			return refuse(r, "has a name that is no string");
		strv_add(r->arena, &rule->names, json_string_value(value));
	}
	return rule->names.n || refuse(r, "names no system call");
}

static bool read_rule(struct reader *r, json_t *object, struct seccomp_rules *rules)
{
	struct seccomp_rule rule = {.errno_value = rules->default_errno};
	if (!json_is_object(object))
		return refuse(r, "is no object");
	if (!read_names(r, object, &rule) ||
		!read_action(r, json_object_get(object, "action"), &rule.action) ||
		!read_errno(r, json_object_get(object, "errnoRet"), &rule.errno_value) ||
		!read_arguments(r, json_object_get(object, "args"), &rule))
		return false;
	if (is_meant(r, object))
		*ARENA_APPEND(r->arena, rules->v, rules->n) = rule;
	return true;
}

static bool has_32_bit(json_t *document)
{
	json_t *map = json_object_get(document, "archMap"), *value;
	size_t i;
	if (has_string(json_object_get(document, "architectures"), ARCH_32_SCMP))
		return true;
	json_array_foreach(map, i, value)
	{
		if (has_string(json_object_get(value, "subArchitectures"), ARCH_32_SCMP))
			return true;
	}
	return false;
}

static bool read_profile(struct reader *r, json_t *document, struct seccomp_rules *rules)
{
	json_t *calls = json_object_get(document, "syscalls"), *value;
	size_t i;
	if (!json_is_object(document))
		return refuse(r, "the document is no object");
	if (json_object_get(document, "listenerPath"))
		return refuse(r, "listenerPath is not supported");
	snprintf(r->path, sizeof(r->path), "defaultAction");
	if (!read_action(r, json_object_get(document, "defaultAction"), &rules->default_action) ||
		!read_errno(r, json_object_get(document, "defaultErrnoRet"), &rules->default_errno))
		return false;
	snprintf(r->path, sizeof(r->path), "syscalls");
	if (calls && (!json_is_array(calls) || json_array_size(calls) > RULES_MAX))
		return refuse(r, "is no list");
	json_array_foreach(calls, i, value)
	{
		snprintf(r->path, sizeof(r->path), "syscalls[%zu]", i);
		if (!read_rule(r, value, rules))
			return false;
	}
	rules->has_32_bit = has_32_bit(document);
	return true;
}

bool seccomp_profile_read(const char *json, const struct profile_context *context,
	struct arena *arena, struct seccomp_rules *ret, struct err *e)
{
	struct reader r = {.context = context, .arena = arena, .e = e};
	struct seccomp_rules rules = {.default_errno = EPERM};
	json_error_t where;
	*e = (struct err)ERR_INIT;
	json_t *document = json_loads(json, JSON_REJECT_DUPLICATES, &where);
	if (!document)
		return err_what(e, ERR_INPUT, "system call profile '%s' line %d: %s", context->name,
			where.line, where.text);
	bool ok = read_profile(&r, document, &rules);
	json_decref(document);
	if (ok)
		*ret = rules;
	return ok;
}

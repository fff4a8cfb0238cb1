/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/json_reader.h"

#include <stdio.h>
#include <string.h>

bool reader_refuse(struct reader *r, const char *why)
{
	return err_what(r->e, ERR_INPUT, "config.json: %s %s", r->path, why);
}

static bool has_type(json_t *value, json_type type)
{
	if (type == JSON_TRUE)
		return json_is_boolean(value);
	return json_typeof(value) == type;
}

bool reader_is_empty(json_t *value)
{
	return json_is_null(value) || json_is_false(value) ||
	       (json_is_object(value) && !json_object_size(value)) ||
	       (json_is_array(value) && !json_array_size(value));
}

static const struct key *find_key(const struct key *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

bool reader_key(struct reader *r, const struct key *table, const char *name, json_t *value)
{
	size_t before = strlen(r->path);
	const struct key *key = find_key(table, name);
	bool ok = true;
	snprintf(r->path + before, sizeof(r->path) - before, "%s%s", before ? "." : "", name);
	if (!key)
		notes_add(r->notes, "config.json: %s is not known, and left out", r->path);
	else if (!key->read)
		ok = reader_is_empty(value) || reader_refuse(r, "is not supported");
	else if (!has_type(value, key->type))
		ok = reader_refuse(r, "has the wrong type");
	else
		ok = key->read(r, value);
	if (ok)
		r->path[before] = '\0';
	return ok;
}

bool reader_object(struct reader *r, const struct key *table, json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
	{
		if (!reader_key(r, table, name, value))
			return false;
	}
	return true;
}

const char *reader_copy(struct reader *r, json_t *value)
{
	return arena_strdup(r->spec->arena, json_string_value(value));
}

bool reader_words(struct reader *r, json_t *array, struct strv *ret)
{
	struct strv list = {0};
	size_t i;
	json_t *value;
	if (json_array_size(array) > READER_ELEMENTS_MAX)
		return reader_refuse(r, "is too long");
	json_array_foreach(array, i, value)
	{
		if (!json_is_string(value))
			return reader_refuse(r, "holds something that is no string");
		strv_add(r->spec->arena, &list, json_string_value(value));
	}
	*ret = list;
	return true;
}

bool reader_id(json_t *value, uint32_t *ret)
{
	json_int_t n = json_integer_value(value);
	if (!json_is_integer(value) || n < 0 || n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

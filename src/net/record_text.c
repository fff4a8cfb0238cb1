/* SPDX-License-Identifier: Apache-2.0 */
/* record_text.c - a network's record as JSON, in podman's words where it has them */
#include "net/record.h"

#include <jansson.h>
#include <string.h>

static json_t *address_text(const struct address *a)
{
	char buf[ADDRESS_TEXT_SIZE];
	return json_string(address_print(a, buf));
}

static json_t *subnet(const struct address_net *net, const struct address *gateway)
{
	char buf[ADDRESS_TEXT_SIZE];
	struct address first = address_nth(net, 0);
	return json_pack("{s:o, s:o}", "subnet",
		json_sprintf("%s/%u", address_print(&first, buf), net->prefix), "gateway",
		address_text(gateway));
}

static json_t *labels(const struct strv *list)
{
	json_t *object = json_object();
	for (size_t i = 0; i < list->n; i++) {
		const char *value = strchr(list->v[i], '=');
		size_t len = strcspn(list->v[i], "=");
		char key[256];
		snprintf(key, sizeof(key), "%.*s", (int)len, list->v[i]);
		json_object_set_new(object, key, json_string(value ? value + 1 : ""));
	}
	return object;
}

char *net_record_print(const struct net_record *record)
{
	char created[32];
	struct tm tm;
	json_t *subnets = json_array(), *options = json_object();
	gmtime_r(&record->created, &tm);
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_array_append_new(subnets, subnet(&record->subnet4, &record->gateway4));
	if (record->subnet6.address.family)
		json_array_append_new(subnets, subnet(&record->subnet6, &record->gateway6));
	if (record->mtu)
		json_object_set_new(options, "mtu", json_sprintf("%u", record->mtu));
	if (record->has_host_loopback)
		json_object_set_new(options, "host-loopback", json_string("true"));
	json_t *document = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:b, s:o, s:o}",
		"version", NET_RECORD_VERSION, "name", record->name, "id", record->id, "driver",
		"bridge", "created", created, "subnets", subnets, "ipv6_enabled",
		record->subnet6.address.family != 0, "internal", record->is_internal, "dns_enabled",
		1, "labels", labels(&record->labels), "options", options);
	char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
	json_decref(document);
	return text;
}

static bool read_subnet(json_t *object, struct net_record *record)
{
	const char *net_text = json_string_value(json_object_get(object, "subnet"));
	const char *gateway_text = json_string_value(json_object_get(object, "gateway"));
	struct address_net net;
	struct address gateway;
	if (!net_text || !gateway_text || !address_parse_net(net_text, &net) ||
		!address_parse(gateway_text, &gateway) || !address_in(&gateway, &net))
		return false;
	bool is_6 = address_size(&gateway) == 16;
	struct address_net *to = is_6 ? &record->subnet6 : &record->subnet4;
	if (to->address.family)
		return false;
	*to = net;
	*(is_6 ? &record->gateway6 : &record->gateway4) = gateway;
	return true;
}

static bool read_subnets(json_t *array, struct net_record *record)
{
	size_t i;
	json_t *value;
	if (!json_is_array(array) || json_array_size(array) > 2)
		return false;
	json_array_foreach(array, i, value) if (!read_subnet(value, record)) return false;
	return record->subnet4.address.family != 0;
}

static bool read_labels(json_t *object, struct arena *arena, struct net_record *record)
{
	const char *key;
	json_t *value;
	if (!json_is_object(object))
		return object == NULL;
	json_object_foreach(object, key, value)
	{
		if (!json_is_string(value))
			return false;
		strv_add(arena, &record->labels,
			arena_printf(arena, "%s=%s", key, json_string_value(value)));
	}
	return true;
}

static bool read_options(json_t *object, struct net_record *record)
{
	const char *mtu = json_string_value(json_object_get(object, "mtu"));
	const char *loopback = json_string_value(json_object_get(object, "host-loopback"));
	unsigned long value = mtu ? strtoul(mtu, NULL, 10) : 0;
	record->mtu = (uint32_t)value;
	record->has_host_loopback = loopback && !strcmp(loopback, "true");
	return !mtu || (value >= 68 && value <= 65521);
}

static bool read_fields(json_t *document, struct arena *arena, struct net_record *record)
{
	const char *id = json_string_value(json_object_get(document, "id"));
	const char *created = json_string_value(json_object_get(document, "created"));
	struct tm tm = {0};
	if (json_integer_value(json_object_get(document, "version")) != NET_RECORD_VERSION || !id ||
		strlen(id) != NET_ID_SIZE - 1 ||
		strspn(id, "0123456789abcdef") != NET_ID_SIZE - 1 || !created ||
		!strptime(created, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return false;
	record->id = arena_strdup(arena, id);
	record->created = timegm(&tm);
	record->is_internal = json_is_true(json_object_get(document, "internal"));
	return read_subnets(json_object_get(document, "subnets"), record) &&
	       read_labels(json_object_get(document, "labels"), arena, record) &&
	       read_options(json_object_get(document, "options"), record);
}

bool net_record_parse(const char *text, size_t size, const char *name, struct arena *arena,
	struct net_record *ret, struct err *e)
{
	struct net_record record = {.name = name};
	json_error_t where;
	json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	bool ok = json_is_object(document) && read_fields(document, arena, &record);
	json_decref(document);
	if (!ok) {
		err_what(e, ERR_INPUT, "the record of network '%s' is damaged", name);
		return err_hint(e, "guscio network rm %s removes it", name);
	}
	*ret = record;
	return true;
}

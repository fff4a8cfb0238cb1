/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image.h"
#include "base/text.h"
#include "store/reference.h"

#include <jansson.h>
#include <string.h>
#include <sys/utsname.h>

#define HISTORY_MAX 4096
#define CHOICES_MAX 1024
#define WORDS_MAX   4096

static bool is_one_of(const char *word, const char *const *words)
{
	for (; word && *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

bool media_type_is_manifest(const char *type)
{
	static const char *const types[] = {"application/vnd.oci.image.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.v2+json", NULL};
	return is_one_of(type, types);
}

bool media_type_is_index(const char *type)
{
	static const char *const types[] = {"application/vnd.oci.image.index.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json", NULL};
	return is_one_of(type, types);
}

bool media_type_is_layer(const char *type)
{
	static const char *const types[] = {"application/vnd.oci.image.layer.v1.tar",
		"application/vnd.oci.image.layer.v1.tar+gzip",
		"application/vnd.oci.image.layer.v1.tar+zstd",
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
		"application/vnd.docker.image.rootfs.diff.tar",
		"application/vnd.docker.image.rootfs.diff.tar.gzip",
		"application/vnd.docker.image.rootfs.diff.tar.zstd",
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", NULL};
	return is_one_of(type, types);
}

static const char *string_at(struct arena *arena, json_t *object, const char *key, const char *none)
{
	const char *text = json_string_value(json_object_get(object, key));
	return arena_strdup(arena, text ? text : none);
}

static bool read_descriptor(struct arena *arena, json_t *object, const char *what,
	struct descriptor *ret, struct err *e)
{
	const char *digest = json_string_value(json_object_get(object, "digest"));
	json_t *size = json_object_get(object, "size");
	if (!digest || !reference_is_digest(digest))
		return err_msg(e, ERR_INPUT, "%s has no sha256 digest", what);
	if (!json_is_integer(size) || json_integer_value(size) < 0 ||
		json_integer_value(size) > IMAGE_BLOB_MAX)
		return err_msg(e, ERR_INPUT, "%s has no sensible size", what);
	*ret = (struct descriptor){string_at(arena, object, "mediaType", ""),
		arena_strdup(arena, digest), json_integer_value(size)};
	return true;
}

static void read_platform(struct arena *arena, json_t *object, struct platform *ret)
{
	ret->os = string_at(arena, object, "os", "");
	ret->architecture = string_at(arena, object, "architecture", "");
	ret->variant = string_at(arena, object, "variant", "");
}

static bool read_index(struct arena *arena, json_t *list, struct manifest *ret, struct err *e)
{
	size_t i;
	json_t *item;
	if (json_array_size(list) > CHOICES_MAX)
		return err_msg(e, ERR_INPUT, "the index has more than %d entries", CHOICES_MAX);
	json_array_foreach(list, i, item)
	{
		struct manifest_choice *choice = ARENA_APPEND(arena, ret->choices, ret->n_choices);
		if (!read_descriptor(arena, item, "an entry of the index", &choice->descriptor, e))
			return false;
		read_platform(arena, json_object_get(item, "platform"), &choice->platform);
	}
	return true;
}

static bool read_image(struct arena *arena, json_t *document, struct manifest *ret, struct err *e)
{
	json_t *layers = json_object_get(document, "layers"), *item;
	size_t i;
	if (!read_descriptor(
		    arena, json_object_get(document, "config"), "the config", &ret->config, e))
		return false;
	if (!json_is_array(layers))
		return err_msg(e, ERR_INPUT, "the manifest has no layers");
	if (json_array_size(layers) > IMAGE_LAYERS_MAX)
		return err_msg(e, ERR_INPUT, "the image has more than %d layers", IMAGE_LAYERS_MAX);
	ret->layers = arena_array(arena, json_array_size(layers) + 1, sizeof(*ret->layers));
	json_array_foreach(layers, i, item)
	{
		struct descriptor *layer = &ret->layers[ret->n_layers++];
		if (!read_descriptor(arena, item, "a layer", layer, e))
			return false;
		if (!media_type_is_layer(layer->media_type))
			return err_msg(e, ERR_INPUT,
				"a layer has the type '%s', which is not known", layer->media_type);
	}
	return true;
}

static json_t *load(const char *text, size_t size, const char *what, struct err *e)
{
	json_error_t where;
	if (size > IMAGE_JSON_MAX)
		return err_msg(e, ERR_INPUT, "%s is larger than %zu MiB", what,
			       IMAGE_JSON_MAX >> 20),
		       NULL;
	json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	if (document && json_is_object(document))
		return document;
	json_decref(document);
	return err_msg(e, ERR_INPUT, "%s is no JSON object: %s", what,
		       document ? "something else" : where.text),
	       NULL;
}

bool manifest_parse(struct arena *arena, const char *text, size_t size, const char *type,
	struct manifest *ret, struct err *e)
{
	struct manifest m = {0};
	json_t *document = load(text, size, "the manifest", e);
	if (!document)
		return false;
	m.media_type = string_at(arena, document, "mediaType", type ? type : "");
	json_t *list = json_object_get(document, "manifests");
	json_t *version = json_object_get(document, "schemaVersion");
	bool ok;
	if (json_is_integer(version) && json_integer_value(version) != 2) {
		ok = err_msg(e, ERR_INPUT, "the manifest has schema %d; 2 is known",
			(int)json_integer_value(version));
		err_hint(e, "it was made by a docker before 1.10: push it again with a newer one");
	} else if (json_is_array(list) && !json_object_get(document, "layers")) {
		m.is_index = true;
		ok = read_index(arena, list, &m, e);
	} else if (m.media_type[0] && !media_type_is_manifest(m.media_type)) {
		ok = err_msg(e, ERR_INPUT, "the manifest has the type '%s', which is not known",
			m.media_type);
	} else {
		ok = read_image(arena, document, &m, e);
	}
	if (!m.media_type[0])
		m.media_type = m.is_index ? "application/vnd.oci.image.index.v1+json"
					  : "application/vnd.oci.image.manifest.v1+json";
	json_decref(document);
	if (ok)
		*ret = m;
	return ok;
}

static bool read_words(struct arena *arena, json_t *list, struct strv *ret, struct err *e)
{
	size_t i;
	json_t *item;
	if (json_array_size(list) > WORDS_MAX)
		return err_msg(e, ERR_INPUT, "the config has a list of more than %d", WORDS_MAX);
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return err_msg(e, ERR_INPUT, "the config has a list with no strings");
		strv_add(arena, ret, json_string_value(item));
	}
	return true;
}

/* Volumes and ports are keys of objects without values. */
static bool read_keys(struct arena *arena, json_t *object, struct strv *ret, struct err *e)
{
	const char *key;
	json_t *value;
	if (json_object_size(object) > WORDS_MAX)
		return err_msg(e, ERR_INPUT, "the config has a list of more than %d", WORDS_MAX);
	json_object_foreach(object, key, value) strv_add(arena, ret, key);
	return true;
}

static bool read_labels(struct arena *arena, json_t *object, struct strv *ret, struct err *e)
{
	const char *key;
	json_t *value;
	if (json_object_size(object) > WORDS_MAX)
		return err_msg(e, ERR_INPUT, "the config has more than %d labels", WORDS_MAX);
	json_object_foreach(object, key, value)
	{
		if (json_is_string(value))
			strv_add(arena, ret,
				arena_printf(arena, "%s=%s", key, json_string_value(value)));
	}
	return true;
}

static bool read_history(struct arena *arena, json_t *list, struct image_config *ret, struct err *e)
{
	size_t i;
	json_t *item;
	if (json_array_size(list) > HISTORY_MAX)
		return err_msg(
			e, ERR_INPUT, "the config has a history of more than %d", HISTORY_MAX);
	json_array_foreach(list, i, item)
	{
		struct history_entry *h = ARENA_APPEND(arena, ret->history, ret->n_history);
		h->created = string_at(arena, item, "created", "");
		h->created_by = string_at(arena, item, "created_by", "");
		h->comment = string_at(arena, item, "comment", "");
		h->is_empty = json_is_true(json_object_get(item, "empty_layer"));
	}
	return true;
}

static bool read_config(
	struct arena *arena, json_t *document, struct image_config *c, struct err *e)
{
	json_t *config = json_object_get(document, "config");
	json_t *rootfs = json_object_get(document, "rootfs");
	read_platform(arena, document, &c->platform);
	c->created = string_at(arena, document, "created", "");
	c->author = string_at(arena, document, "author", "");
	c->user = string_at(arena, config, "User", "");
	c->working_dir = string_at(arena, config, "WorkingDir", "");
	c->stop_signal = string_at(arena, config, "StopSignal", "");
	if (!read_words(arena, json_object_get(rootfs, "diff_ids"), &c->diff_ids, e) ||
		!read_words(arena, json_object_get(config, "Env"), &c->env, e) ||
		!read_words(arena, json_object_get(config, "Entrypoint"), &c->entrypoint, e) ||
		!read_words(arena, json_object_get(config, "Cmd"), &c->cmd, e) ||
		!read_keys(arena, json_object_get(config, "Volumes"), &c->volumes, e) ||
		!read_keys(arena, json_object_get(config, "ExposedPorts"), &c->exposed_ports, e) ||
		!read_labels(arena, json_object_get(config, "Labels"), &c->labels, e) ||
		!read_history(arena, json_object_get(document, "history"), c, e))
		return false;
	for (size_t i = 0; i < c->diff_ids.n; i++)
		if (!reference_is_digest(c->diff_ids.v[i]))
			return err_msg(e, ERR_INPUT, "the config has a diff id that is no digest");
	return true;
}

bool image_config_parse(
	struct arena *arena, const char *text, size_t size, struct image_config *ret, struct err *e)
{
	struct image_config c = {0};
	json_t *document = load(text, size, "the config", e);
	bool ok = document && read_config(arena, document, &c, e);
	json_decref(document);
	if (ok)
		*ret = c;
	return ok;
}

/* The kernel's names of machines are not Go's, which images are written with. */
static void own_platform(struct platform *ret)
{
	static const struct {
		const char *machine, *architecture, *variant;
	} names[] = {{"x86_64", "amd64", ""}, {"aarch64", "arm64", ""}, {"armv7l", "arm", "v7"},
		{"armv6l", "arm", "v6"}, {"i686", "386", ""}, {"ppc64le", "ppc64le", ""},
		{"riscv64", "riscv64", ""}, {"s390x", "s390x", ""}, {"loongarch64", "loong64", ""}};
	struct utsname host;
	*ret = (struct platform){"linux", "amd64", ""};
	if (uname(&host) < 0)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(host.machine, names[i].machine))
			*ret = (struct platform){"linux", names[i].architecture, names[i].variant};
}

bool platform_parse(struct arena *arena, const char *text, struct platform *ret, struct err *e)
{
	struct platform p;
	own_platform(&p);
	char *os = arena_strdup(arena, text);
	char *architecture = strchr(os, '/');
	if (!architecture) {
		if (text[0]) {
			p.architecture = !strcmp(text, "x86_64")    ? "amd64"
					 : !strcmp(text, "aarch64") ? "arm64"
								    : os;
			p.variant = "";
		}
		*ret = p;
		return true;
	}
	*architecture++ = '\0';
	char *variant = strchr(architecture, '/');
	if (variant)
		*variant++ = '\0';
	if (!os[0] || !architecture[0] || (variant && (!variant[0] || strchr(variant, '/'))))
		return err_what(
			e, ERR_USAGE, "--platform '%s' is not OS/ARCHITECTURE[/VARIANT]", text);
	*ret = (struct platform){os, architecture, variant ? variant : ""};
	return true;
}

const char *platform_text(struct arena *arena, const struct platform *p)
{
	return arena_printf(
		arena, "%s/%s%s%s", p->os, p->architecture, p->variant[0] ? "/" : "", p->variant);
}

/* arm64 and arm64/v8 are the same thing under two names. */
bool platform_matches(const struct platform *a, const struct platform *wanted, bool strictly)
{
	if (strcmp(a->os, wanted->os) || strcmp(a->architecture, wanted->architecture))
		return false;
	bool is_arm64 = !strcmp(a->architecture, "arm64");
	const char *has = is_arm64 && !strcmp(a->variant, "v8") ? "" : a->variant;
	const char *wants = is_arm64 && !strcmp(wanted->variant, "v8") ? "" : wanted->variant;
	return !strictly || !strcmp(has, wants);
}

const struct manifest_choice *manifest_choose(struct arena *arena, const struct manifest *index,
	const struct platform *wanted, struct err *e)
{
	for (int strictly = 1; strictly >= 0; strictly--)
		for (size_t i = 0; i < index->n_choices; i++)
			if (platform_matches(&index->choices[i].platform, wanted, strictly) &&
				(strictly || !wanted->variant[0]))
				return &index->choices[i];
	/* An index of one image that does not say what it is for. */
	if (index->n_choices == 1 && !index->choices[0].platform.os[0])
		return &index->choices[0];
	const char *list = "";
	for (size_t i = 0; i < index->n_choices && strlen(list) < 100; i++)
		if (strcmp(index->choices[i].platform.os, "unknown"))
			list = arena_printf(arena, "%s%s%s", list, list[0] ? " " : "",
				platform_text(arena, &index->choices[i].platform));
	err_msg(e, ERR_INPUT, "there is no image for %s", platform_text(arena, wanted));
	return err_hint(e, "there is one for: %s", list), NULL;
}

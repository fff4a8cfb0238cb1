/* SPDX-License-Identifier: Apache-2.0 */
/* save.c - images out of the store as archives: save and export */
#include "base/own.h"
#include "image/archive.h"
#include "image/inside.h"
#include "sys/files.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Where the files of an archive go: to guscio-pack, or into a directory. */
struct output {
	struct arena *arena;
	int socket_fd; /* of guscio-pack, -1: dir_fd */
	int dir_fd;
	pid_t pid;
};

static void clean_json(json_t **j)
{
	json_decref(*j);
}

static bool start_pack(struct output *o, const struct host *host, int out_fd, struct err *e)
{
	static const int stdio[3] = {-1, -1, -1};
	int wire[2];
	if (!msg_pair(wire, e))
		return false;
	char *argv[] = {arena_printf(o->arena, "%s/guscio-pack", host->helper_dir),
		arena_printf(o->arena, "%d", wire[1]), arena_printf(o->arena, "%d", out_fd), NULL};
	/* Standard output is replaced by /dev/null in the helper: under another number it stays. */
	CLEAN(clean_fd) int copy_fd = fcntl(out_fd, F_DUPFD_CLOEXEC, 3);
	argv[2] = arena_printf(o->arena, "%d", copy_fd);
	const int fds[] = {wire[1], copy_fd};
	bool ok = copy_fd >= 0 ? spawn_program(argv, fds, 2, stdio, &o->pid, e)
			       : err_sys(e, "open the output again");
	close(wire[1]);
	o->socket_fd = wire[0];
	return ok;
}

/* After a failed send: what the helper said before it went. */
static bool last_words(struct output *o, struct err *e)
{
	struct msg m;
	struct err ignored;
	if (msg_receive(o->socket_fd, &m, NULL, NULL, &ignored) == MSG_GOT_RECORD &&
		m.kind == MSG_FAIL)
		*e = m.err;
	return false;
}

static bool make_parents(int dir_fd, const char *name, struct err *e)
{
	char path[256];
	snprintf(path, sizeof(path), "%s", name);
	for (char *slash = path; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdirat(dir_fd, path, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make directory '%s'", path);
		*slash = '/';
	}
	return true;
}

static bool copy_into(int dir_fd, const char *name, int fd, int64_t size, struct err *e)
{
	if (!make_parents(dir_fd, name, e))
		return false;
	CLEAN(clean_fd)
	int to_fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (to_fd < 0)
		return err_sys(e, "make '%s'", name);
	while (size > 0) {
		ssize_t n = copy_file_range(fd, NULL, to_fd, NULL, (size_t)size, 0);
		if (n <= 0)
			return err_sys(e, "write '%s'", name);
		size -= n;
	}
	return true;
}

static bool add_fd(struct output *o, const char *name, int fd, int64_t size, struct err *e)
{
	struct msg m = {.kind = MSG_GO};
	if (o->socket_fd < 0)
		return copy_into(o->dir_fd, name, fd, size, e);
	snprintf(m.err.what, sizeof(m.err.what), "file %lld %s", (long long)size, name);
	return msg_send(o->socket_fd, &m, &fd, 1, e) || last_words(o, e);
}

/* Readers that make missing parents themselves give them owners that they may not give. */
static bool add_directory(struct output *o, const char *name, struct err *e)
{
	struct msg m = {.kind = MSG_GO};
	snprintf(m.err.what, sizeof(m.err.what), "directory %s", name);
	return msg_send(o->socket_fd, &m, NULL, 0, e) || last_words(o, e);
}

static bool add_text(struct output *o, const char *name, const char *text, struct err *e)
{
	CLEAN(clean_fd) int fd = memfd_create("text", MFD_CLOEXEC);
	size_t size = strlen(text);
	if (o->socket_fd < 0)
		return files_write(o->dir_fd, name, text, size, e);
	if (fd < 0 || write(fd, text, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "have memory");
	return add_fd(o, name, fd, (int64_t)size, e);
}

static bool add_json(struct output *o, const char *name, const json_t *document, struct err *e)
{
	CLEAN(clean_free) char *text = json_dumps(document, JSON_COMPACT);
	return text ? add_text(o, name, text, e) : err_msg(e, ERR_INTERNAL, "no memory");
}

static const char *blob_path(struct arena *arena, const char *digest)
{
	return arena_printf(arena, "blobs/sha256/%s", digest + 7);
}

static bool add_blob(struct output *o, const struct store *store, const char *digest,
	struct strv *added, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	struct stat st;
	if (strv_has(added, digest))
		return true;
	strv_add(o->arena, added, digest);
	if (!store_open_blob(store, digest, &fd, e))
		return false;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at %s", digest);
	return add_fd(o, blob_path(o->arena, digest), fd, st.st_size, e);
}

/* The entry of manifest.json: config, names and layers as paths. */
static json_t *docker_entry(
	struct arena *arena, const struct store_image *image, const struct manifest *m)
{
	json_t *layers = json_array(), *tags = json_array();
	for (size_t i = 0; i < m->n_layers; i++)
		json_array_append_new(layers, json_string(blob_path(arena, m->layers[i].digest)));
	if (image->name && !strchr(image->name, '@'))
		json_array_append_new(tags, json_string(image->name));
	return json_pack("{s:s, s:o, s:o}", "Config", blob_path(arena, image->config), "RepoTags",
		tags, "Layers", layers);
}

static bool add_images(struct output *o, const struct store_image *images, size_t n,
	enum archive_form form, struct err *e)
{
	CLEAN(clean_json) json_t *entries = json_array();
	CLEAN(clean_json) json_t *descriptors = json_array();
	struct strv added = {0};
	if (o->socket_fd >= 0 &&
		(!add_directory(o, "blobs/", e) || !add_directory(o, "blobs/sha256/", e)))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct store_image *image = &images[i];
		struct manifest m;
		if (!store_read_manifest(image, o->arena, &m, e))
			return false;
		for (size_t j = 0; j < m.n_layers; j++)
			if (!add_blob(o, image->store, m.layers[j].digest, &added, e))
				return false;
		if (!add_blob(o, image->store, image->config, &added, e) ||
			!add_blob(o, image->store, image->digest, &added, e))
			return false;
		json_array_append_new(entries, docker_entry(o->arena, image, &m));
		json_t *names =
			image->name ? json_pack("{s:s, s:s}", "org.opencontainers.image.ref.name",
					      image->name, "io.containerd.image.name", image->name)
				    : json_object();
		json_array_append_new(
			descriptors, json_pack("{s:s, s:s, s:I, s:o}", "mediaType",
					     image->media_type, "digest", image->digest, "size",
					     (json_int_t)image->size, "annotations", names));
	}
	CLEAN(clean_json)
	json_t *index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
		"application/vnd.oci.image.index.v1+json", "manifests", descriptors);
	return (form != ARCHIVE_DOCKER || add_json(o, "manifest.json", entries, e)) &&
	       add_json(o, "index.json", index, e) &&
	       add_text(o, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", e);
}

static bool finish(struct output *o, struct err *e)
{
	struct msg m = {.kind = MSG_GO}, answer;
	strcpy(m.err.what, "end");
	if (!msg_send(o->socket_fd, &m, NULL, 0, e))
		return last_words(o, e);
	if (!signals_wait_for(o->socket_fd))
		return err_msg(e, ERR_STATE, "interrupted");
	if (msg_receive(o->socket_fd, &answer, NULL, NULL, e) != MSG_GOT_RECORD)
		return err_msg(e, ERR_INTERNAL, "guscio-pack ended without a word");
	return answer.kind == MSG_DONE || (*e = answer.err, false);
}

bool archive_save(struct store *store, const struct host *host, const struct store_image *images,
	size_t n, enum archive_form form, int out_fd, struct err *e)
{
	struct output o = {.arena = store->arena, .socket_fd = -1, .dir_fd = out_fd};
	bool ok = (form == ARCHIVE_OCI_DIR || start_pack(&o, host, out_fd, e)) &&
		  add_images(&o, images, n, form, e) && (o.socket_fd < 0 || finish(&o, e));
	clean_fd(&o.socket_fd);
	if (o.pid > 0)
		spawn_wait(o.pid);
	return ok;
}

static bool send_layers(struct output *o, const struct strv *paths, struct err *e)
{
	for (size_t i = 0; i < paths->n; i++) {
		struct msg m = {.kind = MSG_GO};
		CLEAN(clean_fd) int fd = open(paths->v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, "open '%s'", paths->v[i]);
		snprintf(m.err.what, sizeof(m.err.what), "layers %zu", paths->n);
		if (!msg_send(o->socket_fd, &m, &fd, 1, e))
			return last_words(o, e);
	}
	return true;
}

bool archive_export(struct store *store, const struct inside *in, const char *map,
	const struct store_image *image, int out_fd, struct err *e)
{
	struct output o = {.arena = store->arena, .socket_fd = -1};
	struct strv args = {0}, paths = {0};
	struct manifest manifest;
	struct image_config config;
	struct proc proc = PROC_INIT;
	struct plan plan;
	int wire[2];
	if (!store_read_manifest(image, store->arena, &manifest, e) ||
		!store_read_config(image, &manifest, store->arena, &config, e) ||
		!layers_paths(store, map, &config, store->arena, &paths, e) || !msg_pair(wire, e))
		return false;
	CLEAN(clean_fd) int copy_fd = fcntl(out_fd, F_DUPFD_CLOEXEC, 3);
	strv_add(o.arena, &args, arena_printf(o.arena, "%s/guscio-pack", in->host->helper_dir));
	strv_add(o.arena, &args, arena_printf(o.arena, "%d", wire[1]));
	strv_add(o.arena, &args, arena_printf(o.arena, "%d", copy_fd));
	const int fds[] = {wire[1], copy_fd};
	bool ok = copy_fd >= 0 ? inside_start(in, &args, fds, 2, &plan, &proc, e)
			       : err_sys(e, "open the output again");
	close(wire[1]);
	o.socket_fd = wire[0];
	bool has_started = ok;
	ok = ok && send_layers(&o, &paths, e) && finish(&o, e);
	clean_fd(&o.socket_fd);
	if (has_started)
		proc_drop(&plan, &proc);
	return ok;
}

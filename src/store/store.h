/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - images and layers on disk
 *
 * images/oci-layout, images/index.json, images/blobs/sha256/<hex>
 *	an OCI image layout [image-spec image-layout.md]: skopeo and umoci read and write it.
 *	index.json names every image; org.opencontainers.image.ref.name is its full name.
 * images/blobs/sha256/<hex>.part
 *	a blob being downloaded; its maker holds a lock on it, and what is there is used again.
 * layers/<map>/<hex>/
 *	a layer unpacked, by diff id, with the owners of one id map; a lower directory of
 *	kernel overlays as it stands.
 * layers/<map>/new.<random>/
 *	being unpacked, under a lock; without one it is rubbish of a command that was killed.
 *	Not on a network file system, which lacks owners, attributes and overlays: then they are in
 *	$GUSCIO_LOCAL_STORAGE, /var/tmp/guscio-UID, $TMPDIR/guscio-UID or /dev/shm/guscio-UID, and
 *each machine of a cluster unpacks the shared blobs once for itself. lock held for a moment by
 *whoever changes the index. busy held shared by whoever brings blobs and layers in that no index
 *names yet, or is about to start from them. What nothing names is taken away only by a command that
 *gets it alone; one that does not leaves the rubbish to the next. leases/<hex> locked shared as
 *long as a container of the image with this manifest runs.
 *
 * Additional stores have the same form, belong to somebody else, and are only read.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "store/image.h"
#include "store/reference.h"

#define STORE_ADDITIONAL_MAX 8

struct store {
	struct arena *arena;
	const char *path;
	int dir_fd;
	int images_fd;
	int blobs_fd; /* images/blobs/sha256 */
	int layers_fd;
	const char *layers_path;
	bool is_local_new; /* the layers were put on this machine just now: say so */
	bool is_new; /* read-only view of a store that is not there yet: everything is missing */
	struct store *additional; /* read-only, next in the list */
};

#define STORE_INIT                                                                                 \
	{                                                                                          \
		.dir_fd = -1, .images_fd = -1, .blobs_fd = -1, .layers_fd = -1                     \
	}

/* An image as the index names it. */
struct store_image {
	struct store *store;	/* where it is */
	const char *name;	/* NULL: none any more */
	const char *digest;	/* of the manifest */
	const char *config;	/* digest of the config: the image's id */
	const char *media_type; /* of the manifest */
	int64_t size;		/* of the manifest's text */
};

/*
 * store_open() - the user's store, and the others that are only read
 * @may_create: make it when missing; else an empty one is what the caller sees
 */
bool store_open(struct store *store, const char *path, const struct strv *additional,
	bool may_create, struct arena *arena, struct err *e);
void store_close(struct store *store);

/* These wait, a signal ends that; closing the descriptor releases the lock. */
bool store_lock_index(const struct store *store, int *ret_fd, struct err *e);
bool store_lock_busy(const struct store *store, int *ret_fd, struct err *e);
/* Nobody else is busy, and nobody will be: false without an error and without waiting. */
bool store_lock_quiet(const struct store *store, int *ret_fd);

/* All images of this store and of the additional ones. */
bool store_list(struct store *store, struct store_image **ret, size_t *ret_n, struct err *e);

/*
 * store_find() - an image by name, digest, or id or a unique beginning of it
 * Returns with ret->digest NULL when there is none.
 * Errors: ERR_USAGE the text is neither, ERR_STATE it is ambiguous, ERR_INPUT a broken index.
 */
bool store_find(struct store *store, const char *text, struct store_image *ret, struct err *e);

/* store_find(), where a missing image is an error with a hint. */
bool store_get(struct store *store, const char *text, struct store_image *ret, struct err *e);

/* Gives an image a name, which is taken from whoever has it; NULL: no name. Index lock. */
bool store_add(
	struct store *store, const struct store_image *image, const char *name, struct err *e);
/* Takes one name, or with NULL every one, from the image with this manifest. Index lock. */
bool store_remove(struct store *store, const char *digest, const char *name, struct err *e);

/* Blobs: by "sha256:<hex>". */
bool store_has_blob(const struct store *store, const char *digest, int64_t size);
/* Opens it for reading, here or in an additional store. */
bool store_open_blob(const struct store *store, const char *digest, int *ret_fd, struct err *e);
/* A small one as text, malloc'ed and zero-ended. */
bool store_read_blob(
	const struct store *store, const char *digest, char **ret, size_t *ret_size, struct err *e);
/* Writes a small one, whose digest this makes true. */
bool store_write_blob(const struct store *store, const void *data, size_t size, const char *digest,
	struct err *e);
/* The part of a blob that is there, locked; waits for another guscio that has it. */
bool store_open_part(const struct store *store, const char *digest, int *ret_fd, struct err *e);
/* Its bytes were checked: it becomes the blob. Or they were wrong: it goes. */
bool store_keep_part(const struct store *store, const char *digest, int fd, struct err *e);
void store_drop_part(const struct store *store, const char *digest);
/* Manifest and config of an image. */
bool store_read_manifest(
	const struct store_image *image, struct arena *arena, struct manifest *ret, struct err *e);
bool store_read_config(const struct store_image *image, const struct manifest *manifest,
	struct arena *arena, struct image_config *ret, struct err *e);

/* Layers: path of the unpacked one for an id map, or NULL. */
const char *store_find_layer(const struct store *store, const char *map, const char *diff_id);
/* A new, locked directory: its path and its descriptor. */
bool store_begin_layer(const struct store *store, const char *map, const char *random,
	const char **ret_path, int *ret_fd, struct err *e);
/* Gives it its place; when that is taken, it stays where it is, for removal. */
bool store_keep_layer(const struct store *store, const char *map, const char *path,
	const char *diff_id, struct err *e);
/*
 * store_dead_layer() - path of a directory that can go, or NULL
 * What a killed command left; with @wanted_diff_ids also layers that are not among these, which
 * lose their place first: half removed, nobody must find them. That takes the quiet lock.
 */
const char *store_dead_layer(const struct store *store, const struct strv *wanted_diff_ids);

/* Everything that the images of the index name. */
struct store_wanted {
	struct strv blobs; /* sha256:<hex> */
	struct strv diff_ids;
};
bool store_wanted(struct store *store, struct store_wanted *ret, struct err *e);
/* And everything that containers run from; leases that are free go. Wants the quiet lock. */
bool store_wanted_quietly(struct store *store, struct store_wanted *ret, struct err *e);
/* Removes blobs that are not wanted, and with @parts unfinished ones; says how many bytes. */
int64_t store_drop_blobs(const struct store *store, const struct store_wanted *wanted, bool parts);

/* What one image names, added. */
bool store_want_image(struct store *store, const struct store_image *image,
	struct store_wanted *ret, struct err *e);
bool store_is_dead_blob(const char *name, const struct store_wanted *wanted, bool parts);

struct store_usage {
	size_t images, active, layers; /* active: a container has them, whether it runs or not */
	int64_t bytes, active_bytes;   /* of blobs and unpacked layers; what the active ones want */
};
/* @layer_size: bytes of an unpacked layer, some of whose files belong to subordinate ids */
typedef int64_t store_layer_size(void *data, const char *path);
bool store_measure(struct store *store, store_layer_size *layer_size, void *data,
	struct store_usage *ret, struct err *e);

/* Everything written so far reaches the disk. */
bool store_sync(const struct store *store, struct err *e);

/* A lock that says "this image is in use"; free when the descriptor is closed. */
bool store_lease(const struct store_image *image, int *ret_fd, struct err *e);
/* The same for as long as @directory exists: a container that does not run. */
bool store_lease_for(const struct store_image *image, const char *directory, struct err *e);
bool store_is_leased(const struct store *store, const char *digest);

#endif

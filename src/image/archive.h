/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.h - images as files: save, load, import, export
 *
 * What save writes is an OCI image layout with docker's manifest.json beside it, in one
 * tar archive: docker, podman, skopeo and whoever knows only one of both forms read it.
 */
#ifndef IMAGE_ARCHIVE_H
#define IMAGE_ARCHIVE_H

#include "image/layers.h"

enum archive_form { ARCHIVE_DOCKER, ARCHIVE_OCI, ARCHIVE_OCI_DIR };

/* @out_fd: a file or a pipe; a directory that is empty or new for ARCHIVE_OCI_DIR */
bool archive_save(struct store *store, const struct host *host, const struct store_image *images,
	size_t n, enum archive_form form, int out_fd, struct err *e);

/*
 * archive_load() - every image of a docker-archive, an OCI archive or an OCI directory
 * @in_fd: a file, a pipe or a directory
 * @ret_names: what was loaded, names or ids
 * Errors: ERR_INPUT nothing that is known, or wrong digests.
 */
bool archive_load(struct store *store, const struct inside *in, const char *map, int in_fd,
	const struct watch *watch, struct strv *ret_names, struct err *e);

/* A root file system becomes an image of one layer; @changes as docker import knows them. */
bool archive_import(struct store *store, const struct inside *in, const char *map, int in_fd,
	const char *name, const char *message, const struct strv *changes, struct store_image *ret,
	struct err *e);

/* What a container of the image would see, as one archive. */
bool archive_export(struct store *store, const struct inside *in, const char *map,
	const struct store_image *image, int out_fd, struct err *e);

#endif

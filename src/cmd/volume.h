/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.h - volumes in command lines, and of containers
 *
 * In this order: volumes_settle() before spec_freeze(), volumes_fill() when the root is settled,
 * and volumes_drop() at the end of what was in the foreground, or never became a container.
 */
#ifndef CMD_VOLUME_H
#define CMD_VOLUME_H

#include "cmd/run_options.h"
#include "host/host.h"

/*
 * volumes_settle() - names of volumes become their directories, made when missing
 * Those without a name get one, and to->life.own_volumes. Also takes over the mounts that
 * --volumes-from names.
 * @is_only_shown: make nothing; one without a name is shown as a directory in memory
 */
bool volumes_settle(
	struct invocation *to, const struct host *host, bool is_only_shown, struct err *e);

/*
 * volumes_fill() - what the root has where an empty volume will be becomes its content
 * From here on they are locked, as long as this process lives.
 */
bool volumes_fill(struct invocation *to, const struct host *host, struct err *e);

/* Only the locks, for a container that is started again. */
bool volumes_hold(struct invocation *to, const struct host *host, struct err *e);

/* Another process has them by now: their locks are not ours any more. */
void volumes_release(struct invocation *to);

/* Releases them, and removes what volumes_settle() has made without a name. */
void volumes_drop(struct invocation *to, const struct host *host);

/*
 * volumes_remove_anonymous() - those of a container that was removed
 * @mounts: of its record. What another container has too stays.
 */
void volumes_remove_anonymous(const struct host *host, const char *mounts, struct notes *notes);

/* Which containers on record have it; @only_running: those that run. */
bool volume_has_user(
	const struct host *host, const char *name, bool only_running, bool *ret, struct err *e);

/*
 * volume_delete() - with everything in it, whoever owns that
 * Errors: ERR_STATE it is not there, or in use by who is not on record.
 */
bool volume_delete(const struct host *host, const char *name, struct notes *notes, struct err *e);

/* Is that the directory of a volume, and of which? */
bool volume_of_path(
	struct arena *arena, const struct host *host, const char *path, const char **ret_name);

#endif

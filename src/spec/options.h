/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - what an option's text means, put into a spec */
#ifndef SPEC_OPTIONS_H
#define SPEC_OPTIONS_H

#include "spec/spec.h"

/* Each takes the text as the user wrote it; errors are ERR_USAGE and quote it. */

/* --security-opt unmask=ALL or unmask=/path[:/path...] */
bool spec_unmask(struct spec *spec, const char *text, struct err *e);
/* --security-opt mask=/path[:/path...] */
bool spec_mask(struct spec *spec, const char *text, struct err *e);
/* --nest: containers inside need a /proc and /sys with nothing on top */
void spec_set_nest(struct spec *spec);
/* --ulimit NAME=SOFT[:HARD]; -1 or unlimited */
bool spec_add_ulimit(struct spec *spec, const char *text, struct err *e);
/* --sysctl NAME=VALUE; whether it is per container is checked by spec_freeze() */
bool spec_add_sysctl(struct spec *spec, const char *text, struct err *e);
/* -e NAME=VALUE, or NAME for the caller's value (nothing when unset) */
bool spec_add_env(struct spec *spec, const char *text, char *const *environment, struct err *e);
/* --env-file: lines NAME=VALUE or NAME; # starts a comment line */
bool spec_add_env_file(struct spec *spec, const char *text, const char *name,
	char *const *environment, struct err *e);
/* --device /dev/x[:/dev/y][:rwm] */
bool spec_add_device(struct spec *spec, const char *text, struct err *e);
/* --cap-add, --cap-drop: a name with or without cap_, or all */
bool spec_change_caps(struct spec *spec, bool add, const char *text, struct err *e);
/* --uidmap, --gidmap INSIDE:OUTSIDE[:COUNT] */
bool spec_add_id_range(struct spec *spec, struct id_map *map, const char *text, struct err *e);
/* --stop-signal NAME or number */
bool spec_set_stop_signal(struct spec *spec, const char *text, struct err *e);
/* --group-add NAME, number or keep-groups */
void spec_add_group(struct spec *spec, const char *text);
/* --add-host NAME:ADDRESS, or NAME:host-gateway */
bool spec_add_host(struct spec *spec, const char *text, struct err *e);
/* --pid, --net, --ipc, --uts, --cgroupns, --userns, --time: private, host, container:X, ns:PATH */
bool spec_set_namespace(
	struct spec *spec, enum ns_kind ns, const char *option, const char *text, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_host.h - HostConfig and NetworkSettings of docker's inspect, from a container's spec */
#ifndef CMD_INSPECT_HOST_H
#define CMD_INSPECT_HOST_H

#include "cmd/container_command.h"

#include <jansson.h>

/* Adds to @config what the spec says: ports, limits, namespaces, devices, names. */
void inspect_add_host_config(struct container_command *c, const struct spec *spec, json_t *config);

/* {"80/tcp": {}} of what the image, --expose and -p name. */
json_t *inspect_exposed(struct arena *arena, const struct spec *spec);

/* Of one that does not run the names of its network, without addresses. */
json_t *inspect_network_settings(
	struct container_command *c, const struct container *record, const struct spec *spec);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* memory_watch.h - a memory limit where there is no cgroup: who stays looks again and again */
#ifndef SYS_MEMORY_WATCH_H
#define SYS_MEMORY_WATCH_H

#include <stdint.h>
#include <sys/types.h>

#define MEMORY_WATCH_MS 100

/*
 * memory_of_tree() - resident bytes of a process and all its descendants
 * What several share counts for each of them; what lies in a tmpfs of theirs does not count.
 */
uint64_t memory_of_tree(pid_t pid);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* filecaps.h - capabilities of files and of this process, by libcap */
#ifndef SYS_FILECAPS_H
#define SYS_FILECAPS_H

#include <stdbool.h>

/* True when executing @path gives capability @cap in the effective set [capabilities(7)]. */
bool filecaps_has(const char *path, int cap);

/* True when this process has @cap in its effective set, over its own user namespace. */
bool filecaps_process_has(int cap);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* try.h - abilities that can only be known by trying, each in a child with a time limit */
#ifndef HOST_TRY_H
#define HOST_TRY_H

#include <stdbool.h>

/* A new user namespace, and one act in it that needs a capability. */
bool try_user_namespace(void);

/* A kernel overlay in a user namespace with its upper directory below @parent. */
bool try_overlay(const char *parent);

#endif

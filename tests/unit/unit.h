/* SPDX-License-Identifier: Apache-2.0 */
/* unit.h - what every unit test includes, in the order that cmocka wants */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static struct arena arena;
static struct err error;

static inline int arena_setup(void **state)
{
	(void)state;
	return arena_init(&arena, &error) ? 0 : -1;
}

static inline int arena_teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

/* The sanitizer's own calls are none that a confined helper may make. */
#ifdef __SANITIZE_ADDRESS__
#define SKIP_WHERE_SANITIZED() skip()
#else
#define SKIP_WHERE_SANITIZED() (void)0
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

#endif

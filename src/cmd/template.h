/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - the part of Go's templates that people write for docker's --format
 *
 * {{.A.B}}, {{json .}}, {{range}}, {{if}}, {{with}}, {{else}}, {{end}}, variables, pipes,
 * parentheses,
 * {{- -}} and the functions of template_functions.c. A template comes from the command line of who
 * runs it; what it is filled with may be anybody's.
 */
#ifndef CMD_TEMPLATE_H
#define CMD_TEMPLATE_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <stdio.h>

/*
 * template_print() - without a line end behind it
 * Errors: ERR_USAGE what is not understood, or a field that is not there. Where a condition
 *         asks for it a missing field is false.
 */
bool template_print(FILE *out, json_t *data, const char *text, struct arena *arena, struct err *e);

/* As Go prints values, since templates are written for that: [a b], map[key:value]. */
void template_put_value(FILE *out, json_t *value, int depth);

struct template_values {
	json_t *pool; /* owns what functions have made */
	struct arena *arena;
	struct err *e;
};

/* NULL with the error filled; ERR_USAGE for a function that is not known. */
json_t *template_call(struct template_values *t, const char *name, json_t **args, size_t n);
bool template_is_true(const json_t *value);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - rows as a table, as JSON, or through a template {{.Field}} */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>

struct column {
	const char *title;
	const char *field; /* of the row object: a string */
};

/*
 * table_print() - a list of objects, on standard output
 * @columns: ended by a NULL title
 * @format:  NULL: the columns; "json": the objects; else a template, for each row a line:
 *           that of template.h, with \t and \n, and "table TEMPLATE" with the fields' names
 *           as heads
 * Errors: ERR_USAGE a template that is not understood, or a field that no row has.
 */
bool table_print(json_t *rows, const struct column *columns, const char *format, bool has_no_header,
	struct arena *arena, struct err *e);

#endif

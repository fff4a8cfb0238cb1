/* SPDX-License-Identifier: Apache-2.0 */
#include "base/notes.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

void notes_add(struct notes *notes, const char *fmt, ...)
{
	size_t place = notes->n++;
	if (place >= NOTES_MAX) {
		snprintf(notes->text[NOTES_MAX - 1], sizeof(notes->text[0]),
			"and %zu more notes like these", notes->n - NOTES_MAX + 1);
		return;
	}
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_fit(notes->text[place], sizeof(notes->text[0]), text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_reader.h - documents of others, read by tables
 *
 * One table an object: key, JSON type, handler. A key that is in no table gets a
 * note, a key that means something guscio cannot do is refused by name: they are
 * different things to the user.
 */
#ifndef SPEC_JSON_READER_H
#define SPEC_JSON_READER_H

#include "base/notes.h"
#include "spec/spec.h"

#include <jansson.h>

#define READER_ELEMENTS_MAX 4096

struct reader {
	struct spec *spec;
	const char *bundle_dir;
	struct notes *notes;
	char path[256]; /* where in the document */
	struct err *e;
};

typedef bool handler(struct reader *r, json_t *value);

struct key {
	const char *name;
	json_type type; /* JSON_TRUE stands for both booleans */
	handler *read;	/* NULL: it is refused unless it is empty */
};

/* Fails with the place in the document and @why. */
bool reader_refuse(struct reader *r, const char *why);
bool reader_is_empty(json_t *value);
/* One key of an object, or all of them, by the table. */
bool reader_key(struct reader *r, const struct key *table, const char *name, json_t *value);
bool reader_object(struct reader *r, const struct key *table, json_t *object);
/* Values as the spec keeps them, in its arena. */
const char *reader_copy(struct reader *r, json_t *value);
bool reader_words(struct reader *r, json_t *array, struct strv *ret);
bool reader_id(json_t *value, uint32_t *ret);

/* "linux" of a config.json (json_linux.c). */
bool reader_linux(struct reader *r, json_t *object);

/* Annotations of containers that stay (json_stay.c). */
void spec_stay_annotate(const struct spec *spec, json_t *annotations);
bool spec_stay_read(struct reader *r, const char *name, const char *value, bool *ret_is_known);

#endif

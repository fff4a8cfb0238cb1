/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/owner_note.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
	const char *name;
	mode_t type;
} types[] = {{"file", S_IFREG}, {"dir", S_IFDIR}, {"symlink", S_IFLNK}, {"pipe", S_IFIFO},
	{"socket", S_IFSOCK}};

void owner_note_format(const struct owner_note *note, char text[OWNER_NOTE_SIZE])
{
	int n = snprintf(text, OWNER_NOTE_SIZE, "%u:%u:%04o:", note->uid, note->gid,
		(unsigned)note->mode & 07777);
	char *end = text + n;
	size_t left = OWNER_NOTE_SIZE - (size_t)n;
	if (S_ISCHR(note->mode) || S_ISBLK(note->mode)) {
		snprintf(end, left, "%s-%u-%u", S_ISCHR(note->mode) ? "char" : "block", note->major,
			note->minor);
		return;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((note->mode & S_IFMT) == types[i].type)
			snprintf(end, left, "%s", types[i].name);
}

bool owner_note_parse(const char *text, struct owner_note *ret)
{
	struct owner_note note = {0};
	unsigned mode;
	int n = 0;
	if (strlen(text) >= OWNER_NOTE_SIZE || text[0] == '-' || strpbrk(text, " +\t\n") ||
		strstr(text, ":-") || strstr(text, "--") ||
		sscanf(text, "%u:%u:%o:%n", &note.uid, &note.gid, &mode, &n) != 3 || n == 0 ||
		mode > 07777)
		return false;
	text += n;
	if (sscanf(text, "char-%u-%u", &note.major, &note.minor) == 2)
		note.mode = S_IFCHR;
	else if (sscanf(text, "block-%u-%u", &note.major, &note.minor) == 2)
		note.mode = S_IFBLK;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(text, types[i].name))
			note.mode = types[i].type;
	if (!note.mode)
		return false;
	note.mode |= mode;
	*ret = note;
	return true;
}

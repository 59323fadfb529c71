/*
 * Files by which apps ask for a version of their language.  What is there is
 * Debian's; a pack that has more than one takes the nearest.  Whoever wonders
 * why it runs on another version finds here what was asked for.
 */
#include "sandbox/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNTIME_MAX 4096 /* bytes of such a file */

static const struct {
	const char *file;
	const char *key; /* of the line that counts; NULL: the first one */
} files[] = {
    {"runtime.txt", NULL},
    {".python-version", NULL},
    {".nvmrc", NULL},
    {".node-version", NULL},
    {".ruby-version", NULL},
    {".java-version", NULL},
    {".go-version", NULL},
    {"system.properties", "java.runtime.version"},
};

static const char blanks[] = " \t\r";

/* The value of a line, or NULL: comments, other keys, nothing at all. */
static char *
line_value(char *line, const char *key)
{
	size_t len;

	line += strspn(line, blanks);
	if (*line == '\0' || *line == '#')
		return NULL;
	if (key != NULL) {
		len = strlen(key);
		if (strncmp(line, key, len) != 0)
			return NULL;
		line += len;
		line += strspn(line, " \t=:");
	}
	line[strcspn(line, blanks)] = '\0';
	return *line != '\0' ? line : NULL;
}

static void
print_one(const char *app, const char *name, const char *key)
{
	char err[SANDBOX_ERRLEN], shown[80], *line, *rest, *value = NULL;
	struct file file;

	if (file_read(app, name, RUNTIME_MAX, &file, err) != 1)
		return;
	file.text[file.len < RUNTIME_MAX ? file.len : RUNTIME_MAX] = '\0';
	rest = file.text;
	while (value == NULL && (line = strsep(&rest, "\n")) != NULL)
		value = line_value(line, key);
	if (value != NULL)
		printf("       %s asks for %s\n", name,
		    text_escape(shown, sizeof(shown), value));
	free(file.text);
}

void
runtime_print(const char *app)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		print_one(app, files[i].file, files[i].key);
}

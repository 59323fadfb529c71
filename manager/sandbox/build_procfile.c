/*
 * Procfile: "type: command" a line; empty lines and those that start with
 * '#' are skipped.  As https://devcenter.heroku.com/articles/procfile has
 * it, but that a line it can't use is an error and not left out silently.
 */
#include "sandbox/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && is_blank((*text)[0])) {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && is_blank((*text)[*len - 1]))
		(*len)--;
}

static int
parse_line(const char *line, size_t len, int number, struct types *types,
    char err[SANDBOX_ERRLEN])
{
	const char *colon, *command;
	char raw[64], name[96];
	size_t namelen, commandlen;

	trim(&line, &len);
	if (len == 0 || line[0] == '#')
		return 0;
	colon = memchr(line, ':', len);
	if (colon == NULL) {
		snprintf(err, SANDBOX_ERRLEN,
		    "Procfile line %d has no colon: write \"web: COMMAND\".",
		    number);
		return -1;
	}
	namelen = (size_t)(colon - line);
	command = colon + 1;
	commandlen = len - namelen - 1;
	while (namelen > 0 && is_blank(line[namelen - 1]))
		namelen--;
	trim(&command, &commandlen);
	snprintf(raw, sizeof(raw), "%.*s",
	    (int)(namelen < sizeof(raw) ? namelen : sizeof(raw) - 1), line);
	text_escape(name, sizeof(name), raw);
	switch (types_add(types, line, namelen, command, commandlen, number)) {
	case TYPES_OK:
		return 0;
	case TYPES_NAME:
		snprintf(err, SANDBOX_ERRLEN,
		    "Procfile line %d: \"%s\" can't name a process type: " SANDBOX_TYPE_RULE
		    ".",
		    number, name);
		break;
	case TYPES_COMMAND:
		if (commandlen == 0)
			snprintf(err, SANDBOX_ERRLEN,
			    "Procfile line %d: \"%s\" has no command: write "
			    "what it runs after the colon.",
			    number, name);
		else
			snprintf(err, SANDBOX_ERRLEN,
			    "Procfile line %d: the command of \"%s\" must be "
			    "UTF-8 without control characters, %d bytes at "
			    "most.",
			    number, name, SANDBOX_COMMAND_MAX);
		break;
	case TYPES_TWICE:
		snprintf(err, SANDBOX_ERRLEN,
		    "Procfile line %d: \"%s\" is declared already: keep one "
		    "of the two lines.",
		    number, name);
		break;
	case TYPES_MANY:
		snprintf(err, SANDBOX_ERRLEN,
		    "Procfile line %d: an app has at most %d process "
		    "types, with %d bytes of commands in all.",
		    number, SANDBOX_TYPES_MAX, SANDBOX_COMMANDS_MAX);
		break;
	}
	return -1;
}

int
procfile_parse(
    const char *text, size_t len, struct types *types, char err[SANDBOX_ERRLEN])
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *end;
	size_t line;
	int number = 0;

	if (len >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len > 0) {
		end = memchr(text, '\n', len);
		line = end != NULL ? (size_t)(end - text) : len;
		if (parse_line(text, line, ++number, types, err) == -1)
			return -1;
		if (end == NULL)
			break;
		text += line + 1;
		len -= line + 1;
	}
	return 0;
}

int
procfile_read(const char *app, struct types *types, char err[SANDBOX_ERRLEN])
{
	struct file file;
	int result;

	result = file_read(app, "Procfile", SANDBOX_PROCFILE_MAX, &file, err);
	if (result != 1)
		return result;
	result = procfile_parse(file.text, file.len, types, err);
	free(file.text);
	return result;
}

/*
 * Process types: the names and commands of a Procfile, and the one place
 * that says which of them are acceptable.
 */
#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>

int
types_name_valid(const char *name, size_t len)
{
	size_t i;

	if (len == 0 || len > SANDBOX_TYPE_MAX)
		return 0;
	if (name[0] < 'a' || name[0] > 'z')
		return 0;
	for (i = 1; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= '0' && name[i] <= '9') && name[i] != '-')
			return 0;
	return 1;
}

int
types_command_valid(const char *command, size_t len)
{
	size_t n;

	if (len == 0 || len > SANDBOX_COMMAND_MAX)
		return 0;
	for (; len > 0; command += n, len -= n) {
		n = text_utf8(command, len);
		if (n == 0)
			return 0;
		if (n == 1 && command[0] != '\t' &&
		    ((unsigned char)command[0] < 0x20 || command[0] == 0x7f))
			return 0;
	}
	return 1;
}

enum types_result
types_add(struct types *types, const char *name, size_t namelen,
    const char *command, size_t len, int line)
{
	size_t all = len;
	char *copy;

	if (!types_name_valid(name, namelen))
		return TYPES_NAME;
	if (!types_command_valid(command, len))
		return TYPES_COMMAND;
	for (size_t i = 0; i < types->n; i++) {
		if (strlen(types->v[i].name) == namelen &&
		    memcmp(types->v[i].name, name, namelen) == 0)
			return TYPES_TWICE;
		all += strlen(types->v[i].command);
	}
	if (types->n == SANDBOX_TYPES_MAX || all > SANDBOX_COMMANDS_MAX)
		return TYPES_MANY;
	copy = strndup(command, len);
	if (copy == NULL)
		abort();
	memcpy(types->v[types->n].name, name, namelen);
	types->v[types->n].name[namelen] = '\0';
	types->v[types->n].command = copy;
	types->v[types->n].line = line;
	types->n++;
	return TYPES_OK;
}

const char *
types_find(const struct types *types, const char *name)
{
	for (size_t i = 0; i < types->n; i++)
		if (strcmp(types->v[i].name, name) == 0)
			return types->v[i].command;
	return NULL;
}

void
types_free(struct types *types)
{
	for (size_t i = 0; i < types->n; i++)
		free(types->v[i].command);
	types->n = 0;
}

/*
 * git quotes the path as a shell would want it, with "'" in it as "'\''"; a
 * repository of ours has none.
 */
#include <stdio.h>
#include <string.h>

#include "git/ssh.h"

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789-"

static const struct {
	const char *words; /* with the blank behind them */
	const char *service;
	int push;
} services[] = {
    {"git-receive-pack ", "git-receive-pack", 1},
    {"git receive-pack ", "git-receive-pack", 1},
    {"git-upload-pack ", "git-upload-pack", 0},
    {"git upload-pack ", "git-upload-pack", 0},
};

static int
fail(char *err, const char *text)
{
	snprintf(err, PAAS_ERRLEN, "%s", text);
	return -1;
}

/* "'/APP.git'", "'APP.git'", "'APP'" */
static int
read_path(struct ssh_command *command, const char *text, char *err)
{
	const char *end;
	size_t len;

	if (*text++ != '\'')
		return fail(err, "That is not how git names a repository.");
	text += *text == '/';
	len = strspn(text, NAME_BYTES);
	end = text + len;
	if (strncmp(end, ".git", 4) == 0)
		end += 4;
	if (strcmp(end, "'") != 0 || len == 0 || len >= sizeof(command->app))
		return fail(err,
		    "Repositories are at /APP.git, APP being the name of an "
		    "app.");
	memcpy(command->app, text, len);
	command->app[len] = '\0';
	return 0;
}

int
ssh_read_command(struct ssh_command *command, const char *text, char *err)
{
	size_t i, len;

	memset(command, 0, sizeof(*command));
	if (text == NULL || *text == '\0')
		return fail(err,
		    "You are who you say, but this is for git alone: git push "
		    "works.");
	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		len = strlen(services[i].words);
		if (strncmp(text, services[i].words, len) != 0)
			continue;
		command->service = services[i].service;
		command->push = services[i].push;
		return read_path(command, text + len, err);
	}
	return fail(err, "Only git push, fetch and clone work here.");
}

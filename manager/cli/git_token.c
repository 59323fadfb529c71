/*
 * A token is kept where only its owner reads it: in no argument list and not
 * in the config of a repository, which may be copied about.
 */
#include <bsd/string.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/git.h"
#include "cli/own.h"

#define HOST_BYTES "abcdefghijklmnopqrstuvwxyz0123456789.-:"

/* A token that ends sooner is not worth to be used. */
#define LEFT_MIN 3600

int
git_host_valid(const char *host)
{
	size_t len = strspn(host, HOST_BYTES);

	return len > 0 && len < 255 && host[len] == '\0' && host[0] != '.' &&
	       strstr(host, "..") == NULL;
}

static int
token_path(char path[PATH_MAX], const char *host)
{
	char name[300];

	snprintf(name, sizeof(name), "git/%s", host);
	return own_path(path, name, 0);
}

int
git_token_load(const char *host, char token[GIT_TOKEN_MAX])
{
	char line[GIT_TOKEN_MAX + 64], path[PATH_MAX];
	long long expires;
	FILE *file;
	int got;

	if (token_path(path, host) == -1 || (file = fopen(path, "re")) == NULL)
		return -1;
	got = fgets(line, sizeof(line), file) != NULL &&
	      sscanf(line, "%127s %lld", token, &expires) == 2;
	(void)fclose(file);
	explicit_bzero(line, sizeof(line));
	if (!got || (expires != 0 && expires < time(NULL) + LEFT_MIN))
		return -1;
	return 0;
}

int
git_token_save(const char *host, const char *token, time_t expires)
{
	char name[300], text[GIT_TOKEN_MAX + 64];
	int rc;

	snprintf(name, sizeof(name), "git/%s", host);
	snprintf(text, sizeof(text), "%s %lld\n", token, (long long)expires);
	rc = own_write(name, text);
	explicit_bzero(text, sizeof(text));
	return rc;
}

void
git_token_forget(const char *host)
{
	char path[PATH_MAX];

	if (token_path(path, host) == 0)
		(void)unlink(path);
}

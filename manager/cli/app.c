#include <bsd/string.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/app.h"

#define APP_RULE "1 to 30 of a-z, 0-9 and '-', the first one a letter"

int
app_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= CLI_APP_MAX && name[0] >= 'a' &&
	       name[0] <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int
app_take(struct cli *cli, const char *name, const char *where)
{
	if (!app_name_valid(name)) {
		cli_error(cli, "%s: '%s' is no name of an app: %s", where, name,
		    APP_RULE);
		return EXIT_USAGE;
	}
	strlcpy(cli->app, name, sizeof(cli->app));
	return 0;
}

/* The first word of DIR/.paas; -1 without one. */
static int
app_read_file(const char *dir, char *name, size_t len)
{
	char path[PATH_MAX], line[256];
	FILE *file;
	int ok;

	if (strlcpy(path, dir, sizeof(path)) >= sizeof(path) ||
	    strlcat(path, "/" APP_FILE, sizeof(path)) >= sizeof(path))
		return -1;
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	ok = fgets(line, sizeof(line), file) != NULL;
	fclose(file);
	if (!ok)
		return -1;
	line[strcspn(line, " \t\r\n")] = '\0';
	strlcpy(name, line, len);
	return 0;
}

int
app_resolve(struct cli *cli, const char *folder)
{
	const char *name = cli->words.option[OPT_APP];
	char dir[PATH_MAX], found[256], *slash;
	int here = cli_has(cli, OPT_SOCKET) || getenv("PAAS_SOCKET") != NULL;

	if (name != NULL)
		return app_take(cli, name, "-a");
	name = getenv("PAAS_APP");
	if (name != NULL && *name != '\0')
		return app_take(cli, name, "PAAS_APP");
	if (realpath(folder, dir) == NULL)
		return -1;
	for (;;) {
		if (app_read_file(dir, found, sizeof(found)) == 0) {
			strlcat(dir, "/" APP_FILE, sizeof(dir));
			return app_take(cli, found, dir);
		}
		if (app_from_remote(dir, here, cli->app) == 0)
			return 0;
		slash = strrchr(dir, '/');
		if (slash == NULL || dir[1] == '\0')
			return -1;
		slash[slash == dir] = '\0';
	}
}

int
app_missing(struct cli *cli)
{
	return cli_usage(cli,
	    "which app? Name it with -a APP, in PAAS_APP, in a file %s in "
	    "this folder or one above it, or by `paas git:remote -a APP`",
	    APP_FILE);
}

int
app_from_folder(const char *folder, char name[CLI_APP_MAX + 1])
{
	char dir[PATH_MAX];
	const char *p;
	size_t n = 0;

	if (realpath(folder, dir) == NULL)
		return -1;
	for (p = strrchr(dir, '/') + 1; *p != '\0' && n < CLI_APP_MAX; p++) {
		if (isalnum((unsigned char)*p))
			name[n++] = (char)tolower((unsigned char)*p);
		else if (n > 0 && name[n - 1] != '-')
			name[n++] = '-';
	}
	while (n > 0 && name[n - 1] == '-')
		n--;
	name[n] = '\0';
	return app_name_valid(name) ? 0 : -1;
}

int
app_remember(const char *folder, const char *name)
{
	char path[PATH_MAX];
	int fd, rc;

	if (strlcpy(path, folder, sizeof(path)) >= sizeof(path) ||
	    strlcat(path, "/" APP_FILE, sizeof(path)) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd == -1)
		return errno == EEXIST ? 0 : -1;
	rc = dprintf(fd, "%s\n", name);
	return close(fd) == 0 && rc > 0 ? 1 : -1;
}

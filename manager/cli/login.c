#include "cli/login.h"

#include <bsd/string.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/own.h"

#define LOGIN_FILE "login"

/* Letters that a host and a port have; IPv6 in brackets. */
static int
host_valid(const char *host)
{
	size_t len = strspn(host,
	    "abcdefghijklmnopqrstuvwxyz0123456789-.:[]ABCDEFGHIJKLMNOPQRS"
	    "TUVWXYZ");

	return len > 0 && host[len] == '\0' && host[0] != '.' &&
	       host[0] != '-' && strstr(host, "..") == NULL && len < 255;
}

/* What does not leave this machine needs no TLS. */
static int
host_is_here(const char *host)
{
	size_t len = strcspn(host, ":");
	const size_t n = strlen("localhost");

	return strncmp(host, "127.", 4) == 0 ||
	       strncmp(host, "[::1]", 5) == 0 ||
	       (len >= n && strncmp(host + len - n, "localhost", n) == 0 &&
		   (len == n || host[len - n - 1] == '.'));
}

static int
host_is_address(const char *host)
{
	return host[0] == '[' ||
	       strspn(host, "0123456789.") == strcspn(host, ":");
}

int
login_url(char url[LOGIN_URL], const char *host)
{
	const char *scheme = NULL, *api = "api.";
	char name[LOGIN_URL];
	size_t len;

	if (strncmp(host, "https://", 8) == 0)
		scheme = "https";
	else if (strncmp(host, "http://", 7) == 0)
		scheme = "http";
	if (scheme != NULL)
		host += strlen(scheme) + 3;
	if ((len = strlcpy(name, host, sizeof(name))) >= sizeof(name))
		return -1;
	if (len > 0 && name[len - 1] == '/')
		name[len - 1] = '\0';
	if (!host_valid(name))
		return -1;
	if (scheme == NULL)
		scheme = host_is_here(name) ? "http" : "https";
	if (strncmp(name, "api.", 4) == 0 || host_is_address(name))
		api = "";
	return (size_t)snprintf(
		   url, LOGIN_URL, "%s://%s%s", scheme, api, name) < LOGIN_URL
		   ? 0
		   : -1;
}

int
login_git_host(char host[LOGIN_URL], const char *url)
{
	const char *p = strstr(url, "://api.");

	if (p == NULL)
		return -1;
	snprintf(host, LOGIN_URL, "git.%s", p + strlen("://api."));
	return 0;
}

/* ---- what is kept: a line each, the latest first ------------------------ */

/* The next one of the file: 1; 0 at its end. */
static int
login_next(FILE *file, struct login *login)
{
	char line[LOGIN_URL + LOGIN_TOKEN + 8], url[LOGIN_URL];
	int got = 0;

	while (!got && fgets(line, sizeof(line), file) != NULL)
		got = sscanf(line, "%299s %127s", url, login->token) == 2 &&
		      login_url(login->url, url) == 0;
	explicit_bzero(line, sizeof(line));
	return got;
}

static FILE *
login_open(void)
{
	char path[PATH_MAX];

	return own_path(path, LOGIN_FILE, 0) == 0 ? fopen(path, "re") : NULL;
}

/* With a URL of NULL the first one. */
static int
login_look(const char *url, struct login *login)
{
	FILE *file = login_open();
	int found = 0;

	if (file == NULL)
		return -1;
	while (!found && login_next(file, login))
		found = url == NULL || strcmp(url, login->url) == 0;
	(void)fclose(file);
	if (!found)
		explicit_bzero(login, sizeof(*login));
	return found ? 0 : -1;
}

int
login_find(const char *url, struct login *login)
{
	return login_look(url, login);
}

const char *
login_named(void)
{
	const char *host = getenv("PAAS_HOST");

	return host != NULL && *host != '\0' ? host : NULL;
}

int
login_load(struct login *login)
{
	const char *host = login_named(), *token = getenv("PAAS_TOKEN");
	char url[LOGIN_URL];

	if (host == NULL)
		return login_look(NULL, login);
	if (login_url(url, host) == -1)
		return -1;
	if (token == NULL || *token == '\0')
		return login_look(url, login);
	strlcpy(login->url, url, sizeof(login->url));
	return strlcpy(login->token, token, sizeof(login->token)) <
		       sizeof(login->token)
		   ? 0
		   : -1;
}

/* All but one, behind `first` if that is not NULL. */
static int
login_write(const struct login *first, const char *but)
{
	struct login login;
	FILE *file = login_open(), *to;
	char *text = NULL;
	size_t len = 0;
	int rc = -1;

	if ((to = open_memstream(&text, &len)) != NULL) {
		if (first != NULL)
			fprintf(to, "%s %s\n", first->url, first->token);
		while (file != NULL && login_next(file, &login))
			if (strcmp(login.url, but) != 0)
				fprintf(to, "%s %s\n", login.url, login.token);
		if (fclose(to) == 0)
			rc = own_write(LOGIN_FILE, text);
	}
	if (file != NULL)
		(void)fclose(file);
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
	explicit_bzero(&login, sizeof(login));
	return rc;
}

int
login_save(const struct login *login)
{
	return login_write(login, login->url);
}

int
login_forget(const char *url)
{
	char path[PATH_MAX];
	struct login left;

	if (login_write(NULL, url) == -1)
		return -1;
	if (login_look(NULL, &left) == -1 && own_path(path, LOGIN_FILE, 0) == 0)
		(void)unlink(path);
	explicit_bzero(&left, sizeof(left));
	return 0;
}

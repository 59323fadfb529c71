#include "cli/login.h"

#include <bsd/string.h>
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

static int
login_from_env(struct login *login)
{
	const char *host = getenv("PAAS_HOST"), *token = getenv("PAAS_TOKEN");

	return host != NULL && token != NULL &&
		       login_url(login->url, host) == 0 && *token != '\0' &&
		       strlcpy(login->token, token, sizeof(login->token)) <
			   sizeof(login->token)
		   ? 0
		   : -1;
}

int
login_load(struct login *login)
{
	char path[4096], url[LOGIN_URL];
	FILE *file;
	int got;

	if (login_from_env(login) == 0)
		return 0;
	if (own_path(path, LOGIN_FILE, 0) == -1 ||
	    (file = fopen(path, "re")) == NULL)
		return -1;
	got = fscanf(file, "%299s %127s", url, login->token) == 2;
	(void)fclose(file);
	return got && login_url(login->url, url) == 0 ? 0 : -1;
}

int
login_save(const struct login *login)
{
	char text[sizeof(struct login) + 2];
	int rc;

	snprintf(text, sizeof(text), "%s %s\n", login->url, login->token);
	rc = own_write(LOGIN_FILE, text);
	explicit_bzero(text, sizeof(text));
	return rc;
}

void
login_forget(void)
{
	char path[4096];

	if (own_path(path, LOGIN_FILE, 0) == 0)
		(void)unlink(path);
}

/* doctor: which platform it is about, and what is known of it. */
#include <bsd/string.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "cli/login.h"
#include "cli/trust.h"
#include "common/places.h"

#define DOCTOR_PATIENCE 5 /* seconds for an answer */

/* /etc/paas/paas-NAME.conf is of the platform that was brought up by a name. */
static void
name_platform(struct doctor *d)
{
	const char *name = strstr(d->conf_path, "/paas-");
	size_t len;

	strlcpy(d->up, "scripts/up", sizeof(d->up));
	if (name == NULL)
		return;
	name += strlen("/paas-");
	len = strcspn(name, ".");
	snprintf(d->up, sizeof(d->up), "scripts/up --name %.*s",
	    len < 32 ? (int)len : 32, name);
}

/* Of a file that may have mistakes: is that what it says of run_dir? */
static int
conf_names(const char *path, const char *run_dir)
{
	char line[1024], value[sizeof(line)];
	int named = 0;
	FILE *file;

	if ((file = fopen(path, "re")) == NULL)
		return 0;
	while (!named && fgets(line, sizeof(line), file) != NULL)
		named = sscanf(line, " run_dir = %1023s", value) == 1 &&
			strcmp(value, run_dir) == 0;
	fclose(file);
	return named;
}

/* The file that says where that socket is; else the default one. */
static void
find_conf(struct doctor *d, const char *socket)
{
	char run_dir[PATH_MAX], *slash;
	glob_t list;
	size_t i;

	strlcpy(d->conf_path, PAAS_CONF_DEFAULT, sizeof(d->conf_path));
	if (socket == NULL || glob("/etc/paas/*.conf", 0, NULL, &list) != 0)
		return;
	strlcpy(run_dir, socket, sizeof(run_dir));
	if ((slash = strrchr(run_dir, '/')) != NULL)
		*slash = '\0';
	for (i = 0; i < list.gl_pathc; i++) {
		if (conf_names(list.gl_pathv[i], run_dir))
			strlcpy(d->conf_path, list.gl_pathv[i],
			    sizeof(d->conf_path));
	}
	globfree(&list);
}

static void
open_here(struct doctor *d)
{
	const char *socket = d->cli->words.option[OPT_SOCKET];
	char why[PAAS_ERRLEN];

	if (socket == NULL)
		socket = getenv("PAAS_SOCKET");
	if (socket != NULL && *socket == '\0')
		socket = NULL;
	find_conf(d, socket);
	name_platform(d);
	/* Up to a mistake, which is for the first check to tell. */
	(void)conf_load(&d->conf, d->conf_path, why);
	if (socket != NULL)
		strlcpy(d->api, socket, sizeof(d->api));
	else
		snprintf(d->api, sizeof(d->api), "%s/" PLACE_MANAGER_SOCK,
		    d->conf.run_dir);
	d->cli->http = http_open(d->api);
}

/* "https://api.example.com:8443": its domain and its port. */
static void
open_away(struct doctor *d, const struct login *login)
{
	const char *host = strstr(login->url, "://");
	uint32_t *port = &d->conf.http_port;
	char why[PAAS_ERRLEN], *colon;

	(void)conf_load(&d->conf, NULL, why);
	d->away = 1;
	d->conf.http_port = 80;
	d->conf.https_port = 0;
	if (strncmp(login->url, "https", 5) == 0) {
		port = &d->conf.https_port;
		*port = 443;
	}
	strlcpy(d->api, login->url, sizeof(d->api));
	host = host != NULL ? host + 3 : login->url;
	if (strncmp(host, "api.", 4) == 0)
		host += 4;
	strlcpy(d->conf.domain, host, sizeof(d->conf.domain));
	if ((colon = strrchr(d->conf.domain, ':')) != NULL) {
		*colon = '\0';
		*port = (uint32_t)atoi(colon + 1);
	}
	d->cli->http = http_open_url(login->url, login->token, &trust_platform);
}

static void
ask_health(struct doctor *d)
{
	struct http_call call = {
	    .method = "GET", .path = "/health", .seconds = DOCTOR_PATIENCE};
	struct http_answer answer;

	enum http_result result;

	if (d->cli->http == NULL)
		return;
	result = http_do(d->cli->http, &call, &answer);
	if (result == HTTP_OK)
		d->health = answer.json;
	else if (result == HTTP_REFUSED && answer.status < 500)
		strlcpy(d->refused, answer.err, sizeof(d->refused));
}

int
cmd_doctor(struct cli *cli)
{
	const char *named = getenv("PAAS_SOCKET");
	struct doctor d = {.cli = cli};
	const char *unknown = doctor_unknown(cli);
	struct login login;
	int rc;

	if (unknown != NULL)
		return cli_usage(cli,
		    "there is no check '%s': `paas doctor` has all of them",
		    unknown);
	if (!cli_has(cli, OPT_SOCKET) && (named == NULL || *named == '\0') &&
	    login_load(&login) == 0) {
		open_away(&d, &login);
		explicit_bzero(&login, sizeof(login));
	} else
		open_here(&d);
	ask_health(&d);
	rc = doctor_all(&d, geteuid() == 0);
	json_decref(d.health);
	if (cli->http != NULL)
		http_close(cli->http);
	return rc;
}

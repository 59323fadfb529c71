/*
 * paas: the platform on the command line.  Reads the line by the grammar,
 * finds the socket and the app, hands over to one verb.
 */
#include <bsd/err.h>
#include <bsd/string.h>
#include <curl/curl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/places.h"
#include "cli/app.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/login.h"
#include "cli/trust.h"
#include "common/conf.h"

#define PAAS_RUN_DIR "/run/paas"

/* --socket, PAAS_SOCKET, what paas.conf says, the default. */
static int
paas_find_socket(struct cli *cli, char *path, size_t len)
{
	const char *given = cli->words.option[OPT_SOCKET];
	char why[PAAS_ERRLEN];
	struct conf conf;
	int n;

	if (given == NULL)
		given = getenv("PAAS_SOCKET");
	if (given != NULL && *given != '\0') {
		if (strlcpy(path, given, len) < len)
			return 0;
		cli_error(cli, "the path of the socket is too long: %s", given);
		return -1;
	}
	if (access(PAAS_CONF_DEFAULT, R_OK) != 0) {
		snprintf(path, len, "%s/%s", PAAS_RUN_DIR, PLACE_MANAGER_SOCK);
		return 0;
	}
	if (conf_load(&conf, PAAS_CONF_DEFAULT, why) == -1) {
		cli_error(cli, "%s", why);
		return -1;
	}
	n = snprintf(path, len, "%s/%s", conf.run_dir, PLACE_MANAGER_SOCK);
	if (n > 0 && (size_t)n < len)
		return 0;
	cli_error(cli, "%s: run_dir is too long", PAAS_CONF_DEFAULT);
	return -1;
}

static int
named_none(const char *name)
{
	return name == NULL || *name == '\0';
}

/*
 * A platform elsewhere, if somebody has logged in to one and does not name a
 * socket; else the one of this machine.  NULL after a complaint.
 */
static struct http *
paas_open(struct cli *cli)
{
	const char *named = getenv("PAAS_SOCKET");
	struct http *http = NULL;
	struct login login;
	char socket[108];

	if (!cli_has(cli, OPT_SOCKET) && named_none(named) &&
	    login_load(&login) == 0) {
		http = http_open_url(login.url, login.token, &trust_platform);
		explicit_bzero(&login, sizeof(login));
	} else if (!cli_has(cli, OPT_SOCKET) && named_none(named) &&
		   login_named() != NULL) {
		cli_error(cli,
		    "PAAS_HOST is %s, which you are not logged in to: `paas "
		    "login %s`, or set PAAS_TOKEN",
		    login_named(), login_named());
		return NULL;
	} else if (paas_find_socket(cli, socket, sizeof(socket)) == -1)
		return NULL;
	else
		http = http_open(socket);
	if (http == NULL)
		errx(EXIT_REFUSED, "out of memory");
	return http;
}

static int
paas_run_verb(struct cli *cli)
{
	const struct grammar_verb *verb = cli->words.verb;
	int rc;

	cli->json = cli_has(cli, OPT_JSON);
	if (cli_has(cli, OPT_PLATFORM) && cli_has(cli, OPT_APP))
		return cli_usage(
		    cli, "--platform and an app exclude each other");
	if ((verb->flags & VERB_APP) && verb->run != cmd_push &&
	    !cli_has(cli, OPT_PLATFORM) &&
	    !(verb->args[0].kind == KIND_APP && cli->words.nargs > 0)) {
		rc = app_resolve(cli, ".");
		if (rc != 0)
			return rc == -1 ? app_missing(cli) : rc;
	}
	if (verb->flags & (VERB_LOCAL | VERB_SELF))
		return verb->run(cli);
	if ((cli->http = paas_open(cli)) == NULL)
		return EXIT_REFUSED;
	rc = verb->run(cli);
	http_close(cli->http);
	return rc;
}

static int
paas_main(struct cli *cli, int argc, char **argv)
{
	char why[PAAS_ERRLEN];
	const char *unknown;

	if (grammar_parse(&cli->words, argc, argv, &unknown, why) == -1) {
		if (unknown != NULL)
			return cli_mistyped(cli, unknown);
		return cli_usage(cli, "%s%s%s",
		    cli->words.verb != NULL ? cli->words.verb->name : "",
		    cli->words.verb != NULL ? ": " : "", why);
	}
	if (cli_has(cli, OPT_VERSION)) {
		out_line(&cli->out, "paas %s", PAAS_VERSION);
		return EXIT_OK;
	}
	if (cli->words.verb == NULL) {
		help_overview(&cli->out);
		return EXIT_OK;
	}
	if (cli_has(cli, OPT_HELP)) {
		help_verb(&cli->out, cli->words.verb);
		return EXIT_OK;
	}
	return paas_run_verb(cli);
}

int
main(int argc, char **argv)
{
	struct cli cli;
	int rc;

	/* names and widths are UTF-8 whatever the environment says */
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_DFL);
	memset(&cli, 0, sizeof(cli));
	out_init(&cli.out, stdout);
	out_init(&cli.err, stderr);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	rc = paas_main(&cli, argc, argv);
	grammar_free(&cli.words);
	curl_global_cleanup();
	if (fflush(stdout) != 0 && rc == EXIT_OK)
		err(EXIT_REFUSED, "standard output");
	return rc;
}

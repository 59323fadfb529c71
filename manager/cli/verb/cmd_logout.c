/* logout: what login began ends here, and on the platform. */
#include <bsd/string.h>
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/git.h"
#include "cli/login.h"
#include "cli/trust.h"

int
login_end(const char *url, const char *token, char err[PAAS_ERRLEN])
{
	struct http_call call = {
	    .method = "DELETE", .path = "/oauth/authorizations/~"};
	struct http *http = http_open_url(url, token, &trust_platform);
	struct http_answer answer;
	enum http_result result;

	strlcpy(err, "out of memory", PAAS_ERRLEN);
	if (http == NULL)
		return -1;
	result = http_do(http, &call, &answer);
	if (result == HTTP_OK)
		json_decref(answer.json);
	else
		strlcpy(err, answer.err, PAAS_ERRLEN);
	http_close(http);
	/* one that is over has ended already */
	return result == HTTP_OK || answer.status == 401 ? 0 : -1;
}

/* What git was given, by that login. */
static void
end_of_git(const char *url)
{
	char host[LOGIN_URL], token[GIT_TOKEN_MAX], why[PAAS_ERRLEN];

	if (login_git_host(host, url) == -1 || !git_host_valid(host))
		return;
	if (git_token_load(host, token) == 0)
		(void)login_end(url, token, why);
	git_token_forget(host);
	explicit_bzero(token, sizeof(token));
}

static int
logout_find(struct cli *cli, struct login *login)
{
	const char *host = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	char url[LOGIN_URL];

	if (host == NULL && (host = login_named()) == NULL) {
		if (login_find(NULL, login) == 0)
			return EXIT_OK;
		cli_error(cli, "you are not logged in");
		return EXIT_REFUSED;
	}
	if (login_url(url, host) == -1)
		return cli_usage(cli, "'%s' is no host", host);
	if (login_find(url, login) == 0)
		return EXIT_OK;
	cli_error(cli, "you are not logged in to %s", url);
	return EXIT_REFUSED;
}

/* The token ends there, too; if nobody answers, it is forgotten all the same.
 */
int
cmd_logout(struct cli *cli)
{
	char why[PAAS_ERRLEN];
	struct login login, next;
	int rc;

	if ((rc = logout_find(cli, &login)) != EXIT_OK)
		return rc;
	if (login_forget(login.url) == -1) {
		cli_error(cli, "~/.config/paas/login could not be written: %s",
		    strerror(errno));
		rc = EXIT_REFUSED;
	}
	end_of_git(login.url);
	if (login_end(login.url, login.token, why) == -1)
		out_line(&cli->err,
		    "The token is forgotten here, but may be good still: %s",
		    why);
	if (rc == EXIT_OK)
		out_line(&cli->out, "Logged out of %s", login.url);
	if (rc == EXIT_OK && login_find(NULL, &next) == 0)
		out_line(&cli->out, "Verbs are about %s now", next.url);
	explicit_bzero(&login, sizeof(login));
	explicit_bzero(&next, sizeof(next));
	return rc;
}

/* login, whoami. */
#include <bsd/readpassphrase.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/login.h"
#include "cli/trust.h"

int
login_ask(
    struct cli *cli, const char *prompt, int secret, char line[LOGIN_LINE])
{
	int flags = secret ? RPP_ECHO_OFF : RPP_ECHO_ON;

	if (isatty(STDIN_FILENO)) {
		if (readpassphrase(prompt, line, LOGIN_LINE, flags) == NULL)
			line[0] = '\0';
	} else if (fgets(line, LOGIN_LINE, stdin) != NULL)
		line[strcspn(line, "\r\n")] = '\0';
	else
		line[0] = '\0';
	if (line[0] != '\0')
		return 0;
	cli_error(cli, "%.*s is missing", (int)strcspn(prompt, ":"), prompt);
	return -1;
}

struct answers {
	char setup[LOGIN_LINE]; /* the token, or "" */
	char email[LOGIN_LINE];
	char password[LOGIN_LINE];
};

static int
ask_all(struct cli *cli, struct answers *a)
{
	char again[LOGIN_LINE];
	int differ = 0, setup = cli_has(cli, OPT_SETUP);

	memset(a, 0, sizeof(*a));
	if ((setup && login_ask(cli, "Set-up token: ", 1, a->setup) == -1) ||
	    login_ask(cli, "Email: ", 0, a->email) == -1 ||
	    login_ask(cli, setup ? "New password: " : "Password: ", 1,
		a->password) == -1)
		return -1;
	if (setup && isatty(STDIN_FILENO)) {
		if (login_ask(cli, "The same again: ", 1, again) == -1)
			return -1;
		differ = strcmp(again, a->password) != 0;
		explicit_bzero(again, sizeof(again));
	}
	if (differ)
		cli_error(cli, "these are two passwords: nothing was set");
	return differ ? -1 : 0;
}

static int
login_setup(struct cli *cli, struct http *http, const struct answers *a)
{
	json_t *body = json_pack("{s:s, s:s, s:s}", "token", a->setup, "email",
	    a->email, "password", a->password);
	struct http_call call = {
	    .method = "POST", .path = "/setup", .body = body};
	struct http_answer answer;
	enum http_result result;

	if (body == NULL)
		return cli_usage(cli, "what was typed is not text in UTF-8");
	result = http_do(http, &call, &answer);
	json_decref(body);
	if (result != HTTP_OK)
		return cli_failed(cli, result, &answer);
	json_decref(answer.json);
	return EXIT_OK;
}

static int
login_do(struct cli *cli, struct http *http, const struct answers *a,
    struct login *login)
{
	char machine[64] = "?", note[100];
	struct http_call call = {.method = "POST",
	    .path = "/oauth/authorizations",
	    .user = a->email,
	    .password = a->password};
	struct http_answer answer;
	enum http_result result;
	char why[PAAS_ERRLEN];
	struct cli_text text;
	struct login old;
	json_t *body;
	int before;

	(void)gethostname(machine, sizeof(machine) - 1);
	snprintf(note, sizeof(note), "paas login on %.60s", machine);
	body =
	    json_pack("{s:[s], s:s*}", "scope", "global", "description", note);
	call.body = body;
	result = http_do(http, &call, &answer);
	json_decref(body);
	if (result != HTTP_OK)
		return cli_failed(cli, result, &answer);
	strlcpy(login->token,
	    cli_text(answer.json, "access_token.token", &text),
	    sizeof(login->token));
	json_decref(answer.json);
	/* what was kept of it before would be good for nobody */
	before = login_find(login->url, &old) == 0;
	if (login_save(login) == 0) {
		if (before)
			(void)login_end(old.url, old.token, why);
		explicit_bzero(&old, sizeof(old));
		return EXIT_OK;
	}
	cli_error(cli, "the token could not be kept in ~/.config/paas: %s",
	    strerror(errno));
	return EXIT_REFUSED;
}

int
cmd_login(struct cli *cli)
{
	struct answers answers;
	struct login login;
	struct http *http;
	int rc;

	if (login_url(login.url, cli->words.args[0]) == -1)
		return cli_usage(cli,
		    "'%s' is no host: example.com, or http://host:8080",
		    cli->words.args[0]);
	if (strncmp(login.url, "http://", 7) == 0 &&
	    strstr(login.url, "localhost") == NULL)
		out_line(&cli->err,
		    "Whoever is on the way sees the password: %s is not https",
		    login.url);
	if ((rc = login_trust(cli, login.url)) != EXIT_OK)
		return rc;
	if ((http = http_open_url(login.url, NULL, &trust_platform)) == NULL) {
		cli_error(cli, "out of memory");
		return EXIT_REFUSED;
	}
	if (ask_all(cli, &answers) == -1)
		rc = EXIT_REFUSED;
	else if (answers.setup[0] != '\0')
		rc = login_setup(cli, http, &answers);
	if (rc == EXIT_OK)
		rc = login_do(cli, http, &answers, &login);
	if (rc == EXIT_OK)
		out_line(&cli->out, "Logged in to %s as %s", login.url,
		    answers.email);
	http_close(http);
	explicit_bzero(&answers, sizeof(answers));
	explicit_bzero(&login, sizeof(login));
	return rc;
}

int
cmd_whoami(struct cli *cli)
{
	struct cli_text text;
	json_t *account;
	int rc;

	rc = cli_call(cli, "GET", NULL, &account, "/account");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, account);
	out_line(&cli->out, "%s", cli_text(account, "email", &text));
	json_decref(account);
	return EXIT_OK;
}

/* git:remote, git:credentials. */
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/git.h"
#include "cli/trust.h"

#define TOKEN_LIFE (90 * 86400)
#define REMOTE_URL 512

int
git_run(const char *const *argv, int quiet)
{
	int null, status;
	pid_t pid;

	if ((pid = fork()) == -1)
		return 127;
	if (pid == 0) {
		null = quiet ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
		if (null != -1) {
			(void)dup2(null, STDOUT_FILENO);
			(void)dup2(null, STDERR_FILENO);
		}
		(void)execvp("git", (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* ---- git:remote ------------------------------------------------------ */

/* For a shell, which git hands its helpers to: 'it'\''s'. */
static int
remote_quote(char *out, size_t size, const char *text)
{
	size_t n = 0;

	if (size < 3)
		return -1;
	out[n++] = '\'';
	for (; *text != '\0'; text++) {
		if (n + 6 > size)
			return -1;
		if (*text == '\'') {
			memcpy(out + n, "'\\''", 4);
			n += 4;
		} else
			out[n++] = *text;
	}
	out[n++] = '\'';
	out[n] = '\0';
	return 0;
}

/* "!'/usr/local/bin/paas' --socket '/run/paas/manager.sock' git:credentials" */
int
git_helper(struct cli *cli, char *out, size_t size)
{
	char program[PATH_MAX], socket[512], quoted[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n <= 0)
		return -1;
	program[n] = '\0';
	if (remote_quote(quoted, sizeof(quoted), program) == -1)
		return -1;
	if (http_socket(cli->http) == NULL)
		return (size_t)snprintf(
			   out, size, "!%s git:credentials", quoted) < size
			   ? 0
			   : -1;
	if (remote_quote(socket, sizeof(socket), http_socket(cli->http)) == -1)
		return -1;
	return (size_t)snprintf(out, size, "!%s --socket %s git:credentials",
		   quoted, socket) < size
		   ? 0
		   : -1;
}

/* What paas login has trusted, git trusts at that host, too. */
static int
git_set_trust(struct cli *cli, const char *url, int host)
{
	char key[512], file[PATH_MAX];
	const char *const set[] = {
	    "git", "config", "--local", "--replace-all", key, file, NULL};

	if (strncmp(url, "https://", 8) != 0 || http_url(cli->http) == NULL ||
	    trust_file(file, http_url(cli->http)) == -1)
		return 0;
	snprintf(key, sizeof(key), "http.%.*s.sslCAInfo", host, url);
	return git_run(set, 0);
}

/* An empty helper first: those of the machine would keep our token, too. */
int
git_set_helper(struct cli *cli, const char *url)
{
	char helper[PATH_MAX + 1024], key[512];
	const char *const none[] = {
	    "git", "config", "--local", "--replace-all", key, "", NULL};
	const char *const ours[] = {
	    "git", "config", "--local", "--add", key, helper, NULL};
	const char *path = strrchr(url, '/');

	if (path == NULL || git_helper(cli, helper, sizeof(helper)) == -1)
		return -1;
	snprintf(
	    key, sizeof(key), "credential.%.*s.helper", (int)(path - url), url);
	return git_run(none, 0) == 0 && git_run(ours, 0) == 0 &&
		       git_set_trust(cli, url, (int)(path - url)) == 0
		   ? 0
		   : -1;
}

static int
remote_set(const char *name, const char *url)
{
	const char *const get[] = {"git", "remote", "get-url", name, NULL};
	const char *const add[] = {"git", "remote", "add", name, url, NULL};
	const char *const set[] = {"git", "remote", "set-url", name, url, NULL};

	return git_run(git_run(get, 1) == 0 ? set : add, 0) == 0 ? 0 : -1;
}

/* Those of git itself, less what might be taken for an option. */
static int
remote_name_valid(const char *name)
{
	static const char *const check[] = {"git", "check-ref-format", NULL};
	char ref[256];
	const char *argv[] = {check[0], check[1], ref, NULL};

	if (name[0] == '-' || (size_t)snprintf(ref, sizeof(ref),
				  "refs/remotes/%s/x", name) >= sizeof(ref))
		return 0;
	return git_run(argv, 1) == 0;
}

/*
 * "" if there is none.  Who has logged in by https pushes by https: a token
 * goes with it.
 */
static int
remote_url(struct cli *cli, const json_t *app, char url[REMOTE_URL])
{
	const char *login = http_url(cli->http), *base;
	struct cli_text text;
	json_t *health;
	int rc;

	strlcpy(url,
	    cli_text(
		app, cli_has(cli, OPT_SSH) ? "git_ssh_url" : "git_url", &text),
	    REMOTE_URL);
	if (cli_has(cli, OPT_SSH) || login == NULL ||
	    strncmp(login, "https://", 8) != 0)
		return EXIT_OK;
	rc = cli_call(cli, "GET", NULL, &health, "/health");
	if (rc != EXIT_OK)
		return rc;
	base = cli_text(health, "git_https_url", &text);
	if (*base != '\0')
		snprintf(url, REMOTE_URL, "%s/%s.git", base,
		    cli_text(app, "name", &text));
	json_decref(health);
	return EXIT_OK;
}

int
cmd_git_remote(struct cli *cli)
{
	static const char *const inside[] = {
	    "git", "rev-parse", "--git-dir", NULL};
	const char *name = cli->words.option[OPT_REMOTE];
	char url[REMOTE_URL];
	json_t *app;
	int rc, ssh;

	if (name == NULL)
		name = GIT_REMOTE;
	if ((rc = git_run(inside, 1)) == 127) {
		cli_error(cli, "git is not installed: apt-get install git");
		return EXIT_REFUSED;
	}
	if (rc != 0) {
		cli_error(cli, "this folder is in no git repository: "
			       "`git init` makes it one");
		return EXIT_REFUSED;
	}
	if (!remote_name_valid(name))
		return cli_usage(
		    cli, "--remote: '%s' is no name of a remote", name);
	rc = cli_call(cli, "GET", NULL, &app, "/apps/%s", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if ((rc = remote_url(cli, app, url)) != EXIT_OK) {
		json_decref(app);
		return rc;
	}
	ssh = cli_has(cli, OPT_SSH);
	if (ssh && *url == '\0') {
		cli_error(cli, "there is no git over SSH on this platform: "
			       "`scripts/up --ssh-port 2222` brings it");
		json_decref(app);
		return EXIT_REFUSED;
	}
	if (*url == '\0' || remote_set(name, url) == -1 ||
	    (!ssh && git_set_helper(cli, url) == -1)) {
		cli_error(cli, "the remote %s could not be set", name);
		json_decref(app);
		return EXIT_REFUSED;
	}
	if (cli->json)
		return cli_print_json(cli, app);
	out_line(&cli->out, "The remote %s is %s", name, url);
	out_line(&cli->out, "Push to it with: git push %s main", name);
	json_decref(app);
	return EXIT_OK;
}

/* ---- git:credentials ------------------------------------------------- */

/* What git asks about: gitcredentials(7). */
struct credential {
	char protocol[16];
	char host[256];
	char password[GIT_TOKEN_MAX];
};

/* "NAME=VALUE"; what does not fit is not ours anyway. */
static void
credential_set(char *out, size_t size, const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) == 0 && line[len] == '=' &&
	    strlcpy(out, line + len + 1, size) >= size)
		out[0] = '\0';
}

static void
credential_read(struct credential *c)
{
	char line[1024];

	memset(c, 0, sizeof(*c));
	while (fgets(line, sizeof(line), stdin) != NULL && line[0] != '\n') {
		line[strcspn(line, "\n")] = '\0';
		credential_set(
		    c->protocol, sizeof(c->protocol), line, "protocol");
		credential_set(c->host, sizeof(c->host), line, "host");
		credential_set(
		    c->password, sizeof(c->password), line, "password");
	}
	explicit_bzero(line, sizeof(line));
}

/*
 * Only the platform's own host gets its token, whatever a repository's config
 * says.
 */
static int
credential_is_ours(struct cli *cli, const struct credential *c)
{
	struct cli_text text;
	char url[300];
	json_t *health;
	int ours;

	if (cli_call(cli, "GET", NULL, &health, "/health") != EXIT_OK)
		return 0;
	snprintf(url, sizeof(url), "%s://%s", c->protocol, c->host);
	ours = strcmp(cli_text(health, "git_url", &text), url) == 0 ||
	       strcmp(cli_text(health, "git_https_url", &text), url) == 0;
	json_decref(health);
	return ours;
}

static int
credential_make(struct cli *cli, const char *host, char *token)
{
	const struct passwd *pw = getpwuid(getuid());
	char machine[128] = "?", note[100];
	struct cli_text text;
	json_t *body, *made;
	int rc;

	(void)gethostname(machine, sizeof(machine) - 1);
	/* with identity it may end itself: see logout */
	snprintf(note, sizeof(note), "git of %.30s on %.50s",
	    pw != NULL ? pw->pw_name : "?", machine);
	body = json_pack("{s:s, s:i, s:s}", "scope", "deploy identity",
	    "expires_in", TOKEN_LIFE, "description", note);
	rc = cli_call(cli, "POST", body, &made, "/tokens");
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	strlcpy(token, cli_text(made, "token", &text), GIT_TOKEN_MAX);
	json_decref(made);
	/* Not kept: the next push has another one made. */
	if (git_token_save(host, token, time(NULL) + TOKEN_LIFE) == -1)
		cli_error(cli, "the token can't be kept: %s", strerror(errno));
	return EXIT_OK;
}

static int
credential_get(struct cli *cli, const struct credential *c)
{
	char token[GIT_TOKEN_MAX];
	int rc = EXIT_OK;

	if (!git_host_valid(c->host) || !credential_is_ours(cli, c))
		return EXIT_OK;
	if (git_token_load(c->host, token) == -1)
		rc = credential_make(cli, c->host, token);
	if (rc == EXIT_OK)
		printf("username=paas\npassword=%s\n", token);
	explicit_bzero(token, sizeof(token));
	return rc;
}

/* git was refused with it. */
static void
credential_erase(const struct credential *c)
{
	char token[GIT_TOKEN_MAX];

	if (git_host_valid(c->host) && git_token_load(c->host, token) == 0 &&
	    (c->password[0] == '\0' || strcmp(token, c->password) == 0))
		git_token_forget(c->host);
	explicit_bzero(token, sizeof(token));
}

int
cmd_git_credentials(struct cli *cli)
{
	const char *what = cli->words.args[0];
	struct credential c;
	int rc = EXIT_OK;

	credential_read(&c);
	if (strcmp(what, "get") == 0)
		rc = credential_get(cli, &c);
	else if (strcmp(what, "erase") == 0)
		credential_erase(&c);
	explicit_bzero(&c, sizeof(c));
	return rc;
}

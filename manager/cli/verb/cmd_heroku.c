/* heroku: Heroku's own CLI, against this platform. */
#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/git.h"
#include "cli/heroku/heroku.h"
#include "cli/own.h"

#define PROGRAM     "heroku"
#define GIT_FILE    "heroku.gitconfig"
#define CLONE_FILE  "heroku-clone.gitconfig"
#define CLONE       "git:clone"
#define GIT_HOST    256
#define CANNOT_EXEC 126

/* Where git is pushed to: the CLI makes "https://HOST/APP.git" of it. */
struct git_host {
	char host[GIT_HOST];
	int https;
	const char *file; /* git's config, as the program runs it */
};

/* ---- the program -------------------------------------------------------- */

/* As a shell looks for it; -1 if there is none. */
static int
program_find(char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	size_t len;

	for (; dirs != NULL && *dirs != '\0';
	     dirs += len + (dirs[len] == ':')) {
		len = strcspn(dirs, ":");
		if (len > 0 &&
		    snprintf(path, PATH_MAX, "%.*s/%s", (int)len, dirs,
			PROGRAM) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return 0;
	}
	return -1;
}

/* Beside what the user has in there. */
static void
env_add_word(const char *name, const char *word)
{
	const char *old = getenv(name);
	char text[4096];

	if (old != NULL && *old != '\0' &&
	    snprintf(text, sizeof(text), "%s,%s", old, word) <
		(int)sizeof(text))
		word = text;
	(void)setenv(name, word, 1);
}

/*
 * The program has an address, a key and a certificate of this run; what would
 * ask or tell hosts of its maker's is turned off, or comes here as well.
 */
static int
program_env(const struct heroku *h, const struct git_host *git, pid_t proxy)
{
	char url[64], registry[80 + HEROKU_KEY], ca[64], path[PATH_MAX];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u", h->port);
	/* it asks there without a token */
	snprintf(registry, sizeof(registry), "%s/~%s", url, h->key);
	snprintf(ca, sizeof(ca), "/proc/%ld/fd/%d", (long)proxy, h->ca);
	env_add_word("NO_PROXY", "127.0.0.1");
	env_add_word("no_proxy", "127.0.0.1");
	if (own_path(path, git->file, 0) == 0)
		(void)setenv("GIT_CONFIG_GLOBAL", path, 1);
	(void)unsetenv("HEROKU_API_TOKEN");
	(void)unsetenv("HEROKU_CLOUD");
	return setenv("HEROKU_HOST", url, 1) == 0 &&
		       setenv("HEROKU_API_KEY", h->key, 1) == 0 &&
		       setenv("HEROKU_PARTICLEBOARD_URL", url, 1) == 0 &&
		       setenv("HEROKU_BUILDPACK_REGISTRY_URL", registry, 1) ==
			   0 &&
		       setenv("HEROKU_GIT_HOST", git->host, 1) == 0 &&
		       setenv("HEROKU_SKIP_ANALYTICS", "1", 1) == 0 &&
		       setenv("DISABLE_TELEMETRY", "true", 1) == 0 &&
		       setenv("HEROKU_SKIP_NEW_VERSION_CHECK", "true", 1) ==
			   0 &&
		       setenv("HEROKU_DISABLE_AUTOUPDATE", "true", 1) == 0 &&
		       setenv("NODE_EXTRA_CA_CERTS", ca, 1) == 0
		   ? 0
		   : -1;
}

static pid_t
program_start(struct heroku *h, const struct git_host *git, const char *path)
{
	const struct grammar_words *words = &h->cli->words;
	const char **argv = calloc((size_t)words->nargs + 2, sizeof(*argv));
	pid_t proxy = getpid(), pid = -1;

	if (argv != NULL && (pid = fork()) == 0) {
		argv[0] = PROGRAM;
		memcpy((void *)(argv + 1), (const void *)words->args,
		    (size_t)words->nargs * sizeof(*argv));
		sigprocmask(SIG_SETMASK, &h->mask, NULL);
		if (program_env(h, git, proxy) == 0)
			(void)execv(path, (char *const *)(uintptr_t)argv);
		cli_error(h->cli, "%s: %s", path, strerror(errno));
		_exit(CANNOT_EXEC);
	}
	free((void *)argv);
	return pid;
}

/* ---- git ---------------------------------------------------------------- */

/* 0, or the exit status of a complaint. */
static int
git_host_find(struct cli *cli, struct git_host *git)
{
	struct cli_text text;
	const char *url;
	json_t *health;
	int rc = cli_call(cli, "GET", NULL, &health, "/health");

	if (rc != EXIT_OK)
		return rc;
	url = cli_text(health, "git_https_url", &text);
	git->https = *url != '\0';
	if (!git->https)
		url = cli_text(health, "git_url", &text);
	url = strstr(url, "://");
	strlcpy(git->host, url != NULL ? url + 3 : "git.localhost",
	    sizeof(git->host));
	json_decref(health);
	if (!git_host_valid(git->host))
		strlcpy(git->host, "git.localhost", sizeof(git->host));
	return EXIT_OK;
}

static int
is_clone(const struct cli *cli)
{
	return cli->words.nargs > 0 && strcmp(cli->words.args[0], CLONE) == 0;
}

/* A text as git's config has it between quotes. */
static int
git_quote(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 3 <= size; text++) {
		if (*text == '"' || *text == '\\')
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
	return *text == '\0' ? 0 : -1;
}

/*
 * The program has git keep, for ever and for all repositories, that it knows
 * the password: without us it would give Heroku's to this platform.  So it has
 * a file of its own for that, in which it finds it done, as the last of those
 * that git asks; ours is the first.
 *
 * It knows its remotes by https alone.  Where there is none, they stay so in
 * its eyes whatever git_adopt() has written: of rules for the same text the
 * first one counts.  But what it clones comes by http.
 */
static void
git_file_write(struct cli *cli, struct git_host *git)
{
	static const char include[] =
	    "[include]\n\tpath = ~/.config/git/config\n"
	    "[include]\n\tpath = ~/.gitconfig\n";
	char helper[PATH_MAX + 1024], quoted[2 * sizeof(helper)];
	char text[sizeof(include) + 2 * sizeof(quoted) + 8 * GIT_HOST];
	const char *scheme = git->https || !is_clone(cli) ? "https" : "http";

	git->file = is_clone(cli) ? CLONE_FILE : GIT_FILE;
	if (git_helper(cli, helper, sizeof(helper)) == -1 ||
	    git_quote(quoted, sizeof(quoted), helper) == -1)
		quoted[0] = '\0';
	snprintf(text, sizeof(text),
	    "# Written by paas heroku, for git as Heroku's CLI runs it.\n"
	    "[url \"%s://%s/\"]\n\tinsteadOf = https://%s/\n%s"
	    "[credential \"http://%s\"]\n\thelper =\n\thelper = \"%s\"\n"
	    "[credential \"https://%s\"]\n\thelper =\n\thelper = \"%s\"\n"
	    "\thelper = !heroku git:credentials\n",
	    scheme, git->host, git->host, include, git->host, quoted, git->host,
	    quoted);
	(void)own_write(git->file, text);
}

/*
 * The folder that it has cloned into, if it has: the word behind the verb that
 * is no option's, or the name of the app.
 */
static const char *
clone_dir(const struct cli *cli)
{
	const struct grammar_words *words = &cli->words;
	const char *app = NULL, *dir = NULL, *word;
	int i;

	for (i = 1; i < words->nargs; i++) {
		word = words->args[i];
		if (strcmp(word, "-a") == 0 || strcmp(word, "--app") == 0)
			app = ++i < words->nargs ? words->args[i] : NULL;
		else if (strcmp(word, "-r") == 0 ||
			 strcmp(word, "--remote") == 0)
			i++;
		else if (strncmp(word, "--app=", 6) == 0)
			app = word + 6;
		else if (word[0] == '-' && word[1] == 'a')
			app = word + 2;
		else if (word[0] != '-' && dir == NULL)
			dir = word;
	}
	return dir != NULL ? dir : app;
}

/*
 * A remote that it has made in the repository here is one that git knows the
 * way to, and the password of.
 */
static void
git_adopt(struct cli *cli, const struct git_host *git)
{
	char value[GIT_HOST + 16], url[GIT_HOST + 16], key[GIT_HOST + 64];
	const char *const has[] = {"git", "config", "--local", "--get-regexp",
	    "^remote\\..*\\.url$", value, NULL};
	const char *const done[] = {
	    "git", "config", "--local", "--get-all", key, NULL};
	const char *const instead[] = {
	    "git", "config", "--local", key, value + 1, NULL};

	snprintf(value, sizeof(value), "^https://%s/", git->host);
	snprintf(
	    url, sizeof(url), "http%s://%s/", git->https ? "s" : "", git->host);
	snprintf(key, sizeof(key), "credential.%.*s.helper",
	    (int)strlen(url) - 1, url);
	if (git_run(has, 1) != 0 || git_run(done, 1) == 0)
		return;
	if (git_set_helper(cli, url) == -1) {
		cli_error(cli, "git push will ask for a password: "
			       "git's config could not be changed");
		return;
	}
	if (git->https)
		return;
	snprintf(key, sizeof(key), "url.%s.insteadOf", url);
	(void)git_run(instead, 0);
}

/* ---- the verb ------------------------------------------------------------ */

static int
key_make(struct heroku *h)
{
	unsigned char bytes[HEROKU_KEY_BYTES];

	if (sodium_init() == -1)
		return -1;
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(h->key, sizeof(h->key), bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

int
cmd_heroku(struct cli *cli)
{
	char path[PATH_MAX], why[PAAS_ERRLEN] = "no random numbers";
	struct heroku h = {.cli = cli};
	struct git_host git;
	pid_t program;
	int rc;

	if (program_find(path) == -1) {
		cli_error(cli,
		    "there is no program heroku in PATH. Node.js 20 or newer "
		    "installs it: npm install -g heroku");
		return EXIT_REFUSED;
	}
	if ((rc = git_host_find(cli, &git)) != EXIT_OK)
		return rc;
	git_file_write(cli, &git);
	if (key_make(&h) == -1 || heroku_tls_make(&h, why) == -1 ||
	    heroku_proxy_open(&h, why) == -1) {
		cli_error(cli, "%s", why);
		return EXIT_REFUSED;
	}
	fflush(cli->out.file);
	if ((program = program_start(&h, &git, path)) == -1) {
		cli_error(
		    cli, "no process could be started: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	rc = heroku_proxy_run(&h, program);
	/* this process ends where it is */
	if (!is_clone(cli) ||
	    (clone_dir(cli) != NULL && chdir(clone_dir(cli)) == 0))
		git_adopt(cli, &git);
	return rc;
}

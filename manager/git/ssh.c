#include "git/ssh.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/http.h"
#include "common/places.h"

#define BWRAP   "/usr/bin/bwrap"
#define ENV_MAX 16

static int
fail(const char *text)
{
	fprintf(stderr, "%s\n", text);
	return 1;
}

/* One answer of the manager's, as JSON; NULL with a sentence in err. */
static json_t *
ask(const struct conf *conf, const char *socket, const char *path,
    const char *token, char *err)
{
	struct http_call call = {.method = "GET", .path = path, .token = token};
	struct http_answer answer;
	char name[sizeof(conf->run_dir) + 32];
	enum http_result result;
	struct http *http;

	snprintf(name, sizeof(name), "%s/%s", conf->run_dir, socket);
	if ((http = http_open(name)) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	result = http_do(http, &call, &answer);
	http_close(http);
	if (result == HTTP_OK && answer.json != NULL)
		return answer.json;
	json_decref(answer.json);
	snprintf(err, PAAS_ERRLEN, "%s",
	    result == HTTP_REFUSED ? answer.err
				   : "The platform's manager does not answer: "
				     "try again in a moment.");
	return NULL;
}

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* ---- who may come in --------------------------------------------------- */

/* Nothing for a key that is not known: sshd refuses it. */
static int
show_key(const char *conf_path, const char *fingerprint)
{
	char err[PAAS_ERRLEN], path[HTTP_PATH_MAX];
	struct conf conf;
	json_t *key;

	if (conf_load(&conf, conf_path, err) == -1)
		return fail(err);
	if (http_path(path, "/account/keys/%s/login", fingerprint) == -1)
		return fail("That is no fingerprint of a key.");
	if ((key = ask(&conf, PLACE_MANAGER_SOCK, path, NULL, err)) == NULL)
		return fail(err);
	printf("restrict,command=\"%s\",environment=\"" SSH_TOKEN "=%s\" %s\n",
	    conf_path, text_of(key, "token"), text_of(key, "public_key"));
	json_decref(key);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* ---- a session --------------------------------------------------------- */

struct session {
	struct conf conf;
	struct ssh_command command;
	char *environment[ENV_MAX];
	size_t n;
};

static void
set(struct session *s, const char *name, const char *value)
{
	if (s->n + 1 < ENV_MAX && value != NULL &&
	    asprintf(&s->environment[s->n], "%s=%s", name, value) != -1)
		s->n++;
}

/* All that paas-git gets: it looks at each word once more. */
static void
fill_environment(
    struct session *s, const char *conf_path, const json_t *granted)
{
	char address[64] = "";
	const char *from = getenv("SSH_CONNECTION");

	if (from != NULL)
		snprintf(address, sizeof(address), "%.*s",
		    (int)strcspn(from, " "), from);
	set(s, "PATH", "/usr/bin:/bin");
	set(s, "REQUEST_METHOD", SERVE_SSH);
	set(s, "REMOTE_ADDR", address);
	set(s, "GIT_PROTOCOL", getenv("GIT_PROTOCOL"));
	set(s, SERVE_CONF, conf_path);
	set(s, SERVE_APP, s->command.app);
	set(s, SERVE_SERVICE, s->command.service);
	set(s, SERVE_REPOSITORY, text_of(granted, "repository"));
	set(s, SERVE_USER, text_of(granted, "user"));
	set(s, SERVE_TOKEN, text_of(granted, "token"));
}

/*
 * As the service of git over HTTP is: the machine read-only, no network, what
 * belongs to git, and processes that end with this one.
 */
static int
run_git(struct session *s)
{
	char program[PATH_MAX], state[512], run[512];
	const char *const argv[] = {"bwrap", "--die-with-parent",
	    "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
	    "--new-session", "--ro-bind", "/", "/", "--dev", "/dev", "--proc",
	    "/proc", "--tmpfs", "/tmp", "--bind", state, state, "--bind", run,
	    run, "--", program, NULL};

	snprintf(program, sizeof(program), "%s/paas-git", s->conf.libexec_dir);
	snprintf(state, sizeof(state), "%s/" PLACE_GIT, s->conf.state_dir);
	snprintf(run, sizeof(run), "%s/git", s->conf.run_dir);
	(void)execve(BWRAP, (char *const *)(uintptr_t)argv, s->environment);
	return fail(strerror(errno));
}

static int
serve_session(const char *conf_path)
{
	char err[PAAS_ERRLEN], path[HTTP_PATH_MAX];
	struct session s;
	json_t *granted;

	memset(&s, 0, sizeof(s));
	if (conf_load(&s.conf, conf_path, err) == -1 ||
	    ssh_read_command(&s.command, getenv("SSH_ORIGINAL_COMMAND"), err) ==
		-1)
		return fail(err);
	if (http_path(path, "/git/%s/%s", s.command.app,
		s.command.push ? "push" : "fetch") == -1)
		return fail("The name is too long.");
	granted = ask(&s.conf, PLACE_API_SOCK, path, getenv(SSH_TOKEN), err);
	if (granted == NULL)
		return fail(err);
	fill_environment(&s, conf_path, granted);
	json_decref(granted);
	return run_git(&s);
}

int
main(int argc, char **argv)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 1;
	if (argc == 4 && strcmp(argv[1], "--keys") == 0)
		return show_key(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "-c") == 0)
		return serve_session(argv[2]);
	return fail("This is for git alone: it works for paas's sshd.");
}

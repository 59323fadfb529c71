/*
 * One request sends the tree and brings the build's output, the roll-out and
 * the result.  If the manager ends in the middle of it, its next life goes on
 * with the build: then the rest is asked for, in several requests.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/http.h"
#include "cli/lines.h"
#include "common/places.h"
#include "git/hook.h"

#define TAR "application/x-tar"

/* How often, and how long, a manager that does not answer is asked again. */
#define AGAIN_MS  250
#define AGAIN_MAX (60 * 1000 / AGAIN_MS)

/* How often another build is waited for. */
#define BUSY_MAX (5 * 1000 / AGAIN_MS)

struct push {
	struct hook *hook;
	struct http *http;
	int archive; /* git archive's output */
	pid_t git;
	int busy;  /* it may be tried again if another build runs */
	int whole; /* all of it was read, and git had no complaint */
	struct lines lines;
	size_t seen;  /* lines */
	size_t skip;  /* of a log that was seen in part */
	json_t *last; /* the line before, if it was JSON */
	char *last_text;
	char said[PAAS_ERRLEN]; /* the line before that, or its beginning */
};

static void
pause_a_moment(void)
{
	static const struct timespec moment = {0, AGAIN_MS * 1000000L};

	(void)nanosleep(&moment, NULL);
}

/* ---- sent ------------------------------------------------------------ */

static ssize_t
push_source(char *buf, size_t len, void *arg)
{
	struct push *push = arg;
	ssize_t n;

	while ((n = read(push->archive, buf, len)) == -1 && errno == EINTR)
		;
	if (n != 0)
		return n;
	if (push->git != 0)
		push->whole = hook_archive_end(push->git) == 0;
	push->git = 0;
	return push->whole ? 0 : -1;
}

/* ---- received -------------------------------------------------------- */

/* A line of JSON is held back: if no other line follows, it is the result. */
static void
push_say_held(struct push *push)
{
	if (push->last == NULL)
		return;
	hook_say(push->last_text, strlen(push->last_text));
	json_decref(push->last);
	free(push->last_text);
	push->last = NULL;
	push->last_text = NULL;
}

static int
push_line(const char *text, size_t len, void *arg)
{
	struct push *push = arg;

	if (push->seen++ < push->skip)
		return 0;
	push_say_held(push);
	if (len > 0 && text[0] == '{') {
		push->last = json_loadb(text, len, 0, NULL);
		push->last_text = strndup(text, len);
		if (push->last != NULL && push->last_text != NULL)
			return 0;
		json_decref(push->last);
		free(push->last_text);
		push->last = NULL;
		push->last_text = NULL;
	}
	snprintf(push->said, sizeof(push->said), "%.*s", (int)len, text);
	hook_say(text, len);
	return 0;
}

static int
push_sink(const char *data, size_t len, void *arg)
{
	return lines_feed(&((struct push *)arg)->lines, data, len);
}

/* ---- the end --------------------------------------------------------- */

/* A build's own last line may have said it: then once is enough. */
static int
push_refused(struct push *push, const char *message)
{
	size_t prefix = strspn(push->said, " !");

	if (message == NULL || message[0] == '\0')
		message = "The build failed and did not say why.";
	if (strncmp(push->said + prefix, message, strlen(message)) != 0)
		hook_complain("%s", message);
	return 1;
}

/* NULL: nobody answers, or it can't be had. */
static json_t *
push_get(struct push *push, const char *path)
{
	struct http_answer answer;
	struct http_call call = {
	    .method = "GET", .path = path, .token = push->hook->token};

	return http_do(push->http, &call, &answer) == HTTP_OK ? answer.json
							      : NULL;
}

static int
push_deployed(struct push *push, json_int_t version)
{
	char line[512], path[HTTP_PATH_MAX];
	const char *url;
	json_t *app;

	(void)http_path(path, "/apps/%s", push->hook->app);
	app = push_get(push, path);
	url = json_string_value(json_object_get(app, "web_url"));
	snprintf(line, sizeof(line), "       %s deployed to paas, v%lld",
	    url != NULL ? url : push->hook->app, (long long)version);
	hook_say("", 0);
	hook_say(line, strlen(line));
	hook_say("", 0);
	json_decref(app);
	return 0;
}

static json_int_t
release_version(const json_t *build)
{
	return json_integer_value(
	    json_object_get(json_object_get(build, "release"), "version"));
}

/* ---- after a manager that ended -------------------------------------- */

/* What of the log was not shown yet; it ends with the build. */
static void
push_follow(struct push *push, const char *build)
{
	char path[HTTP_PATH_MAX];
	struct http_answer answer;
	struct http_call call = {.method = "GET",
	    .path = path,
	    .sink = push_sink,
	    .arg = push,
	    .token = push->hook->token};

	push->skip = push->seen;
	push->seen = 0;
	if (http_path(path, "/apps/%s/builds/%s/log", push->hook->app, build) ==
	    -1)
		return;
	(void)http_do(push->http, &call, &answer);
	json_decref(answer.json);
	(void)lines_end(&push->lines);
	push_say_held(push);
	if (push->seen < push->skip)
		push->seen = push->skip;
}

/* Its status, once the roll-out is over; "" if nobody knows. */
static void
push_wait_release(
    struct push *push, json_int_t version, char *status, size_t len)
{
	char number[32], path[HTTP_PATH_MAX];
	json_t *release;
	int tries = 0;

	snprintf(number, sizeof(number), "%lld", (long long)version);
	(void)http_path(path, "/apps/%s/releases/%s", push->hook->app, number);
	status[0] = '\0';
	while (tries < AGAIN_MAX) {
		release = push_get(push, path);
		tries = release == NULL ? tries + 1 : 0;
		snprintf(status, len, "%s",
		    release != NULL
			? json_string_value(json_object_get(release, "status"))
			: "");
		json_decref(release);
		if (status[0] != '\0' && strcmp(status, "pending") != 0)
			return;
		pause_a_moment();
	}
}

static int
push_finish(struct push *push, const json_t *build)
{
	json_int_t version = release_version(build);
	char status[32];

	if (version == 0)
		return push_refused(
		    push, "The build has no release: push again.");
	push_wait_release(push, version, status, sizeof(status));
	if (strcmp(status, "succeeded") == 0)
		return push_deployed(push, version);
	hook_complain("v%lld did not get ready, and the release before it goes "
		      "on: paas timeline -a %s says why.",
	    (long long)version, push->hook->app);
	return 1;
}

/* The record of a build tells more than a connection that broke off. */
static int
push_resume(struct push *push, const char *id)
{
	char path[HTTP_PATH_MAX];
	const char *status;
	json_t *build;
	int rc, tries;

	(void)http_path(path, "/apps/%s/builds/%s", push->hook->app, id);
	push_say_held(push);
	for (tries = 0; tries < AGAIN_MAX; tries++) {
		if ((build = push_get(push, path)) == NULL) {
			pause_a_moment();
			continue;
		}
		tries = 0;
		status = json_string_value(json_object_get(build, "status"));
		if (status == NULL || strcmp(status, "pending") == 0) {
			json_decref(build);
			push_follow(push, id);
			pause_a_moment();
			continue;
		}
		push_follow(push, id);
		if (strcmp(status, "succeeded") == 0)
			rc = push_finish(push, build);
		else
			rc = push_refused(push,
			    json_string_value(json_object_get(build, "error")));
		json_decref(build);
		return rc;
	}
	hook_complain("The platform's manager has not answered for a minute. "
		      "The build may go on without you: push again later.");
	return 1;
}

/* ---- from the beginning ----------------------------------------------- */

/* The exit status; -1: try again, another build is about to end. */
static int
push_result(struct push *push, enum http_result result,
    const struct http_answer *answer)
{
	json_t *build;

	if (push->last != NULL && result == HTTP_OK) {
		build = json_object_get(push->last, "build");
		if (build != NULL)
			return push_deployed(push, release_version(build));
		return push_refused(push,
		    json_string_value(json_object_get(push->last, "message")));
	}
	if (result == HTTP_REFUSED && push->busy &&
	    strcmp(answer->id, "build_running") == 0)
		return -1;
	if (result == HTTP_REFUSED)
		return push_refused(push, answer->err);
	if (answer->header[0] != '\0')
		return push_resume(push, answer->header);
	if (!push->whole)
		return push_refused(push,
		    "The pushed commit could not be read as a "
		    "whole: git fsck in your repository tells "
		    "what is missing.");
	return push_refused(push,
	    "The platform's manager does not answer: nothing "
	    "was built. Push again in a moment.");
}

static int
push_run(struct push *push)
{
	char path[HTTP_PATH_MAX];
	struct http_answer answer;
	struct http_call call = {.method = "POST",
	    .path = path,
	    .source = push_source,
	    .source_type = TAR,
	    .sink = push_sink,
	    .arg = push,
	    .token = push->hook->token,
	    .header = "Build-Id:"};
	enum http_result result;
	int rc;

	if (http_path(path, "/apps/%s/builds?commit=%s", push->hook->app,
		push->hook->ref.to) == -1)
		return push_refused(push, "The app's name is too long.");
	result = http_do(push->http, &call, &answer);
	(void)lines_end(&push->lines);
	rc = push_result(push, result, &answer);
	json_decref(answer.json);
	json_decref(push->last);
	free(push->last_text);
	return rc;
}

/*
 * No push by git is under way beside this one: the turn is ours.  So another
 * build is one of paas push, or ends at this moment, with a push that was
 * broken off; for that it waits.
 */
static int
push_try(struct push *push)
{
	int rc, tries = 0;

	do {
		if (tries > 0)
			pause_a_moment();
		push->archive = hook_archive(push->hook->ref.to, &push->git);
		if (push->archive == -1)
			return push_refused(
			    push, "Out of processes or memory: push again.");
		push->whole = 0;
		push->busy = tries++ < BUSY_MAX;
		rc = push_run(push);
		(void)close(push->archive);
		if (push->git != 0)
			(void)hook_archive_end(push->git);
	} while (rc == -1);
	return rc;
}

int
hook_build(struct hook *hook)
{
	struct push push = {.hook = hook, .lines = {.line = push_line}};
	char path[300];
	int rc;

	push.lines.arg = &push;
	snprintf(path, sizeof(path), "%s/" PLACE_API_SOCK, hook->conf.run_dir);
	if ((push.http = http_open(path)) == NULL)
		return push_refused(&push, "Out of memory: push again.");
	rc = push_try(&push);
	http_close(push.http);
	return rc;
}

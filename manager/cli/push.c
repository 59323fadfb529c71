#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lines.h"
#include "cli/progress.h"
#include "cli/push.h"

#define PUSH_TYPE "application/x-tar"

struct push {
	struct cli *cli;
	struct out *out; /* the build's output: stderr with --json */
	struct tar *tar;
	struct progress progress;
	unsigned long long sent;
	int uploaded;
	struct lines lines;
	json_t *last; /* the line before, if it was JSON */
	char *last_text;
};

/*
 * The handler can reach nothing but a variable of the program; it is set by
 * Ctrl-C and read between two turns of the transfer.
 */
static volatile sig_atomic_t push_stop;

static void
push_on_signal(int signo)
{
	(void)signo;
	push_stop = 1;
}

static void
push_watch_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = push_on_signal;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

static ssize_t
push_source(char *buf, size_t len, void *arg)
{
	struct push *push = arg;
	ssize_t n = tar_read(push->tar, buf, len);

	if (n > 0)
		push->sent += (unsigned long long)n;
	push->uploaded = n == 0;
	progress_update(
	    &push->progress, tar_done(push->tar)->bytes, push->sent);
	return n;
}

/* A line of JSON is held back: if no other line follows, it is the result. */
static void
push_print_held(struct push *push)
{
	if (push->last == NULL)
		return;
	out_log(push->out, push->last_text, strlen(push->last_text));
	json_decref(push->last);
	free(push->last_text);
	push->last = NULL;
	push->last_text = NULL;
}

static int
push_line(const char *text, size_t len, void *arg)
{
	struct push *push = arg;

	push_print_held(push);
	if (len > 0 && text[0] == '{') {
		push->last = json_loadb(text, len, 0, NULL);
		push->last_text = strndup(text, len);
		if (push->last != NULL && push->last_text != NULL)
			return 0;
		json_decref(push->last);
		free(push->last_text);
		push->last = NULL;
	}
	out_log(push->out, text, len);
	return 0;
}

static int
push_sink(const char *data, size_t len, void *arg)
{
	struct push *push = arg;
	int rc;

	progress_end(&push->progress);
	rc = lines_feed(&push->lines, data, len);
	fflush(push->out->file);
	return rc;
}

/* After Ctrl-C: what goes on without us. */
static int
push_interrupted(struct push *push)
{
	struct cli *cli = push->cli;

	if (!push->uploaded)
		cli_error(cli,
		    "interrupted while uploading: nothing is built, "
		    "%s stays as it is",
		    cli->app);
	else
		cli_error(cli,
		    "interrupted: the upload was complete and the "
		    "build goes on; see `paas builds -a %s`",
		    cli->app);
	return EXIT_STOPPED;
}

static int
push_finish(struct push *push, enum http_result result,
    const struct http_answer *answer, json_t **out)
{
	struct cli *cli = push->cli;
	const char *message = NULL;

	progress_end(&push->progress);
	lines_end(&push->lines);
	if (result == HTTP_STOPPED && push_stop)
		return push_interrupted(push);
	if (result == HTTP_STOPPED) {
		cli_error(cli, "%s; nothing is built, %s stays as it is",
		    tar_error(push->tar), cli->app);
		return EXIT_REFUSED;
	}
	if (result == HTTP_OK && answer->json != NULL) {
		*out = answer->json;
		return EXIT_OK;
	}
	if (push->last == NULL || result == HTTP_REFUSED ||
	    result == HTTP_UNREACHABLE) {
		push_print_held(push);
		if (result != HTTP_OK)
			return cli_failed(cli, result, answer);
		cli_error(cli,
		    "the answer ended before the build did; see "
		    "`paas builds -a %s`",
		    cli->app);
		return EXIT_REFUSED;
	}
	*out = push->last;
	push->last = NULL;
	free(push->last_text);
	if (json_object_get(*out, "build") != NULL)
		return EXIT_OK;
	json_unpack(*out, "{s?s}", "message", &message);
	cli_error(cli, "%s",
	    message != NULL ? message : "the build failed and did not say why");
	return EXIT_REFUSED;
}

int
push_send(struct cli *cli, const char *folder, const struct tar_count *count,
    json_t **out)
{
	struct push push = {.cli = cli, .lines = {.line = push_line}};
	char path[HTTP_PATH_MAX], why[PAAS_ERRLEN];
	struct http_call call = {.method = "POST",
	    .path = path,
	    .source = push_source,
	    .source_type = PUSH_TYPE,
	    .sink = push_sink,
	    .arg = &push,
	    .stop = &push_stop};
	struct http_answer answer;
	enum http_result result;
	int rc;

	*out = NULL;
	push.lines.arg = &push;
	push.out = cli->json ? &cli->err : &cli->out;
	push.tar = tar_open(folder, why);
	if (push.tar == NULL) {
		cli_error(cli, "%s", why);
		return EXIT_REFUSED;
	}
	if (cli_has(cli, OPT_DETACH)) {
		http_path(path, "/apps/%s/builds?detach=1", cli->app);
		call.sink = NULL; /* the build as JSON, nothing to show */
	} else
		http_path(path, "/apps/%s/builds", cli->app);
	push_watch_signals();
	progress_start(&push.progress, &cli->err, count->bytes);
	result = http_do(cli->http, &call, &answer);
	rc = push_finish(&push, result, &answer, out);
	tar_close(push.tar);
	return rc;
}

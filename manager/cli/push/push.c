#include <bsd/string.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lines.h"
#include "cli/push/progress.h"
#include "cli/push/push.h"
#include "cli/push/resources.h"
#include "cli/push/walk.h"
#include "common/push.h"

/*
 * What a folder has at least to be pushed with a list: below, a question and
 * the way over the platform's store cost more than they save.
 */
#define PUSH_LIST_BYTES (256 * 1024)

/* Not an exit status: a file was counted on that is not there. */
#define PUSH_MISSING (-1)

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
	const char *id = NULL, *message = NULL;

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
		if (result == HTTP_BROKEN) {
			cli_error(cli,
			    "%s; whether the build goes on, `paas builds:info "
			    "-a %s` tells",
			    answer->err, cli->app);
			return EXIT_REFUSED;
		}
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
	json_unpack(*out, "{s?s, s?s}", "message", &message, "id", &id);
	if (id != NULL && strcmp(id, "resources_missing") == 0) {
		json_decref(*out);
		*out = NULL;
		return PUSH_MISSING;
	}
	cli_error(cli, "%s",
	    message != NULL ? message : "the build failed and did not say why");
	return EXIT_REFUSED;
}

static void
push_path(const struct cli *cli, int image, char path[HTTP_PATH_MAX])
{
	http_path(path, "/apps/%s/builds", cli->app);
	if (cli_has(cli, OPT_DETACH))
		strlcat(path, "?detach=1", HTTP_PATH_MAX);
	if (cli->settings[0] != '\0') {
		strlcat(
		    path, strchr(path, '?') != NULL ? "&" : "?", HTTP_PATH_MAX);
		strlcat(path, "settings=", HTTP_PATH_MAX);
		strlcat(path, cli->settings, HTTP_PATH_MAX);
	}
	if (image)
		strlcat(path,
		    strchr(path, '?') != NULL ? "&image=1" : "?image=1",
		    HTTP_PATH_MAX);
}

/* Takes tar, NULL with a sentence in why; total is of the bytes to be read. */
static int
push_body(struct cli *cli, int image, struct tar *tar, const char *type,
    unsigned long long total, const char *why, json_t **out)
{
	struct push push = {
	    .cli = cli, .tar = tar, .lines = {.line = push_line}};
	char path[HTTP_PATH_MAX];
	struct http_call call = {.method = "POST",
	    .path = path,
	    .source = push_source,
	    .source_type = type,
	    .sink = push_sink,
	    .arg = &push,
	    .stop = &push_stop};
	struct http_answer answer;
	enum http_result result;
	int rc;

	if (tar == NULL) {
		cli_error(cli, "%s", why);
		return EXIT_REFUSED;
	}
	push.lines.arg = &push;
	push.out = cli->json ? &cli->err : &cli->out;
	push_path(cli, image, path);
	if (cli_has(cli, OPT_DETACH))
		call.sink = NULL; /* the build as JSON, nothing to show */
	progress_start(&push.progress, &cli->err, "Uploading", total);
	result = http_do(cli->http, &call, &answer);
	rc = push_finish(&push, result, &answer, out);
	tar_close(tar);
	return rc;
}

static void
push_say_fresh(struct cli *cli, const struct resources_count *count)
{
	char size[32];

	out_bytes(size, sizeof(size), count->bytes);
	out_line(cli->json ? &cli->err : &cli->out,
	    "       %llu of %llu files are new to the platform: %s",
	    count->fresh, count->files, size);
}

static int
push_once(struct cli *cli, int image, struct resources *resources, json_t **out)
{
	struct resources_count count;
	char why[PAAS_ERRLEN];

	resources_measure(resources, &count);
	if (count.fresh < count.files)
		push_say_fresh(cli, &count);
	return push_body(cli, image, resources_tar(resources, why), PUSH_TYPE,
	    count.bytes, why, out);
}

static int
push_with_list(struct cli *cli, const struct push_what *what, int flags,
    const struct tar_count *count, json_t **out)
{
	struct resources *resources;
	struct progress progress;
	char why[PAAS_ERRLEN];
	int rc;

	progress_start(&progress, &cli->err, "Reading", count->bytes);
	resources =
	    resources_read(what->path, flags, &progress, &push_stop, why);
	progress_end(&progress);
	if (resources == NULL) {
		cli_error(cli, "%s: nothing is built, %s stays as it is", why,
		    cli->app);
		return push_stop ? EXIT_STOPPED : EXIT_REFUSED;
	}
	if ((rc = resources_ask(cli, resources)) == EXIT_OK)
		rc = push_once(cli, what->image, resources, out);
	if (rc == PUSH_MISSING) {
		/* The build's cache has lost what it had of the last push. */
		resources_forget(resources);
		rc = push_once(cli, what->image, resources, out);
	}
	resources_free(resources);
	return rc == PUSH_MISSING ? EXIT_REFUSED : rc;
}

int
push_send(struct cli *cli, const struct push_what *what,
    const struct tar_count *count, json_t **out)
{
	const int flags = what->image ? WALK_WHOLE : 0;
	struct tar *tar;
	char why[PAAS_ERRLEN];

	*out = NULL;
	push_watch_signals();
	if (!what->archive && count->bytes >= PUSH_LIST_BYTES)
		return push_with_list(cli, what, flags, count, out);
	tar = what->archive ? tar_open_file(what->path, why)
			    : tar_open(what->path, flags, why);
	return push_body(
	    cli, what->image, tar, "application/x-tar", count->bytes, why, out);
}

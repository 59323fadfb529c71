/*
 * GET /apps/APP/builds/ID/result: how a build ended and what it printed, whole,
 * in the shape of Heroku's build-result.  Of one that goes on there is no line
 * yet: output_stream_url has them as they come.
 */
#include <stdlib.h>
#include <string.h>

#include "api/deploy/build_find.h"
#include "api/deploy/build_stream.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "build/build.h"

/* The last ones: a million empty lines would take half a GiB as JSON. */
#define RESULT_BYTES (1024 * 1024)
#define RESULT_LINES 20000

struct result {
	struct request *request;
	struct build_follow *follow;
	size_t bytes;
	size_t first, count; /* of lines, which is a ring */
	json_t *lines[RESULT_LINES];
};

/* Programs print what they like, and JSON is UTF-8. */
static json_t *
result_text(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	json_t *line;

	if (copy == NULL)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\n';
	if ((line = json_stringn(copy, len + 1)) == NULL) {
		for (size_t i = 0; i < len; i++)
			if ((copy[i] & 0x80) != 0)
				copy[i] = '?';
		line = json_stringn(copy, len + 1);
	}
	free(copy);
	return line;
}

/* The oldest of them, which is the caller's. */
static json_t *
result_shift(struct result *result)
{
	json_t *line = result->lines[result->first];

	result->first = (result->first + 1) % RESULT_LINES;
	result->count--;
	result->bytes -= json_string_length(line);
	return line;
}

static int
result_line(const char *text, size_t len, void *arg)
{
	struct result *result = arg;
	json_t *line = result_text(text, len);

	if (line == NULL)
		return 0;
	if (result->count == RESULT_LINES)
		json_decref(result_shift(result));
	result->lines[(result->first + result->count++) % RESULT_LINES] = line;
	result->bytes += json_string_length(line);
	while (result->bytes > RESULT_BYTES)
		json_decref(result_shift(result));
	return 0;
}

static json_t *
result_lines(struct result *result)
{
	json_t *lines = json_array();

	while (result->count > 0)
		json_array_append_new(
		    lines, json_pack("{s:s, s:o}", "stream", "STDOUT", "line",
			       result_shift(result)));
	return lines;
}

static void
result_answer(struct result *result, json_t *build)
{
	struct request *r = result->request;
	const char *state = model_text(build, "state");
	int over = model_build_is_over(build);
	json_t *code =
	    over ? json_integer(strcmp(state, "succeeded") != 0) : json_null();

	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:{s:s, s:s, s:o}, s:o, s:o}", "build", "id",
		model_text(build, "id"), "status", over ? state : "pending",
		"output_stream_url", build_stream_url(r, r->app, build),
		"exit_code", code, "lines", result_lines(result)));
}

static void
result_free(void *arg)
{
	struct result *result = arg;

	while (result->count > 0)
		json_decref(result_shift(result));
	free(result);
}

static void
result_done(json_t *build, void *arg)
{
	struct result *result = arg;
	struct request *r = result->request;

	result->follow = NULL;
	if (request_gone(r))
		;
	else if (build == NULL)
		respond_missing(r, "the app was destroyed meanwhile");
	else
		result_answer(result, build);
	request_release(r);
}

void
build_result(struct request *r)
{
	struct result *result;
	json_t *build;
	uint64_t id;

	if ((build = build_find(r, &id)) == NULL)
		return;
	if ((result = calloc(1, sizeof(*result))) == NULL) {
		json_decref(build);
		respond_broken(r, "out of memory");
		return;
	}
	result->request = r;
	r->state = result;
	r->state_free = result_free;
	if (!model_build_is_over(build))
		result_answer(result, build);
	else if ((result->follow = build_follow(r->api->build, r->name, id,
		      result_line, result_done, result)) != NULL)
		(void)request_hold(r);
	else
		respond_missing(r, "the app was destroyed meanwhile");
	json_decref(build);
}

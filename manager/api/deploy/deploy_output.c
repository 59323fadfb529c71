#include "api/deploy/deploy_output.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/server.h"
#include "common/places.h"
#include "node/logfile.h"
#include "node/node.h"

/* Of what the file has when the process ends. */
#define REST_LINES 5000
#define REST_BYTES (1024 * 1024)

struct deploy_output {
	struct api *api;
	uint64_t app, id;
	deploy_output_cb cb;
	void *arg;
	struct logfile *file;
	unsigned int told; /* lines */
	unsigned int skip; /* of the rest: they were told */
};

static int
output_line(const struct logfile_line *line, void *arg)
{
	struct deploy_output *out = arg;

	out->told++;
	return out->cb(line->text, line->len, out->arg);
}

struct deploy_output *
deploy_output_open(
    struct api *api, uint64_t app, uint64_t id, deploy_output_cb cb, void *arg)
{
	struct deploy_output *out = calloc(1, sizeof(*out));

	if (out == NULL)
		return NULL;
	out->api = api;
	out->app = app;
	out->id = id;
	out->cb = cb;
	out->arg = arg;
	out->file = logfile_follow(
	    node_logs(api->node), app, id, NULL, output_line, out);
	return out;
}

void
deploy_output_resume(struct deploy_output *out)
{
	if (out != NULL && out->file != NULL)
		logfile_resume(out->file);
}

static int
rest_line(const struct logfile_line *line, void *arg)
{
	struct deploy_output *out = arg;

	if (out->skip > 0)
		out->skip--;
	else
		(void)output_line(line, out);
	return 0;
}

/* The follower hears of the last lines later than we do of the end. */
void
deploy_output_finish(struct deploy_output *out)
{
	char dir[300];

	if (out->file == NULL)
		return;
	logfile_close(out->file);
	out->file = NULL;
	out->skip = out->told;
	snprintf(dir, sizeof(dir), "%s/" PLACE_LOG, out->api->conf->state_dir);
	(void)logfile_tail(dir, out->app, out->id, REST_LINES, REST_BYTES, NULL,
	    rest_line, out);
}

void
deploy_output_close(struct deploy_output *out)
{
	if (out == NULL)
		return;
	if (out->file != NULL)
		logfile_close(out->file);
	free(out);
}

/*
 * out/result.json: what paas-inspect reads once this sandbox is gone.
 */
#include "sandbox/build.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static json_t *
result_json(const char *buildpack, const struct types *types, json_t *settings,
    json_t *config, json_t *image)
{
	json_t *result = json_object(), *map = json_object();

	for (size_t i = 0; i < types->n; i++)
		json_object_set_new(
		    map, types->v[i].name, json_string(types->v[i].command));
	json_object_set_new(result, "buildpack", json_string(buildpack));
	json_object_set_new(result, "types", map);
	if (settings != NULL)
		json_object_set(result, "settings", settings);
	if (json_object_size(config) > 0)
		json_object_set(result, "config", config);
	if (image != NULL)
		json_object_set(result, "image", image);
	return result;
}

/* Takes the result. */
static int
result_put(const char *out, json_t *result, char err[SANDBOX_ERRLEN])
{
	char path[512];
	int fd, status = -1;

	snprintf(path, sizeof(path), "%s/result.json", out);
	/* A pack that has put something there before must not lead us away. */
	unlink(path);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd != -1) {
		status = json_dumpfd(result, fd, JSON_COMPACT);
		if (close(fd) == -1)
			status = -1;
	}
	if (status == -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The result can't be written to %.300s: %s. The disk may be "
		    "full.",
		    path, strerror(errno));
	json_decref(result);
	return status;
}

int
result_write(const char *out, const char *buildpack, const struct types *types,
    json_t *settings, json_t *config, char err[SANDBOX_ERRLEN])
{
	return result_put(
	    out, result_json(buildpack, types, settings, config, NULL), err);
}

int
result_write_image(const char *out, const struct types *types, json_t *image,
    char err[SANDBOX_ERRLEN])
{
	return result_put(
	    out, result_json("OCI image", types, NULL, NULL, image), err);
}

/*
 * Where the output of a build is to be had without a token: by a path that is
 * signed, good for this build alone, and for a day.
 */
#ifndef PAAS_API_BUILD_STREAM_H
#define PAAS_API_BUILD_STREAM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct request;

/*
 * The URL of a build of this app's, at the host that the request was made to,
 * as Heroku has it in output_stream_url.
 */
json_t *build_stream_url(const struct request *, json_t *app, json_t *build);

/* By a text that we signed.  0, or -1: there is no such output, or not now. */
int build_stream_open(struct request *, const char *text, size_t len);

/* Answers with the output from its first line on, as it comes, to its end. */
void build_log_open(struct request *, const char *app, uint64_t id);

#endif

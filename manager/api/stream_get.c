/*
 * GET /streams/TEXT_MAC: what a URL that was given out stands for.  PUT: a
 * source for what one stands for (deploy/source_put.c).
 */
#include <string.h>

#include "api/deploy/build_stream.h"
#include "api/deploy/source.h"
#include "api/log/log_session.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/signed_url.h"
#include "api/verbs.h"

static const struct {
	const char *prefix;
	int (*open)(struct request *, const char *text, size_t len);
	const char *gone;
} streams[] = {
    {"stream_", build_stream_open,
	"there is no such output, or not any more: ask for its build again"},
    {"log_", log_session_open,
	"there is no such log session, or not any more: make a new one, with "
	"POST /apps/APP/log-sessions"},
    {"put_", source_open,
	"there is no such URL for a source, or not any more: ask for a new "
	"one, with POST /sources"},
    {"get_", source_open, "there is no such source, or not any more"},
};

void
stream_get(struct request *r)
{
	const char *text = r->params[0];
	size_t i, len = signed_text(r, text);

	for (i = 0; i + 1 < sizeof(streams) / sizeof(streams[0]); i++) {
		if (strncmp(text, streams[i].prefix,
			strlen(streams[i].prefix)) == 0)
			break;
	}
	if (len == 0 ||
	    strncmp(text, streams[i].prefix, strlen(streams[i].prefix)) != 0 ||
	    streams[i].open(r, text, len) == -1)
		respond_missing(r, "%s", streams[i].gone);
}

/*
 * POST /apps/APP/log-sessions {"dyno", "dyno_name" (the same), "type",
 * "lines", "source", "tail"}: a URL by which the log can be read.  Nothing is
 * kept of it but the answer for an Idempotency-Key: all of it is in the URL,
 * which is signed,
 *
 *   /streams/log_APP EXPIRES BASIS LINES TAIL SOURCE _DYNO_MAC
 *
 * (no blanks; 16 hex digits each of the app's number and of a time in
 * microseconds, signed_basis(), 8 of the lines, a digit, and one for which
 * source, or 0).
 */
#include "api/log/log_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/http/check.h"
#include "api/http/id.h"
#include "api/http/idempotency.h"
#include "api/log/log_view.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/signed_url.h"
#include "api/http/stream.h"
#include "api/verbs.h"
#include "store/store.h"

#define PREFIX   "log_"
#define NUMBERS  (sizeof(PREFIX) - 1)
#define BASIS    (NUMBERS + 32)
#define DIGITS   (BASIS + SIGNED_BASIS)
#define DYNO     (DIGITS + 8 + 3)
#define DYNO_MAX 63

#define SECOND 1000000LL

/* To come, and, for who tails, to stay or to come back. */
#define SESSION_OPENS (300 * SECOND)
#define SESSION_LASTS (3600 * SECOND)

static const struct check_field fields[] = {
    {"dyno", CHECK_STRING, CHECK_NULLABLE, 1, DYNO_MAX, NULL, NULL},
    {"dyno_name", CHECK_STRING, CHECK_NULLABLE, 1, DYNO_MAX, NULL, NULL},
    {"type", CHECK_STRING, CHECK_NULLABLE, 1, DYNO_MAX, NULL, NULL},
    {"lines", CHECK_NUMBER, CHECK_NULLABLE, 1, LOG_VIEW_LINES_MAX, NULL, NULL},
    {"source", CHECK_STRING, CHECK_NULLABLE, 1, 16, NULL, NULL},
    {"tail", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const char *const sources[] = {"", "app", "heroku", "router", "paas"};

#define SOURCES (sizeof(sources) / sizeof(sources[0]))

/* ---- making one ------------------------------------------------------ */

/* Which process it is about, or ""; NULL after an answer. */
static const char *
session_dyno(struct request *r)
{
	static const char *const names[] = {"dyno", "dyno_name", "type"};
	const char *field = names[0], *which = "", *one, *bad;
	struct log_filter filter = {0};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (*(one = model_text(r->json, names[i])) == '\0')
			continue;
		if (*which != '\0') {
			respond_invalid(
			    r, "%s and %s exclude each other", field, names[i]);
			return NULL;
		}
		field = names[i];
		which = one;
	}
	if ((bad = log_filter_set_dyno(&filter, which)) == NULL)
		return which;
	respond_invalid(r, "%s %s", field, bad);
	return NULL;
}

/* Which source, as the table has it; SOURCES after an answer. */
static size_t
session_source(struct request *r)
{
	const char *source = model_text(r->json, "source");
	size_t i;

	for (i = 0; i < SOURCES; i++) {
		if (strcmp(sources[i], source) == 0)
			return i;
	}
	respond_invalid(r, "source has to be app, heroku, router or paas");
	return i;
}

void
log_session(struct request *r)
{
	char err[PAAS_ERRLEN], basis[SIGNED_BASIS + 1], id[37];
	char text[DYNO + DYNO_MAX + 2];
	const char *dyno;
	int64_t now = id_now();
	json_t *lines, *session;
	size_t source;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if ((dyno = session_dyno(r)) == NULL ||
	    (source = session_source(r)) == SOURCES)
		return;
	lines = json_object_get(r->json, "lines");
	signed_basis(r, basis);
	snprintf(text, sizeof(text),
	    PREFIX "%s%016" PRIx64 "%s%08" PRIx32 "%d%zu_%s_",
	    model_text(r->app, "number"), (uint64_t)(now + SESSION_OPENS),
	    basis,
	    json_is_null(lines) || lines == NULL
		? LOG_VIEW_LINES
		: (uint32_t)check_number(lines),
	    json_is_true(json_object_get(r->json, "tail")), source, dyno);
	id_uuid(id);
	session = json_pack("{s:s, s:o, s:o, s:o}", "id", id, "created_at",
	    id_time(now), "updated_at", id_time(now), "logplex_url",
	    signed_url(r, text, ""));
	if (idempotency_given(r))
		request_commit(
		    r, store_begin(r->api->store), MHD_HTTP_CREATED, session);
	else
		respond_json(r, MHD_HTTP_CREATED, session);
}

/* ---- reading it ------------------------------------------------------ */

/* Back from such a text; 0, or -1. */
static int
session_parse(const char *text, size_t len, uint64_t *app, int64_t *opens,
    struct log_ask *ask)
{
	char dyno[DYNO_MAX + 1], lines[17] = "00000000";
	uint64_t number;
	size_t source;

	if (len <= DYNO || len - 1 - DYNO > DYNO_MAX ||
	    signed_number(text + NUMBERS, app) == -1 ||
	    signed_number(text + NUMBERS + 16, &number) == -1)
		return -1;
	*opens = (int64_t)number;
	memcpy(lines + 8, text + DIGITS, 8);
	if (signed_number(lines, &number) == -1)
		return -1;
	ask->lines = (uint32_t)number;
	ask->follow = text[DIGITS + 8] == '1';
	source = (size_t)(text[DIGITS + 9] - '0');
	memcpy(dyno, text + DYNO, len - 1 - DYNO);
	dyno[len - 1 - DYNO] = '\0';
	return source < SOURCES &&
		       log_filter_set_dyno(&ask->filter, dyno) == NULL &&
		       log_filter_set_source(&ask->filter, sources[source]) ==
			   NULL
		   ? 0
		   : -1;
}

int
log_session_open(struct request *r, const char *text, size_t len)
{
	struct log_ask ask = {.filter.logplex = 1};
	const char *last = stream_last(r);
	int64_t opens, lasts;
	uint64_t app;

	if (session_parse(text, len, &app, &opens, &ask) == -1)
		return -1;
	lasts = opens - SESSION_OPENS + SESSION_LASTS;
	if (id_now() >= (last != NULL && ask.follow ? lasts : opens) ||
	    signed_open(r, app, text + BASIS) == -1)
		return -1;
	ask.until = lasts;
	if (last != NULL && !ask.follow)
		/* All was said: an EventSource is not to come again. */
		respond_with(r, MHD_HTTP_NO_CONTENT,
		    MHD_create_response_from_buffer(
			0, NULL, MHD_RESPMEM_PERSISTENT));
	else if (log_ask_resume(r, &ask) == 0)
		log_view_open(r, r->name, app, &ask);
	return 0;
}

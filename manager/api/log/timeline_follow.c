/*
 * GET /apps/APP/timeline by who accepts text/event-stream, or with ?follow=1:
 * events as they happen, one a line or one an event, whose id is that of the
 * timeline.  Level-triggered: whatever calls, all that is behind the last one
 * sent goes out, as far as there is room.
 */
#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/http/stream.h"
#include "api/log/timeline.h"
#include "store/keys.h"

#define SEQ_LEN 18 /* hex digits: store_event.c */

struct follow {
	struct request *request; /* the stream holds it */
	struct stream *stream;
	struct store *store;
	struct store_watch *events, *gone;
	char app[KEY_NAME_MAX + 1];
	char prefix[STORE_KEY_MAX + 1];
	char last[SEQ_LEN + 1]; /* that was sent; "": none */
	unsigned int skip;      /* how many are to be sent at first */
	int full, ended, gap;
};

static int
follow_send(const char *key, json_t *event, uint64_t rev, void *arg)
{
	struct follow *f = arg;
	const char *seq = strrchr(key, '/') + 1;
	json_t *told;
	char *text;
	int rc;

	(void)rev;
	if (strcmp(seq, f->last) <= 0)
		return 0;
	if ((told = timeline_json(key, event)) == NULL)
		return 0;
	text = json_dumps(told, JSON_COMPACT);
	json_decref(told);
	if (text == NULL)
		return 1;
	rc = stream_event(f->stream, seq, text, strlen(text));
	free(text);
	if (rc != -1)
		strlcpy(f->last, seq, sizeof(f->last));
	f->full = rc != 0;
	return rc;
}

static void
follow_pump(struct follow *f)
{
	char from[STORE_KEY_MAX + 1];

	if (f->full || f->ended)
		return;
	key_format(from, "event/%s/%s", f->app, f->last);
	(void)store_each_from(f->store, f->prefix, from, follow_send, f);
}

static void
follow_changed(const char *key, json_t *event, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	if (event != NULL)
		follow_pump(arg);
}

/* Another app of the same name would be somebody else's. */
static void
follow_app_changed(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct follow *f = arg;

	(void)rev;
	if (app != NULL || strcmp(strchr(key, '/') + 1, f->app) != 0)
		return;
	f->ended = 1;
	stream_end(f->stream);
}

/* Does the store have the last one that was sent? */
static int
follow_knows(struct follow *f)
{
	char key[STORE_KEY_MAX + 1];
	json_t *event;

	event = store_get(
	    f->store, key_format(key, "event/%s/%s", f->app, f->last), NULL);
	json_decref(event);
	return event != NULL;
}

/* Others may be missing: for who comes again, and for who was slow. */
static void
follow_gap(struct follow *f)
{
	static const char text[] = "Events before these are not kept any more.";
	int events = stream_wanted(f->request);
	char *told = NULL;
	json_t *gap;

	if (events)
		gap = json_pack("{s:s}", "message", text);
	else
		gap = json_pack("{s:n, s:o, s:s, s:s}", "id", "at",
		    id_time_exact(id_now()), "kind", "gap", "text", text);
	if (gap != NULL)
		told = json_dumps(gap, JSON_COMPACT);
	json_decref(gap);
	if (told == NULL)
		return;
	if (events)
		(void)stream_note(f->stream, "gap", NULL, told, strlen(told));
	else
		(void)stream_line(f->stream, told, strlen(told));
	free(told);
}

static void
follow_drained(void *arg)
{
	struct follow *f = arg;

	f->full = 0;
	if (f->last[0] != '\0' && !follow_knows(f))
		follow_gap(f);
	follow_pump(f);
}

static void
follow_closed(void *arg)
{
	struct follow *f = arg;

	store_unwatch(f->events);
	store_unwatch(f->gone);
	free(f);
}

static const struct stream_owner follow_owner = {follow_drained, follow_closed};

/* Is there one that was seen, and the newest one no older? */
static int
follow_reaches(const char *key, json_t *event, uint64_t rev, void *arg)
{
	const struct follow *f = arg;

	(void)event;
	(void)rev;
	return f->last[0] != '\0' && strcmp(strrchr(key, '/') + 1, f->last) >= 0
		   ? 1
		   : -1;
}

static int
seq_valid(const char *text)
{
	return strlen(text) == SEQ_LEN &&
	       strspn(text, "0123456789abcdef") == SEQ_LEN;
}

/* The one before the first that is to be sent. */
static int
follow_skip(const char *key, json_t *event, uint64_t rev, void *arg)
{
	struct follow *f = arg;

	(void)event;
	(void)rev;
	if (f->skip-- > 0)
		return 0;
	strlcpy(f->last, strrchr(key, '/') + 1, sizeof(f->last));
	return 1;
}

/*
 * Behind an id that is none, or that this timeline has not come to (it is of
 * before a backup was put back), are the latest.  0, or -1: answered.
 */
static int
follow_begin(struct follow *f, unsigned int limit)
{
	const char *last = stream_last(f->request);
	char after[SEQ_LEN + 2];
	int asked = last == NULL;

	if (last == NULL)
		last = request_query(f->request, "after", after, sizeof(after));
	if (respond_given(f->request))
		return -1;
	if (last != NULL && seq_valid(last))
		strlcpy(f->last, last, sizeof(f->last));
	else if (last != NULL && *last != '\0' && asked) {
		respond_error(f->request, MHD_HTTP_BAD_REQUEST, "bad_request",
		    "?after= has to be the id of an event of this timeline");
		return -1;
	}
	f->gap = last != NULL && *last != '\0' && !follow_knows(f);
	f->skip = limit;
	if (store_each_last(f->store, f->prefix, follow_reaches, f) == 1)
		return 0;
	f->last[0] = '\0';
	(void)store_each_last(f->store, f->prefix, follow_skip, f);
	return 0;
}

void
timeline_follow(struct request *r, unsigned int limit)
{
	struct follow *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	f->request = r;
	f->store = r->api->store;
	strlcpy(f->app, r->name, sizeof(f->app));
	key_format(f->prefix, "event/%s/", f->app);
	if (follow_begin(f, limit) == -1 ||
	    (f->stream = stream_open(r, MHD_HTTP_OK, &follow_owner, f)) ==
		NULL) {
		free(f);
		return;
	}
	f->events = store_watch(f->store, f->prefix, follow_changed, f);
	f->gone = store_watch(f->store, "app/", follow_app_changed, f);
	if (f->gap)
		follow_gap(f);
	follow_pump(f);
}

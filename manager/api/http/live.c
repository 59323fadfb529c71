#include "api/http/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "api/access/access.h"
#include "api/access/roles.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/store.h"

#define LIVE_LOOK    (1000 * 1000ULL) /* microseconds between two looks */
#define LIVE_AT_ONCE 64               /* of one turn: others wait meanwhile */
#define LIVE_NEXT    (5 * 1000ULL)    /* until the next turn */

struct live {
	TAILQ_ENTRY(live) entry;
	struct lives *lives;
	struct request *request; /* held */
	void (*refused)(void *);
	void *arg;
	uint64_t rev;     /* of the store when it was last found good */
	uint64_t changes; /* of roles (roles.h) then */
	uint64_t look;    /* the look that it was found good in */
	int is_refused;
	int is_stream; /* those are counted */
};

struct lives {
	struct api *api;
	/* Those found good last are last. */
	TAILQ_HEAD(live_list, live) list;
	sd_event_source *timer; /* runs while there is any */
	uint64_t look;
};

/* ---- may they, still --------------------------------------------------- */

int
live_may(struct live *live)
{
	const struct request *r = live->request;
	uint64_t rev = store_revision(live->lives->api->store);
	uint64_t changes = roles_changes(live->lives->api->roles);
	int64_t until = r->who.until;

	if (live->is_refused)
		return 0;
	if (rev == live->rev && changes == live->changes &&
	    (until == 0 || id_now() < until))
		return 1;
	if (access_still_allows(live->request)) {
		live->rev = rev;
		live->changes = changes;
		return 1;
	}
	live->is_refused = 1;
	live->refused(live->arg);
	return 0;
}

static void
lives_arm(struct lives *lives, uint64_t usec)
{
	(void)sd_event_source_set_time_relative(lives->timer, usec);
	(void)sd_event_source_set_enabled(lives->timer,
	    TAILQ_EMPTY(&lives->list) ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* A look takes several turns if there are many. */
static int
lives_on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct lives *lives = arg;
	struct live *live;
	int n;

	(void)source;
	(void)usec;
	for (n = 0; n < LIVE_AT_ONCE; n++) {
		live = TAILQ_FIRST(&lives->list);
		if (live == NULL || live->look == lives->look) {
			lives->look++;
			lives_arm(lives, LIVE_LOOK);
			return 0;
		}
		live->look = lives->look;
		TAILQ_REMOVE(&lives->list, live, entry);
		TAILQ_INSERT_TAIL(&lives->list, live, entry);
		(void)live_may(live);
	}
	lives_arm(lives, LIVE_NEXT);
	return 0;
}

/* ---- how many ---------------------------------------------------------- */

/* Administrators of the machine count by their tokens. */
static int
live_is_of(const struct live *live, const struct who *who)
{
	const struct who *is = &live->request->who;

	return who->id[0] != '\0'
		   ? strcmp(is->id, who->id) == 0
		   : is->id[0] == '\0' && is->token == who->token;
}

static void
live_refuse(struct request *r, unsigned int status, const char *whose,
    uint32_t most, const char *setting, const char *wait)
{
	respond_error(r, status, "too_many_streams",
	    "%s %" PRIu32 " streams open, which is the most (%s "
	    "in paas.conf): close one, or try again in %s s",
	    whose, most, setting, wait);
	respond_header(r, "Retry-After", wait);
}

/* Requests always have connections left, and others always have streams. */
static int
live_fits(struct lives *lives, struct request *r)
{
	const struct conf *conf = lives->api->conf;
	uint32_t all = conf->api_streams, n = 0, own = 0;
	const struct live *live;

	if (r->door->kind == DOOR_PEOPLE)
		return 1;
	if (all > r->door->limit / 2)
		all = r->door->limit / 2;
	TAILQ_FOREACH (live, &lives->list, entry) {
		if (live->request->door != r->door || live->is_refused ||
		    !live->is_stream)
			continue;
		n++;
		own += (uint32_t)live_is_of(live, &r->who);
	}
	if (own >= conf->api_streams_account)
		live_refuse(r, MHD_HTTP_TOO_MANY_REQUESTS, "your account has",
		    conf->api_streams_account, "api_streams_account", "10");
	else if (n >= all)
		live_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, "the platform has",
		    all, "api_streams", "30");
	else
		return 1;
	return 0;
}

/* ---- one --------------------------------------------------------------- */

static struct live *
live_add(struct request *r, void (*refused)(void *), void *arg)
{
	struct lives *lives = r->api->lives;
	struct live *live = calloc(1, sizeof(*live));
	int first = TAILQ_EMPTY(&lives->list);

	if (live == NULL)
		return NULL;
	live->lives = lives;
	live->request = request_hold(r);
	live->refused = refused;
	live->arg = arg;
	live->rev = store_revision(lives->api->store);
	live->changes = roles_changes(lives->api->roles);
	live->look = lives->look;
	TAILQ_INSERT_TAIL(&lives->list, live, entry);
	if (first) {
		lives->look++;
		lives_arm(lives, LIVE_LOOK);
	}
	return live;
}

struct live *
live_begin(struct request *r, void (*refused)(void *), void *arg)
{
	struct live *live;

	if (respond_given(r) || !live_fits(r->api->lives, r))
		return NULL;
	if ((live = live_add(r, refused, arg)) != NULL)
		live->is_stream = 1;
	else
		respond_broken(r, "out of memory");
	return live;
}

struct live *
live_keep(struct request *r, void (*refused)(void *), void *arg)
{
	return live_add(r, refused, arg);
}

void
live_end(struct live *live)
{
	if (live == NULL)
		return;
	TAILQ_REMOVE(&live->lives->list, live, entry);
	request_release(live->request);
	free(live);
}

/* ---- open and close ---------------------------------------------------- */

struct lives *
lives_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct lives *lives = calloc(1, sizeof(*lives));
	int r = -ENOMEM;

	if (lives != NULL) {
		lives->api = api;
		TAILQ_INIT(&lives->list);
		r = sd_event_add_time_relative(api->event, &lives->timer,
		    CLOCK_MONOTONIC, LIVE_LOOK, 0, lives_on_timer, lives);
	}
	if (r >= 0)
		r = sd_event_source_set_enabled(lives->timer, SD_EVENT_OFF);
	if (r >= 0)
		return lives;
	snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
	lives_close(lives);
	return NULL;
}

void
lives_close(struct lives *lives)
{
	if (lives == NULL)
		return;
	sd_event_source_disable_unref(lives->timer);
	free(lives);
}

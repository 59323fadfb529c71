/*
 * The stage of certificates: which one is for which host follows from the
 * certificates, domains and apps of the store, and is written to a database
 * of its own.
 *
 * After a start all certificates are taken into the index, and all their names
 * and all that the database has are touched; then the domains that a "*" is
 * for.  From then on a change of the store touches what it is about.  A name
 * that was touched is looked at afresh, whatever had touched it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/cert_write.h"
#include "routing/routing.h"
#include "store/names.h"

/* After a commit that failed: ms, doubled up to the other. */
#define RETRY_MIN 1000
#define RETRY_MAX 30000

/* Of one turn of the loop. */
#define BATCH_MAX  256
#define SLICE_CERT 32  /* records of a few KiB each */
#define SLICE_HOST 512 /* domains */

#define PRIORITY_NOW   SD_EVENT_PRIORITY_IMPORTANT
#define PRIORITY_LATER (SD_EVENT_PRIORITY_NORMAL + 10)

#define WATCHES 4

struct touched {
	RB_ENTRY(touched) entry;
	char name[];
};
RB_HEAD(touched_names, touched);

/* What is left of the comparison of everything. */
enum phase { PHASE_INDEX, PHASE_TOUCH, PHASE_WALK, PHASE_DONE };

struct cert_stage {
	struct store *store;
	const struct conf *conf;
	struct cert_index index;
	struct cert_db db;
	struct touched_names touched;
	enum phase phase;
	char from[STORE_KEY_MAX + 2]; /* where the next slice starts */
	int dirty;                    /* certificates may have gone */
	int stars;                    /* some are for what a walk finds */
	sd_event_source *run;
	sd_event_source *timer;
	unsigned int retry; /* ms; 0: all is well */
	struct store_watch *watches[WATCHES];
};

static int
compare_touched(struct touched *a, struct touched *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(touched_names, touched, entry, compare_touched,
    __attribute__((__unused__)) static)

/* ---- what was touched -------------------------------------------------- */

static void
enable(struct cert_stage *cs)
{
	sd_event_source_set_priority(
	    cs->run, cs->phase == PHASE_DONE ? PRIORITY_NOW : PRIORITY_LATER);
	sd_event_source_set_enabled(cs->run, SD_EVENT_ONESHOT);
}

/* After a failure the timer does so. */
static void
wake(struct cert_stage *cs)
{
	if (cs->retry == 0)
		enable(cs);
}

static void
touch(struct cert_stage *cs, const char *name)
{
	struct touched *item;
	size_t len = strlen(name);

	if ((item = calloc(1, sizeof(*item) + len + 1)) == NULL)
		log_fatal("routing: out of memory");
	memcpy(item->name, name, len);
	if (RB_INSERT(touched_names, &cs->touched, item) != NULL)
		free(item);
}

static void
forget(struct cert_stage *cs, struct touched *item)
{
	RB_REMOVE(touched_names, &cs->touched, item);
	free(item);
}

static void
touch_host(const char *host, void *arg)
{
	touch(arg, host);
}

/*
 * The domains that a "*" of an app is for are found by a walk over all, and so
 * are those below it that are another app's.
 */
static void
walk_again(struct cert_stage *cs)
{
	cs->stars = 1;
	if (cs->phase < PHASE_WALK)
		return;
	cs->phase = PHASE_WALK;
	cs->from[0] = '\0';
}

static void
touch_name(const struct cert_entry *cert, const char *name, void *arg)
{
	struct cert_stage *cs = arg;
	char host[PAAS_ROUTEDB_HOST_MAX + 1], own[KEY_NAME_MAX + 1];

	touch(cs, name);
	if (name[0] != '.' || strcmp(cert->owner, KEY_PLATFORM) == 0)
		return;
	if (strcmp(name + 1, cs->conf->domain) != 0)
		walk_again(cs);
	else if (routing_host_format(cs->conf,
		     names_of(cs->store, cert->owner, own), host) == 0)
		touch(cs, host);
}

struct below {
	struct cert_stage *stage;
	const char *domain; /* ".example.com" */
};

static void
touch_below(const struct cert_entry *cert, const char *name, void *arg)
{
	struct below *below = arg;
	size_t len = strlen(name), n = strlen(below->domain);

	(void)cert;
	if (len > n && strcmp(name + len - n, below->domain) == 0)
		touch(below->stage, name);
}

/* ---- watches ----------------------------------------------------------- */

/* cert/OWNER/NAME; certkey/ changes with it, in the same commit. */
static void
on_cert(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct cert_stage *cs = arg;

	(void)rev;
	cert_index_set(&cs->index, key, value, touch_name, cs);
	if (strncmp(key, "cert/" KEY_PLATFORM "/", 7) == 0)
		touch(cs, ".");
	cs->dirty = 1;
	wake(cs);
}

/* domain/HOST: with a wildcard change all names below it hands. */
static void
on_domain(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct below below = {arg, strchr(key, '/') + 1};

	(void)value, (void)rev;
	touch(arg, below.domain);
	if (below.domain[0] == '.')
		cert_index_each_name(
		    &below.stage->index, NULL, touch_below, &below);
	wake(arg);
}

/* name/NAME: NAME.domain comes or goes, and the first name may, too. */
static void
on_name(const char *key, json_t *value, uint64_t rev, void *arg)
{
	const char *app = json_string_value(json_object_get(value, "app"));
	struct cert_stage *cs = arg;
	char host[PAAS_ROUTEDB_HOST_MAX + 1];

	(void)rev;
	if (routing_host_format(cs->conf, strchr(key, '/') + 1, host) == 0)
		touch(cs, host);
	if (app != NULL && routing_host_format(cs->conf, app, host) == 0)
		touch(cs, host);
	wake(cs);
}

/* app/APP: it has no certificates before it is there. */
static void
on_app(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct cert_stage *cs = arg;

	(void)rev;
	if (value != NULL)
		return;
	cert_index_each_name(&cs->index, strchr(key, '/') + 1, touch_name, cs);
	wake(cs);
}

static void
add_watches(struct cert_stage *cs)
{
	cs->watches[0] = store_watch(cs->store, "cert/", on_cert, cs);
	cs->watches[1] = store_watch(cs->store, "domain/", on_domain, cs);
	cs->watches[2] = store_watch(cs->store, "app/", on_app, cs);
	cs->watches[3] = store_watch(cs->store, "name/", on_name, cs);
}

/* ---- the comparison of everything -------------------------------------- */

struct slice {
	struct cert_stage *stage;
	size_t left;
};

static void
slice_take(struct slice *slice, const char *key)
{
	/* The next slice starts behind this one: no key holds a 0x01. */
	snprintf(slice->stage->from, sizeof(slice->stage->from), "%s\001", key);
	slice->left--;
}

static int
index_one(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct slice *slice = arg;

	(void)rev;
	cert_index_set(
	    &slice->stage->index, key, value, touch_name, slice->stage);
	slice_take(slice, key);
	return slice->left == 0;
}

/*
 * A domain one label below a "*"; or one that has a certificate, which may be
 * that of a "*" that is gone.
 */
static int
walk_one(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct slice *slice = arg;
	const char *host = strchr(key, '/') + 1;
	const char *dot = strchr(host, '.');

	(void)value, (void)rev;
	if (dot != NULL && dot > host &&
	    (cert_index_has(&slice->stage->index, dot) ||
		cert_db_has_host(&slice->stage->db, host)))
		touch(slice->stage, host);
	slice_take(slice, key);
	return slice->left == 0;
}

/* Whether there is more of it. */
static int
next_slice(
    struct cert_stage *cs, const char *prefix, size_t size, store_each_cb cb)
{
	struct slice slice = {cs, size};

	if (store_each_from(cs->store, prefix, cs->from, cb, &slice) != 0)
		return 1;
	cs->from[0] = '\0';
	return 0;
}

static int
go_on(struct cert_stage *cs)
{
	int rc = PAAS_ROUTEDB_OK;

	switch (cs->phase) {
	case PHASE_INDEX:
		if (!next_slice(cs, "cert/", SLICE_CERT, index_one))
			cs->phase = PHASE_TOUCH;
		break;
	case PHASE_TOUCH:
		if ((rc = cert_db_load(&cs->db)) != PAAS_ROUTEDB_OK)
			break;
		cs->stars = 0;
		cert_db_each_host(&cs->db, touch_host, cs);
		cert_index_each_name(&cs->index, NULL, touch_name, cs);
		touch(cs, ".");
		cs->dirty = 1;
		cs->phase = cs->stars ? PHASE_WALK : PHASE_DONE;
		break;
	case PHASE_WALK:
		if (!next_slice(cs, "domain/", SLICE_HOST, walk_one))
			cs->phase = PHASE_DONE;
		break;
	case PHASE_DONE:
		break;
	}
	return rc;
}

/* ---- commits ----------------------------------------------------------- */

static void
apply_some(struct cert_stage *cs)
{
	struct touched *item;
	size_t n;

	for (n = 0; n < BATCH_MAX; n++) {
		if ((item = RB_MIN(touched_names, &cs->touched)) == NULL)
			return;
		cert_db_set_host(&cs->db, item->name,
		    cert_choose(&cs->index, cs->store, cs->conf, item->name));
		forget(cs, item);
	}
}

/* Readers get one that is made anew once it has everything. */
static int
hand_over(struct cert_stage *cs)
{
	char err[PAAS_ERRLEN];

	if (routing_db_built(cs->db.file, err) == 0)
		return PAAS_ROUTEDB_OK;
	log_err("routing: %s", err);
	errno = EIO;
	return PAAS_ROUTEDB_ESYS;
}

static int
commit_some(struct cert_stage *cs)
{
	struct routing_db *file = cs->db.file;
	uint64_t revision;
	int rc, last;

	if ((rc = routing_db_begin(file)) != PAAS_ROUTEDB_OK)
		return rc;
	apply_some(cs);
	last = RB_EMPTY(&cs->touched) && cs->phase == PHASE_DONE;
	if (last && cs->dirty) {
		cert_db_sweep(&cs->db, &cs->index);
		cs->dirty = 0;
	}
	revision = routing_db_changes(file) > 0 ? store_revision(cs->store)
						: routing_db_revision(file);
	rc = routing_db_commit(file, revision);
	if (rc == PAAS_ROUTEDB_OK && last && routing_db_building(file))
		rc = hand_over(cs);
	return rc;
}

static void
set_timer(struct cert_stage *cs, unsigned int ms)
{
	sd_event_source_set_time_relative(cs->timer, (uint64_t)ms * 1000);
	sd_event_source_set_enabled(cs->timer, SD_EVENT_ONESHOT);
}

/* What was not committed is not in the database: all is looked at again. */
static void
failed(struct cert_stage *cs, int rc)
{
	if (rc == PAAS_ROUTEDB_EDAMAGED || rc == PAAS_ROUTEDB_EVERSION)
		log_err("routing: the certificate database is damaged and is "
			"made anew");
	else if (rc != PAAS_ROUTEDB_EAGAIN && cs->retry == 0)
		log_err("routing: cannot write the certificate database: %s; "
			"trying again",
		    rc == PAAS_ROUTEDB_ESYS ? strerror(errno)
					    : paas_routedb_strerror(rc));
	if (rc == PAAS_ROUTEDB_EDAMAGED || rc == PAAS_ROUTEDB_EVERSION ||
	    routing_db_building(cs->db.file))
		routing_db_rebuild(cs->db.file);
	if (cs->phase > PHASE_TOUCH)
		cs->phase = PHASE_TOUCH;
	cs->from[0] = '\0';
	cs->retry = cs->retry == 0 ? RETRY_MIN : cs->retry * 2;
	if (cs->retry > RETRY_MAX)
		cs->retry = RETRY_MAX;
	set_timer(cs, cs->retry);
}

static int
on_run(sd_event_source *source, void *arg)
{
	struct cert_stage *cs = arg;
	int rc = PAAS_ROUTEDB_OK, wait;

	(void)source;
	if ((wait = routing_db_wait(cs->db.file)) > 0) {
		set_timer(cs, (unsigned int)wait + 1);
		return 0;
	}
	if (cs->phase != PHASE_DONE)
		rc = go_on(cs);
	if (rc == PAAS_ROUTEDB_OK && cs->phase > PHASE_TOUCH)
		rc = commit_some(cs);
	if (rc != PAAS_ROUTEDB_OK) {
		failed(cs, rc);
		return 0;
	}
	if (cs->retry != 0 && cs->phase > PHASE_TOUCH) {
		log_info("routing: the certificate database can be written "
			 "again");
		cs->retry = 0;
	}
	if (cs->phase != PHASE_DONE || !RB_EMPTY(&cs->touched))
		enable(cs);
	return 0;
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct cert_stage *cs = arg;

	(void)source, (void)usec;
	sd_event_source_set_enabled(cs->run, SD_EVENT_ONESHOT);
	return 0;
}

/* ---- open and close ---------------------------------------------------- */

static int
add_sources(struct cert_stage *cs, sd_event *event)
{
	int rc;

	if ((rc = sd_event_add_defer(event, &cs->run, on_run, cs)) < 0)
		return rc;
	sd_event_source_set_description(cs->run, "routing-certs");
	rc = sd_event_add_time_relative(
	    event, &cs->timer, CLOCK_MONOTONIC, 0, 0, on_timer, cs);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(cs->timer, SD_EVENT_OFF);
	return rc;
}

const struct cert_entry *
cert_stage_find(struct cert_stage *cs, const char *host)
{
	const struct cert_entry *cert =
	    cert_choose(&cs->index, cs->store, cs->conf, host).first;

	return cert != &cert_nobodys ? cert : NULL;
}

struct cert_stage *
cert_stage_open(struct store *st, const struct conf *conf, sd_event *event,
    char err[PAAS_ERRLEN])
{
	struct cert_stage *cs;
	int rc;

	if ((cs = calloc(1, sizeof(*cs))) == NULL)
		log_fatal("routing: out of memory");
	cs->store = cs->db.store = st;
	cs->conf = conf;
	cert_index_init(&cs->index);
	RB_INIT(&cs->touched);
	RB_INIT(&cs->db.hosts);
	RB_INIT(&cs->db.ids);
	cs->db.file = routing_db_open(
	    conf, "certs", "certificate database", store_epoch(st), err);
	if (cs->db.file == NULL) {
		cert_stage_close(cs);
		return NULL;
	}
	if ((rc = add_sources(cs, event)) < 0) {
		snprintf(err, PAAS_ERRLEN,
		    "cannot attach the certificates to the event loop: %s",
		    strerror(-rc));
		cert_stage_close(cs);
		return NULL;
	}
	add_watches(cs);
	wake(cs);
	return cs;
}

void
cert_stage_close(struct cert_stage *cs)
{
	struct touched *item;
	int i;

	if (cs == NULL)
		return;
	for (i = 0; i < WATCHES; i++)
		store_unwatch(cs->watches[i]);
	sd_event_source_disable_unref(cs->run);
	sd_event_source_disable_unref(cs->timer);
	while ((item = RB_MIN(touched_names, &cs->touched)) != NULL)
		forget(cs, item);
	cert_db_clear(&cs->db);
	cert_index_clear(&cs->index);
	routing_db_close(cs->db.file);
	free(cs);
}

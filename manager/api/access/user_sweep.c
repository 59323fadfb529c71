/*
 * What users that are gone have left: tokens, keys, roles and set-up tokens
 * that are good for nothing; and what teams have left, their members and their
 * roles for apps.  Looked for at each start, and when one goes.
 */
#include "api/access/user_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "api/access/user.h"
#include "common/log.h"
#include "store/keys.h"

#define SWEEP_SLICE (STORE_OPS_MAX - 4)

struct user_sweep {
	struct api *api;
	struct store_watch *watch;
	struct store_watch *teams;
	sd_event_source *turn;
	struct store_txn *txn; /* while a slice is filled */
	const char *field;     /* the user's address is its; NULL: in the key */
	int team;              /* where a team's id is in the key; 0: nowhere */
	int count;
	int busy; /* a commit will call back */
};

static const struct {
	const char *prefix;
	const char *field;
	int team;
} kinds[] = {
    {"token/", "user", 0},
    {"session/", "user", 0},
    {"sshkey/", "user", 0},
    {"setup/", "user", 0},
    {"member/", NULL, 0},
    {"teammember/", NULL, 1},
    {"teamgrant/", NULL, 2},
};

static int
sweep_team_gone(struct user_sweep *s, const char *key)
{
	char id[37], team[STORE_KEY_MAX + 1];
	json_t *record;

	if (s->team == 0 || key_part(key, s->team, id, sizeof(id)) == -1)
		return 0;
	record =
	    store_get(s->api->store, key_format(team, "team/%s", id), NULL);
	json_decref(record);
	return record == NULL;
}

static int
sweep_user_gone(struct user_sweep *s, const char *key, json_t *record)
{
	const char *owner = model_text(record, "owner"), *email;
	json_t *user;
	int gone;

	if (owner[0] == '\0')
		return 0;
	email = s->field != NULL ? model_text(record, s->field)
				 : strrchr(key, '/') + 1;
	user = user_get(s->api->store, email, NULL);
	gone = user == NULL || strcmp(model_text(user, "id"), owner) != 0;
	json_decref(user);
	return gone;
}

static int
sweep_add(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct user_sweep *s = arg;

	if (!sweep_team_gone(s, key) && !sweep_user_gone(s, key, record))
		return 0;
	store_if(s->txn, key, rev);
	store_del(s->txn, key);
	return ++s->count >= SWEEP_SLICE;
}

static void
sweep_committed(enum store_result result, uint64_t rev, void *arg)
{
	struct user_sweep *s = arg;

	(void)rev;
	s->busy = 0;
	if (result == STORE_OK || result == STORE_CONFLICT)
		(void)sd_event_source_set_enabled(s->turn, SD_EVENT_ONESHOT);
	else
		log_warn("api: what users have left stays for now: %s",
		    store_strerror(result));
}

static int
sweep_on_turn(sd_event_source *source, void *arg)
{
	struct user_sweep *s = arg;

	(void)source;
	if (s->busy)
		return 0;
	s->txn = store_begin(s->api->store);
	s->count = 0;
	for (size_t i = 0;
	     i < sizeof(kinds) / sizeof(kinds[0]) && s->count < SWEEP_SLICE;
	     i++) {
		s->field = kinds[i].field;
		s->team = kinds[i].team;
		(void)store_each(s->api->store, kinds[i].prefix, sweep_add, s);
	}
	if (s->count == 0) {
		store_abandon(s->txn);
		return 0;
	}
	s->busy = 1;
	store_commit(s->txn, sweep_committed, s);
	return 0;
}

static void
sweep_on_change(const char *key, json_t *user, uint64_t rev, void *arg)
{
	struct user_sweep *s = arg;

	(void)key, (void)rev;
	if (user == NULL)
		(void)sd_event_source_set_enabled(s->turn, SD_EVENT_ONESHOT);
}

struct user_sweep *
user_sweep_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct user_sweep *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	s->api = api;
	r = sd_event_add_defer(api->event, &s->turn, sweep_on_turn, s);
	if (r < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
		free(s);
		return NULL;
	}
	s->watch = store_watch(api->store, "user/", sweep_on_change, s);
	s->teams = store_watch(api->store, "team/", sweep_on_change, s);
	return s;
}

void
user_sweep_close(struct user_sweep *s)
{
	if (s == NULL)
		return;
	store_unwatch(s->watch);
	store_unwatch(s->teams);
	sd_event_source_disable_unref(s->turn);
	free(s);
}

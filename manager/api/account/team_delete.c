/*
 * DELETE /teams/TEAM: its members have nothing by it at once; user_sweep takes
 * their records away.
 */
#include <stdio.h>
#include <string.h>

#include "api/access/team.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"
#include "store/names.h"

struct owned {
	const char *team;
	char first[KEY_NAME_MAX + 1];
	unsigned int count;
};

static int
owned_add(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct owned *owned = arg;

	(void)rev;
	if (strcmp(model_text(app, "team"), owned->team) == 0 &&
	    owned->count++ == 0)
		snprintf(owned->first, sizeof(owned->first), "%s",
		    names_in(strchr(key, '/') + 1, app));
	return 0;
}

/*
 * By the store, as of the revision that the commit compares: an app that comes
 * meanwhile changes the team.
 */
static int
delete_is_empty(struct request *r, const struct team *team)
{
	struct owned owned = {team->id, "", 0};

	(void)store_each(r->api->store, "app/", owned_add, &owned);
	if (owned.count == 0)
		return 1;
	respond_conflict(r,
	    "the team %s has %u app%s, %s%s: paas apps:transfer gives one to "
	    "somebody else, paas apps:destroy takes it away",
	    team->name, owned.count, owned.count == 1 ? "" : "s", owned.first,
	    owned.count == 1 ? "" : " and others");
	return 0;
}

void
team_delete(struct request *r)
{
	char by[WHO_NAME], key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	struct team team;

	if (team_find(r, r->params[0], ROLE_ADMIN, &team) == -1)
		return;
	if (delete_is_empty(r, &team)) {
		request_user(r, by, sizeof(by));
		txn = store_begin(r->api->store);
		store_if(txn, key_format(key, "team/%s", team.id), team.rev);
		store_del(txn, key);
		store_del(txn, key_format(key, "teamname/%s", team.name));
		log_info("api: the team %s is removed by %s", team.name, by);
		request_commit(
		    r, txn, MHD_HTTP_OK, model_team(r->api, &r->who, &team));
	}
	json_decref(team.record);
}

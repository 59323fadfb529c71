/*
 * /apps/APP/teams: teams that have a role for an app which is not theirs, as a
 * collaborator has; teamgrant/APP/ID in the store.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/access/team.h"
#include "api/account/team_change.h"
#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "store/keys.h"

static int
role_valid(const char *word)
{
	enum role role;

	return who_parse_role(word, &role) == 0 && role != ROLE_NONE;
}

static const struct check_field fields[] = {
    {"role", CHECK_STRING, 0, 0, 0, role_valid, "viewer, deployer or admin"},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* ---- shown ------------------------------------------------------------- */

static json_t *
grant_shape(struct request *r, const struct team *team, json_t *grant)
{
	return json_pack("{s:o, s:{s:s, s:s}, s:s, s:o, s:o}", "app",
	    model_app_ref(r->name, r->app), "team", "id", team->id, "name",
	    team->name, "role", model_text(grant, "role"), "created_at",
	    id_time_of(grant, "created"), "updated_at",
	    id_time_of(grant, "updated"));
}

struct list {
	struct request *request;
	json_t *grants;
};

static int
list_add(const char *key, json_t *grant, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;
	struct team team;

	(void)rev;
	if (team_get(r->api, strrchr(key, '/') + 1, &team) == -1)
		return 0;
	json_array_append_new(list->grants, grant_shape(r, &team, grant));
	json_decref(team.record);
	return 0;
}

void
app_team_list(struct request *r)
{
	struct list list = {r, json_array()};
	char prefix[STORE_KEY_MAX + 1];

	(void)store_each(r->api->store,
	    key_format(prefix, "teamgrant/%s/", r->name), list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.grants);
}

/* ---- changed ----------------------------------------------------------- */

struct grant {
	struct team team;
	char key[STORE_KEY_MAX + 1];
	json_t *record; /* NULL: none yet */
	uint64_t rev;
};

static void
grant_free(struct grant *grant)
{
	json_decref(grant->team.record);
	json_decref(grant->record);
}

static void
grant_find(struct request *r, struct grant *grant)
{
	key_format(grant->key, "teamgrant/%s/%s", r->name, grant->team.id);
	grant->record = store_get(r->api->store, grant->key, &grant->rev);
}

static int
grant_count(const char *key, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	++*(int *)arg;
	return 0;
}

/* Whether the team can have a role: 0 after an answer. */
static int
grant_may_be(struct request *r, const struct grant *grant)
{
	char prefix[STORE_KEY_MAX + 1];
	int count = 0;

	if (strcmp(model_text(r->app, "team"), grant->team.id) == 0) {
		respond_invalid(r,
		    "%s is of the team %s: its members have the roles that "
		    "they have there",
		    request_app(r), grant->team.name);
		return 0;
	}
	key_format(prefix, "teamgrant/%s/", r->name);
	(void)store_each_key(
	    r->api->store, prefix, prefix, grant_count, &count);
	if (grant->record != NULL || count < TEAM_GRANTS_MAX)
		return 1;
	respond_conflict(r,
	    "%d teams have a role for %s already, which is the most", count,
	    request_app(r));
	return 0;
}

static void
grant_put(struct request *r, struct grant *grant, const char *role)
{
	struct store_txn *txn = app_change_begin(r);
	unsigned int status = MHD_HTTP_OK;
	char by[WHO_NAME], key[STORE_KEY_MAX + 1];
	json_t *record;

	request_user(r, by, sizeof(by));
	if (grant->record != NULL) {
		record = model_touch(grant->record);
		json_object_set_new(record, "role", json_string(role));
	} else {
		record = json_pack("{s:s, s:s, s:I, s:I}", "role", role, "by",
		    by, "created", (json_int_t)id_now(), "updated",
		    (json_int_t)id_now());
		status = MHD_HTTP_CREATED;
	}
	store_if(
	    txn, key_format(key, "team/%s", grant->team.id), grant->team.rev);
	store_if(txn, grant->key, grant->rev);
	store_put(txn, grant->key, record);
	store_event(txn, r->name, "access", "the team %s is %s now, by %s",
	    grant->team.name, role, by);
	request_commit(r, txn, status, grant_shape(r, &grant->team, record));
	json_decref(record);
}

void
app_team_put(struct request *r)
{
	const char *role = model_text(r->json, "role");
	char err[PAAS_ERRLEN];
	struct grant grant;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (team_find(r, r->params[1], ROLE_VIEWER, &grant.team) == -1)
		return;
	grant_find(r, &grant);
	if (grant_may_be(r, &grant))
		grant_put(r, &grant,
		    role[0] != '\0' ? role : who_role(ROLE_DEPLOYER));
	grant_free(&grant);
}

static void
grant_end(struct request *r, const struct grant *grant)
{
	struct store_txn *txn = app_change_begin(r);
	char by[WHO_NAME];

	request_user(r, by, sizeof(by));
	store_if(txn, grant->key, grant->rev);
	store_del(txn, grant->key);
	store_event(txn, r->name, "access",
	    "the team %s has no role any more, by %s", grant->team.name, by);
	request_commit(
	    r, txn, MHD_HTTP_OK, grant_shape(r, &grant->team, grant->record));
}

/* Admins of an app see its teams, those that they are not in, too. */
void
app_team_delete(struct request *r)
{
	struct grant grant = {0};

	if (team_get(r->api, r->params[1], &grant.team) == 0)
		grant_find(r, &grant);
	if (grant.record != NULL)
		grant_end(r, &grant);
	else
		respond_missing(r,
		    "the team %.60s has no role for %s: paas access lists those "
		    "that have",
		    r->params[1], request_app(r));
	grant_free(&grant);
}

/*
 * PATCH /teams/TEAM {"name", "overall_role"}
 */
#include <bsd/string.h>
#include <string.h>

#include "api/access/team.h"
#include "api/account/team_change.h"
#include "api/http/check.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"name", CHECK_STRING, 0, 0, 0, key_app_valid, TEAM_NAME_FORM},
    {"overall_role", CHECK_STRING, 0, 0, 0, team_overall_valid,
	TEAM_OVERALL_FORM},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* The new record of the team, which is put; NULL after an answer. */
static json_t *
update_record(struct request *r, struct store_txn *txn, struct team *team)
{
	json_t *overall = json_object_get(r->json, "overall_role");
	const char *name = model_text(r->json, "name");
	char key[STORE_KEY_MAX + 1];
	json_t *record;

	if (!team_overall_allowed(r))
		return NULL;
	if (name[0] != '\0' && strcmp(name, team->name) != 0) {
		if (!team_name_free(r, name))
			return NULL;
		store_del(txn, key_format(key, "teamname/%s", team->name));
		team_name_take(txn, name, team->id);
		strlcpy(team->name, name, sizeof(team->name));
	}
	record = model_touch(team->record);
	json_object_set_new(record, "name", json_string(team->name));
	if (overall != NULL)
		json_object_set(record, "overall_role", overall);
	store_if(txn, key_format(key, "team/%s", team->id), team->rev);
	store_put(txn, key, record);
	return record;
}

void
team_update(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct store_txn *txn;
	struct team team;
	json_t *record;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (team_find(r, r->params[0], ROLE_ADMIN, &team) == -1)
		return;
	txn = store_begin(r->api->store);
	record = update_record(r, txn, &team);
	json_decref(team.record);
	if (record == NULL) {
		store_abandon(txn);
		return;
	}
	team.record = record;
	request_commit(r, txn, MHD_HTTP_OK, model_team(r->api, &r->who, &team));
	json_decref(record);
}

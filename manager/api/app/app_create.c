/*
 * POST /apps {"name"?, "region"?, "stack"?, "team"?}: a new app, with nothing
 * in it.
 */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/access/team.h"
#include "api/app/app_name.h"
#include "api/app/app_stack.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

#define CREATE_TRIES 16

static const struct check_field fields[] = {
    {"name", CHECK_STRING, CHECK_NULLABLE, 0, 0, key_app_valid, APP_NAME_FORM},
    {"region", CHECK_STRING, CHECK_NULLABLE, 1, 64, NULL, NULL},
    {"stack", CHECK_STRING, CHECK_NULLABLE, 1, 64, NULL, NULL},
    {"team", CHECK_STRING, CHECK_NULLABLE, 1, 64, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static int
create_last_number(const char *key, json_t *value, uint64_t rev, void *arg)
{
	char id[17];

	(void)value;
	(void)rev;
	if (key_part(key, 1, id, sizeof(id)) == 0)
		(void)key_parse_id(id, arg);
	return 1;
}

/*
 * The name, unless an app that is called otherwise by now had it first.  0, or
 * -1 after an answer.
 */
static int
create_key(struct request *r, const char *name, char own[MODEL_NAME_MAX])
{
	strlcpy(own, name, MODEL_NAME_MAX);
	for (int i = 0; i < CREATE_TRIES; i++) {
		if (!app_name_is_key(r->api, own))
			return 0;
		snprintf(own, MODEL_NAME_MAX, "%.21s-%08x", name, arc4random());
	}
	respond_conflict(r, "no place for \"%s\" was found: try again", name);
	return -1;
}

/* Numbers are kept when their app goes: they are in logs and in caches. */
static void
create_number(struct request *r, char number[17])
{
	uint64_t last = 0;

	(void)store_each_last(
	    r->api->store, "number/", create_last_number, &last);
	key_format_id(number, last + 1);
}

/*
 * Who makes an app is its first admin; one of this machine's is so anyway, and
 * that of a team is of those whom it has as admins.
 */
static void
create_member(struct request *r, struct store_txn *txn, const char *name)
{
	char id[37], key[STORE_KEY_MAX + 1];
	json_t *member;

	if (r->who.id[0] == '\0' || model_text(r->json, "team")[0] != '\0')
		return;
	id_uuid(id);
	member = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "id", id, "owner",
	    r->who.id, "role", who_role(ROLE_ADMIN), "by", r->who.name,
	    "created", (json_int_t)id_now(), "updated", (json_int_t)id_now());
	store_put(
	    txn, key_format(key, "member/%s/%s", name, r->who.name), member);
	json_decref(member);
}

/*
 * The new app is of the team that the body names, if it names one: 0, or -1
 * after an answer.
 */
static int
create_team(struct request *r, struct store_txn *txn, json_t *app)
{
	const char *which = model_text(r->json, "team");
	struct team team;

	if (which[0] == '\0')
		return 0;
	if (team_find(r, which, ROLE_DEPLOYER, &team) == -1)
		return -1;
	team_touch(txn, &team);
	json_object_set_new(app, "team", json_string(team.id));
	json_decref(team.record);
	return 0;
}

void
app_create(struct request *r)
{
	char err[PAAS_ERRLEN], id[37], key[STORE_KEY_MAX + 1], number[17];
	char name[MODEL_NAME_MAX], own[MODEL_NAME_MAX];
	struct store_txn *txn;
	json_t *app, *owner, *reply;
	uint64_t named_rev;
	const char *wanted;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (app_region_check(r, "region") == -1 ||
	    app_stack_check(r, "stack") == -1)
		return;
	wanted = model_text(r->json, "name");
	if (wanted[0] != '\0')
		strlcpy(name, wanted, sizeof(name));
	else
		app_name_make(name);
	if (app_name_check(r, name, &named_rev) == -1 ||
	    create_key(r, name, own) == -1)
		return;
	id_uuid(id);
	create_number(r, number);
	app = json_pack("{s:s, s:s, s:I, s:I, s:i, s:b, s:b, s:i}", "id", id,
	    "number", number, "created", (json_int_t)id_now(), "updated",
	    (json_int_t)id_now(), "version", 0, "stopped", 0, "maintenance", 0,
	    "generation", 0);
	request_sign(r, app);
	txn = store_begin(r->api->store);
	if (create_team(r, txn, app) == -1) {
		store_abandon(txn);
		json_decref(app);
		return;
	}
	owner = json_pack("{s:s}", "app", own);
	if (strcmp(own, name) != 0) {
		json_object_set_new(app, "name", json_string(name));
		store_if(txn, key_format(key, "app/%s", name), named_rev);
		store_put_new(txn, key_format(key, "name/%s", name), owner);
	} else
		store_if(txn, key_format(key, "name/%s", name), 0);
	reply = model_app(r->api, own, app);
	store_if(txn, key_format(key, "destroy/%s", own), 0);
	store_put_new(txn, key_format(key, "app/%s", own), app);
	store_put_new(txn, key_format(key, "number/%s", number), owner);
	create_member(r, txn, own);
	store_event(txn, own, "create", "created app %s", name);
	strlcpy(r->name, own, sizeof(r->name));
	json_decref(app);
	json_decref(owner);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
}

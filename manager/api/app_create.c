/*
 * POST /apps {"name"?}: a new app, with nothing in it.
 */
#include <bsd/string.h>

#include "api/app_name.h"
#include "api/check.h"
#include "api/id.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"name", CHECK_STRING, CHECK_NULLABLE, 0, 0, key_app_valid,
	"1 to 30 of a-z, 0-9 and '-', starting with a letter"},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static int
create_exists(struct request *r, const char *prefix, const char *name)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record;

	key_format(key, "%s/%s", prefix, name);
	record = store_get(r->api->store, key, NULL);
	json_decref(record);
	return record != NULL;
}

/* Answers if the name can't be had. */
static int
create_check(struct request *r, const char *name)
{
	if (key_app_reserved(name)) {
		respond_invalid(r,
		    "name \"%s\" is reserved for the platform: choose another",
		    name);
		return -1;
	}
	if (create_exists(r, "app", name)) {
		respond_invalid(r, "name \"%s\" is already taken", name);
		return -1;
	}
	if (create_exists(r, "destroy", name)) {
		respond_conflict(r,
		    "the last app named \"%s\" is still being taken away: try "
		    "again in a moment",
		    name);
		return -1;
	}
	return 0;
}

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

/* Numbers are kept when their app goes: they are in logs and in caches. */
static void
create_number(struct request *r, char number[17])
{
	uint64_t last = 0;

	(void)store_each_last(
	    r->api->store, "number/", create_last_number, &last);
	key_format_id(number, last + 1);
}

/* Who makes an app is its first admin; one of this machine's is so anyway. */
static void
create_member(struct request *r, struct store_txn *txn, const char *name)
{
	char id[37], key[STORE_KEY_MAX + 1];
	json_t *member;

	if (r->who.id[0] == '\0')
		return;
	id_uuid(id);
	member = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "id", id, "owner",
	    r->who.id, "role", who_role(ROLE_ADMIN), "by", r->who.name,
	    "created", (json_int_t)id_now(), "updated", (json_int_t)id_now());
	store_put(
	    txn, key_format(key, "member/%s/%s", name, r->who.name), member);
	json_decref(member);
}

void
app_create(struct request *r)
{
	char err[PAAS_ERRLEN], id[37], key[STORE_KEY_MAX + 1], number[17];
	char name[MODEL_NAME_MAX];
	struct store_txn *txn;
	json_t *app, *owner, *reply;
	const char *wanted;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	wanted = model_text(r->json, "name");
	if (wanted[0] != '\0')
		strlcpy(name, wanted, sizeof(name));
	else
		app_name_make(name);
	if (create_check(r, name) == -1)
		return;
	id_uuid(id);
	create_number(r, number);
	app = json_pack("{s:s, s:s, s:I, s:I, s:i, s:b, s:b, s:i}", "id", id,
	    "number", number, "created", (json_int_t)id_now(), "updated",
	    (json_int_t)id_now(), "version", 0, "stopped", 0, "maintenance", 0,
	    "generation", 0);
	request_sign(r, app);
	owner = json_pack("{s:s}", "app", name);
	reply = model_app(r->api, name, app);
	txn = store_begin(r->api->store);
	store_if(txn, key_format(key, "destroy/%s", name), 0);
	store_put_new(txn, key_format(key, "app/%s", name), app);
	store_put_new(txn, key_format(key, "number/%s", number), owner);
	create_member(r, txn, name);
	store_event(txn, name, "create", "created app %s", name);
	strlcpy(r->name, name, sizeof(r->name));
	json_decref(app);
	json_decref(owner);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
}

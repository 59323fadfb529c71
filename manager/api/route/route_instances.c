/*
 * What a path leads to: addresses outside, and shares of apps.
 */
#include <stdio.h>
#include <string.h>

#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/route/route_edit.h"
#include "common/address.h"
#include "store/keys.h"

#define ROUTE_ID      (UINT64_C(1) << 63)
#define ROUTE_COUNTER "counter/route"

static const struct check_field instance_fields[] = {
    {"address", CHECK_STRING, CHECK_REQUIRED, 1, ADDRESS_MAX, NULL, NULL},
    {"port", CHECK_INT, CHECK_REQUIRED, 1, 65535, NULL, NULL},
    {"weight", CHECK_INT, 0, 1, 1000, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field app_fields[] = {
    {"app", CHECK_STRING, CHECK_REQUIRED, 1, 36, NULL, NULL},
    {"weight", CHECK_INT, 0, 1, 10000, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* ---- ids --------------------------------------------------------------- */

void
route_ids_read(struct request *r, struct route_ids *ids)
{
	json_t *counter = store_get(r->api->store, ROUTE_COUNTER, &ids->rev);

	ids->next = (uint64_t)model_number(counter, "next") + (counter == NULL);
	ids->used = 0;
	json_decref(counter);
}

void
route_ids_put(const struct route_ids *ids, struct store_txn *txn)
{
	json_t *counter;

	if (!ids->used)
		return;
	counter = json_pack("{s:I}", "next", (json_int_t)ids->next);
	store_if(txn, ROUTE_COUNTER, ids->rev);
	store_put(txn, ROUTE_COUNTER, counter);
	json_decref(counter);
}

static json_t *
find_instance(json_t *list, const char *address, int64_t port)
{
	json_t *instance;
	size_t i;

	json_array_foreach (list, i, instance)
		if (strcmp(model_text(instance, "address"), address) == 0 &&
		    model_number(instance, "port") == port)
			return instance;
	return NULL;
}

/* The instance's id if it has one already, so that its counters go on. */
static uint64_t
instance_id(struct request *r, struct route_ids *ids, json_t *old)
{
	uint64_t id;

	if (old != NULL && key_parse_id(model_text(old, "id"), &id) == 0)
		return id;
	ids->used = 1;
	return ROUTE_ID | (uint64_t)store_epoch(r->api->store) << 40 |
	       ids->next++;
}

/* ---- addresses --------------------------------------------------------- */

/* The weight that was given, or the usual 100. */
static json_int_t
weight_of(json_t *wanted)
{
	return json_object_get(wanted, "weight") != NULL
		   ? (json_int_t)model_number(wanted, "weight")
		   : 100;
}

/* Adds one instance to list; where is "instances[0]". */
static int
add_instance(struct request *r, struct route_ids *ids, json_t *list,
    json_t *wanted, json_t *old, const char *where)
{
	char address[ADDRESS_MAX], err[PAAS_ERRLEN], hex[17];
	int64_t port;

	if (check_object(wanted, instance_fields, where, err) == -1) {
		respond_invalid(r, "%s", err);
		return -1;
	}
	if (address_parse(r->api->conf, model_text(wanted, "address"), address,
		err) == -1) {
		respond_invalid(r, "%s.address %s", where, err);
		return -1;
	}
	port = model_number(wanted, "port");
	if (find_instance(list, address, port) != NULL) {
		respond_invalid(
		    r, "%s is the same address and port as another one", where);
		return -1;
	}
	key_format_id(
	    hex, instance_id(r, ids, find_instance(old, address, port)));
	json_array_append_new(list,
	    json_pack("{s:s, s:I, s:I, s:s}", "address", address, "port",
		(json_int_t)port, "weight", weight_of(wanted), "id", hex));
	return 0;
}

json_t *
route_instances_make(
    struct request *r, struct route_ids *ids, json_t *wanted, json_t *old)
{
	json_t *one, *list = json_array();
	char where[32];
	size_t i;

	json_array_foreach (wanted, i, one) {
		snprintf(where, sizeof(where), "instances[%zu]", i);
		if (add_instance(r, ids, list, one, old, where) == -1) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* ---- apps -------------------------------------------------------------- */

static int
is_named(json_t *list, const char *app)
{
	json_t *share;
	size_t i;

	json_array_foreach (list, i, share)
		if (strcmp(model_text(share, "app"), app) == 0)
			return 1;
	return 0;
}

/* Its number is what tells it from a later one of the same name. */
static int
add_app(struct request *r, json_t *list, json_t *wanted, const char *where)
{
	char err[PAAS_ERRLEN], name[MODEL_NAME_MAX];
	json_t *app;
	uint64_t rev;

	if (check_object(wanted, app_fields, where, err) == -1) {
		respond_invalid(r, "%s", err);
		return -1;
	}
	app = model_find_app(r->api, model_text(wanted, "app"), name, &rev);
	if (app == NULL) {
		respond_invalid(r, "%s.app: there is no app named %.60s", where,
		    model_text(wanted, "app"));
		return -1;
	}
	if (is_named(list, name)) {
		respond_invalid(r, "%s.app %s is given twice", where, name);
		json_decref(app);
		return -1;
	}
	json_array_append_new(
	    list, json_pack("{s:s, s:s, s:I}", "app", name, "number",
		      model_text(app, "number"), "weight", weight_of(wanted)));
	json_decref(app);
	return 0;
}

json_t *
route_apps_make(struct request *r, json_t *wanted)
{
	json_t *one, *list = json_array();
	char where[32];
	size_t i;

	json_array_foreach (wanted, i, one) {
		snprintf(where, sizeof(where), "apps[%zu]", i);
		if (add_app(r, list, one, where) == -1) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int
route_names_app(json_t *record, const char *app)
{
	json_t *path;
	size_t i;

	json_array_foreach (json_object_get(record, "paths"), i, path)
		if (is_named(json_object_get(path, "apps"), app))
			return 1;
	return 0;
}

void
route_targets_put(
    struct store_txn *txn, const char *host, json_t *old, json_t *record)
{
	json_t *records[2], *path, *share, *seen = json_object();
	char key[STORE_KEY_MAX + 1];
	const char *app;
	size_t i, k, n;

	records[0] = record;
	records[1] = old;
	for (n = 0; n < 2; n++)
		json_array_foreach (
		    json_object_get(records[n], "paths"), i, path)
			json_array_foreach (
			    json_object_get(path, "apps"), k, share) {
				app = model_text(share, "app");
				if (json_object_get(seen, app) != NULL)
					continue;
				json_object_set_new(seen, app, json_true());
				key_format(key, "target/%s/%s", app, host);
				if (route_names_app(record, app)) {
					json_t *none = json_object();

					store_put(txn, key, none);
					json_decref(none);
				} else
					store_del(txn, key);
			}
	json_decref(seen);
}

/*
 * PUT /routes/HOST {"instances": [{"address", "port", "weight"?}], "path"?,
 * "strip"?, "balance"?}: sets one path of a host; other paths stay.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/check.h"
#include "api/host.h"
#include "api/id.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/route.h"
#include "common/address.h"
#include "api/verbs.h"
#include "store/keys.h"

#define ROUTE_INSTANCES_MAX 256

static int
route_balance_valid(const char *balance)
{
	static const char *const names[] = {
	    "two_choices", "round_robin", "least_conn", "ewma", "hash"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], balance) == 0)
			return 1;
	return 0;
}

static const struct check_field fields[] = {
    {"instances", CHECK_ARRAY, CHECK_REQUIRED, 1, ROUTE_INSTANCES_MAX, NULL,
	NULL},
    {"path", CHECK_STRING, 0, 1, ROUTE_PATH_MAX, NULL, NULL},
    {"strip", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {"balance", CHECK_STRING, 0, 0, 0, route_balance_valid,
	"two_choices, round_robin, least_conn, ewma or hash"},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field instance_fields[] = {
    {"address", CHECK_STRING, CHECK_REQUIRED, 1, ADDRESS_MAX, NULL, NULL},
    {"port", CHECK_INT, CHECK_REQUIRED, 1, 65535, NULL, NULL},
    {"weight", CHECK_INT, 0, 1, 1000, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

int
route_parse_path(
    struct request *r, const char *text, char prefix[ROUTE_PATH_MAX + 1])
{
	size_t len = strlcpy(prefix, text, ROUTE_PATH_MAX + 1);
	size_t fine = strcspn(text, " %?#\\\"<>");

	for (size_t i = 0; i < fine; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			fine = i;
	if (len > ROUTE_PATH_MAX || text[0] != '/' || fine != len ||
	    strstr(text, "//") != NULL || strstr(text, "/.") != NULL) {
		respond_invalid(r,
		    "path \"%.60s\" has to start with '/' and be segments as "
		    "in /docs/v2, at most %d bytes",
		    text, ROUTE_PATH_MAX);
		return -1;
	}
	if (len > 1 && prefix[len - 1] == '/')
		prefix[len - 1] = '\0';
	return 0;
}

/*
 * Ids of addresses outside are of a space of their own: the highest bit, the
 * store's epoch, a counter in the store.
 */
#define ROUTE_ID      (UINT64_C(1) << 63)
#define ROUTE_COUNTER "counter/route"

struct route_ids {
	uint64_t next; /* without the bit and the epoch */
	uint64_t rev;
	int used;
};

static void
route_ids_read(struct request *r, struct route_ids *ids)
{
	json_t *counter = store_get(r->api->store, ROUTE_COUNTER, &ids->rev);

	ids->next = (uint64_t)model_number(counter, "next") + (counter == NULL);
	ids->used = 0;
	json_decref(counter);
}

static void
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

/* The instance's id if it has one already, so that its counters go on. */
static uint64_t
route_instance_id(struct request *r, struct route_ids *ids, json_t *old,
    const char *address, int64_t port)
{
	json_t *instance;
	uint64_t id;
	size_t i;

	json_array_foreach (old, i, instance)
		if (strcmp(model_text(instance, "address"), address) == 0 &&
		    model_number(instance, "port") == port &&
		    key_parse_id(model_text(instance, "id"), &id) == 0)
			return id;
	ids->used = 1;
	return ROUTE_ID | (uint64_t)store_epoch(r->api->store) << 40 |
	       ids->next++;
}

static int
route_is_listed(json_t *list, const char *address, int64_t port)
{
	json_t *instance;
	size_t i;

	json_array_foreach (list, i, instance)
		if (strcmp(model_text(instance, "address"), address) == 0 &&
		    model_number(instance, "port") == port)
			return 1;
	return 0;
}

/* Adds one instance to list; where is "instances[0]". */
static int
route_add_instance(struct request *r, struct route_ids *ids, json_t *list,
    json_t *wanted, json_t *old, const char *where)
{
	char address[ADDRESS_MAX], err[PAAS_ERRLEN], hex[17];
	int64_t port, weight;

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
	weight = json_object_get(wanted, "weight") != NULL
		     ? model_number(wanted, "weight")
		     : 100;
	if (route_is_listed(list, address, port)) {
		respond_invalid(r,
		    "%s is the same address and port as "
		    "another one",
		    where);
		return -1;
	}
	key_format_id(hex, route_instance_id(r, ids, old, address, port));
	json_array_append_new(list,
	    json_pack("{s:s, s:I, s:I, s:s}", "address", address, "port",
		(json_int_t)port, "weight", (json_int_t)weight, "id", hex));
	return 0;
}

/* The path's new record, or NULL after an answer. */
static json_t *
route_make_path(
    struct request *r, struct route_ids *ids, const char *prefix, json_t *old)
{
	json_t *wanted, *list = json_array();
	json_t *balance = json_object_get(r->json, "balance");
	json_t *known =
	    json_object_get(json_object_get(old, "pool"), "instances");
	char where[32];
	size_t i;

	json_array_foreach (json_object_get(r->json, "instances"), i, wanted) {
		snprintf(where, sizeof(where), "instances[%zu]", i);
		if (route_add_instance(r, ids, list, wanted, known, where) ==
		    -1) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:s, s:b, s:{s:s, s:o}}", "prefix", prefix, "strip",
	    json_is_true(json_object_get(r->json, "strip")), "pool", "balance",
	    balance != NULL ? json_string_value(balance) : "two_choices",
	    "instances", list);
}

/* Sets the path in a copy of the route, or in a new one. */
static json_t *
route_set_path(
    struct request *r, struct route_ids *ids, json_t *route, const char *prefix)
{
	json_t *path, *made, *old = NULL, *paths = json_array();
	size_t i;

	json_array_foreach (json_object_get(route, "paths"), i, path) {
		if (strcmp(model_text(path, "prefix"), prefix) == 0)
			old = path;
		else
			json_array_append(paths, path);
	}
	if ((made = route_make_path(r, ids, prefix, old)) == NULL) {
		json_decref(paths);
		return NULL;
	}
	json_array_append_new(paths, made);
	if (json_array_size(paths) > PAAS_ROUTEDB_PATHS_MAX) {
		respond_invalid(
		    r, "a host has at most %d paths", PAAS_ROUTEDB_PATHS_MAX);
		json_decref(paths);
		return NULL;
	}
	route = route != NULL
		    ? model_touch(route)
		    : json_pack("{s:I, s:I}", "created", (json_int_t)id_now(),
			  "updated", (json_int_t)id_now());
	json_object_set_new(route, "paths", paths);
	return route;
}

static int
route_is_free(struct request *r, const char *host)
{
	char key[STORE_KEY_MAX + 1];
	json_t *domain;

	domain =
	    store_get(r->api->store, key_format(key, "domain/%s", host), NULL);
	if (domain == NULL)
		return 1;
	respond_invalid(r,
	    "host \"%s\" is a domain of the app %s: remove it there first, "
	    "with paas domains:remove",
	    host, model_text(domain, "app"));
	json_decref(domain);
	return 0;
}

static void
route_commit(struct request *r, const char *host, json_t *old, uint64_t rev)
{
	char key[STORE_KEY_MAX + 1], prefix[ROUTE_PATH_MAX + 1];
	const char *path = model_text(r->json, "path");
	struct route_ids ids;
	struct store_txn *txn;
	json_t *route;

	if (route_parse_path(r, path[0] != '\0' ? path : "/", prefix) == -1)
		return;
	route_ids_read(r, &ids);
	if ((route = route_set_path(r, &ids, old, prefix)) == NULL)
		return;
	txn = store_begin(r->api->store);
	store_if(txn, key_format(key, "domain/%s", host), 0);
	key_format(key, "route/%s", host);
	store_if(txn, key, rev);
	store_put(txn, key, route);
	route_ids_put(&ids, txn);
	request_commit(r, txn, old != NULL ? MHD_HTTP_OK : MHD_HTTP_CREATED,
	    model_route(host, route));
	json_decref(route);
}

void
route_put(struct request *r)
{
	char err[PAAS_ERRLEN], host[HOST_MAX], key[STORE_KEY_MAX + 1];
	json_t *old;
	uint64_t rev;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (host_claim(r, r->params[0], host) == -1 || !route_is_free(r, host))
		return;
	old = store_get(r->api->store, key_format(key, "route/%s", host), &rev);
	route_commit(r, host, old, rev);
	json_decref(old);
}

/*
 * PATCH /apps/APP/formation/TYPE {"quantity", "size"}, and several types at
 * once: PATCH /apps/APP/formation {"updates": [{"type", "quantity", "size"}]}.
 * Of a type alone also its times (formation_times.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/dyno/dyno.h"
#include "api/dyno/formation.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

#define FORMATION_UPDATES_MAX 20

static const struct check_field batch_fields[] = {
    {"updates", CHECK_ARRAY, CHECK_REQUIRED, 1, FORMATION_UPDATES_MAX, NULL,
	NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field update_fields[] = {
    {"type", CHECK_STRING, CHECK_REQUIRED, 0, 0, key_app_valid,
	"the name of a process type, as web"},
    {"quantity", CHECK_NUMBER, 0, INT64_MIN, INT64_MAX, NULL, NULL},
    {"size", CHECK_STRING, 0, 0, 0, dyno_size_is, DYNO_SIZE_FORM},
    {"dyno_size", CHECK_OBJECT, 0, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

void
formation_unknown(
    struct request *r, unsigned int status, const char *where, const char *type)
{
	json_t *command, *types = formation_types(r);
	char known[PAAS_ERRLEN] = "";
	const char *name;
	size_t len;

	json_object_foreach (types, name, command) {
		len = strlen(known);
		snprintf(known + len, sizeof(known) - len, "%s%s",
		    len > 0 ? ", " : "", name);
	}
	if (known[0] == '\0')
		respond_error(r, status,
		    status == MHD_HTTP_NOT_FOUND ? "not_found"
						 : "invalid_params",
		    "%stype \"%.60s\" is not known: %s has no release yet, "
		    "push it first",
		    where, type, request_app(r));
	else
		respond_error(r, status,
		    status == MHD_HTTP_NOT_FOUND ? "not_found"
						 : "invalid_params",
		    "%stype \"%.60s\" is not in the release; it has: %s", where,
		    type, known);
	json_decref(types);
}

/* One change on its way; where names it in messages: "updates[1]." */
struct update {
	const char *type;
	int64_t quantity;
	int keeps; /* how many there are: it names a size alone */
	int more;  /* quantity is that many more, or less */
	char where[32];
};

/*
 * "+1" and "-1", texts with a sign, are said of how many there are, as in
 * ps:scale web+1.  Returns whether it is one, and takes the '+' away, which no
 * number has.
 */
static int
update_is_relative(json_t *item)
{
	const char *text = json_string_value(json_object_get(item, "quantity"));

	if (text == NULL || (text[0] != '+' && text[0] != '-'))
		return 0;
	if (text[0] == '+' && text[1] != '-')
		json_object_set_new(item, "quantity", json_string(text + 1));
	return 1;
}

/* What is asked of one type, found fine but for the number itself. */
static int
update_read(json_t *given, const struct check_field *fields, const char *where,
    struct update *update, char err[PAAS_ERRLEN])
{
	/* The request may be read again. */
	json_t *item = json_copy(given);
	int rc;

	update->more = update_is_relative(item);
	update->keeps = json_object_get(item, "quantity") == NULL;
	rc = check_object(item, fields, where, err);
	update->quantity = check_number(json_object_get(item, "quantity"));
	json_decref(item);
	if (rc == -1 || dyno_size_check(given, where, err) == -1)
		return -1;
	if (!update->keeps || json_object_get(given, "size") != NULL ||
	    json_object_get(given, "dyno_size") != NULL)
		return 0;
	snprintf(err, PAAS_ERRLEN, "%s%squantity is missing", where,
	    where[0] != '\0' ? "." : "");
	return -1;
}

/* Its load says how many, unless there are none or there shall be none. */
static int
update_is_auto(struct request *r, const struct update *update)
{
	json_t *formation =
	    model_get_formation(r->api, r->name, update->type, NULL);
	int is = json_object_get(formation, "autoscale") != NULL &&
		 update->quantity > 0 &&
		 model_number(formation, "quantity") > 0;

	json_decref(formation);
	if (is)
		respond_invalid(r,
		    "%stype \"%.60s\" is scaled by its load: paas "
		    "autoscale:set has the bounds, and after paas "
		    "autoscale:off it is scaled by hand",
		    update->where, update->type);
	return is;
}

/* How many there shall be, of how many more. */
static void
update_resolve(struct request *r, struct update *update)
{
	json_t *formation;

	if (!update->more)
		return;
	formation = model_get_formation(r->api, r->name, update->type, NULL);
	if (__builtin_add_overflow(update->quantity,
		model_number(formation, "quantity"), &update->quantity))
		update->quantity = INT64_MAX;
	update->more = 0;
	json_decref(formation);
}

static int
update_check(struct request *r, struct update *update, json_t *types)
{
	update_resolve(r, update);
	if (!update->keeps &&
	    (update->quantity < 0 ||
		update->quantity > (int64_t)r->api->conf->scale_max)) {
		respond_invalid(r,
		    "%squantity has to be 0 to %" PRIu32 ", not %" PRId64
		    " (scale_max in paas.conf)",
		    update->where, r->api->conf->scale_max, update->quantity);
		return -1;
	}
	if (json_object_get(types, update->type) != NULL)
		return !update->keeps && update_is_auto(r, update) ? -1 : 0;
	formation_unknown(
	    r, MHD_HTTP_UNPROCESSABLE_CONTENT, update->where, update->type);
	return -1;
}

/* Returns the type's new shape. */
static json_t *
update_put(struct request *r, struct store_txn *txn,
    const struct update *update, json_t *command)
{
	json_t *formation;
	uint64_t rev;

	formation = model_get_formation(r->api, r->name, update->type, &rev);
	if (!update->keeps)
		json_object_set_new(
		    formation, "quantity", json_integer(update->quantity));
	return formation_put(
	    r, txn, update->type, json_string_value(command), formation, rev);
}

static void
update_describe(
    char *text, size_t len, const struct update *updates, size_t count)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && at < len; i++) {
		if (updates[i].keeps)
			continue;
		at += (size_t)snprintf(text + at, len - at, "%s%s=%" PRId64,
		    at > 0 ? " " : "", updates[i].type, updates[i].quantity);
	}
}

/* Checks all, then changes all in one commit; alone: answer the one shape. */
static void
update_all(struct request *r, struct update *updates, size_t count, int alone)
{
	json_t *shape, *list = json_array(), *types = formation_types(r);
	struct store_txn *txn;
	char text[PAAS_ERRLEN];
	size_t i;

	for (i = 0; i < count; i++)
		if (update_check(r, &updates[i], types) == -1)
			break;
	if (i < count) {
		json_decref(list);
		json_decref(types);
		return;
	}
	txn = app_change_begin(r);
	for (i = 0; i < count; i++) {
		shape = update_put(r, txn, &updates[i],
		    json_object_get(types, updates[i].type));
		json_array_append_new(list, shape);
	}
	update_describe(text, sizeof(text), updates, count);
	if (text[0] != '\0')
		store_event(txn, r->name, "scale", "scaled to %s", text);
	json_decref(types);
	if (!alone) {
		request_commit(r, txn, MHD_HTTP_OK, list);
		return;
	}
	shape = json_incref(json_array_get(list, 0));
	json_decref(list);
	request_commit(r, txn, MHD_HTTP_OK, shape);
}

void
formation_update(struct request *r)
{
	struct update update = {.type = r->params[1]};
	char err[PAAS_ERRLEN];

	if (formation_has_times(r->json)) {
		formation_times(r);
		return;
	}
	if (update_read(r->json, update_fields + 1, "", &update, err) == -1)
		respond_invalid(r, "%s", err);
	else
		update_all(r, &update, 1, 1);
}

static int
batch_read(
    json_t *list, struct update *updates, size_t *count, char err[PAAS_ERRLEN])
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		snprintf(updates[i].where, sizeof(updates[i].where),
		    "updates[%zu]", i);
		if (update_read(item, update_fields, updates[i].where,
			&updates[i], err) == -1)
			return -1;
		updates[i].type = model_text(item, "type");
		for (size_t j = 0; j < i; j++)
			if (strcmp(updates[j].type, updates[i].type) == 0) {
				snprintf(err, PAAS_ERRLEN,
				    "updates[%zu].type \"%s\" is given twice",
				    i, updates[i].type);
				return -1;
			}
		snprintf(updates[i].where, sizeof(updates[i].where),
		    "updates[%zu].", i);
	}
	*count = json_array_size(list);
	return 0;
}

void
formation_batch(struct request *r)
{
	struct update updates[FORMATION_UPDATES_MAX] = {0};
	char err[PAAS_ERRLEN];
	size_t count = 0;

	if (check_object(r->json, batch_fields, "", err) == -1 ||
	    batch_read(json_object_get(r->json, "updates"), updates, &count,
		err) == -1)
		respond_invalid(r, "%s", err);
	else
		update_all(r, updates, count, 0);
}

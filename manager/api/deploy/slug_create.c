/*
 * POST /apps/APP/slugs {"process_types", "buildpack_provided_description",
 * "checksum", "commit", "commit_description", "stack"}: a slug that is made
 * elsewhere.  Its archive goes to blob.url by PUT, and POST
 * /apps/APP/releases with its id releases it.
 * https://devcenter.heroku.com/articles/platform-api-reference#slug-create
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/access/signed_url.h"
#include "api/app/app_change.h"
#include "api/app/app_stack.h"
#include "api/deploy/build_way.h"
#include "api/deploy/slug.h"
#include "api/deploy/source.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "common/health_rule.h"
#include "node/node.h"
#include "store/keys.h"

#define TEXT_MAX     200
#define TYPES_MAX    32    /* as the sandbox has it */
#define COMMANDS_MAX 16384 /* bytes of all */

/* Of those that were never released, the newest are kept, for a day. */
#define DRAFTS_KEPT 50
#define DRAFT_LIFE  (24LL * 3600 * 1000000)

static const struct check_field fields[] = {
    {"process_types", CHECK_OBJECT, CHECK_REQUIRED, 0, 0, NULL, NULL},
    {"buildpack_provided_description", CHECK_STRING, CHECK_NULLABLE, 0,
	TEXT_MAX, NULL, NULL},
    {"checksum", CHECK_STRING, CHECK_NULLABLE, 1, BUILD_CHECKSUM_LEN,
	build_is_checksum, BUILD_CHECKSUM " and 64 hex digits"},
    {"commit", CHECK_STRING, CHECK_NULLABLE, 0, TEXT_MAX, NULL, NULL},
    {"commit_description", CHECK_STRING, CHECK_NULLABLE, 0, TEXT_MAX, NULL,
	NULL},
    {"stack", CHECK_STRING, CHECK_NULLABLE, 1, 64, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* 0, or -1 after an answer. */
static int
types_check(struct request *r, json_t *types)
{
	const char *type, *command;
	size_t all = 0;
	json_t *value;

	if (json_object_size(types) == 0 ||
	    json_object_size(types) > TYPES_MAX) {
		respond_invalid(r,
		    "process_types has to have 1 to %d types, as {\"web\": "
		    "\"./server\"}",
		    TYPES_MAX);
		return -1;
	}
	json_object_foreach (types, type, value) {
		command = json_string_value(value);
		if (!key_app_valid(type) || command == NULL ||
		    command[0] == '\0' || !health_command_valid(command)) {
			respond_invalid(r,
			    "process_types.%.60s has to be a name of a-z, 0-9 "
			    "and '-', and one line of shell, %d bytes at most",
			    type, HEALTH_COMMAND_MAX);
			return -1;
		}
		all += strlen(command);
	}
	if (all <= COMMANDS_MAX)
		return 0;
	respond_invalid(
	    r, "process_types may have %d bytes in all", COMMANDS_MAX);
	return -1;
}

static int
create_check(struct request *r)
{
	const char *stack = model_text(r->json, "stack");
	char err[PAAS_ERRLEN];

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return -1;
	}
	if (stack[0] != '\0' && strcmp(stack, r->api->stack) != 0) {
		respond_invalid(
		    r, "stack has to be %s: there is no other", r->api->stack);
		return -1;
	}
	return types_check(r, json_object_get(r->json, "process_types"));
}

/* ---- the record ---------------------------------------------------------- */

json_t *
slug_draft(struct request *r, const char *id)
{
	char key[STORE_KEY_MAX + 1];
	uint64_t number;

	if (key_parse_id(id, &number) == -1)
		return NULL;
	return store_get(
	    r->api->store, key_format(key, "draft/%s/%s", r->name, id), NULL);
}

uint64_t
slug_owner(const struct request *r)
{
	char text[64];
	uint64_t owner;

	snprintf(text, sizeof(text), "app %s", model_text(r->app, "number"));
	(void)crypto_generichash((uint8_t *)&owner, sizeof(owner),
	    (const uint8_t *)text, strlen(text), NULL, 0);
	return owner;
}

json_t *
slug_draft_json(struct request *r, const char *id, json_t *draft, json_t *blob)
{
	return json_pack(
	    "{s:s, s:o, s:O?, s:O?, s:O?, s:O?, s:O, s:n, s:o, s:o, s:o}", "id",
	    id, "blob", blob, "buildpack_provided_description",
	    json_object_get(draft, "buildpack"), "checksum",
	    json_object_get(draft, "checksum"), "commit",
	    json_object_get(draft, "commit"), "commit_description",
	    json_object_get(draft, "commit_description"), "process_types",
	    json_object_get(draft, "types"), "size", "stack",
	    app_stack_ref("stack", r->api->stack), "created_at",
	    id_time_of(draft, "created"), "updated_at",
	    id_time_of(draft, "created"));
}

/* ---- the verb ------------------------------------------------------------ */

struct prune {
	struct store_txn *txn;
	int64_t before;
	int count;
};

/* Ids grow with time: from the newest on, those beyond a number go. */
static int
draft_prune(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct prune *prune = arg;

	(void)rev;
	if (++prune->count >= DRAFTS_KEPT ||
	    model_number(record, "created") < prune->before)
		store_del(prune->txn, key);
	return prune->count == 4 * DRAFTS_KEPT;
}

static json_t *
create_record(struct request *r)
{
	return json_pack("{s:I, s:O, s:O?, s:O?, s:O?, s:O?}", "created",
	    (json_int_t)id_now(), "types",
	    json_object_get(r->json, "process_types"), "buildpack",
	    json_object_get(r->json, "buildpack_provided_description"),
	    "checksum", json_object_get(r->json, "checksum"), "commit",
	    json_object_get(r->json, "commit"), "commit_description",
	    json_object_get(r->json, "commit_description"));
}

void
slug_create(struct request *r)
{
	char hex[17], key[STORE_KEY_MAX + 1], user[WHO_NAME];
	struct prune prune = {NULL, id_now() - DRAFT_LIFE, 0};
	json_t *draft, *reply;
	uint64_t id;

	if (create_check(r) == -1)
		return;
	if ((id = node_next_id(r->api->node)) == 0) {
		respond_error(r, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "service_unavailable",
		    "no id is at hand: try again in a second");
		return;
	}
	key_format_id(hex, id);
	draft = create_record(r);
	prune.txn = app_change_begin(r);
	(void)store_each_last(r->api->store,
	    key_format(key, "draft/%s/", r->name), draft_prune, &prune);
	store_put_new(
	    prune.txn, key_format(key, "draft/%s/%s", r->name, hex), draft);
	request_user(r, user, sizeof(user));
	store_event(prune.txn, r->name, "slug",
	    "slug %s by %s waits for its archive", hex, user);
	reply = slug_draft_json(r, hex, draft,
	    json_pack("{s:s, s:o}", "method", "put", "url",
		source_put_url(r, slug_owner(r), id)));
	json_decref(draft);
	request_commit(r, prune.txn, MHD_HTTP_CREATED, reply);
}

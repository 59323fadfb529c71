#include "api/access/audit.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/model.h"
#include "api/http/client_ids.h"
#include "api/http/request.h"
#include "store/keys.h"

#define VALUE_MAX 254 /* bytes that are told of a value */

/*
 * What the body of a change says of who may what: the path alone does not tell
 * whom it was about.  By routes and names, as any other body may hold secrets,
 * by whatever name.
 */
static const struct {
	const char *path;
	const char *fields[3];
} told[] = {
    {"/account/app-transfers", {"app", "recipient"}},
    {"/apps/:", {"name"}},
    {"/apps/:/collaborators", {"user", "role"}},
    {"/apps/:/collaborators/:", {"role"}},
    {"/apps/:/domains", {"hostname"}},
    {"/apps/:/teams/:", {"role"}},
    {"/setup-tokens", {"email"}},
    {"/teams", {"name", "overall_role"}},
    {"/teams/:", {"name", "overall_role"}},
    {"/teams/:/members", {"email", "role"}},
    {"/teams/apps", {"name", "team"}},
    {"/teams/apps/:", {"owner"}},
    {"/teams/apps/:/collaborators", {"user", "role"}},
    {"/teams/apps/:/collaborators/:", {"role"}},
    {"/tokens", {"app", "scope"}},
    {"/users", {"email", "role"}},
    {"/users/:", {"role", "suspended"}},
};

#define TOLD        (sizeof(told) / sizeof(told[0]))
#define TOLD_FIELDS (sizeof(told[0].fields) / sizeof(told[0].fields[0]))

/* " FIELD=VALUE" goes behind the text. */
static void
audit_tell(char *text, size_t size, const char *field, json_t *value)
{
	const char *is = json_string_value(value);
	size_t len = strlen(text), n;

	if (json_is_boolean(value))
		is = json_is_true(value) ? "true" : "false";
	if (is == NULL)
		return;
	(void)snprintf(
	    text + len, size - len, " %s=%.*s", field, VALUE_MAX, is);
	for (n = len + 1; text[n] != '\0'; n++)
		if ((unsigned char)text[n] <= ' ' || text[n] >= 0x7f)
			text[n] = '?';
}

static void
audit_tell_body(const struct request *r, char *text, size_t size)
{
	for (size_t i = 0; i < TOLD; i++)
		for (size_t j = 0; strcmp(told[i].path, r->route->path) == 0 &&
				   j < TOLD_FIELDS && told[i].fields[j] != NULL;
		     j++)
			audit_tell(text, size, told[i].fields[j],
			    json_object_get(r->json, told[i].fields[j]));
}

void
audit_add(struct request *r, struct store_txn *txn)
{
	char text[sizeof(r->path) + 16 + TOLD_FIELDS * (VALUE_MAX + 20)];
	char user[WHO_NAME], token[17] = "";
	json_t *record, *ids;

	request_user(r, user, sizeof(user));
	if (r->who.token != 0)
		key_format_id(token, r->who.token);
	snprintf(text, sizeof(text), "%s %s", r->route->method, r->path);
	audit_tell_body(r, text, sizeof(text));
	record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "user", user,
	    "address", r->who.address, "app", r->name, "token", token,
	    "request", r->id, "kind", "audit");
	if (record == NULL)
		return;
	if ((ids = client_ids(r)) != NULL)
		json_object_set_new(record, "client_requests", ids);
	store_event_record(txn, KEY_PLATFORM, record, text);
	json_decref(record);
}

void
audit_note(struct request *r)
{
	struct store_txn *txn = store_begin(r->api->store);

	audit_add(r, txn);
	store_commit(txn, NULL, NULL);
}

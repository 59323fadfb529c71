/* Tokens and sessions as the path names them, for those who may see them. */
#include <string.h>

#include "api/model.h"
#include "api/http/request.h"
#include "api/access/token.h"

int
token_is_seen(const struct request *r, json_t *record)
{
	return who_owns_all(&r->who) ||
	       strcmp(model_text(record, "owner"), r->who.id) == 0;
}

int
token_find(struct request *r, const char *kind, uint64_t own,
    struct token_found *found)
{
	const char *which = r->params[0];
	uint64_t id = 0;

	found->record = NULL;
	if (strcmp(which, "~") == 0)
		id = own;
	else
		(void)key_parse_id(which, &id);
	key_format_id(found->id, id);
	key_format(found->key, "%s/%s", kind, found->id);
	if (id != 0)
		found->record =
		    store_get(r->api->store, found->key, &found->rev);
	if (found->record != NULL && token_is_seen(r, found->record))
		return 0;
	json_decref(found->record);
	return -1;
}

/* Records by the ids that the API has given them, which are not in their keys.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/model.h"

struct find {
	const char *id;
	char *key;
	uint64_t *rev;
	json_t *record;
};

static int
find_by_id(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct find *find = arg;

	if (strcmp(model_text(record, "id"), find->id) != 0)
		return 0;
	strlcpy(find->key, key, STORE_KEY_MAX + 1);
	*find->rev = rev;
	find->record = json_incref(record);
	return 1;
}

json_t *
model_find_id(struct store *store, const char *prefix, const char *id,
    char key[STORE_KEY_MAX + 1], uint64_t *rev)
{
	struct find find = {id, key, rev, NULL};

	*rev = 0;
	(void)store_each(store, prefix, find_by_id, &find);
	return find.record;
}

#include "api/http/client_ids.h"

#include <string.h>

#include "api/http/id.h"
#include "api/http/request.h"

/* With hyphens or, as some programs of Heroku's have them, without. */
static int
id_read(const char *at, size_t len, char id[37])
{
	if (len != 36 && len != 32)
		return 0;
	memcpy(id, at, len);
	id[len] = '\0';
	return len == 36 ? id_is_uuid(id)
			 : strspn(id, "0123456789abcdef") == len;
}

json_t *
client_ids(const struct request *r)
{
	const char *at = NULL;
	json_t *ids = NULL;
	char id[37];
	size_t len;

	if (!request_gone(r))
		at = MHD_lookup_connection_value(
		    r->conn, MHD_HEADER_KIND, "Request-Id");
	for (; at != NULL && *at != '\0'; at += len) {
		at += strspn(at, ", \t");
		len = strcspn(at, ", \t");
		if (!id_read(at, len, id))
			continue;
		if (ids == NULL)
			ids = json_array();
		json_array_append_new(ids, json_string(id));
		if (json_array_size(ids) == CLIENT_IDS_MAX)
			break;
	}
	return ids;
}

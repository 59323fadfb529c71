#include "api/signed_url.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "store/keys.h"

#define HOST_MAX 255

/* ---- where the client came to ---------------------------------------- */

/* Only nginx is there to say so. */
static const char *
forwarded(const struct request *r, const char *name)
{
	return r->door->kind == DOOR_TOKENS
		   ? MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name)
		   : NULL;
}

/* As it came, if it can be nothing but a host and a port. */
static const char *
host_of(const struct request *r)
{
	const char *host = forwarded(r, "X-Forwarded-Host");
	size_t len;

	if (host == NULL)
		host = MHD_lookup_connection_value(
		    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	if (host == NULL)
		return NULL;
	len = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			   "XYZ0123456789.-_:[]");
	return len > 0 && len <= HOST_MAX && host[len] == '\0' ? host : NULL;
}

static const char *
scheme_of(const struct request *r)
{
	const char *scheme = forwarded(r, "X-Forwarded-Proto");

	return scheme != NULL && strcmp(scheme, "https") == 0 ? "https"
							      : "http";
}

json_t *
signed_url(const struct request *r, const char *text, const char *query)
{
	const char *host = r->conn != NULL ? host_of(r) : NULL;
	char mac[ACCESS_MAC_TEXT];

	if (host == NULL)
		return json_null();
	access_sign(r->api->access, text, strlen(text), mac);
	return json_sprintf(
	    "%s://%s/streams/%s%s%s", scheme_of(r), host, text, mac, query);
}

/* ---- and back -------------------------------------------------------- */

size_t
signed_text(const struct request *r, const char *segment)
{
	size_t len = strlen(segment);
	char mac[ACCESS_MAC_TEXT];

	if (len < sizeof(mac))
		return 0;
	len -= sizeof(mac) - 1;
	access_sign(r->api->access, segment, len, mac);
	return segment[len - 1] == '_' &&
		       sodium_memcmp(mac, segment + len, sizeof(mac) - 1) == 0
		   ? len
		   : 0;
}

int
signed_number(const char *at, uint64_t *number)
{
	char hex[17];

	memcpy(hex, at, sizeof(hex) - 1);
	hex[16] = '\0';
	return key_parse_id(hex, number);
}

int
signed_app(const struct request *r, uint64_t number, char name[MODEL_NAME_MAX])
{
	char key[STORE_KEY_MAX + 1];
	json_t *owner, *app = NULL;
	uint64_t is = 0;

	owner = store_get(
	    r->api->store, key_format(key, "number/%016" PRIx64, number), NULL);
	snprintf(name, MODEL_NAME_MAX, "%s", model_text(owner, "app"));
	json_decref(owner);
	if (key_app_valid(name))
		app = store_get(
		    r->api->store, key_format(key, "app/%s", name), NULL);
	if (app == NULL || key_parse_id(model_text(app, "number"), &is) == -1)
		is = 0;
	json_decref(app);
	return is == number ? 0 : -1;
}

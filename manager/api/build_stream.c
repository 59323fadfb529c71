/*
 * GET /streams/stream_APP BUILD EXPIRES _MAC (no blanks; 16 hex digits each of
 * the app's number, the build's id, and a time in microseconds): what a build
 * prints, to its end.  Whoever has the path may read it.
 */
#include "api/build_stream.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/access.h"
#include "api/id.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

#define PREFIX "stream_"
#define FIELDS 3
#define SIGNED (sizeof(PREFIX) - 1 + FIELDS * 16 + 1)
#define TEXT   (SIGNED + ACCESS_MAC_TEXT)
#define LIFE   (24 * 3600 * 1000000LL)

#define HOST_MAX 255

/* As it came, if it can be nothing but a host and a port. */
static const char *
host_of(const struct request *r)
{
	const char *host = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	size_t len;

	if (host == NULL)
		return NULL;
	len = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			   "XYZ0123456789.-_:[]");
	return len > 0 && len <= HOST_MAX && host[len] == '\0' ? host : NULL;
}

static const char *
scheme_of(const struct request *r)
{
	const char *scheme = NULL;

	/* Only nginx is there to say so. */
	if (r->door->kind == DOOR_TOKENS)
		scheme = MHD_lookup_connection_value(
		    r->conn, MHD_HEADER_KIND, "X-Forwarded-Proto");
	return scheme != NULL && strcmp(scheme, "https") == 0 ? "https"
							      : "http";
}

json_t *
build_stream_url(const struct request *r, json_t *app, json_t *build)
{
	const char *number = model_text(app, "number");
	const char *id = model_text(build, "id");
	const char *host = r->conn != NULL ? host_of(r) : NULL;
	char text[TEXT];

	if (host == NULL || strlen(number) != 16 || strlen(id) != 16)
		return json_null();
	snprintf(text, sizeof(text), PREFIX "%s%s%016" PRIx64 "_", number, id,
	    (uint64_t)(id_now() + LIFE));
	access_sign(r->api->access, text, SIGNED, text + SIGNED);
	return json_sprintf(
	    "%s://%s/streams/%s?heartbeat=1", scheme_of(r), host, text);
}

/* The build's app and id; 0, or -1 if it is none of ours, or too old. */
static int
stream_parse(struct request *r, const char *text, uint64_t *app, uint64_t *id)
{
	uint64_t expires, *const fields[FIELDS] = {app, id, &expires};
	char mac[ACCESS_MAC_TEXT], hex[17];

	if (strlen(text) != TEXT - 1 ||
	    strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return -1;
	access_sign(r->api->access, text, SIGNED, mac);
	if (sodium_memcmp(mac, text + SIGNED, sizeof(mac) - 1) != 0)
		return -1;
	for (size_t i = 0; i < FIELDS; i++) {
		memcpy(hex, text + strlen(PREFIX) + 16 * i, 16);
		hex[16] = '\0';
		if (key_parse_id(hex, fields[i]) == -1)
			return -1;
	}
	return (uint64_t)id_now() < expires ? 0 : -1;
}

/* Of the app that has this number now; another one may have got its name. */
static int
stream_app(struct request *r, uint64_t number, char name[MODEL_NAME_MAX])
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

void
build_stream(struct request *r)
{
	char key[STORE_KEY_MAX + 1], name[MODEL_NAME_MAX];
	uint64_t app, id;
	json_t *build = NULL;

	if (stream_parse(r, r->params[0], &app, &id) == 0 &&
	    stream_app(r, app, name) == 0)
		build = store_get(r->api->store,
		    key_format(key, "build/%s/%016" PRIx64, name, id), NULL);
	if (build == NULL)
		respond_missing(r, "there is no such output, or not any more: "
				   "ask for its build again");
	else
		build_log_open(r, name, id);
	json_decref(build);
}

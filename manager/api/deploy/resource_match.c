/*
 * POST /apps/APP/resources {"resources": [{"sha256", "size", "mode"}]}: which
 * of these files a push of this app need not send, as Cloud Foundry's
 * resource_matches.  The answer has those that are known, as they were sent.
 *
 * Known is what the last push of this very app held, never another app's: who
 * asks learns nothing but what a pusher of the app may read anyway.
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/check.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "build/build.h"
#include "common/push.h"
#include "store/keys.h"

#define RESOURCES_MAX 5000 /* in one request */

static int
is_hash(const char *text)
{
	uint8_t hash[PUSH_HASH];

	return strlen(text) == sizeof(hash) * 2 &&
	       push_hash_parse(text, hash) == 0;
}

static const struct check_field fields[] = {
    {"resources", CHECK_ARRAY, CHECK_REQUIRED, 0, RESOURCES_MAX, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* The mode is Cloud Foundry's to send; what counts is in the push's list. */
static const struct check_field resource_fields[] = {
    {"sha256", CHECK_STRING, CHECK_REQUIRED, 64, 64, is_hash,
	"64 of 0-9 and a-f"},
    {"size", CHECK_INT, CHECK_REQUIRED, 0, INT64_MAX, NULL,
	"a number of bytes"},
    {"mode", CHECK_STRING, 0, 1, 7, NULL, "octal digits"},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* All of them as the build room wants them; NULL after an answer. */
static struct build_resource *
read_all(struct request *r, json_t *list)
{
	struct build_resource *v =
	    calloc(json_array_size(list) + 1, sizeof(*v));
	char err[PAAS_ERRLEN], where[32];
	json_t *one;
	size_t i;

	if (v == NULL) {
		respond_broken(r, "out of memory");
		return NULL;
	}
	json_array_foreach (list, i, one) {
		snprintf(where, sizeof(where), "resources[%zu]", i);
		if (check_object(one, resource_fields, where, err) == -1) {
			respond_invalid(r, "%s", err);
			free(v);
			return NULL;
		}
		(void)push_hash_parse(
		    json_string_value(json_object_get(one, "sha256")),
		    v[i].hash);
		v[i].size =
		    (uint64_t)json_integer_value(json_object_get(one, "size"));
	}
	return v;
}

void
resource_match(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct build_resource *v;
	json_t *known, *list, *one;
	uint64_t number = 0;
	size_t i;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	list = json_object_get(r->json, "resources");
	if ((v = read_all(r, list)) == NULL)
		return;
	(void)key_parse_id(model_text(r->app, "number"), &number);
	build_match(r->api->build, number, v, json_array_size(list));
	known = json_array();
	json_array_foreach (list, i, one)
		if (v[i].known)
			json_array_append(known, one);
	free(v);
	respond_json(r, MHD_HTTP_OK, json_pack("{s:o}", "resources", known));
}

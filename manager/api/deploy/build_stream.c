/*
 * GET /streams/stream_APP BUILD EXPIRES BASIS _MAC (no blanks; 16 hex digits
 * each of the app's number, the build's id, and a time in microseconds, then
 * signed_basis()): what a build prints, to its end.  Whoever has the path may
 * read it, for as long as who asked for it may.
 */
#include "api/deploy/build_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/access/signed_url.h"
#include "store/keys.h"

#define PREFIX "stream_"
#define FIELDS 3
#define BASIS  (sizeof(PREFIX) - 1 + FIELDS * 16)
#define TEXT   (BASIS + SIGNED_BASIS + 1)
#define LIFE   (24 * 3600 * 1000000LL)
#define STEP   (3600 * 1000000LL) /* one URL for so long */

json_t *
build_stream_url(const struct request *r, json_t *app, json_t *build)
{
	const char *number = model_text(app, "number");
	const char *id = model_text(build, "id");
	char basis[SIGNED_BASIS + 1], text[TEXT + 1];
	uint64_t expires;

	if (strlen(number) != 16 || strlen(id) != 16)
		return json_null();
	signed_basis(r, basis);
	/* With another one each time no list of builds is ever the same. */
	expires = (uint64_t)(id_now() + LIFE + STEP) / STEP * STEP;
	snprintf(text, sizeof(text), PREFIX "%s%s%016" PRIx64 "%s_", number, id,
	    expires, basis);
	return signed_url(r, text, "?heartbeat=1");
}

/* The build's app and id; 0, or -1 if it is none of ours, or too old. */
static int
stream_parse(const char *text, size_t len, uint64_t *app, uint64_t *id)
{
	uint64_t expires, *const fields[FIELDS] = {app, id, &expires};

	if (len != TEXT)
		return -1;
	for (size_t i = 0; i < FIELDS; i++) {
		if (signed_number(text + strlen(PREFIX) + 16 * i, fields[i]) ==
		    -1)
			return -1;
	}
	return (uint64_t)id_now() < expires ? 0 : -1;
}

int
build_stream_open(struct request *r, const char *text, size_t len)
{
	char key[STORE_KEY_MAX + 1];
	uint64_t app, id;
	json_t *build = NULL;

	if (stream_parse(text, len, &app, &id) == 0 &&
	    signed_open(r, app, text + BASIS) == 0)
		build = store_get(r->api->store,
		    key_format(key, "build/%s/%016" PRIx64, r->name, id), NULL);
	if (build == NULL)
		return -1;
	build_log_open(r, r->name, id);
	json_decref(build);
	return 0;
}

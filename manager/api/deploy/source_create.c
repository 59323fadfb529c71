/*
 * POST /sources, and /apps/APP/sources: two URLs, as Heroku has them.  PUT an
 * archive to put_url, then name get_url as source_blob of POST
 * /apps/APP/builds: it makes one build.  Both are of this form,
 *
 *   /streams/put_OWNER ID APP EXPIRES BASIS _MAC
 *   /streams/get_OWNER ID APP EXPIRES BASIS _MAC
 *
 * (no blanks; 16 hex digits each but for signed_basis(); APP is 0 of POST
 * /sources), and good for as long as EXPIRES says, and as what they were asked
 * for with may ask for them: what is deployed is nobody's who was sent away.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/signed_url.h"
#include "api/deploy/build_way.h"
#include "api/deploy/source.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "store/keys.h"

#define PREFIX   4 /* bytes: "put_" */
#define FIELDS   4
#define BASIS    (PREFIX + FIELDS * 16)
#define TEXT     (BASIS + SIGNED_BASIS + 1)
#define PUT_LIFE (3600 * 1000000LL)
#define GET_LIFE (2 * PUT_LIFE) /* the upload itself takes a while */
#define STREAMS  "/streams/"

/* ---- made -------------------------------------------------------------- */

/* A person, by whatever token; each administrator of the machine is one. */
static uint64_t
source_owner(const struct request *r)
{
	char text[64];
	uint64_t owner;

	if (r->who.id[0] != '\0')
		snprintf(text, sizeof(text), "user %s", r->who.id);
	else
		snprintf(text, sizeof(text), "local %u", (unsigned int)r->uid);
	(void)crypto_generichash((uint8_t *)&owner, sizeof(owner),
	    (const uint8_t *)text, strlen(text), NULL, 0);
	return owner;
}

static json_t *
source_url(const struct request *r, const char *prefix, uint64_t owner,
    uint64_t id, int64_t expires)
{
	char basis[SIGNED_BASIS + 1], text[TEXT + 1];
	uint64_t app = 0;

	if (r->app != NULL)
		(void)key_parse_id(model_text(r->app, "number"), &app);
	signed_basis(r, basis);
	snprintf(text, sizeof(text),
	    "%s%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%s_",
	    prefix, owner, id, app, (uint64_t)expires, basis);
	return signed_url(r, text, "");
}

json_t *
source_put_url(const struct request *r, uint64_t owner, uint64_t id)
{
	return source_url(r, "put_", owner, id, id_now() + PUT_LIFE);
}

void
source_create(struct request *r)
{
	uint64_t owner = source_owner(r), id;

	randombytes_buf(&id, sizeof(id));
	request_commit(r, store_begin(r->api->store), MHD_HTTP_CREATED,
	    json_pack("{s:{s:o, s:o}}", "source_blob", "get_url",
		source_url(r, "get_", owner, id, id_now() + GET_LIFE),
		"put_url", source_put_url(r, owner, id)));
}

/* ---- and found again --------------------------------------------------- */

/*
 * 0, or -1: it is none of ours, for something else, too old, or of somebody
 * who may not any more.
 */
static int
source_parse(struct request *r, const char *prefix, const char *text,
    uint64_t *owner, uint64_t *id)
{
	uint64_t app, expires;
	uint64_t *const fields[FIELDS] = {owner, id, &app, &expires};

	if (signed_text(r, text) != TEXT || strncmp(text, prefix, PREFIX) != 0)
		return -1;
	for (size_t i = 0; i < FIELDS; i++) {
		if (signed_number(text + PREFIX + 16 * i, fields[i]) == -1)
			return -1;
	}
	return (uint64_t)id_now() < expires &&
		       signed_may(r, text + BASIS, app,
			   app != 0 ? API_PUSH : API_CREATE)
		   ? 0
		   : -1;
}

int
source_open(struct request *r, const char *text, size_t len)
{
	struct build_source source;
	uint64_t owner, id;
	json_t *checksum, *size;

	(void)len;
	if (source_parse(r, "put_", text, &owner, &id) == -1 &&
	    source_parse(r, "get_", text, &owner, &id) == -1)
		return -1;
	if (build_source_find(r->api->build, owner, id, &source) == 0) {
		checksum = json_sprintf("SHA256:%s", source.sha256);
		size = json_integer((json_int_t)source.size);
	} else {
		checksum = json_null();
		size = json_null();
	}
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:o, s:o}", "checksum", checksum, "size", size));
	return 0;
}

/* Whoever names the host of it: what counts is that we signed it. */
int
source_of_url(struct request *r, const char *url, struct build_source *source)
{
	const char *text = strstr(url, STREAMS);
	uint64_t owner, id;

	if (text == NULL ||
	    strncmp(text + strlen(STREAMS), "get_", PREFIX) != 0)
		return -1;
	text += strlen(STREAMS);
	if (source_parse(r, "get_", text, &owner, &id) == -1)
		respond_invalid(r,
		    "source_blob.url is of no source here, or not any more: "
		    "POST /sources makes a new one");
	else if (build_source_find(r->api->build, owner, id, source) == -1)
		respond_invalid(r,
		    "source_blob.url has no archive: PUT it to the put_url "
		    "first; it makes one build, and is kept for an hour");
	else
		return 1;
	return 0;
}

/* ---- PUT --------------------------------------------------------------- */

static void
incoming_free(void *arg)
{
	struct build_incoming **incoming = arg;

	if (*incoming != NULL)
		build_source_abort(*incoming);
	free(incoming);
}

/* 0, or -1 after an answer. */
static int
source_may_come(struct request *r, uint64_t *owner, uint64_t *id)
{
	if (source_parse(r, "put_", r->params[0], owner, id) == 0)
		return 0;
	respond_missing(r,
	    "there is no such URL for a source, or not any more: ask for a new "
	    "one, with POST /sources");
	return -1;
}

void
source_upload_head(struct request *r)
{
	struct build_incoming **incoming;
	struct build_error error;
	uint64_t owner, id;

	if (source_may_come(r, &owner, &id) == -1)
		return;
	if ((incoming = calloc(1, sizeof(*incoming))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	r->state = incoming;
	r->state_free = incoming_free;
	*incoming = build_source_begin(r->api->build, owner, id, &error);
	if (*incoming == NULL)
		build_refuse(r, &error);
}

void
source_upload_data(struct request *r, const void *data, size_t len)
{
	struct build_incoming **incoming = r->state;
	struct build_error error;

	if (build_source_append(*incoming, data, len, &error) == 0)
		return;
	build_source_abort(*incoming);
	*incoming = NULL;
	build_refuse(r, &error);
}

void
source_put(struct request *r)
{
	struct build_incoming **incoming = r->state;
	struct build_source source;
	struct build_error error;
	uint64_t owner, id;
	int result;

	/* It took a while to come: what there is of it goes with r->state. */
	if (source_may_come(r, &owner, &id) == -1)
		return;
	result = build_source_finish(*incoming, &source, &error);
	*incoming = NULL;
	if (result == -1)
		build_refuse(r, &error);
	else
		respond_json(r, MHD_HTTP_OK,
		    json_pack("{s:o, s:I}", "checksum",
			json_sprintf("SHA256:%s", source.sha256), "size",
			(json_int_t)source.size));
}

/*
 * POST /apps/APP/builds {"source_blob": {"url", "version"?, "checksum"?}}, as
 * Heroku's clients do: builds and deploys an archive that is elsewhere.
 *
 * A get_url of POST /sources is taken from here.  Any other URL is fetched by
 * the build itself, in its sandbox and over the network that apps have, so
 * that it reaches nothing which the app could not.  The answer, 201, comes at
 * once; output_stream_url has what the build prints.
 */
#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/access/audit.h"
#include "api/deploy/build_way.h"
#include "api/deploy/source.h"
#include "api/http/check.h"
#include "api/http/idempotency.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "store/keys.h"

#define URL_MAX      2000
#define VERSION_MAX  200
#define VERSION_FORM "text without control characters"
/*
 * A host and a port, if it has one, of len bytes.  Of a password with a '/',
 * '?', '#' or '@' in it a part would stand here, and be shown as the host.
 */
static int
is_host(const char *host, size_t len)
{
	size_t n = strspn(host, "[") == 1
		       ? 1 + strspn(host + 1, "0123456789abcdefABCDEF:.") + 1
		       : strspn(host,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			     "XYZ0123456789.-_");

	if (n == 0 || n > len || (*host == '[' && host[n - 1] != ']'))
		return 0;
	return n == len ||
	       (host[n] == ':' &&
		   n + 1 + strspn(host + n + 1, "0123456789") == len);
}

/* What curl is told in quotes, and people see: no more than a URL takes. */
static int
is_url(const char *text)
{
	const char *host = strstr(text, "://"), *p, *at;
	size_t len;

	for (p = text; *p > ' ' && *p < 0x7f && strchr("\"'<>\\`", *p) == NULL;)
		p++;
	if (*p != '\0' || host == NULL ||
	    (strncmp(text, "https://", 8) != 0 &&
		strncmp(text, "http://", 7) != 0))
		return 0;
	host += 3;
	len = strcspn(host, "/?#");
	if ((at = memchr(host, '@', len)) != NULL) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	return is_host(host, len);
}

/* It goes to terminals and into logs. */
static int
is_one_line(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	/* U+0080 to U+009F are control characters as well. */
	while (*p >= ' ' && *p != 0x7f && !(p[0] == 0xc2 && p[1] < 0xa0))
		p++;
	return *p == '\0';
}

static const struct check_field fields[] = {
    {"source_blob", CHECK_OBJECT, CHECK_REQUIRED, 0, 0, NULL, NULL},
    {"buildpacks", CHECK_ARRAY, CHECK_NULLABLE, 0, 100, NULL, NULL},
    {"stack", CHECK_STRING, CHECK_NULLABLE, 1, 64, NULL, NULL},
    {"normalize", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field blob_fields[] = {
    {"url", CHECK_STRING, CHECK_REQUIRED, 1, URL_MAX, NULL, NULL},
    {"checksum", CHECK_STRING, CHECK_NULLABLE, 1, BUILD_CHECKSUM_LEN,
	build_is_checksum, BUILD_CHECKSUM " and 64 hex digits"},
    {"version", CHECK_STRING, CHECK_NULLABLE, 0, VERSION_MAX, is_one_line,
	VERSION_FORM},
    {"version_description", CHECK_STRING, CHECK_NULLABLE, 0, VERSION_MAX,
	is_one_line, VERSION_FORM},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

struct order {
	struct request *request;
	char again[IDEMPOTENCY_HASH];
	char body[IDEMPOTENCY_HASH];
	char sha256[BUILD_SHA256_HEX]; /* lower case; or "" */
};

/* Of application/json, or anything that ends in +json. */
int
build_order_is(struct request *r)
{
	const char *type = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	size_t len = type != NULL ? strcspn(type, "; \t") : 0;

	return (len == 16 && strncasecmp(type, "application/json", len) == 0) ||
	       (len >= 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

void
build_order_head(struct request *r)
{
	struct order *order;

	if (!build_is_first(r))
		return;
	if ((order = calloc(1, sizeof(*order))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	order->request = r;
	r->state = order;
	r->state_free = free;
}

/* ---- what is asked for ------------------------------------------------- */

static int
order_check(struct request *r, struct order *order)
{
	json_t *blob = json_object_get(r->json, "source_blob");
	const char *checksum, *stack = model_text(r->json, "stack");
	char err[PAAS_ERRLEN];

	if (check_object(r->json, fields, "", err) == -1 ||
	    check_object(blob, blob_fields, "source_blob", err) == -1) {
		respond_invalid(r, "%s", err);
		return -1;
	}
	/* The URL itself is not said again: it may hold a secret. */
	if (!is_url(model_text(blob, "url"))) {
		respond_invalid(r,
		    "source_blob.url has to be http:// or https://, a host "
		    "and a path, as a URL is written: in a password, what is "
		    "no letter or digit is %%40 and the like");
		return -1;
	}
	if (json_array_size(json_object_get(r->json, "buildpacks")) > 0) {
		respond_invalid(r,
		    "buildpacks are those of the app: PUT "
		    "/apps/%s/buildpack-installations sets them",
		    request_app(r));
		return -1;
	}
	if (stack[0] != '\0' && strcmp(stack, r->api->stack) != 0) {
		respond_invalid(
		    r, "stack has to be %s: there is no other", r->api->stack);
		return -1;
	}
	checksum = model_text(blob, "checksum");
	if (checksum[0] != '\0')
		strlcpy(order->sha256, checksum + strlen(BUILD_CHECKSUM),
		    sizeof(order->sha256));
	for (char *p = order->sha256; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'F')
			*p |= 0x20;
	return 0;
}

/* An URL may have a secret in it, which is told to the build alone. */
static json_t *
order_blob(json_t *blob)
{
	return json_pack("{s:O?, s:O?, s:O?}", "checksum",
	    json_object_get(blob, "checksum"), "version",
	    json_object_get(blob, "version"), "version_description",
	    json_object_get(blob, "version_description"));
}

/* ---- the build --------------------------------------------------------- */

static void
order_answer(struct request *r, uint64_t id)
{
	char hex[17], key[STORE_KEY_MAX + 1];
	json_t *build;

	key_format_id(hex, id);
	build = store_get(
	    r->api->store, key_format(key, "build/%s/%s", r->name, hex), NULL);
	respond_json(
	    r, MHD_HTTP_CREATED, model_build(r, r->name, r->app, build));
	json_decref(build);
}

static void
order_begun(const struct build_error *error, uint64_t id, void *arg)
{
	struct order *order = arg;
	struct request *r = order->request;

	if (request_gone(r))
		;
	else if (error != NULL)
		build_refuse(r, error);
	else
		order_answer(r, id);
	request_release(r);
}

/* An upload of the URL itself, for the sandbox to fetch. */
static struct build_upload *
order_fetch(struct request *r, struct order *order, struct build_origin *origin,
    const char *url, struct build_error *error)
{
	char *text = build_order(url, order->sha256);
	struct build_upload *upload;

	origin->fetch = 1;
	if (text == NULL) {
		error->code = BUILD_FAILED;
		strlcpy(error->text, "out of memory", sizeof(error->text));
		return NULL;
	}
	upload = build_upload_begin(r->api->build, r->name, origin, error);
	if (upload != NULL &&
	    build_upload_append(upload, text, strlen(text), error) == -1) {
		build_upload_abort(upload);
		upload = NULL;
	}
	free(text);
	return upload;
}

static struct build_upload *
order_take(struct request *r, struct order *order, struct build_origin *origin,
    const struct build_source *source, struct build_error *error)
{
	if (order->sha256[0] == '\0' ||
	    strcmp(order->sha256, source->sha256) == 0)
		return build_upload_source(
		    r->api->build, r->name, origin, source, error);
	error->code = BUILD_INVALID;
	snprintf(error->text, sizeof(error->text),
	    "source_blob.checksum is not that of the archive, which is " BUILD_CHECKSUM
	    "%s: upload it again",
	    source->sha256);
	return NULL;
}

static void
order_begin(struct request *r, struct order *order)
{
	json_t *blob = json_object_get(r->json, "source_blob");
	const char *url = model_text(blob, "url");
	const char *version = model_text(blob, "version");
	struct build_origin origin = {.source = "source",
	    .commit = build_is_commit(version) ? version : "",
	    .push = r->push,
	    .again = order->again,
	    .body = order->body,
	    .claims = (r->who.scope & SCOPE_WRITE) != 0};
	struct build_source source;
	struct build_upload *upload;
	struct build_error error;
	char user[WHO_NAME];
	int ours = source_of_url(r, url, &source);

	if (ours == 0)
		return;
	request_user(r, user, sizeof(user));
	origin.user = user;
	origin.blob = order_blob(blob);
	upload = ours == 1 ? order_take(r, order, &origin, &source, &error)
			   : order_fetch(r, order, &origin, url, &error);
	json_decref(origin.blob);
	if (upload == NULL) {
		build_refuse(r, &error);
		return;
	}
	(void)request_hold(r);
	audit_note(r);
	build_upload_finish(upload, order_begun, order);
}

void
build_order_create(struct request *r)
{
	struct order *order = r->state;
	json_t *build;
	uint64_t id;

	if (!request_read_json(r) ||
	    idempotency_upload(r, order->again, order->body) == -1 ||
	    order_check(r, order) == -1)
		return;
	if (order->again[0] == '\0' ||
	    (build = build_search(r, "again", order->again, &id)) == NULL) {
		order_begin(r, order);
		return;
	}
	if (strcmp(model_text(build, "body"), order->body) == 0)
		order_answer(r, id);
	else
		respond_invalid(r,
		    "Idempotency-Key was used for another body already: send a "
		    "new one with a new request");
	json_decref(build);
}

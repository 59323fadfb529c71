#include "api/deploy/build_way.h"

#include <string.h>
#include <strings.h>

#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "store/keys.h"

void
build_refuse(struct request *r, const struct build_error *error)
{
	static const struct {
		unsigned int status;
		const char *id;
	} answers[] = {
	    [BUILD_NOT_FOUND] = {MHD_HTTP_NOT_FOUND, "not_found"},
	    [BUILD_RUNNING] = {MHD_HTTP_CONFLICT, "build_running"},
	    [BUILD_TOO_LARGE] = {MHD_HTTP_CONTENT_TOO_LARGE,
		"request_too_large"},
	    [BUILD_EMPTY] = {MHD_HTTP_UNPROCESSABLE_CONTENT, "invalid_params"},
	    [BUILD_INVALID] = {MHD_HTTP_UNPROCESSABLE_CONTENT,
		"invalid_params"},
	    [BUILD_FULL] = {MHD_HTTP_INSUFFICIENT_STORAGE,
		"insufficient_storage"},
	    [BUILD_MANY] = {MHD_HTTP_TOO_MANY_REQUESTS, "rate_limit"},
	    [BUILD_BUSY] = {MHD_HTTP_SERVICE_UNAVAILABLE,
		"service_unavailable"},
	    [BUILD_FAILED] = {MHD_HTTP_SERVICE_UNAVAILABLE,
		"service_unavailable"},
	};

	respond_error(r, answers[error->code].status, answers[error->code].id,
	    "%s", error->text);
}

int
build_is_commit(const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");

	return text[len] == '\0' && (len == 40 || len == 64);
}

int
build_is_checksum(const char *text)
{
	size_t n = strlen(BUILD_CHECKSUM);

	return strncasecmp(text, BUILD_CHECKSUM, n) == 0 &&
	       strspn(text + n, "0123456789abcdefABCDEF") ==
		   BUILD_SHA256_HEX - 1 &&
	       text[BUILD_CHECKSUM_LEN] == '\0';
}

struct search {
	const char *field, *is;
	json_t *build;
	uint64_t id;
};

static int
search_one(const char *key, json_t *build, uint64_t rev, void *arg)
{
	struct search *search = arg;

	(void)rev;
	if (strcmp(model_text(build, search->field), search->is) != 0 ||
	    key_parse_id(strrchr(key, '/') + 1, &search->id) == -1)
		return 0;
	search->build = json_incref(build);
	return 1;
}

json_t *
build_search(struct request *r, const char *field, const char *is, uint64_t *id)
{
	struct search search = {.field = field, .is = is};
	char prefix[STORE_KEY_MAX + 1];

	(void)store_each_last(r->api->store,
	    key_format(prefix, "build/%s/", r->name), search_one, &search);
	*id = search.id;
	return search.build;
}

int
build_is_first(struct request *r)
{
	char hex[17];
	json_t *build;
	uint64_t id;

	if (r->push == 0)
		return 1;
	key_format_id(hex, r->push);
	if ((build = build_search(r, "push", hex, &id)) == NULL)
		return 1;
	json_decref(build);
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
	    "this push has made its build already: push again");
	return 0;
}

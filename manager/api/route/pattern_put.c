/*
 * PUT /patterns/ORDER {"pattern", and a path as in /routes/HOST}: a PCRE2
 * expression for the whole of a host, tried in order where no host and no
 * wildcard fits.  Sets one path; other paths stay.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "api/model.h"
#include "api/route/pattern.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/route/route_edit.h"
#include "api/verbs.h"
#include "paas_routedb.h"

/* Compiled, without the JIT: each worker of nginx has all of them. */
#define PATTERN_CODE_MAX ((size_t)16 * 1024)

static int
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 127)
			return 0;
	return 1;
}

int
pattern_check(struct request *r, const char *text)
{
	PCRE2_UCHAR why[200];
	pcre2_code *code;
	PCRE2_SIZE at, size = 0;
	int error;

	if (!is_printable(text)) {
		respond_invalid(r,
		    "pattern has to be printable ASCII without blanks: hosts "
		    "have nothing else");
		return 0;
	}
	/* As in ngx_http_paas_pattern.c. */
	code = pcre2_compile((PCRE2_SPTR)text, strlen(text),
	    PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &at, NULL);
	if (code == NULL) {
		(void)pcre2_get_error_message(error, why, sizeof(why));
		respond_invalid(r, "pattern: %s, at byte %zu of \"%.60s\"",
		    (const char *)why, (size_t)at, text);
		return 0;
	}
	(void)pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
	pcre2_code_free(code);
	if (size <= PATTERN_CODE_MAX)
		return 1;
	respond_invalid(r,
	    "pattern is too large: compiled it has %zu bytes, and %zu are the "
	    "most",
	    (size_t)size, PATTERN_CODE_MAX);
	return 0;
}

static int
count_one(const char *key, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	++*(unsigned int *)arg;
	return 0;
}

/* A new one: is there room, and does it say what it matches? */
static int
pattern_may_be(struct request *r)
{
	unsigned int n = 0;

	if (json_object_get(r->json, "pattern") == NULL) {
		respond_invalid(r, "pattern is missing");
		return 0;
	}
	store_each_key(r->api->store, "pattern/", "", count_one, &n);
	if (n < PAAS_ROUTEDB_PATTERNS_MAX)
		return 1;
	respond_invalid(
	    r, "there are at most %d patterns", PAAS_ROUTEDB_PATTERNS_MAX);
	return 0;
}

static json_t *
pattern_edit(struct request *r, struct route_ids *ids, json_t *old)
{
	json_t *text = json_object_get(r->json, "pattern"), *record;

	record = route_edit(r, pattern_fields, ids, old, 0);
	if (record == NULL)
		return NULL;
	if ((old != NULL || pattern_may_be(r)) &&
	    (text == NULL || pattern_check(r, json_string_value(text)))) {
		if (text != NULL)
			json_object_set(record, "pattern", text);
		return record;
	}
	json_decref(record);
	return NULL;
}

void
pattern_put(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	struct route_ids ids;
	json_t *old, *record;
	uint64_t rev;

	if (pattern_key(r, key) == -1)
		return;
	old = store_get(r->api->store, key, &rev);
	route_ids_read(r, &ids);
	if ((record = pattern_edit(r, &ids, old)) != NULL) {
		txn = store_begin(r->api->store);
		store_if(txn, key, rev);
		store_put(txn, key, record);
		route_ids_put(&ids, txn);
		request_commit(r, txn,
		    old != NULL ? MHD_HTTP_OK : MHD_HTTP_CREATED,
		    pattern_shape(r->api, key, record));
	}
	json_decref(record);
	json_decref(old);
}

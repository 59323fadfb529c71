/*
 * Whether a request that a browser makes is one that its user wants.
 */
#include "api/access/browser.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/access/access.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/user.h"
#include "store/keys.h"

_Static_assert(BROWSER_CSRF == ACCESS_MAC_TEXT, "a MAC is what it is");

static const char *
header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

int
browser_is_tls(struct request *r)
{
	const char *proto = header(r, "X-Forwarded-Proto");

	return proto != NULL && strcasecmp(proto, "https") == 0;
}

const char *
browser_cookie(struct request *r)
{
	return MHD_lookup_connection_value(r->conn, MHD_COOKIE_KIND,
	    browser_is_tls(r) ? BROWSER_COOKIE_TLS : BROWSER_COOKIE);
}

void
browser_stamp(char out[17], json_t *user)
{
	const char *password = model_text(user, "password");
	uint64_t hash;

	(void)crypto_generichash((uint8_t *)&hash, sizeof(hash),
	    (const uint8_t *)password, strlen(password), NULL, 0);
	key_format_id(out, hash);
}

void
browser_stamp_record(struct store *store, json_t *record)
{
	json_t *user = user_get(store, model_text(record, "user"), NULL);
	char stamp[17];

	browser_stamp(stamp, user);
	json_object_set_new(record, "stamp", json_string(stamp));
	json_decref(user);
}

void
browser_keep(struct request *r, json_t *user, struct store_txn *txn)
{
	char key[STORE_KEY_MAX + 1], stamp[17];
	json_t *kept, *record;
	uint64_t rev;

	key_format(key, "%s/%016" PRIx64, r->browser ? "session" : "token",
	    r->who.token);
	record = store_get(r->api->store, key, &rev);
	if (model_text(record, "stamp")[0] != '\0') {
		browser_stamp(stamp, user);
		kept = json_copy(record);
		json_object_set_new(kept, "stamp", json_string(stamp));
		store_if(txn, key, rev);
		store_put(txn, key, kept);
		json_decref(kept);
	}
	json_decref(record);
}

int
browser_lives(struct store *store, json_t *record, int64_t now)
{
	int64_t idle = model_number(record, "idle");
	const char *stamp = model_text(record, "stamp");
	char is[17];
	json_t *user;

	if (idle != 0 && now - model_number(record, "used") >= idle)
		return 0;
	if (stamp[0] == '\0')
		return 1;
	user = user_get(store, model_text(record, "user"), NULL);
	browser_stamp(is, user);
	json_decref(user);
	return strcmp(stamp, is) == 0;
}

void
browser_csrf(struct request *r, uint64_t id, char csrf[BROWSER_CSRF])
{
	char text[32];

	snprintf(text, sizeof(text), "csrf %016" PRIx64, id);
	access_sign(r->api->access, text, strlen(text), csrf);
}

static int
is_change(const struct request *r)
{
	return strcmp(r->route->method, "GET") != 0 ||
	       header(r, MHD_HTTP_HEADER_UPGRADE) != NULL;
}

const char *
browser_suspect(struct request *r)
{
	const char *site = header(r, "Sec-Fetch-Site");
	const char *given = header(r, "X-CSRF-Token");
	char csrf[BROWSER_CSRF];

	if (site != NULL && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		return "a page of another origin asks, with this one's cookie";
	if (!is_change(r))
		return NULL;
	browser_csrf(r, r->who.token, csrf);
	if (given != NULL && strlen(given) == BROWSER_CSRF - 1 &&
	    sodium_memcmp(given, csrf, BROWSER_CSRF - 1) == 0)
		return NULL;
	return "send X-CSRF-Token, as csrf_token of GET /sessions/~ has it, "
	       "with what changes something by cookie";
}

/* ---- where a page is from ------------------------------------------------ */

/*
 * nginx says by which host and scheme it was asked.  On manager.sock nobody
 * does: no page has business there.
 */
static int
is_own(struct request *r, const char *origin)
{
	const char *host = header(r, "X-Forwarded-Host");
	char own[400];
	int len;

	if (r->door->kind != DOOR_TOKENS || host == NULL)
		return 0;
	len = snprintf(own, sizeof(own), "%s://%s",
	    browser_is_tls(r) ? "https" : "http", host);
	return len > 0 && (size_t)len < sizeof(own) &&
	       strcasecmp(own, origin) == 0;
}

int
access_origin(struct request *r)
{
	const char *origin = header(r, MHD_HTTP_HEADER_ORIGIN);

	if (origin == NULL || is_own(r, origin))
		return 1;
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
	    "a page of another origin may not ask this API");
	return 0;
}

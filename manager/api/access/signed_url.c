#include "api/access/signed_url.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/access_impl.h"
#include "api/http/request.h"
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

void
signed_basis(const struct request *r, char basis[SIGNED_BASIS + 1])
{
	snprintf(basis, SIGNED_BASIS + 1, "%c%016" PRIx64 "%04" PRIx16,
	    r->who.basis != BASIS_NONE ? (int)r->who.basis : '0', r->who.token,
	    r->who.edition);
}

/*
 * The app that has this number now; another one may have got the name that it
 * had.
 */
static json_t *
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
	if (app != NULL && key_parse_id(model_text(app, "number"), &is) == 0 &&
	    is == number)
		return app;
	json_decref(app);
	return NULL;
}

/* Of a basis; what else there is to know of it is read by access_renew(). */
static int
signed_who(const struct request *r, const char *basis, struct who *who)
{
	uint64_t edition;

	memset(who, 0, sizeof(*who));
	who->basis = basis[0] != '0' ? (enum basis)basis[0] : BASIS_NONE;
	memcpy(who->address, r->who.address, sizeof(who->address));
	/* The last 16 of its digits, of which 4 are the edition. */
	if (signed_number(basis + 1, &who->token) == -1 ||
	    signed_number(basis + SIGNED_BASIS - 16, &edition) == -1)
		return -1;
	who->edition = (uint16_t)edition;
	return 0;
}

int
signed_open(struct request *r, uint64_t app, const char *basis)
{
	struct who who;

	if (signed_who(r, basis, &who) == -1 ||
	    (r->app = signed_app(r, app, r->name)) == NULL)
		return -1;
	r->who = who;
	return access_still_allows(r) ? 0 : -1;
}

int
signed_may(
    struct request *r, const char *basis, uint64_t app, enum api_need need)
{
	const struct who asks = r->who;
	char name[MODEL_NAME_MAX];
	struct who who;
	json_t *of;
	int may;

	if (signed_who(r, basis, &who) == -1)
		return 0;
	if (app != 0) {
		if ((of = signed_app(r, app, name)) == NULL)
			return 0;
		json_decref(of);
	}
	r->who = who;
	may = access_renew(r->api->access, &r->who) == 0 &&
	      (r->who.basis == BASIS_NONE ||
		  access_may(r, need, app != 0 ? name : NULL));
	r->who = asks;
	return may;
}

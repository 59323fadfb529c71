/*
 * Passwords, which take so long that a verb is run again after them.
 */
#include <bsd/string.h>
#include <sodium.h>
#include <stdlib.h>

#include "api/access/access.h"
#include "api/access/password.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/user.h"

struct secret {
	char hash[PASSWORD_HASH]; /* "" until it is known */
	enum { CHECK_NOT, CHECK_GOOD, CHECK_WRONG } check;
};

static void
secret_free(void *arg)
{
	struct secret *secret = arg;

	sodium_memzero(secret, sizeof(*secret));
	free(secret);
}

/* NULL after an answer. */
static struct secret *
secret_of(struct request *r)
{
	if (r->state == NULL) {
		r->state = calloc(1, sizeof(struct secret));
		r->state_free = secret_free;
	}
	if (r->state == NULL)
		respond_broken(r, "out of memory");
	return r->state;
}

static void
secret_busy(struct request *r)
{
	respond_error(r, MHD_HTTP_SERVICE_UNAVAILABLE, "service_unavailable",
	    "too many passwords are being looked at: try again in a moment");
	respond_header(r, "Retry-After", "3");
}

static void
secret_done(enum password_result result, const char *hash, void *arg)
{
	struct request *r = arg;
	struct secret *secret = r->state;

	if (request_gone(r))
		;
	else if (result == PASSWORD_BROKEN)
		respond_error(r, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "service_unavailable",
		    "the password could not be looked at: try again");
	else {
		if (hash != NULL)
			strlcpy(secret->hash, hash, sizeof(secret->hash));
		else
			secret->check =
			    result == PASSWORD_GOOD ? CHECK_GOOD : CHECK_WRONG;
		request_run(r);
	}
	request_release(r);
}

const char *
user_hash(struct request *r, const char *password)
{
	struct secret *secret = secret_of(r);

	if (secret == NULL)
		return NULL;
	if (secret->hash[0] != '\0')
		return secret->hash;
	if (password_hash(
		r->api->passwords, password, secret_done, request_hold(r)) == 0)
		return NULL;
	request_release(r);
	secret_busy(r);
	return NULL;
}

int
user_check(struct request *r, json_t *user, const char *password,
    enum password_turn turn)
{
	struct secret *secret = secret_of(r);
	const char *hash = model_text(user, "password");
	char from[ACCESS_NETWORK];

	if (secret == NULL)
		return -1;
	if (secret->check != CHECK_NOT)
		return secret->check == CHECK_GOOD;
	access_network(from, r->who.address);
	if (password_check(r->api->passwords, hash[0] != '\0' ? hash : NULL,
		password, turn, from, secret_done, request_hold(r)) == 0)
		return -1;
	request_release(r);
	secret_busy(r);
	return -1;
}

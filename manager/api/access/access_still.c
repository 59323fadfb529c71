/*
 * Whether an answer that goes on may go on: nothing that was found once is
 * believed, all of it is read again.
 */
#include <bsd/string.h>
#include <inttypes.h>
#include <string.h>

#include "api/access/access_impl.h"
#include "api/access/browser.h"
#include "api/access/ssh_key.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/model.h"
#include "store/keys.h"

/* What somebody came with: a new reference, NULL if it is no more. */
static json_t *
still_record(struct store *store, const struct who *who)
{
	const char *kind = who->basis == BASIS_SESSION ? "session" : "token";
	char key[STORE_KEY_MAX + 1];
	json_t *record;

	record = store_get(
	    store, key_format(key, "%s/%016" PRIx64, kind, who->token), NULL);
	if (record == NULL && who->basis == BASIS_PUSH)
		record = ssh_key_find(store, who->token);
	return record;
}

int64_t
access_until(json_t *record)
{
	int64_t expires = model_number(record, "expires");
	int64_t idle = model_number(record, "idle");
	int64_t unused = model_number(record, "used") + idle;

	return idle != 0 && (expires == 0 || unused < expires) ? unused
							       : expires;
}

static int64_t
still_earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

int
access_renew(struct access *a, struct who *who)
{
	struct store *store = a->api->store;
	struct who now = {0};
	json_t *record;
	int good;

	if (who->basis == BASIS_NONE)
		return 0;
	record = still_record(store, who);
	good = record != NULL && browser_lives(store, record, id_now()) &&
	       who_read(a->api, record, &now) == 0;
	now.until = access_until(record);
	json_decref(record);
	now.basis = who->basis;
	now.token = who->token;
	strlcpy(now.address, who->address, sizeof(now.address));
	/* A push is for less than what it was made from. */
	if (who->basis == BASIS_PUSH) {
		now.scope = SCOPE_DEPLOY;
		now.until = still_earlier(now.until, who->push_until);
		now.push_until = who->push_until;
		strlcpy(now.app, who->app, sizeof(now.app));
	}
	/* A push has a secret of its own. */
	if (who->basis == BASIS_PUSH)
		now.edition = who->edition;
	if (now.edition != who->edition)
		good = 0;
	if (!good || (now.until != 0 && id_now() >= now.until))
		return -1;
	*who = now;
	return 0;
}

/* Another app of the same name would be somebody else's. */
static int
still_is_there(const struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	json_t *app;
	int same;

	if (r->app == NULL)
		return 1;
	app =
	    store_get(r->api->store, key_format(key, "app/%s", r->name), NULL);
	same = app != NULL && strcmp(model_text(app, "number"),
				  model_text(r->app, "number")) == 0;
	json_decref(app);
	return same;
}

int
access_still_allows(struct request *r)
{
	enum api_need need = r->route->need;

	/* Whose path was signed might ask for what it leads to. */
	if (need == API_OPEN)
		need = API_STATE;
	if (!still_is_there(r) || access_renew(r->api->access, &r->who) == -1)
		return 0;
	return r->who.basis == BASIS_NONE ||
	       access_may(r, need, r->app != NULL ? r->name : NULL);
}

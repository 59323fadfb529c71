/*
 * The need of a route, as the table says it, against who asks.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/access/access_impl.h"
#include "api/access/browser.h"
#include "api/access/team.h"
#include "api/model.h"
#include "api/http/protocol.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/names.h"

#define SECRET_MAX 256

/* What is looked at beside the scope of a token. */
enum over {
	OVER_NOTHING, /* the verb itself looks at who asks */
	OVER_NONE,    /* any user */
	OVER_APP,     /* the role for the app that the path names */
	OVER_TEAM,    /* that in the team that the path names */
	OVER_ALL,     /* that for all apps */
	OVER_MACHINE, /* manager.sock alone */
	OVER_GIT      /* nginx and git alone */
};

#define READ  SCOPE_READ
#define WRITE SCOPE_WRITE

static const struct {
	enum over over;
	enum role role;
	unsigned int scope; /* one of them */
} needs[] = {
    [API_OPEN] = {OVER_NOTHING, ROLE_NONE, 0},
    [API_SELF] = {OVER_NONE, ROLE_NONE, SCOPE_IDENTITY},
    [API_SELF_CHANGE] = {OVER_NONE, ROLE_NONE, SCOPE_GLOBAL},
    [API_LIST] = {OVER_NONE, ROLE_NONE, READ},
    [API_CREATE] = {OVER_NONE, ROLE_NONE, WRITE},
    [API_STATE] = {OVER_APP, ROLE_VIEWER, READ | SCOPE_DEPLOY},
    [API_VIEW] = {OVER_APP, ROLE_VIEWER, READ},
    [API_PUSH] = {OVER_APP, ROLE_DEPLOYER, SCOPE_DEPLOY},
    [API_CHANGE] = {OVER_APP, ROLE_DEPLOYER, WRITE},
    [API_SECRETS] = {OVER_APP, ROLE_DEPLOYER, SCOPE_READ_SECRETS},
    [API_SET_SECRETS] = {OVER_APP, ROLE_DEPLOYER, SCOPE_WRITE_SECRETS},
    [API_OWN] = {OVER_APP, ROLE_ADMIN, WRITE},
    [API_WATCH] = {OVER_ALL, ROLE_VIEWER, READ},
    [API_ADMIN] = {OVER_ALL, ROLE_ADMIN, SCOPE_GLOBAL},
    [API_TEAM_VIEW] = {OVER_TEAM, ROLE_VIEWER, READ},
    [API_TEAM_SELF] = {OVER_TEAM, ROLE_VIEWER, SCOPE_GLOBAL},
    [API_TEAM_OWN] = {OVER_TEAM, ROLE_ADMIN, SCOPE_GLOBAL},
    [API_LOCAL] = {OVER_MACHINE, ROLE_ADMIN, 0},
    [API_GIT] = {OVER_GIT, ROLE_NONE, 0},
};

/* ---- who asks -------------------------------------------------------- */

static int
access_refuse(struct request *r, unsigned int wait)
{
	char seconds[16];

	if (wait > 0) {
		respond_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limit",
		    "too many wrong tokens: try again in %u s", wait);
		snprintf(seconds, sizeof(seconds), "%u", wait);
		respond_header(r, "Retry-After", seconds);
		return 0;
	}
	respond_error(r, MHD_HTTP_UNAUTHORIZED, "unauthorized",
	    "send a token that is good for this: Authorization: Bearer TOKEN");
	respond_header(r, "WWW-Authenticate", "Bearer realm=\"paas\"");
	return 0;
}

/*
 * A cookie comes by itself, whoever made the browser ask: what changes
 * something has to bring what a page of ours alone can read, too.
 */
static int
access_browser(struct request *r)
{
	const char *secret = browser_cookie(r), *why;
	unsigned int wait = 0;

	if (access_session(r->api->access, secret, strlen(secret), &r->who,
		&wait) != ACCESS_GOOD)
		return access_refuse(r, wait);
	r->browser = 1;
	if ((why = browser_suspect(r)) == NULL)
		return 1;
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden", "%s", why);
	return 0;
}

int
access_identify(struct request *r)
{
	struct access *a = r->api->access;
	char secret[SECRET_MAX];
	const char *header;
	unsigned int wait = 0;
	size_t len;
	int good;

	if (r->door->kind == DOOR_PEOPLE)
		return 1;
	header = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	if (header == NULL && browser_cookie(r) != NULL)
		return access_browser(r);
	if (header == NULL ||
	    (len = access_secret(header, secret, sizeof(secret))) == 0)
		return access_refuse(r, 0);
	if (strncmp(secret, PUSH_TOKEN_PREFIX, strlen(PUSH_TOKEN_PREFIX)) == 0)
		good = access_push(a, secret, len, r->params[0], &r->who,
			   &r->push) == 0;
	else
		good =
		    access_token(a, secret, len, &r->who, &wait) == ACCESS_GOOD;
	explicit_bzero(secret, sizeof(secret));
	return good ? 1 : access_refuse(r, wait);
}

void
access_address(struct request *r)
{
	const char *address = NULL;

	/* Only nginx can be believed, and manager.sock is not its. */
	if (r->door->kind == DOOR_TOKENS)
		address = MHD_lookup_connection_value(
		    r->conn, MHD_HEADER_KIND, "X-Real-IP");
	strlcpy(r->who.address, address != NULL ? address : "",
	    sizeof(r->who.address));
}

/* ---- what they may --------------------------------------------------- */

static int
access_forbid(struct request *r, const char *why)
{
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden", "%s", why);
	return 0;
}

/* Whether there is an app that one may not see is nobody's to know. */
static int
access_app(struct request *r)
{
	enum role need = needs[r->route->need].role, role = ROLE_NONE;
	char name[MODEL_NAME_MAX];
	uint64_t rev;
	json_t *app;

	app = model_find_app(r->api, r->params[0], name, &rev);
	if (app != NULL)
		role = who_role_for(r->api, &r->who, name);
	if (role >= need) {
		json_decref(app);
		return 1;
	}
	if (role == ROLE_NONE)
		respond_missing(r, "there is no app named %.60s", r->params[0]);
	else
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "you are %s of %s, and that takes one who is %s: ask for "
		    "paas access:add %s -a %s --role %s",
		    who_role(role), names_in(name, app), who_role(need),
		    r->who.name, names_in(name, app), who_role(need));
	json_decref(app);
	return 0;
}

static int
access_all(struct request *r)
{
	enum role need = needs[r->route->need].role;

	if (r->who.app[0] != '\0')
		return access_forbid(
		    r, "this token is good for one app and nothing else");
	if (r->who.role >= need)
		return 1;
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
	    "that takes somebody who is %s of the platform: ask for paas "
	    "users:set %s --role %s",
	    who_role(need), r->who.name, who_role(need));
	return 0;
}

static int
access_scope(struct request *r, unsigned int need)
{
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
	    "the scope of this token does not reach to that: paas "
	    "tokens:create --scope %s makes one whose does",
	    who_scope_for(need));
	return 0;
}

int
access_allows(struct request *r)
{
	enum api_need need = r->route->need;

	if (r->door->kind == DOOR_PEOPLE || needs[need].over == OVER_NOTHING ||
	    needs[need].over == OVER_GIT)
		return 1;
	if ((r->who.scope & needs[need].scope) == 0)
		return access_scope(r, needs[need].scope);
	if (needs[need].over == OVER_APP)
		return access_app(r);
	if (needs[need].over == OVER_TEAM)
		return team_allows(r, r->params[0], needs[need].role);
	if (needs[need].over == OVER_ALL)
		return access_all(r);
	if (r->who.app[0] != '\0' && need != API_LIST && need != API_SELF)
		return access_forbid(
		    r, "this token is good for one app and nothing else");
	return 1;
}

int
access_allows_whole(struct request *r)
{
	if (r->route->upload != NULL &&
	    access_renew(r->api->access, &r->who) == -1)
		return access_refuse(r, 0);
	return access_allows(r);
}

int
access_may(const struct request *r, enum api_need need, const char *app)
{
	const struct who *who = &r->who;
	enum role role = needs[need].role;

	if (needs[need].over == OVER_NOTHING || needs[need].over == OVER_GIT)
		return 1;
	if ((who->scope & needs[need].scope) == 0)
		return 0;
	if (needs[need].over == OVER_APP)
		return app != NULL && who_role_for(r->api, who, app) >= role;
	if (needs[need].over == OVER_TEAM)
		return team_role_of(r, r->params[0]) >= role;
	if (who->app[0] != '\0')
		return need == API_LIST || need == API_SELF;
	return needs[need].over == OVER_NONE || who->role >= role;
}

int
access_route(struct request *r)
{
	enum over over = needs[r->route->need].over;
	int people = r->door->kind == DOOR_PEOPLE, inside;

	/* What comes in by api.DOMAIN is not from nginx itself. */
	inside = !people && MHD_lookup_connection_value(
				r->conn, MHD_HEADER_KIND, "X-Paas-Via") == NULL;
	if ((over == OVER_GIT && !inside) ||
	    (over == OVER_MACHINE && !people)) {
		respond_missing(r, "there is nothing at that path for you");
		return 0;
	}
	if (!people && over != OVER_NOTHING && over != OVER_GIT &&
	    (!access_identify(r) || !protocol_rate(r)))
		return 0;
	return access_allows(r);
}

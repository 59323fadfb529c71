/*
 * GET /git/APP/fetch and /git/APP/push: nginx asks whether somebody who came
 * with git may do that (auth_request), by the Authorization that it passes
 * on.  All that it takes from the answer is the status and headers:
 *
 *   X-Paas-Repository  the app's number: its folder's name
 *   X-Paas-User        who it is
 *   X-Paas-Token       of a push: for its hook
 *   X-Paas-Message     a refusal in words, which git shows
 *
 * paas-git-ssh asks the same with the token of its session, and takes it from
 * the body.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/access/access.h"
#include "api/model.h"
#include "api/access/push_token.h"
#include "api/app/repository.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/names.h"
#include "store/keys.h"

#define SECRET_MAX  256
#define CREDENTIALS "the password is a token, and the name does not matter"

struct git_access {
	struct request *request; /* held */
	uint64_t number;         /* of the app */
	uint64_t token;
	char user[WHO_NAME];
	int push;
};

/* For 401 and 403 only: nginx makes 500 of any other. */
static void git_refuse(struct request *, unsigned int, const char *, ...)
    PAAS_PRINTF(3, 4);

static void
git_refuse(struct request *r, unsigned int status, const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	respond_error(r, status,
	    status == MHD_HTTP_UNAUTHORIZED ? "unauthorized" : "forbidden",
	    "%s", text);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
	respond_header(r, "X-Paas-Message", text);
	if (status == MHD_HTTP_UNAUTHORIZED)
		respond_header(r, "WWW-Authenticate",
		    "Basic realm=\"paas\", charset=\"UTF-8\"");
}

/* Who it is; 0, or -1 after an answer. */
static int
git_check_token(struct request *r)
{
	char secret[SECRET_MAX];
	enum access_result result;
	unsigned int wait = 0;
	const char *header;
	size_t len;

	header = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	if (header == NULL) {
		git_refuse(r, MHD_HTTP_UNAUTHORIZED,
		    "git needs a token: " CREDENTIALS
		    "; paas tokens:create makes one");
		return -1;
	}
	len = access_secret(header, secret, sizeof(secret));
	result = access_token(r->api->access, secret, len, &r->who, &wait);
	explicit_bzero(secret, sizeof(secret));
	if (result == ACCESS_GOOD)
		return 0;
	if (result == ACCESS_LATER)
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "too many wrong tokens came from your address: try again "
		    "in %u s",
		    wait);
	else
		git_refuse(r, MHD_HTTP_UNAUTHORIZED,
		    "that is not a token that is good here (any more): " CREDENTIALS
		    "; paas tokens:create makes one");
	return -1;
}

/*
 * The same of a session with an SSH key, which is good for all that its owner
 * may; git's own processes have nothing else to ask here.
 */
static int
git_check_login(struct request *r)
{
	char secret[SECRET_MAX];
	const char *header;
	uint64_t number = 0;
	json_t *key;
	size_t len;
	int good;

	header = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	if (header == NULL) {
		respond_missing(r, "there is nothing at that path for you");
		return -1;
	}
	len = access_secret(header, secret, sizeof(secret));
	key = access_login(r->api->access, secret, len, &number);
	explicit_bzero(secret, sizeof(secret));
	good = key != NULL && who_read(r->api, key, &r->who) == 0;
	json_decref(key);
	r->who.scope = SCOPE_DEPLOY;
	r->who.token = number;
	if (good)
		return 0;
	git_refuse(r, MHD_HTTP_FORBIDDEN,
	    "this session is over, or its key has been removed: connect "
	    "again");
	return -1;
}

/* Whether they may push to it at all; else it answers. */
static int
git_check_role(struct request *r, const char *app)
{
	enum role role = who_role_for(r->api, &r->who, app);
	const char *name = r->params[0];

	if (role >= ROLE_DEPLOYER)
		return 1;
	if (role == ROLE_NONE)
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "there is no app named %.60s: paas apps:create makes it",
		    name);
	else
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "you are %s of %.60s, and git takes one who is deployer: "
		    "ask for paas access:add %s -a %.60s --role deployer",
		    who_role(role), name, r->who.name, name);
	return 0;
}

/* The number of the app, if they may; 0 after an answer. */
static uint64_t
git_check_app(struct request *r)
{
	const char *name = r->params[0], *only = r->who.app;
	char found[KEY_NAME_MAX + 1], shown[KEY_NAME_MAX + 1];
	char key[STORE_KEY_MAX + 1];
	uint64_t number = 0;
	json_t *app = NULL;

	if ((r->who.scope & SCOPE_DEPLOY) == 0) {
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "this token is not for pushes: paas tokens:create makes "
		    "one that is");
		return 0;
	}
	/* Whether there is another one is not its holder's to know. */
	if (names_find(r->api->store, name, found) == -1)
		found[0] = '\0';
	if (only[0] != '\0' && strcmp(only, found) != 0) {
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "this token is for pushes to %s and no other app",
		    names_of(r->api->store, only, shown));
		return 0;
	}
	if (found[0] != '\0')
		app = store_get(
		    r->api->store, key_format(key, "app/%s", found), NULL);
	if (app == NULL)
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "there is no app named %.60s: paas apps:create makes it",
		    name);
	else if (git_check_role(r, found) &&
		 key_parse_id(model_text(app, "number"), &number) == -1)
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "the record of %.60s is damaged", name);
	json_decref(app);
	return number;
}

static void
git_grant(struct git_access *git)
{
	struct request *r = git->request;
	char number[17], text[PUSH_TOKEN_TEXT] = "";

	key_format_id(number, git->number);
	if (git->push)
		access_push_token(
		    r->api->access, text, git->token, git->number);
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:s, s:s, s:s}", "repository", number, "user",
		git->user, "token", text));
	respond_header(r, "X-Paas-Repository", number);
	respond_header(r, "X-Paas-User", git->user);
	if (git->push)
		respond_header(r, "X-Paas-Token", text);
	explicit_bzero(text, sizeof(text));
}

static void
git_has_repository(int error, void *arg)
{
	struct git_access *git = arg;
	struct request *r = git->request;

	if (request_gone(r))
		;
	else if (error == 0)
		git_grant(git);
	else if (error == EAGAIN || error == ECONNRESET)
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "the platform's launcher does not answer: paas status "
		    "tells when it does, try again then");
	else
		git_refuse(r, MHD_HTTP_FORBIDDEN,
		    "the repository could not be made: %s", strerror(error));
	request_release(r);
	free(git);
}

void
git_access(struct request *r)
{
	struct git_access *git;
	int good;

	if (strcmp(r->params[1], "push") != 0 &&
	    strcmp(r->params[1], "fetch") != 0) {
		respond_missing(r, "git can push and fetch");
		return;
	}
	if ((git = calloc(1, sizeof(*git))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	good =
	    (access_is_git(r) ? git_check_login(r) : git_check_token(r)) == 0;
	if (good && (git->number = git_check_app(r)) != 0) {
		git->request = request_hold(r);
		git->push = strcmp(r->params[1], "push") == 0;
		git->token = r->who.token;
		request_user(r, git->user, sizeof(git->user));
		repository_need(
		    r->api->repositories, git->number, git_has_repository, git);
		return;
	}
	free(git);
}

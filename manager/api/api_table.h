/*
 * Method and path to verb, as data.  What a route takes and gives is told in
 * the files of schema/, and a route that is not told of fails t/schema.t.
 */
#ifndef PAAS_API_TABLE_H
#define PAAS_API_TABLE_H

#include <stddef.h>

#include "api/http/uri.h"

struct request;

#define API_APP  0x01U /* the first ':' names an app, which has to exist */
#define API_BODY 0x02U /* takes JSON; the others take no body */

/*
 * Who may use a route at DOOR_TOKENS: access_route.c has what each one takes
 * of roles (who.h) and scopes.
 */
enum api_need {
	API_OPEN, /* anybody: the verb asks who it is */
	API_SELF, /* any user, about themselves */
	API_SELF_CHANGE,
	API_LIST,        /* any user: shows what they may see */
	API_CREATE,      /* any user: a new app, which is theirs */
	API_STATE,       /* of the app, also for who pushes to it */
	API_VIEW,        /* viewers of the app */
	API_PUSH,        /* deployers of the app */
	API_CHANGE,      /* the same, but no token for pushes alone */
	API_SECRETS,     /* the same: config vars */
	API_SET_SECRETS, /* the same: config vars */
	API_OWN,         /* admins of the app */
	API_WATCH,       /* viewers of all apps */
	API_ADMIN,       /* admins of the platform */
	API_TEAM_VIEW,   /* who is in the team that the path names */
	API_TEAM_SELF,   /* the same, to change what is one's own there */
	API_TEAM_OWN,    /* admins of that team */
	API_LOCAL,       /* administrators of this machine, at DOOR_PEOPLE */
	API_GIT          /* nginx and git: about somebody's credentials */
};

#define API_PARAMS_MAX 3

struct api_upload {
	/* Once the head is there; may refuse with an answer. */
	void (*head)(struct request *);
	/* Not called any more once there is an answer. */
	void (*data)(struct request *, const void *, size_t);
};

struct api_route {
	const char *method;
	const char *path; /* ":" stands for any one segment */
	void (*verb)(struct request *);
	enum api_need need;
	unsigned int flags;
	const struct api_upload *upload; /* the body is not JSON */
};

enum api_match { API_FOUND, API_NO_PATH, API_NO_METHOD };

/*
 * The route of a request; params gets its ':' segments, which point into uri.
 * For API_NO_METHOD allow gets the methods that the path has, "GET, PATCH".
 * HEAD is answered as GET, whose body the server leaves out.
 */
enum api_match api_match(const char *method, const struct uri *uri,
    const struct api_route **route, const char *params[API_PARAMS_MAX],
    char *allow, size_t len);

/* The table itself, for tests and for a listing: a method of NULL ends it. */
extern const struct api_route api_routes[];

#endif

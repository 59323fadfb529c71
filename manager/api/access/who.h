/*
 * Somebody who asks, and what they may.
 *
 * Two things have to be so: the role that somebody has for an app, or for all
 * of them, reaches to what they ask for; and so does the scope of the token
 * that they ask with.  An administrator of this machine, who comes by
 * manager.sock, and whose tokens stand for the machine, has every role.
 */
#ifndef PAAS_API_WHO_H
#define PAAS_API_WHO_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdint.h>

#include "api/model.h"
#include "store/store.h"

#define WHO_NAME 101 /* an email address, or a user of this machine */

/* Each has what those before it have. */
enum role {
	ROLE_NONE,
	ROLE_VIEWER,   /* sees all but config vars */
	ROLE_DEPLOYER, /* pushes, and changes what an app is */
	ROLE_ADMIN     /* destroys it, and says who may what */
};

/* What a token may be used for, by the words of its "scope". */
#define SCOPE_IDENTITY      0x01U /* who one is */
#define SCOPE_READ          0x02U
#define SCOPE_READ_SECRETS  0x04U /* config vars */
#define SCOPE_WRITE         0x08U
#define SCOPE_WRITE_SECRETS 0x10U
#define SCOPE_DEPLOY        0x20U /* push to an app, and see what came of it */
#define SCOPE_GLOBAL        0x40U /* users and tokens */
#define SCOPE_ALL           0x7fU

#define SCOPE_FORM                                                       \
	"global, read, read-protected, write, write-protected, deploy, " \
	"identity"

/* What who->token is the number of. */
enum basis {
	BASIS_NONE = 0,      /* nothing: the kernel said who it is */
	BASIS_TOKEN = 't',   /* token/ID */
	BASIS_SESSION = 's', /* session/ID: of a browser */
	BASIS_PUSH = 'p'     /* of a push: what that was made from */
};

struct who {
	char name[WHO_NAME];
	char id[37];    /* the user's; "" for an administrator of the machine */
	enum role role; /* for all apps: their own, or by a team */
	unsigned int scope;
	char app[MODEL_NAME_MAX]; /* the only one that a token is for, or "" */
	uint64_t token;           /* 0: none */
	uint16_t edition;         /* of its secret, which can be changed */
	enum basis basis;
	int64_t until;      /* that is good: us since the epoch; 0: for ever */
	int64_t push_until; /* of a push: that it is itself */
	char address[INET6_ADDRSTRLEN]; /* as nginx has it; "": this machine */
};

/* "viewer": 0, or -1. */
int who_parse_role(const char *word, enum role *);
const char *who_role(enum role);

/* The bits of words between blanks; 0 if there is none, or a wrong one. */
unsigned int who_scope(const char *words);

/* The word of the least of them that has one of these. */
const char *who_scope_for(unsigned int bits);

/* An administrator of this machine by that name. */
void who_is_local(struct who *, const char *name);

/*
 * Whose the record of a token or a key is: fills all but what it came with
 * and its address.
 * 0, or -1 if that user is no more, or is not to come in.
 */
int who_read(struct api *, json_t *record, struct who *);

/* The user of that address: name, id, and the role for all apps. */
void who_is_user(struct api *, struct who *, const char *email, json_t *user);

/*
 * What somebody is to an app, by the APP of its keys, and to a team, by its
 * id: the greatest of all roles that they have for it, their own and by teams
 * (roles.h).  All that asks who may what asks one of these two, or looks at
 * who->role, which is for all apps and all teams.
 */
enum role who_role_for(struct api *, const struct who *, const char *app);
enum role who_role_in(struct api *, const struct who *, const char *team);

/* An administrator of all, and not by a token that is good for one app. */
int who_owns_all(const struct who *);

#endif

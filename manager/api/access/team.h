/*
 * Teams: team/ID in the store (keys.h), by a name that is its own.  What each
 * of its members may is in roles.h.
 */
#ifndef PAAS_API_TEAM_H
#define PAAS_API_TEAM_H

#include <jansson.h>
#include <stdint.h>

#include "api/access/who.h"
#include "store/keys.h"

struct request;
struct store;
struct store_txn;

#define TEAMS_MAX        1000 /* in all */
#define TEAM_MEMBERS_MAX 1000 /* of one */
#define TEAM_GRANTS_MAX  50   /* teams with a role for one app */
#define USER_TEAMS_MAX   100  /* that one is a member of */

/* Whose an app is that a team has, as Heroku's clients know it. */
#define TEAM_OWNER_DOMAIN "@herokumanager.com"

struct team {
	char id[37];
	char name[KEY_NAME_MAX + 1];
	json_t *record; /* its reference is the caller's */
	uint64_t rev;
};

/* By name or id; -1: there is none. */
int team_get(struct api *, const char *which, struct team *);

/*
 * The same of one in which the one who asks has at least `need`.  -1 after an
 * answer, which for those who are not in it is as if it were not there.
 */
int team_find(
    struct request *, const char *which, enum role need, struct team *);

/*
 * For the need of a route: whether they may; 0 after an answer.  And which role
 * they have in it.
 */
int team_allows(struct request *, const char *which, enum role need);
enum role team_role_of(const struct request *, const char *which);

/*
 * Adds to txn that the team has not changed since it was found, and that it
 * has now: every change of its members and apps has this.
 */
void team_touch(struct store_txn *, const struct team *);

/* Its id in the record of an app becomes {"id", "name"}; null if it has none.
 */
json_t *model_team_ref(struct store *, json_t *app);

/* Whose an app is: a team's, or who made it. */
json_t *model_app_owner(struct store *, json_t *app);

/* As somebody sees it, whose own role in it is told, too. */
json_t *model_team(struct api *, const struct who *, const struct team *);

#endif

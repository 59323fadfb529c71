/*
 * What verbs about teams have in common.
 */
#ifndef PAAS_API_TEAM_CHANGE_H
#define PAAS_API_TEAM_CHANGE_H

#include <jansson.h>

#include "api/access/who.h"

struct request;
struct store_txn;

#define TEAM_NAME_FORM    "1 to 30 of a-z, 0-9 and '-', starting with a letter"
#define TEAM_OVERALL_FORM "member, viewer, deployer or admin"
#define TEAM_ROLE_FORM    "viewer, deployer, admin, or Heroku's member or owner"

/* Whether a valid name can be had: 0 after an answer. */
int team_name_free(struct request *, const char *name);
void team_name_take(struct store_txn *, const char *name, const char *team);

/* Of "overall_role"; who may not give it has an answer, and 0. */
int team_overall_valid(const char *);
int team_overall_allowed(struct request *);

/*
 * A role in a team, in our words, or in Heroku's: a "member" is a deployer, an
 * "owner" an admin.  ROLE_NONE if it is none.
 */
enum role team_role(const char *word);
int team_role_valid(const char *word);

/* The record of a new member by the id of the user. */
json_t *team_member_new(struct request *, const char *owner, enum role);

#endif

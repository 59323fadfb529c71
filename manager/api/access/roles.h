/*
 * Which role somebody has, by the records that say so: member/, team/,
 * teammember/, teamgrant/ and the team of app/, kept in memory as of the last
 * commit.  who.h asks here for everything that anybody may; to look at each
 * app of a list must not be a read of the store for each.
 */
#ifndef PAAS_API_ROLES_H
#define PAAS_API_ROLES_H

#include <stdint.h>

#include "api/access/who.h"
#include "common/conf.h"

struct roles;
struct store;

/* Reads the records and follows them.  NULL with a sentence in err. */
struct roles *roles_open(struct store *, char err[PAAS_ERRLEN]);
void roles_close(struct roles *); /* NULL is fine */

/*
 * Of a user by address and id; who had the address before has nothing by it.
 *
 * for: an app, by the APP of its keys: as its collaborator, as a member of the
 * team that it is of, and by teams that were given a role for it, whose
 * members have that, but no more than theirs in the team.
 * overall: for all apps, by teams in the same manner.
 * in: in a team, by its id.
 */
enum role roles_for(
    struct roles *, const char *email, const char *id, const char *app);
enum role roles_overall(struct roles *, const char *email, const char *id);
enum role roles_in(
    struct roles *, const char *email, const char *id, const char *team);

/* The id of the team that an app is of, or "": borrowed for this turn. */
const char *roles_team_of(struct roles *, const char *app);

/*
 * Grows with each change: what was found by an older one may be otherwise now,
 * even at the same revision of the store, of which this hears a little later.
 */
uint64_t roles_changes(const struct roles *);

/* Of how many teams somebody is a member. */
unsigned int roles_count_teams(struct roles *, const char *email);

#endif

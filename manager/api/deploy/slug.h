/*
 * Slugs that are made elsewhere: a record of one, draft/APP/ID, waits for its
 * archive and for the release that names it, and is built by that.
 */
#ifndef PAAS_API_SLUG_H
#define PAAS_API_SLUG_H

#include <jansson.h>
#include <stdint.h>

struct request;

/* The record of one that the app was given by POST; NULL: there is none. */
json_t *slug_draft(struct request *, const char *id);

/* Of whom its archive is: the app. */
uint64_t slug_owner(const struct request *);

/*
 * In the shape of Heroku's; blob, an object or null, is taken.  It has no size
 * before it is made.
 */
json_t *slug_draft_json(
    struct request *, const char *id, json_t *draft, json_t *blob);

/*
 * Releases one for the first time: builds what was uploaded, and answers with
 * the release once it is there; so does the same request, sent again.  1, or 0
 * if it has been released already, and can be as any other.
 */
int slug_release(struct request *, const char *id, json_t *draft,
    const char *description, int released);

#endif

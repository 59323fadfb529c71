/* What the verbs on /oauth/authorizations share. */
#ifndef PAAS_API_GRANT_H
#define PAAS_API_GRANT_H

#include <jansson.h>

struct request;
struct store;
struct token_found;

#define GRANT_DESCRIPTION 100 /* bytes */

/* A token in Heroku's shape; text is NULL for one that was made before. */
json_t *grant_shape(
    struct store *, const char *id, json_t *record, const char *text);

/*
 * The one that the path names; "~" is the one that this request came with.
 * 0, or -1 after an answer.
 */
int grant_find(struct request *, struct token_found *);

#endif

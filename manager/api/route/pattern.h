/*
 * What the verbs on patterns share.
 */
#ifndef PAAS_API_PATTERN_H
#define PAAS_API_PATTERN_H

#include <jansson.h>
#include <stdint.h>

#include "store/keys.h"

#define PATTERN_ORDER_MAX 999999999

struct api;
struct request;

/*
 * The key of the pattern that the request's path names, by its order.  0, or
 * -1 after an answer.
 */
int pattern_key(struct request *, char key[STORE_KEY_MAX + 1]);

json_t *pattern_shape(struct api *, const char *key, json_t *record);

/*
 * Is it a regular expression that the router compiles?  Or there is an answer
 * that says what is wrong, and where.
 */
int pattern_check(struct request *, const char *text);

#endif

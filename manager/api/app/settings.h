/*
 * Settings of pools and paths (routing/setting.h) among the fields of a body.
 */
#ifndef PAAS_API_SETTINGS_H
#define PAAS_API_SETTINGS_H

#include <jansson.h>

#include "api/http/check.h"

struct request;

/*
 * Checks the body: its settings of the kinds `of`, and by the table what else
 * is in it.  Returns the settings with their canonical values, null for one to
 * be put back, as a new object; NULL after an answer.
 */
json_t *settings_read(
    struct request *, const struct check_field *, unsigned int of);

/*
 * Moves those that are of these kinds into an object; null takes one out.
 * How many there were.
 */
size_t settings_move(json_t *from, unsigned int of, json_t *into);

#endif

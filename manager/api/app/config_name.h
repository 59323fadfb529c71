/*
 * Names of environment variables, as people may choose them.
 */
#ifndef PAAS_API_CONFIG_NAME_H
#define PAAS_API_CONFIG_NAME_H

#include <jansson.h>

struct request;

/*
 * {"NAME": "value"}; with `unset` a value may be null.  where names the object
 * in messages, "" for the body itself.  0, or -1 after an answer.
 */
int config_check(struct request *, json_t *vars, const char *where, int unset);

/*
 * Whole numbers of an env, or NULL, become text: Heroku's CLI has COLUMNS and
 * LINES as such.
 */
void config_env_text(json_t *env);

#endif

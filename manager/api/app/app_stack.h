/*
 * The region and the stack: there is one of each.
 */
#ifndef PAAS_API_APP_STACK_H
#define PAAS_API_APP_STACK_H

#include <jansson.h>

struct api;
struct request;

#define REGION "local"

/* {"id", "name"}: kind is "region" or "stack". */
json_t *app_stack_ref(const char *kind, const char *name);

/*
 * Whether a field of the body, if it is there, names what there is, by name or
 * id: 0, or -1 after an answer.
 */
int app_stack_check(struct request *, const char *field);
int app_region_check(struct request *, const char *field);

#endif

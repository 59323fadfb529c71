/*
 * What routes and patterns have in common on the command line.
 */
#ifndef PAAS_CLI_ROUTES_H
#define PAAS_CLI_ROUTES_H

#include <jansson.h>

struct cli;
struct table;

/*
 * Targets and settings from the arguments, from the first-th on, and from the
 * options: a new body, or NULL after a complaint.
 */
json_t *routes_body(struct cli *, int first);

/* A line a target; name and path on the first of each path. */
void routes_paths(struct table *, const char *name, const json_t *paths);

#endif

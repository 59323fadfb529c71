/*
 * What the verbs on routes share.
 */
#ifndef PAAS_API_ROUTE_H
#define PAAS_API_ROUTE_H

#define ROUTE_PATH_MAX 255

struct request;

/*
 * "/docs/" to "/docs": a prefix of whole segments.  0, or -1 after an answer.
 */
int route_parse_path(
    struct request *, const char *text, char prefix[ROUTE_PATH_MAX + 1]);

#endif

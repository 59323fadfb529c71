#ifndef PAAS_API_BROWSER_JSON_H
#define PAAS_API_BROWSER_JSON_H

#include <jansson.h>

struct request;

/* The one that the request came by, or begins, has its CSRF token. */
json_t *model_browser(
    struct request *, const char *id, json_t *record, int mine);

#endif

/*
 * Within manifest.yml: cf_file.c has the file's keys, cf.c those of an app,
 * cf_routes.c what leads to it, cf_health.c how it is checked.
 */
#ifndef PAAS_MANIFEST_CF_H
#define PAAS_MANIFEST_CF_H

#include "manifest/reading.h"

/* The settings of one app; errors are in notes. */
json_t *cf_read_app(const struct node *map, struct notes *);

int cf_is_app_key(const char *name);

/* The effects of the keys of health checks; the last one after all of them. */
void cf_health_type(struct reading *, const struct key *, const struct value *);
void cf_health_text(struct reading *, const struct key *, const struct value *);
void cf_health_headers(
    struct reading *, const struct key *, const struct value *);
void cf_health_end(struct reading *);

/* The effect of `routes`. */
void cf_routes(struct reading *, const struct key *, const struct value *);

/* The keys of before there were routes: host, domain and the like. */
void cf_hosts(struct reading *, const struct node *app);

#endif

/*
 * Which hosts an app was given, without a look at those of all others: the
 * records of domains are by host.
 */
#ifndef PAAS_API_APP_DOMAINS_H
#define PAAS_API_APP_DOMAINS_H

#include "common/conf.h"

struct app_domains;
struct store;

/* NULL with a sentence in err. */
struct app_domains *app_domains_open(struct store *, char err[PAAS_ERRLEN]);
void app_domains_close(struct app_domains *);

/* Calls back for each host of an app, by its key, in order of bytes. */
typedef void (*app_domains_cb)(const char *host, void *arg);
void app_domains_each(
    struct app_domains *, const char *app, app_domains_cb, void *arg);

#endif

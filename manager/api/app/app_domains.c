#include "api/app/app_domains.h"

#include <bsd/string.h>
#include <bsd/sys/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/model.h"
#include "common/log.h"
#include "store/keys.h"
#include "store/store.h"

struct domain {
	RB_ENTRY(domain) by_host;
	RB_ENTRY(domain) by_app;
	const char *host;
	char app[MODEL_NAME_MAX];
	char text[]; /* host, if it is not only looked for */
};
RB_HEAD(by_host, domain);
RB_HEAD(by_app, domain);

struct app_domains {
	struct store *store;
	struct store_watch *watch;
	struct by_host hosts;
	struct by_app apps;
	int filled; /* all are there: since somebody asked */
};

static int
compare_hosts(struct domain *a, struct domain *b)
{
	return strcmp(a->host, b->host);
}

static int
compare_apps(struct domain *a, struct domain *b)
{
	int order = strcmp(a->app, b->app);

	return order != 0 ? order : strcmp(a->host, b->host);
}

RB_GENERATE_INTERNAL(
    by_host, domain, by_host, compare_hosts, __attribute__((__unused__)) static)
RB_GENERATE_INTERNAL(
    by_app, domain, by_app, compare_apps, __attribute__((__unused__)) static)

static void
drop(struct app_domains *ad, struct domain *domain)
{
	RB_REMOVE(by_host, &ad->hosts, domain);
	RB_REMOVE(by_app, &ad->apps, domain);
	free(domain);
}

/* record is NULL for a host that nobody has any more. */
static void
take(struct app_domains *ad, const char *host, json_t *record)
{
	struct domain find = {.host = host}, *domain;
	size_t len = strlen(host) + 1;

	if ((domain = RB_FIND(by_host, &ad->hosts, &find)) != NULL)
		drop(ad, domain);
	if (record == NULL)
		return;
	if ((domain = calloc(1, sizeof(*domain) + len)) == NULL)
		log_fatal("api: out of memory");
	memcpy(domain->text, host, len);
	domain->host = domain->text;
	strlcpy(domain->app, model_text(record, "app"), sizeof(domain->app));
	RB_INSERT(by_host, &ad->hosts, domain);
	RB_INSERT(by_app, &ad->apps, domain);
}

static int
fill_one(const char *key, json_t *record, uint64_t rev, void *arg)
{
	(void)rev;
	take(arg, strchr(key, '/') + 1, record);
	return 0;
}

static void
on_domain(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct app_domains *ad = arg;

	(void)rev;
	if (ad->filled)
		take(ad, strchr(key, '/') + 1, record);
}

void
app_domains_each(
    struct app_domains *ad, const char *app, app_domains_cb cb, void *arg)
{
	struct domain find = {.host = ""}, *domain;

	if (!ad->filled) {
		ad->filled = 1;
		(void)store_each(ad->store, "domain/", fill_one, ad);
	}
	strlcpy(find.app, app, sizeof(find.app));
	domain = RB_NFIND(by_app, &ad->apps, &find);
	for (; domain != NULL && strcmp(domain->app, app) == 0;
	     domain = RB_NEXT(by_app, &ad->apps, domain))
		cb(domain->host, arg);
}

struct app_domains *
app_domains_open(struct store *store, char err[PAAS_ERRLEN])
{
	struct app_domains *ad = calloc(1, sizeof(*ad));

	if (ad == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	ad->store = store;
	RB_INIT(&ad->hosts);
	RB_INIT(&ad->apps);
	ad->watch = store_watch(store, "domain/", on_domain, ad);
	return ad;
}

void
app_domains_close(struct app_domains *ad)
{
	struct domain *domain, *next;

	if (ad == NULL)
		return;
	store_unwatch(ad->watch);
	RB_FOREACH_SAFE (domain, by_host, &ad->hosts, next)
		drop(ad, domain);
	free(ad);
}

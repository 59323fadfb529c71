/*
 * Opens and closes the room: its context, its doors and what works in it by
 * itself.
 */
#include "api/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/access.h"
#include "api/api.h"
#include "api/app/app_domains.h"
#include "api/app/app_texts.h"
#include "api/app/destroy.h"
#include "api/access/lookup.h"
#include "api/access/password.h"
#include "api/http/idempotency_sweep.h"
#include "api/http/live.h"
#include "api/http/session_keep.h"
#include "api/http/openapi.h"
#include "api/access/peer.h"
#include "api/deploy/push_watch.h"
#include "api/http/rate.h"
#include "api/access/roles.h"
#include "api/app/repository.h"
#include "api/http/request.h"
#include "api/access/user_sweep.h"

/* "debian-12", from os-release(5). */
static void
server_read_stack(char *stack, size_t len)
{
	char line[256], id[32] = "linux", version[24] = "";
	FILE *file;

	if ((file = fopen("/etc/os-release", "re")) != NULL) {
		while (fgets(line, sizeof(line), file) != NULL) {
			(void)sscanf(line, "ID=%31[a-z0-9._-]", id);
			(void)sscanf(
			    line, "VERSION_ID=\"%23[a-z0-9._-]", version);
		}
		(void)fclose(file);
	}
	snprintf(
	    stack, len, "%s%s%s", id, version[0] != '\0' ? "-" : "", version);
}

static int
server_open_doors(struct api *api, char err[PAAS_ERRLEN])
{
	for (enum door_kind kind = 0; kind < DOORS; kind++)
		if (door_open(&api->doors[kind], api, kind, err) == -1)
			return -1;
	return 0;
}

struct api *
api_open_locked(const char *why, const struct conf *conf, sd_event *event,
    char err[PAAS_ERRLEN])
{
	struct api *api;

	if ((api = calloc(1, sizeof(*api))) == NULL ||
	    (api->rate = rate_new(conf->api_rate)) == NULL ||
	    (api->locked = strdup(why)) == NULL) {
		if (api != NULL)
			rate_free(api->rate);
		free(api);
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&api->requests);
	TAILQ_INIT(&api->sessions);
	api->conf = conf;
	api->event = event;
	api->admins = peer_admins(conf->user_manager);
	if (server_open_doors(api, err) == 0)
		return api;
	api_close(api);
	return NULL;
}

struct api *
api_open(struct store *store, struct build *build, struct node *node,
    struct routing *routing, const struct conf *conf, sd_event *event,
    char err[PAAS_ERRLEN])
{
	struct api *api;

	if ((api = calloc(1, sizeof(*api))) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&api->requests);
	TAILQ_INIT(&api->sessions);
	api->store = store;
	api->build = build;
	api->node = node;
	api->routing = routing;
	api->conf = conf;
	api->event = event;
	api->admins = peer_admins(conf->user_manager);
	server_read_stack(api->stack, sizeof(api->stack));
	if ((api->rate = rate_new(conf->api_rate)) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		goto fail;
	}
	if ((api->openapi = openapi_open(err)) == NULL ||
	    (api->roles = roles_open(store, err)) == NULL ||
	    (api->access = access_open(api, err)) == NULL ||
	    (api->app_texts = app_texts_open(api, err)) == NULL ||
	    (api->app_domains = app_domains_open(store, err)) == NULL ||
	    (api->repositories = repositories_open(api, err)) == NULL ||
	    (api->lives = lives_open(api, err)) == NULL)
		goto fail;
	if ((api->pushes = push_watch_open(api, err)) == NULL)
		goto fail;
	if ((api->passwords = passwords_open(api, err)) == NULL ||
	    (api->lookups = lookups_open(api, err)) == NULL)
		goto fail;
	if (server_open_doors(api, err) == -1)
		goto fail;
	if ((api->destroyer = destroyer_open(api, err)) == NULL ||
	    (api->user_sweep = user_sweep_open(api, err)) == NULL ||
	    (api->answers = idempotency_sweep_open(api, err)) == NULL)
		goto fail;
	return api;
fail:
	api_close(api);
	return NULL;
}

/* MHD aborts the process if a connection is still suspended at its end. */
static void
server_resume_all(struct api *api)
{
	struct request *r;

	api->closing = 1;
	TAILQ_FOREACH (r, &api->requests, entry)
		request_resume(r);
	for (enum door_kind kind = 0; kind < DOORS; kind++)
		if (api->doors[kind].httpd != NULL)
			(void)MHD_run(api->doors[kind].httpd);
}

void
api_close(struct api *api)
{
	if (api == NULL)
		return;
	destroyer_close(api->destroyer);
	user_sweep_close(api->user_sweep);
	idempotency_sweep_close(api->answers);
	server_resume_all(api);
	for (enum door_kind kind = 0; kind < DOORS; kind++)
		door_close(&api->doors[kind]);
	session_keep_close(api);
	lives_close(api->lives);
	lookups_close(api->lookups);
	passwords_close(api->passwords);
	push_watch_close(api->pushes);
	repositories_close(api->repositories);
	app_texts_close(api->app_texts);
	app_domains_close(api->app_domains);
	access_close(api->access);
	roles_close(api->roles);
	openapi_close(api->openapi);
	rate_free(api->rate);
	free((void *)(uintptr_t)api->locked);
	free(api);
}

/*
 * The API's one context, and what the files of this room share of it.
 */
#ifndef PAAS_API_SERVER_H
#define PAAS_API_SERVER_H

#include <sys/queue.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "api/http/door.h"
#include "common/conf.h"

struct access;
struct build;
struct destroyer;
struct lives;
struct lookups;
struct passwords;
struct user_sweep;
struct idempotency_sweep;
struct node;
struct openapi;
struct repositories;
struct roles;
struct push_watch;
struct rate;
struct request;
struct routing;
struct store;

struct api {
	struct store *store;
	struct build *build;
	struct node *node;
	struct routing *routing;
	const struct conf *conf;
	sd_event *event;
	struct door doors[DOORS];
	struct openapi *openapi;
	struct access *access;
	struct roles *roles;
	struct app_texts *app_texts;
	struct app_domains *app_domains;
	struct rate *rate;
	struct lives *lives;
	struct repositories *repositories;
	struct push_watch *pushes;
	struct destroyer *destroyer;
	struct passwords *passwords;
	struct lookups *lookups;
	struct user_sweep *user_sweep;
	struct idempotency_sweep *answers;
	int closing;
	const char *locked; /* why nothing is answered; NULL */
	gid_t admins;
	char stack[64]; /* "debian-12": what /usr is inside apps */
	TAILQ_HEAD(request_list, request) requests;
	TAILQ_HEAD(session_list, session_kept)
	sessions; /* http/session_keep.h */
};

#endif

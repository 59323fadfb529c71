/*
 * The API's one context, and what the files of this room share of it.
 */
#ifndef PAAS_API_SERVER_H
#define PAAS_API_SERVER_H

#include <microhttpd.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/un.h>
#include <systemd/sd-event.h>

#include "common/conf.h"

struct build;
struct destroyer;
struct node;
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
	struct MHD_Daemon *httpd;
	sd_event_source *io;
	sd_event_source *timer;
	sd_event_source *wake; /* there is work for it already */
	struct destroyer *destroyer;
	int listener;
	int closing;
	gid_t admins;
	struct sockaddr_un addr;
	char stack[64]; /* "debian-12": what /usr is inside apps */
	TAILQ_HEAD(request_list, request) requests;
};

#endif

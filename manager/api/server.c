/*
 * libmicrohttpd on the daemon's loop: its epoll descriptor is one source, and
 * a timer stands for what it would have waited for.  The timer is armed anew
 * after every run: without that an upload that fills MHD's buffers hangs.
 */
#include "api/server.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "api/destroy.h"
#include "api/peer.h"
#include "api/request.h"
#include "common/log.h"
#include "common/places.h"

#define SERVER_MEMORY      (64 * 1024) /* of a connection: mapped, not heap */
#define SERVER_TIMEOUT     60          /* seconds a client may say nothing */
#define SERVER_CONNECTIONS 4096
#define SERVER_SPARE_FILES 256 /* descriptors left to the other rooms */

/* After exits and the node's own work, which are more urgent. */
#define SERVER_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

/* ---- the loop -------------------------------------------------------- */

static void
server_arm(struct api *api)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(api->httpd, &ms) != MHD_YES) {
		(void)sd_event_source_set_enabled(api->timer, SD_EVENT_OFF);
		return;
	}
	/* More to do already: a timer would cost each block its accuracy. */
	if (ms == 0) {
		(void)sd_event_source_set_enabled(api->wake, SD_EVENT_ONESHOT);
		return;
	}
	if (ms > UINT32_MAX)
		ms = UINT32_MAX;
	(void)sd_event_source_set_time_relative(api->timer, ms * 1000);
	(void)sd_event_source_set_enabled(api->timer, SD_EVENT_ONESHOT);
}

static void
server_run(struct api *api)
{
	(void)MHD_run(api->httpd);
	server_arm(api);
}

static int
server_on_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	server_run(arg);
	return 0;
}

static int
server_on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source;
	(void)usec;
	server_run(arg);
	return 0;
}

static int
server_on_wake(sd_event_source *source, void *arg)
{
	(void)source;
	server_run(arg);
	return 0;
}

static int
server_attach(struct api *api, char err[PAAS_ERRLEN])
{
	const union MHD_DaemonInfo *info;
	int r;

	info = MHD_get_daemon_info(api->httpd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || info->epoll_fd == -1) {
		snprintf(err, PAAS_ERRLEN, "libmicrohttpd has no epoll");
		return -1;
	}
	r = sd_event_add_io(
	    api->event, &api->io, info->epoll_fd, EPOLLIN, server_on_io, api);
	if (r >= 0)
		r = sd_event_add_time_relative(api->event, &api->timer,
		    CLOCK_MONOTONIC, 0, 1000, server_on_timer, api);
	if (r >= 0)
		r = sd_event_add_defer(
		    api->event, &api->wake, server_on_wake, api);
	if (r >= 0)
		r = sd_event_source_set_enabled(api->wake, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(api->wake, SERVER_PRIORITY);
	if (r >= 0)
		r = sd_event_source_set_priority(api->io, SERVER_PRIORITY);
	if (r >= 0)
		r = sd_event_source_set_priority(api->timer, SERVER_PRIORITY);
	if (r < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
		return -1;
	}
	return 0;
}

/* ---- libmicrohttpd --------------------------------------------------- */

/* Paths and queries are decoded by uri.c. */
static size_t
server_unescape(void *cls, struct MHD_Connection *conn, char *text)
{
	(void)cls;
	(void)conn;
	return strlen(text);
}

static void server_log(void *, const char *, va_list) PAAS_PRINTF(2, 0);

/* Mostly of clients that went away or sent garbage: their affair. */
static void
server_log(void *cls, const char *fmt, va_list args)
{
	char line[256];

	(void)cls;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("api: %s", line);
}

static unsigned int
server_limit(void)
{
	struct rlimit limit;
	rlim_t files;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 128;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
			(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	files = limit.rlim_cur;
	if (files >= SERVER_CONNECTIONS + SERVER_SPARE_FILES)
		return SERVER_CONNECTIONS;
	return files > 2 * SERVER_SPARE_FILES ? files - SERVER_SPARE_FILES
					      : files / 2;
}

static struct MHD_Daemon *
server_start(struct api *api)
{
	unsigned int flags;

	flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	return MHD_start_daemon(flags, 0, NULL, NULL, request_handle, api,
	    MHD_OPTION_EXTERNAL_LOGGER, server_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, api->listener,
	    MHD_OPTION_CONNECTION_LIMIT, server_limit(),
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SERVER_TIMEOUT,
	    MHD_OPTION_NOTIFY_COMPLETED, request_completed, api,
	    MHD_OPTION_UNESCAPE_CALLBACK, server_unescape, NULL,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
	    1, MHD_OPTION_END);
}

/* ---- open and close -------------------------------------------------- */

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
	api->store = store;
	api->build = build;
	api->node = node;
	api->routing = routing;
	api->conf = conf;
	api->event = event;
	api->admins = peer_admins(conf->user_manager);
	server_read_stack(api->stack, sizeof(api->stack));
	api->listener = peer_listen(
	    conf->run_dir, PLACE_MANAGER_SOCK, api->admins, &api->addr, err);
	if (api->listener == -1)
		goto fail;
	if ((api->httpd = server_start(api)) == NULL) {
		snprintf(err, PAAS_ERRLEN, "cannot start the HTTP server on %s",
		    api->addr.sun_path);
		goto fail;
	}
	if (server_attach(api, err) == -1)
		goto fail;
	if ((api->destroyer = destroyer_open(api, err)) == NULL)
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
	(void)MHD_run(api->httpd);
}

void
api_close(struct api *api)
{
	if (api == NULL)
		return;
	destroyer_close(api->destroyer);
	if (api->httpd != NULL) {
		server_resume_all(api);
		MHD_stop_daemon(api->httpd); /* closes the listener, too */
		(void)unlink(api->addr.sun_path);
	} else if (api->listener > 0) {
		(void)close(api->listener);
		(void)unlink(api->addr.sun_path);
	}
	sd_event_source_disable_unref(api->io);
	sd_event_source_disable_unref(api->timer);
	sd_event_source_disable_unref(api->wake);
	free(api);
}

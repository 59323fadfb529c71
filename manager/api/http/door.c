/*
 * libmicrohttpd on the daemon's loop: its epoll descriptor is one source, and
 * a timer stands for what it would have waited for.  The timer is armed anew
 * after every run: without that an upload that fills MHD's buffers hangs.
 */
#include "api/http/door.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/access/access.h"
#include "api/access/peer.h"
#include "api/http/request.h"
#include "api/server.h"
#include "common/log.h"
#include "common/places.h"

#define DOOR_MEMORY      (64 * 1024) /* of a connection: mapped, not heap */
#define DOOR_TIMEOUT     60          /* seconds a client may say nothing */
#define DOOR_CONNECTIONS 12288
#define DOOR_SPARE_FILES 256 /* descriptors left to the other rooms */
#define DOOR_RUNS        3   /* to see an end, to forget it, to listen */
#define DOOR_ANSWER_RUNS 2   /* to send an answer, to close behind it */
#define DOOR_SHORT_MS    250 /* between two looks at who waits without one */

/* After exits and the node's own work, which are more urgent. */
#define DOOR_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

/* After routing: what somebody was told of holds.  Before all else. */
#define DOOR_ANSWER (SD_EVENT_PRIORITY_NORMAL - 10)

/* share: a part of the connections that there may be in all. */
static const struct {
	const char *name;
	mode_t mode;
	unsigned int share;
	int64_t priority;
} doors[DOORS] = {
    [DOOR_PEOPLE] = {PLACE_MANAGER_SOCK, 0660, 1, DOOR_PRIORITY},
    /* Strangers' requests wait for those of people. */
    [DOOR_TOKENS] = {PLACE_API_SOCK, 0666, 1, DOOR_PRIORITY + 1},
};

#define DOOR_SHARES 2

/* ---- the loop -------------------------------------------------------- */

void
door_wake(struct door *door)
{
	(void)sd_event_source_set_enabled(door->wake, SD_EVENT_ONESHOT);
}

void
door_answer(struct door *door)
{
	door->answers = DOOR_ANSWER_RUNS;
	(void)sd_event_source_set_enabled(door->answer, SD_EVENT_ONESHOT);
}

static void
door_arm(struct door *door)
{
	MHD_UNSIGNED_LONG_LONG ms = DOOR_SHORT_MS;

	if (MHD_get_timeout(door->httpd, &ms) != MHD_YES && !door->is_short) {
		(void)sd_event_source_set_enabled(door->timer, SD_EVENT_OFF);
		return;
	}
	/* More to do already: a timer would cost each block its accuracy. */
	if (ms == 0) {
		door_wake(door);
		return;
	}
	if (door->is_short && ms > DOOR_SHORT_MS)
		ms = DOOR_SHORT_MS;
	if (ms > UINT32_MAX)
		ms = UINT32_MAX;
	(void)sd_event_source_set_time_relative(door->timer, ms * 1000);
	(void)sd_event_source_set_enabled(door->timer, SD_EVENT_ONESHOT);
}

static void
door_say_full(int fd)
{
	static const char text[] =
	    "{\"id\":\"service_unavailable\",\"message\":"
	    "\"paas-manager has no file descriptors left: "
	    "raise its limit (LimitNOFILE), and try "
	    "again\"}\n";
	char request[2048], answer[512];
	int n;

	n = snprintf(answer, sizeof(answer),
	    "HTTP/1.1 503 Service Unavailable\r\n"
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n"
	    "Retry-After: 5\r\nConnection: close\r\n\r\n%s",
	    sizeof(text) - 1, text);
	/* What is left unread would have the other end miss the answer. */
	while (recv(fd, request, sizeof(request), MSG_DONTWAIT) > 0)
		;
	(void)send(fd, answer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * With no descriptor left, MHD would try to accept for ever, or not listen any
 * more, and nobody would hear of it: whoever comes then is told, by the one
 * that was kept for this.  1 as long as that is so.
 */
static int
door_turn_away(struct door *door)
{
	int fd = fcntl(door->listener, F_DUPFD_CLOEXEC, 0);

	if (fd != -1) {
		if (door->spare == -1)
			door->spare = fd;
		else
			(void)close(fd);
		return 0;
	}
	if (door->spare == -1)
		return 1;
	(void)close(door->spare);
	while ((fd = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		door_say_full(fd);
		(void)close(fd);
	}
	door->spare = fcntl(door->listener, F_DUPFD_CLOEXEC, 0);
	return 1;
}

/*
 * Where MHD found no descriptor it listens again once a connection has ended,
 * which may take a minute: this one has ended already.
 */
static void
door_open_again(struct door *door)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		fds) == -1) {
		door->is_short = 1;
		return;
	}
	(void)close(fds[1]);
	(void)MHD_add_connection(door->httpd, fds[0],
	    (const struct sockaddr *)&door->addr, sizeof(door->addr));
	door->runs = DOOR_RUNS;
}

/*
 * When it has as many connections as there may be, MHD stops to listen, and
 * begins again only in the run after the one that made room: for which there
 * may be no event ever.
 */
static void
door_run(struct door *door)
{
	const union MHD_DaemonInfo *info;
	int was_full = door->full, was_short = door->is_short;

	(void)door_turn_away(door);
	(void)MHD_run(door->httpd);
	info = MHD_get_daemon_info(
	    door->httpd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	door->full = info != NULL && info->num_connections >= door->limit;
	door->is_short = door_turn_away(door);
	if (was_short && !door->is_short)
		door_open_again(door);
	door_arm(door);
	if ((was_full && !door->full) || door->runs > 0)
		door_wake(door);
	if (door->runs > 0)
		door->runs--;
}

static int
door_on_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	door_run(arg);
	return 0;
}

static int
door_on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source;
	(void)usec;
	door_run(arg);
	return 0;
}

static int
door_on_wake(sd_event_source *source, void *arg)
{
	(void)source;
	door_run(arg);
	return 0;
}

/*
 * Who waits for the end of the connection, as a client that asked for it does,
 * would else wait for what the change gives rise to.
 */
static int
door_on_answer(sd_event_source *source, void *arg)
{
	struct door *door = arg;

	door_run(door);
	if (door->answers > 0 && --door->answers > 0)
		(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int
door_attach(struct door *door, int64_t priority, char err[PAAS_ERRLEN])
{
	sd_event *event = door->api->event;
	const union MHD_DaemonInfo *info;
	int r;

	info = MHD_get_daemon_info(door->httpd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || info->epoll_fd == -1) {
		snprintf(err, PAAS_ERRLEN, "libmicrohttpd has no epoll");
		return -1;
	}
	r = sd_event_add_io(
	    event, &door->io, info->epoll_fd, EPOLLIN, door_on_io, door);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &door->timer,
		    CLOCK_MONOTONIC, 0, 1000, door_on_timer, door);
	if (r >= 0)
		r = sd_event_add_defer(event, &door->wake, door_on_wake, door);
	if (r >= 0)
		r = sd_event_source_set_enabled(door->wake, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(
		    event, &door->answer, door_on_answer, door);
	if (r >= 0)
		r = sd_event_source_set_enabled(door->answer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(door->answer, DOOR_ANSWER);
	if (r >= 0)
		r = sd_event_source_set_priority(door->wake, priority);
	if (r >= 0)
		r = sd_event_source_set_priority(door->io, priority);
	if (r >= 0)
		r = sd_event_source_set_priority(door->timer, priority);
	if (r < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
		return -1;
	}
	return 0;
}

/* ---- libmicrohttpd --------------------------------------------------- */

/*
 * Whoever has no business here is not kept waiting, nor counted for long: of
 * the connections that there may be, a stranger holds none.
 */
static void
door_greet(void *cls, struct MHD_Connection *conn, void **state,
    enum MHD_ConnectionNotificationCode code)
{
	const struct door *door = cls;
	const union MHD_ConnectionInfo *info;

	(void)state;
	if (code != MHD_CONNECTION_NOTIFY_STARTED ||
	    door->kind != DOOR_TOKENS || door->api->locked != NULL)
		return;
	info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info != NULL && !access_greets(door->api->access, info->connect_fd))
		(void)shutdown(info->connect_fd, SHUT_RDWR);
}

/* Paths and queries are decoded by uri.c. */
static size_t
door_unescape(void *cls, struct MHD_Connection *conn, char *text)
{
	(void)cls;
	(void)conn;
	return strlen(text);
}

static void door_log(void *, const char *, va_list) PAAS_PRINTF(2, 0);

/* Mostly of clients that went away or sent garbage: their affair. */
static void
door_log(void *cls, const char *fmt, va_list args)
{
	char line[256];

	(void)cls;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("api: %s", line);
}

/* Connections of all doors together. */
static unsigned int
door_limit(void)
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
	if (files >= DOOR_CONNECTIONS + DOOR_SPARE_FILES)
		return DOOR_CONNECTIONS;
	return files > 2 * DOOR_SPARE_FILES ? files - DOOR_SPARE_FILES
					    : files / 2;
}

static struct MHD_Daemon *
door_start(struct door *door)
{
	unsigned int flags;

	flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
		MHD_USE_ERROR_LOG;
	door->limit = door_limit() * doors[door->kind].share / DOOR_SHARES + 1;
	return MHD_start_daemon(flags, 0, NULL, NULL, request_handle, door,
	    MHD_OPTION_EXTERNAL_LOGGER, door_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, door->listener,
	    MHD_OPTION_CONNECTION_LIMIT, door->limit,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)DOOR_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)DOOR_TIMEOUT,
	    MHD_OPTION_NOTIFY_CONNECTION, door_greet, door,
	    MHD_OPTION_NOTIFY_COMPLETED, request_completed, door,
	    MHD_OPTION_UNESCAPE_CALLBACK, door_unescape, NULL,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
	    1, MHD_OPTION_END);
}

/* ---- open and close -------------------------------------------------- */

int
door_open(struct door *door, struct api *api, enum door_kind kind,
    char err[PAAS_ERRLEN])
{
	door->api = api;
	door->kind = kind;
	door->spare = -1;
	door->listener = peer_listen(api->conf->run_dir, doors[kind].name,
	    doors[kind].mode, api->admins, &door->addr, err);
	if (door->listener == -1)
		return -1;
	if ((door->httpd = door_start(door)) == NULL) {
		snprintf(err, PAAS_ERRLEN, "cannot start the HTTP server on %s",
		    door->addr.sun_path);
		(void)close(door->listener);
		(void)unlink(door->addr.sun_path);
		return -1;
	}
	return door_attach(door, doors[kind].priority, err);
}

void
door_close(struct door *door)
{
	if (door->httpd == NULL)
		return;
	MHD_stop_daemon(door->httpd); /* closes the listener, too */
	if (door->spare != -1)
		(void)close(door->spare);
	(void)unlink(door->addr.sun_path);
	sd_event_source_disable_unref(door->io);
	sd_event_source_disable_unref(door->timer);
	sd_event_source_disable_unref(door->wake);
	sd_event_source_disable_unref(door->answer);
	memset(door, 0, sizeof(*door));
}

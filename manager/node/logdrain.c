#include <sys/socket.h>
#include <sys/un.h>

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/places.h"
#include "node/logdrain_impl.h"

#define AGAIN_US (1000 * 1000ULL)

/* ---- the helper -------------------------------------------------------- */

/*
 * From within a send of one drain, so that nothing is freed: the others stop
 * with the next turn of the timer.
 */
void
logdrains_lose(struct logdrains *all, const char *why)
{
	if (all->fd == -1)
		return;
	log_info("paas-drain is gone: %s", why);
	sd_event_source_disable_unref(all->io);
	all->io = NULL;
	close(all->fd);
	all->fd = -1;
	all->blocked = 0;
	sd_event_source_set_time_relative(all->timer, 0);
}

void
logdrains_blocked(struct logdrains *all)
{
	all->blocked = 1;
	sd_event_source_set_io_events(all->io, EPOLLIN | EPOLLOUT);
}

static struct logdrain *
drain_find(struct logdrains *all, const char *id)
{
	struct logdrain *d;

	TAILQ_FOREACH (d, &all->list, entry) {
		if (strcmp(d->id, id) == 0)
			return d;
	}
	return NULL;
}

static void
helper_said(struct logdrains *all, const char *bytes, size_t n)
{
	struct drain_head head;
	struct logdrain *d;
	size_t len = n - sizeof(head);

	memcpy(&head, bytes, sizeof(head));
	head.id[sizeof(head.id) - 1] = '\0';
	if ((d = drain_find(all, head.id)) == NULL || !d->running)
		return;
	if (head.type == DRAIN_ACK && head.seq <= d->seq) {
		logdrain_acked(d, head.seq, head.count);
	} else if (head.type == DRAIN_STATE) {
		if (len >= sizeof(d->state))
			len = sizeof(d->state) - 1;
		memcpy(d->state, bytes + sizeof(head), len);
		d->state[len] = '\0';
		if (len == 0)
			strlcpy(d->state, "ok", sizeof(d->state));
	}
}

static void
helper_flush(struct logdrains *all)
{
	struct logdrain *d;

	TAILQ_FOREACH (d, &all->list, entry)
		logdrain_flush(d);
}

static int
helper_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct logdrains *all = arg;
	char bytes[2048];
	ssize_t n = 0;
	int turns = 256;

	(void)source;
	if (events & EPOLLOUT) {
		all->blocked = 0;
		sd_event_source_set_io_events(all->io, EPOLLIN);
		helper_flush(all);
	}
	while (all->fd != -1 && turns-- > 0 &&
	       (n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >=
		   (ssize_t)sizeof(struct drain_head))
		helper_said(all, bytes, (size_t)n);
	if (all->fd != -1 && turns > 0 && !(n == -1 && errno == EAGAIN))
		logdrains_lose(all, n == -1 ? strerror(errno) : "it closed");
	return 0;
}

static void
helper_connect(struct logdrains *all)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	strlcpy(sun.sun_path, all->node->conf->run_dir, sizeof(sun.sun_path));
	strlcat(sun.sun_path, "/" PLACE_DRAIN_SOCK, sizeof(sun.sun_path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    sd_event_add_io(
		all->node->event, &all->io, fd, EPOLLIN, helper_io, all) < 0) {
		close(fd);
		return;
	}
	all->fd = fd;
}

/* Each second: what is to be saved, and the helper if it is not there. */
static int
drains_turn(sd_event_source *source, uint64_t now, void *arg)
{
	struct logdrains *all = arg;
	struct logdrain *d;

	(void)now;
	if (all->fd == -1) {
		TAILQ_FOREACH (d, &all->list, entry) {
			logdrain_stop(d);
			strlcpy(d->state, "connecting", sizeof(d->state));
		}
		if (!TAILQ_EMPTY(&all->list))
			helper_connect(all);
	}
	TAILQ_FOREACH (d, &all->list, entry) {
		if (all->fd != -1)
			logdrain_start(d);
		if (d->dirty)
			logdrain_save(d);
	}
	sd_event_source_set_time_relative(source, AGAIN_US);
	sd_event_source_set_enabled(
	    source, TAILQ_EMPTY(&all->list) ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
	return 0;
}

static int
drains_flush(sd_event_source *source, void *arg)
{
	(void)source;
	helper_flush(arg);
	return 0;
}

/* ---- which there are --------------------------------------------------- */

static void
drain_add(
    struct logdrains *all, const char *app, const char *id, json_t *record)
{
	const char *number =
	    json_string_value(json_object_get(record, "number"));
	const char *url = json_string_value(json_object_get(record, "url"));
	const char *token = json_string_value(json_object_get(record, "token"));
	struct logdrain *d;

	if (number == NULL || url == NULL || token == NULL ||
	    drain_find(all, id) != NULL || (d = calloc(1, sizeof(*d))) == NULL)
		return;
	d->all = all;
	TAILQ_INIT(&d->sources);
	STAILQ_INIT(&d->flights);
	strlcpy(d->id, id, sizeof(d->id));
	strlcpy(d->app, app, sizeof(d->app));
	strlcpy(d->url, url, sizeof(d->url));
	strlcpy(d->token, token, sizeof(d->token));
	strlcpy(d->state, "connecting", sizeof(d->state));
	(void)key_parse_id(number, &d->number);
	d->created = json_integer_value(json_object_get(record, "created"));
	TAILQ_INSERT_TAIL(&all->list, d, entry);
	logdrain_load(d);
	sd_event_source_set_time_relative(all->timer, 0);
	sd_event_source_set_enabled(all->timer, SD_EVENT_ONESHOT);
}

static void
drain_free(struct logdrain *d)
{
	struct drain_source *source;

	TAILQ_REMOVE(&d->all->list, d, entry);
	logdrain_stop(d);
	while ((source = TAILQ_FIRST(&d->sources)) != NULL) {
		TAILQ_REMOVE(&d->sources, source, entry);
		free(source);
	}
	free(d);
}

static void
drain_changed(const char *key, json_t *record, uint64_t rev, void *arg)
{
	char app[KEY_NAME_MAX + 2], id[DRAIN_ID_MAX];
	struct logdrains *all = arg;
	struct logdrain *d;

	(void)rev;
	if (key_part(key, 1, app, sizeof(app)) == -1 ||
	    key_part(key, 2, id, sizeof(id)) == -1)
		return;
	if (record != NULL) {
		drain_add(all, app, id, record);
	} else if ((d = drain_find(all, id)) != NULL) {
		if (d->running)
			logdrain_tell(d, DRAIN_UNSET);
		logdrain_remove(d);
		drain_free(d);
	}
}

static int
drain_found(const char *key, json_t *record, uint64_t rev, void *arg)
{
	drain_changed(key, record, rev, arg);
	return 0;
}

struct logdrains *
logdrains_open(struct node *node, char err[PAAS_ERRLEN])
{
	struct logdrains *all;

	snprintf(err, PAAS_ERRLEN, "out of memory");
	if ((all = calloc(1, sizeof(*all))) == NULL)
		return NULL;
	all->node = node;
	all->fd = -1;
	TAILQ_INIT(&all->list);
	snprintf(all->dir, sizeof(all->dir), "%s/" PLACE_DRAINS,
	    node->conf->state_dir);
	if (sd_event_add_time_relative(node->event, &all->timer,
		CLOCK_MONOTONIC, 0, 1000, drains_turn, all) < 0 ||
	    sd_event_add_defer(node->event, &all->flush, drains_flush, all) <
		0) {
		logdrains_close(all);
		return NULL;
	}
	sd_event_source_set_enabled(all->flush, SD_EVENT_OFF);
	(void)store_each(node->store, "drain/", drain_found, all);
	all->watch = store_watch(node->store, "drain/", drain_changed, all);
	return all;
}

void
logdrains_close(struct logdrains *all)
{
	struct logdrain *d;

	if (all == NULL)
		return;
	while ((d = TAILQ_FIRST(&all->list)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it unlinks */
		if (d->dirty)
			logdrain_save(d);
		drain_free(d);
	}
	store_unwatch(all->watch);
	sd_event_source_disable_unref(all->io);
	sd_event_source_disable_unref(all->timer);
	sd_event_source_disable_unref(all->flush);
	if (all->fd != -1)
		close(all->fd);
	free(all);
}

json_t *
logdrains_state(struct logdrains *all, const char *id)
{
	struct logdrain *d = drain_find(all, id);

	return d == NULL ? NULL
			 : json_pack("{s:s, s:I, s:I}", "state", d->state,
			       "lost", (json_int_t)d->lost, "delivered",
			       (json_int_t)d->delivered);
}

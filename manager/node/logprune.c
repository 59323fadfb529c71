#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "node/node_impl.h"
#include "store/keys.h"

#define FIRST_US (60 * 1000000ULL)
#define EACH_US  (3600 * 1000000ULL)
#define A_COMMIT 32

struct logprune {
	struct node *node;
	sd_event_source *timer;
	int committing;

	/* While it looks: of the app at hand. */
	char app[32];
	uint64_t number;
	unsigned dropped;
	struct store_txn *txn;
};

static void
timer_in(struct logprune *p, uint64_t us)
{
	sd_event_source_set_time_relative(p->timer, us);
	sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static int
file_gone(const struct logprune *p, uint64_t id, const char *suffix)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%016" PRIx64 "/%016" PRIx64 ".%s",
	    p->node->log_dir, p->number, id, suffix);
	return access(path, F_OK) == -1 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

static int
instance_found(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct logprune *p = arg;
	char part[17];
	uint64_t id;

	(void)value;
	(void)rev;
	if (key_part(key, 2, part, sizeof(part)) == -1 ||
	    key_parse_id(part, &id) == -1 || agent_has_id(p->node->agent, id) ||
	    claims_has(p->node->claims, id) || !file_gone(p, id, "log") ||
	    !file_gone(p, id, "log.1"))
		return 0;
	if (p->txn == NULL)
		p->txn = store_begin(p->node->store);
	store_del(p->txn, key);
	return ++p->dropped == A_COMMIT;
}

static int
app_found(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct logprune *p = arg;
	char prefix[STORE_KEY_MAX + 1];
	const char *number =
	    json_string_value(json_object_get(value, "number"));

	(void)rev;
	if (key_part(key, 1, p->app, sizeof(p->app)) == -1 || number == NULL ||
	    key_parse_id(number, &p->number) == -1)
		return 0;
	key_format(prefix, "instance/%s/", p->app);
	return store_each(p->node->store, prefix, instance_found, p);
}

static void
committed(enum store_result result, uint64_t rev, void *arg)
{
	struct logprune *p = arg;

	(void)rev;
	p->committing = 0;
	if (result != STORE_OK)
		log_err("old logs: %s", store_strerror(result));

	/* A full slice may have left some. */
	timer_in(
	    p, result == STORE_OK && p->dropped == A_COMMIT ? 1000 : EACH_US);
}

static int
prune(sd_event_source *source, uint64_t now, void *arg)
{
	struct logprune *p = arg;

	(void)source;
	(void)now;
	if (p->committing)
		return 0;
	p->dropped = 0;
	p->txn = NULL;
	store_each(p->node->store, "app/", app_found, p);
	if (p->txn == NULL) {
		timer_in(p, EACH_US);
		return 0;
	}
	p->committing = 1;
	store_commit(p->txn, committed, p);
	return 0;
}

struct logprune *
logprune_open(struct node *node)
{
	struct logprune *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->node = node;
	if (sd_event_add_time_relative(node->event, &p->timer, CLOCK_MONOTONIC,
		FIRST_US, 1000000, prune, p) < 0) {
		free(p);
		return NULL;
	}
	return p;
}

void
logprune_close(struct logprune *p)
{
	if (p == NULL)
		return;
	sd_event_source_disable_unref(p->timer);
	free(p);
}

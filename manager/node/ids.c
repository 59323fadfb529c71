#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/ids.h"

#define KEY         "counter/instance"
#define COUNTER_MAX ((1ULL << 40) - 1)
#define RETRY_US    (1000 * 1000ULL)

struct ids {
	struct store *store;
	sd_event_source *timer;
	uint64_t next; /* of the block in use */
	uint64_t end;
	uint64_t reserving; /* first of the block in flight, 0 for none */
	uint64_t spare;     /* first of the block behind it, 0 for none */
	int wanted;
	void (*ready)(void *arg);
	void *arg;
};

static void block_reserve(struct ids *);

static void
retry_later(struct ids *ids)
{
	sd_event_source_set_time_relative(ids->timer, RETRY_US);
	sd_event_source_set_enabled(ids->timer, SD_EVENT_ONESHOT);
}

static void
block_reserved(enum store_result result, uint64_t rev, void *arg)
{
	struct ids *ids = arg;
	uint64_t first = ids->reserving;

	(void)rev;
	ids->reserving = 0;
	if (result != STORE_OK) {
		log_err("no instance ids reserved: %s", store_strerror(result));
		retry_later(ids);
		return;
	}
	if (ids->next == ids->end) {
		ids->next = first;
		ids->end = first + IDS_BLOCK;
	} else {
		ids->spare = first;
	}
	if (ids->wanted) {
		ids->wanted = 0;
		ids->ready(ids->arg);
	}
}

static void
block_reserve(struct ids *ids)
{
	struct store_txn *txn;
	json_t *value;
	json_int_t next;
	uint64_t rev, first = 1;

	if (ids->reserving != 0 || ids->spare != 0)
		return;
	value = store_get(ids->store, KEY, &rev);
	if (value != NULL)
		first = (uint64_t)json_integer_value(
		    json_object_get(value, "next"));
	json_decref(value);
	if (first < 1 || first > COUNTER_MAX - IDS_BLOCK) {
		log_err("%s is damaged: \"next\" has to be from 1 to %llu", KEY,
		    (unsigned long long)(COUNTER_MAX - IDS_BLOCK));
		retry_later(ids);
		return;
	}
	next = (json_int_t)first + IDS_BLOCK;
	value = json_pack("{s:I}", "next", next);
	if (value == NULL) {
		retry_later(ids);
		return;
	}
	ids->reserving = first;
	txn = store_begin(ids->store);
	store_if(txn, KEY, rev);
	store_put(txn, KEY, value);
	json_decref(value);
	store_commit(txn, block_reserved, ids);
}

static int
retry(sd_event_source *source, uint64_t now, void *arg)
{
	(void)source;
	(void)now;
	block_reserve(arg);
	return 0;
}

struct ids *
ids_open(
    struct store *store, sd_event *event, void (*ready)(void *arg), void *arg)
{
	struct ids *ids;

	if ((ids = calloc(1, sizeof(*ids))) == NULL)
		return NULL;
	ids->store = store;
	ids->ready = ready;
	ids->arg = arg;
	if (sd_event_add_time_relative(event, &ids->timer, CLOCK_MONOTONIC,
		RETRY_US, 1000, retry, ids) < 0) {
		free(ids);
		return NULL;
	}
	sd_event_source_set_enabled(ids->timer, SD_EVENT_OFF);
	block_reserve(ids);
	return ids;
}

void
ids_close(struct ids *ids)
{
	if (ids == NULL)
		return;
	sd_event_source_disable_unref(ids->timer);
	free(ids);
}

uint64_t
ids_next(struct ids *ids)
{
	uint64_t counter;

	if (ids->next == ids->end && ids->spare != 0) {
		ids->next = ids->spare;
		ids->end = ids->spare + IDS_BLOCK;
		ids->spare = 0;
	}
	if (ids->next == ids->end) {
		ids->wanted = 1;
		block_reserve(ids);
		return 0;
	}
	counter = ids->next++;
	if (ids->end - ids->next < IDS_BLOCK / 2)
		block_reserve(ids);
	return (uint64_t)store_epoch(ids->store) << 40 | counter;
}

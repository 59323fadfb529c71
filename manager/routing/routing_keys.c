#include "routing/routing_keys.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "routing/routing_impl.h"

#define KEYS "keys/sticky"

/* us between looks at their age. */
#define LOOK_EVERY (3600 * UINT64_C(1000000))

#define HEX_MAX (2 * PAAS_ROUTEDB_KEY_SIZE + 1)

/* ---- the record -------------------------------------------------------- */

static int64_t
created(const json_t *list, size_t i)
{
	return json_integer_value(
	    json_object_get(json_array_get(list, i), "created"));
}

static json_t *
make_key(json_int_t id, int64_t now)
{
	unsigned char key[PAAS_ROUTEDB_KEY_SIZE];
	char hex[HEX_MAX];
	json_t *value;

	randombytes_buf(key, sizeof(key));
	sodium_bin2hex(hex, sizeof(hex), key, sizeof(key));
	value = json_pack("{s:I, s:s, s:I}", "id", id, "key", hex, "created",
	    (json_int_t)now);
	sodium_memzero(key, sizeof(key));
	sodium_memzero(hex, sizeof(hex));
	return value;
}

/* A clock that was set back makes no key: ages may be below 0. */
json_t *
routing_keys_next(const json_t *record, int64_t now)
{
	const json_t *old = json_object_get(record, "keys");
	json_t *list = json_array();
	json_int_t id =
	    json_integer_value(json_object_get(json_array_get(old, 0), "id"));
	size_t i, n = json_array_size(old);

	if (n == 0 || now - created(old, 0) > ROUTING_KEY_AGE)
		json_array_append_new(
		    list, make_key(id >= INT32_MAX ? 1 : id + 1, now));
	for (i = 0; i < n; i++) {
		/* What it signed last was before its successor came. */
		if (i > 0 && now - created(old, i - 1) > ROUTING_KEY_AGE)
			break;
		if (json_array_size(list) < PAAS_ROUTEDB_KEYS_MAX)
			json_array_append(list, json_array_get(old, i));
	}
	if (json_array_size(list) == n && created(list, 0) == created(old, 0)) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o}", "keys", list);
}

static int64_t
clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Whoever comes second finds a conflict, and a key. */
static void
look(struct routing *rt)
{
	struct store_txn *txn;
	json_t *record, *next;
	uint64_t rev;

	record = store_get(rt->store, KEYS, &rev);
	next = routing_keys_next(record, clock_now());
	json_decref(record);
	if (next == NULL)
		return;
	txn = store_begin(rt->store);
	store_if(txn, KEYS, rev);
	store_put(txn, KEYS, next);
	store_commit(txn, NULL, NULL);
	json_decref(next);
}

static int
on_look(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)usec;
	look(arg);
	sd_event_source_set_time_relative(source, LOOK_EVERY);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

int
routing_keys_start(struct routing *rt, sd_event *event)
{
	look(rt);
	return sd_event_add_time_relative(event, &rt->keys, CLOCK_MONOTONIC,
	    LOOK_EVERY, 60 * UINT64_C(1000000), on_look, rt);
}

/* ---- the route database ------------------------------------------------ */

static int
parse_key(const json_t *value, paas_routedb_key_t *key)
{
	const char *hex = json_string_value(json_object_get(value, "key"));
	json_int_t id = json_integer_value(json_object_get(value, "id"));
	size_t len;

	if (hex == NULL || id < 1 || id > UINT32_MAX)
		return -1;
	key->id = (uint32_t)id;
	return sodium_hex2bin(key->key, sizeof(key->key), hex, strlen(hex),
		   NULL, &len, NULL) == 0 &&
		       len == sizeof(key->key)
		   ? 0
		   : -1;
}

void
routing_keys_apply(struct routing *rt)
{
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX];
	json_t *record = store_get(rt->store, KEYS, NULL);
	const json_t *list = json_object_get(record, "keys");
	uint32_t i, n = 0;

	for (i = 0; i < json_array_size(list) && n < PAAS_ROUTEDB_KEYS_MAX; i++)
		if (parse_key(json_array_get(list, i), &keys[n]) == 0)
			n++;
		else
			log_warn("routing: a key in " KEYS " makes no sense");
	/* A record that is not there yet takes none away. */
	if (n > 0)
		routing_db_put_keys(rt->db, keys, n);
	sodium_memzero(keys, sizeof(keys));
	json_decref(record);
}

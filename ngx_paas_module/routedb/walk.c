/*
 * Keys of the route database, for who compares it with something else.
 */
#include "internal.h"

struct each_name {
	int (*cb)(paas_routedb_str_t, void *);
	void *arg;
};

static int
each_name(const MDB_val *key, const MDB_val *value, void *arg)
{
	const struct each_name *each = arg;
	paas_routedb_str_t name = {
	    (const uint8_t *)key->mv_data + 1, key->mv_size - 1};

	(void)value;
	return each->cb(name, each->arg);
}

int
paas_routedb_each_name(paas_routedb_reader_t *reader, paas_routedb_str_t after,
    int (*cb)(paas_routedb_str_t, void *), void *arg)
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX + 1];
	struct each_name each = {cb, arg};
	paas_routedb_str_t from = {key, 1};

	key[0] = PAAS_ROUTEDB_TAG_HOST;
	if (after.len > PAAS_ROUTEDB_HOST_MAX)
		return PAAS_ROUTEDB_EINVAL;
	/* The next possible name is this one and a NUL. */
	if (after.len > 0) {
		memcpy(key + 1, after.data, after.len);
		key[1 + after.len] = 0;
		from.len = 2 + after.len;
	}
	return paas_routedb_each_from(
	    reader, PAAS_ROUTEDB_TAG_HOST, from, each_name, &each);
}

struct each_id {
	int (*cb)(uint64_t, void *);
	void *arg;
};

static int
each_id(const MDB_val *key, const MDB_val *value, void *arg)
{
	const struct each_id *each = arg;
	uint64_t id;

	(void)value;
	if (key->mv_size != 1 + sizeof(id))
		return PAAS_ROUTEDB_EDAMAGED;
	memcpy(&id, (const uint8_t *)key->mv_data + 1, sizeof(id));
	return each->cb(be64toh(id), each->arg);
}

int
paas_routedb_each_id(paas_routedb_reader_t *reader, uint64_t from,
    int (*cb)(uint64_t, void *), void *arg)
{
	uint8_t key[9];
	struct each_id each = {cb, arg};
	paas_routedb_str_t start = {key, paas_routedb_key_pool(key, from)};

	return paas_routedb_each_from(
	    reader, PAAS_ROUTEDB_TAG_POOL, start, each_id, &each);
}

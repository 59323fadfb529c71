/*
 * Single routes by the thousand, straight into the store of a manager that
 * does not run: each as PUT /routes/HOST leaves it, for HOST
 * "single1.example.com" up to N.  One after the other through the API, N
 * waits for the disk would take most of an hour.
 *
 *	fill_store DIR N PORT
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

#include "store/keys.h"
#include "store/store.h"

/* Of instances: numbers that the manager's own counter does not reach. */
#define FIRST_ID (UINT64_C(1) << 62)

static json_t *
make_route(uint64_t i, int port)
{
	char address[32], id[17];

	snprintf(address, sizeof(address), "127.0.1.%u",
	    (unsigned int)(1 + i % 200));
	key_format_id(id, FIRST_ID + i);
	return json_pack("{s:[{s:s, s:{s:[{s:s, s:i, s:i, s:s}]}}]}", "paths",
	    "prefix", "/", "pool", "instances", "address", address, "port",
	    port, "weight", 100, "id", id);
}

static void
on_done(enum store_result result, uint64_t rev, void *arg)
{
	(void)rev;
	if (result != STORE_OK)
		errx(1, "%s", store_strerror(result));
	*(int *)arg = 1;
}

static void
put_some(
    struct store *store, sd_event *loop, uint64_t from, uint64_t to, int port)
{
	struct store_txn *txn = store_begin(store);
	char key[STORE_KEY_MAX + 1];
	json_t *route;
	uint64_t i;
	int done = 0;

	for (i = from; i < to; i++) {
		route = make_route(i, port);
		store_put(txn,
		    key_format(key, "route/single%" PRIu64 ".example.com", i),
		    route);
		json_decref(route);
	}
	store_commit(txn, on_done, &done);
	while (!done)
		if (sd_event_run(loop, UINT64_MAX) < 0)
			errx(1, "the loop failed");
}

int
main(int argc, char **argv)
{
	char error[PAAS_ERRLEN];
	struct store *store;
	sd_event *loop;
	uint64_t i, n;

	if (argc != 4)
		errx(2, "usage: fill_store DIR N PORT");
	n = strtoull(argv[2], NULL, 10);
	if (sd_event_new(&loop) < 0)
		errx(1, "no loop");
	if ((store = store_open_lmdb(argv[1], loop, error)) == NULL)
		errx(1, "%s", error);
	for (i = 1; i <= n; i += STORE_OPS_MAX)
		put_some(store, loop, i,
		    i + STORE_OPS_MAX > n ? n + 1 : i + STORE_OPS_MAX,
		    atoi(argv[3]));
	store_close(store);
	sd_event_unref(loop);
	return 0;
}

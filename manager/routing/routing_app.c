/*
 * An app's records -> its pool.
 */
#include <arpa/inet.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/routing_impl.h"
#include "routing/setting.h"
#include "store/formation.h"
#include "store/scale.h"

#define WEIGHT     100
#define WEIGHT_MAX 1000

/* Milliseconds that a request waits for one asleep if it may not else. */
#define HOLD_ASLEEP 30000

/* What the placer says about one of them. */
struct order {
	uint64_t id;
	int stop;
	int routed; /* also while another release is live */
};

/* Whatever a router has to know of the instances of an app. */
struct tally {
	const char *app;
	json_int_t version;   /* that is routed, or will be first */
	int mixed;            /* others are, too, where their orders say so */
	json_int_t canary;    /* the share in percent of those others, or 0 */
	struct order *orders; /* by id */
	size_t norders, orders_size;
	uint32_t n, size;
	paas_routedb_instance_t *instances;
	uint32_t ready;    /* of them */
	uint32_t booting;  /* will be ready, if all goes well */
	uint32_t down;     /* waiting after crashes, or given up */
	uint32_t assigned; /* to run, whatever has become of them */
};

uint64_t
routing_pool_id(const char *owner, const char *name, size_t namelen)
{
	crypto_hash_sha256_state state;
	unsigned char hash[crypto_hash_sha256_BYTES];
	uint64_t id = 0;
	int i;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(
	    &state, (const unsigned char *)owner, strlen(owner));
	crypto_hash_sha256_update(&state, (const unsigned char *)"/", 1);
	crypto_hash_sha256_update(&state, (const unsigned char *)name, namelen);
	crypto_hash_sha256_final(&state, hash);
	for (i = 0; i < 8; i++)
		id = id << 8 | hash[i];
	return id != 0 ? id : 1;
}

static const char *
get_string(const json_t *value, const char *name)
{
	const char *text = json_string_value(json_object_get(value, name));

	return text != NULL ? text : "";
}

static json_int_t
get_number(const json_t *value, const char *name)
{
	return json_integer_value(json_object_get(value, name));
}

/* ---- instances --------------------------------------------------------- */

/* -1 if the record has no usable address. */
static int
parse_instance(const json_t *value, paas_routedb_instance_t *inst)
{
	json_int_t port = get_number(value, "port");
	json_int_t number = get_number(value, "index");

	memset(inst, 0, sizeof(*inst));
	inst->addr[10] = inst->addr[11] = 0xff;
	if (key_parse_id(get_string(value, "instance"), &inst->id) == -1 ||
	    inst->id == 0 || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, get_string(value, "address"), inst->addr + 12) !=
		1)
		return -1;
	inst->port = (uint16_t)port;
	inst->weight = WEIGHT;
	if (number > 0 && number <= UINT16_MAX)
		inst->number = (uint16_t)number;
	inst->since = (uint32_t)(get_number(value, "since") / 1000000);
	return 0;
}

static void
add_instance(struct tally *tally, const char *key, const json_t *value,
    json_int_t version, uint16_t flags)
{
	paas_routedb_instance_t *inst;

	if (tally->n == PAAS_ROUTEDB_INSTS_MAX)
		return;
	if (tally->n == tally->size) {
		tally->size = tally->size * 2 + 8;
		inst =
		    reallocarray(tally->instances, tally->size, sizeof(*inst));
		if (inst == NULL)
			log_fatal("routing: out of memory");
		tally->instances = inst;
	}
	inst = &tally->instances[tally->n];
	if (parse_instance(value, inst) == -1) {
		log_warn("routing: %s has no usable address", key);
		return;
	}
	inst->flags = flags;
	/* Until shares are counted, it says whose instance it is. */
	inst->weight = version == tally->version ? WEIGHT : 0;
	tally->n++;
	if (flags == 0)
		tally->ready++;
}

/*
 * With W percent for the c instances of the canary and the rest for the l of
 * the live release, c x weight stands to l x weight as W to 100 - W.
 */
static void
weigh(struct tally *tally)
{
	uint64_t live = 0, canary = 0, most;
	uint32_t i;

	for (i = 0; i < tally->n; i++) {
		if (tally->instances[i].flags != 0)
			continue;
		if (tally->instances[i].weight != 0)
			live++;
		else
			canary++;
	}
	if (tally->canary > 0 && live > 0 && canary > 0) {
		canary *= 100 - (uint64_t)tally->canary;
		live *= (uint64_t)tally->canary;
	} else
		canary = live = 1;
	/* The weight of one is what there is of the other, up to 1000. */
	most = live > canary ? live : canary;
	for (i = 0; i < tally->n; i++) {
		uint64_t share =
		    tally->instances[i].weight != 0 ? canary : live;

		if (live == canary)
			share = WEIGHT;
		else if ((share = share * WEIGHT_MAX / most) == 0)
			share = 1;
		tally->instances[i].weight = (uint16_t)share;
	}
}

static int
compare_order(const void *id, const void *order)
{
	uint64_t a = *(const uint64_t *)id;
	uint64_t b = ((const struct order *)order)->id;

	return a < b ? -1 : a > b;
}

/* Of an assignment that is not there any more: it goes by its release. */
static struct order
order_of(const struct tally *tally, const char *key)
{
	struct order none = {0}, *found = NULL;
	uint64_t id;

	if (tally->norders > 0 && key_parse_id(strrchr(key, '/') + 1, &id) == 0)
		found = bsearch(&id, tally->orders, tally->norders,
		    sizeof(*tally->orders), compare_order);
	return found != NULL ? *found : none;
}

static int
is_member(const struct tally *tally, json_int_t version, int routed)
{
	return version == tally->version || (tally->mixed && routed);
}

static int
each_actual(const char *key, json_t *value, uint64_t rev, void *arg)
{
	const char *state = get_string(value, "state");
	json_int_t version = get_number(value, "version");
	struct tally *tally = arg;
	struct order order = order_of(tally, key);

	(void)rev;
	if (strcmp(get_string(value, "app"), tally->app) != 0 ||
	    strcmp(get_string(value, "type"), "web") != 0 ||
	    !is_member(tally, version, order.routed))
		return 0;
	/* What the placer takes out goes in the commit that brings others. */
	if (strcmp(state, "ready") == 0)
		add_instance(tally, key, value, version,
		    order.stop ? PAAS_ROUTEDB_DRAINING : 0);
	else if (strcmp(state, "draining") == 0)
		add_instance(tally, key, value, version, PAAS_ROUTEDB_DRAINING);
	else if (strcmp(state, "starting") == 0 ||
		 strcmp(state, "crashed") == 0 ||
		 (strcmp(state, "backoff") == 0 &&
		     json_is_true(json_object_get(value, "wakeable"))))
		/*
		 * A crash is cleared away first, then it starts or waits; and
		 * one that waits may start as soon as a request does.
		 */
		tally->booting++;
	else if (strcmp(state, "backoff") == 0 ||
		 strcmp(state, "failed") == 0 ||
		 strcmp(state, "unhealthy") == 0)
		tally->down++;
	return 0;
}

static int
each_assign(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct tally *tally = arg;
	struct order *order;
	uint64_t id;

	(void)rev;
	if (key_parse_id(strrchr(key, '/') + 1, &id) == -1)
		return 0;
	if (tally->norders == tally->orders_size) {
		tally->orders_size = tally->orders_size * 2 + 8;
		order = reallocarray(
		    tally->orders, tally->orders_size, sizeof(*order));
		if (order == NULL)
			log_fatal("routing: out of memory");
		tally->orders = order;
	}
	order = &tally->orders[tally->norders++];
	order->id = id;
	order->stop = strcmp(get_string(value, "goal"), "stop") == 0;
	order->routed = json_is_true(json_object_get(value, "routed"));
	/* One that no agent has taken up yet is about to boot. */
	if (strcmp(get_string(value, "app"), tally->app) == 0 &&
	    strcmp(get_string(value, "type"), "web") == 0 && !order->stop &&
	    is_member(tally, get_number(value, "version"), order->routed))
		tally->assigned++;
	return 0;
}

static void
count_instances(struct store *st, const json_t *app, struct tally *tally)
{
	char prefix[STORE_KEY_MAX + 1];
	uint64_t number;

	if (key_parse_id(get_string(app, "number"), &number) == -1)
		return;
	key_format(
	    prefix, "assign/" KEY_NODE_LOCAL "/%08x", (unsigned int)number);
	store_each(st, prefix, each_assign, tally);
	key_format(
	    prefix, "actual/" KEY_NODE_LOCAL "/%08x", (unsigned int)number);
	store_each(st, prefix, each_actual, tally);
	free(tally->orders);
	tally->orders = NULL;
	if (tally->ready + tally->booting + tally->down == 0)
		tally->booting = tally->assigned;
	weigh(tally);
}

/* ---- the pool ---------------------------------------------------------- */

/* Why there is nobody to serve, or that there is. */
static uint8_t
pool_state(const json_t *app, const json_t *rollout, const json_t *scale,
    const struct tally *tally)
{
	if (json_is_true(json_object_get(app, "maintenance")))
		return PAAS_ROUTEDB_MAINTENANCE;
	if (tally->ready > 0)
		return PAAS_ROUTEDB_RUNNING;
	if (json_is_true(json_object_get(app, "stopped")))
		return PAAS_ROUTEDB_STOPPED;
	if (scale_asleep(app, scale))
		return PAAS_ROUTEDB_ASLEEP;
	if (tally->booting > 0)
		return PAAS_ROUTEDB_STARTING;
	if (tally->down > 0 || (get_number(rollout, "live") == 0 &&
				   get_number(rollout, "failed") != 0))
		return PAAS_ROUTEDB_CRASHED;
	return PAAS_ROUTEDB_RUNNING;
}

/*
 * Nothing was pushed yet, there is no web process in it, or it was scaled to
 * none: whoever waits would do so to the end of the time.
 */
static int
nobody_comes(struct store *st, const json_t *app, const json_t *scale,
    const struct tally *tally)
{
	json_t *release, *formation, *given;
	char key[STORE_KEY_MAX + 1];
	json_int_t n;
	int none;

	if (get_number(app, "version") == 0)
		return 1;
	key_format(
	    key, "release/%s/%08u", tally->app, (unsigned int)tally->version);
	if (tally->version == 0 || tally->mixed ||
	    (release = store_get(st, key, NULL)) == NULL)
		return 0;
	formation = formation_get(st, tally->app, "web", release, NULL);
	given = json_object_get(formation, "quantity");
	n = given != NULL ? json_integer_value(given) : 1;
	none =
	    json_object_get(json_object_get(release, "types"), "web") == NULL ||
	    scale_quantity(formation, scale, "web", n > 0 ? (uint32_t)n : 0) ==
		0;
	json_decref(formation);
	json_decref(release);
	return none;
}

static void
put_pool(struct store *st, const struct conf *conf, struct routing_db *db,
    const char *name, const json_t *app)
{
	char key[STORE_KEY_MAX + 1];
	struct tally tally;
	paas_routedb_pool_t pool;
	json_t *rollout, *formation, *scale;
	int live;

	formation =
	    store_get(st, key_format(key, "formation/%s/web", name), NULL);
	rollout = store_get(st, key_format(key, "rollout/%s", name), NULL);
	scale = scale_get(st, name, NULL);
	live = get_number(rollout, "live") != 0;
	memset(&tally, 0, sizeof(tally));
	tally.app = name;
	tally.version = get_number(rollout, live ? "live" : "target");
	tally.mixed = live && tally.version != get_number(rollout, "target");
	if (strcmp(get_string(rollout, "phase"), "canary") == 0)
		tally.canary = get_number(
		    json_object_get(rollout, "how"), "canary_weight");
	if (tally.version != 0)
		count_instances(st, app, &tally);
	if (!live) {
		/* Ready alone is not live: the roll-out has to say so. */
		tally.booting += tally.ready;
		tally.ready = tally.n = 0;
	}
	memset(&pool, 0, sizeof(pool));
	pool.id = routing_pool_id(name, "web", 3);
	pool.state = pool_state(app, rollout, scale, &tally);
	pool.app.data = (const uint8_t *)name;
	pool.app.len = strlen(name);
	pool.type.data = (const uint8_t *)"web";
	pool.type.len = 3;
	pool.hold = conf->hold_time * 1000;
	setting_apply(json_object_get(formation, "http"), &pool);
	/* Only who waits is told of: it would never wake. */
	if (pool.state == PAAS_ROUTEDB_ASLEEP && pool.hold == 0)
		pool.hold = HOLD_ASLEEP;
	if (pool.state == PAAS_ROUTEDB_RUNNING && tally.ready == 0 &&
	    nobody_comes(st, app, scale, &tally))
		pool.hold = 0;
	pool.ninstances = tally.n;
	routing_db_put_pool(db, &pool, tally.instances);
	free(tally.instances);
	json_decref(formation);
	json_decref(rollout);
	json_decref(scale);
}

void
routing_app_apply(struct store *st, const struct conf *conf,
    struct routing_db *db, const char *name)
{
	char key[STORE_KEY_MAX + 1];
	json_t *app;

	app = store_get(st, key_format(key, "app/%s", name), NULL);
	if (app != NULL)
		put_pool(st, conf, db, name, app);
	else
		routing_db_del_pool(db, routing_pool_id(name, "web", 3));
	json_decref(app);
}

uint64_t
routing_app_pool(struct store *st, const char *name, const char *number)
{
	char key[STORE_KEY_MAX + 1];
	json_t *app;
	int same;

	if (!key_app_valid(name))
		return 0;
	app = store_get(st, key_format(key, "app/%s", name), NULL);
	same =
	    app != NULL &&
	    (number == NULL || strcmp(get_string(app, "number"), number) == 0);
	json_decref(app);
	return same ? routing_pool_id(name, "web", 3) : 0;
}

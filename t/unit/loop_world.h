/*
 * For loop.c: the loop's rooms around a store, and the agent, which is played.
 */
#ifndef PAAS_LOOP_WORLD_H
#define PAAS_LOOP_WORLD_H

struct agent {
	struct fixture *fx;
	unsigned int hold;      /* a version that does not get ready */
	unsigned int broken;    /* a version that fails */
	unsigned int instances; /* given out */
	int busy;               /* the last step changed something */
};

struct world {
	struct fixture *fx;
	struct conf conf;
	struct schedule *schedule;
	struct routing *routing;
	struct agent agent;
	int restarts; /* the placer starts anew before each step */
};

static struct world world;

/* Of the node, which is not here. */
int64_t
node_realtime(void)
{
	return (int64_t)time(NULL) * 1000000;
}

/* ---- the agent --------------------------------------------------------- */

static void
put_actual(struct agent *agent, const char *id, const json_t *assign,
    const char *state, const char *reason, json_t *old)
{
	struct store_txn *txn = store_begin(agent->fx->store);
	char key[64], instance[17], address[32];
	json_t *value;

	if (old == NULL) {
		snprintf(
		    instance, sizeof(instance), "%016x", ++agent->instances);
		snprintf(address, sizeof(address), "198.18.%u.%u",
		    agent->instances / 256, agent->instances % 256);
		value = json_pack("{s:O,s:O,s:O,s:O,s:s,s:s,s:i,s:i}", "app",
		    json_object_get(assign, "app"), "type",
		    json_object_get(assign, "type"), "index",
		    json_object_get(assign, "index"), "version",
		    json_object_get(assign, "version"), "instance", instance,
		    "address", address, "port", 5000, "since", 1000000);
	} else {
		value = json_copy(old);
	}
	json_object_set_new(value, "state", json_string(state));
	json_object_set_new(value, "reason", json_string(reason));
	snprintf(key, sizeof(key), "actual/local/%s", id);
	store_put(txn, key, value);
	store_commit(txn, NULL, NULL);
	json_decref(value);
	agent->busy = 1;
}

static int
step_assign(const char *key, json_t *assign, uint64_t rev, void *arg)
{
	const char *goal, *state, *id = strrchr(key, '/') + 1;
	struct agent *agent = arg;
	unsigned int version;
	char name[64];
	json_t *actual;

	(void)rev;
	snprintf(name, sizeof(name), "actual/local/%s", id);
	actual = store_get(agent->fx->store, name, NULL);
	state = actual == NULL
		    ? ""
		    : json_string_value(json_object_get(actual, "state"));
	goal = json_string_value(json_object_get(assign, "goal"));
	version = (unsigned int)json_integer_value(
	    json_object_get(assign, "version"));
	if (strcmp(goal, "run") == 0 && actual == NULL)
		put_actual(agent, id, assign, "starting", "", NULL);
	else if (strcmp(goal, "run") == 0 && strcmp(state, "starting") == 0 &&
		 version == agent->broken)
		put_actual(agent, id, assign, "failed",
		    "did not listen on port 5000 within 60 s", actual);
	else if (strcmp(goal, "run") == 0 && strcmp(state, "starting") == 0 &&
		 version != agent->hold)
		put_actual(agent, id, assign, "ready", "", actual);
	else if (strcmp(goal, "stop") == 0 && strcmp(state, "ready") == 0)
		put_actual(agent, id, assign, "draining", "", actual);
	else if (strcmp(goal, "stop") == 0 && actual != NULL &&
		 strcmp(state, "gone") != 0)
		put_actual(agent, id, assign, "gone", "", actual);
	json_decref(actual);
	return 0;
}

static int
step_actual(const char *key, json_t *actual, uint64_t rev, void *arg)
{
	struct agent *agent = arg;
	struct store_txn *txn;
	json_t *assign;
	char name[64];

	(void)actual, (void)rev;
	snprintf(name, sizeof(name), "assign/%s", strchr(key, '/') + 1);
	assign = store_get(agent->fx->store, name, NULL);
	if (assign == NULL) {
		txn = store_begin(agent->fx->store);
		store_del(txn, key);
		store_commit(txn, NULL, NULL);
		agent->busy = 1;
	}
	json_decref(assign);
	return 0;
}

/* ---- the world --------------------------------------------------------- */

static void
open_schedule(struct world *w)
{
	char err[PAAS_ERRLEN] = "";

	w->schedule = schedule_open(w->fx->store, &w->conf, w->fx->loop, err);
	assert_string_equal("", err);
}

static int
setup(void **state)
{
	char err[PAAS_ERRLEN] = "";

	fixture_setup(state);
	memset(&world, 0, sizeof(world));
	world.fx = world.agent.fx = *state;
	routes_conf(world.fx, &world.conf);
	world.routing =
	    routing_open(world.fx->store, &world.conf, world.fx->loop, err);
	assert_string_equal("", err);
	open_schedule(&world);
	fixture_settle(world.fx);
	return 0;
}

static int
teardown(void **state)
{
	schedule_close(world.schedule);
	routing_close(world.routing);
	return fixture_teardown(state);
}

/* One step of the agent, and all that follows from it. */
static int
step(struct world *w)
{
	if (w->restarts) {
		schedule_close(w->schedule);
		open_schedule(w);
	}
	w->agent.busy = 0;
	store_each(w->fx->store, "assign/local/", step_assign, &w->agent);
	store_each(w->fx->store, "actual/local/", step_actual, &w->agent);
	fixture_settle(w->fx);
	return w->agent.busy;
}

static void
converge(struct world *w)
{
	int n = 0;

	fixture_settle(w->fx);
	while (step(w))
		assert_true(++n < 1000);
}

static void
put_app(struct world *w, unsigned int version, const char *more)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "{\"number\":\"0000000000000007\",\"version\":%u%s}", version,
	    more);
	fixture_put(w->fx, "app/hello", text);
}

static void
put_release(struct world *w, unsigned int version, const char *types)
{
	char key[64], text[256];

	snprintf(key, sizeof(key), "release/hello/%08u", version);
	snprintf(text, sizeof(text),
	    "{\"version\":%u,\"slug\":\"abc\",\"types\":%s}", version, types);
	fixture_put(w->fx, key, text);
}

static void
scale(struct world *w, const char *type, unsigned int n)
{
	char key[64], text[64];

	snprintf(key, sizeof(key), "formation/hello/%s", type);
	snprintf(text, sizeof(text), "{\"quantity\":%u}", n);
	fixture_put(w->fx, key, text);
}

/* An app with release 1 live and two of web. */
static void
begin(struct world *w)
{
	put_release(w, 1, "{\"web\":\"run\"}");
	scale(w, "web", 2);
	put_app(w, 1, "");
	converge(w);
	assert_string_equal("/ -> hello running 1@198.18.0.1:5000 "
			    "2@198.18.0.2:5000",
	    routes_of(w->fx, HOST));
}

static int
count_one(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)value, (void)rev;
	++*(int *)arg;
	return 0;
}

static int
count(struct world *w, const char *prefix)
{
	int n = 0;

	store_each(w->fx->store, prefix, count_one, &n);
	return n;
}

/* Without those that end their last requests. */
static uint32_t
serving(struct world *w)
{
	const char *text = routes_of(w->fx, HOST);
	uint32_t n = 0;

	for (; *text != '\0'; text++)
		n += (uint32_t)(*text == '@') - (uint32_t)(*text == '~');
	return n;
}

static int
find_text(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	return strcmp(arg, json_string_value(json_object_get(value, "text"))) ==
	       0;
}

static void
assert_event(struct world *w, const char *text)
{
	if (!store_each(w->fx->store, "event/hello/", find_text,
		(void *)(uintptr_t)text))
		fail_msg("no event \"%s\"", text);
}

static json_int_t
rollout(struct world *w, const char *field)
{
	json_t *value = store_get(w->fx->store, "rollout/hello", NULL);
	json_int_t n = json_integer_value(json_object_get(value, field));

	json_decref(value);
	return n;
}

#endif

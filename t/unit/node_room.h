/*
 * For node.c: the manager around the room, what it is told, and what is waited
 * for.  Needs node_launcher.h.
 */
#ifndef PAAS_NODE_ROOM_H
#define PAAS_NODE_ROOM_H

static void
manager_up(void)
{
	char err[PAAS_ERRLEN] = "", path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/store", conf.state_dir);
	store = store_open_lmdb(path, event, err);
	if (store == NULL)
		fail_msg("%s", err);
	if ((node = node_open(store, &conf, event, err)) == NULL)
		fail_msg("%s", err);
}

/* As kill -9 would: nothing in flight is finished. */
static void
manager_down(void)
{
	node_close(node);
	store_close(store);
	node = NULL;
	store = NULL;
}

static void
put(const char *key, json_t *value)
{
	struct store_txn *txn = store_begin(store);

	assert_non_null(value);
	store_put(txn, key, value);
	json_decref(value);
	store_commit(txn, NULL, NULL);
}

static void
assign(const char *name, const char *type, const char *goal)
{
	char key[STORE_KEY_MAX + 1];

	key_format(key, "assign/local/%s", name);
	put(key, json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:s}", "app",
		     "hello", "appnumber", "0000000000000007", "type", type,
		     "index", 1, "version", 1, "generation", 0, "memory",
		     1 << 28, "goal", goal));
}

static void
unassign(const char *name)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn = store_begin(store);

	key_format(key, "assign/local/%s", name);
	store_del(txn, key);
	store_commit(txn, NULL, NULL);
}

/* A new reference, or NULL. */
static json_t *
actual(const char *name)
{
	char key[STORE_KEY_MAX + 1];

	key_format(key, "actual/local/%s", name);
	return store_get(store, key, NULL);
}

static int
state_is(const char *name, const char *want)
{
	json_t *value = actual(name);
	const char *state = json_string_value(json_object_get(value, "state"));
	int same = state == NULL ? want == NULL
				 : want != NULL && strcmp(state, want) == 0;

	json_decref(value);
	return same;
}

/* Times are for a slow machine under valgrind. */
static void
wait_state(const char *name, const char *want)
{
	json_t *value;
	char *text;
	int i;

	for (i = 0; i < 3000 && !state_is(name, want); i++)
		assert_true(sd_event_run(event, 10000) >= 0);
	if (state_is(name, want))
		return;
	value = actual(name);
	text = json_dumps(value, JSON_ENCODE_ANY);
	fail_msg("%s never got %s: %s", name, want, text);
}

static void
text_get(const char *name, const char *field, char *out, size_t len)
{
	json_t *value = actual(name);
	const char *text = json_string_value(json_object_get(value, field));

	strlcpy(out, text != NULL ? text : "", len);
	json_decref(value);
}

static int
alive(void)
{
	int i, n = 0;

	for (i = 0; i < 64; i++) {
		if (played[i].record.id == 0)
			continue;
		played_look(&played[i]);
		n += played[i].record.state == LAUNCH_RUNNING;
	}
	return n;
}

static int
records(void)
{
	int i, n = 0;

	for (i = 0; i < 64; i++)
		n += played[i].record.id != 0;
	return n;
}

static struct played *
of(const char *name)
{
	char text[17];
	uint64_t id;

	text_get(name, "instance", text, sizeof(text));
	assert_int_equal(key_parse_id(text, &id), 0);
	return played_find(id);
}

/* Until what was put is durable. */
static void
settle(void)
{
	uint64_t rev = store_revision(store);
	int i;

	for (i = 0; i < 10 && store_revision(store) < rev + 3; i++)
		assert_true(sd_event_run(event, 1000) >= 0);
}

static void
app_make(int live)
{
	put("app/hello", json_pack("{s:s, s:i}", "number", "0000000000000007",
			     "version", 1));
	put("release/hello/00000001",
	    json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "slug",
		"0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef",
		"types", "web", "node x.js", "worker", "node y.js", "config",
		"GREETING", "hello", "PORT", "1"));
	put("rollout/hello",
	    json_pack("{s:i, s:i}", "live", live, "target", 1));
	settle();
}

#endif

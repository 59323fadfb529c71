/*
 * For node.c: kills the manager at each row of the life of an instance, once
 * before the row's change is written and once when it is written and nothing
 * has followed from it yet.  Which rows there are says the table itself: one
 * that is not tried here fails the test.
 *
 * Needs -Wl,--wrap=instance_table_cell: instance.c looks a row up before it
 * writes, and again when the write is durable.
 */
#ifndef PAAS_NODE_KILLS_H
#define PAAS_NODE_KILLS_H

#define LIMIT_S 120 /* of the machine's slowness, in seconds */

enum left { NOTHING, LISTENING, DEAF, ENDED };

struct kill_row {
	enum instance_state state;
	enum instance_event event;
	enum left left;   /* what there is of its process */
	const char *goal; /* NULL: there is no assignment */
	const char *end;  /* the state it comes to; NULL: no record */
	int restarts;
	int same; /* the process has to live on */
};

static const struct kill_row kill_rows[] = {
    {INSTANCE_CREATED, INSTANCE_STOP, NOTHING, "stop", "gone", 0, 0},
    {INSTANCE_CREATED, INSTANCE_RUN, NOTHING, "run", "ready", 0, 0},

    {INSTANCE_STARTING, INSTANCE_EXIT, ENDED, "run", "ready", 0, 0},
    {INSTANCE_STARTING, INSTANCE_LOST, NOTHING, "run", "ready", 0, 0},
    {INSTANCE_STARTING, INSTANCE_REFUSED, NOTHING, "run", "ready", 0, 0},
    {INSTANCE_STARTING, INSTANCE_STOP, DEAF, "stop", "gone", 0, 0},
    {INSTANCE_STARTING, INSTANCE_LATE, DEAF, "run", "ready", 0, 0},
    {INSTANCE_STARTING, INSTANCE_HEALTHY, LISTENING, "run", "ready", 0, 1},

    {INSTANCE_READY, INSTANCE_EXIT, ENDED, "run", "ready", 0, 0},
    {INSTANCE_READY, INSTANCE_LOST, NOTHING, "run", "ready", 0, 0},
    {INSTANCE_READY, INSTANCE_STOP, LISTENING, "stop", "gone", 0, 0},
    {INSTANCE_READY, INSTANCE_HUNG, DEAF, "run", "ready", 0, 0},
    {INSTANCE_READY, INSTANCE_SICK, DEAF, "run", "unhealthy", 0, 1},

    {INSTANCE_UNHEALTHY, INSTANCE_EXIT, ENDED, "run", "ready", 0, 0},
    {INSTANCE_UNHEALTHY, INSTANCE_LOST, NOTHING, "run", "ready", 0, 0},
    {INSTANCE_UNHEALTHY, INSTANCE_STOP, LISTENING, "stop", "gone", 0, 0},
    {INSTANCE_UNHEALTHY, INSTANCE_HUNG, DEAF, "run", "ready", 0, 0},
    {INSTANCE_UNHEALTHY, INSTANCE_HEALTHY, LISTENING, "run", "ready", 0, 1},

    {INSTANCE_DRAINING, INSTANCE_EXIT, ENDED, "stop", "gone", 0, 0},
    {INSTANCE_DRAINING, INSTANCE_LOST, NOTHING, "stop", "gone", 0, 0},
    {INSTANCE_DRAINING, INSTANCE_DRAINED, LISTENING, "stop", "gone", 0, 0},

    {INSTANCE_STOPPING, INSTANCE_CLEANED, LISTENING, "stop", "gone", 0, 0},

    {INSTANCE_CRASHED, INSTANCE_STOP, ENDED, "stop", "gone", 1, 0},
    {INSTANCE_CRASHED, INSTANCE_AGAIN, ENDED, "run", "ready", 1, 0},
    {INSTANCE_CRASHED, INSTANCE_WAIT, ENDED, "run", "backoff", 5, 0},
    {INSTANCE_CRASHED, INSTANCE_GIVE_UP, ENDED, "run", "failed", 201, 0},

    {INSTANCE_BACKOFF, INSTANCE_STOP, NOTHING, "stop", "gone", 5, 0},
    {INSTANCE_BACKOFF, INSTANCE_AGAIN, NOTHING, "run", "ready", 5, 0},

    {INSTANCE_FAILED, INSTANCE_STOP, NOTHING, "stop", "gone", 201, 0},

    {INSTANCE_GONE, INSTANCE_DROP, NOTHING, NULL, NULL, 0, 0},
    {INSTANCE_GONE, INSTANCE_RUN, NOTHING, "run", "ready", 0, 0},
};

/* ---- the point --------------------------------------------------------- */

static const struct kill_row *aim; /* NULL: nothing is killed */
static int aim_written;

struct instance_cell __real_instance_table_cell(
    enum instance_state, enum instance_event);
struct instance_cell __wrap_instance_table_cell(
    enum instance_state, enum instance_event);

struct instance_cell
__wrap_instance_table_cell(enum instance_state state, enum instance_event what)
{
	static uint64_t first;
	static int hits;
	uint64_t rev = 0;

	if (aim != NULL && state == aim->state && what == aim->event) {
		json_decref(store_get(store, "actual/local/" A, &rev));
		if (hits++ == 0)
			first = rev;
		if (!aim_written || rev != first)
			(void)kill(getpid(), SIGKILL);
	}
	return __real_instance_table_cell(state, what);
}

/* ---- what there is before ---------------------------------------------- */

/* One look that fails is enough; a start may take long, unless it is late. */
static void
health_set(int restart, int late)
{
	put("formation/hello/web",
	    json_pack("{s:i, s:{s:i, s:i, s:i, s:i}}", "quantity", 1, "health",
		"interval", 1, "failures", 1, "restart", restart,
		"start_timeout", late ? 1 : LIMIT_S));
}

/* Nobody looks at the store meanwhile. */
static void
record_set(const struct kill_row *row)
{
	char err[PAAS_ERRLEN] = "", path[PATH_MAX];
	struct store_txn *txn;
	struct timespec now;
	json_int_t us;
	json_t *old, *record;

	clock_gettime(CLOCK_REALTIME, &now);
	us = (json_int_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	snprintf(path, sizeof(path), "%s/store", conf.state_dir);
	store = store_open_lmdb(path, event, err);
	assert_non_null(store);
	health_set(row->event == INSTANCE_HUNG, row->event == INSTANCE_LATE);
	if (row->state != INSTANCE_CREATED) {
		old = actual(A);
		record = json_deep_copy(old);
		json_decref(old);
		assert_non_null(record);
		json_object_update_new(record,
		    json_pack("{s:s, s:i, s:I, s:I}", "state",
			instance_state_name(row->state), "restarts",
			row->restarts, "since", us, "until", us + 1000000));
		if (row->left == NOTHING && row->state >= INSTANCE_BACKOFF)
			json_object_set_new(record, "slot", json_integer(0));
		put("actual/local/" A, record);
	}
	if (row->goal != NULL) {
		assign(A, "web", row->goal);
	} else {
		txn = store_begin(store);
		store_del(txn, "assign/local/" A);
		store_commit(txn, NULL, NULL);
	}
	settle();
	store_close(store);
	store = NULL;
}

static void
process_end(struct played *p, enum left left)
{
	char path[PATH_MAX];

	assert_int_equal(kill(p->app, SIGKILL), 0);
	assert_int_equal(waitpid(p->record.pid, NULL, 0), p->record.pid);
	p->record.state = LAUNCH_EXITED;
	if (left == ENDED)
		return;
	snprintf(path, sizeof(path), "%s/exit/%016llx", conf.run_dir,
	    (unsigned long long)p->record.id);
	assert_int_equal(unlink(path), 0);
	memset(p, 0, sizeof(*p));
}

/* The id of the process that it has, 0 for none; the manager is down then. */
static uint64_t
kill_prepare(const struct kill_row *row)
{
	struct played *p = NULL;
	uint64_t id = 0;
	int i;

	app_make(1);
	health_set(0, 0);
	manner = row->left == DEAF ? IS_DEAF : LISTENS;
	if (row->state != INSTANCE_CREATED) {
		assign(A, "web", "run");
		wait_state(A, row->left == DEAF ? "starting" : "ready");
		for (i = 0; i < 3000 && alive() == 0; i++)
			assert_true(sd_event_run(event, 10000) >= 0);
		assert_non_null(p = of(A));
		id = p->record.id;
	}
	manager_down();
	if (p != NULL && (row->left == NOTHING || row->left == ENDED))
		process_end(p, row->left);
	record_set(row);
	manner = LISTENS;
	refuses = row->event == INSTANCE_REFUSED;
	return id;
}

/* ---- the kill, and what comes of it ------------------------------------ */

/* A manager of its own, that has no way out but the point. */
static void
kill_child(const struct kill_row *row, int written)
{
	char err[PAAS_ERRLEN] = "", path[PATH_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(LIMIT_S);
	aim = row;
	aim_written = written;
	snprintf(path, sizeof(path), "%s/store", conf.state_dir);
	if (sd_event_new(&event) < 0 ||
	    (store = store_open_lmdb(path, event, err)) == NULL ||
	    node_open(store, &conf, event, err) == NULL)
		_exit(2);
	while (sd_event_run(event, UINT64_MAX) >= 0)
		continue;
	_exit(3);
}

static int
converged(const struct kill_row *row, uint64_t id)
{
	struct played *p;

	if (!state_is(A, row->end))
		return 0;
	if (row->end == NULL || (strcmp(row->end, "ready") != 0 && !row->same))
		return records() == 0;
	p = of(A);
	return p != NULL && records() == 1 && alive() == 1 &&
	       (p->record.id == id) == row->same;
}

/* The kill came where it was to come. */
static void
check_point(const struct kill_row *row, int written)
{
	struct instance_cell cell =
	    __real_instance_table_cell(row->state, row->event);
	enum instance_state is = written ? cell.next : row->state;

	if (!state_is(
		A, is == INSTANCE_CREATED ? NULL : instance_state_name(is)))
		fail_msg("%s x %s, killed %s it is written: it is not %s",
		    instance_state_name(row->state),
		    instance_event_name(row->event),
		    written ? "when" : "before", instance_state_name(is));
}

/* Gives how long it took, in seconds. */
static double
kill_at(const struct kill_row *row, int written)
{
	struct timespec from, to;
	uint64_t id = kill_prepare(row);
	pid_t kid = fork();
	int i, status = 0;

	assert_true(kid >= 0);
	if (kid == 0)
		kill_child(row, written);
	while (waitpid(kid, &status, WNOHANG) == 0)
		assert_true(sd_event_run(event, 10000) >= 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("%s x %s is not reached",
		    instance_state_name(row->state),
		    instance_event_name(row->event));
	refuses = 0;
	clock_gettime(CLOCK_MONOTONIC, &from);
	manager_up();
	check_point(row, written);
	for (i = 0; i < LIMIT_S * 100 && !converged(row, id); i++)
		assert_true(sd_event_run(event, 10000) >= 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!converged(row, id))
		fail_msg("%s x %s, killed %s it is written: it never gets %s",
		    instance_state_name(row->state),
		    instance_event_name(row->event),
		    written ? "when" : "before",
		    row->end != NULL ? row->end : "away");
	return (double)(to.tv_sec - from.tv_sec) +
	       (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static int
event_is_gone(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	if (strcmp(json_string_value(json_object_get(value, "kind")), "gone") ==
	    0)
		++*(int *)arg;
	return 0;
}

static int
events_of_gone(void)
{
	int n = 0;

	(void)store_each(store, "event/hello/", event_is_gone, &n);
	return n;
}

static void
kill_tidy(void)
{
	int i;

	if (!state_is(A, NULL)) {
		assign(A, "web", "stop");
		wait_state(A, "gone");
		unassign(A);
		wait_state(A, NULL);
	}
	for (i = 0; i < 3000 && records() > 0; i++)
		assert_true(sd_event_run(event, 10000) >= 0);
	assert_int_equal(records(), 0);
}

static const struct kill_row *
kill_row_of(unsigned state, unsigned event_number)
{
	size_t i;

	for (i = 0; i < sizeof(kill_rows) / sizeof(kill_rows[0]); i++) {
		if (kill_rows[i].state == state &&
		    kill_rows[i].event == event_number)
			return &kill_rows[i];
	}
	return NULL;
}

static void
killed_at_each_row(void **test_state)
{
	const struct kill_row *row;
	double took, slowest = 0;
	unsigned s, e, points = 0;
	int gone, written;

	(void)test_state;
	for (s = 0; s < INSTANCE_STATES; s++) {
		for (e = 0; e < INSTANCE_EVENTS; e++) {
			if (__real_instance_table_cell(s, e).action ==
			    INSTANCE_IGNORE)
				continue;
			if ((row = kill_row_of(s, e)) == NULL)
				fail_msg("nothing is killed at %s x %s",
				    instance_state_name(s),
				    instance_event_name(e));
			for (written = 0; written <= 1; written++) {
				gone = events_of_gone();
				took = kill_at(row, written);
				if (row->end != NULL &&
				    strcmp(row->end, "gone") == 0)
					assert_int_equal(
					    events_of_gone(), gone + 1);
				if (took > slowest)
					slowest = took;
				points++;
				kill_tidy();
			}
		}
	}
	assert_int_equal(points, 2 * sizeof(kill_rows) / sizeof(kill_rows[0]));
	print_message(
	    "# %u points, the slowest to converge: %.1f s\n", points, slowest);
}

/* ---- after each turn of the loop ------------------------------------------
 */

/* Killed after each turn of the loop on the way there: it converges. */
static void
killed_at_each_step(void **state)
{
	int turns, i, arrived = 0;

	(void)state;
	app_make(1);
	for (turns = 0; !arrived && turns < 200; turns++) {
		assign(A, "web", "run");
		for (i = 0; i < turns && !state_is(A, "ready"); i++)
			assert_true(sd_event_run(event, 100000) >= 0);
		arrived = state_is(A, "ready");
		manager_down();
		manager_up();
		assign(A, "web", "run");
		wait_state(A, "ready");
		assert_int_equal(records(), alive());
		assert_non_null(of(A));
		assign(A, "web", "stop");
		wait_state(A, "gone");
		for (i = 0; i < 500 && records() > 0; i++)
			assert_true(sd_event_run(event, 10000) >= 0);
		assert_int_equal(records(), 0);
	}
	assert_true(arrived);
	for (arrived = turns = 0; !arrived && turns < 200; turns++) {
		assign(A, "web", "run");
		wait_state(A, "ready");
		assign(A, "web", "stop");
		for (i = 0; i < turns && !state_is(A, "gone"); i++)
			assert_true(sd_event_run(event, 100000) >= 0);
		arrived = state_is(A, "gone");
		manager_down();
		manager_up();
		assign(A, "web", "stop");
		wait_state(A, "gone");
		assert_int_equal(records(), 0);
	}
	assert_true(arrived);
}

/* The same on the way from a crash to the next start. */
static void
killed_at_each_step_of_a_crash(void **state)
{
	int turns, i, arrived = 0;
	uint64_t before;

	(void)state;
	app_make(1);
	for (turns = 0; !arrived && turns < 200; turns++) {
		assign(A, "web", "run");
		wait_state(A, "ready");
		before = of(A)->record.id;
		kill(of(A)->app, SIGKILL);
		for (i = 0;
		     i < turns && (!state_is(A, "ready") || of(A) == NULL ||
				      of(A)->record.id == before);
		     i++)
			assert_true(sd_event_run(event, 100000) >= 0);
		arrived = i < turns;
		manager_down();
		manager_up();
		for (i = 0;
		     i < 3000 && (!state_is(A, "ready") || of(A) == NULL ||
				     of(A)->record.id == before);
		     i++)
			assert_true(sd_event_run(event, 10000) >= 0);
		assert_non_null(of(A));
		assert_true(of(A)->record.id > before);
		assert_int_equal(alive(), 1);
		assign(A, "web", "stop");
		wait_state(A, "gone");
		for (i = 0; i < 500 && records() > 0; i++)
			assert_true(sd_event_run(event, 10000) >= 0);
		assert_int_equal(records(), 0);
		/* A new one has no crashes behind it. */
		unassign(A);
		wait_state(A, NULL);
	}
	assert_true(arrived);
}

/* The launcher dies after each turn: nothing is started twice. */
static void
launcher_killed_at_each_step(void **state)
{
	int turns, i, arrived = 0;

	(void)state;
	app_make(1);
	for (turns = 0; !arrived && turns < 200; turns++) {
		assign(A, "web", "run");
		for (i = 0; i < turns && !state_is(A, "ready"); i++)
			assert_true(sd_event_run(event, 100000) >= 0);
		arrived = state_is(A, "ready");
		launcher_down();
		assert_true(sd_event_run(event, 1000) >= 0);
		launcher_up();
		wait_state(A, "ready");
		assert_int_equal(alive(), 1);
		assign(A, "web", "stop");
		wait_state(A, "gone");
		assert_int_equal(records(), 0);
	}
	assert_true(arrived);
}

#endif

/* sources: manager/build/[a-z]*.c manager/node/[a-z]*.c manager/store/[a-z]*.c manager/common/[a-z]*.c ngx_paas_module/routedb/[!t]*.c; libs: -Wl,--wrap=table_next,--wrap=table_resume,--wrap=store_commit,--wrap=launch_answers,--wrap=sd_event_add_time_relative,--wrap=sd_event_source_set_time_relative -lsodium -lsystemd -lcurl -ljansson -llmdb */
/*
 * Kills the manager at each cell of the table of builds that does something,
 * at three points: before the state is left, when what the next state does has
 * been begun, and when that is done.  Which cells there are says the table
 * itself: one that is not tried here fails the test.  Then a next manager
 * starts on the same store, and all is as if nothing had happened, or the build
 * has failed; and of either there is one trace.
 *
 * Store, node and build room are as they are, the launcher is played.
 */
#include "build_kill_rows.h"
#include "kills_fixture.h"

enum kill_point { LEFT, BEGUN, DONE, KILL_POINTS };

static const char *const kill_points[KILL_POINTS] = {"before the state is left",
    "when the next one has begun", "when the next one is done"};

#define BUILD_ID    0xb1
#define BUILD_HEX   "00000000000000b1"
#define INSTANCE_ID 0xc1

static struct kills_self kill_self;
static const struct kill_row *row;
static enum job_state at = JOB_STATES; /* of the one build */
static int aiming;                     /* in the one to be killed */
static int aim_hit, entering, refused, muted, app_gone;

static struct store *store;
static struct node *node;
static struct build *build;

/* ---- the points ---------------------------------------------------------- */

enum job_state __real_table_next(enum job_state, enum job_event);
enum job_state __wrap_table_next(enum job_state, enum job_event);
enum job_state __real_table_resume(const char *);
enum job_state __wrap_table_resume(const char *);
void __real_store_commit(struct store_txn *, store_done_cb, void *);
void __wrap_store_commit(struct store_txn *, store_done_cb, void *);
int __real_launch_answers(const struct launch *);
int __wrap_launch_answers(const struct launch *);
int __real_sd_event_add_time_relative(sd_event *, sd_event_source **, clockid_t,
    uint64_t, uint64_t, sd_event_time_handler_t, void *);
int __wrap_sd_event_add_time_relative(sd_event *, sd_event_source **, clockid_t,
    uint64_t, uint64_t, sd_event_time_handler_t, void *);
int __real_sd_event_source_set_time_relative(sd_event_source *, uint64_t);
int __wrap_sd_event_source_set_time_relative(sd_event_source *, uint64_t);

static void
kill_here(void)
{
	(void)kill(getpid(), SIGKILL);
}

/* job.c asks it for each event that is taken, and enters what it says. */
enum job_state
__wrap_table_next(enum job_state state, enum job_event what)
{
	if (aiming && aim_hit)
		kill_here();
	if (aiming && state == row->state && what == row->event) {
		if (kill_self.point == LEFT)
			kill_here();
		aim_hit = 1;
	}
	at = __real_table_next(state, what);
	entering = 1;
	return at;
}

enum job_state
__wrap_table_resume(const char *name)
{
	return at = __real_table_resume(name);
}

struct refusal {
	store_done_cb cb;
	void *arg;
};

static int
on_refusal(sd_event_source *source, void *arg)
{
	struct refusal refusal = *(struct refusal *)arg;

	sd_event_source_unref(source);
	free(arg);
	refusal.cb(row->commit, 0, refusal.arg);
	return 0;
}

/* Of what is committed as a state is entered, the first one. */
void
__wrap_store_commit(struct store_txn *txn, store_done_cb cb, void *arg)
{
	struct refusal *refusal;
	sd_event_source *source;

	if (!aiming || !entering || refused || at != row->state ||
	    row->commit == STORE_OK) {
		__real_store_commit(txn, cb, arg);
		return;
	}
	refused = 1;
	store_abandon(txn);
	if ((refusal = malloc(sizeof(*refusal))) == NULL)
		_exit(4);
	refusal->cb = cb;
	refusal->arg = arg;
	if (sd_event_add_defer(event, &source, on_refusal, refusal) < 0)
		_exit(4);
}

int
__wrap_launch_answers(const struct launch *launch)
{
	if (aiming && at == row->state &&
	    (row->way == MUTE || row->way == APP_GOES ||
		(row->way == MUTE_ONCE && !muted++)))
		return 0;
	return __real_launch_answers(launch);
}

static int
is_late(void)
{
	if (row->way == LATE_BUILD)
		return at == JOB_BUILD || at == JOB_ADOPT_BUILD;
	return row->way == LATE_CHECK &&
	       (at == JOB_CHECK || at == JOB_ADOPT_CHECK);
}

/* Nobody has a minute: what is tried again is tried soon. */
int
__wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **source,
    clockid_t clock, uint64_t usec, uint64_t accuracy,
    sd_event_time_handler_t cb, void *arg)
{
	if (clock == CLOCK_BOOTTIME && is_late())
		usec = 1;
	if (clock == CLOCK_MONOTONIC && (usec == 50000 || usec == 1000000))
		usec = accuracy = usec / 1000;
	return __real_sd_event_add_time_relative(
	    e, source, clock, usec, accuracy, cb, arg);
}

/* Of slugs that nothing needs, too. */
int
__wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec)
{
	return __real_sd_event_source_set_time_relative(
	    source, usec == 2000000 ? 2000 : usec);
}

/* ---- the manager around the room ----------------------------------------- */

static const char *
manager_up(void)
{
	static char err[PAAS_ERRLEN];
	char path[400];

	snprintf(path, sizeof(path), "%s/store", conf.state_dir);
	if ((store = store_open_lmdb(path, event, err)) == NULL ||
	    (node = node_open(store, &conf, event, err)) == NULL ||
	    (build = build_open(store, node, &conf, event, err)) == NULL)
		return err;
	return "";
}

static void
manager_down(void)
{
	build_close(build);
	node_close(node);
	store_close(store);
}

static void
put(struct store_txn *txn, const char *key, json_t *value)
{
	assert_non_null(value);
	store_put(txn, key, value);
	json_decref(value);
}

static void
on_committed(enum store_result result, uint64_t rev, void *arg)
{
	(void)rev;
	*(int *)arg = result == STORE_OK ? 1 : -1;
}

/* What there is before: as an upload leaves it, or a manager after it. */
static void
fill(void)
{
	char err[PAAS_ERRLEN] = "", path[400];
	struct store_txn *txn;
	int done = 0, fd;

	snprintf(path, sizeof(path), "%s/store", conf.state_dir);
	store = store_open_lmdb(path, event, err);
	assert_string_equal("", err);
	txn = store_begin(store);
	put(txn, "app/hello",
	    json_pack(
		"{s:s, s:i}", "number", "0000000000000007", "version", 0));
	put(txn, "upload/" BUILD_HEX,
	    json_pack("{s:s, s:s}", "app", "hello", "state", "stored"));
	put(txn, "build/hello/" BUILD_HEX,
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I}", "id",
		BUILD_HEX, "state", row->from, "appnumber", "0000000000000007",
		"instance", "00000000000000c1", "user", "ann", "source",
		"upload", "version", 0, "started", (json_int_t)commit_now()));
	store_commit(txn, on_committed, &done);
	while (done == 0)
		assert_true(sd_event_run(event, 100000) >= 0);
	assert_int_equal(1, done);
	store_close(store);
	snprintf(
	    path, sizeof(path), "%s/uploads/" BUILD_HEX ".tar", conf.state_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	if (strcmp(row->from, "running") == 0)
		played_begin(INSTANCE_ID, BUILD_ID, LAUNCH_BUILD);
	else if (strcmp(row->from, "inspecting") == 0)
		played_begin(INSTANCE_ID, BUILD_ID, LAUNCH_INSPECT);
}

static int
count_one(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)value, (void)rev;
	++*(int *)arg;
	return 0;
}

static int
count(const char *prefix)
{
	int n = 0;

	(void)store_each(store, prefix, count_one, &n);
	return n;
}

static int
count_end(const char *key, json_t *value, uint64_t rev, void *arg)
{
	const char *text = json_string_value(json_object_get(value, "text"));

	(void)key, (void)rev;
	if (text != NULL && (strncmp(text, "built with", 10) == 0 ||
				strncmp(text, "build failed", 12) == 0))
		++*(int *)arg;
	return 0;
}

/* ---- the kill, and what comes of it -------------------------------------- */

static void
app_goes(void)
{
	struct store_txn *txn = store_begin(store);

	app_gone = 1;
	store_del(txn, "app/hello");
	store_commit(txn, NULL, NULL);
}

static void
kill_child(void)
{
	kills_child();
	aiming = 1;
	if (sd_event_new(&event) < 0 || manager_up()[0] != '\0')
		_exit(2);
	while (sd_event_run(event, UINT64_MAX) >= 0) {
		entering = 0;
		if (aim_hit && (kill_self.point == BEGUN || at == JOB_DONE))
			kill_here();
		if (row->way == APP_GOES && at == row->state && !app_gone)
			app_goes();
	}
	_exit(3);
}

static const char *
state_of(json_t *record)
{
	return json_string_value(json_object_get(record, "state"));
}

static int
is_final(const char *state)
{
	return strcmp(state, S) == 0 || strcmp(state, F) == 0;
}

/* How it has to end, as a next manager finds it. */
static const char *
end_of(json_t *record)
{
	json_t *app = store_get(store, "app/hello", NULL);
	const char *state = state_of(record), *id;
	int gone = app == NULL;
	uint64_t instance;

	json_decref(app);
	if (is_final(state))
		return strcmp(state, S) == 0 ? S : F;
	assert_false(kill_self.point == DONE &&
		     __real_table_next(row->state, row->event) == JOB_FAIL);
	if (gone)
		return F;
	/* Noted, but never begun. */
	id = json_string_value(json_object_get(record, "instance"));
	if (strcmp(state, "pending") != 0 &&
	    (key_parse_id(id, &instance) == -1 ||
		played_find(instance) == NULL))
		return F;
	return row->end;
}

static int
on_line(const char *text, size_t len, void *arg)
{
	(void)text, (void)len, (void)arg;
	return 0;
}

struct told {
	int times;
	char end[16];
};

static void
on_told(json_t *record, void *arg)
{
	struct told *told = arg;

	told->times++;
	strlcpy(told->end, record != NULL ? state_of(record) : "none",
	    sizeof(told->end));
}

static int
converged(const struct told *told, int well)
{
	return told->times == 1 && TAILQ_EMPTY(&build->jobs) &&
	       count("upload/") == 0 && count("slug/") == well &&
	       played_entries("uploads") == 0 &&
	       played_entries("builds") == 0 &&
	       played_entries("slugs") == well && played_count() == 0;
}

static void
converge(const char *end)
{
	time_t limit = time(NULL) + KILL_LIMIT_S;
	struct told told = {0, ""};
	const int well = strcmp(end, S) == 0;
	json_t *app = store_get(store, "app/hello", NULL);
	int ends = 0;

	assert_non_null(
	    build_follow(build, "hello", BUILD_ID, on_line, on_told, &told));
	while (!converged(&told, well) && time(NULL) < limit)
		assert_true(sd_event_run(event, 100000) >= 0);
	assert_string_equal(end, told.end);
	assert_true(converged(&told, well));
	assert_int_equal(1, count("build/hello/"));
	assert_int_equal(well, count("release/hello/"));
	assert_int_equal(well, count("formation/hello/"));
	(void)store_each(store, "event/hello/", count_end, &ends);
	assert_int_equal(app != NULL, ends);
	json_decref(app);
	if ((app = store_get(store, "app/hello", NULL)) != NULL)
		assert_int_equal(
		    well, json_integer_value(json_object_get(app, "version")));
	json_decref(app);
}

static void
killed_at_one_point(void **state)
{
	json_t *record;
	const char *end;
	int status = 0;
	pid_t kid;

	(void)state;
	played = row->play;
	fill();
	kid = fork();
	assert_true(kid >= 0);
	if (kid == 0)
		kill_child();
	while (waitpid(kid, &status, WNOHANG) == 0)
		assert_true(sd_event_run(event, 10000) >= 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* What it still asked for is done. */
	while (sd_event_run(event, 0) > 0)
		continue;
	assert_string_equal("", manager_up());
	record = store_get(store, "build/hello/" BUILD_HEX, NULL);
	assert_non_null(record);
	end = end_of(record);
	json_decref(record);
	converge(end);
	manager_down();
}

/* ---- frame --------------------------------------------------------------- */

static int
setup(void **state)
{
	char err[PAAS_ERRLEN];

	if (conf_load(&conf, NULL, err) == -1 || sd_event_new(&event) < 0)
		return -1;
	(void)state;
	return launcher_up();
}

static int
teardown(void **state)
{
	(void)state;
	launcher_down();
	sd_event_unref(event);
	return 0;
}

/* In a process of its own; the exit status. */
static int
kill_main(void)
{
	const struct CMUnitTest one[] = {cmocka_unit_test_setup_teardown(
	    killed_at_one_point, setup, teardown)};

	row = &kill_rows[kill_self.row];
	return cmocka_run_group_tests_name("one", one, NULL, NULL);
}

static const char *const states[JOB_STATES] = {"PENDING", "NOTE_BUILD", "BUILD",
    "ADOPT_BUILD", "WANT_CHECK", "NOTE_CHECK", "CHECK", "ADOPT_CHECK", "NAME",
    "SEAL", "RELEASE", "STOP", "FAIL", "CLEAN", "DONE"};
static const char *const events[JOB_EVENTS] = {
    "OK", "BAD", "AGAIN", "LATE", "ANEW", "APPGONE"};

static const char *
kill_describe(size_t i)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s x %s", states[kill_rows[i].state],
	    events[kill_rows[i].event]);
	return text;
}

static void
killed_at_each_cell(void **state)
{
	size_t i;
	int s, e, cells = 0;

	(void)state;
	for (s = 0; s < JOB_STATES; s++) {
		for (e = 0; e < JOB_EVENTS; e++) {
			if (!table_takes((enum job_state)s, (enum job_event)e))
				continue;
			cells++;
			for (i = 0; i < KILL_ROWS; i++)
				if ((int)kill_rows[i].state == s &&
				    (int)kill_rows[i].event == e)
					break;
			if (i == KILL_ROWS)
				fail_msg("nothing is killed at %s x %s",
				    states[s], events[e]);
		}
	}
	assert_int_equal(cells, KILL_ROWS);
	kills_run(KILL_ROWS, KILL_POINTS, kill_points, kill_describe);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_at_each_cell),
	};

	if (kills_parse(&kill_self, argc, argv))
		return kill_main();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

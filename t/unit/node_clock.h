/*
 * For node.c: a clock of the machine that stands still but for what a test
 * adds, and a clock of the day that is set a year ahead or back meanwhile.
 *
 * Needs -Wl,--wrap=clock_gettime and --wrap=sd_event_source_set_time_relative:
 * the back-off that an instance asks for is noted and over at once.
 */
#ifndef PAAS_NODE_CLOCK_H
#define PAAS_NODE_CLOCK_H

#define SECOND_US INT64_C(1000000)
#define YEAR_S    31557600

/* What is forked has it, too. */
struct fake_clock {
	int64_t boot_us; /* CLOCK_BOOTTIME; 0: the kernel's */
	time_t day_s;    /* added to CLOCK_REALTIME */
};

static struct fake_clock *fake;
static uint64_t asked_us[256]; /* the back-offs */
static size_t asked;

int __real_clock_gettime(clockid_t, struct timespec *);
int __wrap_clock_gettime(clockid_t, struct timespec *);
int __real_sd_event_source_set_time_relative(sd_event_source *, uint64_t);
int __wrap_sd_event_source_set_time_relative(sd_event_source *, uint64_t);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = __real_clock_gettime(clock, ts);

	if (fake != NULL && clock == CLOCK_REALTIME)
		ts->tv_sec += fake->day_s;
	if (fake != NULL && clock == CLOCK_BOOTTIME && fake->boot_us != 0) {
		ts->tv_sec = fake->boot_us / SECOND_US;
		ts->tv_nsec = fake->boot_us % SECOND_US * 1000;
	}
	return r;
}

int
__wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t us)
{
	struct instance *inst = NULL;

	if (fake != NULL && fake->boot_us != 0 && node != NULL)
		inst = RB_MIN(instance_tree, &node->agent->tree);
	if (inst != NULL && source == inst->timer &&
	    inst->rec.state == INSTANCE_BACKOFF) {
		assert_true(asked < 256);
		asked_us[asked++] = us;
		fake->boot_us += (int64_t)us;
		us = 0;
	}
	return __real_sd_event_source_set_time_relative(source, us);
}

static void
clock_stop(void)
{
	struct timespec now;

	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fake != MAP_FAILED);
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
	fake->boot_us = (now.tv_sec + 1) * SECOND_US;
	asked = 0;
}

static int
clock_after(void **state)
{
	if (fake != NULL)
		munmap(fake, sizeof(*fake));
	fake = NULL;
	return after(state);
}

/* The whole of it, crash by crash, with the clock of the day moved at each. */
static void
backs_off_on_schedule(void **state)
{
	static const uint64_t first[] = {30, 60, 120, 240, 480};
	size_t i;
	int n;

	(void)state;
	clock_stop();
	app_make(1);
	manner = CRASHES;
	assign(A, "web", "run");
	for (n = 0; n < 200000 && !state_is(A, "failed"); n++) {
		fake->day_s = starts % 2 ? YEAR_S : -YEAR_S;
		assert_true(sd_event_run(event, 10000) >= 0);
	}
	assert_true(state_is(A, "failed"));
	assert_int_equal(starts, 201);
	assert_int_equal(asked, 197);
	for (i = 0; i < asked; i++)
		assert_int_equal(
		    asked_us[i], (i < 5 ? first[i] : 960) * SECOND_US);
}

static int
restarts_of(const char *name)
{
	json_t *value = actual(name);
	int n = (int)json_integer_value(json_object_get(value, "restarts"));

	json_decref(value);
	return n;
}

/* It runs for so long by the machine's clock, and crashes. */
static void
runs_for(int64_t seconds, time_t day)
{
	wait_state(A, "ready");
	fake->boot_us += seconds * SECOND_US;
	fake->day_s = day;
	kill(of(A)->app, SIGKILL);
	wait_state(A, "crashed");
}

/* Five minutes of work forgive, and no clock that somebody sets. */
static void
forgives_by_no_clock(void **state)
{
	struct played *p;
	siginfo_t si;

	(void)state;
	clock_stop();
	app_make(1);
	assign(A, "web", "run");
	runs_for(1, YEAR_S);
	assert_int_equal(restarts_of(A), 1);
	runs_for(299, 2 * YEAR_S);
	assert_int_equal(restarts_of(A), 2);
	runs_for(300, -YEAR_S);
	assert_int_equal(restarts_of(A), 1);

	/* What it did before a new manager came counts. */
	wait_state(A, "ready");
	p = of(A);
	manager_down();
	fake->boot_us += 299 * SECOND_US;
	kill(p->app, SIGKILL);
	assert_int_equal(
	    waitid(P_PID, (id_t)p->record.pid, &si, WEXITED | WNOWAIT), 0);
	fake->boot_us += 600 * SECOND_US;
	fake->day_s = YEAR_S;
	manager_up();
	wait_state(A, "crashed");
	assert_int_equal(restarts_of(A), 2);
}

/* The slot of one that ended, or the next one that is free. */
static uint32_t
slot_like(uint32_t slot)
{
	uint32_t got = 0;
	int i;

	for (i = 0; i < 3000 && !agent_listed(node->agent); i++)
		assert_true(sd_event_run(event, 10000) >= 0);
	assert_int_equal(
	    slots_take(node->slots, slot - 2, node_boottime(), &got), 0);
	slots_return(node->slots, got);
	return got;
}

static void
rests_by_no_clock(void **state)
{
	uint32_t slot;

	(void)state;
	clock_stop();
	app_make(1);
	assign(A, "web", "run");
	wait_state(A, "ready");
	slot = of(A)->record.slot;
	assign(A, "web", "stop");
	wait_state(A, "gone");
	settle();
	fake->boot_us += 599 * SECOND_US;
	for (fake->day_s = -YEAR_S; fake->day_s <= YEAR_S;
	     fake->day_s += 2 * YEAR_S) {
		manager_down();
		manager_up();
		assert_int_not_equal(slot_like(slot), slot);
	}
	manager_down();
	fake->boot_us += SECOND_US;
	manager_up();
	assert_int_equal(slot_like(slot), slot);
}

/* The record with that field as the program before this one wrote it. */
static void
record_age(const char *key, const char *field, int64_t value)
{
	struct store_txn *txn = store_begin(store);
	json_t *record = store_get(store, key, NULL);

	assert_non_null(record);
	json_object_set_new(record, field, json_integer(value));
	json_object_del(record, "moment");
	store_put(txn, key, record);
	json_decref(record);
	store_commit(txn, NULL, NULL);
	settle();
}

/* What was noted by the clock of the day is not forgotten by an upgrade. */
static void
recalls_what_was_before(void **state)
{
	char key[STORE_KEY_MAX + 1], id[17];
	uint32_t slot;
	int i;

	(void)state;
	clock_stop();
	app_make(1);
	assign(A, "web", "run");
	for (i = 0; i < 3; i++)
		runs_for(1, 0);
	assert_int_equal(restarts_of(A), 3);

	/* It has been well for six minutes: its next crash is the first. */
	wait_state(A, "ready");
	record_age("actual/" KEY_NODE_LOCAL "/" A, "ready",
	    node_realtime() - 360 * SECOND_US);
	manager_down();
	manager_up();
	runs_for(1, 0);
	assert_int_equal(restarts_of(A), 1);

	/* Its slot rests for ten minutes after its end. */
	wait_state(A, "ready");
	slot = of(A)->record.slot;
	key_format_id(id, of(A)->record.id);
	key_format(key, "instance/hello/%s", id);
	assign(A, "web", "stop");
	wait_state(A, "gone");
	settle();
	record_age(key, "ended", node_realtime() - 300 * SECOND_US);
	manager_down();
	manager_up();
	assert_int_not_equal(slot_like(slot), slot);
	record_age(key, "ended", node_realtime() - 601 * SECOND_US);
	manager_down();
	manager_up();
	assert_int_equal(slot_like(slot), slot);
}

#endif

/* sources: manager/node/agent.c manager/node/agent_list.c manager/node/appmap.c manager/node/backoff.c manager/node/claim.c manager/node/drain.c manager/node/fetch.c manager/node/health.c manager/node/ids.c manager/node/instance.c manager/node/instance_launch.c manager/node/instance_record.c manager/node/instance_table.c manager/node/instance_work.c manager/node/launch.c manager/node/launch_args.c manager/node/launch_ops.c manager/node/launch_wire.c manager/node/limits.c manager/node/logdrain.c manager/node/logdrain_follow.c manager/node/logdrain_save.c manager/node/logdrain_send.c manager/node/logrequest.c manager/node/logfile.c manager/node/loghub.c manager/node/logprune.c manager/node/logtail.c manager/node/node.c manager/node/oneoff.c manager/node/oneoff_record.c manager/node/oneoff_start.c manager/node/proc.c manager/node/release_env.c manager/node/router.c manager/node/run.c manager/node/slots.c manager/node/tree.c manager/node/wake.c manager/store/formation.c manager/store/keys.c manager/store/moment.c manager/store/names.c manager/store/store.c manager/store/store_event.c manager/store/store_lmdb.c manager/store/store_lmdb_grow.c manager/store/store_lmdb_open.c manager/store/store_lmdb_seal.c manager/store/seal.c manager/common/log.c manager/common/conf.c manager/node/probe.c manager/node/probe_command.c manager/node/attach.c manager/node/instance_health.c manager/common/health_rule.c; libs: -Wl,--wrap=instance_table_cell,--wrap=clock_gettime,--wrap=sd_event_source_set_time_relative -lsodium -lsystemd -lcurl -ljansson -llmdb */
/*
 * The whole room, with the store as it is and real processes on loopback
 * addresses.  Only the launcher is played: by this test, on its socket.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <curl/curl.h>

#include "node/agent_impl.h"
#include "node/instance_table.h"
#include "node/node_impl.h"
#include "node/proc.h"
#include "store/keys.h"

#define A "00000000000000a1"
#define B "00000000000000b2"

enum manner { LISTENS, CRASHES, IS_DEAF };

#include "node_launcher.h"
#include "node_room.h"

/* ---- tests ------------------------------------------------------------- */

static int
args_have(const char *want)
{
	return memmem(args, sizeof(args), want, strlen(want) + 1) != NULL;
}

static void
run_and_stop(void **state)
{
	struct played *p;

	(void)state;
	app_make(0);
	assign(A, "web", "run");
	wait_state(A, "ready");
	assert_int_equal(starts, 1);
	assert_true(args_have("/.paas/run"));
	assert_true(args_have("node x.js"));
	assert_true(args_have("DYNO=web.1"));
	assert_true(args_have("PORT=5000"));
	assert_false(args_have("PORT=1"));
	assert_true(args_have("GREETING=hello"));
	assert_true(args_have("PAAS_RELEASE=v1"));
	assert_true(args_have("MEMORY_LIMIT=256m"));
	p = of(A);
	assert_non_null(p);
	assert_int_equal(p->record.app, 7);
	assign(A, "web", "stop");
	wait_state(A, "gone");
	assert_int_equal(records(), 0);
	unassign(A);
	wait_state(A, NULL);
}

static void
worker_runs(void **state)
{
	(void)state;
	app_make(1);
	assign(A, "worker", "run");
	wait_state(A, "ready");
	assign(A, "worker", "stop");
	wait_state(A, "gone");
}

static void
crash_is_restarted(void **state)
{
	uint64_t before, after;
	char reason[256];

	(void)state;
	app_make(1);
	assign(A, "web", "run");
	wait_state(A, "ready");
	before = of(A)->record.id;
	kill(of(A)->app, SIGKILL);
	wait_state(A, "crashed");
	text_get(A, "reason", reason, sizeof(reason));
	assert_string_equal(reason, "killed by signal 9 (SIGKILL)");
	wait_state(A, "ready");
	after = of(A)->record.id;
	assert_true(after > before);
	assert_int_equal(records(), 1);
}

/* A release that is live goes on in back-off, one that never ran fails. */
static void
crash_loop(void **state)
{
	char reason[256];

	(void)state;
	app_make(1);
	manner = CRASHES;
	assign(A, "web", "run");
	wait_state(A, "backoff");
	assert_int_equal(starts, 4);
	assert_int_equal(records(), 0);
	app_make(0);
	assign(B, "web", "run");
	wait_state(B, "failed");
	assert_int_equal(starts, 7);
	text_get(B, "reason", reason, sizeof(reason));
	assert_string_equal(reason, "exited with status 7");
	assign(A, "web", "stop");
	assign(B, "web", "stop");
	wait_state(A, "gone");
	wait_state(B, "gone");
}

static void
turns(int n)
{
	while (n-- > 0)
		assert_true(sd_event_run(event, 10000) >= 0);
}

/* The clock is set a year ahead, or back, while no manager runs. */
static void
backs_off_by_no_clock(void **state)
{
	static const int64_t year = INT64_C(31557600000000);
	json_t *value;
	int64_t by;

	(void)state;
	app_make(1);
	manner = CRASHES;
	assign(A, "web", "run");
	wait_state(A, "backoff");
	assert_int_equal(starts, 4);
	for (by = -year; by <= year; by += 2 * year) {
		value = actual(A);
		json_object_set_new(value, "since",
		    json_integer(
			json_integer_value(json_object_get(value, "since")) +
			by));
		json_object_set_new(value, "until",
		    json_integer(
			json_integer_value(json_object_get(value, "until")) +
			by));
		put("actual/local/" A, value);
		turns(10);
		manager_down();
		manager_up();
		turns(30);
		assert_true(state_is(A, "backoff"));
		assert_int_equal(starts, 4);
	}
	assign(A, "web", "stop");
	wait_state(A, "gone");
}

static void
send_wake(const char *text)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strlcpy(addr.sun_path, conf.run_dir, sizeof(addr.sun_path));
	strlcat(addr.sun_path, "/wake.sock", sizeof(addr.sun_path));
	assert_int_equal(
	    strlen(text), sendto(fd, text, strlen(text), 0,
			      (struct sockaddr *)&addr, sizeof(addr)));
	close(fd);
}

#define WAKE "hello 0123456789abcdef"

/* Requests end a back-off, but not each one after the other. */
static void
wakes_from_backoff(void **state)
{
	int i;

	(void)state;
	app_make(1);
	manner = CRASHES;
	assign(A, "web", "run");
	wait_state(A, "backoff");
	assert_int_equal(starts, 4);
	send_wake("hello");
	send_wake("none 0123456789abcdef");
	send_wake("hello 0123456789abcdeg");
	send_wake("hello 0123456789abcdef0");
	send_wake("\xff\x01 0123456789abcdef");
	send_wake(WAKE WAKE WAKE WAKE WAKE WAKE WAKE WAKE);
	turns(20);
	assert_int_equal(starts, 4);
	send_wake(WAKE);
	for (i = 0; i < 500 && starts < 5; i++)
		turns(1);
	assert_int_equal(starts, 5);
	wait_state(A, "crashed");
	wait_state(A, "backoff");
	for (i = 0; i < 50; i++) {
		send_wake(WAKE);
		turns(2);
	}
	assert_int_equal(starts, 5);
	assign(A, "web", "stop");
	wait_state(A, "gone");
}

static void
reads_wakes(void **state)
{
	static const struct {
		const char *text, *app;
	} rows[] = {
	    {"a 0000000000000001", "a"},
	    {"web-2 00000000000000ff", "web-2"},
	    {"", NULL},
	    {"a", NULL},
	    {" 0000000000000001", NULL},
	    {"a 000000000000001", NULL},
	    {"a 00000000000000011", NULL},
	    {"a 000000000000000X", NULL},
	    {"A 0000000000000001", NULL},
	    {"../a 0000000000000001", NULL},
	    {"a  000000000000001", NULL},
	    {"abcdefghijabcdefghijabcdefghija 0000000000000001", NULL},
	};
	char app[KEY_NAME_MAX + 1];
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rc = wake_parse(
		    rows[i].text, strlen(rows[i].text), app, sizeof(app));
		assert_int_equal(rows[i].app != NULL ? 0 : -1, rc);
		if (rows[i].app != NULL)
			assert_string_equal(rows[i].app, app);
	}
	assert_int_equal(
	    -1, wake_parse("a\0b 000000000000001", 20, app, sizeof(app)));
}

static void
never_listens(void **state)
{
	char reason[256];

	(void)state;
	app_make(0);
	manner = IS_DEAF;
	assign(A, "web", "run");
	wait_state(A, "failed");
	text_get(A, "reason", reason, sizeof(reason));
	assert_string_equal(reason, "did not listen on port 5000 within 1 s");
	assert_int_equal(starts, 1);
	assert_int_equal(records(), 0);
}

static void
adopted_not_restarted(void **state)
{
	pid_t pid;
	int i;

	(void)state;
	app_make(1);
	assign(A, "web", "run");
	wait_state(A, "ready");
	pid = of(A)->app;
	for (i = 0; i < 3; i++) {
		manager_down();
		manager_up();
		assign(B, "web", i % 2 ? "stop" : "run");
		wait_state(B, i % 2 ? "gone" : "ready");
		assert_int_equal(of(A)->app, pid);
	}
	launcher_down();
	for (i = 0; i < 5; i++)
		assert_true(sd_event_run(event, 10000) >= 0);
	launcher_up();
	assign(B, "web", "stop");
	wait_state(B, "gone");
	assert_true(state_is(A, "ready"));
	assert_int_equal(of(A)->app, pid);
}

/* It ended, or all of it vanished, while nobody looked. */
static void
gone_while_down(void **state)
{
	uint64_t before;
	struct played *p;

	(void)state;
	app_make(1);
	assign(A, "web", "run");
	wait_state(A, "ready");
	before = of(A)->record.id;
	manager_down();
	kill(played_find(before)->app, SIGKILL);
	manager_up();
	wait_state(A, "crashed");
	wait_state(A, "ready");
	assert_true(of(A)->record.id > before);

	/* A reboot: no record, no process.  Not a crash. */
	before = of(A)->record.id;
	manager_down();
	p = played_find(before);
	kill(p->record.pid, SIGKILL);
	kill(p->app, SIGKILL);
	waitpid(p->record.pid, NULL, 0);
	memset(p, 0, sizeof(*p));
	manager_up();
	wait_state(A, "starting");
	wait_state(A, "ready");
	assert_true(of(A)->record.id > before);
}

static void
unknown_is_ended(void **state)
{
	struct launch_start start = {.id = 999, .kind = LAUNCH_APP, .slot = 9};
	struct launch_reply reply;
	int i;

	(void)state;
	manager_down();
	assert_int_equal(played_start(&start, &reply), 0);
	start.id = 1000;
	start.slot = 10;
	assert_int_equal(played_start(&start, &reply), 0);
	manager_up();
	assert_int_equal(node_claim(node, 1000, NULL, NULL), 0);
	for (i = 0; i < 500 && records() > 1; i++)
		assert_true(sd_event_run(event, 10000) >= 0);
	assert_int_equal(records(), 1);
	assert_non_null(played_find(1000));
	node_unclaim(node, 1000);
	for (i = 0; i < 500 && records() > 0; i++)
		assert_true(sd_event_run(event, 10000) >= 0);
	assert_int_equal(records(), 0);
}

static void
destroyed_app_leaves_nothing(void **state)
{
	struct store_txn *txn;

	(void)state;
	app_make(1);
	assign(A, "web", "run");
	wait_state(A, "ready");
	txn = store_begin(store);
	store_del(txn, "app/hello");
	store_commit(txn, NULL, NULL);
	unassign(A);
	wait_state(A, NULL);
	assert_int_equal(records(), 0);
}

static void
drain_judges(void **state)
{
	static const struct {
		const char *body;
		int verdict;
	} cases[] = {
	    {"{\"routes\":{\"revision\":9},\"instances\":[]}", 0},
	    {"{\"routes\":{\"revision\":10},\"instances\":[]}", 1},
	    {"{\"routes\":{\"revision\":10},\"instances\":"
	     "[{\"id\":\"00000000000000ff\",\"in_flight\":0}]}",
		1},
	    {"{\"routes\":{\"revision\":11},\"instances\":"
	     "[{\"id\":\"00000000000000ff\",\"in_flight\":2}]}",
		0},
	    {"{\"routes\":{\"revision\":11},\"instances\":"
	     "[{\"id\":\"00000000000000fe\",\"in_flight\":2}]}",
		1},
	    {"{\"routes\":{},\"instances\":[]}", -1},
	    {"{\"routes\":{\"revision\":10}}", -1},
	    {"{\"routes\":{\"revision\":10},\"instances\":[{}]}", -1},
	    {"<html>", -1},
	    {"", -1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    drain_judge(cases[i].body, strlen(cases[i].body), 0xff, 10),
		    cases[i].verdict);
}

#include "node_kills.h"

/* ---- frame ------------------------------------------------------------- */

static int
before(void **state)
{
	char path[PATH_MAX];

	(void)state;
	manner = LISTENS;
	starts = refuses = 0;
	memset(played, 0, sizeof(played));
	snprintf(path, sizeof(path), "%s/store", dir);
	if (mkdir(path, 0700) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/exit", dir);
	if (mkdir(path, 0700) == -1)
		return -1;
	launcher_up();
	manager_up();
	return 0;
}

static int
after(void **state)
{
	char command[] = "/bin/rm";
	char *argv[] = {command, (char *)"-rf", NULL, NULL};
	char path[PATH_MAX];
	pid_t pid;
	int i;

	(void)state;
	manager_down();
	launcher_down();
	for (i = 0; i < 64; i++) {
		if (played[i].record.id == 0)
			continue;
		if (played[i].record.state == LAUNCH_RUNNING) {
			kill(played[i].app, SIGKILL);
			waitpid(played[i].record.pid, NULL, 0);
		}
	}
	snprintf(path, sizeof(path), "%s", dir);
	argv[2] = path;
	if ((pid = fork()) == 0) {
		execv(command, argv);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	return mkdir(dir, 0700);
}

static int
setup(void **state)
{
	char err[PAAS_ERRLEN];

	(void)state;
	if (mkdtemp(dir) == NULL || sd_event_new(&event) < 0 ||
	    conf_load(&conf, NULL, err) == -1)
		return -1;
	strlcpy(conf.run_dir, dir, sizeof(conf.run_dir));
	strlcpy(conf.state_dir, dir, sizeof(conf.state_dir));
	/* Somewhere in 127.64.0.0/10: one may run beside another. */
	conf.subnet.s_addr = 0x7f400000 | ((uint32_t)getpid() & 63) << 16;
	conf.subnet_bits = 16;
	conf.start_timeout = 1;
	conf.drain_timeout = 5;
	conf.stop_timeout = 1;
	return curl_global_init(CURL_GLOBAL_ALL) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	sd_event_unref(event);
	curl_global_cleanup();
	return rmdir(dir);
}

#include "node_clock.h"

#define TEST(f)  cmocka_unit_test_setup_teardown(f, before, after)
#define CLOCK(f) cmocka_unit_test_setup_teardown(f, before, clock_after)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(run_and_stop),
	    TEST(worker_runs),
	    TEST(crash_is_restarted),
	    TEST(crash_loop),
	    TEST(backs_off_by_no_clock),
	    CLOCK(backs_off_on_schedule),
	    CLOCK(forgives_by_no_clock),
	    CLOCK(rests_by_no_clock),
	    CLOCK(recalls_what_was_before),
	    TEST(wakes_from_backoff),
	    TEST(reads_wakes),
	    TEST(never_listens),
	    TEST(adopted_not_restarted),
	    TEST(gone_while_down),
	    TEST(unknown_is_ended),
	    TEST(destroyed_app_leaves_nothing),
	    TEST(killed_at_each_step),
	    TEST(killed_at_each_step_of_a_crash),
	    TEST(launcher_killed_at_each_step),
	    TEST(killed_at_each_row),
	    cmocka_unit_test(drain_judges),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}

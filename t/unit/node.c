/* sources: manager/node/agent.c manager/node/agent_list.c manager/node/appmap.c manager/node/backoff.c manager/node/claim.c manager/node/drain.c manager/node/fetch.c manager/node/health.c manager/node/ids.c manager/node/instance.c manager/node/instance_launch.c manager/node/instance_record.c manager/node/instance_table.c manager/node/instance_work.c manager/node/launch.c manager/node/launch_args.c manager/node/launch_ops.c manager/node/launch_wire.c manager/node/limits.c manager/node/logdrain.c manager/node/logdrain_follow.c manager/node/logdrain_save.c manager/node/logdrain_send.c manager/node/logrequest.c manager/node/logfile.c manager/node/loghub.c manager/node/logprune.c manager/node/logtail.c manager/node/node.c manager/node/oneoff.c manager/node/oneoff_record.c manager/node/oneoff_start.c manager/node/proc.c manager/node/release_env.c manager/node/router.c manager/node/run.c manager/node/slots.c manager/node/tree.c manager/node/wake.c manager/store/formation.c manager/store/keys.c manager/store/moment.c manager/store/names.c manager/store/store.c manager/store/store_event.c manager/store/store_lmdb.c manager/store/store_lmdb_open.c manager/store/store_lmdb_seal.c manager/store/seal.c manager/common/log.c manager/common/conf.c manager/node/probe.c manager/node/probe_command.c manager/node/attach.c manager/node/instance_health.c manager/common/health_rule.c; libs: -Wl,--wrap=instance_table_cell,--wrap=clock_gettime,--wrap=sd_event_source_set_time_relative -lsodium -lsystemd -lcurl -ljansson -llmdb */
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

/* ---- the launcher, played ---------------------------------------------- */

struct played {
	struct launch_record record;
	pid_t app;
};

static struct played played[64];
static int listener = -1;
static int link_fd = -1;
static sd_event_source *listen_source;
static sd_event_source *link_source;
static enum manner manner;
static int starts;
static int refuses; /* to start any */
static char args[4096];

static sd_event *event;
static struct conf conf;
static struct store *store;
static struct node *node;
static char dir[] = "/tmp/paas-node-XXXXXX";

static struct played *
played_find(uint64_t id)
{
	size_t i;

	for (i = 0; i < 64; i++) {
		if (played[i].record.id == id)
			return &played[i];
	}
	return NULL;
}

static void
app_main(uint32_t slot)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET,
	    .sin_port = htons(LAUNCH_PORT),
	    .sin_addr = conf_slot_addr(&conf, slot),
	};
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (manner == CRASHES)
		_exit(7);
	if (manner == LISTENS) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
		    listen(fd, 16) == -1)
			_exit(9);
	}
	signal(SIGTERM, SIG_DFL);
	for (;;)
		pause();
}

static void
exit_write(uint64_t id, const siginfo_t *si)
{
	char path[PATH_MAX], temp[PATH_MAX], boot[64] = "";
	struct timespec now;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL || fgets(boot, sizeof(boot), f) == NULL)
		_exit(1);
	fclose(f);
	boot[strcspn(boot, "\n")] = '\0';
	snprintf(path, sizeof(path), "%s/exit/%016llx", conf.run_dir,
	    (unsigned long long)id);
	snprintf(temp, sizeof(temp), "%s/exit/.%016llx", conf.run_dir,
	    (unsigned long long)id);
	clock_gettime(CLOCK_BOOTTIME, &now);
	f = fopen(temp, "we");
	fprintf(f, "%s how=%s status=%d oom=0 dropped=0 time=%lld\n", boot,
	    si->si_code == CLD_EXITED ? "exited" : "killed", si->si_status,
	    (long long)now.tv_sec * 1000000);
	fclose(f);
	(void)rename(temp, path);
}

/* Shim and app; the shim's pid and the app's. */
static void
processes_start(struct played *p)
{
	siginfo_t si;
	pid_t app;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	p->record.pid = fork();
	if (p->record.pid == 0) {
		/* Of all that the manager holds open: nothing. */
		assert_int_equal(dup2(ends[1], 3), 3);
		closefrom(4);
		if ((app = fork()) == 0)
			app_main(p->record.slot);
		if (write(3, &app, sizeof(app)) != sizeof(app))
			_exit(1);
		waitid(P_PID, (id_t)app, &si, WEXITED);
		exit_write(p->record.id, &si);
		_exit(0);
	}
	assert_int_equal(
	    read(ends[0], &p->app, sizeof(p->app)), sizeof(p->app));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(
	    proc_starttime(p->record.pid, &p->record.starttime), 0);
	p->record.state = LAUNCH_RUNNING;
}

static void
played_look(struct played *p)
{
	if (p->record.state == LAUNCH_RUNNING &&
	    waitpid(p->record.pid, NULL, WNOHANG) == p->record.pid)
		p->record.state = LAUNCH_EXITED;
}

static int
played_start(const struct launch_start *start, struct launch_reply *reply)
{
	struct played *p;

	assert_null(played_find(start->id));
	if (refuses)
		return EIO;
	p = played_find(0);
	p->record.id = start->id;
	p->record.app = start->app;
	p->record.kind = start->kind;
	p->record.slot = start->slot;
	processes_start(p);
	starts++;
	reply->record = p->record;
	return 0;
}

static int
played_clean(uint64_t id)
{
	struct played *p = played_find(id);
	char path[PATH_MAX];

	if (p == NULL)
		return ENOENT;
	played_look(p);
	if (p->record.state != LAUNCH_EXITED)
		return EBUSY;
	snprintf(path, sizeof(path), "%s/exit/%016llx", conf.run_dir,
	    (unsigned long long)id);
	(void)unlink(path);
	memset(p, 0, sizeof(*p));
	return 0;
}

static int
played_signal(uint64_t id, int signo)
{
	struct played *p = played_find(id);

	if (p == NULL)
		return ENOENT;
	played_look(p);
	if (p->record.state == LAUNCH_RUNNING)
		(void)kill(p->app, signo);
	return 0;
}

/* Whoever asked may have been killed meanwhile. */
static void
reply_send(struct launch_reply *reply)
{
	(void)!send(link_fd, reply, sizeof(*reply), MSG_NOSIGNAL);
}

static void
played_answer(const struct launch_request *req)
{
	struct launch_reply reply = {
	    .version = LAUNCH_VERSION, .op = req->op, .seq = req->seq};
	size_t i;

	switch (req->op) {
	case LAUNCH_START:
		reply.error = played_start(&req->u.start, &reply);
		break;
	case LAUNCH_SIGNAL:
		reply.error =
		    played_signal(req->u.signal.id, req->u.signal.signo);
		break;
	case LAUNCH_KILL:
		reply.error = played_signal(req->u.id, SIGKILL);
		break;
	case LAUNCH_CLEAN:
		reply.error = played_clean(req->u.id);
		break;
	case LAUNCH_DISCARD: /* of what a manager before left */
		break;
	case LAUNCH_LIST:
		for (i = 0; i < 64; i++) {
			if (played[i].record.id == 0)
				continue;
			played_look(&played[i]);
			reply.record = played[i].record;
			reply_send(&reply);
		}
		memset(&reply.record, 0, sizeof(reply.record));
		reply.op = LAUNCH_END;
		break;
	default:
		fail_msg("op %u", req->op);
	}
	reply_send(&reply);
}

static void
link_close(void)
{
	link_source = sd_event_source_disable_unref(link_source);
	if (link_fd != -1)
		close(link_fd);
	link_fd = -1;
}

static int
link_read(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct launch_request req;
	struct iovec iov = {&req, sizeof(req)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	int memfd;

	(void)source;
	(void)events;
	(void)arg;
	if (recvmsg(fd, &msg, 0) <= 0) {
		link_close();
		return 0;
	}
	if (CMSG_FIRSTHDR(&msg) != NULL) {
		memcpy(&memfd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
		assert_true(read(memfd, args, sizeof(args)) > 0);
		close(memfd);
	}
	played_answer(&req);
	return 0;
}

static int
link_accept(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)events;
	(void)arg;
	link_close();
	link_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(link_fd >= 0);
	assert_true(sd_event_add_io(event, &link_source, link_fd, EPOLLIN,
			link_read, NULL) >= 0);
	return 0;
}

static void
launcher_up(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.64s/launcher.sock",
	    conf.run_dir);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_true(sd_event_add_io(event, &listen_source, listener, EPOLLIN,
			link_accept, NULL) >= 0);
}

static void
launcher_down(void)
{
	char path[PATH_MAX];

	listen_source = sd_event_source_disable_unref(listen_source);
	close(listener);
	link_close();
	snprintf(path, sizeof(path), "%s/launcher.sock", conf.run_dir);
	assert_int_equal(unlink(path), 0);
}

/* ---- the manager around the room --------------------------------------- */

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

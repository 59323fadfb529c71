/* sources: manager/node/proc.c; libs: -lsystemd */
#include <sys/stat.h>
#include <sys/wait.h>

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
#include <unistd.h>
#include <cmocka.h>

#include "node/proc.h"

#define ID 0x10000000aULL

static char run_dir[] = "/tmp/paas-proc-XXXXXX";

struct seen {
	int calls;
	struct proc_exit exit;
};

static void
ended(const struct proc_exit *e, void *arg)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->exit = *e;
}

static void
record_path(char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/exit/%016llx", run_dir, ID);
}

/* boot NULL: of this boot. */
static void
record_write(const char *boot, const char *rest)
{
	char path[PATH_MAX], now[64] = "";
	FILE *f;

	if (boot == NULL) {
		f = fopen("/proc/sys/kernel/random/boot_id", "re");
		assert_non_null(f);
		assert_non_null(fgets(now, sizeof(now), f));
		fclose(f);
		now[strcspn(now, "\n")] = '\0';
		boot = now;
	}
	record_path(path);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "%s%s", boot, rest);
	fclose(f);
}

static void
record_remove(void)
{
	char path[PATH_MAX];

	record_path(path);
	(void)unlink(path);
}

static pid_t
child_start(void)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static void
child_end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
sees_the_end(void **state)
{
	struct seen seen = {0};
	struct proc *proc = NULL;
	sd_event *event;
	uint64_t start;
	pid_t pid = child_start();

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(proc_starttime(pid, &start), 0);
	assert_int_equal(
	    proc_watch(&proc, event, run_dir, ID, pid, start, ended, &seen), 0);
	assert_int_equal(sd_event_run(event, 0), 0);
	assert_int_equal(seen.calls, 0);

	record_write(
	    NULL, " how=exited status=3 oom=0 dropped=12 time=1700000000\n");
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(sd_event_run(event, 5000000) > 0);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.exit.how, CLD_EXITED);
	assert_int_equal(seen.exit.status, 3);
	assert_int_equal(seen.exit.dropped, 12);
	assert_int_equal(seen.exit.time, 1700000000);

	/* A zombie stays readable: told once all the same. */
	assert_int_equal(sd_event_run(event, 0), 0);
	assert_int_equal(seen.calls, 1);
	proc_unwatch(proc);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	record_remove();
	sd_event_unref(event);
}

static void
not_another_process(void **state)
{
	struct proc *proc = NULL;
	sd_event *event;
	uint64_t start;
	pid_t pid = child_start();

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(proc_starttime(pid, &start), 0);
	assert_int_equal(
	    proc_watch(&proc, event, run_dir, ID, pid, start + 1, ended, NULL),
	    -ESRCH);
	assert_null(proc);
	child_end(pid);
	assert_int_equal(
	    proc_watch(&proc, event, run_dir, ID, pid, start, ended, NULL),
	    -ESRCH);
	assert_int_equal(
	    proc_watch(&proc, event, run_dir, ID, 0, 0, ended, NULL), -ESRCH);
	assert_int_equal(
	    proc_watch(&proc, event, run_dir, ID, -1, 0, ended, NULL), -ESRCH);
	proc_unwatch(NULL);
	sd_event_unref(event);
}

/* Somebody's child, not ours: sd_event_add_child would end the loop. */
static void
strangers_child(void **state)
{
	struct seen seen = {0};
	struct proc *proc = NULL;
	sd_event *event;
	uint64_t start;
	pid_t parent, pid = -1;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	parent = fork();
	assert_int_not_equal(parent, -1);
	if (parent == 0) {
		pid = child_start();
		if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(proc_starttime(pid, &start), 0);
	assert_int_equal(
	    proc_watch(&proc, event, run_dir, ID, pid, start, ended, &seen), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(sd_event_run(event, 5000000) > 0);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.exit.how, 0);
	proc_unwatch(proc);
	close(ends[0]);
	close(ends[1]);
	sd_event_unref(event);
}

static void
records_strictly(void **state)
{
	static const char *const wrong[] = {"", "\n",
	    " how=left status=0 oom=0 dropped=0 time=1\n",
	    " how=exited status= oom=0 dropped=0 time=1\n",
	    " how=exited status=-1 oom=0 dropped=0 time=1\n",
	    " how=exited status=256 oom=0 dropped=0 time=1\n",
	    " how=exited status=0 oom=2 dropped=0 time=1\n",
	    " how=exited status=0 oom=0 dropped=0 time=1",
	    " how=exited status=0 oom=0 dropped=0 time=1\n\n",
	    " how=exited status=0 oom=0 dropped=0 time=1 more=1\n",
	    " how=exited status=0 oom=0 time=1 dropped=0\n",
	    " how=exited  status=0 oom=0 dropped=0 time=1\n",
	    " how=exited status=0 oom=0 dropped=99999999999999999999 "
	    "time=1\n"};
	struct proc_exit e;
	size_t i;

	(void)state;
	record_remove();
	assert_int_equal(proc_exit_read(run_dir, ID, &e), -ENOENT);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		record_write(NULL, wrong[i]);
		assert_int_equal(proc_exit_read(run_dir, ID, &e), -EBADMSG);
		assert_int_equal(e.how, 0);
	}
	record_write("00000000-0000-0000-0000-000000000000",
	    " how=exited status=0 oom=0 dropped=0 time=1\n");
	assert_int_equal(proc_exit_read(run_dir, ID, &e), -ENOENT);
	record_write(NULL, " how=dumped status=11 oom=0 dropped=0 time=1\n");
	assert_int_equal(proc_exit_read(run_dir, ID, &e), 0);
	assert_int_equal(e.how, CLD_DUMPED);
	record_remove();
}

static void
reasons(void **state)
{
	struct proc_exit e = {.how = CLD_EXITED, .status = 137};
	char text[128];

	(void)state;
	proc_exit_text(&e, 0, text, sizeof(text));
	assert_string_equal(text, "exited with status 137");
	e.how = CLD_KILLED;
	e.status = SIGKILL;
	proc_exit_text(&e, 0, text, sizeof(text));
	assert_string_equal(text, "killed by signal 9 (SIGKILL)");
	e.oom = 1;
	proc_exit_text(&e, 256 << 20, text, sizeof(text));
	assert_string_equal(text, "out of memory (256 MiB)");
	e.oom = 0;
	e.how = CLD_DUMPED;
	e.status = SIGSEGV;
	proc_exit_text(&e, 0, text, sizeof(text));
	assert_string_equal(text, "killed by signal 11 (SIGSEGV), core dumped");
	e.how = 0;
	proc_exit_text(&e, 0, text, sizeof(text));
	assert_string_equal(text, "its supervisor was killed");
}

static int
setup(void **state)
{
	char path[PATH_MAX];

	(void)state;
	if (mkdtemp(run_dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/exit", run_dir);
	return mkdir(path, 0700);
}

static int
teardown(void **state)
{
	char path[PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/exit", run_dir);
	(void)rmdir(path);
	return rmdir(run_dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sees_the_end),
	    cmocka_unit_test(not_another_process),
	    cmocka_unit_test(strangers_child),
	    cmocka_unit_test(records_strictly),
	    cmocka_unit_test(reasons),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}

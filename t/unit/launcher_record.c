/* sources: manager/launcher/launcher_record.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/launcher_record.h"

static struct record
sample(void)
{
	struct record r = {.launch = {.id = 0x100000000aULL,
			       .app = 7,
			       .build = 9,
			       .kind = LAUNCH_APP,
			       .slot = 12,
			       .pid = 4321,
			       .starttime = 99999999999ULL},
	    .boot = "1011db41-1b1d-461a-9612-ee9bc1e38030"};

	memset(r.slug, 0xa5, sizeof(r.slug));
	return r;
}

static void
test_round_trip(void **state)
{
	struct record r = sample(), back;
	char text[RECORD_TEXT];
	size_t len;

	(void)state;
	len = record_format(text, &r);
	assert_int_equal(len, strlen(text));
	assert_int_equal(record_parse(&back, text), 0);
	assert_memory_equal(&back.launch, &r.launch, sizeof(r.launch));
	assert_memory_equal(back.slug, r.slug, sizeof(r.slug));
	assert_string_equal(back.boot, r.boot);
}

/* Cut off anywhere, or with any byte changed to another: not a record. */
static void
test_damaged(void **state)
{
	struct record r = sample(), back;
	char text[RECORD_TEXT], bad[RECORD_TEXT];
	size_t i, len;

	(void)state;
	len = record_format(text, &r);
	for (i = 0; i < len; i++) {
		memcpy(bad, text, len + 1);
		bad[i] = '\0';
		assert_int_equal(record_parse(&back, bad), -EBADMSG);
		memcpy(bad, text, len + 1);
		bad[i] = ' ';
		if (text[i] != ' ')
			assert_int_equal(record_parse(&back, bad), -EBADMSG);
	}
	strcpy(bad, text);
	strcat(bad, "x");
	assert_int_equal(record_parse(&back, bad), -EBADMSG);
	r.launch.pid = 1;
	record_format(text, &r);
	assert_int_equal(record_parse(&back, text), -EBADMSG);
}

static void
test_file(void **state)
{
	char path[] = "/tmp/paas-record-XXXXXX";
	struct record r = sample(), back;
	int dir;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(record_write(dir, &r), 0);
	assert_int_equal(record_read(dir, "000000100000000a", &back), -ENOENT);
	assert_int_equal(record_write(dir, &r), 0);
	assert_int_equal(record_publish(dir, r.launch.id), 0);
	if (geteuid() == 0) {
		assert_int_equal(
		    record_read(dir, "000000100000000a", &back), 0);
		assert_int_equal(back.launch.slot, 12);
		/* Nobody but root writes records. */
		assert_int_equal(
		    fchownat(dir, "000000100000000a", 65534, 65534, 0), 0);
	}
	assert_int_equal(record_read(dir, "000000100000000a", &back), -EBADMSG);
	assert_int_equal(record_remove(dir, r.launch.id), 0);
	assert_int_equal(record_remove(dir, r.launch.id), 0);
	assert_int_equal(record_read(dir, "000000100000000a", &back), -ENOENT);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

static void
test_process(void **state)
{
	struct record r = sample();
	uint64_t start;
	pid_t pid;
	int fd;

	(void)state;
	r.launch.pid = getpid();
	assert_int_equal(process_starttime(getpid(), &start), 0);
	r.launch.starttime = start;
	assert_int_equal(record_state(&r), LAUNCH_RUNNING);
	assert_true((fd = record_pidfd(&r)) >= 0);
	close(fd);
	/* The pid lives, and is somebody else's. */
	r.launch.starttime = start + 1;
	assert_int_equal(record_state(&r), LAUNCH_EXITED);
	assert_int_equal(record_pidfd(&r), -ESRCH);
	if ((pid = fork()) == 0)
		_exit(0);
	/* A zombie has ended. */
	while (process_starttime(pid, &start) == 0)
		usleep(1000);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_process),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* sources: manager/launcher/launcher_request.c manager/launcher/launcher_record.c manager/launcher/launcher_clean.c manager/launcher/launcher_start.c manager/launcher/launcher_child.c manager/launcher/launcher_worker.c manager/launcher/launcher_seal.c manager/launcher/launcher_place.c manager/launcher/launcher_cgroup.c manager/launcher/launcher_net.c manager/launcher/launcher_rtnl.c manager/launcher/launcher_step.c manager/launcher/launcher_firewall.c manager/launcher/launcher_nft.c manager/launcher/launcher_etc.c manager/launcher/launcher_root.c manager/launcher/launcher_sandbox.c manager/launcher/launcher_seccomp.c manager/common/conf.c manager/common/log.c; libs: -lnftables -lmnl -lseccomp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launcher/launcher.h"

static struct launcher launcher;
static int sealed = -1;

static int
memfd(size_t size, unsigned int seals)
{
	int fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

#define ALL (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

static int
setup(void **state)
{
	char err[PAAS_ERRLEN];

	(void)state;
	sealed = memfd(100, ALL);
	return conf_load(&launcher.conf, NULL, err);
}

static struct launch_request
good(void)
{
	struct launch_request q = {.version = LAUNCH_VERSION,
	    .op = LAUNCH_START,
	    .u.start = {.id = 1,
		.app = 1,
		.kind = LAUNCH_APP,
		.slot = 2,
		.memory = 64 << 20,
		.tmp = 16 << 20,
		.log_max = 1 << 20,
		.log_rate = 1 << 20,
		.cpu_weight = 100,
		.pids = 64,
		.files = 1024}};

	return q;
}

static int
check(struct launch_request q)
{
	return request_check(&launcher, &q, sizeof(q), sealed);
}

static void
test_start(void **state)
{
	(void)state;
	assert_int_equal(check(good()), 0);
#define BAD(field, value)                            \
	do {                                         \
		struct launch_request q = good();    \
		q.u.start.field = value;             \
		assert_int_equal(check(q), -EINVAL); \
	} while (0)
	BAD(id, 0);
	BAD(app, 0);
	BAD(build, 1);
	BAD(kind, 0);
	BAD(kind, LAUNCH_BUILD);
	BAD(kind, LAUNCH_KINDS);
	BAD(kind, UINT32_MAX);
	BAD(slot, 0);
	BAD(slot, 1);
	BAD(slot, 65535);
	BAD(slot, UINT32_MAX);
	BAD(memory, 0);
	BAD(memory, UINT64_MAX);
	BAD(tmp, 0);
	BAD(tmp, UINT64_MAX);
	BAD(log_max, 0);
	BAD(log_max, UINT64_MAX);
	BAD(log_rate, 0);
	BAD(cpu_weight, 0);
	BAD(cpu_weight, 10001);
	BAD(pids, 0);
	BAD(pids, UINT32_MAX);
	BAD(files, 0);
	BAD(files, UINT32_MAX);
	BAD(root_uid, 0x7fffffff);
	BAD(root_uid, UINT32_MAX);
#undef BAD
	{
		struct launch_request q = good();

		q.u.start.root_uid = 1000;
		assert_int_equal(check(q), 0);
		q.u.start.kind = LAUNCH_BUILD;
		q.u.start.build = 1;
		assert_int_equal(check(q), -EINVAL);
	}
}

static void
test_memfd(void **state)
{
	struct launch_request q = good();
	int fd;

	(void)state;
	assert_int_equal(request_check(&launcher, &q, sizeof(q), -1), -EINVAL);
	fd = memfd(100, F_SEAL_WRITE);
	assert_int_equal(request_check(&launcher, &q, sizeof(q), fd), -EPERM);
	close(fd);
	fd = memfd(LAUNCH_ARGS_MAX + 1, ALL);
	assert_int_equal(request_check(&launcher, &q, sizeof(q), fd), -EINVAL);
	close(fd);
	fd = open("/", O_PATH | O_DIRECTORY);
	assert_int_equal(request_check(&launcher, &q, sizeof(q), fd), -EPERM);
	close(fd);
	q.op = LAUNCH_KILL;
	assert_int_equal(
	    request_check(&launcher, &q, sizeof(q), sealed), -EINVAL);
}

static void
test_shape(void **state)
{
	struct launch_request q = good();

	(void)state;
	assert_int_equal(
	    request_check(&launcher, &q, sizeof(q) - 1, sealed), -EMSGSIZE);
	q.version++;
	assert_int_equal(check(q), -EPROTO);
	q = good();
	q.op = 0;
	assert_int_equal(check(q), -EOPNOTSUPP);
	q.op = LAUNCH_END;
	assert_int_equal(check(q), -EOPNOTSUPP);
	q.op = UINT32_MAX;
	assert_int_equal(check(q), -EOPNOTSUPP);
}

static void
test_signal(void **state)
{
	struct launch_request q = {
	    .version = LAUNCH_VERSION, .op = LAUNCH_SIGNAL};
	int32_t signo;

	(void)state;
	q.u.signal.id = 1;
	for (signo = -2; signo < 70; signo++) {
		q.u.signal.signo = signo;
		assert_int_equal(request_check(&launcher, &q, sizeof(q), -1),
		    signo >= 1 && signo <= 64 ? 0 : -EINVAL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(test_memfd),
	    cmocka_unit_test(test_shape),
	    cmocka_unit_test(test_signal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}

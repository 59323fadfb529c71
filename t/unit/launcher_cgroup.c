/* sources: manager/launcher/launcher_cgroup.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/launcher_cgroup.h"

/* A tree of plain files: what is written to them can be read again. */
static char root[64];

static const struct launch_start request = {.id = 0xab,
    .memory = 64 << 20,
    .swap = 4 << 20,
    .pids = 32,
    .cpu_weight = 50,
    .cpu_quota = 150};

static void
put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_non_null(f = fopen(full, "w"));
	fputs(text, f);
	fclose(f);
}

static void
dir(const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_int_equal(mkdir(full, 0755), 0);
}

static void
is(const char *path, const char *text)
{
	char full[256], buf[128] = "";
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_non_null(f = fopen(full, "r"));
	buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(buf, text);
}

static int
setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/paas-cgroup-XXXXXX");
	return mkdtemp(root) == NULL;
}

static int
gone(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, gone, 8, FTW_DEPTH | FTW_PHYS);
}

static void
test_v2(void **state)
{
	char err[PAAS_ERRLEN];
	struct cgroups cg;

	(void)state;
	put("cgroup.controllers", "cpu memory pids\n");
	dir("t.scope");
	dir("t.scope/inst");
	dir("t.scope/shims");
	put("t.scope/cgroup.subtree_control", "");
	put("t.scope/inst/cgroup.subtree_control", "");
	/* A process that holds the scope: it has to move down. */
	put("t.scope/cgroup.procs", "4321\n");
	put("t.scope/shims/cgroup.procs", "");
	assert_int_equal(cgroup_open(&cg, root, "t.scope", err), 0);
	assert_string_equal(cgroup_describe(&cg), "v2");
	is("t.scope/shims/cgroup.procs", "4321");
	/* Each write begins anew in a plain file: the last one, over all. */
	is("t.scope/cgroup.subtree_control", "+pidsry");
	dir("t.scope/inst/00000000000000ab");
	put("t.scope/inst/00000000000000ab/memory.max", "");
	put("t.scope/inst/00000000000000ab/memory.swap.max", "");
	put("t.scope/inst/00000000000000ab/cpu.weight", "");
	put("t.scope/inst/00000000000000ab/cpu.max", "");
	assert_int_equal(cgroup_make(&cg, &request), 0);
	is("t.scope/inst/00000000000000ab/memory.max", "67108864");
	is("t.scope/inst/00000000000000ab/memory.swap.max", "4194304");
	is("t.scope/inst/00000000000000ab/cpu.max", "150000 100000");
	is("t.scope/inst/00000000000000ab/cpu.weight", "50");
	put("t.scope/inst/00000000000000ab/cgroup.kill", "");
	assert_int_equal(cgroup_kill(&cg, 0xab), 0);
	is("t.scope/inst/00000000000000ab/cgroup.kill", "1");
	put("t.scope/inst/00000000000000ab/cgroup.procs", "77\n");
	assert_true(cgroup_populated(&cg, 0xab));
	assert_false(cgroup_populated(&cg, 0xac));
	assert_int_equal(cgroup_remove(&cg, 0xac), 0);
	assert_int_equal(cgroup_remove(&cg, 0xab), -ENOTEMPTY);
	cgroup_close(&cg);
}

static void
count(uint64_t id, void *arg)
{
	assert_int_equal(id, 0xab);
	++*(int *)arg;
}

static void
test_hybrid(void **state)
{
	char err[PAAS_ERRLEN];
	struct cgroups cg;
	int fd, n = 0;

	(void)state;
	dir("unified");
	dir("memory");
	dir("pids");
	assert_int_equal(cgroup_open(&cg, root, "t.scope", err), 0);
	assert_string_equal(cgroup_describe(&cg), "v1 limits, tracked by v2");
	assert_int_equal(cgroup_make(&cg, &request), -ENOENT);
	put("memory/t.scope/inst/00000000000000ab/memory.limit_in_bytes", "");
	dir("pids/t.scope/inst/00000000000000ab");
	put("pids/t.scope/inst/00000000000000ab/pids.max", "");
	assert_int_equal(cgroup_make(&cg, &request), 0);
	is("memory/t.scope/inst/00000000000000ab/memory.limit_in_bytes",
	    "67108864");
	is("pids/t.scope/inst/00000000000000ab/pids.max", "32");
	put("pids/t.scope/inst/00000000000000ab/tasks", "");
	put("memory/t.scope/inst/00000000000000ab/tasks", "");
	assert_int_equal(cgroup_enter(&cg, "inst/00000000000000ab"), 0);
	is("pids/t.scope/inst/00000000000000ab/tasks", "0");
	put("memory/t.scope/inst/00000000000000ab/memory.oom_control",
	    "oom_kill_disable 0\n");
	assert_true((fd = cgroup_oom_fd(&cg, 0xab)) >= 0);
	close(fd);
	dir("pids/t.scope/inst/not-ours");
	cgroup_each(&cg, count, &n);
	assert_int_equal(n, 3); /* unified, memory, pids */
	cgroup_close(&cg);
}

static void
test_none(void **state)
{
	char err[PAAS_ERRLEN];
	struct cgroups cg;

	(void)state;
	assert_int_equal(cgroup_open(&cg, root, "t.scope", err), -1);
	assert_non_null(strstr(err, root));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_v2, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_hybrid, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_none, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

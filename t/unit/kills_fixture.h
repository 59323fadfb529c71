/*
 * Kills of a program at many points: each point is a process of its own, the
 * test itself with "--kill ROW POINT", and all of them run side by side, since
 * what they do is wait for the 2 s in which a manager that has just started
 * leaves the routes alone.
 */
#ifndef PAAS_KILLS_FIXTURE_H
#define PAAS_KILLS_FIXTURE_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "store_fixture.h"

#define KILL_LIMIT_S 120 /* of the machine's slowness, in seconds */

/* Who this process is, if it is one of those. */
struct kills_self {
	size_t row, point;
};

/* 1 if so: then it has only that to try. */
static inline int
kills_parse(struct kills_self *self, int argc, char **argv)
{
	if (argc != 4 || strcmp(argv[1], "--kill") != 0)
		return 0;
	self->row = (size_t)atoi(argv[2]);
	self->point = (size_t)atoi(argv[3]);
	return 1;
}

static inline pid_t
kills_start(size_t row, size_t point)
{
	char first[8], second[8];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	snprintf(first, sizeof(first), "%zu", row);
	snprintf(second, sizeof(second), "%zu", point);
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	execl("/proc/self/exe", "unit", "--kill", first, second, (char *)NULL);
	_exit(127);
}

/* describe() names a row for whoever reads that it failed. */
static inline void
kills_run(size_t nrows, size_t npoints, const char *const *points,
    const char *(*describe)(size_t row))
{
	pid_t *pids = calloc(nrows * npoints, sizeof(*pids));
	int status, bad = 0;
	size_t i;

	assert_non_null(pids);
	for (i = 0; i < nrows * npoints; i++)
		pids[i] = kills_start(i / npoints, i % npoints);
	for (i = 0; i < nrows * npoints; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		if (status == 0)
			continue;
		bad++;
		print_error("%s, killed %s (--kill %zu %zu): it is not as it "
			    "should be\n",
		    describe(i / npoints), points[i % npoints], i / npoints,
		    i % npoints);
	}
	free(pids);
	assert_int_equal(bad, 0);
}

/* The child that is to be killed: it has no way out but the point. */
static inline void
kills_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(KILL_LIMIT_S);
}

static inline void
kills_wait(pid_t kid)
{
	int status = 0;

	assert_int_equal(waitpid(kid, &status, 0), kid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#endif

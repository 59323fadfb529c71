#include "api/access/lookup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "api/server.h"
#include "api/http/spawn.h"

#define LOOKUPS_MAX 8
#define SAID_MAX    8192             /* all of it fits a pipe */
#define PATIENCE    (8 * 1000000ULL) /* us; paas-resolve itself has less */

struct job {
	TAILQ_ENTRY(job) entry;
	struct lookups *lookups;
	lookup_cb done;
	void *arg;
	sd_event_source *exit, *late;
	pid_t pid;
	int pipe;
	int pidfd;
};

TAILQ_HEAD(lookup_jobs, job);

struct lookups {
	struct api *api;
	struct lookup_jobs running;
	unsigned int nrunning;
};

/* Also of one that has not run yet. */
static void
job_end(struct job *job)
{
	if (job->pid > 0) {
		(void)kill(job->pid, SIGKILL);
		(void)waitpid(job->pid, NULL, 0);
	}
	sd_event_source_disable_unref(job->exit);
	sd_event_source_disable_unref(job->late);
	if (job->pipe != -1)
		(void)close(job->pipe);
	if (job->pidfd != -1)
		(void)close(job->pidfd);
	free(job);
}

static void
job_finish(struct job *job, int in_time)
{
	char said[SAID_MAX];
	int status = -1, whole;
	ssize_t n = 0;

	if (waitpid(job->pid, &status, WNOHANG) == job->pid)
		job->pid = 0;
	whole = in_time && status == 0 &&
		(n = read(job->pipe, said, sizeof(said) - 1)) > 0;
	if (whole)
		said[n] = '\0';
	job->done(whole ? said : NULL, job->arg);
	job_end(job);
}

static void
job_take(struct job *job)
{
	TAILQ_REMOVE(&job->lookups->running, job, entry);
	job->lookups->nrunning--;
}

static int
job_on_exit(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source, (void)fd, (void)events;
	job_take(arg);
	job_finish(arg, 1);
	return 0;
}

static int
job_on_late(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source, (void)usec;
	job_take(arg);
	job_finish(arg, 0);
	return 0;
}

static int
job_run(struct job *job, const char *host, const char *own)
{
	char *argv[] = {
	    (char[]){"paas-resolve"}, (char *)host, (char *)own, NULL};
	struct api *api = job->lookups->api;
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	job->pipe = ends[0];
	rc = spawn_helper(api->conf, argv, -1, ends[1], &job->pid);
	(void)close(ends[1]);
	if (rc == -1)
		return -1;
	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	return job->pidfd != -1 &&
		       sd_event_add_io(api->event, &job->exit, job->pidfd,
			   EPOLLIN, job_on_exit, job) >= 0 &&
		       sd_event_add_time_relative(api->event, &job->late,
			   CLOCK_MONOTONIC, PATIENCE, 0, job_on_late, job) >= 0
		   ? 0
		   : -1;
}

int
lookup(struct lookups *l, const char *host, const char *own, lookup_cb done,
    void *arg)
{
	struct job *job;

	if (l->nrunning >= LOOKUPS_MAX ||
	    (job = calloc(1, sizeof(*job))) == NULL)
		return -1;
	job->lookups = l;
	job->done = done;
	job->arg = arg;
	job->pipe = job->pidfd = -1;
	if (job_run(job, host, own) == -1) {
		job_end(job);
		return -1;
	}
	TAILQ_INSERT_TAIL(&l->running, job, entry);
	l->nrunning++;
	return 0;
}

struct lookups *
lookups_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct lookups *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	l->api = api;
	TAILQ_INIT(&l->running);
	return l;
}

void
lookups_close(struct lookups *l)
{
	struct job *job;

	if (l == NULL)
		return;
	while ((job = TAILQ_FIRST(&l->running)) != NULL) {
		TAILQ_REMOVE(&l->running, job, entry);
		l->nrunning--;
		job_finish(job, 0);
	}
	free(l);
}

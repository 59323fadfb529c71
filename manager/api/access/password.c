#include "api/access/password.h"

#include <bsd/string.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "api/server.h"
#include "api/http/spawn.h"
#include "common/log.h"

#define RUNNING_MAX   2  /* 64 MiB each */
#define STRANGERS_MAX 1  /* of them: one is left to who comes first */
#define WAITING_MAX   64 /* of each turn */
#define REQUEST_MAX   1024

/* Of no password that anybody knows. */
#define NOBODYS                                                  \
	"$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct job {
	TAILQ_ENTRY(job) entry;
	struct passwords *passwords;
	password_cb done;
	void *arg;
	sd_event_source *exit;
	pid_t pid;
	int socket;
	int pidfd;
	enum password_turn turn;
	char from[PASSWORD_FROM];
	size_t len;
	char request[REQUEST_MAX];
};
TAILQ_HEAD(jobs, job);

struct waiting {
	struct jobs jobs;
	unsigned int n;
};

struct passwords {
	struct api *api;
	struct waiting waiting[PASSWORD_TURNS];
	struct jobs running;
	sd_event_source *turn; /* so that nobody is called from within */
	unsigned int nrunning, nstrangers;
};

static void passwords_start(struct passwords *);

static void
job_free(struct job *job)
{
	sd_event_source_disable_unref(job->exit);
	if (job->socket != -1)
		(void)close(job->socket);
	if (job->pidfd != -1)
		(void)close(job->pidfd);
	sodium_memzero(job, sizeof(*job));
	free(job);
}

/* ---- one process ------------------------------------------------------- */

/* Its answer is there as a whole: it fits the socket's buffer. */
static void
job_finish(struct job *job)
{
	struct passwords *p = job->passwords;
	enum password_result result = PASSWORD_BROKEN;
	char answer[PASSWORD_HASH] = "";
	const char *hash = NULL;
	int status = -1;
	ssize_t n;

	if (waitpid(job->pid, &status, WNOHANG) == job->pid)
		job->pid = 0;
	n = read(job->socket, answer, sizeof(answer) - 1);
	if (status == 0 && n > 0) {
		answer[n] = '\0';
		if (strcmp(answer, "no") == 0)
			result = PASSWORD_WRONG;
		else
			result = PASSWORD_GOOD;
		if (answer[0] == '$')
			hash = answer;
	} else
		log_err("api: paas-password did not answer");
	TAILQ_REMOVE(&p->running, job, entry);
	p->nrunning--;
	p->nstrangers -= job->turn != PASSWORD_FIRST;
	job->done(result, hash, job->arg);
	job_free(job);
	sodium_memzero(answer, sizeof(answer));
	passwords_start(p);
}

static int
job_on_exit(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source, (void)fd, (void)events;
	job_finish(arg);
	return 0;
}

static int
job_run(struct job *job)
{
	char *argv[] = {(char[]){"paas-password"}, NULL};
	struct api *api = job->passwords->api;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) == -1)
		return -1;
	job->socket = pair[0];
	/* The helper is to wait for what is sent, and for the end of it. */
	(void)fcntl(pair[1], F_SETFL, 0);
	rc = spawn_helper(api->conf, argv, pair[1], pair[1], &job->pid);
	(void)close(pair[1]);
	if (rc == -1)
		return -1;
	rc = write(job->socket, job->request, job->len) == (ssize_t)job->len &&
		     shutdown(job->socket, SHUT_WR) == 0
		 ? 0
		 : -1;
	sodium_memzero(job->request, sizeof(job->request));
	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	if (rc == 0 && job->pidfd != -1 &&
	    sd_event_add_io(api->event, &job->exit, job->pidfd, EPOLLIN,
		job_on_exit, job) >= 0)
		return 0;
	(void)kill(job->pid, SIGKILL);
	(void)waitpid(job->pid, NULL, 0);
	return -1;
}

/* ---- the queue --------------------------------------------------------- */

/* Whose turn it is, if there is room for one of that turn to run. */
static struct waiting *
passwords_turn(struct passwords *p)
{
	struct waiting *w = p->waiting;

	if (p->nrunning >= RUNNING_MAX)
		return NULL;
	if (!TAILQ_EMPTY(&w[PASSWORD_FIRST].jobs))
		return &w[PASSWORD_FIRST];
	if (p->nstrangers >= STRANGERS_MAX)
		return NULL;
	if (!TAILQ_EMPTY(&w[PASSWORD_STRANGER].jobs))
		return &w[PASSWORD_STRANGER];
	return TAILQ_EMPTY(&w[PASSWORD_SUSPECT].jobs) ? NULL
						      : &w[PASSWORD_SUSPECT];
}

/* The next of them, the caller's. */
static struct job *
waiting_take(struct waiting *w)
{
	struct job *job = TAILQ_FIRST(&w->jobs);

	if (job != NULL) {
		TAILQ_REMOVE(&w->jobs, job, entry);
		w->n--;
	}
	return job;
}

static void
job_fail(struct job *job)
{
	job->done(PASSWORD_BROKEN, NULL, job->arg);
	job_free(job);
}

static void
passwords_start(struct passwords *p)
{
	struct waiting *waiting;
	struct job *job;

	while ((waiting = passwords_turn(p)) != NULL &&
	       (job = waiting_take(waiting)) != NULL) {
		if (job_run(job) == -1) {
			job_fail(job);
			continue;
		}
		TAILQ_INSERT_TAIL(&p->running, job, entry);
		p->nrunning++;
		p->nstrangers += job->turn != PASSWORD_FIRST;
	}
}

/* A crowd from one place waits behind those from others. */
static int
passwords_has(const struct passwords *p, const char *from)
{
	const struct job *job;

	TAILQ_FOREACH (job, &p->waiting[PASSWORD_STRANGER].jobs, entry)
		if (strcmp(job->from, from) == 0)
			return 1;
	TAILQ_FOREACH (job, &p->running, entry)
		if (strcmp(job->from, from) == 0)
			return 1;
	return 0;
}

static struct job *
job_new(struct passwords *p, enum password_turn turn, const char *from,
    password_cb done, void *arg)
{
	struct job *job;

	if (turn == PASSWORD_STRANGER && passwords_has(p, from))
		turn = PASSWORD_SUSPECT;
	if (p->waiting[turn].n >= WAITING_MAX ||
	    (job = calloc(1, sizeof(*job))) == NULL)
		return NULL;
	job->passwords = p;
	job->turn = turn;
	strlcpy(job->from, from, sizeof(job->from));
	job->done = done;
	job->arg = arg;
	job->socket = job->pidfd = -1;
	return job;
}

static void
job_add(struct job *job, const char *text)
{
	size_t len = strlen(text) + 1;

	if (job->len + len > sizeof(job->request))
		return;
	memcpy(job->request + job->len, text, len);
	job->len += len;
}

static void
job_queue(struct job *job)
{
	struct passwords *p = job->passwords;

	TAILQ_INSERT_TAIL(&p->waiting[job->turn].jobs, job, entry);
	p->waiting[job->turn].n++;
	(void)sd_event_source_set_enabled(p->turn, SD_EVENT_ONESHOT);
}

int
password_hash(
    struct passwords *p, const char *password, password_cb done, void *arg)
{
	struct job *job = job_new(p, PASSWORD_FIRST, "", done, arg);

	if (job == NULL)
		return -1;
	job->request[job->len++] = 'H';
	job_add(job, password);
	job_queue(job);
	return 0;
}

int
password_check(struct passwords *p, const char *hash, const char *password,
    enum password_turn turn, const char *from, password_cb done, void *arg)
{
	struct job *job = job_new(p, turn, from, done, arg);

	if (job == NULL)
		return -1;
	job->request[job->len++] = job->turn == PASSWORD_FIRST ? 'C' : 'c';
	job_add(job, hash != NULL ? hash : NOBODYS);
	job_add(job, password);
	job_queue(job);
	return 0;
}

/* ---- open and close ---------------------------------------------------- */

static int
passwords_on_turn(sd_event_source *source, void *arg)
{
	(void)source;
	passwords_start(arg);
	return 0;
}

struct passwords *
passwords_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct passwords *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	p->api = api;
	for (int turn = 0; turn < PASSWORD_TURNS; turn++)
		TAILQ_INIT(&p->waiting[turn].jobs);
	TAILQ_INIT(&p->running);
	r = sd_event_add_defer(api->event, &p->turn, passwords_on_turn, p);
	if (r >= 0)
		r = sd_event_source_set_enabled(p->turn, SD_EVENT_OFF);
	if (r < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
		passwords_close(p);
		return NULL;
	}
	return p;
}

void
passwords_close(struct passwords *p)
{
	struct job *job;

	if (p == NULL)
		return;
	sd_event_source_disable_unref(p->turn);
	for (int turn = 0; turn < PASSWORD_TURNS; turn++)
		while ((job = waiting_take(&p->waiting[turn])) != NULL)
			job_fail(job);
	while ((job = TAILQ_FIRST(&p->running)) != NULL) {
		TAILQ_REMOVE(&p->running, job, entry);
		(void)kill(job->pid, SIGKILL);
		(void)waitpid(job->pid, NULL, 0);
		job_fail(job);
	}
	free(p);
}

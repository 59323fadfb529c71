#include "launcher/launcher_worker.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void
worker_reply(int client, uint32_t op, uint64_t seq, int error)
{
	struct launch_reply reply = {.version = LAUNCH_VERSION,
	    .op = op == LAUNCH_LIST ? LAUNCH_END : op,
	    .seq = seq,
	    .error = -error};

	(void)send(client, &reply, sizeof(reply), MSG_NOSIGNAL);
}

int
worker_start(struct asked *a, const struct steps *steps)
{
	struct launcher *l = a->l;
	struct worker *w;
	size_t done, i;

	for (i = 0; i < WORKERS_MAX && l->workers[i].pid != 0; i++)
		;
	if (i == WORKERS_MAX)
		return -EAGAIN;
	w = &l->workers[i];
	w->op = a->q->op;
	w->seq = a->q->seq;
	/* A copy: the client may go, and its number to somebody else. */
	if ((w->client = fcntl(a->client, F_DUPFD_CLOEXEC, 0)) == -1)
		return -errno;
	if ((w->pid = fork()) == -1) {
		w->pid = 0;
		close(w->client);
		return -errno;
	}
	if (w->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		worker_reply(
		    a->client, a->q->op, a->q->seq, steps_run(steps, a, &done));
		_exit(0);
	}
	return 0;
}

void
worker_ended(struct launcher *l, pid_t pid, int status)
{
	struct worker *w;
	size_t i;

	for (i = 0; i < WORKERS_MAX; i++) {
		w = &l->workers[i];
		if (w->pid != pid)
			continue;
		if (!WIFEXITED(status))
			worker_reply(w->client, w->op, w->seq, -EIO);
		close(w->client);
		w->pid = 0;
	}
}

static int
list_records(void *arg)
{
	const struct asked *a = arg;
	struct launch_reply reply = {
	    .version = LAUNCH_VERSION, .op = a->q->op, .seq = a->q->seq};
	struct record *r;

	RB_FOREACH (r, records, &a->l->records) {
		reply.record = r->launch;
		reply.record.state = record_state(r);
		if (send(a->client, &reply, sizeof(reply), MSG_NOSIGNAL) == -1)
			return -errno;
	}
	return 0;
}

static const struct step list_rows[] = {
    {"records", list_records, NULL, 0},
};
STEPS(list);

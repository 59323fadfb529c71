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
worker_start(struct launcher *l, int client, const struct launch_request *q,
    worker_fn *fn)
{
	struct worker *w;
	size_t i;

	for (i = 0; i < WORKERS_MAX && l->workers[i].pid != 0; i++)
		;
	if (i == WORKERS_MAX)
		return -EAGAIN;
	w = &l->workers[i];
	w->op = q->op;
	w->seq = q->seq;
	/* A copy: the client may go, and its number to somebody else. */
	if ((w->client = fcntl(client, F_DUPFD_CLOEXEC, 0)) == -1)
		return -errno;
	if ((w->pid = fork()) == -1) {
		w->pid = 0;
		close(w->client);
		return -errno;
	}
	if (w->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		worker_reply(client, q->op, q->seq, fn(l, client, q));
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

int
worker_list(struct launcher *l, int client, const struct launch_request *q)
{
	struct launch_reply reply = {
	    .version = LAUNCH_VERSION, .op = q->op, .seq = q->seq};
	struct record *r;

	RB_FOREACH (r, records, &l->records) {
		reply.record = r->launch;
		reply.record.state = record_state(r);
		if (send(client, &reply, sizeof(reply), MSG_NOSIGNAL) == -1)
			return -errno;
	}
	return 0;
}

int
worker_seal(struct launcher *l, int client, const struct launch_request *q)
{
	(void)client;
	return seal_build(l, q->u.seal.build, q->u.seal.hash);
}

int
worker_discard(struct launcher *l, int client, const struct launch_request *q)
{
	(void)client;
	return seal_discard(l, q->u.id);
}

int
worker_drop_slug(struct launcher *l, int client, const struct launch_request *q)
{
	(void)client;
	return seal_drop_slug(l, q->u.seal.hash);
}

int
worker_drop_tree(struct launcher *l, int client, const struct launch_request *q)
{
	(void)client;
	return seal_drop_tree(l, q->u.seal.hash);
}

int
worker_drop_cache(
    struct launcher *l, int client, const struct launch_request *q)
{
	(void)client;
	return seal_drop_cache(l, q->u.id);
}

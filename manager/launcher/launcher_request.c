#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "launcher/launcher.h"
#include "launcher/launcher_worker.h"

#define MIB (1024ULL * 1024)
#define TIB (1024ULL * 1024 * MIB)

/* A thousand CPUs, in percent of one. */
#define CPU_QUOTA_MAX 100000

/* What a signed number of another program can't take for an error. */
#define ROOT_UID_MAX 0x7ffffffeU

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

/* Only memory that nobody can change any more. */
static int
memfd_check(int fd)
{
	struct stat st;
	int seals;

	if (fd < 0)
		return fd == -1 ? -EINVAL : fd;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals == -1 || (seals & SEALS) != SEALS)
		return -EPERM;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size <= (off_t)sizeof(struct launch_args) ||
	    st.st_size > LAUNCH_ARGS_MAX)
		return -EINVAL;
	return 0;
}

static int
between(uint64_t value, uint64_t least, uint64_t most)
{
	return value >= least && value <= most;
}

static int
check_start(const struct launcher *l, const struct launch_request *q, int memfd)
{
	const struct launch_start *s = &q->u.start;
	int build = s->kind != LAUNCH_APP;

	if (s->id == 0 || s->app == 0 ||
	    !between(s->kind, LAUNCH_APP, LAUNCH_KINDS - 1) ||
	    (s->build != 0) != build ||
	    !between(s->slot, 2, conf_slot_last(&l->conf)) ||
	    !between(s->memory, 4 * MIB, 64 * TIB) || s->swap > 64 * TIB ||
	    s->cpu_quota > CPU_QUOTA_MAX || !between(s->tmp, MIB, 64 * TIB) ||
	    !between(s->log_max, MIB / 16, 64 * TIB) || s->log_rate < 1024 ||
	    !between(s->cpu_weight, 1, 10000) ||
	    !between(s->pids, 4, 4194304) || !between(s->files, 16, 1048576) ||
	    s->root_uid > ROOT_UID_MAX || (s->root_uid != 0 && build))
		return -EINVAL;
	return memfd_check(memfd);
}

static int
check_id(const struct launcher *l, const struct launch_request *q, int memfd)
{
	(void)l;
	return q->u.id == 0 || memfd != -1 ? -EINVAL : 0;
}

static int
check_signal(
    const struct launcher *l, const struct launch_request *q, int memfd)
{
	(void)l;
	if (q->u.signal.id == 0 || memfd != -1)
		return -EINVAL;
	return between((uint64_t)q->u.signal.signo, 1, 64) ? 0 : -EINVAL;
}

static int
check_seal(const struct launcher *l, const struct launch_request *q, int memfd)
{
	(void)l;
	return q->u.seal.build == 0 || memfd != -1 ? -EINVAL : 0;
}

static int
check_nothing(
    const struct launcher *l, const struct launch_request *q, int memfd)
{
	(void)l;
	(void)q;
	return memfd != -1 ? -EINVAL : 0;
}

static int
start_run(void *arg)
{
	struct asked *a = arg;

	return start_instance(a->l, &a->q->u.start, a->memfd, a->reply);
}

static const struct step start_rows[] = {
    {"instance", start_run, NULL, 0},
};
STEPS(start);

/* Whoever asks what there is wants to be told of it alone. */
static int
sweep_exits(void *arg)
{
	const struct asked *a = arg;

	instance_sweep(a->l);
	return 0;
}

static const struct step sweep_rows[] = {
    {"exits", sweep_exits, NULL, 0},
};
STEPS(sweep);

/* op -> what is checked, what is done; then perhaps what a child does. */
static const struct {
	int (*check)(
	    const struct launcher *, const struct launch_request *, int memfd);
	const struct steps *run;
	const struct steps *work; /* may take long */
} ops[LAUNCH_END] = {
    [LAUNCH_START] = {check_start, &start_steps, NULL},
    [LAUNCH_SIGNAL] = {check_signal, &signal_steps, NULL},
    [LAUNCH_KILL] = {check_id, &kill_steps, NULL},
    [LAUNCH_LIST] = {check_nothing, &sweep_steps, &list_steps},
    [LAUNCH_CLEAN] = {check_id, &clean_steps, NULL},
    [LAUNCH_SEAL] = {check_seal, NULL, &seal_steps},
    [LAUNCH_DISCARD] = {check_id, NULL, &discard_steps},
    [LAUNCH_DROP_SLUG] = {check_nothing, &hide_steps, &drop_slug_steps},
    [LAUNCH_DROP_TREE] = {check_nothing, &hide_tree_steps, &drop_tree_steps},
    [LAUNCH_DROP_CACHE] = {check_id, NULL, &drop_cache_steps},
    [LAUNCH_REPOSITORY] = {check_id, &repository_steps, NULL},
    [LAUNCH_EMPTY_CACHE] = {check_id, &hide_cache_steps, &empty_cache_steps},
};

int
request_check(const struct launcher *l, const struct launch_request *q,
    size_t len, int memfd)
{
	if (len != sizeof(*q))
		return -EMSGSIZE;
	if (q->version != LAUNCH_VERSION)
		return -EPROTO;
	if (q->op >= LAUNCH_END || ops[q->op].check == NULL)
		return -EOPNOTSUPP;
	return ops[q->op].check(l, q, memfd);
}

void
request_handle(struct launcher *l, int client, const struct launch_request *q,
    size_t len, int memfd)
{
	struct launch_reply reply = {.version = LAUNCH_VERSION};
	struct asked a = {.l = l,
	    .q = q,
	    .client = client,
	    .memfd = memfd,
	    .reply = &reply,
	    .build = -1};
	size_t done;
	int error;

	if (len >= offsetof(struct launch_request, u)) {
		reply.op = q->op;
		reply.seq = q->seq;
	}
	if ((error = request_check(l, q, len, memfd)) != 0)
		reply.step = LAUNCH_STEP_REQUEST;
	else if (ops[q->op].run != NULL)
		error = steps_run(ops[q->op].run, &a, &done);
	if (error == 0 && ops[q->op].work != NULL &&
	    (error = worker_start(&a, ops[q->op].work)) == 0)
		return; /* the child answers */
	reply.error = -error;
	/* A client that does not read its answers loses them. */
	(void)send(client, &reply, sizeof(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
}

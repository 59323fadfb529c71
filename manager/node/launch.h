/*
 * The client of paas-launcher: requests of launcher/protocol.h, answered by
 * callback.  It connects by itself and again after a loss.
 *
 * A request waits for the connection and, if it is a start, for its turn.
 * Once it is sent and the connection is lost, it fails with ECONNRESET: it
 * may or may not have been done, and LAUNCH_LIST tells.
 */
#ifndef PAAS_LAUNCH_H
#define PAAS_LAUNCH_H

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/conf.h"
#include "launcher/protocol.h"

struct launch;

/* What runs inside; both lists end with NULL, envp is NAME=VALUE. */
struct launch_argv {
	const char *cwd;
	char *const *argv;
	char *const *envp;
	uint32_t flags; /* LAUNCH_ARGS_... */
};

/*
 * error is 0, the launcher's errno, or ECONNRESET with reply NULL.  reply is
 * borrowed.  Called once for each request but for launch_list: that one gets
 * a call for each record (reply->op is LAUNCH_LIST, error 0) and a last one
 * (any other).  More requests may be made from within.
 */
typedef void (*launch_cb)(
    int error, const struct launch_reply *reply, void *arg);

/* Connected: what it asks for goes out before all that waits. */
typedef void (*launch_up_cb)(void *arg);

/*
 * path is that of the socket.  up may be NULL.  NULL with a sentence in err
 * for what no later attempt would cure.  launch_close calls nobody back.
 */
struct launch *launch_open(sd_event *, const char *path, launch_up_cb up,
    void *arg, char err[PAAS_ERRLEN]);
void launch_close(struct launch *);

int launch_connected(const struct launch *);
/* Connected, and nothing that it does at once has waited for seconds. */
int launch_answers(const struct launch *);

/*
 * Each returns 0, or a negative errno and then never calls back: -E2BIG if
 * arguments and environment exceed LAUNCH_ARGS_MAX, -EINVAL, -ENOMEM.
 * launch_kill kills the whole cgroup, launch_signal the app's processes;
 * for the others see protocol.h.
 */
int launch_start(struct launch *, const struct launch_start *,
    const struct launch_argv *, launch_cb, void *arg);
int launch_signal(
    struct launch *, uint64_t id, int signo, launch_cb, void *arg);
int launch_kill(struct launch *, uint64_t id, launch_cb, void *arg);
int launch_clean(struct launch *, uint64_t id, launch_cb, void *arg);
int launch_list(struct launch *, launch_cb, void *arg);
int launch_seal(struct launch *, uint64_t build,
    const uint8_t hash[LAUNCH_HASH], launch_cb, void *arg);
int launch_discard(struct launch *, uint64_t build, launch_cb, void *arg);
int launch_drop_slug(
    struct launch *, const uint8_t hash[LAUNCH_HASH], launch_cb, void *arg);
int launch_drop_tree(
    struct launch *, const uint8_t hash[LAUNCH_HASH], launch_cb, void *arg);
int launch_drop_cache(struct launch *, uint64_t app, launch_cb, void *arg);
int launch_repository(struct launch *, uint64_t app, launch_cb, void *arg);
int launch_empty_cache(struct launch *, uint64_t app, launch_cb, void *arg);

/* Whoever owns arg goes away: its callbacks are not called any more. */
void launch_forget(struct launch *, const void *arg);

/* "the network", "the firewall": where a start failed. */
const char *launch_step_name(uint32_t step);

/*
 * The bytes of the sealed memfd, to be freed; NULL with errno.  Exposed for
 * its test.
 */
void *launch_args_pack(const struct launch_argv *, size_t *len);

#endif

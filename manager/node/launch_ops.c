#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/launch_wire.h"

static int
ask_id(struct launch *l, uint32_t op, uint64_t id, launch_cb cb, void *arg)
{
	struct launch_request req;

	memset(&req, 0, sizeof(req));
	req.op = op;
	req.u.id = id;
	return launch_ask(l, &req, NULL, 0, cb, arg);
}

int
launch_start(struct launch *l, const struct launch_start *start,
    const struct launch_argv *what, launch_cb cb, void *arg)
{
	struct launch_request req;
	size_t len;
	void *args;
	int error;

	if ((args = launch_args_pack(what, &len)) == NULL)
		return -errno;
	memset(&req, 0, sizeof(req));
	req.op = LAUNCH_START;
	req.u.start = *start;
	error = launch_ask(l, &req, args, len, cb, arg);
	if (error != 0)
		free(args);
	return error;
}

int
launch_signal(struct launch *l, uint64_t id, int signo, launch_cb cb, void *arg)
{
	struct launch_request req;

	memset(&req, 0, sizeof(req));
	req.op = LAUNCH_SIGNAL;
	req.u.signal.id = id;
	req.u.signal.signo = signo;
	return launch_ask(l, &req, NULL, 0, cb, arg);
}

int
launch_kill(struct launch *l, uint64_t id, launch_cb cb, void *arg)
{
	return ask_id(l, LAUNCH_KILL, id, cb, arg);
}

int
launch_clean(struct launch *l, uint64_t id, launch_cb cb, void *arg)
{
	return ask_id(l, LAUNCH_CLEAN, id, cb, arg);
}

int
launch_list(struct launch *l, launch_cb cb, void *arg)
{
	return ask_id(l, LAUNCH_LIST, 0, cb, arg);
}

int
launch_seal(struct launch *l, uint64_t build, const uint8_t hash[LAUNCH_HASH],
    launch_cb cb, void *arg)
{
	struct launch_request req;

	memset(&req, 0, sizeof(req));
	req.op = LAUNCH_SEAL;
	req.u.seal.build = build;
	memcpy(req.u.seal.hash, hash, LAUNCH_HASH);
	return launch_ask(l, &req, NULL, 0, cb, arg);
}

int
launch_discard(struct launch *l, uint64_t build, launch_cb cb, void *arg)
{
	return ask_id(l, LAUNCH_DISCARD, build, cb, arg);
}

static int
ask_hash(
    struct launch *l, uint32_t op, const uint8_t *hash, launch_cb cb, void *arg)
{
	struct launch_request req;

	memset(&req, 0, sizeof(req));
	req.op = op;
	memcpy(req.u.seal.hash, hash, LAUNCH_HASH);
	return launch_ask(l, &req, NULL, 0, cb, arg);
}

int
launch_drop_slug(
    struct launch *l, const uint8_t hash[LAUNCH_HASH], launch_cb cb, void *arg)
{
	return ask_hash(l, LAUNCH_DROP_SLUG, hash, cb, arg);
}

int
launch_drop_tree(
    struct launch *l, const uint8_t hash[LAUNCH_HASH], launch_cb cb, void *arg)
{
	return ask_hash(l, LAUNCH_DROP_TREE, hash, cb, arg);
}

int
launch_drop_cache(struct launch *l, uint64_t app, launch_cb cb, void *arg)
{
	return ask_id(l, LAUNCH_DROP_CACHE, app, cb, arg);
}

int
launch_repository(struct launch *l, uint64_t app, launch_cb cb, void *arg)
{
	return ask_id(l, LAUNCH_REPOSITORY, app, cb, arg);
}

int
launch_empty_cache(struct launch *l, uint64_t app, launch_cb cb, void *arg)
{
	return ask_id(l, LAUNCH_EMPTY_CACHE, app, cb, arg);
}

const char *
launch_step_name(uint32_t step)
{
	static const char *const names[] = {
	    [LAUNCH_STEP_NONE] = "the launcher",
	    [LAUNCH_STEP_REQUEST] = "the request",
	    [LAUNCH_STEP_RECORD] = "its record",
	    [LAUNCH_STEP_CGROUP] = "its control group",
	    [LAUNCH_STEP_NETWORK] = "its network",
	    [LAUNCH_STEP_FIREWALL] = "the firewall",
	    [LAUNCH_STEP_ROOT] = "its file system",
	    [LAUNCH_STEP_LOG] = "its log",
	    [LAUNCH_STEP_EXEC] = "its first program",
	    [LAUNCH_STEP_SLUG] = "its slug",
	};

	if (step >= sizeof(names) / sizeof(names[0]))
		return "an unknown step";
	return names[step];
}

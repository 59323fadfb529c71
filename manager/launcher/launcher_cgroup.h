/*
 * cgroups of the instances.  Below the scope NAME in each hierarchy:
 *
 *   NAME/shims      paas-shim of every instance
 *   NAME/inst/ID    bwrap, paas-init and the app
 *
 * Pure v2: one tree for tracking and limits.  Hybrid: v1 trees for limits, and
 * the v2 tree for tracking and cgroup.kill, if there is one.  What there is is
 * told by the files, so that a fake tree does for a test.
 */
#ifndef PAAS_LAUNCHER_CGROUP_H
#define PAAS_LAUNCHER_CGROUP_H

#include <stdint.h>

#include "common/conf.h"
#include "launcher/protocol.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

enum cgroup_tree {
	CGROUP_V2, /* at the root itself, or in unified/ on hybrid hosts */
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_PIDS,
	CGROUP_FREEZER,
	CGROUP_SYSTEMD,
	CGROUP_TREES
};

struct cgroups {
	char root[256];
	char name[64];
	int pure;             /* v2 alone */
	int at[CGROUP_TREES]; /* the scope's directory, or -1 */
};

/* Makes the scope where it is missing.  0, or -1 with a sentence in err. */
int cgroup_open(
    struct cgroups *, const char *root, const char *name, char err[]);
void cgroup_close(struct cgroups *);

/* inst/ID in every tree, with the limits of a start. */
int cgroup_make(struct cgroups *, const struct launch_start *);
/* The v2 directory for CLONE_INTO_CGROUP, -1 if there is none. */
int cgroup_clone_fd(const struct cgroups *, const char *sub);
/* Moves the calling process, single-threaded, to sub in the v1 trees. */
int cgroup_enter(const struct cgroups *, const char *sub);
/* SIGKILL to all that is in inst/ID. */
int cgroup_kill(const struct cgroups *, uint64_t id);
/* SIGKILL to whatever is beside the instances. */
void cgroup_kill_shims(const struct cgroups *);
/* 1 if inst/ID has processes, else 0 (missing is 0). */
int cgroup_populated(const struct cgroups *, uint64_t id);
/* -EBUSY while processes are left in it; missing is fine. */
int cgroup_remove(const struct cgroups *, uint64_t id);
/* Counts OOM kills ("oom_kill N" is in it); a descriptor or -1. */
int cgroup_oom_fd(const struct cgroups *, uint64_t id);
/*
 * Of that descriptor, in v1: an eventfd that counts when memory runs out, or
 * -1.  In v2 the descriptor itself has POLLPRI then.
 */
int cgroup_oom_event(const struct cgroups *, uint64_t id, int oom);
/* Calls back with each id of inst/, in any tree; maybe twice. */
void cgroup_each(
    const struct cgroups *, void (*cb)(uint64_t id, void *arg), void *arg);
/* Removes the scope itself, in every tree. */
int cgroup_purge(struct cgroups *);
/* "v2" or "v1 and v2 hybrid" ..., for --check. */
const char *cgroup_describe(const struct cgroups *);

#endif

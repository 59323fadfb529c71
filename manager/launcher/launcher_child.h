/*
 * The two processes of a start, forked from the launcher: the shim-to-be and
 * its child, which becomes bwrap.
 */
#ifndef PAAS_LAUNCHER_CHILD_H
#define PAAS_LAUNCHER_CHILD_H

#include "launcher/launcher.h"

/* Descriptors of a start; -1 is none. */
struct start {
	struct launcher *l;
	const struct launch_start *req;
	uid_t uid;    /* of the instance, and its gid */
	int args;     /* sealed memfd; the request's, not ours to close */
	int app;      /* slug, or a build's tree */
	int out;      /* a build's result */
	int cache;    /* a build's cache */
	int libexec;  /* opened by the child */
	int packs;    /* by that of a build */
	int stdin_fd; /* upload, or an empty pipe */
	int stdout_pipe[2];
	int stderr_pipe[2];
	int control[2]; /* shim, init */
	int report[2];  /* launcher, children */
	int logs;       /* state/log/APP */
	int attach;     /* listens for the manager */
	int oom;        /* cgroup_oom_fd */
	int oom_event;
	int cgroup;          /* inst/ID, v2 */
	int filter;          /* own offset in the seccomp program */
	pid_t shim, sandbox; /* children, as they know of each other */
	char **argv;         /* bwrap's */
	int null;
};

/* What a child tells the launcher: READY, or where it failed. */
struct start_report {
	uint32_t step; /* LAUNCH_STEP_NONE: ready, waits for "go" */
	int32_t error; /* positive errno */
};

/* The shim-to-be, just forked.  Never returns. */
void child_shim(struct start *) __attribute__((noreturn));

/* launcher_root.c: the mount namespace; the stage is left as cwd. */
int root_enter(struct start *);

/* launcher_etc.c: etc/ of the stage, which is the working directory. */
int etc_make(const struct start *);

/* launcher_sandbox.c: bwrap's arguments; descriptors are numbers in bwrap. */
#define SANDBOX_FD_ARGS    3
#define SANDBOX_FD_CONTROL 4
#define SANDBOX_FD_FILTER  5
char **sandbox_argv(const struct start *);

/* launcher_seccomp.c: a memfd with the program, or a negative errno. */
int seccomp_program(void);

#endif

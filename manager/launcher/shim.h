/*
 * paas-shim: parent of one sandbox.  It runs as paas-log with these
 * descriptors, and opens nothing by a path:
 */
#ifndef PAAS_SHIM_H
#define PAAS_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "launcher/protocol.h"
#include "launcher/shim_bounds.h"

#define SHIM_FD_LOGS      3 /* directory state/log/APP */
#define SHIM_FD_EXIT      4 /* directory run/exit */
#define SHIM_FD_STDOUT    5
#define SHIM_FD_STDERR    6
#define SHIM_FD_CONTROL   7  /* SOCK_SEQPACKET to paas-init */
#define SHIM_FD_OOM       8  /* of cgroup_oom_fd, may be missing */
#define SHIM_FD_ATTACH    9  /* listens for the manager, may be missing */
#define SHIM_FD_NO_MEMORY 10 /* of cgroup_oom_event, may be missing */

/* Longer lines are split here. */
#define SHIM_LINE 16384

/* Between shim and init, both ways; each side checks what it gets. */
enum shim_message_type {
	SHIM_SIGNAL = 1, /* to init: value is the signal */
	SHIM_EXIT,       /* from init: code and value as in siginfo */
	/* To init, as they come from the manager. */
	SHIM_ATTACH = LAUNCH_HAND_ATTACH,
	SHIM_EXEC = LAUNCH_HAND_EXEC
};

#define SHIM_FDS_MAX 2

struct shim_message {
	uint32_t type;
	int32_t code; /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
	int32_t value;
};

_Static_assert(sizeof(struct shim_message) == sizeof(struct launch_hand),
    "the shim passes the manager's messages on");

/* shim_message.c */

/*
 * One message with its descriptors, which become the caller's.  As recv(2);
 * one that is not right has type 0 and no descriptors.
 */
ssize_t shim_message_read(
    int sock, struct shim_message *, int fds[SHIM_FDS_MAX], size_t *n);
/* 0 or a negative errno; the descriptors stay the caller's. */
int shim_message_send(
    int sock, const struct shim_message *, const int *fds, size_t n);

void shim_fds_close(const int *fds, size_t n);

/* shim_attach.c; -1: nobody. */
void shim_attach_accept(int *client);
void shim_attach_read(int *client);

/* shim_log.c */

/* Why lines were dropped. */
enum shim_drop {
	SHIM_DROP_RATE, /* or the disk is full */
	SHIM_DROP_APP_RATE,
	SHIM_DROP_APP_DISK,
	SHIM_DROP_OLDER, /* they had been in the file */
	SHIM_DROP_APP_OLDER,
	SHIM_DROPS
};

/* Reports that the buffer has at most. */
#define SHIM_TOLD 16

struct shim_told {
	enum shim_drop why;
	uint64_t lines;
	size_t end; /* of the report in the buffer, its newline included */
};

struct shim_log {
	int dir;
	int fd;
	char name[32];                    /* ID.log */
	uint64_t size;                    /* of the file now */
	uint64_t max;                     /* of one of the two files */
	uint64_t rate;                    /* bytes a second */
	uint64_t tokens;                  /* bytes that may go out now */
	uint64_t refilled;                /* CLOCK_MONOTONIC in us */
	uint64_t dropped[SHIM_DROPS];     /* lines not reported yet */
	struct shim_told told[SHIM_TOLD]; /* and those that buf reports */
	size_t ntold;
	uint64_t lost;              /* lines dropped in all, that were new */
	struct shim_bounds *bounds; /* of the app; NULL: there are none */
	int lock;                   /* for shim_bounds_lock(), or -1 */
	uint64_t look;              /* for shim_bounds_again() */
	struct timespec at;         /* of the lines to come; 0: now */
	int64_t second;             /* what stamp is of */
	char stamp[24];             /* "2026-11-22T12:00:00" */
	size_t used;
	char buf[4 * SHIM_LINE];
};

struct shim_stream {
	char kind; /* 'o' or 'e' */
	size_t used;
	char line[SHIM_LINE];
};

/* 0 or -1 with errno; rate in bytes a second, max in bytes of both files. */
int shim_log_open(
    struct shim_log *, int dir, const char *id, uint64_t max, uint64_t rate);
/* Without a flush; dir stays the caller's. */
void shim_log_close(struct shim_log *);
/* One line without its newline. */
void shim_log_line(struct shim_log *, char kind, const char *text, size_t len);
/* Takes bytes as they came; lines go to the log's buffer. */
void shim_log_bytes(
    struct shim_log *, struct shim_stream *, const char *bytes, size_t len);
/* What is left without a newline, at the end. */
void shim_log_finish(struct shim_log *, struct shim_stream *);
/* The buffer goes to the file. */
void shim_log_flush(struct shim_log *);
/* Says how many were dropped, if it can by now. */
void shim_log_report(struct shim_log *);
/* Is there something to say of that? */
int shim_log_owes(const struct shim_log *);

/* shim_exit.c */
struct shim_exit {
	int code;   /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
	int status; /* exit status or signal */
	int oom;
	uint64_t dropped;
};

/* From waitpid's status of bwrap, when paas-init could not say. */
void shim_exit_guess(struct shim_exit *, int status);
/*
 * oom_kill of memory.events (v2) or memory.oom_control (v1): how many processes
 * the kernel has ended for want of memory.
 */
uint64_t shim_exit_oom(int fd);
/* Temporary name and rename; 0 or -1. */
int shim_exit_write(
    int dir, const char *id, const char *boot, const struct shim_exit *);

#endif

/*
 * Watches a shim, which is nobody's child here: by pidfd, after comparing
 * its start time, so that a pid used again is never taken for it.
 */
#ifndef PAAS_PROC_H
#define PAAS_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct proc;

/* The exit record of protocol.h. */
struct proc_exit {
	int how;          /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: no record */
	int status;       /* exit status or signal */
	int oom;          /* it was killed for want of memory */
	uint64_t dropped; /* lines of its log */
	int64_t time;     /* microseconds of CLOCK_BOOTTIME, 0 if unknown */
};

/* The proc is of no further use after it, but for proc_unwatch. */
typedef void (*proc_cb)(const struct proc_exit *, void *arg);

/*
 * Calls back when the process ends, before requests are served.  run_dir is
 * borrowed; id names the exit record.  0, -ESRCH if that process is no more
 * (read proc_exit_read then), or another negative errno.
 */
int proc_watch(struct proc **, sd_event *, const char *run_dir, uint64_t id,
    pid_t pid, uint64_t starttime, proc_cb, void *arg);
void proc_unwatch(struct proc *); /* NULL is fine */

/* Field 22 of /proc/PID/stat, clock ticks since boot.  0 or -errno. */
int proc_starttime(pid_t pid, uint64_t *starttime);

/*
 * 0, -ENOENT if there is none or it is of another boot, -EBADMSG if it is
 * not what protocol.h says; *exit is all zero then.
 */
int proc_exit_read(const char *run_dir, uint64_t id, struct proc_exit *);

/* "exited with status 1"; memory is the limit in bytes, for "out of". */
void proc_exit_text(
    const struct proc_exit *, uint64_t memory, char *buf, size_t len);

#endif

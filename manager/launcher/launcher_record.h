/*
 * run/inst/ID: one line of text for each instance, written to a temporary
 * name and renamed, so that a record is complete or absent:
 *
 *   boot=UUID id=ID app=N build=N kind=N slot=N pid=N start=N slug=HASH
 *   cgroup=inst/ID
 *
 * (on one line).  Processes are named by pid and start time, field 22 of
 * /proc/PID/stat: a pid alone may be somebody else's by now.
 */
#ifndef PAAS_LAUNCHER_RECORD_H
#define PAAS_LAUNCHER_RECORD_H

#include <sys/types.h>

#include <bsd/sys/tree.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/protocol.h"

#define RECORD_BOOT 37  /* bytes of a boot id with its NUL */
#define RECORD_TEXT 512 /* of a whole record */

struct record {
	RB_ENTRY(record) entry;
	struct launch_record launch;
	uint8_t slug[LAUNCH_HASH];
	char boot[RECORD_BOOT];
};

RB_HEAD(records, record);
RB_PROTOTYPE(records, record, entry, record_compare)

int record_compare(struct record *, struct record *);

/* Bytes without the NUL. */
size_t record_format(char out[RECORD_TEXT], const struct record *);
/* 0 or -EBADMSG. */
int record_parse(struct record *, const char *text);

/*
 * Written first, and there with its publication: complete or not at all.  dir
 * is run/inst.
 */
int record_write(int dir, const struct record *);
int record_publish(int dir, uint64_t id);
int record_read(int dir, const char *name, struct record *);
int record_remove(int dir, uint64_t id);

struct record *record_find(struct records *, uint64_t id);
/* Who holds a slot, or NULL. */
struct record *record_of_slot(struct records *, uint32_t slot);

/* -ESRCH if there is no such process, or only its zombie. */
int process_starttime(pid_t pid, uint64_t *starttime);
/* LAUNCH_RUNNING or LAUNCH_EXITED, seen now. */
uint32_t record_state(const struct record *);
/* A pidfd that is surely the shim's, or a negative errno. */
int record_pidfd(const struct record *);
int boot_id_read(char out[RECORD_BOOT]);

#endif

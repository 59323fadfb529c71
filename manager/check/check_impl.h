/* One look at everything: for the files of this room only. */
#ifndef PAAS_CHECK_IMPL_H
#define PAAS_CHECK_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "check/check.h"
#include "store/store.h"

/* Something that may have a process, as the store has it. */
struct check_known {
	uint64_t id;
	uint32_t slot;  /* 0: not told */
	int process;    /* it has to have one by now */
	int routed;     /* requests have to be able to get to it */
	int ready;      /* they may */
	char name[128]; /* "web.1 of shop" */
};

/* The launcher's record of an instance. */
struct check_record {
	uint64_t id;
	uint64_t starttime;
	uint32_t slot;
	uint32_t kind;
	int pid;
	int alive;
};

struct check {
	const struct conf *conf;
	struct store *store;

	struct check_known *known; /* by id */
	size_t nknown;
	struct check_record *records; /* by id */
	size_t nrecords;
	size_t nassigned, ncgroups, nprocesses, ninterfaces, nrouted, nhosts,
	    nslugs;

	char **lines; /* what is and should be, an instance each */
	size_t nlines;
	char **off; /* what differs */
	size_t noff;
};

void check_line(struct check *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void check_off(struct check *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct check_known *check_known_find(const struct check *, uint64_t id);
struct check_record *check_record_find(const struct check *, uint64_t id);

/* check_store.c: what should be. */
void check_store(struct check *);
/* check_machine.c: records, processes, cgroups and interfaces. */
void check_machine(struct check *);
/* check_routes.c */
void check_routes(struct check *);
/* check_files.c: slugs and what builds left. */
void check_files(struct check *);

/* Calls back with each name of a folder; -1 if it can't be read. */
int check_folder(
    const char *path, void (*cb)(const char *name, void *arg), void *arg);

const char *check_text(json_t *, const char *name);
int64_t check_number_of(json_t *, const char *name);

#endif

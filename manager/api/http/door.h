/*
 * A socket that people or nginx come in by, and libmicrohttpd on it.
 */
#ifndef PAAS_API_DOOR_H
#define PAAS_API_DOOR_H

#include <microhttpd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <systemd/sd-event.h>

#include "common/conf.h"

struct api;

enum door_kind {
	DOOR_PEOPLE, /* manager.sock: peer credentials decide */
	DOOR_TOKENS, /* api.sock: from nginx and git, only tokens count */
	DOORS
};

struct door {
	struct api *api;
	enum door_kind kind;
	struct MHD_Daemon *httpd; /* NULL: not open */
	sd_event_source *io;
	sd_event_source *timer;
	sd_event_source *wake;   /* there is work for it already */
	sd_event_source *answer; /* an answer is to be sent */
	unsigned int answers;    /* runs for its sake that are to come */
	int listener;
	unsigned int limit; /* connections */
	int full;           /* there were as many, after the last run */
	int spare;          /* a descriptor for when there are no others */
	int is_short;       /* there were none, after the last run */
	int runs;           /* still to come for its own sake */
	struct sockaddr_un addr;
};

/*
 * Listens on run_dir/NAME; what there is too much of waits.  0, or -1 with a
 * sentence in err.
 */
int door_open(
    struct door *, struct api *, enum door_kind, char err[PAAS_ERRLEN]);

/* Every connection is resumed by now; a door that is not open is fine. */
void door_close(struct door *);

/* A connection was resumed: without threads MHD does not wake itself. */
void door_wake(struct door *);

/*
 * The same for an answer: it goes, and its connection ends, before what its
 * change gives rise to.
 */
void door_answer(struct door *);

#endif

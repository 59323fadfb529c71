/*
 * Between the files of logdrain.h only.
 *
 *   logdrain.c         which drains there are, and the helper's socket
 *   logdrain_follow.c  the stream of an app: files and timeline
 *   logdrain_send.c    lines on their way to the helper
 *   logdrain_save.c    state/drains/ID
 */
#ifndef PAAS_LOGDRAIN_IMPL_H
#define PAAS_LOGDRAIN_IMPL_H

#include <bsd/sys/queue.h>
#include <systemd/sd-event.h>

#include "common/drain.h"
#include "node/logdrain.h"
#include "node/logfile.h"
#include "node/node_impl.h"
#include "store/keys.h"

#define EVENT_MAX 24 /* of "SEQ" of a key event/APP/SEQ */

struct drain_source {
	TAILQ_ENTRY(drain_source) entry;
	struct logdrain *drain;
	struct logfile *file;
	struct logfile_pos done; /* acknowledged */
	uint64_t id;
	int ended;
	int build; /* of a build, and not of an instance */
	char name[LOGFILE_NAME_MAX];
};

/* A line on its way. */
struct drain_flight {
	STAILQ_ENTRY(drain_flight) entry;
	uint64_t seq;
	uint64_t source; /* 0: the timeline */
	size_t bytes;
	uint64_t tells; /* of so many lost lines, and is none of the app's */
	struct logfile_pos pos;
	char event[EVENT_MAX];
};

struct logdrain {
	TAILQ_ENTRY(logdrain) entry;
	struct logdrains *all;
	char id[DRAIN_ID_MAX];
	char app[KEY_NAME_MAX + 2];
	char url[DRAIN_URL_MAX];
	char token[64];
	int64_t created;
	uint64_t number;
	TAILQ_HEAD(drain_sources, drain_source) sources;
	size_t nsources;
	struct store_watch *instances, *builds, *events;
	char event[EVENT_MAX];      /* acknowledged */
	char event_sent[EVENT_MAX]; /* on its way */
	uint64_t seq;               /* of the last line */
	STAILQ_HEAD(drain_flights, drain_flight) flights;
	size_t flying, flying_bytes;
	int full;    /* of lines on their way: followers are paused */
	int running; /* the helper has it */
	int dirty;   /* to be saved */
	uint64_t lost, delivered;
	uint64_t untold;  /* of lost: the drain has not heard of them */
	uint64_t telling; /* of untold: on their way */
	char state[256];

	/* The message that is being made. */
	char message[DRAIN_MESSAGE_MAX];
	size_t used;
	struct drain_head head;
};

struct logdrains {
	struct node *node;
	struct store_watch *watch;
	sd_event_source *io, *timer, *flush;
	int fd;      /* of the helper, -1 */
	int blocked; /* its socket is full */
	char dir[sizeof(((struct conf *)0)->state_dir) + 16];
	TAILQ_HEAD(logdrain_list, logdrain) list;
};

/* logdrain.c */
void logdrains_lose(struct logdrains *, const char *why);
void logdrains_blocked(struct logdrains *);

/* logdrain_follow.c */
void logdrain_start(struct logdrain *); /* from what was acknowledged */
void logdrain_stop(struct logdrain *);
void logdrain_resume(struct logdrain *);
struct drain_source *logdrain_source(struct logdrain *, uint64_t id);
struct drain_source *logdrain_add_source(
    struct logdrain *, uint64_t id, const char *name);

/* logdrain_send.c */
void logdrain_tell(struct logdrain *, enum drain_type);
/* Hands a line over, for which flight has source and where it ends. */
void logdrain_line(struct logdrain *, const struct drain_flight *, int64_t at,
    char kind, const char *name, const char *text, size_t len);
void logdrain_flush(struct logdrain *);
/* Up to seq; of those, so many were given up. */
void logdrain_acked(struct logdrain *, uint64_t seq, uint32_t refused);
void logdrain_forget(struct logdrain *); /* what is on its way */

/* logdrain_save.c */
void logdrain_load(struct logdrain *);
void logdrain_save(struct logdrain *);
void logdrain_remove(struct logdrain *);

#endif

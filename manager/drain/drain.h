/*
 * paas-drain: sends log lines to the URLs that users chose, as paas-helper.
 * What it must not reach it does not connect to, whatever a name resolves to.
 *
 *   drain.c          the loop, and the socket of the manager
 *   drain_queue.c    lines that are not delivered yet, of one drain
 *   drain_frame.c    how a line is written
 *   drain_allow.c    which addresses may be connected to
 *   drain_target.c   a drain: back-off, and which of the two it is
 *   drain_syslog.c   RFC 5424 with octet counts (RFC 6587), TCP or TLS
 *   drain_https.c    logplex frames
 */
#ifndef PAAS_DRAIN_DRAIN_H
#define PAAS_DRAIN_DRAIN_H

#include <bsd/sys/queue.h>
#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/drain.h"

/* ---- drain_allow.c ----------------------------------------------------- */

struct sockaddr;

/* May it be connected to?  allow is conf's allow_out. */
int drain_may_reach(const struct sockaddr *, const char *allow);

/* ---- drain_queue.c ----------------------------------------------------- */

struct queue_line {
	STAILQ_ENTRY(queue_line) entry;
	uint64_t seq;
	struct drain_line head;
	const char *name; /* ended by a NUL */
	const char *text; /* head.len bytes */
};

struct queue {
	STAILQ_HEAD(queue_lines, queue_line) lines;
	size_t bytes;
	size_t count;
};

void queue_init(struct queue *);
void queue_clear(struct queue *);
/* The lines of a message; -1 if it is not right or there are too many. */
int queue_add(
    struct queue *, const struct drain_head *, const char *payload, size_t len);
/* Those up to seq are done with. */
void queue_drop(struct queue *, uint64_t seq);

/* ---- drain_frame.c ----------------------------------------------------- */

struct frame {
	char *data;
	size_t len, size;
};

/*
 * Appends "LEN <PRI>1 TIME TOKEN APP PROCID - - TEXT" for syslog, or
 * "LEN <PRI>1 TIME host APP PROCID - TEXT\n" for logplex.  -1: no memory.
 */
int frame_add(
    struct frame *, const struct queue_line *, const char *token, int logplex);
void frame_free(struct frame *);

/* ---- drain_target.c ---------------------------------------------------- */

struct helper;

struct target {
	TAILQ_ENTRY(target) entry;
	struct helper *helper;
	char id[DRAIN_ID_MAX];
	char url[DRAIN_URL_MAX];
	char token[64];
	char said[CURL_ERROR_SIZE + 64]; /* the last state */
	char error[CURL_ERROR_SIZE];     /* libcurl's */
	struct drain_url where;
	struct queue queue;
	struct frame frame;
	int64_t not_before; /* of the next try, in ms of CLOCK_MONOTONIC */
	unsigned int failures;
	int denied; /* an address was not allowed */
	int gone;   /* of a manager that is */
	CURL *easy; /* what is under way, or a connection */

	/* drain_syslog.c */
	curl_socket_t sock; /* connected; CURL_SOCKET_BAD: not */
	size_t sent;        /* of the frame */
	uint64_t total;     /* bytes sent on this connection */
	STAILQ_HEAD(marks, mark) marks;
	uint64_t framed; /* seq of the last line in frame */
	int blocked;

	/* drain_https.c */
	struct curl_slist *headers;
	uint64_t batch_last; /* seq */
	unsigned int batch_count;
	char frame_id[40];
};

/* Where a line ends in the bytes of a connection. */
struct mark {
	STAILQ_ENTRY(mark) entry;
	uint64_t end;
	uint64_t seq;
};

struct helper {
	struct conf conf;
	CURLM *multi;
	int listener, manager; /* -1: none */
	TAILQ_HEAD(targets, target) targets;
};

int64_t helper_now(void); /* ms of CLOCK_MONOTONIC */
/* To the manager; what can't be sent ends the connection. */
void helper_tell(struct helper *, const struct target *,
    const struct drain_head *, const char *text);

struct target *target_new(
    struct helper *, const char *id, const char *url, const char *token);
void target_free(struct target *);
/* Does what can be done now; *wait becomes less if it wants another turn. */
void target_turn(struct target *, int64_t *wait);
/* libcurl is done with target->easy. */
void target_done(struct target *, CURLcode);
/* It failed: to be tried again later. */
void target_failed(struct target *, const char *why);
void target_delivered(struct target *, uint64_t seq);
/* For good: these lines, the last of which is seq, are given up. */
void target_refused(
    struct target *, uint64_t seq, uint32_t lines, const char *why);
/* What both kinds of an easy handle have in common; NULL: no memory. */
CURL *target_easy(struct target *, const char *url);
void target_drop_easy(struct target *);

void syslog_turn(struct target *, int64_t *wait);
void syslog_done(struct target *, CURLcode);
void syslog_close(struct target *);
/* What to poll it for, 0 if it is not connected. */
short syslog_events(const struct target *);

void https_turn(struct target *, int64_t *wait);
void https_done(struct target *, CURLcode);

#endif

/*
 * Sessions: commands with a client at the other end (common/session.h).  Each
 * has a process of its own between the two, so that nothing that a client
 * sends can harm pid 1.
 */
#ifndef PAAS_INIT_SESSION_H
#define PAAS_INIT_SESSION_H

#include <sys/types.h>

#include "common/session.h"
#include "launcher/init_args.h"
#include "launcher/protocol.h"

/*
 * A process that serves the stream and ends as the command did: with its
 * status, or killed by its signal.  The stream stays the caller's.  -1 with
 * errno.  With `all`, whatever else the command started ends with it.
 */
pid_t session_start(int stream, const struct init_args *, int all);

/* A last word to a client, instead of a session. */
void session_refuse(int stream, const char *why);

/* ---- between the files of a session ---- */

/* Frames that come, and those that wait to be sent. */
struct session_frames {
	int stream;
	int lost; /* the client */
	size_t in;
	uint8_t head_in[SESSION_HEAD];
	uint8_t data_in[SESSION_MAX];
	size_t at, out; /* of what waits: sent, all */
	uint8_t data_out[SESSION_HEAD + SESSION_MAX];
};

/* Reads what is there; 1 once a frame is whole: then it is to be taken. */
int frames_read(struct session_frames *);
size_t frames_length(const struct session_frames *);
void frames_taken(struct session_frames *);

/* Only when nothing waits; at most SESSION_MAX bytes. */
void frames_put(
    struct session_frames *, enum session_type, const void *, size_t len);
/* Room to read into, of SESSION_MAX bytes; then its length and type. */
uint8_t *frames_room(struct session_frames *);
void frames_fill(struct session_frames *, enum session_type, size_t len);
int frames_waiting(const struct session_frames *);
void frames_write(struct session_frames *);

struct session {
	const struct init_args *args;
	struct session_frames frames;
	int tty;
	int signals;
	pid_t command; /* 0: not started yet */
	int ended;
	int status; /* waitpid's */
	int in;     /* its stdin or terminal, -1: at its end */
	int out;
	int err;
	size_t fed; /* of the frame of data at hand */
	uint16_t rows, columns;
	int64_t heard, said; /* monotonic ms */
	int64_t hung;        /* its client went then; 0: it is there */
};

/* init_command.c: 0, or -1 with errno. */
int session_command(struct session *);
void session_resize(const struct session *);
/* Kills all that is below this process, and waits for it. */
void session_end_all(void);

#endif

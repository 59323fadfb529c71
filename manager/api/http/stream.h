/*
 * An answer of text that comes bit by bit: build output, log lines.
 *
 * Each client has a bounded buffer, and beyond it at most one line.  Who
 * writes is told when half of it is used, and again when there is room; a line
 * is never cut.
 */
#ifndef PAAS_API_STREAM_H
#define PAAS_API_STREAM_H

#include <stddef.h>

#define STREAM_BUFFER_MAX (256 * 1024)

struct request;
struct stream;

struct stream_owner {
	/* Room again, after a line that was answered with 1 or -1. */
	void (*drained)(void *arg);
	/* The last call: the client has gone, or has got all of it. */
	void (*closed)(void *arg);
};

/*
 * Answers the request with a stream: of lines, or, for who accepts
 * text/event-stream, of events (WHATWG HTML 9.2.6), one for each line, with a
 * comment after each 15 s of silence.  For lines ?heartbeat=1 gets a NUL byte
 * after each 15 s of silence, as Heroku's build output has it; clients that are
 * gone are noticed without.  NULL if the request has got another answer, or its
 * client has gone: owner is then not called.
 */
struct stream *stream_open(struct request *, unsigned int status,
    const struct stream_owner *, void *arg);

/*
 * Adds text and a newline.  0; 1 if it is time to pause; -1 if there was no
 * room for it.
 */
int stream_line(struct stream *, const char *text, size_t len);

/*
 * The same; id, of characters that need no care, is the event's, by which the
 * client goes on after it: see stream_last().
 */
int stream_event(struct stream *, const char *id, const char *text, size_t len);

/*
 * An event of another name than "message", to say what is no line: who gets
 * lines gets nothing.  id may be NULL.  As stream_line().
 */
int stream_note(struct stream *, const char *name, const char *id,
    const char *text, size_t len);

/* Does the client accept text/event-stream? */
int stream_wanted(const struct request *);

/* The id of the last event that the client has seen, or NULL. */
const char *stream_last(const struct request *);

/* Ends it after what was written; the stream is not the caller's any more. */
void stream_end(struct stream *);

#endif

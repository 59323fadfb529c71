/*
 * The client's end of a session (common/session.h): this program's own
 * terminal or pipes, and a command far away.
 *
 * What the command prints reaches the terminal as it is: that is what a
 * terminal of one's own is.  Nothing else does.
 */
#ifndef PAAS_CLI_SESSION_H
#define PAAS_CLI_SESSION_H

#include <jansson.h>

#include "cli/http.h"

struct cli;

/*
 * Sends a request that is to become a session, and leads it.  body may be
 * NULL.  Returns the command's exit status, 128 and its signal, or what
 * cli_failed says; EXIT_LOST if the connection ended before the command did.
 */
#define EXIT_LOST 255

int session_lead(struct cli *, const char *method, const char *path,
    const json_t *body, int tty);

/* What is at this end of a session. */
struct session_ends {
	int in, out, err;
	int tty;    /* the command is at a terminal */
	int raw;    /* in is one, too: what is typed comes as it is */
	int window; /* one whose size counts, or -1: 24 by 80 */
};

/* The same with other ends than this program's own. */
int session_lead_ends(struct cli *, const char *method, const char *path,
    const json_t *body, const struct session_ends *);

/* Both ends are terminals, and nobody asked for none. */
int session_tty(const struct cli *);

/* The loop on a connected stream; as above. */
int session_loop(struct cli *, int stream, const struct session_ends *);

#endif

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

/* Both ends are terminals, and nobody asked for none. */
int session_tty(const struct cli *);

/* The loop on a connected stream; as above. */
int session_loop(struct cli *, int stream, int tty);

#endif

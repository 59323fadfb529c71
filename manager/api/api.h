/*
 * The API room: HTTP/1.1 and JSON on run_dir/manager.sock, in the paths,
 * shapes and errors of the Heroku Platform API v3.  The kernel tells who is
 * calling: root and members of the manager's group are admins, anyone else is
 * refused.  On run_dir/api.sock the same for nginx and git, by tokens.
 */
#ifndef PAAS_API_H
#define PAAS_API_H

#include <systemd/sd-event.h>

#include "common/conf.h"

struct api;
struct build;
struct node;
struct routing;
struct store;

/*
 * Binds the socket and answers from the loop from now on; goes on with app
 * removals that a crash cut short.  All arguments must outlive it.  NULL with
 * a sentence in err.
 */
struct api *api_open(struct store *, struct build *, struct node *,
    struct routing *, const struct conf *, sd_event *, char err[PAAS_ERRLEN]);

/*
 * The same sockets where the store can't be opened, for `why`, which people on
 * manager.sock are told: every request is answered 503.
 */
struct api *api_open_locked(
    const char *why, const struct conf *, sd_event *, char err[PAAS_ERRLEN]);

/* Ends every request and stream, and takes the socket away.  NULL is fine. */
void api_close(struct api *);

#endif

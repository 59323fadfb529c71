/*
 * The routing stage: ready instances, domains and outside routes become the
 * route database that nginx reads.
 *
 * At the start everything is compared with what the database holds, in
 * slices that take turns with requests; a record that has not changed since
 * the revision in the database is passed by.  A change of the store touches
 * the app or host that it is about, at once and before any slice, and all that
 * was touched in one turn of the loop goes into one commit.  A host is taken
 * out only when its own records say so: the store ends the program rather than
 * show an absence that is none.
 */
#ifndef PAAS_ROUTING_H
#define PAAS_ROUTING_H

#include <systemd/sd-event.h>

#include "common/conf.h"
#include "store/keys.h"
#include "store/store.h"

struct routing;

/*
 * Store, settings and loop are borrowed and must outlive it.  NULL with a
 * sentence in err.  Routes stay as they are after a close.
 */
struct routing *routing_open(
    struct store *, const struct conf *, sd_event *, char err[PAAS_ERRLEN]);
void routing_close(struct routing *);

/*
 * The revision of the store that requests obey: every change up to it is in
 * the route database.  0 until all was compared after a start.
 */
uint64_t routing_revision(const struct routing *);

/*
 * The imported lines of a canonical host, as an array of strings, a new
 * reference; NULL if there are none.
 */
json_t *routing_imported(const struct routing *, const char *host);

/*
 * The app that requests for a canonical host go to, by the host itself or by
 * the longest wildcard over it; for ".example.com", those for hosts below it.
 * 0, or -1 if it is no app's.
 */
int routing_owner(struct store *, const struct conf *, const char *host,
    char app[KEY_NAME_MAX + 1]);

/* The same for this very host alone. */
int routing_owner_exact(struct store *, const struct conf *, const char *host,
    char app[KEY_NAME_MAX + 1]);

/*
 * The key of the certificate that a canonical host is served: "" if it has
 * none, and gets that of a wildcard over it, the default or nginx's own.
 */
void routing_cert(
    struct routing *, const char *host, char key[STORE_KEY_MAX + 1]);

/*
 * Is a certificate's name good for a host?  ".example.com" is for one label,
 * as in TLS; that a route's wildcard takes any number is another matter.
 */
int routing_name_covers(const char *name, const char *host);

#endif

/*
 * Sessions of browsers: a token whose secret is in a cookie, which no script
 * reads, and whose hash is in session/ID (keys.h).  It stands for a user, with
 * all scopes, until it has expired, was not used for its idle time, or the
 * user has another password.
 *
 * A browser sends a cookie whoever makes it ask.  So a request by cookie is
 * one of a page of our own only if its Origin and Sec-Fetch-Site say so (apps
 * are of the same site: SameSite is not enough), and changes something only
 * with X-CSRF-Token, which the answers about the session have.
 */
#ifndef PAAS_API_BROWSER_H
#define PAAS_API_BROWSER_H

#include <jansson.h>
#include <stdint.h>

struct request;
struct store;
struct store_txn;

#define BROWSER_COOKIE     "paas_session"
#define BROWSER_COOKIE_TLS "__Host-paas_session" /* of https, and no other */

#define BROWSER_EXPIRES (14LL * 86400) /* seconds; also the most */
#define BROWSER_IDLE    (24LL * 3600)
#define BROWSER_MAX     50 /* of a user: the oldest makes room */

/* The secret that a browser sent, borrowed; NULL: none. */
const char *browser_cookie(struct request *);

/*
 * Whether it is not over at `now` (us); also of tokens, which have no idle.
 * What a password has made ends with the password, see browser_stamp.
 */
int browser_lives(struct store *, json_t *record, int64_t now);

/* Of a request by cookie: NULL, or why it may not be the user's. */
const char *browser_suspect(struct request *);

/* 16 hex digits that differ with the password of a user's record. */
void browser_stamp(char out[17], json_t *user);
/* Into the record of a session or token, of the user whose it is. */
void browser_stamp_record(struct store *, json_t *record);
/*
 * The session or token that r came by goes on with the new password of user:
 * into the commit that changes it.
 */
void browser_keep(struct request *, json_t *user, struct store_txn *);

#define BROWSER_CSRF 65 /* hex, with the NUL */
void browser_csrf(struct request *, uint64_t id, char csrf[BROWSER_CSRF]);

/* Whether the request came to us by https. */
int browser_is_tls(struct request *);

#endif

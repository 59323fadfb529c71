/*
 * Who asks, and may they?
 *
 * On manager.sock the kernel tells: root and the manager's group may do
 * everything.  On api.sock it tells only that nginx or git asks; there a
 * token decides, for the routes that say that tokens may use them.
 */
#ifndef PAAS_API_ACCESS_H
#define PAAS_API_ACCESS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

struct access;
struct api;
struct request;

/* NULL with a sentence in err. */
struct access *access_open(struct api *, char err[PAAS_ERRLEN]);
void access_close(struct access *);

/*
 * Whether anybody has business at api.sock who is at the other end: nginx,
 * git, or people who may do everything.
 */
int access_greets(const struct access *, int fd);

/* Whether the process at the other end may use this door; else it answers. */
int access_peer(struct request *);

/* The same of the route, by the token that was sent. */
int access_route(struct request *);

enum access_result {
	ACCESS_GOOD,
	ACCESS_WRONG, /* unknown, revoked, expired: not told apart */
	ACCESS_LATER  /* wrong too often, and not looked at */
};

/*
 * A token of somebody at an address (as nginx prints it, "" for this
 * machine).  GOOD: its record, a new reference, and its id; its use is noted.
 * LATER: the seconds to wait.
 */
enum access_result access_token(struct access *, const char *text, size_t len,
    const char *address, json_t **record, uint64_t *id, unsigned int *wait);

/* A new token of one push: its text, of PUSH_TOKEN_TEXT bytes. */
void access_push_token(
    struct access *, char *text, uint64_t token, uint64_t app);

/*
 * A token for one session of somebody who came with an SSH key of that number:
 * PUSH_TOKEN_TEXT bytes.  And back: the key's record, a new reference, or NULL
 * if it is none, is over, or the key has been removed meanwhile.
 */
void access_login_token(struct access *, char *text, uint64_t key);
json_t *access_login(
    struct access *, const char *text, size_t len, uint64_t *key);

/* Does a process of git's own ask, and not nginx? */
int access_is_git(const struct request *);

/*
 * The secret of an Authorization header, Basic or Bearer, into buf; its
 * length, 0 if it can't be read.  Of a name and a password, the password, or
 * the name if that is empty.
 */
size_t access_secret(const char *header, char *buf, size_t size);

#endif

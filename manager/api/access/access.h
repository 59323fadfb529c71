/*
 * Who asks, and may they?
 *
 * On manager.sock the kernel tells: root and the manager's group may do
 * everything.  On api.sock it tells only that nginx or git asks; there a
 * token decides, and what the route needs (api_table.h).
 */
#ifndef PAAS_API_ACCESS_H
#define PAAS_API_ACCESS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/access/who.h"
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

/*
 * Where somebody asks from, into r->who: what nginx says, and nobody else.
 */
void access_address(struct request *);

/* The same of the route, by the token that was sent and by its need. */
int access_route(struct request *);

/* Fills r->who by the token; 0 after an answer. */
int access_identify(struct request *);

/* Whether r->who may: 0 after an answer. */
int access_allows(struct request *);

/* The same once the body is there, which an upload's takes hours for. */
int access_allows_whole(struct request *);

/*
 * The same long after, of an answer that goes on: the token, the session, the
 * user, the role and the app are read again, r->who as well.  0: it is over.
 * There is no answer to give.
 */
int access_still_allows(struct request *);

/*
 * Reads again who it is, by who->basis, token and push_until alone.  0, or -1
 * if that is no more, or has expired.
 */
int access_renew(struct access *, struct who *);

enum access_result {
	ACCESS_GOOD,
	ACCESS_WRONG, /* unknown, revoked, expired: not told apart */
	ACCESS_LATER  /* wrong too often, and not looked at */
};

/*
 * A token of somebody at who->address.  GOOD: who it stands for; its use is
 * noted.  LATER: the seconds to wait.
 */
enum access_result access_token(struct access *, const char *text, size_t len,
    struct who *who, unsigned int *wait);

/* The same of the secret in a browser's cookie: browser.h. */
enum access_result access_session(struct access *, const char *text, size_t len,
    struct who *who, unsigned int *wait);

/*
 * Whether it is a page of ours that asks, if it is a page at all: 0 after an
 * answer.
 */
int access_origin(struct request *);

/*
 * Of attempts at something from an address ("": this machine; NULL: from
 * anywhere): the seconds to wait, or 0, and another one that was wrong.
 */
unsigned int access_wait(struct access *, const char *address, uint64_t id);
void access_wrong(struct access *, const char *address, uint64_t id);

/*
 * The network that an address is of, as far as strangers are told apart by it
 * (24 bits of IPv4, 48 of IPv6); and whether anybody there was wrong lately,
 * however seldom.
 */
#define ACCESS_NETWORK 13
void access_network(char network[ACCESS_NETWORK], const char *address);
int access_was_wrong(struct access *, const char *address);

/*
 * BLAKE2b of a text that begins with what it is for, by a key that outlives
 * this program; ACCESS_MAC_TEXT bytes of hex.
 */
#define ACCESS_MAC      32
#define ACCESS_MAC_TEXT (2 * ACCESS_MAC + 1)
void access_sign(
    const struct access *, const char *text, size_t len, char *hex);

/* A new token of one push: its text, of PUSH_TOKEN_TEXT bytes. */
void access_push_token(
    struct access *, char *text, uint64_t token, uint64_t app);

/*
 * And back: who may push, to that app and nothing else, and which push it is.
 * 0, or -1.
 */
int access_push(struct access *, const char *text, size_t len, const char *app,
    struct who *, uint64_t *nonce);

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

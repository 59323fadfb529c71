/*
 * `paas heroku`: the stock CLI of Heroku's, which trusts an address of this
 * machine and nothing else that is not its maker's.  So one process of ours
 * listens on a loopback port as long as that program runs, and answers, on
 * the one port:
 *
 *   HTTP        a request is passed on to where this program is logged in
 *   TLS         the same in TLS, by a certificate made for this run
 *   rendezvous  in TLS, a line "~KEY/apps/APP/dynos/run.N/attach?tty" and the
 *               answer "rendezvous": a terminal's bytes from then on
 *
 * A request has the run's key as its token, or "/~KEY" before its path: what
 * the API says about streams is given out in that shape, as they are asked
 * for without a token.
 */
#ifndef PAAS_CLI_HEROKU_H
#define PAAS_CLI_HEROKU_H

#include <openssl/ssl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/conf.h"

struct cli;

#define HEROKU_KEY_BYTES 32
#define HEROKU_KEY       (2 * HEROKU_KEY_BYTES + 1)

struct heroku {
	struct cli *cli;
	int listener;
	uint16_t port;
	char key[HEROKU_KEY];
	SSL_CTX *tls;
	int ca;        /* its certificate, and others to be believed in */
	int signals;   /* all that this process heeds */
	sigset_t mask; /* the one before */
};

/* ---- heroku_tls.c */

/*
 * A key and a certificate for 127.0.0.1 that nobody else ever has, and a file
 * without a name that holds the latter.  0, or -1 with a sentence in err.
 */
int heroku_tls_make(struct heroku *, char err[PAAS_ERRLEN]);

/* ---- heroku_stream.c: a client, in TLS or not */

struct heroku_stream {
	int fd;
	SSL *tls; /* NULL: not in TLS */
};

/*
 * Looks at the first byte, and shakes hands if it is TLS's.  0, or -1 if that
 * came to nothing or took too long.
 */
int heroku_stream_open(struct heroku_stream *, struct heroku *, int fd);

/* 0 at its end, -1 if it broke off. */
ssize_t heroku_stream_read(struct heroku_stream *, void *buf, size_t len);

/* All of it, in one record if it is not over 16 KiB.  0, or -1. */
int heroku_stream_write(struct heroku_stream *, const void *data, size_t len);

/* There may be more although poll does not say so. */
int heroku_stream_pending(const struct heroku_stream *);
void heroku_stream_close(struct heroku_stream *);

/* ---- heroku_proxy.c */

/* Listens.  0, or -1 with a sentence in err. */
int heroku_proxy_open(struct heroku *, char err[PAAS_ERRLEN]);

/* Serves until the program has ended; its exit status, as a shell's. */
int heroku_proxy_run(struct heroku *, pid_t program);

/* Whether text is the key, or begins with "~KEY": in a time that tells nothing.
 */
int heroku_key_is(const struct heroku *, const char *text);
int heroku_key_leads(const struct heroku *, const char *text);

/* ---- heroku_http.c */

#define HEROKU_HEAD_MAX 32768

/* One request: what of it was read already, ended with a NUL. */
void heroku_http(
    struct heroku *, struct heroku_stream *, char *read, size_t len);

/* ---- heroku_answer.c */

/*
 * The addresses in an answer, made to lead here: for a JSON text of such a
 * length a new one, which is the caller's; or NULL if there is none in it.
 */
char *heroku_answer(const struct heroku *, const char *text, size_t len);

/* ---- heroku_rendezvous.c */

/* The path of a session behind a key, and what was read of it by then. */
void heroku_rendezvous(struct heroku *, struct heroku_stream *, char *path);

#endif

/*
 * HTTP/1.1 over the manager's unix socket, or to a platform elsewhere, by
 * libcurl.  Bodies stream in both
 * directions; only JSON answers are held in memory, with a bound.
 */
#ifndef PAAS_CLI_HTTP_H
#define PAAS_CLI_HTTP_H

#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/conf.h"

#define HTTP_ANSWER_MAX  (64 * 1024 * 1024)
#define HTTP_PATH_MAX    2048
#define HTTP_ANSWER_TIME 120 /* seconds for an answer in JSON */

enum http_result {
	HTTP_OK,
	HTTP_REFUSED,     /* the API's own message is in err */
	HTTP_UNREACHABLE, /* nobody listens there */
	HTTP_BROKEN,      /* the connection ended in the middle */
	HTTP_STOPPED      /* a callback or *stop ended it */
};

/* Returns 0 to go on; anything else ends the request: HTTP_STOPPED. */
typedef int (*http_sink_cb)(const char *data, size_t len, void *arg);

/* Fills at most len bytes; 0 is the end, -1 an error: HTTP_STOPPED. */
typedef ssize_t (*http_source_cb)(char *buf, size_t len, void *arg);

struct http_call {
	const char *method;
	const char *path;   /* encoded already */
	const json_t *body; /* or: */
	http_source_cb source;
	const char *source_type;
	const char *token;      /* Authorization: Bearer; NULL: that of http */
	const char *accept;     /* NULL: application/json */
	const char *last_event; /* Last-Event-ID; NULL or "": none */
	const char *user;       /* Basic, in its place; or NULL */
	const char *password;
	const char *header; /* of the answer, wanted: "Name:"; or NULL */
	http_sink_cb sink;  /* of a 2xx body; NULL: parse it as JSON */
	void *arg;          /* of source and sink */
	unsigned seconds;   /* for JSON; 0: HTTP_ANSWER_TIME */
	const volatile sig_atomic_t *stop; /* may be NULL */
};

struct http_answer {
	long status;
	json_t *json;    /* the caller's, NULL if there is none */
	char id[64];     /* "not_found", ... of an error */
	char header[64]; /* the one that was wanted, "" if there was none */
	char err[PAAS_ERRLEN];
};

struct http;

/* Who may be believed that he is the platform elsewhere. */
struct http_trust {
	void (*set)(void *easy, const char *url);
	void (*explain)(const char *url, char err[PAAS_ERRLEN]);
};

/* Connects at the first request.  NULL: out of memory. */
struct http *http_open(const char *socket);
struct http *http_open_url(
    const char *url, const char *token, const struct http_trust *);
void http_close(struct http *);

/* NULL of one that was opened by the other one. */
const char *http_socket(const struct http *);
const char *http_url(const struct http *);
const char *http_token(const struct http *);

/* Has a handle of libcurl's ask there, at an encoded path. */
void http_aim(const struct http *, void *easy, const char *path);

/* Why nobody there has answered, after a CURLcode: a sentence, and the way out.
 */
void http_explain(
    const struct http *, void *easy, int rc, char err[PAAS_ERRLEN]);

/* What a 401 to the token of a platform elsewhere means, and the way out. */
void http_token_over(const struct http *, char err[PAAS_ERRLEN]);

enum http_result http_do(
    struct http *, const struct http_call *, struct http_answer *);

/*
 * snprintf for paths: the arguments, all of them strings, are
 * percent-encoded.  -1 if the result is too long.
 */
int http_path(char buf[HTTP_PATH_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int http_vpath(char buf[HTTP_PATH_MAX], const char *fmt, va_list)
    __attribute__((format(printf, 2, 0)));

#endif

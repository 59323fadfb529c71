/*
 * One request, from its head to its answer.
 *
 * The head is checked, the body collected (JSON, bounded) or handed on as it
 * comes (uploads), then the verb runs.  A verb that has no answer yet leaves
 * the connection suspended until there is one.
 */
#ifndef PAAS_API_REQUEST_H
#define PAAS_API_REQUEST_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "api/api_table.h"
#include "api/server.h"
#include "api/http/uri.h"
#include "api/access/who.h"

#define REQUEST_BODY_MAX  (1024 * 1024)
#define REQUEST_PATIENCE  (1024 * 1024) /* of a body that is refused */
#define REQUEST_DRAIN_MAX (64 * 1024 * 1024)
#define REQUEST_TRIES_MAX 8 /* commits that met another */

struct store_txn;

struct request {
	TAILQ_ENTRY(request) entry;
	struct api *api;
	struct door *door;
	struct MHD_Connection *conn; /* NULL once the client has gone */
	const struct api_route *route;
	struct uri uri;
	const char *params[API_PARAMS_MAX]; /* what ':' stood for */
	char id[37];                        /* Request-Id */
	char path[256];                     /* as it came, for the audit */
	uid_t uid;

	struct who who;
	uint32_t rate_left; /* requests of this account, after this one */
	int version3;       /* asked for by Accept */
	int browser;        /* who->token is that of a session: browser.h */
	char cookie[256];   /* Set-Cookie, of an answer that is good */
	uint64_t push;      /* of the token of one: which it is */

	/*
	 * Of the app that an API_APP route names, as of this run; name is that
	 * of its keys, request_app() what people call it.
	 */
	char name[32];
	json_t *app;
	uint64_t app_rev;

	json_t *json;       /* the body; an object if there was none */
	char body_hash[33]; /* where idempotency.h needs it */
	int known_by_body;  /* a secret in it says who asks */
	char *body;
	size_t body_len, body_size;
	uint64_t drained;

	struct MHD_Response *response; /* the answer, once there is one */
	const char *text;              /* of one in JSON; the response's own */
	size_t text_len;
	unsigned int status;

	/* What a verb keeps between callbacks; freed with the request. */
	void *state;
	void (*state_free)(void *);

	int references;
	int tries;
	int suspended;
	int read; /* the verb has been run */
	int sent;
};

/* MHD_AccessHandlerCallback and MHD_RequestCompletedCallback. */
enum MHD_Result request_handle(void *door, struct MHD_Connection *,
    const char *url, const char *method, const char *version, const char *data,
    size_t *len, void **state);
void request_completed(void *door, struct MHD_Connection *, void **state,
    enum MHD_RequestTerminationCode);

/* The name of its app, for what people read. */
const char *request_app(const struct request *);

/* Who asks, for records and events: "root". */
void request_user(const struct request *, char *name, size_t len);

/* The fields of a record that say whose it is, for who_read(). */
void request_sign(const struct request *, json_t *record);

/* Keeps it over an asynchronous call; request_gone() says if anybody waits. */
struct request *request_hold(struct request *);
void request_release(struct request *);
int request_gone(const struct request *);

/*
 * For an upload that may be JSON instead: collects the body, and parses what
 * was collected into r->json.  1, or 0 after an answer.
 */
void request_append(struct request *, const void *data, size_t len);
int request_read_json(struct request *);

/* Runs the verb, or runs it again. */
void request_run(struct request *);

/* The connection waits, and goes on: it does nothing if it does so already. */
void request_suspend(struct request *);
void request_resume(struct request *);

/*
 * The value of ?name=, decoded into buf; NULL if there is none.  A malformed
 * or longer value is an answer of 400, and NULL: see respond_given().
 */
const char *request_query(
    struct request *, const char *name, char *buf, size_t len);

/*
 * ?name=NUMBER from 1 to max, else `otherwise`.  0 after an answer of 422.
 */
uint32_t request_query_number(
    struct request *, const char *name, uint32_t otherwise, uint32_t max);

/* ?name, =1, =true; not =0, =false.  Another word is an answer of 422, and 0.
 */
int request_query_flag(struct request *, const char *name);

/*
 * Commits and answers status with reply, whose reference is taken.  On a
 * conflict the verb is run again from the start.
 */
void request_commit(
    struct request *, struct store_txn *, unsigned int status, json_t *reply);

#endif

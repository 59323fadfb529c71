#include "api/http/request.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/access/access.h"
#include "api/http/id.h"
#include "api/http/idempotency.h"
#include "api/model.h"
#include "api/http/openapi.h"
#include "api/access/peer.h"
#include "api/http/protocol.h"
#include "api/http/rate.h"
#include "api/http/respond.h"
#include "api/http/unserved.h"
#include "store/names.h"

struct request *
request_hold(struct request *r)
{
	r->references++;
	return r;
}

void
request_release(struct request *r)
{
	if (--r->references > 0)
		return;
	if (r->state_free != NULL)
		r->state_free(r->state);
	json_decref(r->app);
	json_decref(r->json);
	free(r->body);
	uri_free(&r->uri);
	free(r);
}

const char *
request_app(const struct request *r)
{
	return names_in(r->name, r->app);
}

void
request_user(const struct request *r, char *name, size_t len)
{
	if (r->who.name[0] != '\0')
		strlcpy(name, r->who.name, len);
	else
		peer_name(r->uid, name, len);
}

void
request_sign(const struct request *r, json_t *record)
{
	char name[WHO_NAME];

	request_user(r, name, sizeof(name));
	json_object_set_new(record, "user", json_string(name));
	if (r->who.id[0] != '\0')
		json_object_set_new(record, "owner", json_string(r->who.id));
}

int
request_gone(const struct request *r)
{
	return r->conn == NULL;
}

void
request_resume(struct request *r)
{
	if (r->suspended && r->conn != NULL) {
		r->suspended = 0;
		MHD_resume_connection(r->conn);
		door_answer(r->door);
	}
}

void
request_suspend(struct request *r)
{
	r->suspended = 1;
	MHD_suspend_connection(r->conn);
}

/* ---- the head -------------------------------------------------------- */

/* Of a path of Heroku's also what to do instead. */
static void
request_refuse(
    struct request *r, unsigned int status, const char *id, const char *why)
{
	const char *instead = unserved_instead(&r->uri);

	respond_error(r, status, id, "%s%s%s", why, instead != NULL ? ": " : "",
	    instead != NULL ? instead : "");
}

static int
request_find(struct request *r, const char *method, const char *url)
{
	char allow[64], why[PAAS_ERRLEN];

	if (uri_split(&r->uri, url) == -1) {
		respond_missing(r, "there is nothing at that path");
		return 0;
	}
	switch (api_match(
	    method, &r->uri, &r->route, r->params, allow, sizeof(allow))) {
	case API_FOUND:
		return 1;
	case API_NO_PATH:
		snprintf(why, sizeof(why), "there is nothing at %s", url);
		request_refuse(r, MHD_HTTP_NOT_FOUND, "not_found", why);
		return 0;
	case API_NO_METHOD:
		snprintf(why, sizeof(why), "%s takes %s, not %.20s", url, allow,
		    method);
		request_refuse(
		    r, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed", why);
		respond_header(r, "Allow", allow);
		return 0;
	}
	return 0;
}

/* Reads the app afresh, also when a verb is run again. */
static int
request_load_app(struct request *r)
{
	if ((r->route->flags & API_APP) == 0)
		return 1;
	json_decref(r->app);
	r->app = model_find_app(r->api, r->params[0], r->name, &r->app_rev);
	if (r->app != NULL)
		return 1;
	respond_missing(r, "there is no app named %.60s", r->params[0]);
	return 0;
}

static void
request_start(struct request *r, const char *method, const char *url)
{
	strlcpy(r->path, url, sizeof(r->path));
	if (r->api->locked != NULL) {
		respond_broken(r, "%s",
		    r->door->kind == DOOR_PEOPLE
			? r->api->locked
			: "the keys to the platform's secrets are missing: "
			  "its operator finds out more with paas apps");
		return;
	}
	if (!access_peer(r) || !access_origin(r))
		return;
	if (r->door->kind == DOOR_PEOPLE)
		who_is_local(&r->who, "");
	access_address(r);
	if (!protocol_version(r) || !request_find(r, method, url) ||
	    !access_route(r) || !request_load_app(r))
		return;
	if (r->route->upload != NULL)
		r->route->upload->head(r);
}

static struct request *
request_new(struct door *door, struct MHD_Connection *conn)
{
	struct request *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->api = door->api;
	r->door = door;
	r->conn = conn;
	r->references = 1;
	r->rate_left = rate_most(door->api->rate);
	id_uuid(r->id);
	TAILQ_INSERT_TAIL(&r->api->requests, r, entry);
	return r;
}

/* ---- the body -------------------------------------------------------- */

void
request_append(struct request *r, const void *data, size_t len)
{
	size_t size = r->body_size == 0 ? 4096 : r->body_size;
	char *body;

	if (r->body_len + len > REQUEST_BODY_MAX) {
		respond_error(r, MHD_HTTP_CONTENT_TOO_LARGE,
		    "request_too_large",
		    "the body is over %d bytes, which is the most for JSON",
		    REQUEST_BODY_MAX);
		return;
	}
	while (size < r->body_len + len)
		size *= 2;
	if (size != r->body_size) {
		if ((body = realloc(r->body, size)) == NULL) {
			respond_broken(r, "out of memory");
			return;
		}
		r->body = body;
		r->body_size = size;
	}
	memcpy(r->body + r->body_len, data, len);
	r->body_len += len;
}

/*
 * MHD sends no answer before the end of a body, but a client with 5 GB for a
 * full disk should not have to send them all.  Nothing else is on its way to
 * it at this moment.
 */
static void
request_interrupt(struct request *r)
{
	const union MHD_ConnectionInfo *info;
	char head[512];
	int len;

	r->sent = 1;
	info =
	    MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	len = snprintf(head, sizeof(head),
	    "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
	    "Request-Id: %s\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n",
	    r->status, MHD_get_reason_phrase_for(r->status), r->id,
	    r->text_len);
	if (info == NULL || r->text == NULL || len < 0 ||
	    (size_t)len >= sizeof(head))
		return;
	if (send(info->connect_fd, head, (size_t)len,
		MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE) == len)
		(void)send(info->connect_fd, r->text, r->text_len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * Once there is an answer the rest is read and thrown away for a while: with
 * the connection closed, the client would find a broken pipe, and no answer.
 */
static enum MHD_Result
request_take(struct request *r, const char *data, size_t len)
{
	if (r->response != NULL) {
		r->drained += len;
		if (r->drained > REQUEST_PATIENCE && !r->sent)
			request_interrupt(r);
		return r->drained > REQUEST_DRAIN_MAX ? MHD_NO : MHD_YES;
	}
	if (r->route->upload != NULL)
		r->route->upload->data(r, data, len);
	else
		request_append(r, data, len);
	return MHD_YES;
}

/* No verb sees a field that the document does not name: openapi.h. */
static int
request_fits(struct request *r)
{
	char err[PAAS_ERRLEN];

	if (openapi_check(r->api->openapi, r->route, r->json, err) == 0)
		return 1;
	respond_invalid(r, "%s", err);
	return 0;
}

static int
request_parse(struct request *r)
{
	if ((r->route->flags & API_BODY) == 0 && r->body_len > 0) {
		respond_error(r, MHD_HTTP_BAD_REQUEST, "bad_request",
		    "this request takes no body");
		return 0;
	}
	return r->route->upload != NULL || request_read_json(r);
}

int
request_read_json(struct request *r)
{
	json_error_t error;

	idempotency_body(r);
	if (r->body_len == 0) {
		r->json = json_object();
		return request_fits(r);
	}
	r->json = json_loadb(r->body, r->body_len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	free(r->body);
	r->body = NULL;
	if (r->json != NULL)
		return request_fits(r);
	/* The error's own text quotes the body, which may hold a secret. */
	respond_error(r, MHD_HTTP_BAD_REQUEST, "bad_request",
	    "the body is not JSON: look at line %d, column %d", error.line,
	    error.column);
	return 0;
}

/* ---- the verb and the answer ----------------------------------------- */

void
request_run(struct request *r)
{
	if (access_allows_whole(r) && request_load_app(r) &&
	    idempotency_look(r))
		r->route->verb(r);
}

static enum MHD_Result
request_send(struct request *r)
{
	r->sent = 1;
	return MHD_queue_response(r->conn, r->status, r->response);
}

/* Who asks before sending a body is told at once. */
static int
request_answers_early(struct request *r, const char *method)
{
	return r->response != NULL &&
	       (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) &&
	       MHD_lookup_connection_value(
		   r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT) != NULL;
}

enum MHD_Result
request_handle(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **state)
{
	struct request *r = *state;
	size_t given = *len;

	(void)version;
	if (r == NULL) {
		if ((r = request_new(cls, conn)) == NULL)
			return MHD_NO;
		*state = r;
		request_start(r, method, url);
		return request_answers_early(r, method) ? request_send(r)
							: MHD_YES;
	}
	if (given > 0) {
		*len = 0;
		return request_take(r, data, given);
	}
	if (r->sent)
		return MHD_NO;
	if (r->response == NULL && !r->read) {
		r->read = 1;
		if (request_parse(r))
			request_run(r);
	}
	if (r->response != NULL)
		return request_send(r);
	if (r->api->closing)
		return MHD_NO;
	request_suspend(r);
	return MHD_YES;
}

void
request_completed(void *cls, struct MHD_Connection *conn, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct request *r = *state;
	struct door *door = cls;

	(void)conn;
	(void)code;
	if (r == NULL)
		return;
	*state = NULL;
	TAILQ_REMOVE(&door->api->requests, r, entry);
	r->conn = NULL;
	if (r->response != NULL)
		MHD_destroy_response(r->response);
	r->response = NULL;
	request_release(r);
}

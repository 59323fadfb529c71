#include "api/http/respond.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/protocol.h"
#include "api/http/request.h"

int
respond_given(const struct request *r)
{
	return r->response != NULL || request_gone(r);
}

void
respond_header(struct request *r, const char *name, const char *value)
{
	if (r->response != NULL)
		(void)MHD_add_response_header(r->response, name, value);
}

void
respond_with(
    struct request *r, unsigned int status, struct MHD_Response *answer)
{
	char left[16];

	if (answer == NULL) {
		log_err("api: out of memory for an answer");
		return;
	}
	if (respond_given(r)) {
		MHD_destroy_response(answer);
		return;
	}
	r->response = answer;
	r->status = status;
	respond_header(r, "Request-Id", r->id);
	snprintf(left, sizeof(left), "%u", r->rate_left);
	respond_header(r, "RateLimit-Remaining", left);
	respond_header(r, "Cache-Control", "no-store");
	respond_header(r, "X-Content-Type-Options", "nosniff");
	if (r->cookie[0] != '\0' && status < 300)
		respond_header(r, MHD_HTTP_HEADER_SET_COOKIE, r->cookie);
	request_resume(r);
}

static void
respond_tag(const char *text, size_t len, uint8_t tag[RESPOND_TAG])
{
	(void)crypto_generichash(
	    tag, RESPOND_TAG, (const uint8_t *)text, len, NULL, 0);
}

/*
 * What a client has already is not sent again: RFC 9110, 13.1.2.  The tag is a
 * hash of the answer.
 */
static int
respond_is_known(struct request *r, const uint8_t hash[RESPOND_TAG], char *tag)
{
	char hex[2 * RESPOND_TAG + 1];
	const char *has;
	size_t n;

	(void)sodium_bin2hex(hex, sizeof(hex), hash, RESPOND_TAG);
	(void)snprintf(tag, 2 * RESPOND_TAG + 3, "\"%s\"", hex);
	has = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	for (; has != NULL && *has != '\0'; has += n) {
		has += strspn(has, ", \t");
		if (strncmp(has, "W/", 2) == 0)
			has += 2;
		n = strcspn(has, ", \t");
		if ((n == 1 && *has == '*') ||
		    (n == strlen(tag) && memcmp(has, tag, n) == 0))
			return 1;
	}
	return 0;
}

static int
respond_has_tag(const struct request *r, unsigned int status)
{
	return (status == MHD_HTTP_OK || status == MHD_HTTP_PARTIAL_CONTENT) &&
	       !respond_given(r) && r->route != NULL &&
	       strcmp(r->route->method, "GET") == 0;
}

/* "": there is none. */
static void
respond_some_header(struct request *r, const char *name, const char *value)
{
	if (value[0] != '\0')
		respond_header(r, name, value);
}

void
respond_constant(struct request *r, const char *text, size_t len)
{
	unsigned int status = MHD_HTTP_OK;
	char tag[2 * RESPOND_TAG + 3];
	struct MHD_Response *answer;
	uint8_t hash[RESPOND_TAG];

	if (respond_given(r))
		return;
	respond_tag(text, len, hash);
	if (respond_is_known(r, hash, tag)) {
		status = MHD_HTTP_NOT_MODIFIED;
		len = 0;
	}
	answer = MHD_create_response_from_buffer(
	    len, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	if (answer != NULL)
		(void)MHD_add_response_header(
		    answer, "Content-Type", "application/json");
	respond_with(r, status, answer);
	respond_header(r, "ETag", tag);
}

/*
 * Takes the text, behind whose end is room for one more byte: a length is
 * given.  hash is NULL if it is not known.
 */
static void
respond_made(struct request *r, unsigned int status, char *text, size_t len,
    const uint8_t *hash, const struct range_said *said)
{
	char tag[2 * RESPOND_TAG + 3] = "";
	struct MHD_Response *answer;
	uint8_t own[RESPOND_TAG];

	text[len] = '\n';
	if (respond_has_tag(r, status)) {
		if (hash == NULL) {
			respond_tag(text, len + 1, own);
			hash = own;
		}
		if (respond_is_known(r, hash, tag)) {
			status = MHD_HTTP_NOT_MODIFIED;
			len = (size_t)-1;
		}
	}
	answer = MHD_create_response_from_buffer(
	    len + 1, text, MHD_RESPMEM_MUST_FREE);
	if (answer == NULL)
		free(text);
	else
		(void)MHD_add_response_header(
		    answer, "Content-Type", "application/json");
	if (answer != NULL && !respond_given(r)) {
		r->text = text;
		r->text_len = len + 1;
	}
	respond_with(r, status, answer);
	respond_some_header(r, "ETag", tag);
	respond_some_header(r, "Accept-Ranges", said->accept);
	respond_some_header(r, "Content-Range", said->content);
	respond_some_header(r, "Next-Range", said->next);
}

void
respond_json(struct request *r, unsigned int status, json_t *body)
{
	struct range_said said;
	char *text = NULL;

	if (body != NULL &&
	    (body = protocol_page(r, &status, body, &said)) == NULL)
		return;
	if (body != NULL)
		text = json_dumps(body, JSON_INDENT(2) | JSON_ENCODE_ANY);
	json_decref(body);
	if (text == NULL)
		respond_broken(r, "the answer could not be put into JSON");
	else
		respond_made(r, status, text, strlen(text), NULL, &said);
}

void
respond_rows(
    struct request *r, struct range_rows *rows, respond_text_cb make, void *arg)
{
	unsigned int status = MHD_HTTP_OK;
	uint8_t hash[RESPOND_TAG];
	struct range_said said;
	char *text;
	size_t len;

	memset(&said, 0, sizeof(said));
	if (protocol_page_rows(r, &status, rows, &said) == -1)
		return;
	text = make(rows->rows, rows->n, &len, hash, arg);
	if (text == NULL)
		respond_broken(r, "the answer could not be put into JSON");
	else
		respond_made(r, status, text, len, hash, &said);
}

static json_t *respond_text(const char *, va_list) PAAS_PRINTF(1, 0);
static void respond_verror(struct request *, unsigned int, const char *,
    const char *, va_list) PAAS_PRINTF(4, 0);

/*
 * What people typed may be in the text, cut in the middle of a character:
 * jansson refuses what is not UTF-8.
 */
static json_t *
respond_text(const char *fmt, va_list args)
{
	char text[1024];
	json_t *string;

	vsnprintf(text, sizeof(text), fmt, args);
	if ((string = json_string(text)) != NULL)
		return string;
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(text);
}

static void
respond_verror(struct request *r, unsigned int status, const char *id,
    const char *fmt, va_list args)
{
	json_t *body;

	body = json_pack(
	    "{s:s, s:o}", "id", id, "message", respond_text(fmt, args));
	if (body != NULL)
		respond_json(r, status, body);
}

void
respond_error(struct request *r, unsigned int status, const char *id,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	respond_verror(r, status, id, fmt, args);
	va_end(args);
}

void
respond_invalid(struct request *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	respond_verror(
	    r, MHD_HTTP_UNPROCESSABLE_CONTENT, "invalid_params", fmt, args);
	va_end(args);
}

void
respond_missing(struct request *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	respond_verror(r, MHD_HTTP_NOT_FOUND, "not_found", fmt, args);
	va_end(args);
}

void
respond_conflict(struct request *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	respond_verror(r, MHD_HTTP_CONFLICT, "conflict", fmt, args);
	va_end(args);
}

void
respond_broken(struct request *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	respond_verror(
	    r, MHD_HTTP_SERVICE_UNAVAILABLE, "service_unavailable", fmt, args);
	va_end(args);
}

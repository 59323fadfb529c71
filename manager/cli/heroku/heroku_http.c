/*
 * One request of the program's, passed on by libcurl: as it came, but for the
 * key, which becomes the token, and what concerns the connection alone.
 */
#include <bsd/string.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/heroku/heroku.h"
#include "cli/trust.h"

struct forward {
	struct heroku *heroku;
	struct heroku_stream *client;
	CURL *easy;
	struct http *http;
	const char *method;
	const char *path;
	int allowed;      /* it knows the key */
	int accepts;      /* it has an Accept header */
	curl_off_t left;  /* of the request's body; -1: who knows */
	const char *read; /* what of that is here already */
	size_t nread;
	FILE *head; /* of the answer, while it comes */
	char *head_text;
	size_t head_len;
	char *length; /* its Content-Length line, if it has one */
	FILE *json;   /* its body, if that is looked at */
	char *json_text;
	size_t json_len;
	int started; /* the head has gone to the client */
	int is_json;
	int gone; /* the client is */
};

/* Between two hosts alone, or made anew: RFC 9110, 7.6.1. */
static const char *const own_headers[] = {"connection", "keep-alive", "te",
    "trailer", "transfer-encoding", "upgrade", "proxy-connection", "host",
    "expect", "authorization", "content-length", "accept-encoding", NULL};

static int
header_is(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

static int
header_is_own(const char *line)
{
	size_t i;

	for (i = 0; own_headers[i] != NULL; i++)
		if (header_is(line, own_headers[i]))
			return 1;
	return 0;
}

static const char *
header_value(const char *line)
{
	const char *value = strchr(line, ':') + 1;

	return value + strspn(value, " \t");
}

/* ---- to the client ----------------------------------------------------- */

static void
client_refuse(struct forward *f, int status, const char *reason, const char *id,
    const char *why)
{
	json_t *body = json_pack("{s:s, s:s}", "id", id, "message", why);
	char *text = json_dumps(body, JSON_COMPACT), head[256];

	snprintf(head, sizeof(head),
	    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n",
	    status, reason, text != NULL ? strlen(text) : 0);
	(void)heroku_stream_write(f->client, head, strlen(head));
	if (text != NULL && strcmp(f->method, "HEAD") != 0)
		(void)heroku_stream_write(f->client, text, strlen(text));
	free(text);
	json_decref(body);
}

static void
client_send(struct forward *f, const void *data, size_t len)
{
	if (!f->gone && heroku_stream_write(f->client, data, len) == -1)
		f->gone = 1;
}

/* length: of the body, or -1 if it is as the platform has said. */
static void
client_send_head(struct forward *f, ssize_t length)
{
	char own[64] = "";

	f->started = 1;
	fflush(f->head);
	client_send(f, f->head_text, f->head_len);
	if (length >= 0) {
		snprintf(own, sizeof(own), "Content-Length: %zd\r\n", length);
		client_send(f, own, strlen(own));
	} else if (f->length != NULL)
		client_send(f, f->length, strlen(f->length));
	client_send(f, "Connection: close\r\n\r\n", 21);
}

/* What streams is passed on as it comes; JSON does not. */
static size_t
on_answer(char *data, size_t one, size_t len, void *arg)
{
	struct forward *f = arg;

	(void)one;
	if (f->is_json) {
		if (f->json_len + len > HTTP_ANSWER_MAX)
			return 0;
		return fwrite(data, 1, len, f->json);
	}
	if (!f->started)
		client_send_head(f, -1);
	client_send(f, data, len);
	return f->gone ? 0 : len;
}

/* Anew with each first line: 100 Continue has none that count. */
static size_t
on_header(char *data, size_t one, size_t len, void *arg)
{
	struct forward *f = arg;
	char line[HEROKU_HEAD_MAX];

	(void)one;
	if (len >= sizeof(line))
		return 0;
	memcpy(line, data, len);
	line[len] = '\0';
	if (strncmp(line, "HTTP/", 5) == 0) {
		rewind(f->head);
		f->is_json = 0;
		free(f->length);
		f->length = NULL;
	} else if (header_is(line, "content-length")) {
		free(f->length);
		f->length = strdup(line);
		return f->length != NULL ? len : 0;
	} else if (line[0] == '\r' || header_is_own(line))
		return len;
	if (header_is(line, "content-type"))
		f->is_json = strncasecmp(header_value(line), "application/json",
				 16) == 0 &&
			     strcmp(f->method, "HEAD") != 0;
	return fwrite(line, 1, len, f->head);
}

/* ---- from the client --------------------------------------------------- */

static size_t
on_need(char *buf, size_t one, size_t len, void *arg)
{
	struct forward *f = arg;
	ssize_t n;

	(void)one;
	if (f->left == 0)
		return 0;
	if ((curl_off_t)len > f->left)
		len = (size_t)f->left;
	if (f->nread > 0) {
		if (len > f->nread)
			len = f->nread;
		memcpy(buf, f->read, len);
		f->read += len;
		f->nread -= len;
		n = (ssize_t)len;
	} else
		n = heroku_stream_read(f->client, buf, len);
	if (n <= 0)
		return CURL_READFUNC_ABORT;
	f->left -= n;
	return (size_t)n;
}

/* libcurl would drop a header without a value: "Name;" is how it sends one. */
static struct curl_slist *
header_pass(struct curl_slist *list, char *line)
{
	if (*header_value(line) == '\0')
		*strchr(line, ':') = ';';
	return curl_slist_append(list, line);
}

static void
header_heed(struct forward *f, const char *line)
{
	const char *value = header_value(line);
	char *end;

	if (header_is(line, "authorization"))
		f->allowed |= strncasecmp(value, "Bearer ", 7) == 0 &&
			      heroku_key_is(f->heroku, value + 7);
	else if (header_is(line, "accept"))
		f->accepts = 1;
	else if (header_is(line, "transfer-encoding"))
		f->left = -1;
	else if (header_is(line, "content-length") && f->left != -1) {
		f->left = strtoll(value, &end, 10);
		if (*value < '0' || *value > '9' || *end != '\0')
			f->left = -1;
	}
}

static struct curl_slist *
headers_pass(struct forward *f, char *lines)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	const char *token = http_token(f->http);
	char *line, *end, own[256];

	for (line = lines; (end = strstr(line, "\r\n")) != NULL;
	     line = end + 2) {
		*end = '\0';
		if (strchr(line, ':') == NULL)
			continue;
		header_heed(f, line);
		if (!header_is_own(line))
			list = header_pass(list, line);
	}
	if (!f->accepts)
		list = curl_slist_append(list, "Accept:");
	if (token != NULL) {
		snprintf(own, sizeof(own), "Authorization: Bearer %s", token);
		list = curl_slist_append(list, own);
		explicit_bzero(own, sizeof(own));
	}
	return list;
}

/* ---- the whole --------------------------------------------------------- */

/* All of the head, and where it ends; NULL if it does not come. */
static char *
head_read(struct heroku_stream *client, char *head, size_t *len)
{
	char *end;
	ssize_t n;

	while ((end = strstr(head, "\r\n\r\n")) == NULL) {
		if (*len >= HEROKU_HEAD_MAX - 1)
			return NULL;
		n = heroku_stream_read(
		    client, head + *len, HEROKU_HEAD_MAX - 1 - *len);
		if (n <= 0)
			return NULL;
		*len += (size_t)n;
		head[*len] = '\0';
	}
	return end + 4;
}

/* "GET /PATH HTTP/1.1", or -1.  lines: where the headers begin. */
static int
line_parse(struct forward *f, char *head, char **lines)
{
	char *path = strchr(head, ' '), *version;

	*lines = strstr(head, "\r\n") + 2;
	(*lines)[-2] = '\0';
	if (path == NULL || path == head || path[1] != '/')
		return -1;
	*path++ = '\0';
	if ((version = strchr(path, ' ')) == NULL ||
	    strncmp(version, " HTTP/1.", 8) != 0)
		return -1;
	*version = '\0';
	if (heroku_key_leads(f->heroku, path + 1)) {
		f->allowed = 1;
		path += 1 + HEROKU_KEY;
	}
	f->method = head;
	f->path = path;
	return *path == '/' && strlen(path) < HTTP_PATH_MAX ? 0 : -1;
}

static CURLcode
forward_perform(struct forward *f, struct curl_slist *headers)
{
	CURL *easy = f->easy;

	http_aim(f->http, easy, f->path);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, f->method);
	if (strcmp(f->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (f->left > 0 || strcmp(f->method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, f->left);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_need);
		curl_easy_setopt(easy, CURLOPT_READDATA, f);
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
	return curl_easy_perform(easy);
}

/* What has not gone yet. */
static void
forward_finish(struct forward *f, CURLcode rc)
{
	char why[PAAS_ERRLEN], *text;

	if (f->started || f->gone)
		return;
	if (rc != CURLE_OK) {
		http_explain(f->http, f->easy, rc, why);
		client_refuse(
		    f, 503, "Service Unavailable", "service_unavailable", why);
		return;
	}
	fflush(f->json);
	if (!f->is_json) {
		client_send_head(f, -1);
		return;
	}
	text = heroku_answer(f->heroku, f->json_text, f->json_len);
	client_send_head(
	    f, (ssize_t)(text != NULL ? strlen(text) : f->json_len));
	client_send(f, text != NULL ? text : f->json_text,
	    text != NULL ? strlen(text) : f->json_len);
	free(text);
}

static void
forward_run(struct forward *f, char *lines)
{
	struct curl_slist *headers = headers_pass(f, lines);

	if (!f->allowed)
		client_refuse(f, 401, "Unauthorized", "unauthorized",
		    "this port is for the one program that `paas heroku` has "
		    "started");
	else if (f->left < 0)
		client_refuse(f, 411, "Length Required", "bad_request",
		    "a body needs a Content-Length here");
	else
		forward_finish(f, forward_perform(f, headers));
	curl_slist_free_all(headers);
}

/* Handles of its own: those of the process that it comes from are in use. */
static struct http *
http_again(const struct http *http)
{
	return http_socket(http) != NULL
		   ? http_open(http_socket(http))
		   : http_open_url(
			 http_url(http), http_token(http), &trust_platform);
}

void
heroku_http(
    struct heroku *h, struct heroku_stream *client, char *head, size_t len)
{
	struct forward f = {.heroku = h, .client = client, .method = ""};
	char *body = head_read(client, head, &len), *lines;

	if (body == NULL)
		return;
	f.read = body;
	f.nread = len - (size_t)(body - head);
	body[-2] = '\0';
	f.http = http_again(h->cli->http);
	f.easy = curl_easy_init();
	f.head = open_memstream(&f.head_text, &f.head_len);
	f.json = open_memstream(&f.json_text, &f.json_len);
	if (f.http == NULL || f.easy == NULL || f.head == NULL ||
	    f.json == NULL)
		return;
	if (line_parse(&f, head, &lines) == -1)
		client_refuse(&f, 400, "Bad Request", "bad_request",
		    "this is no request of HTTP/1.1");
	else
		forward_run(&f, lines);
	/* the process ends: what else there is goes with it */
	curl_easy_cleanup(f.easy);
}

/*
 * libcurl's multi interface with one transfer: so that a Ctrl-C is seen
 * between two turns, not when the transfer ends.
 */
#include <bsd/string.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/http.h"

/* Every 250 ms at least *stop is looked at. */
#define HTTP_TURN_MS 250
#define HTTP_ERR_MAX (256 * 1024)

struct http {
	CURL *easy;
	CURLM *multi;
	char *socket; /* NULL: */
	char *url;
	char *token;
	const struct http_trust *trust; /* of the url */
};

/* One request while it runs. */
struct http_run {
	const struct http_call *call;
	struct http_answer *answer;
	CURL *easy;
	char *text; /* a body that is not for the sink */
	size_t len;
	int stopped;
	int too_long;
};

/* NULL, and all of it freed, if something is missing. */
static struct http *
http_finish_open(struct http *http, int good)
{
	http->easy = curl_easy_init();
	http->multi = curl_multi_init();
	if (good && http->easy != NULL && http->multi != NULL)
		return http;
	http_close(http);
	return NULL;
}

struct http *
http_open(const char *socket)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL)
		return NULL;
	return http_finish_open(http, (http->socket = strdup(socket)) != NULL);
}

struct http *
http_open_url(
    const char *url, const char *token, const struct http_trust *trust)
{
	struct http *http = calloc(1, sizeof(*http));
	int good;

	if (http == NULL)
		return NULL;
	http->trust = trust;
	good = (http->url = strdup(url)) != NULL &&
	       (token == NULL || (http->token = strdup(token)) != NULL);
	return http_finish_open(http, good);
}

void
http_close(struct http *http)
{
	if (http == NULL)
		return;
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi);
	free(http->socket);
	free(http->url);
	if (http->token != NULL)
		explicit_bzero(http->token, strlen(http->token));
	free(http->token);
	free(http);
}

const char *
http_socket(const struct http *http)
{
	return http->socket;
}

const char *
http_url(const struct http *http)
{
	return http->url;
}

const char *
http_token(const struct http *http)
{
	return http->token;
}

int
http_vpath(char buf[HTTP_PATH_MAX], const char *fmt, va_list ap)
{
	static const char safe[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~";
	const char *p, *s;
	size_t n = 0;

	for (p = fmt; *p != '\0'; p++) {
		if (n + 4 >= HTTP_PATH_MAX)
			return -1;
		if (p[0] != '%' || p[1] != 's') {
			buf[n++] = *p;
			continue;
		}
		p++;
		for (s = va_arg(ap, const char *); *s != '\0'; s++) {
			if (n + 4 >= HTTP_PATH_MAX)
				return -1;
			/* a dot is left alone, unless ".." could be one */
			if (strchr(safe, *s) != NULL ||
			    (*s == '.' && n > 0 && buf[n - 1] != '/'))
				buf[n++] = *s;
			else
				n += (size_t)snprintf(
				    buf + n, 4, "%%%02X", (unsigned char)*s);
		}
	}
	buf[n] = '\0';
	return 0;
}

int
http_path(char buf[HTTP_PATH_MAX], const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = http_vpath(buf, fmt, ap);
	va_end(ap);
	return rc;
}

static size_t
http_on_data(char *data, size_t one, size_t len, void *arg)
{
	struct http_run *run = arg;
	size_t max = HTTP_ERR_MAX;
	long status = 0;
	char *text;

	(void)one;
	curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 2) {
		if (run->call->sink != NULL) {
			run->stopped =
			    run->call->sink(data, len, run->call->arg);
			return run->stopped ? 0 : len;
		}
		max = HTTP_ANSWER_MAX;
	}
	if (run->len + len > max) {
		run->too_long = 1;
		return 0;
	}
	text = realloc(run->text, run->len + len + 1);
	if (text == NULL)
		return 0;
	memcpy(text + run->len, data, len);
	run->text = text;
	run->len += len;
	text[run->len] = '\0';
	return len;
}

static size_t
http_on_need(char *buf, size_t one, size_t len, void *arg)
{
	struct http_run *run = arg;
	ssize_t n;

	(void)one;
	n = run->call->source(buf, len, run->call->arg);
	if (n < 0) {
		run->stopped = 1;
		return CURL_READFUNC_ABORT;
	}
	return (size_t)n;
}

/* The last one counts: that of the final answer. */
static size_t
http_on_header(char *data, size_t one, size_t len, void *arg)
{
	struct http_run *run = arg;
	const char *name = run->call->header;
	size_t n = strlen(name), i = n;

	(void)one;
	if (len <= n || strncasecmp(data, name, n) != 0)
		return len;
	while (i < len && data[i] == ' ')
		i++;
	snprintf(run->answer->header, sizeof(run->answer->header), "%.*s",
	    (int)strcspn(data + i, "\r\n"), data + i);
	return len;
}

static long
http_seconds(const struct http_call *call)
{
	return call->seconds != 0 ? (long)call->seconds : HTTP_ANSWER_TIME;
}

/* A chunked upload, a JSON body, or none. */
static struct curl_slist *
http_set_body(struct http *http, struct http_run *run, char **body)
{
	CURL *easy = http->easy;
	const struct http_call *call = run->call;
	const char *token = call->token != NULL ? call->token : http->token;
	struct curl_slist *headers = NULL;
	char type[256];

	snprintf(type, sizeof(type), "Accept: %s",
	    call->accept != NULL ? call->accept : "application/json");
	headers = curl_slist_append(headers, type);
	if (call->last_event != NULL && call->last_event[0] != '\0') {
		snprintf(
		    type, sizeof(type), "Last-Event-ID: %s", call->last_event);
		headers = curl_slist_append(headers, type);
	}
	if (token != NULL && call->user == NULL) {
		snprintf(type, sizeof(type), "Authorization: Bearer %s", token);
		headers = curl_slist_append(headers, type);
		explicit_bzero(type, sizeof(type));
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	if (call->source != NULL) {
		snprintf(
		    type, sizeof(type), "Content-Type: %s", call->source_type);
		headers = curl_slist_append(headers, type);
		headers =
		    curl_slist_append(headers, "Transfer-Encoding: chunked");
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, http_on_need);
		curl_easy_setopt(easy, CURLOPT_READDATA, run);
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
	} else if (call->body != NULL) {
		*body = json_dumps(call->body, JSON_COMPACT);
		headers = curl_slist_append(
		    headers, "Content-Type: application/json");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, *body);
	} else if (strcmp(call->method, "POST") == 0) {
		headers = curl_slist_append(headers, "Content-Type:");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
	}
	if (call->sink == NULL && call->source == NULL)
		curl_easy_setopt(easy, CURLOPT_TIMEOUT, http_seconds(call));
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	return headers;
}

static CURLcode
http_perform(struct http *http, struct http_run *run)
{
	const volatile sig_atomic_t *stop = run->call->stop;
	CURLcode rc = CURLE_OK;
	CURLMsg *msg;
	int running = 1, left;

	curl_multi_add_handle(http->multi, http->easy);
	while (running) {
		if (curl_multi_perform(http->multi, &running) != CURLM_OK)
			break;
		if (stop != NULL && *stop) {
			run->stopped = 1;
			break;
		}
		if (running)
			curl_multi_poll(
			    http->multi, NULL, 0, HTTP_TURN_MS, NULL);
	}
	while ((msg = curl_multi_info_read(http->multi, &left)) != NULL) {
		if (msg->msg == CURLMSG_DONE)
			rc = msg->data.result;
	}
	curl_multi_remove_handle(http->multi, http->easy);
	return rc;
}

void
http_token_over(const struct http *http, char err[PAAS_ERRLEN])
{
	const char *token = getenv("PAAS_TOKEN");

	if (token != NULL && strcmp(token, http->token) == 0)
		snprintf(err, PAAS_ERRLEN,
		    "%.150s does not take the token in PAAS_TOKEN: it has "
		    "expired, was revoked, or is no token. `paas tokens:create` "
		    "makes another one",
		    http->url);
	else
		snprintf(err, PAAS_ERRLEN,
		    "%.150s does not take this token any more: it has expired, "
		    "or was revoked. `paas login %.150s` gets another one",
		    http->url, http->url);
}

/* {"id": ..., "message": ...} as Heroku has it. */
static void
http_refusal(const struct http_run *run, const struct http *http,
    struct http_answer *answer)
{
	const char *id = NULL, *message = NULL;

	json_unpack(answer->json, "{s?s, s?s}", "id", &id, "message", &message);
	if (id != NULL)
		strlcpy(answer->id, id, sizeof(answer->id));
	if (answer->status == 401 && http->token != NULL &&
	    run->call->user == NULL)
		http_token_over(http, answer->err);
	else if (message != NULL)
		strlcpy(answer->err, message, sizeof(answer->err));
	else if (http->url != NULL && answer->json == NULL)
		snprintf(answer->err, sizeof(answer->err),
		    "what answers at %.150s says %ld, and not as a platform "
		    "does: look at host, port and https:// or http://",
		    http->url, answer->status);
	else
		snprintf(answer->err, sizeof(answer->err),
		    "the manager answered %ld and did not say why",
		    answer->status);
	json_decref(answer->json);
	answer->json = NULL;
}

void
http_explain(const struct http *http, void *easy, int rc, char err[PAAS_ERRLEN])
{
	long error = 0;
	const char *hint = "Is it running? `scripts/up` starts it, --socket "
			   "names another one, and `paas login` one on another "
			   "machine";

	if (http->socket == NULL && rc == CURLE_PEER_FAILED_VERIFICATION) {
		http->trust->explain(http->url, err);
		return;
	}
	if (http->socket == NULL) {
		snprintf(err, PAAS_ERRLEN,
		    "cannot reach the platform at %.200s: %s. `paas login` "
		    "names another one, `paas logout` goes back to this "
		    "machine's",
		    http->url, curl_easy_strerror((CURLcode)rc));
		return;
	}
	curl_easy_getinfo((CURL *)easy, CURLINFO_OS_ERRNO, &error);
	if (error == EACCES || error == EPERM)
		hint = "Be root, or have yourself added to the group paas";
	snprintf(err, PAAS_ERRLEN, "cannot reach the manager at %.200s%s%s. %s",
	    http->socket, error != 0 ? ": " : "",
	    error != 0 ? strerror((int)error) : "", hint);
}

/* Of a name that is none, and a certificate that is not good, too. */
static int
http_is_unreachable(CURLcode rc)
{
	return rc == CURLE_COULDNT_CONNECT ||
	       rc == CURLE_COULDNT_RESOLVE_HOST ||
	       rc == CURLE_PEER_FAILED_VERIFICATION ||
	       rc == CURLE_SSL_CONNECT_ERROR;
}

static enum http_result
http_finish(struct http *http, struct http_run *run, CURLcode rc,
    struct http_answer *answer)
{
	json_error_t bad;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &answer->status);
	if (run->text != NULL)
		answer->json =
		    json_loadb(run->text, run->len, JSON_DECODE_ANY, &bad);
	/* a refusal may come, and the connection go, before all was sent */
	if (answer->status >= 300 && !run->stopped) {
		http_refusal(run, http, answer);
		return HTTP_REFUSED;
	}
	if (run->stopped)
		return HTTP_STOPPED;
	if (http_is_unreachable(rc)) {
		http_explain(http, http->easy, (int)rc, answer->err);
		return HTTP_UNREACHABLE;
	}
	if (rc == CURLE_OPERATION_TIMEDOUT)
		snprintf(answer->err, sizeof(answer->err),
		    "the manager did not answer within %ld s",
		    http_seconds(run->call));
	else if (run->too_long)
		strlcpy(answer->err, "the manager's answer is too long",
		    sizeof(answer->err));
	else if (rc != CURLE_OK)
		snprintf(answer->err, sizeof(answer->err),
		    "the connection to the manager broke off: %s",
		    curl_easy_strerror(rc));
	else if (run->len > 0 && answer->json == NULL)
		snprintf(answer->err, sizeof(answer->err),
		    "what answers at %.200s is not the manager: no JSON "
		    "(%.100s)",
		    http->url != NULL ? http->url : http->socket, bad.text);
	else
		return HTTP_OK;
	json_decref(answer->json);
	answer->json = NULL;
	return HTTP_BROKEN;
}

void
http_aim(const struct http *http, void *easy, const char *path)
{
	char url[HTTP_PATH_MAX + 512];
	CURL *to = easy;

	snprintf(url, sizeof(url), "%s%s",
	    http->url != NULL ? http->url : "http://paas", path);
	if (http->socket != NULL) {
		curl_easy_setopt(to, CURLOPT_UNIX_SOCKET_PATH, http->socket);
		curl_easy_setopt(to, CURLOPT_PROXY, "");
	}
	curl_easy_setopt(to, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(to, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(to, CURLOPT_URL, url);
	if (http->url != NULL)
		http->trust->set(to, http->url);
	curl_easy_setopt(to, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(to, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(to, CURLOPT_CONNECTTIMEOUT, 10L);
}

enum http_result
http_do(
    struct http *http, const struct http_call *call, struct http_answer *answer)
{
	struct http_run run = {
	    .call = call, .answer = answer, .easy = http->easy};
	struct curl_slist *headers;
	enum http_result result;
	CURL *easy = http->easy;
	char *body = NULL;

	memset(answer, 0, sizeof(*answer));
	curl_easy_reset(easy);
	http_aim(http, easy, call->path);
	if (call->user != NULL) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, call->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, call->password);
	}
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_on_data);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &run);
	if (call->header != NULL) {
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_on_header);
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, &run);
	}
	headers = http_set_body(http, &run, &body);
	result = http_finish(http, &run, http_perform(http, &run), answer);
	curl_slist_free_all(headers);
	free(body);
	free(run.text);
	return result;
}

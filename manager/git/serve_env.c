/*
 * nginx lets through what fits its patterns, and the manager has checked who
 * asks.  Here it is checked once more, as if neither had.
 */
#include "git/serve.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX     "0123456789abcdef"
#define DIGITS  "0123456789"
#define NAME    "abcdefghijklmnopqrstuvwxyz0123456789-"
#define RECEIVE "git-receive-pack"
#define UPLOAD  "git-upload-pack"

/* Objects larger than this are streamed, not held in memory. */
#define BIG_FILE "16m"

static int __attribute__((format(printf, 3, 4)))
refuse(char *err, int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, PAAS_ERRLEN, fmt, args);
	va_end(args);
	return status;
}

/* ---- what nginx hands over ------------------------------------------- */

/* bytes NULL: whatever can be printed.  min is its shortest length. */
static const struct field {
	const char *name;
	size_t offset, size;
	size_t min;
	const char *bytes;
} fields[] = {
#define FIELD(name, member, min, bytes)                             \
	{                                                           \
		name, offsetof(struct serve, member),               \
		    sizeof(((struct serve *)0)->member), min, bytes \
	}
    FIELD(SERVE_REPOSITORY, repository, 16, HEX),
    FIELD(SERVE_APP, app, 1, NAME),
    FIELD(SERVE_USER, user, 1, NULL),
    FIELD(SERVE_TOKEN, token, 0, HEX "push_"),
    FIELD(SERVE_SERVICE, service, 1, NAME "/"),
    FIELD("REQUEST_METHOD", method, 3, "GETPOSTH"),
    FIELD("QUERY_STRING", query, 0, NAME "="),
    FIELD("CONTENT_TYPE", type, 0, NAME "/"),
    FIELD("CONTENT_LENGTH", length, 0, DIGITS),
    FIELD("HTTP_CONTENT_ENCODING", encoding, 0, "gzip"),
    FIELD("GIT_PROTOCOL", protocol, 0, NAME "=:"),
    FIELD("REMOTE_ADDR", address, 0, HEX "ABCDEF.:"),
#undef FIELD
};

static int
field_fits(const struct field *field, const char *text)
{
	size_t len = strlen(text);

	if (len < field->min || len >= field->size)
		return 0;
	if (field->bytes != NULL)
		return text[strspn(text, field->bytes)] == '\0';
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
			return 0;
	return 1;
}

/* What may be asked: one row a kind of request. */
static const struct {
	const char *service;
	const char *method;
	const char *query;
	const char *type;
	int push;
} requests[] = {
    {"info/refs", "GET", "service=" UPLOAD, "", 0},
    {"info/refs", "GET", "service=" RECEIVE, "", 1},
    {UPLOAD, "POST", "", "application/x-" UPLOAD "-request", 0},
    {RECEIVE, "POST", "", "application/x-" RECEIVE "-request", 1},
    {UPLOAD, SERVE_SSH, "", "", 0},
    {RECEIVE, SERVE_SSH, "", "", 1},
};

static int
request_fits(struct serve *s, char *err)
{
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strcmp(s->service, requests[i].service) != 0 ||
		    strcmp(s->method, requests[i].method) != 0 ||
		    strcmp(s->query, requests[i].query) != 0 ||
		    strcmp(s->type, requests[i].type) != 0)
			continue;
		s->push = requests[i].push;
		s->ssh = strcmp(s->method, SERVE_SSH) == 0;
		if (s->push && s->method[0] != 'G' && s->token[0] == '\0')
			return refuse(err, 403, "A push needs its token.");
		return 0;
	}
	if (strcmp(s->service, "info/refs") == 0)
		return refuse(err, 403,
		    "That is what git before 1.6.6 asks: take a newer one.");
	return refuse(err, 400, "That is not what git asks.");
}

int
serve_read(struct serve *s, char *(*get)(const char *), char *err)
{
	const struct field *field;
	const char *conf, *text;
	size_t i;

	memset(s, 0, sizeof(*s));
	if ((conf = get(SERVE_CONF)) == NULL || conf[0] != '/')
		return refuse(err, 500, SERVE_CONF " is not set.");
	if (strlcpy(s->conf_path, conf, sizeof(s->conf_path)) >=
		sizeof(s->conf_path) ||
	    conf_load(&s->conf, conf, err) == -1)
		return 500;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		field = &fields[i];
		if ((text = get(field->name)) == NULL)
			text = "";
		if (!field_fits(field, text))
			return refuse(
			    err, 400, "%s is not right.", field->name);
		memcpy((char *)s + field->offset, text, strlen(text) + 1);
	}
	return request_fits(s, err);
}

/* ---- what git gets ---------------------------------------------------- */

/*
 * Before all that a repository's own config could say.  The three kinds of
 * damage that are let through are common in the history of old projects and
 * do no harm; who hosts git lets them through.
 */
static const struct {
	const char *key, *value;
} settings[] = {
    {"http.receivepack", "true"},
    {"http.uploadpack", "true"},
    {"transfer.fsckObjects", "true"},
    {"receive.fsck.badTimezone", "ignore"},
    {"receive.fsck.missingSpaceBeforeDate", "ignore"},
    {"receive.fsck.zeroPaddedFilemode", "ignore"},
    {"receive.denyDeletes", "true"},
    {"receive.shallowUpdate", "true"},
    {"receive.keepAlive", "5"},
    {"receive.autogc", "true"},
    /* One file a push: with that and its branch durable, all of it is. */
    {"receive.unpackLimit", "1"},
    {"core.fsync", "objects,derived-metadata,reference"},
    {"gc.autoDetach", "false"},
    {"core.bigFileThreshold", BIG_FILE},
    {"core.packedGitWindowSize", "32m"},
    {"core.packedGitLimit", "512m"},
    {"pack.threads", "1"},
    {"pack.windowMemory", "64m"},
    {"pack.deltaCacheSize", "32m"},
};

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))
#define NEXTRA    2 /* core.hooksPath, receive.maxInputSize */

/* A list of strings that grows to a fixed length. */
struct list {
	char **at;
	size_t n, size;
	int failed;
};

static void __attribute__((format(printf, 2, 3)))
list_add(struct list *list, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (list->n + 1 >= list->size ||
	    vasprintf(&list->at[list->n], fmt, args) == -1) {
		list->at[list->n] = NULL;
		list->failed = 1;
	} else
		list->n++;
	va_end(args);
}

static void
list_add_setting(struct list *list, size_t i, const char *key)
{
	list_add(list, "GIT_CONFIG_KEY_%zu=%s", i, key);
}

static void
list_add_settings(struct list *list, const struct serve *s, const char *libexec)
{
	size_t i;

	list_add(list, "GIT_CONFIG_NOSYSTEM=1");
	list_add(list, "GIT_CONFIG_GLOBAL=/dev/null");
	list_add(list, "GIT_CONFIG_COUNT=%zu", NSETTINGS + NEXTRA);
	for (i = 0; i < NSETTINGS; i++) {
		list_add_setting(list, i, settings[i].key);
		list_add(list, "GIT_CONFIG_VALUE_%zu=%s", i, settings[i].value);
	}
	list_add_setting(list, i, "core.hooksPath");
	list_add(list, "GIT_CONFIG_VALUE_%zu=%s/hooks", i++, libexec);
	list_add_setting(list, i, "receive.maxInputSize");
	list_add(list, "GIT_CONFIG_VALUE_%zu=%" PRIu64, i, s->conf.upload_max);
}

/* Only what the request has: an empty length is none. */
static void
list_add_if(struct list *list, const char *name, const char *value)
{
	if (value[0] != '\0')
		list_add(list, "%s=%s", name, value);
}

char **
serve_environment(const struct serve *s, const char *libexec, int lock)
{
	struct list list = {NULL, 0, 2 * (NSETTINGS + NEXTRA) + 32, 0};

	if ((list.at = calloc(list.size, sizeof(*list.at))) == NULL)
		return NULL;
	list_add(&list, "PATH=/usr/bin:/bin");
	list_add(&list, "LC_ALL=C.UTF-8");
	list_add(&list, "HOME=/nonexistent");
	list_add(&list, "GIT_PROJECT_ROOT=%s/git", s->conf.state_dir);
	list_add(&list, "GIT_HTTP_EXPORT_ALL=1");
	list_add(&list, "PATH_INFO=/%s.git/%s", s->repository, s->service);
	list_add(&list, "REQUEST_METHOD=%s", s->method);
	list_add(&list, "QUERY_STRING=%s", s->query);
	list_add_if(&list, "CONTENT_TYPE", s->type);
	list_add_if(&list, "CONTENT_LENGTH", s->length);
	list_add_if(&list, "HTTP_CONTENT_ENCODING", s->encoding);
	list_add_if(&list, "GIT_PROTOCOL", s->protocol);
	list_add(&list, "REMOTE_USER=%s", s->user);
	list_add_if(&list, "REMOTE_ADDR", s->address);
	list_add(&list, SERVE_CONF "=%s", s->conf_path);
	list_add(&list, SERVE_APP "=%s", s->app);
	list_add_if(&list, SERVE_TOKEN, s->token);
	list_add(&list, SERVE_LOCK "=%d", lock);
	list_add_settings(&list, s, libexec);
	return list.failed ? NULL : list.at;
}

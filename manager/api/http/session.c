#include "api/http/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "api/http/idempotency.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/http/session_keep.h"
#include "api/server.h"
#include "common/places.h"
#include "common/session.h"
#include "node/attach.h"

struct session {
	uint64_t instance;
	char *command; /* NULL: it has one */
	char **env;
	int tty;
	json_t *release; /* of a new command */
};

/* Is the word among those of the header, which commas separate? */
static int
header_has(struct request *r, const char *name, const char *word)
{
	const char *at =
	    MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
	size_t len, n = strlen(word);

	for (; at != NULL && *at != '\0'; at += len) {
		at += strspn(at, ", \t");
		len = strcspn(at, ", \t");
		if (len == n && strncasecmp(at, word, n) == 0)
			return 1;
	}
	return 0;
}

int
session_asked(struct request *r)
{
	if (header_has(r, MHD_HTTP_HEADER_CONNECTION, "upgrade") &&
	    header_has(r, MHD_HTTP_HEADER_UPGRADE, SESSION_UPGRADE))
		return 1;
	respond_error(r, MHD_HTTP_UPGRADE_REQUIRED, "upgrade_required",
	    "this becomes a session: ask for it with Connection: Upgrade and "
	    "Upgrade: " SESSION_UPGRADE);
	respond_header(r, MHD_HTTP_HEADER_UPGRADE, SESSION_UPGRADE);
	return 0;
}

static void
session_free(void *arg)
{
	struct session *s = arg;

	free(s->command);
	json_decref(s->release);
	release_env_free(s->env);
	free(s);
}

/* It is small, and nothing was sent before it: there is room. */
static void
session_say(int stream, const char *why)
{
	static const uint8_t status[2] = {0, 126};
	uint8_t text[SESSION_HEAD + 256 + SESSION_HEAD + sizeof(status)];
	size_t len = strnlen(why, 256);

	session_head(text, SESSION_SAY, len);
	memcpy(text + SESSION_HEAD, why, len);
	session_head(text + SESSION_HEAD + len, SESSION_EXIT, sizeof(status));
	memcpy(text + 2 * SESSION_HEAD + len, status, sizeof(status));
	(void)send(stream, text, 2 * SESSION_HEAD + len + sizeof(status),
	    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int
session_hand(struct request *r, struct session *s, int stream)
{
	struct launch_argv what = {
	    .envp = s->env, .flags = s->tty ? LAUNCH_ARGS_TTY : 0};
	struct launch_start start = {0}; /* it has been started */
	int error;

	if (s->command == NULL)
		return node_attach(r->api->node, s->instance, stream, NULL);
	error = release_argv(s->release, NULL, s->command, &what, &start) == 0
		    ? node_attach(r->api->node, s->instance, stream, &what)
		    : -ENOMEM;
	free((void *)(uintptr_t)what.argv);
	return error;
}

static uint64_t
session_of(const struct request *r)
{
	const struct session *s = r->state;

	return s->instance;
}

/* What is kept for as long as the session is has no secrets in it. */
static void
session_forget(struct request *r)
{
	session_free(r->state);
	r->state = NULL;
	r->state_free = NULL;
	json_decref(r->json);
	r->json = NULL;
	free(r->body);
	r->body = NULL;
	r->body_len = r->body_size = 0;
}

/*
 * The head of the answer is sent.  MHD closes its own descriptor without
 * ending the connection, which is the instance's by then.
 */
static void
session_upgraded(void *cls, struct MHD_Connection *conn, void *state,
    const char *extra, size_t extra_len, MHD_socket stream,
    struct MHD_UpgradeResponseHandle *handle)
{
	struct request *r = cls;
	struct door *door = r->door;
	int error = -EPROTO;

	(void)conn;
	(void)state;
	(void)extra;
	if (extra_len > 0)
		session_say(stream, "the first frame came before the answer");
	else if ((error = session_hand(r, r->state, stream)) == -E2BIG)
		session_say(stream, "the config vars exceed 1 MiB in all");
	else if (error == -ENOENT || error == -ECONNREFUSED)
		session_say(stream,
		    "the process is gone, or was started by an older version "
		    "of the platform: restart it");
	else if (error != 0)
		session_say(stream, strerror(-error));
	else if (session_keep(r, session_of(r), stream) != 0)
		(void)shutdown(stream, SHUT_RDWR);
	if (error != 0)
		idempotency_forget(r);
	session_forget(r);
	(void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	door_wake(door);
}

static void
session_answer(struct request *r, struct session *s)
{
	struct MHD_Response *answer;

	answer = MHD_create_response_for_upgrade(session_upgraded, r);
	if (answer == NULL) {
		session_free(s);
		respond_broken(r, "out of memory");
		return;
	}
	if (r->state_free != NULL)
		r->state_free(r->state);
	r->state = s;
	r->state_free = session_free;
	(void)MHD_add_response_header(
	    answer, MHD_HTTP_HEADER_UPGRADE, SESSION_UPGRADE);
	respond_with(r, MHD_HTTP_SWITCHING_PROTOCOLS, answer);
}

void
session_attach(struct request *r, uint64_t instance)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	s->instance = instance;
	session_answer(r, s);
}

void
session_exec(struct request *r, const struct release_process *proc,
    const char *command, int tty)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s != NULL) {
		s->instance = proc->id;
		s->tty = tty;
		s->command = strdup(command);
		s->release = json_incref(proc->record);
		s->env = release_env(proc);
	}
	if (s == NULL || s->command == NULL || s->env == NULL) {
		if (s != NULL)
			session_free(s);
		respond_broken(r, "out of memory");
		return;
	}
	session_answer(r, s);
}

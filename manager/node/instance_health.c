/*
 * How an instance is checked, as its release and people have it: whether it
 * is alive (health), and whether it is to get requests (readiness).
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/attach.h"
#include "node/instance.h"
#include "node/release_env.h"
#include "store/names.h"
#include "store/formation.h"

static uint32_t
number_of(json_t *object, const char *name, uint32_t otherwise)
{
	json_t *value = json_object_get(object, name);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > HEALTH_SECONDS_MAX)
		return otherwise;
	return (uint32_t)n;
}

uint32_t
instance_seconds(const struct instance *inst, enum instance_time which)
{
	const struct conf *conf = inst->node->conf;
	json_t *formation = instance_formation(inst);
	uint32_t n = 0;

	switch (which) {
	case INSTANCE_TIME_START:
		n = number_of(json_object_get(formation, "health"),
		    "start_timeout", conf->start_timeout);
		break;
	case INSTANCE_TIME_DRAIN:
		n = number_of(formation, "drain_timeout", conf->drain_timeout);
		break;
	case INSTANCE_TIME_STOP:
		n = number_of(formation, "stop_timeout", conf->stop_timeout);
		break;
	}
	json_decref(formation);
	return n;
}

/* ---- by a command ------------------------------------------------------ */

static int
command_hand(const struct instance *inst, const char *command, int stream)
{
	char app[KEY_NAME_MAX + 1], name[INSTANCE_NAME_MAX];
	struct release_process proc = {
	    .app = names_of(inst->node->store, inst->app, app),
	    .name = name,
	    .id = inst->rec.id,
	    .version = inst->version,
	    .memory = inst->memory};
	struct launch_start start = {0}; /* it has been started */
	struct launch_argv what = {0};
	char **env;
	int error;

	if ((proc.record = instance_release(inst)) == NULL)
		return -ENOENT;
	instance_name(inst, name);
	env = release_env(&proc);
	what.envp = env;
	if (env == NULL ||
	    release_argv(proc.record, NULL, command, &what, &start) == -1)
		error = -ENOMEM;
	else
		error = node_attach(inst->node, inst->rec.id, stream, &what);
	free((void *)(uintptr_t)what.argv);
	release_env_free(env);
	json_decref(proc.record);
	return error;
}

static int
command_begin(const struct instance *inst, const char *field)
{
	json_t *formation = instance_formation(inst);
	const char *command = json_string_value(
	    json_object_get(json_object_get(formation, field), "command"));
	int error, fds[2];

	if (command == NULL) {
		error = -EINVAL;
	} else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) ==
		   -1) {
		error = -errno;
	} else {
		error = command_hand(inst, command, fds[1]);
		close(fds[1]);
		if (error != 0)
			close(fds[0]);
		else
			error = fds[0];
	}
	json_decref(formation);
	return error;
}

static int
health_command(void *inst)
{
	return command_begin(inst, "health");
}

static int
readiness_command(void *inst)
{
	return command_begin(inst, "readiness");
}

/* ---- opening ----------------------------------------------------------- */

static void
changed(void *arg)
{
	struct instance *inst = arg;

	agent_due(inst->node->agent, inst);
}

/* What takes no requests is well while it runs, unless it says more. */
static enum health_type
type_of(const struct instance *inst, json_t *health)
{
	enum health_type type = health_type_of(health);

	if (!instance_is_web(inst) && type != HEALTH_COMMAND)
		return HEALTH_PROCESS;
	return type;
}

static struct health *
check_open(struct instance *inst, const char *field, int (*command)(void *))
{
	struct node *node = inst->node;
	json_t *formation = instance_formation(inst);
	json_t *check = json_object_get(formation, field);
	char host[300], name[KEY_NAME_MAX + 1];
	struct health_what what = {
	    .probe = {.type = type_of(inst, check),
		.address = conf_slot_addr(node->conf, inst->rec.slot),
		.port = instance_port(inst),
		.host = host,
		.path = json_string_value(json_object_get(check, "path")),
		.status = json_string_value(json_object_get(check, "status")),
		.headers = json_object_get(check, "headers"),
		.timeout = number_of(check, "timeout", 0),
		.command = command,
		.command_arg = inst},
	    .interval = number_of(check, "interval", 0),
	    .failures = number_of(check, "failures", 0),
	    .live = inst->rec.state != INSTANCE_STARTING,
	    .good = inst->rec.state == INSTANCE_READY,
	};
	struct health *health;

	snprintf(host, sizeof(host), "%s.%s",
	    names_of(node->store, inst->app, name), node->conf->domain);
	if (what.probe.path == NULL || !health_path_valid(what.probe.path))
		what.probe.path = "/";
	if (strcmp(field, "health") == 0)
		what.restart = number_of(check, "restart", HEALTH_RESTART);
	health = health_open(node->event, node->fetch, &what, changed, inst);
	json_decref(formation);
	if (health == NULL)
		agent_due_later(node->agent, inst);
	return health;
}

static int
has_readiness(const struct instance *inst)
{
	json_t *formation = instance_formation(inst);
	int has = instance_is_web(inst) &&
		  json_is_object(json_object_get(formation, "readiness"));

	json_decref(formation);
	return has;
}

static int
checks_open(struct instance *inst)
{
	if (inst->health != NULL)
		return 1;
	inst->health = check_open(inst, "health", health_command);
	if (inst->health == NULL)
		return 0;
	if (has_readiness(inst)) {
		inst->readiness =
		    check_open(inst, "readiness", readiness_command);
		if (inst->readiness == NULL)
			instance_health_close(inst);
	}
	return inst->health != NULL;
}

void
instance_health_close(struct instance *inst)
{
	health_close(inst->health);
	health_close(inst->readiness);
	inst->health = inst->readiness = NULL;
}

static const struct health *
first_bad(const struct instance *inst)
{
	if (inst->readiness != NULL && health_good(inst->health))
		return inst->readiness;
	return inst->health;
}

const char *
instance_health_why(const struct instance *inst)
{
	return inst->health == NULL ? "it was not asked yet"
				    : health_why(first_bad(inst));
}

unsigned
instance_health(struct instance *inst)
{
	unsigned events = 0;

	if (!checks_open(inst))
		return 0;
	if (health_dead(inst->health))
		events |= 1U << INSTANCE_HUNG;
	if (health_good(inst->health) &&
	    (inst->readiness == NULL || health_good(inst->readiness)))
		return events | 1U << INSTANCE_HEALTHY;
	return events | 1U << INSTANCE_SICK;
}

/* ---- what is told of it ------------------------------------------------ */

/* "did not listen on port 5000", "GET /up was not well", ... */
static void
check_text(const struct instance *inst, json_t *check, char *text, size_t len)
{
	const char *path = json_string_value(json_object_get(check, "path"));

	switch (type_of(inst, check)) {
	case HEALTH_HTTP:
		snprintf(text, len, "GET %.80s was not well",
		    path != NULL ? path : "/");
		break;
	case HEALTH_COMMAND:
		snprintf(text, len, "its check by a command did not do well");
		break;
	case HEALTH_PORT:
	case HEALTH_PROCESS:
	case HEALTH_TYPES:
		snprintf(text, len, "did not listen on port %d",
		    instance_port(inst));
	}
}

void
instance_late_text(const struct instance *inst, char *reason, size_t len)
{
	json_t *formation = instance_formation(inst);
	const char *field =
	    inst->health != NULL && first_bad(inst) == inst->readiness
		? "readiness"
		: "health";
	json_t *check = json_object_get(formation, field);
	uint32_t seconds = instance_seconds(inst, INSTANCE_TIME_START);
	char text[128];

	check_text(inst, check, text, sizeof(text));
	if (inst->health == NULL || type_of(inst, check) == HEALTH_PORT)
		snprintf(reason, len, "%s within %u s", text, seconds);
	else
		snprintf(reason, len, "%s within %u s: %s", text, seconds,
		    instance_health_why(inst));
	json_decref(formation);
}

void
instance_hung_text(const struct instance *inst, char *reason, size_t len)
{
	json_t *formation = instance_formation(inst);

	snprintf(reason, len, "its health check failed %u times in a row: %s",
	    number_of(json_object_get(formation, "health"), "restart",
		HEALTH_RESTART),
	    inst->health != NULL ? health_why(inst->health) : "");
	json_decref(formation);
}

/*
 * What a health check may be, wherever it is set: by the API, by a manifest.
 *
 *   {"type": "port" | "http" | "process" | "command",
 *    "path": "/healthz", "status": "200-299,304", "headers": {"NAME": "VALUE"},
 *    "command": "line of shell", "timeout": s, "interval": s, "failures": n,
 *    "restart": n, "start_timeout": s}
 *
 * All may be left out; without a type, a path makes it http, a command
 * command, and neither port.
 */
#ifndef PAAS_HEALTH_RULE_H
#define PAAS_HEALTH_RULE_H

#include <jansson.h>

#define HEALTH_PATH_MAX    200 /* bytes */
#define HEALTH_STATUS_MAX  64  /* bytes */
#define HEALTH_HEADERS_MAX 10
#define HEALTH_HEADER_MAX  256  /* bytes of a name and its value */
#define HEALTH_COMMAND_MAX 4096 /* bytes */
#define HEALTH_SECONDS_MAX 3600
#define HEALTH_TIMES_MAX   1000 /* of failures, restart */

#define HEALTH_STATUS   "200-399"
#define HEALTH_TIMEOUT  5 /* seconds */
#define HEALTH_INTERVAL 10
#define HEALTH_FAILURES 3 /* in a row, before it gets no more requests */
#define HEALTH_RESTART  6 /* and before it is restarted */

enum health_type {
	HEALTH_PORT,
	HEALTH_HTTP,
	HEALTH_PROCESS,
	HEALTH_COMMAND,
	HEALTH_TYPES
};

/* "port" and so on; -1 if there is no such type. */
const char *health_type_name(enum health_type);
int health_type_parse(const char *);

/* The type that a check has, by the rule above; one that is NULL is port. */
enum health_type health_type_of(json_t *health);

/* May this stand in a request line as it is? */
int health_path_valid(const char *);

/* "200", "200-299,304"; and is a status among them? */
int health_status_valid(const char *);
int health_status_has(const char *list, long status);

int health_header_valid(const char *name, const char *value);
int health_command_valid(const char *);

/*
 * Is this a check?  0, or -1 with the field that is not fine (borrowed from
 * the check) and what it has to be, as "has to be 1 to 3600 seconds".  A check
 * of readiness restarts nothing: it has no restart and no start_timeout.
 */
int health_check(
    json_t *health, int readiness, const char **field, const char **form);

#endif

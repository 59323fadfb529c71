/* What a process of a release is started with. */
#ifndef PAAS_RELEASE_ENV_H
#define PAAS_RELEASE_ENV_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"
#include "launcher/protocol.h"

struct launch_argv;

struct release_process {
	const char *app;  /* as people call it: names.h */
	const char *name; /* "web.1" */
	uint64_t id;
	uint32_t version;
	uint64_t memory; /* bytes: MEMORY_LIMIT, as Cloud Foundry has it */
	json_t *more;    /* {"NAME": "value"} beside the config, or NULL */
	json_t *record;  /* of the release; borrowed, as all of it */
};

/*
 * What a process type of a release, or with type NULL a line of shell, is
 * started with: fills in cwd and argv of the one and root_uid of the other.
 * All is borrowed from the release and the command but argv, which free()
 * frees.  -1 if out of memory.
 */
int release_argv(json_t *release, const char *type, const char *command,
    struct launch_argv *, struct launch_start *);

/* Where a web process of this release listens. */
uint16_t release_port(json_t *release);

/*
 * {"NAME": "value"} of the image, if the release is one, of the config, then
 * of `more`, as a list of NAME=VALUE that release_env_free frees; what the app
 * cannot choose comes last: who it is, and where it listens.  NULL if out of
 * memory.
 */
char **release_env(const struct release_process *);
void release_env_free(char **);

/* May a one-off process have this variable? */
int release_env_fixed(const char *name);

/* 64 hex digits; -1 if it is not, or NULL. */
int release_slug(const char *text, uint8_t slug[LAUNCH_HASH]);

/*
 * Limits of an app's instance; id, slot, app and slug are left alone.  own is
 * what its type has of its own (limits.h), or NULL.
 */
void release_limits(struct launch_start *, const struct conf *, uint64_t memory,
    const json_t *own);

#endif

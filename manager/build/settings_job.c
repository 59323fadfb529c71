/*
 * Which settings a build has: those that were sent for its push, which a
 * record holds until then, or what its tree says of itself.
 */
#include "build/room.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"

static json_t *
sent(struct job *job, const char *id)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record, *settings;

	record = store_get(job->build->store,
	    key_format(key, "settings/%s/%s", job->app, id), NULL);
	settings = json_incref(json_object_get(record, "settings"));
	json_decref(record);
	return settings;
}

/* "none", an id, or NULL. */
static const char *
which(const struct job *job)
{
	return json_string_value(json_object_get(job->record, "settings"));
}

int
job_settings(struct job *job, json_t **settings)
{
	const char *id = which(job);

	*settings = NULL;
	if (id == NULL)
		*settings = json_incref(job->found.settings);
	else if (strcmp(id, "none") != 0 &&
		 (*settings = sent(job, id)) == NULL) {
		job_blame(job,
		    "The settings that were sent for this push are not there "
		    "any more: push again.");
		return -1;
	}
	return 0;
}

char *
job_settings_text(struct job *job)
{
	const char *id = which(job);
	json_t *settings;
	char *text;

	if (id == NULL)
		return NULL;
	settings = strcmp(id, "none") != 0 ? sent(job, id) : NULL;
	text = settings != NULL ? json_dumps(settings, JSON_COMPACT)
				: strdup("none");
	json_decref(settings);
	if (text == NULL)
		log_fatal("build: out of memory");
	return text;
}

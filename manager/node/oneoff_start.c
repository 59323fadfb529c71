/* How a one-off process is started: release, command and environment. */
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/places.h"
#include "node/oneoff_impl.h"
#include "node/release_env.h"
#include "store/names.h"

static void
refuse(struct oneoff *o, const char *why)
{
	strlcpy(o->why, why, sizeof(o->why));
	o->over = 1;
}

static uint32_t
flags(const struct oneoff *o)
{
	uint32_t attach = LAUNCH_ARGS_ATTACH;

	if (json_is_true(json_object_get(o->want, "tty")))
		attach |= LAUNCH_ARGS_TTY;
	return json_is_true(json_object_get(o->want, "attach")) ? attach : 0;
}

void
oneoff_unpack(struct oneoff *o, tree_cb cb)
{
	struct tree_owner owner = {o->app, oneoff_appnumber(o)};
	char key[STORE_KEY_MAX + 1];
	uint8_t slug[LAUNCH_HASH];
	json_t *release;

	key_format(key, "release/%s/%08u", o->app,
	    (uint32_t)json_integer_value(json_object_get(o->want, "version")));
	release = store_get(o->all->node->store, key, NULL);
	if (release_slug(json_string_value(json_object_get(release, "slug")),
		slug) == -1 ||
	    tree_make(o->all->node, &owner, slug, cb, o) == -1)
		refuse(o, "its slug could not be unpacked");
	json_decref(release);
}

static void
send_start(struct oneoff *o, json_t *release, uint32_t version)
{
	const char *command =
	    json_string_value(json_object_get(o->want, "command"));
	struct launch_start start = {.app = oneoff_appnumber(o)};
	struct launch_argv what = {.flags = flags(o)};
	char app[KEY_NAME_MAX + 1], **list, name[ONEOFF_NAME_MAX];
	struct release_process proc = {
	    names_of(o->all->node->store, o->app, app), name, o->id, version,
	    oneoff_memory(o), json_object_get(o->want, "env"), release};

	release_limits(&start, o->all->node->conf, oneoff_memory(o),
	    json_object_get(o->want, "limits"));
	if (release_slug(json_string_value(json_object_get(release, "slug")),
		start.slug) == -1) {
		refuse(o, "its release has no slug: push the app again");
		return;
	}
	oneoff_name(o, name);
	list = release_env(&proc);
	what.envp = list;
	if (list == NULL ||
	    release_argv(release, NULL, command, &what, &start) == -1) {
		refuse(o, "out of memory");
	} else {
		o->launched = 1;
		run_start(o->run, &start, &what);
	}
	free((void *)(uintptr_t)what.argv);
	release_env_free(list);
}

void
oneoff_launch(struct oneoff *o)
{
	uint32_t version =
	    (uint32_t)json_integer_value(json_object_get(o->want, "version"));
	char key[STORE_KEY_MAX + 1], why[64];
	json_t *release;

	key_format(key, "release/%s/%08u", o->app, version);
	release = store_get(o->all->node->store, key, NULL);
	if (release == NULL) {
		snprintf(why, sizeof(why), "there is no release v%u", version);
		refuse(o, why);
	} else if (!json_is_string(json_object_get(o->want, "command"))) {
		refuse(o, "its record is damaged");
	} else {
		send_start(o, release, version);
	}
	json_decref(release);
}

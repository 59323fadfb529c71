/*
 * {"event": "SEQ", "lost": 0, "untold": 0, "delivered": 9, "files": {"ID":
 * [dev, ino, offset]}}.  A file that is missing or damaged means from the
 * drain's creation on.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/log.h"
#include "node/logdrain_impl.h"

static void
path_of(const struct logdrain *d, char path[PATH_MAX], const char *suffix)
{
	snprintf(path, PATH_MAX, "%s/%s%s", d->all->dir, d->id, suffix);
}

static void
source_load(struct logdrain *d, const char *hex, json_t *pos)
{
	struct drain_source *source;
	uint64_t id;

	if (key_parse_id(hex, &id) == -1 || json_array_size(pos) != 3 ||
	    (source = logdrain_add_source(d, id, "")) == NULL)
		return;
	source->done.dev = (uint64_t)json_integer_value(json_array_get(pos, 0));
	source->done.ino = (uint64_t)json_integer_value(json_array_get(pos, 1));
	source->done.offset = json_integer_value(json_array_get(pos, 2));
}

void
logdrain_load(struct logdrain *d)
{
	char path[PATH_MAX];
	const char *hex, *event;
	json_t *saved, *pos;

	path_of(d, path, "");
	if ((saved = json_load_file(path, 0, NULL)) == NULL)
		return;
	event = json_string_value(json_object_get(saved, "event"));
	if (event != NULL)
		strlcpy(d->event, event, sizeof(d->event));
	d->lost = (uint64_t)json_integer_value(json_object_get(saved, "lost"));
	d->untold =
	    (uint64_t)json_integer_value(json_object_get(saved, "untold"));
	d->delivered =
	    (uint64_t)json_integer_value(json_object_get(saved, "delivered"));
	json_object_foreach (json_object_get(saved, "files"), hex, pos)
		source_load(d, hex, pos);
	json_decref(saved);
}

void
logdrain_save(struct logdrain *d)
{
	char path[PATH_MAX], new[PATH_MAX], hex[17];
	struct drain_source *source;
	json_t *saved, *files = json_object();

	d->dirty = 0;
	TAILQ_FOREACH (source, &d->sources, entry) {
		if (source->done.ino == 0)
			continue;
		key_format_id(hex, source->id);
		json_object_set_new(files, hex,
		    json_pack("[I, I, I]", (json_int_t)source->done.dev,
			(json_int_t)source->done.ino,
			(json_int_t)source->done.offset));
	}
	saved = json_pack("{s:s, s:I, s:I, s:I, s:o}", "event", d->event,
	    "lost", (json_int_t)d->lost, "untold", (json_int_t)d->untold,
	    "delivered", (json_int_t)d->delivered, "files", files);
	path_of(d, path, "");
	path_of(d, new, ".new");
	if (saved == NULL || json_dump_file(saved, new, JSON_COMPACT) == -1 ||
	    rename(new, path) == -1) {
		log_warn("%s: %s", new, strerror(errno));
		d->dirty = 1;
	}
	json_decref(saved);
}

void
logdrain_remove(struct logdrain *d)
{
	char path[PATH_MAX];

	path_of(d, path, "");
	(void)unlink(path);
	path_of(d, path, ".new");
	(void)unlink(path);
}

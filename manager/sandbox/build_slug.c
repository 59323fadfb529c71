/*
 * A slug that was made elsewhere: the archive has the folder ./app, as
 * Heroku's do, and what it runs came with it.  Nothing is detected, compiled
 * or left out.
 * https://devcenter.heroku.com/articles/platform-api-deploying-slugs
 */
#include "sandbox/build.h"

#include <stdio.h>
#include <string.h>

#define SLUG_FOLDER "app"

int
slug_unpack(const struct build_places *places, int fd, int dirfd,
    const struct unpack_limits *limits, struct unpack_stats *stats,
    char err[SANDBOX_ERRLEN])
{
	char only[256];

	if (unpack_stream(fd, dirfd, limits, stats, err) == -1)
		return -1;
	if (fetch_only_folder(places->app, only, sizeof(only)) &&
	    strcmp(only, SLUG_FOLDER) == 0)
		return source_lift(places->app, err);
	snprintf(err, SANDBOX_ERRLEN,
	    "The slug's archive has to have one folder, ./app, with all the "
	    "rest in it: tar -czf slug.tgz ./app");
	return -1;
}

int
slug_add_type(struct types *types, const char *text, char err[SANDBOX_ERRLEN])
{
	const char *equals = strchr(text, '=');
	size_t len = equals != NULL ? (size_t)(equals - text) : 0;

	if (equals != NULL && types_add(types, text, len, equals + 1,
				  strlen(equals + 1), 0) == TYPES_OK)
		return 0;
	snprintf(err, SANDBOX_ERRLEN,
	    "process_types has a type or a command that can't be: " SANDBOX_TYPE_RULE
	    "; a command is a line of at most %d bytes.",
	    SANDBOX_COMMAND_MAX);
	return -1;
}

/*
 * GET /buildpacks[/heroku/NAME]: the platform's own, as Heroku's registry has
 * them; what is written in its name is one segment, heroku%2FNAME, and the
 * bare name is one, too.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/server.h"
#include "api/verbs.h"
#include "common/conf.h"

#define PREFIX "heroku/"

static json_t *
pack_make(const char *name)
{
	return json_pack("{s:o, s:o, s:b}", "name",
	    json_sprintf(PREFIX "%s", name), "blob_url",
	    json_sprintf("urn:buildpack:" PREFIX "%s", name),
	    "two_factor_authentication", 0);
}

/* Those in the file that tells in which order they are tried. */
static json_t *
packs_read(struct request *r)
{
	char path[sizeof(((struct conf *)NULL)->buildpack_dir) + 8], line[128];
	json_t *list = json_array();
	FILE *file;

	snprintf(path, sizeof(path), "%s/order", r->api->conf->buildpack_dir);
	if ((file = fopen(path, "re")) == NULL)
		return list;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, " \t\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			json_array_append_new(list, pack_make(line));
	}
	(void)fclose(file);
	return list;
}

void
buildpack_known(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, packs_read(r));
}

void
buildpack_lookup(struct request *r)
{
	json_t *list = packs_read(r), *pack, *found = NULL;
	const char *name = r->params[0], *full;
	size_t i;

	json_array_foreach (list, i, pack) {
		full = json_string_value(json_object_get(pack, "name"));
		if (strcmp(full, name) == 0 ||
		    strcmp(full + strlen(PREFIX), name) == 0)
			found = json_incref(pack);
	}
	json_decref(list);
	if (found != NULL)
		respond_json(r, MHD_HTTP_OK, found);
	else
		respond_missing(r,
		    "there is no buildpack \"%.60s\" of the platform: name "
		    "one by its URL",
		    name);
}

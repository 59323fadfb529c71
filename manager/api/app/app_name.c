/*
 * Names for apps that were given none, and whether one can be had.
 */
#include "api/app/app_name.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <string.h>

#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/names.h"
#include "store/keys.h"

static const char *const adjectives[] = {"amber", "ancient", "autumn", "blue",
    "bold", "brave", "bright", "calm", "clear", "cold", "crimson", "damp",
    "dawn", "deep", "dry", "early", "fair", "fresh", "gentle", "golden",
    "green", "hidden", "icy", "late", "light", "lively", "lone", "long", "mild",
    "misty", "morning", "noble", "patient", "plain", "polished", "proud",
    "quick", "quiet", "rapid", "red", "silent", "silver", "small", "snowy",
    "still", "strong", "sunny", "swift", "tall", "warm", "white", "wild",
    "winter", "wise"};

static const char *const nouns[] = {"bay", "birch", "bird", "bridge", "brook",
    "canyon", "cedar", "cliff", "cloud", "coast", "creek", "dew", "dune",
    "field", "fjord", "forest", "frost", "garden", "glade", "grove", "harbor",
    "hill", "island", "lake", "leaf", "mead", "meadow", "moon", "mountain",
    "oak", "orchard", "path", "peak", "pine", "pond", "rain", "reef", "ridge",
    "river", "rock", "sea", "shore", "sky", "spring", "star", "stone", "stream",
    "summit", "tide", "valley", "wave", "willow", "wind", "wood"};

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

void
app_name_make(char name[MODEL_NAME_MAX])
{
	snprintf(name, MODEL_NAME_MAX, "%s-%s-%04u",
	    adjectives[arc4random_uniform(COUNT(adjectives))],
	    nouns[arc4random_uniform(COUNT(nouns))], arc4random_uniform(10000));
}

/* rev is 0 if it is not there. */
static int
name_exists(
    struct api *api, const char *prefix, const char *name, uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record;

	key_format(key, "%s/%s", prefix, name);
	record = store_get(api->store, key, rev);
	json_decref(record);
	return record != NULL;
}

int
app_name_is_key(struct api *api, const char *name)
{
	return name_exists(api, "app", name, NULL) ||
	       name_exists(api, "destroy", name, NULL);
}

int
app_name_check(struct request *r, const char *name, uint64_t *rev)
{
	char app[KEY_NAME_MAX + 1];

	if (key_app_reserved(name))
		respond_invalid(r,
		    "name \"%s\" is reserved for the platform: choose another",
		    name);
	else if (strncmp(name, "xn--", 4) == 0)
		respond_invalid(r,
		    "name \"%s\" is not right: browsers show it in other "
		    "letters, as it starts with xn--",
		    name);
	else if (names_find(r->api->store, name, app) == 0)
		respond_invalid(r, "name \"%s\" is already taken", name);
	else if (name_exists(r->api, "destroy", name, NULL))
		respond_conflict(r,
		    "the last app named \"%s\" is still being taken away: try "
		    "again in a moment",
		    name);
	else {
		(void)name_exists(r->api, "app", name, rev);
		return 0;
	}
	return -1;
}

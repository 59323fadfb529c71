/*
 * Names for apps that were given none.
 */
#include "api/app_name.h"

#include <bsd/stdlib.h>
#include <stdio.h>

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

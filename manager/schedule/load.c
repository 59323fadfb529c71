#include "schedule/load.h"

#include <stdio.h>
#include <string.h>

const uint32_t load_limits[LOAD_BUCKETS] = {
    5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, UINT32_MAX};

static int
add_number(const json_t *from, const char *name, uint64_t *to)
{
	const json_t *value = json_object_get(from, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return -1;
	*to += (uint64_t)json_integer_value(value);
	return 0;
}

static struct load *
find_load(const json_t *entry, load_find_cb find, void *arg)
{
	const char *app = json_string_value(json_object_get(entry, "app"));
	const char *type = json_string_value(json_object_get(entry, "type"));

	if (app == NULL || type == NULL || strcmp(type, "web") != 0)
		return NULL;
	return find(app, arg);
}

static int
add_instance(const json_t *entry, struct load *load)
{
	const json_t *le =
	    json_object_get(json_object_get(entry, "latency_ms"), "le");
	char name[16];
	size_t i;

	if (add_number(entry, "in_flight", &load->in_flight) == -1 ||
	    add_number(entry, "requests", &load->requests) == -1)
		return -1;
	for (i = 0; i < LOAD_BUCKETS; i++) {
		snprintf(name, sizeof(name), "%u", load_limits[i]);
		if (add_number(le, i + 1 < LOAD_BUCKETS ? name : "inf",
			&load->latency[i]) == -1)
			return -1;
	}
	return 0;
}

int
load_read(json_t *page, load_find_cb find, void *arg)
{
	json_t *instances = json_object_get(page, "instances"), *entry;
	json_t *pools = json_object_get(json_object_get(page, "held"), "pools");
	struct load *load;
	size_t i;

	if (!json_is_array(instances) || !json_is_array(pools))
		return -1;
	json_array_foreach (instances, i, entry) {
		if ((load = find_load(entry, find, arg)) != NULL &&
		    add_instance(entry, load) == -1)
			return -1;
	}
	json_array_foreach (pools, i, entry) {
		if ((load = find_load(entry, find, arg)) != NULL &&
		    add_number(entry, "requests", &load->in_flight) == -1)
			return -1;
	}
	return 0;
}

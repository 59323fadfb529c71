#include "node/limits.h"

#include <string.h>

#define MIB (1024ULL * 1024)

#define WIDE(type, field) (sizeof(((type *)0)->field) == sizeof(uint64_t))

#define LIMIT(name, setting, field, min, max)                      \
	{                                                          \
		name, #setting, offsetof(struct conf, setting),    \
		    offsetof(struct launch_start, field),          \
		    WIDE(struct conf, setting),                    \
		    WIDE(struct launch_start, field), (min), (max) \
	}

/* The bounds are those of the settings, see conf.c. */
const struct limit limits[] = {
    LIMIT("memory", instance_memory, memory, 16 * MIB, 0),
    LIMIT("swap", instance_swap, swap, 0, 0),
    LIMIT("disk", instance_tmp, tmp, MIB, 0),
    LIMIT("cpu_weight", instance_cpu_weight, cpu_weight, 1, 10000),
    LIMIT("cpu_quota", instance_cpu_quota, cpu_quota, 0, 100000),
    LIMIT("pids", instance_pids, pids, 8, 1000000),
    LIMIT("files", instance_files, files, 64, 1000000),
    LIMIT("log_rate", log_rate, log_rate, 1024, 4000000000),
    {0},
};

const struct limit *
limit_find(const char *name)
{
	const struct limit *limit;

	for (limit = limits; limit->name != NULL; limit++) {
		if (strcmp(limit->name, name) == 0)
			return limit;
	}
	return NULL;
}

static uint64_t
number_at(const void *at, int wide)
{
	uint64_t n64;
	uint32_t n32;

	if (wide) {
		memcpy(&n64, at, sizeof(n64));
		return n64;
	}
	memcpy(&n32, at, sizeof(n32));
	return n32;
}

static uint64_t
limit_default(const struct limit *limit, const struct conf *conf)
{
	return number_at((const char *)conf + limit->in_conf, limit->wide_conf);
}

uint64_t
limit_most(const struct limit *limit, const struct conf *conf)
{
	uint64_t usual = limit_default(limit, conf);

	if (limit->max != 0)
		return limit->max;
	return conf->memory_max > usual ? conf->memory_max : usual;
}

uint64_t
limit_value(
    const struct limit *limit, const struct conf *conf, const json_t *formation)
{
	const json_t *value = json_object_get(formation, limit->name);

	/* A record is ours; what it can't mean is as if it were not there. */
	if (json_is_integer(value) &&
	    json_integer_value(value) >= (json_int_t)limit->min)
		return (uint64_t)json_integer_value(value);
	return limit_default(limit, conf);
}

json_t *
limits_shape(const struct conf *conf, const json_t *formation)
{
	const struct limit *limit;
	json_t *shape = json_object();

	for (limit = limits; limit->name != NULL; limit++)
		json_object_set_new(shape, limit->name,
		    json_integer(
			(json_int_t)limit_value(limit, conf, formation)));
	return shape;
}

json_t *
limits_own(const json_t *formation)
{
	const struct limit *limit;
	json_t *own = json_object(), *value;

	for (limit = limits; limit->name != NULL; limit++) {
		value = json_object_get(formation, limit->name);
		if (value != NULL && strcmp(limit->name, "memory") != 0)
			json_object_set(own, limit->name, value);
	}
	return own;
}

void
limits_apply(
    struct launch_start *start, const struct conf *conf, const json_t *own)
{
	const struct limit *limit;
	uint64_t value;
	uint32_t n32;
	char *at;

	for (limit = limits; limit->name != NULL; limit++) {
		if (strcmp(limit->name, "memory") == 0)
			continue;
		value = limit_value(limit, conf, own);
		at = (char *)start + limit->in_start;
		if (limit->wide_start) {
			memcpy(at, &value, sizeof(value));
		} else {
			n32 = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
			memcpy(at, &n32, sizeof(n32));
		}
	}
}

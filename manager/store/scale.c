#include "store/scale.h"

#include <string.h>

#include "store/keys.h"

static json_int_t
number(const json_t *record, const char *name)
{
	return json_integer_value(json_object_get(record, name));
}

json_t *
scale_get(struct store *store, const char *app, uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];

	return store_get(store, key_format(key, "scale/%s", app), rev);
}

int
scale_asleep(const json_t *app, const json_t *scale)
{
	return json_is_true(json_object_get(scale, "asleep")) &&
	       json_is_object(json_object_get(app, "sleep")) &&
	       !json_is_true(json_object_get(app, "stopped")) &&
	       number(app, "version") == number(scale, "version") &&
	       number(app, "generation") == number(scale, "generation");
}

int
scale_sleeps(const json_t *app, const json_t *scale, const char *type)
{
	const json_t *sleep = json_object_get(app, "sleep");

	return scale_asleep(app, scale) &&
	       (strcmp(type, "web") == 0 ||
		   json_is_true(json_object_get(sleep, "all")));
}

uint32_t
scale_quantity(const json_t *formation, const json_t *scale, const char *type,
    uint32_t quantity)
{
	const json_t *set = json_object_get(formation, "autoscale");
	json_int_t n, min = number(set, "min"), max = number(set, "max");

	/* None at all is an order, not a load. */
	if (set == NULL || quantity == 0 || strcmp(type, "web") != 0 ||
	    min < 1 || max < min)
		return quantity;
	n = number(scale, "web");
	if (n < 1)
		n = quantity;
	return (uint32_t)(n < min ? min : n > max ? max : n);
}

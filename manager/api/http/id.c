#include "api/http/id.h"

#include <bsd/stdlib.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void
id_format(char out[37], uint8_t b[16], unsigned int version)
{
	b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, 37,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x"
	    "%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
	    b[11], b[12], b[13], b[14], b[15]);
}

void
id_uuid(char out[37])
{
	uint8_t bytes[16];

	arc4random_buf(bytes, sizeof(bytes));
	id_format(out, bytes, 4);
}

/* RFC 9562, version 8: of one's own making, here BLAKE2b. */
void
id_derive(char out[37], const char *app, const char *kind, const char *name)
{
	crypto_generichash_state hash;
	uint8_t bytes[16];

	(void)crypto_generichash_init(&hash, NULL, 0, sizeof(bytes));
	(void)crypto_generichash_update(
	    &hash, (const uint8_t *)app, strlen(app) + 1);
	(void)crypto_generichash_update(
	    &hash, (const uint8_t *)kind, strlen(kind) + 1);
	(void)crypto_generichash_update(
	    &hash, (const uint8_t *)name, strlen(name) + 1);
	(void)crypto_generichash_final(&hash, bytes, sizeof(bytes));
	id_format(out, bytes, 8);
}

int
id_is_uuid(const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return 0;
		} else if (strchr("0123456789abcdef", text[i]) == NULL)
			return 0;
	}
	return i == 36;
}

int64_t
id_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

json_t *
id_time(int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	char text[32];
	struct tm tm;

	if (us <= 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_null();
	return json_string(text);
}

json_t *
id_time_exact(int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	char text[32];
	struct tm tm;

	if (us <= 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return json_null();
	return json_sprintf("%s.%06dZ", text, (int)(us % 1000000));
}

json_t *
id_time_of(json_t *record, const char *field)
{
	return id_time(json_integer_value(json_object_get(record, field)));
}

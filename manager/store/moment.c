#include "store/moment.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Its first eight digits. */
static uint64_t
boot_read(void)
{
	char text[9] = "";
	ssize_t n;
	int fd;

	if ((fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n == (ssize_t)sizeof(text) - 1 ? strtoull(text, NULL, 16) : 0;
}

struct moment
moment_now(void)
{
	struct moment now;
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	now.us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	now.boot = boot_read();
	return now;
}

int64_t
moment_since(const struct moment *then, const struct moment *now)
{
	/* Where one could not be read, nothing says that it is another. */
	if (then->boot != 0 && now->boot != 0 && then->boot != now->boot)
		return now->us;
	return now->us > then->us ? now->us - then->us : 0;
}

struct moment
moment_decode(const json_t *value)
{
	struct moment then;

	then.us = json_integer_value(json_object_get(value, "us"));
	then.boot =
	    (uint64_t)json_integer_value(json_object_get(value, "boot"));
	return then;
}

struct moment
moment_recall(const json_t *value, int64_t day)
{
	struct moment then = moment_decode(value);
	struct timespec ts;
	int64_t ago;

	if (then.us != 0 || day <= 0)
		return then;
	clock_gettime(CLOCK_REALTIME, &ts);
	ago = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - day;
	then = moment_now();
	if (ago > 0)
		then.us = ago < then.us ? then.us - ago : 1;
	return then;
}

json_t *
moment_encode(const struct moment *then)
{
	return json_pack("{s:I, s:I}", "us", (json_int_t)then->us, "boot",
	    (json_int_t)then->boot);
}

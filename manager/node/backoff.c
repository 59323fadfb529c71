#include "node/backoff.h"

uint32_t
backoff_count(uint32_t crashes_before, uint64_t uptime)
{
	if (uptime >= BACKOFF_STABLE)
		return 1;
	return crashes_before == UINT32_MAX ? UINT32_MAX : crashes_before + 1;
}

int64_t
backoff_delay(uint32_t crashes)
{
	int64_t delay = BACKOFF_MIN;
	uint32_t i;

	if (crashes > BACKOFF_LAST)
		return -1;
	if (crashes <= BACKOFF_IMMEDIATE)
		return 0;
	for (i = BACKOFF_IMMEDIATE + 1; i < crashes; i++) {
		delay *= 2;
		if (delay >= BACKOFF_MAX)
			return BACKOFF_MAX;
	}
	return delay;
}

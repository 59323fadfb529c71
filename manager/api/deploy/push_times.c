#include "api/deploy/push_times.h"

#include <stdio.h>
#include <time.h>

void
push_times_mark(struct push_times *times, enum push_mark mark)
{
	struct timespec ts;

	if (times->at[mark] != 0)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	times->at[mark] = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
push_times_text(const struct push_times *times, char *buf, size_t len)
{
	double seconds[PUSH_MARKS] = {0};
	int64_t before = times->at[PUSH_BEGUN];

	/* A clock that is set meanwhile makes no negative times. */
	for (int mark = PUSH_RECEIVED; mark < PUSH_MARKS; mark++) {
		if (times->at[mark] <= before)
			continue;
		seconds[mark] = (double)(times->at[mark] - before) / 1e6;
		before = times->at[mark];
	}
	snprintf(buf, len,
	    "-----> Live in %.2fs (receive %.2fs, build %.2fs, slug %.2fs, "
	    "start %.2fs, ready %.2fs)",
	    (double)(before - times->at[PUSH_BEGUN]) / 1e6,
	    seconds[PUSH_RECEIVED], seconds[PUSH_COMPILED],
	    seconds[PUSH_RELEASED], seconds[PUSH_STARTED], seconds[PUSH_LIVE]);
}

#include "schedule/crontick.h"

#define MINUTE_US 60000000LL

/* Of a clock set back, as cron(8) tells a correction from another time. */
#define AHEAD_MAX (3 * 60)

void
crontick_look(struct crontick *tick, int64_t minute, uint64_t steady,
    int64_t *first, int64_t *last)
{
	int64_t passed = minute - tick->minute;
	int64_t really = (int64_t)(steady - tick->steady) / MINUTE_US;

	*first = *last = minute;
	/* One more, as minutes do not begin with the steady ones. */
	if (tick->looked && passed <= CRONTICK_LATE && passed >= 0 &&
	    passed <= really + 1)
		*first = tick->minute + 1;
	tick->looked = 1;
	tick->minute = minute;
	tick->steady = steady;
}

int
crontick_is_new(int64_t minute, int64_t before)
{
	return minute > before || before - minute > AHEAD_MAX;
}

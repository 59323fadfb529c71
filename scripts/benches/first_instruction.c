/* Says when it began, CLOCK_MONOTONIC in nanoseconds, and waits. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int
main(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("began %lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	fflush(stdout);
	pause();
	return 0;
}

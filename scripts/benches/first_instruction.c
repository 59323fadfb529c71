/*
 * Says when it began, CLOCK_MONOTONIC in nanoseconds: to its output, and waits;
 * or in BEGAN, and goes on as the program that it is given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct timespec now;
	char text[32];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "%lld%09ld", (long long)now.tv_sec,
	    now.tv_nsec);
	if (argc > 1) {
		setenv("BEGAN", text, 1);
		execvp(argv[1], argv + 1);
		return 127;
	}
	printf("began %s\n", text);
	fflush(stdout);
	pause();
	return 0;
}

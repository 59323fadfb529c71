/*
 * Everything goes to standard output, which git sends to the person pushing
 * with "remote: " before each line.  Whether that ends on a terminal nobody
 * here knows, so that there are no colours.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"
#include "git/hook.h"

#define SAY_WIDTH    65
#define SAY_PATIENCE 300 /* seconds */

/*
 * The other end is gone, or has taken nothing for so long, and with it the
 * reason to go on: SIGALRM ends us.
 */
static void
say(const char *text)
{
	(void)alarm(SAY_PATIENCE);
	if (puts(text) == EOF || fflush(stdout) == EOF)
		_exit(1);
	(void)alarm(0);
}

void
hook_say(const char *text, size_t len)
{
	char *clean = out_clean(text, len, OUT_TAB | OUT_DROP_SGR);

	say(clean);
	free(clean);
}

/* The length of what goes on this line: cut at a blank, if there is one. */
static size_t
say_line(const char *text)
{
	size_t len = strlen(text), n = SAY_WIDTH;

	if (len <= SAY_WIDTH)
		return len;
	while (n > 0 && text[n] != ' ')
		n--;
	return n > 0 ? n : strcspn(text, " ");
}

void
hook_complain(const char *fmt, ...)
{
	char text[2 * PAAS_ERRLEN], line[sizeof(text) + 16], *clean, *at;
	size_t len;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clean = out_clean(text, strlen(text), OUT_DROP_SGR);
	say(" !");
	for (at = clean; *at != '\0'; at += len + strspn(at + len, " ")) {
		len = say_line(at);
		snprintf(line, sizeof(line), " !     %.*s", (int)len, at);
		say(line);
	}
	say(" !");
	free(clean);
}

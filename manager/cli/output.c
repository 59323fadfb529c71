/*
 * Lines, times, sizes and JSON for people; table.c has the columns.
 */
#include <bsd/err.h>
#include <bsd/string.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/output.h"

void
out_init(struct out *out, FILE *file)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;

	memset(out, 0, sizeof(*out));
	out->file = file;
	out->tty = isatty(fileno(file));
	if (!out->tty)
		return;
	out->colour = (no_color == NULL || *no_color == '\0') && term != NULL &&
		      strcmp(term, "dumb") != 0;
	if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0)
		out->width = size.ws_col;
}

const char *
out_sgr(const struct out *out, enum out_colour colour)
{
	static const char *const codes[] = {
	    [OUT_NONE] = "\033[0m",
	    [OUT_BOLD] = "\033[1m",
	    [OUT_DIM] = "\033[2m",
	    [OUT_RED] = "\033[31m",
	    [OUT_GREEN] = "\033[32m",
	    [OUT_YELLOW] = "\033[33m",
	};

	return out->colour ? codes[colour] : "";
}

void
out_line(struct out *out, const char *fmt, ...)
{
	char *text, *clean;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len == -1)
		err(1, NULL);
	clean = out_clean(text, (size_t)len, 0);
	fprintf(out->file, "%s\n", clean);
	free(clean);
	free(text);
}

void
out_log(struct out *out, const char *text, size_t len)
{
	char *clean;

	if (len > 0 && text[len - 1] == '\r')
		len--;
	clean = out_clean(
	    text, len, OUT_TAB | (out->colour ? OUT_SGR : OUT_DROP_SGR));
	fprintf(out->file, "%s\n", clean);
	free(clean);
}

void
out_ago(char *buf, size_t len, const char *iso)
{
	static const struct {
		const char *unit;
		long long seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}};
	struct tm tm;
	long long age;
	size_t i;

	memset(&tm, 0, sizeof(tm));
	if (strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
		strlcpy(buf, iso, len);
		return;
	}
	age = (long long)time(NULL) - (long long)timegm(&tm);
	if (age < 1) {
		strlcpy(buf, "just now", len);
		return;
	}
	for (i = 0; age < units[i].seconds; i++)
		;
	snprintf(buf, len, "%lld%s ago", age / units[i].seconds, units[i].unit);
}

void
out_bytes(char *buf, size_t len, unsigned long long bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double n = (double)bytes;
	size_t i;

	for (i = 0; n >= 1024 && i < 4; i++)
		n /= 1024;
	snprintf(
	    buf, len, i == 0 || n >= 100 ? "%.0f %s" : "%.1f %s", n, units[i]);
}

/*
 * jansson escapes C0 itself.  What it leaves (DEL, C1, turned text) stands in
 * strings only, where an escape means the same to every reader.
 */
void
out_json(struct out *out, const json_t *json)
{
	char *text, *clean, *line, *rest;

	text = json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY);
	if (text == NULL)
		errx(1, "out of memory");
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		clean = out_clean(line, strlen(line), OUT_JSON);
		fprintf(out->file, "%s\n", clean);
		free(clean);
	}
	free(text);
}

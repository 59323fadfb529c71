#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

/* Set once at the start of a program, before anything is logged. */
static const char *log_ident = "paas";
static int log_verbose;
static int log_journal; /* stderr is the journal: it stamps the time itself */

void
log_init(const char *ident, int verbose)
{
	log_ident = ident;
	log_verbose = verbose;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

/* Escapes everything that a terminal would obey. */
static size_t
log_escape(char *out, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p;
	size_t n = 0;

	for (p = (const unsigned char *)text; *p != '\0' && n + 5 < size; p++) {
		if (*p >= 0x20 && *p != 0x7f && (*p < 0x80 || *p >= 0xa0)) {
			out[n++] = (char)*p;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[*p >> 4];
		out[n++] = hex[*p & 15];
	}
	out[n] = '\0';
	return n;
}

static void
log_line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const journal[] = {"<3>", "<4>", "<6>", "<7>"};
	static const char *const plain[] = {"error: ", "warning: ", "", ""};
	char text[LINE_MAX_BYTES], safe[LINE_MAX_BYTES * 2];

	if (level == LOG_LEVEL_DEBUG && !log_verbose)
		return;
		/* The callers' attributes have the format checked. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(text, sizeof(text), fmt, ap);
#pragma GCC diagnostic pop
	log_escape(safe, sizeof(safe), text);
	if (log_journal)
		dprintf(STDERR_FILENO, "%s%s\n", journal[level], safe);
	else
		dprintf(
		    STDERR_FILENO, "%s: %s%s\n", log_ident, plain[level], safe);
}

void
log_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}

void
log_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERR, fmt, ap);
	va_end(ap);
	exit(1);
}

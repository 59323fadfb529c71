/*
 * One line an event, to stderr; under systemd stderr is the journal and each
 * line starts with the syslog priority that it understands ("<4>").
 *
 * Control bytes of what is printed are escaped: a name that a tenant chose
 * must not write to the operator's terminal.
 */
#ifndef PAAS_LOG_H
#define PAAS_LOG_H

#define PAAS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum log_level {
	LOG_LEVEL_ERR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* ident is kept, not copied.  verbose lets debug lines through. */
void log_init(const char *ident, int verbose);

void log_err(const char *fmt, ...) PAAS_PRINTF(1, 2);
void log_warn(const char *fmt, ...) PAAS_PRINTF(1, 2);
void log_info(const char *fmt, ...) PAAS_PRINTF(1, 2);
void log_debug(const char *fmt, ...) PAAS_PRINTF(1, 2);

/* Logs and leaves with status 1: only for what stops a program's start. */
void log_fatal(const char *fmt, ...) PAAS_PRINTF(1, 2)
    __attribute__((noreturn));

#endif

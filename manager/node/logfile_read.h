/* Between the files of logfile.h only. */
#ifndef PAAS_LOGFILE_READ_H
#define PAAS_LOGFILE_READ_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "node/logfile.h"

/* previous: of ID.log.1.  Returns a descriptor or -errno. */
int logfile_open(const char *log_dir, uint64_t app, uint64_t id, int previous);

/*
 * Whole lines from *offset on, which moves behind them, up to end (-1: all
 * there is) and until budget bytes are read.  0 if no whole line is left, 1
 * if the budget is used up, 2 if the callback said to stop, whose value is
 * then in *stopped, or -errno.
 */
int logfile_lines(int fd, int64_t *offset, int64_t end, size_t budget,
    logfile_cb, void *arg, int *stopped);

/* Takes a line apart; 0, or -1 if it is none of the shim's. */
int logfile_parse(const char *text, size_t len, struct logfile_line *);

#endif

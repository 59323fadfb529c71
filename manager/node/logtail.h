/* The last words of a process, for a record. */
#ifndef PAAS_LOGTAIL_H
#define PAAS_LOGTAIL_H

#include <jansson.h>
#include <stdint.h>

/*
 * The last 20 lines, at most 4 KiB of them, as an array of strings without
 * control bytes; empty if there are none, or for id 0.  NULL: no memory.
 */
json_t *logtail(const char *log_dir, uint64_t app, uint64_t id);

#endif

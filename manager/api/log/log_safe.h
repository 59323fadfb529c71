/* Log text for terminals that take what comes. */
#ifndef PAAS_API_LOG_SAFE_H
#define PAAS_API_LOG_SAFE_H

#include <stddef.h>

/*
 * Puts a question mark in place of each control byte (C0 but for the tab, DEL,
 * and C1 as UTF-8 has it), but for colours and the like (SGR, ECMA-48
 * 8.3.117).  For clients that are not ours and print a log as it is; paas logs
 * shows what there was.
 */
void log_safe(char *text, size_t len);

#endif

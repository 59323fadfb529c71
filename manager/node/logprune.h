/*
 * Log files of instances that are gone go too: the newest 20 of an app stay,
 * for seven days.
 */
#ifndef PAAS_LOGPRUNE_H
#define PAAS_LOGPRUNE_H

struct logprune;
struct node;

/* Looks a minute after the start, and each hour.  NULL: no memory. */
struct logprune *logprune_open(struct node *);
void logprune_close(struct logprune *);

#endif

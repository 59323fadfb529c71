/*
 * The launcher keeps the newest log files of an app only.  The records that
 * name those of instances gone, instance/APP/ID, go with them.
 */
#ifndef PAAS_LOGPRUNE_H
#define PAAS_LOGPRUNE_H

struct logprune;
struct node;

/* Looks a minute after the start, and each hour.  NULL: no memory. */
struct logprune *logprune_open(struct node *);
void logprune_close(struct logprune *);

#endif

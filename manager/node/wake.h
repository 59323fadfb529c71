/*
 * Requests wait at the router for an app: a datagram "APP POOL" on
 * run_dir/wake.sock, sent again each second for as long as any does.  None is
 * counted on: who does not hear one hears the next.
 */
#ifndef PAAS_WAKE_H
#define PAAS_WAKE_H

#include "common/conf.h"

struct node;
struct wake;

/* NULL with a sentence in err. */
struct wake *wake_open(struct node *, char err[PAAS_ERRLEN]);
void wake_close(struct wake *);

/* The app that a datagram is about: 0, or -1 if it is garbage. */
int wake_parse(const char *text, size_t len, char *app, size_t applen);

#endif

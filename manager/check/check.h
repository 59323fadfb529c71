/*
 * paas-manager --check: what is, what should be, and where they differ.  It
 * reads the store, the route database, the launcher's records, cgroups and
 * processes by itself, so it needs neither manager nor launcher, and changes
 * nothing.
 */
#ifndef PAAS_CHECK_H
#define PAAS_CHECK_H

#include "common/conf.h"

/*
 * Prints it to stdout.  0 if nothing differs, 1 if something does, 2 if it
 * can't be told (with a sentence on stderr).  As long as a manager is at work,
 * what differs for less than some seconds is on its way and does not count.
 */
int check_print(const struct conf *);

#endif

/*
 * One nftables table, `inet NAME`, with a set of (interface, address) of the
 * instances, and the routing rules that make its loss harmless.
 *
 *   forward   from an instance: to conf.allow_out and public addresses only;
 *             to an instance: answers only
 *   input     from an instance: DNS on the gateway, and answers
 *   both      conf.instance_flows connections an instance opened, and a share
 *             of that in new ones a second
 *
 * Without the table nothing is forwarded: its prerouting chain marks what
 * comes from a known interface and address, and a routing rule prohibits
 * what comes from the instances' network without the mark.
 */
#ifndef PAAS_LAUNCHER_FIREWALL_H
#define PAAS_LAUNCHER_FIREWALL_H

#include "common/conf.h"
#include "launcher/launcher_record.h"

struct firewall;

/* Whether conf.allow_out and the names are such that they can be loaded. */
int firewall_check(const struct conf *, char err[PAAS_ERRLEN]);
/* conf and the records are borrowed.  Loads nothing yet. */
struct firewall *firewall_open(
    const struct conf *, struct records *, char err[PAAS_ERRLEN]);
void firewall_close(struct firewall *);
/* The whole table anew, one transaction: no packet sees half of it. */
int firewall_load(struct firewall *);
/* One instance more or less, one transaction. */
int firewall_add(struct firewall *, uint32_t slot);
int firewall_remove(struct firewall *, uint32_t slot);
/* Readable when somebody changed the ruleset. */
int firewall_fd(const struct firewall *);
/* Reads what was changed; loads the table anew if it was ours. */
void firewall_watch(struct firewall *);
int firewall_purge(struct firewall *);
/* Is there a table of another platform on this machine? */
int firewall_others(struct firewall *);

#endif

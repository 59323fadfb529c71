/*
 * The instances' network by rtnetlink.  Host: slot 1's address, the gateway,
 * on lo; for each instance a veth end IF_PREFIXvSLOT with a /32 route and a
 * permanent neighbour.  Instance: eth0 with its /32, lo.  No bridge, no ARP,
 * no IPv6.
 */
#ifndef PAAS_LAUNCHER_NET_H
#define PAAS_LAUNCHER_NET_H

#include <net/if.h>
#include <stdint.h>

#include "common/conf.h"

/*
 * Packets that passed the table's check of interface and address carry this
 * bit; see launcher_firewall.h.
 */
#define NET_MARK 0x10000000U

/*
 * Prefix, this, slot: so that another platform's prefix may begin with ours.
 */
#define NET_IF "v"

void net_ifname(char out[IFNAMSIZ], const struct conf *, uint32_t slot);

/*
 * Gateway, routing rules and ip_forward, the last one's old value kept in
 * run (ip_forward) for net_purge.  Safe to repeat.
 */
int net_prepare(const struct conf *, int run);
/* ip_forward again, should somebody have turned it off. */
void net_forward(void);
/* The caller goes into a new namespace; slot 0: with lo only. */
int net_enter(const struct conf *, uint32_t slot);

/*
 * Lets anybody in the namespace that was entered listen on port 80, as images
 * do; there it is nobody else's.
 */
int net_ports_open(void);
/* The host's end; missing is fine. */
int net_remove(const struct conf *, uint32_t slot);
/* restore: ip_forward as it was, too. */
int net_purge(const struct conf *, int run, int restore);

#endif

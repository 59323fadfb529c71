/*
 * What is said to the kernel about links, addresses, neighbours, routes and
 * rules, each with its answer awaited.  0 or a negative errno.
 */
#ifndef PAAS_LAUNCHER_RTNL_H
#define PAAS_LAUNCHER_RTNL_H

#include <netinet/in.h>

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "common/conf.h"

#define INNER_INDEX 2 /* of eth0 inside; lo is 1 */

/* Before main (32766), behind local (0). */
#define RULE_LOCAL 97 /* our own packets from the gateway: as usual */
#define RULE_GATE  98 /* an instance's without the mark: prohibited */

/* In the namespace that we are in; NULL with errno. */
struct mnl_socket *net_socket(void);
/* Locally administered, the same at each start of a slot: no ARP needed. */
void net_mac(uint8_t mac[6], uint8_t end, uint32_t slot);

/* Missing is fine. */
int link_delete(struct mnl_socket *, const char *name);
/* The pair; its inner end is born in the namespace `inside`. */
int link_make(struct mnl_socket *, const char *name, uint32_t slot, int inside);
int link_index(struct mnl_socket *, const char *name, int *index);
int link_up(struct mnl_socket *, int index);

/* type: RTM_NEW... or RTM_DEL...; what is there already, or gone, is fine. */
int addr_change(struct mnl_socket *, uint16_t type, int index, struct in_addr);
int neighbour_add(
    struct mnl_socket *, int index, struct in_addr, uint8_t mac[6]);
/* To dst alone, or by way of `via` to everywhere. */
int route_add(struct mnl_socket *, int index, const struct in_addr *dst,
    const struct in_addr *via, const struct in_addr *src);
/* Of the whole subnet, for addresses that nobody has. */
int route_refuse(struct mnl_socket *, const struct conf *, uint16_t type);
/* One of the two rules; see launcher_firewall.h. */
int rule_change(
    struct mnl_socket *, const struct conf *, uint16_t type, uint32_t priority);

#endif

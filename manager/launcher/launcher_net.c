#include "launcher/launcher_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IP_FORWARD  "/proc/sys/net/ipv4/ip_forward"
#define INNER_INDEX 2 /* of eth0 inside; lo is 1 */

/* Before main (32766), behind local (0). */
#define RULE_LOCAL 97 /* our own packets from the gateway: as usual */
#define RULE_GATE  98 /* an instance's without the mark: prohibited */

struct message {
	char buf[1024];
	struct nlmsghdr *nlh;
};

static void *
message_begin(struct message *m, uint16_t type, uint16_t flags, size_t extra)
{
	void *body;

	m->nlh = mnl_nlmsg_put_header(m->buf);
	m->nlh->nlmsg_type = type;
	m->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	body = mnl_nlmsg_put_extra_header(m->nlh, extra);
	memset(body, 0, extra);
	return body;
}

static struct mnl_socket *
net_socket(void)
{
	struct mnl_socket *nl;

	if ((nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)) == NULL)
		return NULL;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0)
		return nl;
	mnl_socket_close(nl);
	return NULL;
}

/* Sends it and waits for the kernel's word. */
static int
net_talk(struct mnl_socket *nl, struct message *m, mnl_cb_t cb, void *arg)
{
	static unsigned int seq;
	char buf[8192];
	ssize_t n;
	int r;

	m->nlh->nlmsg_seq = ++seq;
	if (mnl_socket_sendto(nl, m->nlh, m->nlh->nlmsg_len) == -1)
		return -errno;
	do {
		if ((n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) == -1)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, m->nlh->nlmsg_seq,
		    mnl_socket_get_portid(nl), cb, arg);
	} while (r > MNL_CB_STOP);
	return r == MNL_CB_ERROR ? -errno : 0;
}

void
net_ifname(char out[IFNAMSIZ], const struct conf *conf, uint32_t slot)
{
	snprintf(out, IFNAMSIZ, "%s" NET_IF "%" PRIu32, conf->if_prefix, slot);
}

/* Locally administered, the same at each start of a slot: no ARP needed. */
static void
net_mac(uint8_t mac[6], uint8_t end, uint32_t slot)
{
	mac[0] = 0x02;
	mac[1] = end;
	mac[2] = (uint8_t)(slot >> 24);
	mac[3] = (uint8_t)(slot >> 16);
	mac[4] = (uint8_t)(slot >> 8);
	mac[5] = (uint8_t)slot;
}

static int
link_delete(struct mnl_socket *nl, const char *name)
{
	struct message m;
	int error;

	message_begin(&m, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m.nlh, IFLA_IFNAME, name);
	error = net_talk(nl, &m, NULL, NULL);
	return error == -ENODEV ? 0 : error;
}

/* The pair; its inner end is born in the namespace `inside`. */
static int
link_make(struct mnl_socket *nl, const char *name, uint32_t slot, int inside)
{
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *inner;
	struct message m;
	uint8_t mac[6];

	message_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
	    sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m.nlh, IFLA_IFNAME, name);
	net_mac(mac, 0, slot);
	mnl_attr_put(m.nlh, IFLA_ADDRESS, sizeof(mac), mac);
	info = mnl_attr_nest_start(m.nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(m.nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(m.nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(m.nlh, VETH_INFO_PEER);
	inner = mnl_nlmsg_put_extra_header(m.nlh, sizeof(*inner));
	memset(inner, 0, sizeof(*inner));
	inner->ifi_index = INNER_INDEX;
	mnl_attr_put_strz(m.nlh, IFLA_IFNAME, "eth0");
	net_mac(mac, 1, slot);
	mnl_attr_put(m.nlh, IFLA_ADDRESS, sizeof(mac), mac);
	mnl_attr_put_u32(m.nlh, IFLA_NET_NS_FD, (uint32_t)inside);
	mnl_attr_nest_end(m.nlh, peer);
	mnl_attr_nest_end(m.nlh, data);
	mnl_attr_nest_end(m.nlh, info);
	return net_talk(nl, &m, NULL, NULL);
}

static int
link_index_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == RTM_NEWLINK)
		*(int *)arg = ifi->ifi_index;
	return MNL_CB_OK;
}

static int
link_index(struct mnl_socket *nl, const char *name, int *index)
{
	struct message m;

	*index = 0;
	message_begin(&m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m.nlh, IFLA_IFNAME, name);
	return net_talk(nl, &m, link_index_cb, index);
}

static int
link_up(struct mnl_socket *nl, int index)
{
	struct ifinfomsg *ifi;
	struct message m;

	ifi = message_begin(&m, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = index;
	/* Neighbours are permanent: ARP is neither asked nor answered. */
	ifi->ifi_flags = IFF_UP | (index == 1 ? 0 : IFF_NOARP);
	ifi->ifi_change = ifi->ifi_flags;
	return net_talk(nl, &m, NULL, NULL);
}

static int
addr_change(
    struct mnl_socket *nl, uint16_t type, int index, struct in_addr addr)
{
	struct ifaddrmsg *ifa;
	struct message m;

	ifa = message_begin(&m, type,
	    type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0,
	    sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 32;
	ifa->ifa_index = (unsigned int)index;
	mnl_attr_put_u32(m.nlh, IFA_LOCAL, addr.s_addr);
	mnl_attr_put_u32(m.nlh, IFA_ADDRESS, addr.s_addr);
	return net_talk(nl, &m, NULL, NULL);
}

static int
neighbour_add(
    struct mnl_socket *nl, int index, struct in_addr addr, uint8_t mac[6])
{
	struct message m;
	struct ndmsg *nd;

	nd = message_begin(
	    &m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*nd));
	nd->ndm_family = AF_INET;
	nd->ndm_ifindex = index;
	nd->ndm_state = NUD_PERMANENT;
	mnl_attr_put_u32(m.nlh, NDA_DST, addr.s_addr);
	mnl_attr_put(m.nlh, NDA_LLADDR, 6, mac);
	return net_talk(nl, &m, NULL, NULL);
}

/* To dst alone, or by way of `via` to everywhere. */
static int
route_add(struct mnl_socket *nl, int index, const struct in_addr *dst,
    const struct in_addr *via, const struct in_addr *src)
{
	struct message m;
	struct rtmsg *rt;

	rt = message_begin(
	    &m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*rt));
	rt->rtm_family = AF_INET;
	rt->rtm_dst_len = dst != NULL ? 32 : 0;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = via != NULL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	rt->rtm_type = RTN_UNICAST;
	if (dst != NULL)
		mnl_attr_put_u32(m.nlh, RTA_DST, dst->s_addr);
	if (via != NULL)
		mnl_attr_put_u32(m.nlh, RTA_GATEWAY, via->s_addr);
	if (src != NULL)
		mnl_attr_put_u32(m.nlh, RTA_PREFSRC, src->s_addr);
	mnl_attr_put_u32(m.nlh, RTA_OIF, (uint32_t)index);
	return net_talk(nl, &m, NULL, NULL);
}

/*
 * Whoever asks for an address that nobody has (any more) hears so at once.
 * Without it the packet would leave by the default route: a request for an
 * instance that has just gone is not for whoever answers out there.
 */
static int
route_refuse(struct mnl_socket *nl, const struct conf *conf, uint16_t type)
{
	struct in_addr network = {.s_addr = htonl(conf->subnet.s_addr)};
	struct message m;
	struct rtmsg *rt;
	int error;

	rt = message_begin(&m, type,
	    type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0,
	    sizeof(*rt));
	rt->rtm_family = AF_INET;
	rt->rtm_dst_len = (uint8_t)conf->subnet_bits;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNREACHABLE;
	mnl_attr_put_u32(m.nlh, RTA_DST, network.s_addr);
	error = net_talk(nl, &m, NULL, NULL);
	return type == RTM_DELROUTE && error == -ESRCH ? 0 : error;
}

/* One of the two rules; see launcher_firewall.h. */
static int
rule_change(struct mnl_socket *nl, const struct conf *conf, uint16_t type,
    uint32_t priority)
{
	struct fib_rule_hdr *rule;
	struct in_addr network = {.s_addr = htonl(conf->subnet.s_addr)};
	struct message m;
	int error;

	rule = message_begin(&m, type,
	    type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof(*rule));
	rule->family = AF_INET;
	rule->src_len = (uint8_t)conf->subnet_bits;
	rule->action = priority == RULE_GATE ? FR_ACT_PROHIBIT : FR_ACT_TO_TBL;
	rule->table = priority == RULE_GATE ? RT_TABLE_UNSPEC : RT_TABLE_MAIN;
	mnl_attr_put_u32(m.nlh, FRA_PRIORITY, priority);
	mnl_attr_put_u32(m.nlh, FRA_SRC, network.s_addr);
	if (priority == RULE_GATE) {
		mnl_attr_put_u32(m.nlh, FRA_FWMARK, 0);
		mnl_attr_put_u32(m.nlh, FRA_FWMASK, NET_MARK);
	} else {
		/* Also what rp_filter asks: it looks up as if from lo. */
		mnl_attr_put_strz(m.nlh, FRA_IIFNAME, "lo");
	}
	error = net_talk(nl, &m, NULL, NULL);
	if (type == RTM_NEWRULE)
		return error == -EEXIST ? 0 : error;
	return error == -ENOENT ? 0 : error;
}

static int
sysctl_write(const char *path, const char *value)
{
	int error, fd;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -errno;
	error = write(fd, value, strlen(value)) == -1 ? -errno : 0;
	close(fd);
	return error;
}

static char
forward_now(void)
{
	char now = '1';
	int fd;

	if ((fd = open(IP_FORWARD, O_RDONLY | O_CLOEXEC)) == -1)
		return now;
	if (read(fd, &now, 1) != 1)
		now = '1';
	close(fd);
	return now;
}

void
net_forward(void)
{
	if (forward_now() != '1')
		(void)sysctl_write(IP_FORWARD, "1");
}

int
net_prepare(const struct conf *conf, int run)
{
	struct mnl_socket *nl;
	char now = forward_now();
	int error, fd;

	/* The value before us: never our own of an earlier start. */
	fd = openat(run, "ip_forward",
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd != -1) {
		if (write(fd, &now, 1) != 1)
			(void)unlinkat(run, "ip_forward", 0);
		close(fd);
	}
	if ((nl = net_socket()) == NULL)
		return -errno;
	error = addr_change(nl, RTM_NEWADDR, 1, conf_slot_addr(conf, 1));
	if (error == 0)
		error = route_refuse(nl, conf, RTM_NEWROUTE);
	if (error == 0)
		error = rule_change(nl, conf, RTM_NEWRULE, RULE_LOCAL);
	if (error == 0)
		error = rule_change(nl, conf, RTM_NEWRULE, RULE_GATE);
	mnl_socket_close(nl);
	net_forward();
	return error;
}

/* In the new namespace.  No IPv6: neither addresses nor neighbours. */
static int
inner_up(const struct conf *conf, uint32_t slot)
{
	struct in_addr addr = conf_slot_addr(conf, slot);
	struct in_addr gateway = conf_slot_addr(conf, 1);
	struct mnl_socket *nl;
	uint8_t mac[6];
	int error;

	error = sysctl_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	if (error != 0 && error != -ENOENT)
		return error;
	if ((nl = net_socket()) == NULL)
		return -errno;
	error = link_up(nl, 1);
	if (error == 0 && slot != 0) {
		net_mac(mac, 0, slot);
		if ((error = link_up(nl, INNER_INDEX)) == 0 &&
		    (error = addr_change(nl, RTM_NEWADDR, INNER_INDEX, addr)) ==
			0 &&
		    (error = route_add(
			 nl, INNER_INDEX, &gateway, NULL, NULL)) == 0 &&
		    (error = route_add(
			 nl, INNER_INDEX, NULL, &gateway, NULL)) == 0)
			error = neighbour_add(nl, INNER_INDEX, gateway, mac);
	}
	mnl_socket_close(nl);
	return error;
}

/* The host's end, while it is down: no fe80 address ever is on it. */
static int
outer_ipv6_off(const char *name)
{
	char path[96];
	int error;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
	    name);
	error = sysctl_write(path, "1");
	return error == -ENOENT ? 0 : error;
}

static int
outer_up(
    struct mnl_socket *nl, const struct conf *conf, uint32_t slot, int inside)
{
	struct in_addr addr = conf_slot_addr(conf, slot);
	struct in_addr gateway = conf_slot_addr(conf, 1);
	char name[IFNAMSIZ];
	uint8_t mac[6];
	int error, index;

	net_ifname(name, conf, slot);
	net_mac(mac, 1, slot);
	if ((error = link_make(nl, name, slot, inside)) == -EEXIST) {
		/* The last holder's namespace is still being taken down. */
		(void)link_delete(nl, name);
		error = link_make(nl, name, slot, inside);
	}
	if (error == 0 && (error = outer_ipv6_off(name)) == 0 &&
	    (error = link_index(nl, name, &index)) == 0 &&
	    (error = link_up(nl, index)) == 0 &&
	    (error = route_add(nl, index, &addr, NULL, &gateway)) == 0)
		error = neighbour_add(nl, index, addr, mac);
	return error;
}

/* Back on the host, where names and sysctls of its end are found. */
static int
outer_make(const struct conf *conf, uint32_t slot, int host, int inside)
{
	struct mnl_socket *nl;
	int error;

	if (setns(host, CLONE_NEWNET) == -1)
		return -errno;
	if ((nl = net_socket()) == NULL)
		return -errno;
	error = outer_up(nl, conf, slot, inside);
	mnl_socket_close(nl);
	if (setns(inside, CLONE_NEWNET) == -1 && error == 0)
		error = -errno;
	return error;
}

int
net_ports_open(void)
{
	int error =
	    sysctl_write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");

	return error == -ENOENT ? 0 : error;
}

int
net_enter(const struct conf *conf, uint32_t slot)
{
	int error = 0, host, inside = -1;

	host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (host == -1 || unshare(CLONE_NEWNET) == -1)
		error = -errno;
	if (error == 0 && slot != 0) {
		inside = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		error = inside == -1 ? -errno
				     : outer_make(conf, slot, host, inside);
	}
	if (host != -1)
		close(host);
	if (inside != -1)
		close(inside);
	return error == 0 ? inner_up(conf, slot) : error;
}

int
net_remove(const struct conf *conf, uint32_t slot)
{
	struct mnl_socket *nl;
	char name[IFNAMSIZ];
	int error;

	if ((nl = net_socket()) == NULL)
		return -errno;
	net_ifname(name, conf, slot);
	error = link_delete(nl, name);
	mnl_socket_close(nl);
	return error;
}

int
net_purge(const struct conf *conf, int run, int restore)
{
	struct mnl_socket *nl;
	char before = '1';
	int error, fd;

	if ((nl = net_socket()) == NULL)
		return -errno;
	error = addr_change(nl, RTM_DELADDR, 1, conf_slot_addr(conf, 1));
	if (error == -EADDRNOTAVAIL)
		error = 0;
	(void)route_refuse(nl, conf, RTM_DELROUTE);
	(void)rule_change(nl, conf, RTM_DELRULE, RULE_GATE);
	(void)rule_change(nl, conf, RTM_DELRULE, RULE_LOCAL);
	mnl_socket_close(nl);
	fd = openat(run, "ip_forward", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd != -1) {
		if (read(fd, &before, 1) == 1 && before == '0' && restore)
			(void)sysctl_write(IP_FORWARD, "0");
		close(fd);
		(void)unlinkat(run, "ip_forward", 0);
	}
	return error;
}

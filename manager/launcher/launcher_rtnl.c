#include "launcher/launcher_rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>

#include "launcher/launcher_net.h"

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

struct mnl_socket *
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

/* Locally administered, the same at each start of a slot: no ARP needed. */
void
net_mac(uint8_t mac[6], uint8_t end, uint32_t slot)
{
	mac[0] = 0x02;
	mac[1] = end;
	mac[2] = (uint8_t)(slot >> 24);
	mac[3] = (uint8_t)(slot >> 16);
	mac[4] = (uint8_t)(slot >> 8);
	mac[5] = (uint8_t)slot;
}

int
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
int
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

int
link_index(struct mnl_socket *nl, const char *name, int *index)
{
	struct message m;

	*index = 0;
	message_begin(&m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m.nlh, IFLA_IFNAME, name);
	return net_talk(nl, &m, link_index_cb, index);
}

int
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

int
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

int
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
int
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
int
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
int
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

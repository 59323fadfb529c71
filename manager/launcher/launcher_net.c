#include "launcher/launcher_net.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/launcher_rtnl.h"
#include "launcher/launcher_step.h"

#define IP_FORWARD "/proc/sys/net/ipv4/ip_forward"

void
net_ifname(char out[IFNAMSIZ], const struct conf *conf, uint32_t slot)
{
	snprintf(out, IFNAMSIZ, "%s" NET_IF "%" PRIu32, conf->if_prefix, slot);
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

struct preparing {
	const struct conf *conf;
	int run; /* run_dir */
	struct mnl_socket *nl;
};

/* The value before us: never our own of an earlier start. */
static int
prepare_forward(void *arg)
{
	const struct preparing *p = arg;
	char now = forward_now();
	int fd;

	fd = openat(p->run, "ip_forward",
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd != -1) {
		if (write(fd, &now, 1) != 1)
			(void)unlinkat(p->run, "ip_forward", 0);
		close(fd);
	}
	return 0;
}

static int
prepare_gateway(void *arg)
{
	const struct preparing *p = arg;

	return addr_change(p->nl, RTM_NEWADDR, 1, conf_slot_addr(p->conf, 1));
}

static int
prepare_refuse(void *arg)
{
	const struct preparing *p = arg;

	return route_refuse(p->nl, p->conf, RTM_NEWROUTE);
}

static int
prepare_local(void *arg)
{
	const struct preparing *p = arg;

	return rule_change(p->nl, p->conf, RTM_NEWRULE, RULE_LOCAL);
}

static int
prepare_gate(void *arg)
{
	const struct preparing *p = arg;

	return rule_change(p->nl, p->conf, RTM_NEWRULE, RULE_GATE);
}

static int
prepare_on(void *arg)
{
	(void)arg;
	net_forward();
	return 0;
}

static const struct step prepare_rows[] = {
    {"forward", prepare_forward, NULL, 0},
    {"gateway", prepare_gateway, NULL, 0},
    {"refuse", prepare_refuse, NULL, 0},
    {"local", prepare_local, NULL, 0},
    {"gate", prepare_gate, NULL, 0},
    {"on", prepare_on, NULL, 0},
};
STEPS(prepare);

int
net_prepare(const struct conf *conf, int run)
{
	struct preparing p = {conf, run, net_socket()};
	size_t done;
	int error;

	if (p.nl == NULL)
		return -errno;
	error = steps_run(&prepare_steps, &p, &done);
	mnl_socket_close(p.nl);
	return error;
}

/* The way into a namespace of its own; nl is of where it is just now. */
struct entering {
	const struct conf *conf;
	uint32_t slot;
	struct mnl_socket *nl;
	int host, inside; /* namespaces, or -1 */
	int outer;        /* index of the host's end */
	char name[IFNAMSIZ];
};

static int
enter_namespace(void *arg)
{
	struct entering *e = arg;

	e->host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (e->host == -1 || unshare(CLONE_NEWNET) == -1)
		return -errno;
	e->inside = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return e->inside == -1 ? -errno : 0;
}

/* Back on the host, where names and sysctls of its end are found. */
static int
enter_host(void *arg)
{
	struct entering *e = arg;

	if (setns(e->host, CLONE_NEWNET) == -1)
		return -errno;
	return (e->nl = net_socket()) == NULL ? -errno : 0;
}

static int
enter_pair(void *arg)
{
	struct entering *e = arg;
	int error;

	error = link_make(e->nl, e->name, e->slot, e->inside);
	if (error != -EEXIST)
		return error;
	/* The last holder's namespace is still being taken down. */
	(void)link_delete(e->nl, e->name);
	return link_make(e->nl, e->name, e->slot, e->inside);
}

/* The host's end, while it is down: no fe80 address ever is on it. */
static int
enter_outer_ipv6(void *arg)
{
	const struct entering *e = arg;
	char path[96];
	int error;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
	    e->name);
	error = sysctl_write(path, "1");
	return error == -ENOENT ? 0 : error;
}

static int
enter_outer_up(void *arg)
{
	struct entering *e = arg;
	int error;

	error = link_index(e->nl, e->name, &e->outer);
	return error == 0 ? link_up(e->nl, e->outer) : error;
}

static int
enter_outer_route(void *arg)
{
	const struct entering *e = arg;
	struct in_addr addr = conf_slot_addr(e->conf, e->slot);
	struct in_addr gateway = conf_slot_addr(e->conf, 1);

	return route_add(e->nl, e->outer, &addr, NULL, &gateway);
}

static int
enter_outer_neighbour(void *arg)
{
	const struct entering *e = arg;
	uint8_t mac[6];

	net_mac(mac, 1, e->slot);
	return neighbour_add(
	    e->nl, e->outer, conf_slot_addr(e->conf, e->slot), mac);
}

static int
enter_inside(void *arg)
{
	struct entering *e = arg;

	if (e->nl != NULL)
		mnl_socket_close(e->nl);
	e->nl = NULL;
	if (setns(e->inside, CLONE_NEWNET) == -1)
		return -errno;
	return (e->nl = net_socket()) == NULL ? -errno : 0;
}

/* No IPv6: neither addresses nor neighbours. */
static int
enter_inner_ipv6(void *arg)
{
	int error;

	(void)arg;
	error = sysctl_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	return error == -ENOENT ? 0 : error;
}

static int
enter_lo(void *arg)
{
	const struct entering *e = arg;

	return link_up(e->nl, 1);
}

static int
enter_eth0(void *arg)
{
	const struct entering *e = arg;

	return link_up(e->nl, INNER_INDEX);
}

static int
enter_address(void *arg)
{
	const struct entering *e = arg;

	return addr_change(
	    e->nl, RTM_NEWADDR, INNER_INDEX, conf_slot_addr(e->conf, e->slot));
}

static int
enter_gateway(void *arg)
{
	const struct entering *e = arg;
	struct in_addr gateway = conf_slot_addr(e->conf, 1);

	return route_add(e->nl, INNER_INDEX, &gateway, NULL, NULL);
}

static int
enter_default(void *arg)
{
	const struct entering *e = arg;
	struct in_addr gateway = conf_slot_addr(e->conf, 1);

	return route_add(e->nl, INNER_INDEX, NULL, &gateway, NULL);
}

static int
enter_inner_neighbour(void *arg)
{
	const struct entering *e = arg;
	uint8_t mac[6];

	net_mac(mac, 0, e->slot);
	return neighbour_add(
	    e->nl, INNER_INDEX, conf_slot_addr(e->conf, 1), mac);
}

static const struct step network_rows[] = {
    {"namespace", enter_namespace, NULL, 0},
    {"host", enter_host, NULL, 0},
    {"pair", enter_pair, NULL, 0},
    {"outer ipv6", enter_outer_ipv6, NULL, 0},
    {"outer up", enter_outer_up, NULL, 0},
    {"outer route", enter_outer_route, NULL, 0},
    {"outer neighbour", enter_outer_neighbour, NULL, 0},
    {"inside", enter_inside, NULL, 0},
    {"inner ipv6", enter_inner_ipv6, NULL, 0},
    {"lo", enter_lo, NULL, 0},
    {"eth0", enter_eth0, NULL, 0},
    {"address", enter_address, NULL, 0},
    {"gateway", enter_gateway, NULL, 0},
    {"default route", enter_default, NULL, 0},
    {"inner neighbour", enter_inner_neighbour, NULL, 0},
};
STEPS(network);

static const struct step lonely_rows[] = {
    {"namespace", enter_namespace, NULL, 0},
    {"inside", enter_inside, NULL, 0},
    {"inner ipv6", enter_inner_ipv6, NULL, 0},
    {"lo", enter_lo, NULL, 0},
};
STEPS(lonely);

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
	struct entering e = {
	    .conf = conf, .slot = slot, .host = -1, .inside = -1};
	size_t done;
	int error;

	net_ifname(e.name, conf, slot);
	error =
	    steps_run(slot != 0 ? &network_steps : &lonely_steps, &e, &done);
	if (e.nl != NULL)
		mnl_socket_close(e.nl);
	if (e.host != -1)
		close(e.host);
	if (e.inside != -1)
		close(e.inside);
	return error;
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

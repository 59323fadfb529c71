#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "launcher/launcher.h"
#include "launcher/launcher_net.h"

static void
purge_instance(uint64_t id, void *arg)
{
	struct launcher *l = arg;

	if (instance_uproot(l, id) != 0)
		log_err("cgroup inst/%016llx can't be removed",
		    (unsigned long long)id);
}

/* Shims end with their sandboxes; what holds a scope open does not. */
static int
purge_cgroups(struct launcher *l)
{
	static const struct timespec pause = {0, 10000000};
	int error, i;

	for (i = 0; i < 300; i++) {
		if ((error = cgroup_purge(&l->cgroups)) != -EBUSY)
			return error;
		if (i == 100)
			cgroup_kill_shims(&l->cgroups);
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static void
purge_links(struct launcher *l)
{
	struct if_nameindex *all;
	char prefix[IFNAMSIZ];
	size_t i, len;
	uint32_t slot;

	len = (size_t)snprintf(
	    prefix, sizeof(prefix), "%s" NET_IF, l->conf.if_prefix);
	if ((all = if_nameindex()) == NULL)
		return;
	for (i = 0; all[i].if_index != 0; i++) {
		if (strncmp(all[i].if_name, prefix, len) != 0)
			continue;
		slot = (uint32_t)strtoul(all[i].if_name + len, NULL, 10);
		(void)net_remove(&l->conf, slot);
	}
	if_freenameindex(all);
}

static int
purge_instances(void *arg)
{
	struct launcher *l = arg;

	cgroup_each(&l->cgroups, purge_instance, l);
	return purge_cgroups(l);
}

static int
purge_interfaces(void *arg)
{
	purge_links(arg);
	return 0;
}

static int
purge_firewall(void *arg)
{
	const struct launcher *l = arg;

	return firewall_purge(l->firewall);
}

static int
purge_network(void *arg)
{
	const struct launcher *l = arg;

	return net_purge(
	    &l->conf, l->at[AT_RUN], !firewall_others(l->firewall));
}

static int
purge_folders(void *arg)
{
	static const char *const dirs[] = {
	    PLACE_INST, PLACE_EXIT, PLACE_ATTACH, "stage"};
	const struct launcher *l = arg;
	int error, failed = 0;
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if ((error = tree_remove(l->at[AT_RUN], dirs[i])) != 0)
			failed = error;
	}
	return failed;
}

static int
purge_socket(void *arg)
{
	const struct launcher *l = arg;

	(void)unlinkat(l->at[AT_RUN], PLACE_LAUNCHER_SOCK, 0);
	(void)unlinkat(l->at[AT_RUN], "launcher.lock", 0);
	return 0;
}

static const struct step purge_rows[] = {
    {"cgroups", purge_instances, NULL, 0},
    {"interfaces", purge_interfaces, NULL, 0},
    {"firewall", purge_firewall, NULL, 0},
    {"network", purge_network, NULL, 0},
    {"folders", purge_folders, NULL, 0},
    {"socket", purge_socket, NULL, 0},
};
STEPS(purge);

/* All of them, whichever fails. */
int
purge(struct launcher *l)
{
	int error, failed = 0;
	size_t i;

	for (i = 0; i < purge_steps.n; i++) {
		if ((error = step_run(&purge_steps, i, l)) == 0)
			continue;
		log_err("%s: %s", purge_rows[i].name, strerror(-error));
		failed = 1;
	}
	return failed;
}

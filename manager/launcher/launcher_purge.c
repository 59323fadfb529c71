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
step(const char *what, int error)
{
	if (error != 0)
		log_err("%s: %s", what, strerror(-error));
	return error != 0;
}

int
purge(struct launcher *l)
{
	static const char *const dirs[] = {
	    PLACE_INST, PLACE_EXIT, PLACE_ATTACH, "stage"};
	size_t i;
	int failed = 0;

	cgroup_each(&l->cgroups, purge_instance, l);
	failed |= step("cgroups", purge_cgroups(l));
	purge_links(l);
	failed |= step("firewall", firewall_purge(l->firewall));
	failed |= step("network",
	    net_purge(&l->conf, l->at[AT_RUN], !firewall_others(l->firewall)));
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		failed |= step(dirs[i], tree_remove(l->at[AT_RUN], dirs[i]));
	(void)unlinkat(l->at[AT_RUN], PLACE_LAUNCHER_SOCK, 0);
	(void)unlinkat(l->at[AT_RUN], "launcher.lock", 0);
	return failed;
}

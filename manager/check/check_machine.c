/*
 * What is: the launcher's records, processes by their uid, cgroups and
 * interfaces.  Each has to belong to the others.
 */
#include <sys/stat.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/check_impl.h"
#include "common/log.h"
#include "common/places.h"
#include "node/proc.h"
#include "store/keys.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define KIND_APP    1

/* ---- records ----------------------------------------------------------- */

static int
record_cmp(const void *a, const void *b)
{
	const struct check_record *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

struct check_record *
check_record_find(const struct check *c, uint64_t id)
{
	struct check_record key = {.id = id};

	if (c->nrecords == 0)
		return NULL;
	return bsearch(&key, c->records, c->nrecords, sizeof(key), record_cmp);
}

static const struct check_record *
record_of_slot(const struct check *c, uint32_t slot)
{
	size_t i;

	for (i = 0; i < c->nrecords; i++) {
		if (c->records[i].slot == slot)
			return &c->records[i];
	}
	return NULL;
}

/* As launcher_record.c writes it; 0 if it is of this boot. */
static int
record_read(const char *path, struct check_record *r)
{
	char text[512] = "", boot[37], now[37] = "";
	uint64_t app, build;
	FILE *fp;

	if ((fp = fopen("/proc/sys/kernel/random/boot_id", "re")) != NULL) {
		(void)!fscanf(fp, "%36s", now);
		fclose(fp);
	}
	if ((fp = fopen(path, "re")) == NULL)
		return -1;
	(void)!fgets(text, sizeof(text), fp);
	fclose(fp);
	if (sscanf(text,
		"boot=%36s id=%16" SCNx64 " app=%" SCNu64 " build=%" SCNu64
		" kind=%" SCNu32 " slot=%" SCNu32 " pid=%d start=%" SCNu64,
		boot, &r->id, &app, &build, &r->kind, &r->slot, &r->pid,
		&r->starttime) != 8)
		return -1;
	return strcmp(boot, now) == 0 ? 0 : -1;
}

static void
record_found(const char *name, void *arg)
{
	struct check *c = arg;
	struct check_record *more, r = {0};
	char path[PATH_MAX];
	uint64_t id, start;

	snprintf(
	    path, sizeof(path), "%s/" PLACE_INST "/%s", c->conf->run_dir, name);
	if (key_parse_id(name, &id) == -1 || record_read(path, &r) == -1 ||
	    r.id != id) {
		check_off(c, "%s is no record of this boot", path);
		return;
	}
	r.alive = proc_starttime(r.pid, &start) == 0 && start == r.starttime;
	more = reallocarray(c->records, c->nrecords + 1, sizeof(*more));
	if (more == NULL)
		log_fatal("out of memory");
	c->records = more;
	more[c->nrecords++] = r;
}

static void
records_compare(struct check *c)
{
	const struct check_known *known;
	const struct check_record *r;
	size_t i;

	for (i = 0; i < c->nrecords; i++) {
		r = &c->records[i];
		if ((known = check_known_find(c, r->id)) == NULL)
			check_off(c,
			    "instance %016" PRIx64 " (process %d, slot %u) "
			    "belongs to nothing",
			    r->id, r->pid, r->slot);
		else if (known->slot != 0 && known->slot != r->slot)
			check_off(c,
			    "%s: slot %u in the store, %u in its record",
			    known->name, known->slot, r->slot);
	}
	for (i = 0; i < c->nknown; i++) {
		known = &c->known[i];
		r = check_record_find(c, known->id);
		if (known->process && r == NULL)
			check_off(c,
			    "%s: instance %016" PRIx64
			    " should run and has no record",
			    known->name, known->id);
		else if (known->process && !r->alive)
			check_off(c,
			    "%s: instance %016" PRIx64
			    " should run; its process %d has ended",
			    known->name, known->id, r->pid);
	}
}

static void
leftover_found(const char *name, void *arg)
{
	struct check *c = arg;
	uint64_t id;

	if (key_parse_id(name, &id) == 0 && check_record_find(c, id) == NULL)
		check_off(c, "run/exit/%s is of no instance", name);
}

/* ---- cgroups ----------------------------------------------------------- */

static const char *const trees[] = {
    "", "/unified", "/memory", "/cpu", "/pids", "/freezer", "/systemd"};

static void
cgroup_found(const char *name, void *arg)
{
	struct check *c = arg;
	uint64_t id;

	if (key_parse_id(name, &id) == -1)
		return;
	c->ncgroups++;
	if (check_record_find(c, id) == NULL)
		check_off(c, "the cgroup inst/%s has no record", name);
}

static void
cgroups_compare(struct check *c)
{
	char path[PATH_MAX];
	struct stat st;
	size_t i, j;

	/* The first tree stands for all: the launcher makes them together. */
	for (i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		snprintf(path, sizeof(path), CGROUP_ROOT "%s/%s/inst", trees[i],
		    c->conf->cgroup);
		if (check_folder(path, cgroup_found, c) == 0)
			break;
	}
	if (i == sizeof(trees) / sizeof(trees[0]))
		return;
	for (j = 0; j < c->nrecords; j++) {
		snprintf(path, sizeof(path),
		    CGROUP_ROOT "%s/%s/inst/%016" PRIx64, trees[i],
		    c->conf->cgroup, c->records[j].id);
		if (c->records[j].alive && stat(path, &st) == -1)
			check_off(c, "instance %016" PRIx64 " has no cgroup",
			    c->records[j].id);
	}
}

/* ---- processes, by their uid ------------------------------------------- */

static void
process_found(const char *name, void *arg)
{
	struct check *c = arg;
	uint32_t slot, last = conf_slot_last(c->conf);
	char path[64];
	struct stat st;

	if (name[0] < '1' || name[0] > '9')
		return;
	snprintf(path, sizeof(path), "/proc/%.16s", name);
	if (stat(path, &st) == -1 || st.st_uid < c->conf->uid_base ||
	    st.st_uid - c->conf->uid_base > last)
		return;
	slot = st.st_uid - c->conf->uid_base;
	c->nprocesses++;
	if (record_of_slot(c, slot) == NULL)
		check_off(c, "process %s (uid %u) is of no instance", name,
		    (unsigned)st.st_uid);
}

/* ---- interfaces -------------------------------------------------------- */

static void
interfaces_compare(struct check *c)
{
	struct if_nameindex *all, *one;
	const struct check_record *r;
	char name[32], prefix[16];
	size_t i, len;

	len =
	    (size_t)snprintf(prefix, sizeof(prefix), "%sv", c->conf->if_prefix);
	if ((all = if_nameindex()) == NULL)
		return;
	for (one = all; one->if_name != NULL; one++) {
		if (strncmp(one->if_name, prefix, len) != 0 ||
		    one->if_name[len] < '0' || one->if_name[len] > '9')
			continue;
		c->ninterfaces++;
		r = record_of_slot(
		    c, (uint32_t)strtoul(one->if_name + len, NULL, 10));
		if (r == NULL)
			check_off(c, "the interface %s is of no instance",
			    one->if_name);
	}
	if_freenameindex(all);
	for (i = 0; i < c->nrecords; i++) {
		r = &c->records[i];
		snprintf(name, sizeof(name), "%s%u", prefix, r->slot);
		if (r->alive && r->kind == KIND_APP &&
		    if_nametoindex(name) == 0)
			check_off(c,
			    "instance %016" PRIx64 " has no interface %s",
			    r->id, name);
	}
}

void
check_machine(struct check *c)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" PLACE_INST, c->conf->run_dir);
	if (check_folder(path, record_found, c) == -1 && errno != ENOENT)
		check_off(c, "%s can't be read: %s", path, strerror(errno));
	if (c->nrecords > 0)
		qsort(c->records, c->nrecords, sizeof(*c->records), record_cmp);
	records_compare(c);
	snprintf(path, sizeof(path), "%s/" PLACE_EXIT, c->conf->run_dir);
	(void)check_folder(path, leftover_found, c);
	cgroups_compare(c);
	(void)check_folder("/proc", process_found, c);
	interfaces_compare(c);
}

#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bsd/string.h>

#include "common/log.h"
#include "launcher/launcher.h"
#include "launcher/launcher_net.h"

/*
 * To the shim goes SIGRTMIN with the signal as its value, by pidfd: a pid
 * alone might be somebody else's by now.
 */
static int
signal_send(void *arg)
{
	const struct asked *a = arg;
	siginfo_t si = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE};
	struct record *r;
	int error = 0, fd;

	if ((r = record_find(&a->l->records, a->q->u.signal.id)) == NULL)
		return -ENOENT;
	if ((fd = record_pidfd(r)) < 0)
		return fd;
	si.si_value.sival_int = a->q->u.signal.signo;
	if (syscall(SYS_pidfd_send_signal, fd, SIGRTMIN, &si, 0) == -1)
		error = -errno;
	close(fd);
	return error;
}

static const struct step signal_rows[] = {
    {"send", signal_send, NULL, 0},
};
STEPS(signal);

static int
kill_all(void *arg)
{
	const struct asked *a = arg;

	if (record_find(&a->l->records, a->q->u.id) == NULL)
		return -ENOENT;
	return cgroup_kill(&a->l->cgroups, a->q->u.id);
}

static const struct step kill_rows[] = {
    {"cgroup", kill_all, NULL, 0},
};
STEPS(kill);

int
instance_uproot(struct launcher *l, uint64_t id)
{
	static const struct timespec pause = {0, 1000000};
	int error, i;

	for (i = 0; i < 1000; i++) {
		/* Again and again where there is no cgroup.kill. */
		if (i % 100 == 0 && cgroup_populated(&l->cgroups, id))
			(void)cgroup_kill(&l->cgroups, id);
		if ((error = cgroup_remove(&l->cgroups, id)) != -EBUSY)
			return error;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

void
exit_remove(struct launcher *l, uint64_t id)
{
	char name[32];

	id_format(name, id);
	(void)unlinkat(l->at[AT_EXIT], name, 0);
	snprintf(name, sizeof(name), ".%016" PRIx64 ".tmp", id);
	(void)unlinkat(l->at[AT_EXIT], name, 0);
	place_unlisten(l, id);
}

static struct record *
clean_record(const struct asked *a)
{
	return record_find(&a->l->records, a->q->u.id);
}

static int
clean_ended(void *arg)
{
	const struct record *r = clean_record(arg);

	return r != NULL && record_state(r) == LAUNCH_RUNNING ? -EBUSY : 0;
}

static int
clean_cgroup(void *arg)
{
	const struct asked *a = arg;

	return instance_uproot(a->l, a->q->u.id);
}

static int
clean_network(void *arg)
{
	const struct asked *a = arg;
	const struct record *r = clean_record(a);

	if (r != NULL && kind_networked(r->launch.kind))
		(void)net_remove(&a->l->conf, r->launch.slot);
	return 0;
}

static int
clean_firewall(void *arg)
{
	const struct asked *a = arg;
	const struct record *r = clean_record(a);

	if (r != NULL && kind_networked(r->launch.kind))
		(void)firewall_remove(a->l->firewall, r->launch.slot);
	return 0;
}

static int
clean_exit(void *arg)
{
	const struct asked *a = arg;

	if (clean_record(a) != NULL)
		exit_remove(a->l, a->q->u.id);
	return 0;
}

static int
clean_forget(void *arg)
{
	struct asked *a = arg;
	struct record *r = clean_record(a);
	int error;

	if (r == NULL)
		return 0;
	if ((error = record_remove(a->l->at[AT_INST], a->q->u.id)) != 0)
		return error;
	a->pruned = r->launch.app;
	RB_REMOVE(records, &a->l->records, r);
	free(r);
	return 0;
}

static int
clean_logs(void *arg)
{
	const struct asked *a = arg;

	if (a->pruned != 0)
		log_prune(a->l, a->pruned);
	return 0;
}

/* The record goes last: until then a next CLEAN finds what is left. */
static const struct step clean_rows[] = {
    {"ended", clean_ended, NULL, 0},
    {"cgroup", clean_cgroup, NULL, 0},
    {"network", clean_network, NULL, 0},
    {"firewall", clean_firewall, NULL, 0},
    {"exit", clean_exit, NULL, 0},
    {"record", clean_forget, NULL, 0},
    {"logs", clean_logs, NULL, 0},
};
STEPS(clean);

static DIR *
dir_open(int at)
{
	DIR *dir;
	int fd;

	fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	if ((dir = fdopendir(fd)) == NULL)
		close(fd);
	return dir;
}

static void
record_adopt(struct launcher *l, const char *name)
{
	struct record *r;
	uint64_t id;
	int error = -EBADMSG;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return;
	if (id_parse(name, &id) &&
	    (error = record_read(l->at[AT_INST], name, r)) == 0 &&
	    r->launch.id == id && strcmp(r->boot, l->boot_id) == 0 &&
	    RB_INSERT(records, &l->records, r) == NULL)
		return;
	if (error != 0)
		log_warn("run/inst/%s is no record of ours; removed", name);
	(void)unlinkat(l->at[AT_INST], name, 0);
	free(r);
}

static void
orphan_end(uint64_t id, void *arg)
{
	struct launcher *l = arg;

	if (record_find(&l->records, id) != NULL)
		return;
	log_warn("instance %016" PRIx64 " has no record; ended", id);
	if (instance_uproot(l, id) != 0)
		log_err("instance %016" PRIx64 " does not end", id);
}

/* "ID", or ".ID.tmp" of a shim that was killed while it wrote. */
static int
exit_parse(const char *name, uint64_t *id)
{
	char text[ID_TEXT];

	if (name[0] != '.')
		return id_parse(name, id);
	return strlcpy(text, name + 1, sizeof(text)) == ID_TEXT - 1 + 4 &&
	       strcmp(name + ID_TEXT, ".tmp") == 0 && id_parse(text, id);
}

/*
 * Exit records and sockets whose instance is gone: of an earlier boot, of a
 * start that failed, or of a shim that outlived the end of its instance by the
 * moment that its last word takes.
 */
static void
exits_sweep(struct launcher *l, enum launcher_place at)
{
	struct dirent *e;
	uint64_t id;
	DIR *dir;

	if ((dir = dir_open(l->at[at])) == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (exit_parse(e->d_name, &id) &&
		    record_find(&l->records, id) == NULL)
			exit_remove(l, id);
	}
	closedir(dir);
}

void
instance_sweep(struct launcher *l)
{
	exits_sweep(l, AT_EXIT);
	exits_sweep(l, AT_ATTACH);
}

void
instance_adopt_all(struct launcher *l)
{
	struct dirent *e;
	struct record *r;
	unsigned int n = 0;
	DIR *dir;

	if ((dir = dir_open(l->at[AT_INST])) == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			record_adopt(l, e->d_name);
	}
	closedir(dir);
	RB_FOREACH (r, records, &l->records)
		n++;
	if (n > 0)
		log_info("%u instances adopted", n);
}

void
instance_end_orphans(struct launcher *l)
{
	cgroup_each(&l->cgroups, orphan_end, l);
}

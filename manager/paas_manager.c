/*
 * paas-manager: makes running instances match what was asked for.
 *
 * One thread and one loop.  The rooms are opened against the stream of data,
 * so that nothing flows before there is somebody to take it, and closed with
 * it.  Nothing here needs an orderly end: kill -9 at any moment is as good.
 */
#include <sys/stat.h>

#include <bsd/string.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/places.h"
#include "check/check.h"
#include "store/seal.h"
#include "store/store.h"

#include "routing/routing.h"
#include "node/node.h"
#include "schedule/cron.h"
#include "schedule/pace.h"
#include "schedule/schedule.h"
#include "build/build.h"
#include "api/api.h"

#define LOCKED_LOOK_US 2000000

struct manager {
	struct conf conf;
	sd_event *loop;
	struct store *store;
	struct routing *routing;
	struct node *node;
	struct schedule *schedule;
	struct pace *pace;
	struct cron *cron;
	struct build *build;
	struct api *api;
	int unlocked; /* begin anew: the keys are there */
};

/* Sets *locked if it is only the keys to its secrets that are missing. */
static struct store *
manager_open_store(struct manager *m, int *locked, char err[PAAS_ERRLEN])
{
	char dir[PATH_MAX], key_file[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/" PLACE_STORE, m->conf.state_dir);
	conf_key_file(&m->conf, key_file, sizeof(key_file));
	return store_open_lmdb_sealed(dir, key_file, m->loop, locked, err);
}

/* ---- without the keys ------------------------------------------------ */

static int
manager_try_again(sd_event_source *source, uint64_t usec, void *arg)
{
	struct manager *m = arg;
	char err[PAAS_ERRLEN];
	struct store *store;
	int locked = 0;

	(void)usec;
	if ((store = manager_open_store(m, &locked, err)) == NULL && locked) {
		(void)sd_event_source_set_time_relative(source, LOCKED_LOOK_US);
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	store_close(store);
	m->unlocked = 1;
	return sd_event_exit(m->loop, 0);
}

/*
 * Routes, instances and the store stay as they are, and all that is asked for
 * is answered with what is wrong, until the file is there.
 */
static int
manager_open_locked(struct manager *m, const char *why, char err[PAAS_ERRLEN])
{
	int rc;

	log_err("%s", why);
	(void)sd_notifyf(0, "STATUS=%s", why);
	if ((m->api = api_open_locked(why, &m->conf, m->loop, err)) == NULL)
		return -1;
	rc = sd_event_add_time_relative(m->loop, NULL, CLOCK_MONOTONIC,
	    LOCKED_LOOK_US, 0, manager_try_again, m);
	if (rc >= 0)
		return 0;
	snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-rc));
	return -1;
}

/* ---- open and close -------------------------------------------------- */

static int
manager_open(struct manager *m, char err[PAAS_ERRLEN])
{
	char why[PAAS_ERRLEN];
	int locked = 0;

	if ((m->store = manager_open_store(m, &locked, why)) == NULL) {
		if (locked)
			return manager_open_locked(m, why, err);
		strlcpy(err, why, PAAS_ERRLEN);
		return -1;
	}
	m->routing = routing_open(m->store, &m->conf, m->loop, err);
	if (m->routing == NULL)
		return -1;
	if ((m->node = node_open(m->store, &m->conf, m->loop, err)) == NULL)
		return -1;
	m->schedule = schedule_open(m->store, &m->conf, m->loop, err);
	if (m->schedule == NULL)
		return -1;
	m->pace = pace_open(m->store, m->node, &m->conf, m->loop, err);
	if (m->pace == NULL)
		return -1;
	m->cron = cron_open(m->store, &m->conf, m->loop, err);
	if (m->cron == NULL)
		return -1;
	m->build = build_open(m->store, m->node, &m->conf, m->loop, err);
	if (m->build == NULL)
		return -1;
	m->api = api_open(
	    m->store, m->build, m->node, m->routing, &m->conf, m->loop, err);
	return m->api == NULL ? -1 : 0;
}

static void
manager_close(struct manager *m)
{
	if (m->api != NULL)
		api_close(m->api);
	if (m->build != NULL)
		build_close(m->build);
	if (m->cron != NULL)
		cron_close(m->cron);
	if (m->pace != NULL)
		pace_close(m->pace);
	if (m->schedule != NULL)
		schedule_close(m->schedule);
	if (m->node != NULL)
		node_close(m->node);
	if (m->routing != NULL)
		routing_close(m->routing);
	if (m->store != NULL)
		store_close(m->store);
}

static int
manager_stop(
    sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
	struct manager *m = arg;

	(void)source;
	log_info("stopping on %s", strsignal((int)si->ssi_signo));
	return sd_event_exit(m->loop, 0);
}

/* Blocked, so that they come by signalfd; SIGPIPE is an error code here. */
static int
manager_signals(struct manager *m)
{
	static const int stops[] = {SIGTERM, SIGINT};
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		sigaddset(&set, stops[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -1;
	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		if (sd_event_add_signal(
			m->loop, NULL, stops[i], manager_stop, m) < 0)
			return -1;
	}
	return 0;
}

static void
manager_usage(FILE *out)
{
	fprintf(out,
	    "usage: paas-manager [--conf FILE] [--verbose] [--version] "
	    "[--check] [--rotate-key]\n"
	    "The manager of a private cloud; see paas-manager(8).\n");
}

/* A new key comes first; the manager takes it when it starts. */
static int
manager_rotate(const struct conf *conf)
{
	char err[PAAS_ERRLEN], path[PATH_MAX];

	conf_key_file(conf, path, sizeof(path));
	if (seal_rotate(path, err) == -1)
		log_fatal("%s", err);
	printf("%s has a new key: restart paas-manager, which seals all with "
	       "it, and keep a copy of the file\n",
	    path);
	return 0;
}

struct manager_options {
	const char *conf;
	int verbose, check, rotate;
};

static void
manager_options(int argc, char **argv, struct manager_options *o)
{
	static const struct option options[] = {
	    {"conf", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'k'},
	    {"rotate-key", no_argument, NULL, 'r'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->conf = optarg;
			break;
		case 'k':
			o->check = 1;
			break;
		case 'r':
			o->rotate = 1;
			break;
		case 'v':
			o->verbose = 1;
			break;
		case 'V':
			printf("paas-manager %s\n", PAAS_VERSION);
			exit(0);
		case 'h':
			manager_usage(stdout);
			exit(0);
		default:
			manager_usage(stderr);
			exit(2);
		}
	}
	if (optind != argc) {
		manager_usage(stderr);
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct manager_options options = {.conf = PAAS_CONF_DEFAULT};
	char err[PAAS_ERRLEN] = "out of memory";
	struct manager m;
	int rc;

	memset(&m, 0, sizeof(m));
	manager_options(argc, argv, &options);
	log_init("paas-manager", options.verbose);
	umask(027);
	if (conf_load(&m.conf, options.conf, err) == -1)
		log_fatal("%s", err);
	if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_ALL) != 0)
		log_fatal("a library can't be started");
	if (options.check)
		return check_print(&m.conf);
	if (options.rotate)
		return manager_rotate(&m.conf);
	if ((rc = sd_event_new(&m.loop)) < 0)
		log_fatal("event loop: %s", strerror(-rc));
	if (manager_signals(&m) == -1)
		log_fatal("signals: %s", strerror(errno));
	if (manager_open(&m, err) == -1)
		log_fatal("%s", err);
	/* Also pets the watchdog where the unit has one. */
	(void)sd_event_set_watchdog(m.loop, 1);
	(void)sd_notify(0, "READY=1");
	if (m.store != NULL)
		log_info(
		    "ready: %s, apps at *.%s", m.conf.run_dir, m.conf.domain);
	rc = sd_event_loop(m.loop);
	manager_close(&m);
	sd_event_unref(m.loop);
	curl_global_cleanup();
	if (m.unlocked)
		(void)execv("/proc/self/exe", argv);
	return rc < 0 || m.unlocked ? 1 : 0;
}

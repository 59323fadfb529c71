/* Settings, programs, services; manager, launcher and router by their word. */
#include <sys/stat.h>
#include <sys/utsname.h>

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "common/places.h"

void
doctor_look_settings(struct doctor *d)
{
	char why[PAAS_ERRLEN];
	struct conf conf;
	struct stat st;

	if (stat(d->conf_path, &st) == -1) {
		doctor_mend(d, "up");
		doctor_fix(d,
		    "run `%s`, or after paas login on another machine unset "
		    "PAAS_SOCKET",
		    d->up);
		doctor_find(d, DOCTOR_WRONG,
		    "%s is not there: no platform was brought up here",
		    d->conf_path);
		return;
	}
	if (conf_load(&conf, d->conf_path, why) == -1)
		doctor_find(d, DOCTOR_WRONG, "%s", why);
	if (st.st_uid != 0 || (st.st_mode & 022) != 0) {
		doctor_command(d, "chown root:root %s; chmod 644 %s",
		    d->conf_path, d->conf_path);
		doctor_find(d, DOCTOR_WRONG,
		    "%s can be written by others than root", d->conf_path);
	}
	doctor_seen(d, "%s, domain %s", d->conf_path, d->conf.domain);
}

/* ---- programs ---------------------------------------------------------- */

static const struct program {
	const char *name;
	const char *package;
	const char *option; /* that prints the version; NULL: any will do */
	int major, minor;   /* at least */
} programs[] = {
    {"nginx", "nginx", "-v", 1, 22},
    {"bwrap", "bubblewrap", "--version", 0, 8},
    {"nft", "nftables", "--version", 1, 0},
    {"git", "git", "--version", 2, 30},
    {"dnsmasq", "dnsmasq-base", "--version", 2, 80},
    {"fcgiwrap", "fcgiwrap", NULL, 0, 0},
    {"openssl", "openssl", "version", 3, 0},
    {"ip", "iproute2", NULL, 0, 0},
    {"curl", "curl", NULL, 0, 0},
};

/* "nginx version: nginx/1.22.1": the first number with a dot in it. */
static int
version_of(const char *text, int *major, int *minor)
{
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (sscanf(p, "%d.%d", major, minor) == 2)
			return 0;
		p += strspn(p, "0123456789");
		if (*p == '\0')
			break;
	}
	return -1;
}

static void
program_look(struct doctor *d, const struct program *p)
{
	const char *ask[] = {p->name, p->option, NULL};
	const char *find[] = {"sh", "-c", "command -v \"$0\"", p->name, NULL};
	char out[1024];
	int major, minor;

	if (doctor_run(find, NULL, 5, out, sizeof(out)) != 0) {
		doctor_fix(d, "apt-get install %s", p->package);
		doctor_find(d, DOCTOR_WRONG, "%s is not installed", p->name);
		return;
	}
	if (p->option == NULL ||
	    (doctor_run(ask, NULL, 5, out, sizeof(out)) != -1 &&
		version_of(out, &major, &minor) == 0 &&
		(major > p->major || (major == p->major && minor >= p->minor))))
		return;
	doctor_fix(d, "apt-get install %s, of Debian 12 or newer", p->package);
	doctor_find(d, DOCTOR_WRONG, "%s is no version from %d.%d on: %s",
	    p->name, p->major, p->minor, doctor_line(out, NULL));
}

void
doctor_look_programs(struct doctor *d)
{
	static const char *const own[] = {"paas-manager", "paas-launcher",
	    "paas-shim", "paas-init", "paas-build", "paas-inspect", "paas-git",
	    "paas-git-hook", "paas-logger", "paas-drain", "paas-password",
	    "paas-resolve", "run"};
	char path[PATH_MAX];
	struct utsname uts;
	int major = 0, minor = 0;
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		program_look(d, &programs[i]);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", d->conf.libexec_dir, own[i]);
		if (access(path, X_OK) == -1) {
			doctor_find(d, DOCTOR_WRONG,
			    "%s is not there, or can't be executed", path);
		}
	}
	if (uname(&uts) == 0 && version_of(uts.release, &major, &minor) == 0 &&
	    (major < 5 || (major == 5 && minor < 12))) {
		doctor_fix(d, "boot a kernel of Debian 12 or newer");
		doctor_find(d, DOCTOR_WRONG,
		    "Linux %s has no idmapped mounts: 5.12 is the first",
		    uts.release);
	}
	doctor_seen(d, "all installed, Linux %s", uts.release);
}

/* ---- services ---------------------------------------------------------- */

#define SERVICE_YOUNG 3 /* seconds; it may be ending again and again */

/* runit's, below /run; 1 if it runs. */
static int
runit_look(struct doctor *d, const char *name)
{
	char dir[PATH_MAX], out[512], *at;
	const char *ask[] = {"sv", "status", dir, NULL};
	int age = -1;

	snprintf(dir, sizeof(dir), "%s/sv/%s", d->conf.run_dir, name);
	(void)doctor_run(ask, NULL, 5, out, sizeof(out));
	if (strncmp(out, "run: ", 5) != 0) {
		if (strncmp(out, "down: ", 6) == 0)
			doctor_command(d, "sv up %.400s", dir);
		doctor_find(d, DOCTOR_WRONG, "%s does not run: %s", name,
		    doctor_line(out, NULL));
		return 0;
	}
	if ((at = strchr(out, ')')) != NULL)
		age = atoi(at + 1);
	if (age >= 0 && age < SERVICE_YOUNG) {
		doctor_fix(d,
		    "ask again in a moment; if it is as young then, its last "
		    "words are in the log of %s, a folder %s/current",
		    name, name);
		doctor_find(d, DOCTOR_WARNING, "%s has started just now", name);
	}
	return 1;
}

static int
unit_look(struct doctor *d, const char *name)
{
	char unit[64], out[512];
	const char *ask[] = {"systemctl", "is-active", unit, NULL};
	const char *enabled[] = {"systemctl", "is-enabled", unit, NULL};

	snprintf(unit, sizeof(unit), "paas-%s.service", name);
	if (doctor_run(enabled, NULL, 5, out, sizeof(out)) != 0) {
		doctor_command(d, "systemctl enable %s", unit);
		doctor_find(d, DOCTOR_WARNING,
		    "%s is not started when the machine boots: it is %s", unit,
		    doctor_line(out, NULL));
	}
	if (doctor_run(ask, NULL, 5, out, sizeof(out)) == 0)
		return 1;
	doctor_command(
	    d, "systemctl reset-failed %s; systemctl restart %s", unit, unit);
	doctor_fix(d, "see why with `journalctl -u %s -n 20`, then run `%s`",
	    unit, d->command);
	doctor_find(d, DOCTOR_WRONG, "%s is %s", unit, doctor_line(out, NULL));
	return 0;
}

void
doctor_look_services(struct doctor *d)
{
	static const char *const services[] = {"launcher", "manager", "router",
	    "dns", "git", "rotate", "logger", "drain", "ssh"};
	size_t i, n = sizeof(services) / sizeof(services[0]), run = 0;
	char sv[PATH_MAX];
	int runit;

	snprintf(sv, sizeof(sv), "%s/sv", d->conf.run_dir);
	runit = access(sv, F_OK) == 0;
	if (!runit && access("/run/systemd/system", F_OK) == -1) {
		doctor_find(d, DOCTOR_WRONG,
		    "nothing looks after services: %s is not there", sv);
		return;
	}
	if (d->conf.ssh_port == 0)
		n--;
	for (i = 0; i < n; i++)
		run += (size_t)(runit ? runit_look(d, services[i])
				      : unit_look(d, services[i]));
	doctor_seen(d, "%zu run", run);
}

/* ---- of which version --------------------------------------------------- */

/* The file that a process runs has gone, or another one is in its place. */
static int
version_look(struct doctor *d, const char *service, pid_t pid)
{
	char link[64], exe[PATH_MAX];
	struct stat now, there;
	size_t len;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	if (pid <= 0 || (n = readlink(link, exe, sizeof(exe) - 1)) <= 0)
		return 0;
	exe[n] = '\0';
	len = strlen(exe);
	if (len > 10 && strcmp(exe + len - 10, " (deleted)") == 0)
		exe[len - 10] = '\0';
	if (stat(link, &now) == 0 && stat(exe, &there) == 0 &&
	    now.st_ino == there.st_ino && now.st_dev == there.st_dev)
		return 1;
	doctor_mend(d, service);
	doctor_find(d, DOCTOR_WARNING,
	    "the %s, process %d, is an older program than %s is now", service,
	    (int)pid, exe);
	return 0;
}

void
doctor_look_versions(struct doctor *d)
{
	static const struct {
		const char *service, *socket;
	} daemons[] = {{"manager", PLACE_MANAGER_SOCK},
	    {"launcher", PLACE_LAUNCHER_SOCK}, {"drain", PLACE_DRAIN_SOCK}};
	size_t i;
	int n = 0;

	for (i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
		n += version_look(d, daemons[i].service,
		    doctor_socket_pid(d, daemons[i].socket));
	n += version_look(d, "router", doctor_nginx_pid(d));
	doctor_seen(d, "%d are what is installed", n);
}

/* ---- by their word ------------------------------------------------------- */

void
doctor_look_manager(struct doctor *d)
{
	pid_t pid;

	if (d->health != NULL) {
		doctor_seen(d, "answers at %s, revision %lld", d->api,
		    cli_int(d->health, "revision"));
		return;
	}
	if (d->refused[0] != '\0') {
		doctor_fix(d, "log in anew with `paas login`, as a user "
			      "who may ask");
		doctor_find(d, DOCTOR_WRONG, "%s", d->refused);
		return;
	}
	if (d->away) {
		doctor_fix(d,
		    "run `paas doctor` on that machine; if it is well there, "
		    "look at DNS, firewalls and the certificate on the way");
		doctor_find(d, DOCTOR_WRONG, "%s does not answer", d->api);
		return;
	}
	if (access(d->api, R_OK | W_OK) == -1 && access(d->api, F_OK) == 0) {
		doctor_fix(d, "ask as root, or join the group paas: `adduser "
			      "USER paas`, and log in anew");
		doctor_find(d, DOCTOR_WRONG, "you may not open %s", d->api);
		return;
	}
	if ((pid = doctor_manager_pid(d)) != 0)
		doctor_find(d, DOCTOR_WRONG,
		    "the manager, process %d, takes connections at %s and "
		    "does not answer",
		    (int)pid, d->api);
	else
		doctor_find(d, DOCTOR_WRONG, "nobody listens at %s", d->api);
}

void
doctor_look_launcher(struct doctor *d)
{
	if (d->health == NULL)
		doctor_find(d, DOCTOR_UNKNOWN, "the manager would know");
	else if (!json_is_true(json_object_get(d->health, "launcher")))
		doctor_find(d, DOCTOR_WRONG,
		    "the manager does not reach the launcher: nothing can be "
		    "built or started");
	doctor_seen(d, "answers");
}

/* Here by itself: it does not need the manager. */
static json_t *
router_ask(struct doctor *d)
{
	struct http_call call = {
	    .method = "GET", .path = "/status", .seconds = 5};
	struct http_answer answer = {0};
	char path[PATH_MAX];
	struct http *http;

	snprintf(path, sizeof(path), "%s/" PLACE_STATUS_SOCK, d->conf.run_dir);
	if ((http = http_open(path)) == NULL)
		return NULL;
	if (http_do(http, &call, &answer) != HTTP_OK)
		answer.json = NULL;
	http_close(http);
	return answer.json;
}

void
doctor_look_router(struct doctor *d)
{
	json_t *page = NULL, *routes;
	struct cli_text text;

	if (!d->away) {
		page = router_ask(d);
		routes = json_object_get(page, "routes");
	} else
		routes = json_object_get(d->health, "router");
	if (d->away && d->health == NULL)
		doctor_find(d, DOCTOR_UNKNOWN, "the manager would know");
	else if (!json_is_object(routes))
		doctor_find(d, DOCTOR_WRONG,
		    "nginx does not answer at its status page");
	else if (strcmp(cli_text(routes, "state", &text), "ok") != 0)
		doctor_find(d, DOCTOR_WRONG, "its routes are %s",
		    cli_text(routes, "state", &text));
	doctor_seen(d, "%lld hosts, %lld pools, generation %lld",
	    cli_int(routes, "hosts"), cli_int(routes, "pools"),
	    cli_int(routes, "generation"));
	json_decref(page);
}

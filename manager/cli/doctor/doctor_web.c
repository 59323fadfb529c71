/* nginx, names and certificates. */
#include <sys/socket.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "cli/doctor/doctor_tls.h"

#define SOON_DAYS 14

/* ---- nginx --------------------------------------------------------------- */

/* Ours, or a stranger's: nginx can't start then. */
static void
port_look(struct doctor *d, uint32_t port)
{
	pid_t holder = 0, ours = doctor_nginx_pid(d);
	char name[64];

	doctor_port_holder(port, &holder, name);
	if (holder != 0 && holder != ours && strcmp(name, "nginx") != 0) {
		doctor_fix(d,
		    "end that one, or take another port with `%s --%s N`",
		    d->up, port == d->conf.https_port ? "https-port" : "port");
		doctor_find(d, DOCTOR_WRONG,
		    "port %u is taken by %s, process %d", port, name,
		    (int)holder);
	} else if (holder == 0) {
		doctor_mend(d, "router");
		doctor_fix(d, "start the router");
		doctor_find(d, DOCTOR_WRONG, "nobody listens on port %u", port);
	}
}

void
doctor_look_nginx(struct doctor *d)
{
	char dir[PATH_MAX], conf[PATH_MAX], out[4096];
	const char *ask[] = {"nginx", "-t", "-q", "-p", dir, "-c", conf, NULL};
	int rc;

	snprintf(dir, sizeof(dir), "%s/router", d->conf.state_dir);
	snprintf(conf, sizeof(conf), "%s/router/nginx.conf", d->conf.state_dir);
	if ((rc = doctor_run(ask, NULL, 30, out, sizeof(out))) != 0) {
		doctor_find(d, DOCTOR_WRONG, "nginx refuses %s: %s", conf,
		    rc == -1 ? "it took over 30 s" : doctor_line(out, NULL));
	}
	if (doctor_nginx_pid(d) == 0) {
		doctor_mend(d, "router");
		doctor_fix(d, "start the router");
		doctor_find(d, DOCTOR_WRONG, "nginx does not run");
	}
	port_look(d, d->conf.http_port);
	if (d->conf.https_port != 0)
		port_look(d, d->conf.https_port);
	doctor_seen(d, "its configuration is valid, and it listens");
}

void
doctor_look_module(struct doctor *d)
{
	pid_t pid = doctor_nginx_pid(d);
	char path[64], line[PATH_MAX];
	int loaded = 0, replaced = 0;
	FILE *maps;

	if (pid == 0) {
		doctor_find(d, DOCTOR_UNKNOWN, "nginx does not run");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	if ((maps = fopen(path, "re")) == NULL) {
		doctor_find(d, DOCTOR_UNKNOWN, "%s can't be read", path);
		return;
	}
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, "/ngx_http_paas_module.so") == NULL)
			continue;
		loaded = 1;
		replaced |= strstr(line, "(deleted)") != NULL;
	}
	fclose(maps);
	if (!loaded) {
		doctor_mend(d, "up");
		doctor_fix(
		    d, "run `%s`, which writes its configuration anew", d->up);
		doctor_find(d, DOCTOR_WRONG,
		    "nginx, process %d, has no module of ours loaded",
		    (int)pid);
	} else if (replaced)
		doctor_find(d, DOCTOR_WARNING,
		    "nginx, process %d, has an older module loaded than is "
		    "installed",
		    (int)pid);
	doctor_seen(d, "loaded by process %d", (int)pid);
}

/* ---- names -----------------------------------------------------------------
 */

#define NAMES 3

/* api., git. and one that nobody has. */
static void
names_make(const struct doctor *d, char names[NAMES][280])
{
	snprintf(names[0], 280, "api.%s", d->conf.domain);
	snprintf(names[1], 280, "git.%s", d->conf.domain);
	snprintf(names[2], 280, "check-%06x.%s", arc4random_uniform(1 << 24),
	    d->conf.domain);
}

/* *.localhost is this machine for browsers and curl, and needs no DNS. */
static int
names_need_none(const struct doctor *d)
{
	size_t n = strlen(d->conf.domain), l = strlen("localhost");

	return n >= l && strcmp(d->conf.domain + n - l, "localhost") == 0;
}

/* Where a name is looked for. */
static const char *
name_address(const struct doctor *d, const char *name)
{
	return d->away && !names_need_none(d) ? name : "127.0.0.1";
}

static int
address_is_ours(const char *address)
{
	char text[NI_MAXHOST];
	struct ifaddrs *list, *i;
	int ours = 0;
	socklen_t len;

	if (getifaddrs(&list) == -1)
		return 0;
	for (i = list; i != NULL && !ours; i = i->ifa_next) {
		if (i->ifa_addr == NULL ||
		    (i->ifa_addr->sa_family != AF_INET &&
			i->ifa_addr->sa_family != AF_INET6))
			continue;
		len = i->ifa_addr->sa_family == AF_INET
			  ? sizeof(struct sockaddr_in)
			  : sizeof(struct sockaddr_in6);
		ours = getnameinfo(i->ifa_addr, len, text, sizeof(text), NULL,
			   0, NI_NUMERICHOST) == 0 &&
		       strcmp(text, address) == 0;
	}
	freeifaddrs(list);
	return ours;
}

/* The first address, by a program that can be ended: getaddrinfo can't. */
static int
name_ask(const char *name, char address[64])
{
	const char *ask[] = {"getent", "ahosts", name, NULL};
	char out[4096];
	int rc = doctor_run(ask, NULL, 5, out, sizeof(out));

	if (rc == 0)
		strlcpy(address, out, 64);
	address[rc == 0 ? strcspn(address, " \t\n") : 0] = '\0';
	return rc == -1 ? -1 : rc == 0 && address[0] != '\0';
}

/* A finding's words, and whether another name need not be asked for. */
static int
name_unknown(struct doctor *d, const char *name, int rc)
{
	if (rc == 0)
		doctor_fix(d,
		    "add to the DNS of %s: `*.%s. A ADDRESS` of this machine, "
		    "and AAAA if it has IPv6",
		    d->conf.domain, d->conf.domain);
	else
		doctor_fix(d, "name servers that answer belong into "
			      "/etc/resolv.conf");
	doctor_find(d, DOCTOR_WRONG,
	    rc == 0 ? "%s is no name that DNS knows"
		    : "%s: no name server answers within 5 s",
	    name);
	return rc == -1;
}

void
doctor_look_names(struct doctor *d)
{
	char names[NAMES][280], address[64], first[64] = "";
	int i, rc;

	if (names_need_none(d)) {
		doctor_seen(d,
		    "%s needs no DNS: clients take it for their own machine",
		    d->conf.domain);
		return;
	}
	names_make(d, names);
	for (i = 0; i < NAMES; i++) {
		if ((rc = name_ask(names[i], address)) != 1) {
			if (name_unknown(d, names[i], rc))
				return;
			continue;
		}
		if (first[0] == '\0')
			strlcpy(first, address, sizeof(first));
		if (d->away || address_is_ours(address))
			continue;
		doctor_fix(d,
		    "nothing, if a balancer or NAT stands there; else correct "
		    "the DNS of %s",
		    d->conf.domain);
		doctor_find(d, DOCTOR_WARNING,
		    "%s is %s, which is no address of this machine", names[i],
		    address);
	}
	doctor_seen(d, "*.%s is %s", d->conf.domain, first);
}

/* ---- what is served
 * ---------------------------------------------------------- */

static void
tls_judge(struct doctor *d, const char *name, const struct doctor_cert *cert)
{
	if (!cert->names)
		doctor_find(d, DOCTOR_WRONG,
		    "what is served at %s is for others: %s", name,
		    cert->subject);
	else if (cert->days < 0)
		doctor_find(d, DOCTOR_WRONG,
		    "the certificate of %s has expired %ld days ago", name,
		    -cert->days);
	else if (cert->days < SOON_DAYS)
		doctor_find(d, DOCTOR_WARNING,
		    "the certificate of %s expires in %ld days", name,
		    cert->days);
	else if (!cert->trusted)
		doctor_find(d, DOCTOR_WARNING,
		    "the certificate of %s is trusted by nobody: %s (SHA-256 "
		    "%s)",
		    name, cert->why, cert->print);
	else
		doctor_seen(d, "good for %ld days or more", cert->days);
}

void
doctor_look_tls(struct doctor *d)
{
	char names[NAMES][280];
	struct doctor_cert cert, first = {.print = ""};
	char why[PAAS_ERRLEN];
	int i;

	if (d->conf.https_port == 0) {
		doctor_command(d, "%s --https-port 443", d->up);
		if (d->away)
			d->command[0] = '\0';
		if (d->away)
			doctor_fix(d,
			    "on its machine, run `scripts/up --https-port "
			    "443`, and `paas login` again");
		doctor_find(d, DOCTOR_WARNING,
		    "there is no https: tokens travel in the clear");
		return;
	}
	names_make(d, names);
	for (i = 0; i < NAMES; i++) {
		if (doctor_handshake(d, name_address(d, names[i]), names[i],
			&cert, why) == -1) {
			doctor_fix(d, "see the checks of nginx and names");
			doctor_find(d, DOCTOR_WRONG, "%s: %s", names[i], why);
			continue;
		}
		/* one for all of them is told of once */
		if (!cert.names || strcmp(first.print, cert.print) != 0)
			tls_judge(d, names[i], &cert);
		if (cert.names && first.print[0] == '\0')
			first = cert;
	}
}

static void
certificate_judge(struct doctor *d, const char *whose, const json_t *cert)
{
	struct cli_text text;
	const char *end = cli_text(cert, "ssl_cert.expires_at", &text);
	struct tm tm = {0};
	long days;

	if (strptime(end, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL)
		return;
	days = (long)((timegm(&tm) - time(NULL)) / 86400);
	if (days >= SOON_DAYS)
		return;
	doctor_fix(d, "paas certs:update CERT KEY --name %s %s%s",
	    cli_text(cert, "name", &text), *whose != '\0' ? "-a " : "",
	    *whose != '\0' ? whose : "--platform");
	doctor_find(d, days < 0 ? DOCTOR_WRONG : DOCTOR_WARNING,
	    "the certificate %s of %s %s", cli_text(cert, "name", &text),
	    *whose != '\0' ? whose : "the platform",
	    days < 0 ? "has expired" : "expires within two weeks");
}

static size_t
certificates_of(struct doctor *d, const char *path, const char *whose)
{
	json_t *certs = doctor_ask(d, path), *cert;
	size_t i, n = json_array_size(certs);

	json_array_foreach (certs, i, cert)
		certificate_judge(d, whose, cert);
	json_decref(certs);
	return n;
}

void
doctor_look_certificates(struct doctor *d)
{
	char path[HTTP_PATH_MAX];
	struct cli_text text;
	json_t *apps, *app;
	size_t i, n;

	if (d->health == NULL || (apps = doctor_ask(d, "/apps")) == NULL) {
		doctor_find(d, DOCTOR_UNKNOWN, "the manager would know");
		return;
	}
	n = certificates_of(d, "/certificates", "");
	json_array_foreach (apps, i, app) {
		const char *name = cli_text(app, "name", &text);

		if (http_path(path, "/apps/%s/sni-endpoints", name) == 0)
			n += certificates_of(d, path, name);
	}
	doctor_seen(d, "%zu", n);
	json_decref(apps);
}

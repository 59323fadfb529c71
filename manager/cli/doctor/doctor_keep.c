/* What is kept and what is under way: the key, renewals, builds, logs. */
#include <sys/stat.h>

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"

void
doctor_look_key(struct doctor *d)
{
	const struct passwd *pw = getpwnam(d->conf.user_manager);
	char path[PATH_MAX];
	struct stat st;

	conf_key_file(&d->conf, path, sizeof(path));
	if (lstat(path, &st) == -1) {
		doctor_find(d, DOCTOR_WRONG, "%s: %s", path, strerror(errno));
		return;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		doctor_find(d, DOCTOR_WRONG, "%s has no key in it", path);
	else if ((st.st_mode & 077) != 0 || pw == NULL ||
		 st.st_uid != pw->pw_uid) {
		doctor_command(d, "chown %s: %.200s; chmod 600 %.200s",
		    d->conf.user_manager, path, path);
		doctor_find(d, DOCTOR_WRONG,
		    "%s has mode %o and uid %u: %s alone is to read it", path,
		    st.st_mode & 07777, st.st_uid, d->conf.user_manager);
	}
	doctor_seen(d, "%s is %s's alone", path, d->conf.user_manager);
}

/* ---- renewals ----------------------------------------------------------- */

#define RENEWAL_LATE 21 /* days left: certbot renews when there are 30 */

/* NAME APP LIVE in a file, as paas-acme has written it. */
static void
renewal_look(struct doctor *d, const char *known)
{
	char name[128], app[64], live[512], path[PATH_MAX];
	FILE *file = fopen(known, "re");
	long days;
	int n;

	if (file == NULL)
		return;
	n = fscanf(file, "%127s %63s %511s", name, app, live);
	fclose(file);
	if (n != 3)
		return;
	snprintf(path, sizeof(path), "%s/cert.pem", live);
	if (doctor_cert_days(path, &days) == -1) {
		doctor_fix(d, "get it anew with paas-acme, or forget it: rm %s",
		    known);
		doctor_find(d, DOCTOR_WRONG,
		    "certbot does not have %s any more: %s can't be read", name,
		    path);
	} else if (days < RENEWAL_LATE) {
		doctor_command(
		    d, "paas-acme --conf %.400s --renew", d->conf_path);
		doctor_fix(d, "see why with `%s`, and in /var/log/letsencrypt",
		    d->command);
		doctor_find(d, days < 0 ? DOCTOR_WRONG : DOCTOR_WARNING,
		    days < 0 ? "certbot has not renewed %s, which ended %ld "
			       "days ago"
			     : "certbot has not renewed %s, which ends in %ld "
			       "days",
		    name, labs(days));
	}
}

/* Debian's certbot brings a timer, and a crontab where there is no systemd. */
static int
renewals_run(void)
{
	static const char *const timer[] = {
	    "systemctl", "is-enabled", "certbot.timer", NULL};
	char out[256];

	if (access("/run/systemd/system", F_OK) == 0)
		return doctor_run(timer, NULL, 5, out, sizeof(out)) == 0;
	return access("/etc/cron.d/certbot", F_OK) == 0 &&
	       (access("/run/crond.pid", F_OK) == 0 ||
		   access("/run/cron.pid", F_OK) == 0);
}

void
doctor_look_renewals(struct doctor *d)
{
	char pattern[PATH_MAX];
	glob_t list;
	size_t i, n;

	snprintf(
	    pattern, sizeof(pattern), "%s/acme/known/*", d->conf.state_dir);
	if (glob(pattern, 0, NULL, &list) != 0) {
		doctor_seen(d, "none is got by paas-acme");
		return;
	}
	n = list.gl_pathc;
	for (i = 0; i < n; i++)
		renewal_look(d, list.gl_pathv[i]);
	globfree(&list);
	if (!renewals_run()) {
		doctor_fix(d, "run `systemctl enable --now certbot.timer`; "
			      "without systemd run paas-acme --renew each day");
		doctor_find(d, DOCTOR_WARNING,
		    "nothing has certbot renew certificates");
	}
	doctor_seen(d, "%zu", n);
}

/* ---- builds ------------------------------------------------------------- */

#define BUILD_GRACE 20 /* seconds that ending one may take */

static size_t
builds_of(struct doctor *d, const char *app)
{
	char path[HTTP_PATH_MAX];
	struct cli_text text;
	struct tm tm;
	json_t *all, *build;
	size_t i, n = 0;
	long long age;

	if (http_path(path, "/apps/%s/builds", app) == -1 ||
	    (all = doctor_ask(d, path)) == NULL)
		return 0;
	json_array_foreach (all, i, build) {
		memset(&tm, 0, sizeof(tm));
		if (strcmp(cli_text(build, "status", &text), "pending") != 0 ||
		    strptime(cli_text(build, "updated_at", &text),
			"%Y-%m-%dT%H:%M:%S", &tm) == NULL)
			continue;
		n++;
		age = (long long)(time(NULL) - timegm(&tm));
		if (age > (long long)d->conf.build_timeout + BUILD_GRACE)
			doctor_find(d, DOCTOR_WRONG,
			    "the build %s of %s goes on for %lld s, and may "
			    "for %u",
			    cli_text(build, "id", &text), app, age,
			    d->conf.build_timeout);
	}
	json_decref(all);
	return n;
}

void
doctor_look_builds(struct doctor *d)
{
	struct cli_text text;
	json_t *apps, *app;
	size_t i, n = 0;

	if (d->health == NULL || (apps = doctor_ask(d, "/apps")) == NULL) {
		doctor_find(d, DOCTOR_UNKNOWN, "the manager would know");
		return;
	}
	json_array_foreach (apps, i, app)
		n += builds_of(d, cli_text(app, "name", &text));
	json_decref(apps);
	doctor_seen(d, "%zu under way", n);
}

/* ---- logs --------------------------------------------------------------- */

#define REQUESTS_MOST (128ULL << 20) /* paas-rotate moves them at 64 MB */

/* Bytes of the files in a folder; not of folders below it. */
static unsigned long long
folder_bytes(const char *path)
{
	unsigned long long n = 0;
	struct dirent *e;
	struct stat st;
	DIR *dir = opendir(path);

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		    S_ISREG(st.st_mode))
			n += (unsigned long long)st.st_size;
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* The largest that an app may have: paas.conf's, or one of its own. */
static unsigned long long
logs_most(struct doctor *d)
{
	unsigned long long most = d->conf.app_log_max, own;
	json_t *apps = doctor_ask(d, "/apps"), *app, *limits;
	char path[HTTP_PATH_MAX];
	struct cli_text text;
	size_t i;

	json_array_foreach (apps, i, app) {
		if (http_path(path, "/apps/%s/log-limits",
			cli_text(app, "name", &text)) == -1)
			continue;
		limits = doctor_ask(d, path);
		own = (unsigned long long)cli_int(limits, "disk");
		json_decref(limits);
		most = own > most ? own : most;
	}
	json_decref(apps);
	return most;
}

static size_t
logs_of_apps(struct doctor *d)
{
	unsigned long long most = logs_most(d), bytes;
	char pattern[PATH_MAX], has[32], may[32];
	glob_t list;
	size_t i, n;

	snprintf(pattern, sizeof(pattern), "%s/log/*", d->conf.state_dir);
	if (glob(pattern, 0, NULL, &list) != 0)
		return 0;
	for (i = 0; i < list.gl_pathc; i++) {
		bytes = folder_bytes(list.gl_pathv[i]);
		if (bytes <= most + most / 4)
			continue;
		out_bytes(has, sizeof(has), bytes);
		out_bytes(may, sizeof(may), most);
		doctor_mend(d, "logger");
		doctor_find(d, DOCTOR_WARNING,
		    "%s has %s, and an app may have %s", list.gl_pathv[i], has,
		    may);
	}
	n = list.gl_pathc;
	globfree(&list);
	return n;
}

/* Where nginx writes them: the first access_log of its configuration. */
static void
logs_of_requests(struct doctor *d)
{
	char conf[PATH_MAX], line[1024], path[512], has[32];
	struct stat st;
	FILE *file;
	int found = 0;

	snprintf(conf, sizeof(conf), "%s/router/nginx.conf", d->conf.state_dir);
	if ((file = fopen(conf, "re")) == NULL)
		return;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = sscanf(line, " access_log /%510s", path + 1) == 1;
	fclose(file);
	path[0] = '/';
	if (!found || stat(path, &st) == -1 ||
	    (unsigned long long)st.st_size <= REQUESTS_MOST)
		return;
	out_bytes(has, sizeof(has), (unsigned long long)st.st_size);
	doctor_mend(d, "rotate");
	doctor_find(d, DOCTOR_WARNING,
	    "%s has %s: it is to be put aside at 64 MB", path, has);
}

void
doctor_look_logs(struct doctor *d)
{
	size_t n = logs_of_apps(d);

	logs_of_requests(d);
	doctor_seen(d, "%zu apps keep their limits", n);
}

/* The machine: firewall, cgroups, sandbox, clock, descriptors; and git. */
#include <sys/stat.h>
#include <sys/timex.h>

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "cli/doctor/doctor_tls.h"

void
doctor_look_firewall(struct doctor *d)
{
	const char *ask[] = {
	    "nft", "list", "table", "inet", d->conf.nft_table, NULL};
	char out[65536];
	int rc = doctor_run(ask, NULL, 10, out, sizeof(out));

	if (rc != 0)
		doctor_find(d, DOCTOR_WRONG, "there is no table inet %s",
		    d->conf.nft_table);
	else if (strstr(out, "hook forward") == NULL)
		doctor_find(d, DOCTOR_WRONG,
		    "the table inet %s has no chain that sees what is "
		    "forwarded",
		    d->conf.nft_table);
	if (doctor_number("/proc/sys/net/ipv4/ip_forward", "") != 1) {
		doctor_command(d, "sysctl -w net.ipv4.ip_forward=1");
		doctor_fix(d,
		    "run `%s`, and see in /etc/sysctl.d who has "
		    "turned it off",
		    d->command);
		doctor_find(
		    d, DOCTOR_WRONG, "this machine does not forward packets");
	}
	doctor_seen(d, "table inet %s", d->conf.nft_table);
}

/* ---- cgroups ---------------------------------------------------------------
 */

static int
has_controller(const char *name)
{
	char path[PATH_MAX], line[512] = " ", word[32];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", name);
	if (access(path, F_OK) == 0)
		return 1; /* version 1 */
	file = fopen("/sys/fs/cgroup/cgroup.controllers", "re");
	if (file == NULL)
		return 0;
	(void)!fgets(line + 1, sizeof(line) - 2, file);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	strlcat(line, " ", sizeof(line));
	snprintf(word, sizeof(word), " %s ", name);
	return strstr(line, word) != NULL;
}

void
doctor_look_cgroups(struct doctor *d)
{
	static const char *const names[] = {"memory", "cpu", "pids"};
	static const char *const trees[] = {
	    "/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	char path[PATH_MAX];
	int pure = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
	int ours = 0;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (has_controller(names[i]))
			continue;
		doctor_fix(d, "boot with cgroup_enable=%s", names[i]);
		doctor_find(
		    d, DOCTOR_WRONG, "%s can't be limited here", names[i]);
	}
	for (i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", trees[i], d->conf.cgroup);
		ours |= access(path, F_OK) == 0;
	}
	if (!ours)
		doctor_find(
		    d, DOCTOR_WRONG, "there is no cgroup %s", d->conf.cgroup);
	doctor_seen(
	    d, "version %s, %s", pure ? "2" : "1 and 2", d->conf.cgroup);
}

/* What turns user namespaces off, as far as it is known. */
static void
sandbox_mend(struct doctor *d)
{
	static const struct {
		const char *path, *name;
		long long off, on;
	} switches[] = {
	    {"/proc/sys/user/max_user_namespaces", "user.max_user_namespaces",
		0, 65536},
	    {"/proc/sys/kernel/unprivileged_userns_clone",
		"kernel.unprivileged_userns_clone", 0, 1},
	    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
		"kernel.apparmor_restrict_unprivileged_userns", 1, 0},
	};
	size_t i;

	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (doctor_number(switches[i].path, "") == switches[i].off) {
			doctor_command(d, "sysctl -w %s=%lld", switches[i].name,
			    switches[i].on);
			doctor_fix(d,
			    "allow user namespaces with `%s`, and write the "
			    "same into /etc/sysctl.d",
			    d->command);
			return;
		}
}

void
doctor_look_sandbox(struct doctor *d)
{
	static const char *const ask[] = {"bwrap", "--unshare-user",
	    "--disable-userns", "--unshare-pid", "--unshare-net",
	    "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--",
	    "true", NULL};
	char out[1024];
	int rc = doctor_run(ask, d->conf.user_slug, 10, out, sizeof(out));

	if (rc != 0) {
		sandbox_mend(d);
		doctor_find(d, DOCTOR_WRONG, "bwrap makes no sandbox: %s",
		    rc == -1         ? "it took over 10 s"
		    : out[0] != '\0' ? doctor_line(out, NULL)
				     : "it ends without a word");
	}
	doctor_seen(d, "bubblewrap works as %s", d->conf.user_slug);
}

/* ---- the clock -------------------------------------------------------------
 */

#define CLOCK_OFF 120 /* seconds that are worth a word */

static void
clock_behind(struct doctor *d, const char *below)
{
	char path[PATH_MAX];
	struct stat st;
	time_t now = time(NULL);

	snprintf(path, sizeof(path), "%s/%s", d->conf.state_dir, below);
	if (stat(path, &st) == -1 || st.st_mtime <= now + CLOCK_OFF)
		return;
	doctor_fix(d, "set the clock right: what expires (tokens, "
		      "certificates) goes by it");
	doctor_find(d, DOCTOR_WRONG,
	    "%s was written %lld s from now: the clock has gone back", path,
	    (long long)(st.st_mtime - now));
}

/* By what the platform's answer says. */
static void
clock_away(struct doctor *d)
{
	struct http_call call = {.method = "GET",
	    .path = "/health",
	    .header = "Date:",
	    .seconds = 5};
	struct http_answer answer;
	struct tm tm = {0};
	long long off;

	if (http_do(d->cli->http, &call, &answer) != HTTP_OK ||
	    strptime(answer.header, " %a, %d %b %Y %H:%M:%S", &tm) == NULL) {
		doctor_find(d, DOCTOR_UNKNOWN, "it has not told its time");
		return;
	}
	json_decref(answer.json);
	off = (long long)(timegm(&tm) - time(NULL));
	if (llabs(off) > CLOCK_OFF) {
		doctor_fix(d, "run `paas doctor` there, and set the clock "
			      "right that is wrong");
		doctor_find(d, DOCTOR_WRONG,
		    "its clock differs from the one here by %lld s", off);
	}
	doctor_seen(d, "differs by %lld s", off);
}

void
doctor_look_clock(struct doctor *d)
{
	struct timex t = {0};

	if (d->away) {
		clock_away(d);
		return;
	}
	clock_behind(d, "router/nginx.conf");
	clock_behind(d, "store/data.mdb");
	if (adjtimex(&t) == TIME_ERROR || (t.status & STA_UNSYNC))
		doctor_find(
		    d, DOCTOR_WARNING, "nothing keeps the clock synchronised");
	doctor_seen(d, "synchronised");
}

/* ---- descriptors -----------------------------------------------------------
 */

#define FILES_LEAST 1024
#define FILES_FEW   4096
#define FILES_FULL  80 /* percent */

static long long
files_open(pid_t pid)
{
	struct dirent *e;
	char path[64];
	long long n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((dir = opendir(path)) == NULL)
		return -1;
	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
files_look(struct doctor *d, const char *who, pid_t pid)
{
	long long most, n = files_open(pid);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	most = doctor_number(path, "Max open files");
	if (pid == 0 || n == -1 || most == -1)
		return;
	if (most < FILES_FEW)
		doctor_find(d,
		    most < FILES_LEAST ? DOCTOR_WRONG : DOCTOR_WARNING,
		    "%s, process %d, may open %lld files: %d are enough", who,
		    (int)pid, most, FILES_FEW);
	if (n * 100 > most * FILES_FULL)
		doctor_find(d, DOCTOR_WRONG,
		    "%s, process %d, has %lld of %lld files open", who,
		    (int)pid, n, most);
}

/* The workers: children of the master. */
static void
files_of_workers(struct doctor *d, pid_t master)
{
	char path[96];
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)master,
	    (int)master);
	if ((file = fopen(path, "re")) == NULL)
		return;
	while (fscanf(file, "%d", &pid) == 1)
		files_look(d, "a worker of nginx", (pid_t)pid);
	fclose(file);
}

void
doctor_look_files(struct doctor *d)
{
	long long used = doctor_number("/proc/sys/fs/file-nr", "");
	long long most = doctor_number("/proc/sys/fs/file-max", "");
	pid_t manager = doctor_manager_pid(d), nginx = doctor_nginx_pid(d);

	files_look(d, "the manager", manager);
	if (nginx != 0)
		files_of_workers(d, nginx);
	if (most > 0 && used > most / 100 * FILES_FULL)
		doctor_find(d, DOCTOR_WRONG,
		    "this machine has %lld of %lld files open", used, most);
	doctor_seen(d, "the manager has %lld open",
	    manager != 0 ? files_open(manager) : 0);
}

/* ---- git -------------------------------------------------------------------
 */

static void
sshd_look(struct doctor *d)
{
	char conf[PATH_MAX], out[1024];
	const char *ask[] = {"/usr/sbin/sshd", "-t", "-f", conf, NULL};
	int fd;

	snprintf(conf, sizeof(conf), "%s/ssh/sshd_config", d->conf.state_dir);
	if (geteuid() == 0 &&
	    doctor_run(ask, NULL, 10, out, sizeof(out)) != 0) {
		doctor_find(d, DOCTOR_WRONG, "sshd refuses %s: %s", conf,
		    out[0] != '\0' ? doctor_line(out, NULL)
				   : "it is not installed");
	}
	if ((fd = doctor_connect("127.0.0.1", d->conf.ssh_port)) == -1) {
		doctor_mend(d, "ssh");
		doctor_find(d, DOCTOR_WRONG, "nobody listens on port %u",
		    d->conf.ssh_port);
	} else
		close(fd);
}

void
doctor_look_git(struct doctor *d)
{
	static const char *const hooks[] = {
	    "pre-receive", "reference-transaction"};
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		snprintf(path, sizeof(path), "%s/hooks/%s", d->conf.libexec_dir,
		    hooks[i]);
		if (access(path, X_OK) == -1) {
			doctor_find(
			    d, DOCTOR_WRONG, "%s: %s", path, strerror(errno));
		}
	}
	if (d->conf.ssh_port != 0)
		sshd_look(d);
	doctor_seen(d, d->conf.ssh_port != 0 ? "by http and ssh" : "by http");
}

/* Sockets, folders, disks, databases and what was left over. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>

#include <bsd/string.h>
#include <errno.h>
#include <grp.h>
#include <lmdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "common/places.h"

/* ---- whose, and how ------------------------------------------------------ */

#define IN_STATE 0
#define IN_RUN   1

static const struct place {
	const char *name; /* below one of the two */
	int in;
	mode_t mode; /* with its type */
	const char *owner, *group;
	const char *made_by; /* the service that does; NULL: scripts/up */
} places[] = {
    {"", IN_STATE, S_IFDIR | 0755, "root", "root", NULL},
    {PLACE_STORE, IN_STATE, S_IFDIR | 0700, "paas", "paas", NULL},
    {PLACE_IMPORTS, IN_STATE, S_IFDIR | 0700, "paas", "paas", NULL},
    {PLACE_DRAINS, IN_STATE, S_IFDIR | 0700, "paas", "paas", NULL},
    {PLACE_ROUTES, IN_STATE, S_IFDIR | 02750, "paas", "www-data", NULL},
    {"certs", IN_STATE, S_IFDIR | 02750, "paas", "www-data", NULL},
    {PLACE_GIT, IN_STATE, S_IFDIR | 0711, "root", "root", NULL},
    {"router", IN_STATE, S_IFDIR | 0755, "root", "root", NULL},
    {"acme", IN_STATE, S_IFDIR | 0755, "root", "root", NULL},
    {PLACE_UPLOADS, IN_STATE, S_IFDIR | 0700, "paas", "paas", "launcher"},
    {PLACE_BUILDS, IN_STATE, S_IFDIR | 0700, "root", "root", "launcher"},
    {PLACE_SLUGS, IN_STATE, S_IFDIR | 0700, "root", "root", "launcher"},
    {PLACE_ARCHIVES, IN_STATE, S_IFDIR | 0700, "root", "root", "launcher"},
    {PLACE_CACHES, IN_STATE, S_IFDIR | 0700, "root", "root", "launcher"},
    {PLACE_LOG, IN_STATE, S_IFDIR | 02750, "paas-log", "paas", "launcher"},
    {PLACE_ROUTES "/data.mdb", IN_STATE, S_IFREG | 0640, "paas", "www-data",
	"manager"},
    {"certs/data.mdb", IN_STATE, S_IFREG | 0640, "paas", "www-data", "manager"},
    {"", IN_RUN, S_IFDIR | 01775, "root", "paas", NULL},
    {"git", IN_RUN, S_IFDIR | 0750, "paas-git", "www-data", NULL},
    {"drain", IN_RUN, S_IFDIR | 0750, "paas-helper", "paas", NULL},
    {PLACE_MANAGER_SOCK, IN_RUN, S_IFSOCK | 0660, "paas", "paas", "manager"},
    {PLACE_API_SOCK, IN_RUN, S_IFSOCK | 0666, "paas", "paas", "manager"},
    {PLACE_WAKE_SOCK, IN_RUN, S_IFSOCK | 0666, "paas", "paas", "manager"},
    {PLACE_LAUNCHER_SOCK, IN_RUN, S_IFSOCK | 0660, "root", "paas", "launcher"},
    {PLACE_STATUS_SOCK, IN_RUN, S_IFSOCK | 0666, "root", "root", "router"},
};

static const char *
kind_of(mode_t mode)
{
	return S_ISDIR(mode) ? "folder" : S_ISSOCK(mode) ? "socket" : "file";
}

static void
place_path(const struct doctor *d, const struct place *p, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s%s%s",
	    p->in == IN_RUN ? d->conf.run_dir : d->conf.state_dir,
	    p->name[0] != '\0' ? "/" : "", p->name);
}

static void
place_fix(struct doctor *d, const struct place *p, const char *path)
{
	doctor_mend(d, p->made_by != NULL ? p->made_by : "up");
	doctor_fix(d, "run `%s`, which makes %s", d->command, path);
}

static int
id_differs(const char *path, const struct stat *st, const struct place *p)
{
	struct passwd *pw = getpwnam(p->owner);
	struct group *gr = getgrnam(p->group);

	(void)path;
	return pw == NULL || gr == NULL || st->st_uid != pw->pw_uid ||
	       st->st_gid != gr->gr_gid;
}

/* 1 if it is there and as it should be. */
static int
place_look(struct doctor *d, const struct place *p)
{
	char path[PATH_MAX];
	struct stat st;

	place_path(d, p, path);
	if (lstat(path, &st) == -1) {
		if (errno == EACCES) {
			doctor_find(d, DOCTOR_UNKNOWN,
			    "only root can look at %s", path);
			return 0;
		}
		place_fix(d, p, path);
		doctor_find(d, DOCTOR_WRONG, "%s: %s", path, strerror(errno));
		return 0;
	}
	if ((st.st_mode & S_IFMT) != (p->mode & S_IFMT)) {
		place_fix(d, p, path);
		doctor_find(
		    d, DOCTOR_WRONG, "%s is no %s", path, kind_of(p->mode));
		return 0;
	}
	if ((st.st_mode & 07777) == (p->mode & 07777) &&
	    !id_differs(path, &st, p))
		return 1;
	doctor_command(d, "chown %s:%s %s; chmod %o %s", p->owner, p->group,
	    path, p->mode & 07777, path);
	doctor_find(d, DOCTOR_WRONG,
	    "%s has mode %o, uid %u and gid %u; it has to be %o, %s:%s", path,
	    st.st_mode & 07777, st.st_uid, st.st_gid, p->mode & 07777, p->owner,
	    p->group);
	return 0;
}

static size_t
places_look(struct doctor *d, int sockets)
{
	size_t i, n = 0;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if ((S_ISSOCK(places[i].mode) != 0) == sockets)
			n += (size_t)place_look(d, &places[i]);
	}
	return n;
}

/* Does anybody take connections there? */
static void
socket_knock(struct doctor *d, const char *name, const char *service)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.90s/%s",
	    d->conf.run_dir, name);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 &&
	    errno == ECONNREFUSED) {
		doctor_mend(d, service);
		doctor_find(
		    d, DOCTOR_WRONG, "%s: nobody listens there", sun.sun_path);
	}
	close(fd);
}

void
doctor_look_sockets(struct doctor *d)
{
	doctor_seen(d, "%zu as they should be", places_look(d, 1));
	socket_knock(d, PLACE_MANAGER_SOCK, "manager");
	socket_knock(d, PLACE_API_SOCK, "manager");
	socket_knock(d, PLACE_STATUS_SOCK, "router");
	socket_knock(d, "git/http.sock", "git");
}

void
doctor_look_folders(struct doctor *d)
{
	doctor_seen(d, "%zu as they should be", places_look(d, 0));
}

/* ---- disks --------------------------------------------------------------- */

#define INODES_LEFT 5 /* percent */

static void
disk_look(struct doctor *d, const char *dir, unsigned long long reserve)
{
	unsigned long long left;
	char free[32], want[32];
	struct statvfs fs;

	if (statvfs(dir, &fs) == -1) {
		doctor_find(d, DOCTOR_WRONG, "%s: %s", dir, strerror(errno));
		return;
	}
	if (fs.f_flag & ST_RDONLY) {
		doctor_command(d, "mount -o remount,rw %.400s", dir);
		doctor_fix(
		    d, "see with `dmesg` why; then run `%s`", d->command);
		doctor_find(d, DOCTOR_WRONG, "%s is read-only", dir);
	}
	left = (unsigned long long)fs.f_bavail * fs.f_frsize;
	out_bytes(free, sizeof(free), left);
	out_bytes(want, sizeof(want), reserve);
	if (left < reserve)
		doctor_find(d, DOCTOR_WRONG,
		    "%s has %s left, and %s is to stay free", dir, free, want);
	else if (left < 2 * reserve)
		doctor_find(d, DOCTOR_WARNING, "%s has %s left", dir, free);
	if (fs.f_files > 0 && fs.f_favail * 100 < fs.f_files * INODES_LEFT)
		doctor_find(d, DOCTOR_WRONG, "%s has %llu inodes left of %llu",
		    dir, (unsigned long long)fs.f_favail,
		    (unsigned long long)fs.f_files);
	doctor_seen(
	    d, "%s left, %llu inodes", free, (unsigned long long)fs.f_favail);
}

void
doctor_look_disk(struct doctor *d)
{
	disk_look(d, d->conf.run_dir, 1 << 20);
	disk_look(d, d->conf.state_dir, d->conf.disk_reserve);
}

/* ---- databases ----------------------------------------------------------- */

#define MAP_FULL 80 /* percent */

/* Without the lock file: the last page that was ever used. */
static int
map_used(struct doctor *d, const char *name, unsigned *percent)
{
	char path[PATH_MAX];
	MDB_envinfo info;
	MDB_stat st;
	MDB_env *env;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", d->conf.state_dir, name);
	if ((rc = mdb_env_create(&env)) == 0) {
		rc = mdb_env_open(env, path, MDB_RDONLY | MDB_NOLOCK, 0);
		if (rc == 0) {
			mdb_env_info(env, &info);
			mdb_env_stat(env, &st);
			*percent = (unsigned)(100 * info.me_last_pgno *
					      st.ms_psize / info.me_mapsize);
		}
		mdb_env_close(env);
	}
	if (rc == 0)
		return 0;
	doctor_find(
	    d, DOCTOR_WRONG, "%s can't be opened: %s", path, mdb_strerror(rc));
	return -1;
}

/* Ours, beside this program. */
static void
tool_path(const struct doctor *d, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.*s/bin/%s",
	    (int)(strlen(d->conf.libexec_dir) - strlen("/libexec/paas")),
	    d->conf.libexec_dir, name);
}

static void
routes_verify(struct doctor *d, const char *name)
{
	char tool[PATH_MAX], dir[PATH_MAX], stop[PATH_MAX], out[2048];
	const char *ask[] = {tool, "verify", dir, NULL};
	int rc;

	tool_path(d, "paas-routedb", tool);
	snprintf(dir, sizeof(dir), "%s/%s", d->conf.state_dir, name);
	snprintf(stop, sizeof(stop), "%s/sv", d->conf.run_dir);
	if (access(stop, F_OK) == 0)
		strlcat(stop, "/manager", sizeof(stop));
	snprintf(tool, sizeof(tool), "%s", stop);
	snprintf(stop, sizeof(stop), "%s %.200s",
	    access(tool, F_OK) == 0 ? "sv stop" : "systemctl stop",
	    access(tool, F_OK) == 0 ? tool : "paas-manager");
	tool_path(d, "paas-routedb", tool);
	if ((rc = doctor_run(
		 ask, d->conf.user_manager, 60, out, sizeof(out))) == 0) {
		doctor_seen(d, "%s", doctor_line(out, NULL));
		return;
	}
	doctor_command(d, "%s && rm -rf %.200s && %s", stop, dir, d->up);
	doctor_fix(
	    d, "routes are written anew from the store by `%s`", d->command);
	doctor_find(d, DOCTOR_WRONG, "%s",
	    rc == -1 || out[0] == '\0' ? "paas-routedb does not run"
				       : doctor_line(out, NULL));
}

void
doctor_look_databases(struct doctor *d)
{
	static const char *const names[] = {PLACE_ROUTES, "certs", PLACE_STORE};
	unsigned used;
	size_t i;

	routes_verify(d, PLACE_ROUTES);
	for (i = 0;
	     d->state == DOCTOR_OK && i < sizeof(names) / sizeof(names[0]);
	     i++) {
		if (map_used(d, names[i], &used) == -1 || used < MAP_FULL)
			continue;
		doctor_fix(d, "stop the manager, copy it with `mdb_copy -c`, "
			      "which leaves free pages out, and start it");
		doctor_find(d, DOCTOR_WARNING, "%s/%s is %u %% full",
		    d->conf.state_dir, names[i], used);
	}
}

/* ---- what does not fit -----------------------------------------------------
 */

#define LEFTOVERS 8 /* that are named */

/* The launcher sees to records and cgroups when it starts, and the manager to
 * the rest. */
static void
leftover_find(struct doctor *d, const char *what)
{
	char first[sizeof(d->command)];

	doctor_mend(d, "launcher");
	strlcpy(first, d->command, sizeof(first));
	doctor_mend(d, "manager");
	strlcat(first, " && ", sizeof(first));
	strlcat(first, d->command, sizeof(first));
	doctor_command(d, "%s", first);
	doctor_fix(d, "%s: `%s`", d->check->fix, d->command);
	doctor_find(d, DOCTOR_WRONG, "%s", what);
}

void
doctor_look_leftovers(struct doctor *d)
{
	char tool[PATH_MAX], out[65536], *line, *rest = out;
	const char *ask[] = {tool, "--conf", d->conf_path, "--check", NULL};
	size_t n = 0;
	int rc;

	snprintf(tool, sizeof(tool), "%s/paas-manager", d->conf.libexec_dir);
	rc = doctor_run(ask, NULL, 30, out, sizeof(out));
	if (rc == 0) {
		doctor_seen(d, "all is as it should be");
		return;
	}
	if (rc != 1) {
		doctor_find(d, DOCTOR_WRONG, "paas-manager --check: %s",
		    rc == -1 ? "it took over 30 s" : doctor_line(out, NULL));
		return;
	}
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "off: ", 5) == 0 && n++ < LEFTOVERS)
			leftover_find(d, line + 5);
	}
	if (n > LEFTOVERS)
		doctor_find(d, DOCTOR_WRONG, "and %zu more", n - LEFTOVERS);
}

/*
 * paas doctor: a table of checks, each of which looks at one thing and says
 * what is wrong with it and how to mend that.  Nothing is changed.
 */
#ifndef PAAS_CLI_DOCTOR_H
#define PAAS_CLI_DOCTOR_H

#include <jansson.h>
#include <limits.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "common/conf.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_UNKNOWN, /* who asks may not look */
	DOCTOR_WARNING,
	DOCTOR_WRONG
};

#define DOCTOR_HERE 0x01 /* on the platform's own machine */
#define DOCTOR_AWAY 0x02 /* from another one, after paas login */
#define DOCTOR_ROOT 0x04 /* only root can tell */

struct doctor;

struct doctor_check {
	const char *name; /* NULL ends the table */
	unsigned where;
	const char *looks; /* at what */
	const char *fix;   /* where the finding has none of its own */
	const char *mend;  /* by scripts/up, or the service to restart; NULL */
	void (*look)(struct doctor *);
};

extern const struct doctor_check doctor_checks[];

struct doctor {
	struct cli *cli;
	struct conf conf; /* of a platform elsewhere: domain and ports */
	char conf_path[PATH_MAX];
	char up[64];               /* "scripts/up --name x" */
	char api[300];             /* URL, or path of the socket */
	int away;                  /* it is elsewhere */
	json_t *health;            /* what GET /health said; NULL: nothing */
	char refused[PAAS_ERRLEN]; /* why, if it was; or "" */
	const struct doctor_check *check;
	enum doctor_state state; /* of this check: the worst that was found */
	char seen[256];
	char fix[512];     /* of the next finding; "": the check's own */
	char command[512]; /* that does it; "": none */
	json_t *found;     /* [{"problem", "fix", "command", "state"}] */
};

/* What a check saw, in case all is well. */
void doctor_seen(struct doctor *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* How to mend what is found next. */
void doctor_fix(struct doctor *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A command line for root that does so, which is the fix if there is none. */
void doctor_command(struct doctor *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The one that restarts a service, or brings the platform up anew ("up"). */
void doctor_mend(struct doctor *, const char *what);
void doctor_find(struct doctor *, enum doctor_state, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Runs a program with an argument list, as that user if it is not NULL (then
 * root has to ask), with nothing but PATH in its environment.  What it prints
 * is cut to len.  Its exit status; 128 + N for a signal; -1 if it could not be
 * started or took longer than so many seconds, and was killed then.
 */
int doctor_run(const char *const argv[], const char *user, int seconds,
    char *out, size_t len);

/* Its first line, or what is behind `word` in it. */
char *doctor_line(char *text, const char *word);

/* The number behind `word` and blanks in a file; -1 if there is none. */
long long doctor_number(const char *path, const char *word);

/* Who listens on a socket in run_dir, and nginx's master; 0: nobody. */
pid_t doctor_socket_pid(const struct doctor *, const char *name);
pid_t doctor_manager_pid(const struct doctor *);
pid_t doctor_nginx_pid(const struct doctor *);

/* A GET of the API: the caller's, or NULL. */
json_t *doctor_ask(struct doctor *, const char *path);

/* Of a port of this machine: "apache2, process 17"; "" if it is nobody's. */
void doctor_port_holder(uint32_t port, pid_t *pid, char name[64]);

/* Days until the certificate of a PEM file ends; 0, or -1. */
int doctor_cert_days(const char *path, long *days);

/* The first word of the command line that names no check, or NULL. */
const char *doctor_unknown(const struct cli *);

/* Every check that was named and can be made from here; an exit status. */
int doctor_all(struct doctor *, int root);

/* What stands in paas.1 about all of them. */
void doctor_mdoc(FILE *);

/* The checks, by file. */
void doctor_look_settings(struct doctor *);
void doctor_look_programs(struct doctor *);
void doctor_look_services(struct doctor *);
void doctor_look_versions(struct doctor *);
void doctor_look_key(struct doctor *);
void doctor_look_renewals(struct doctor *);
void doctor_look_builds(struct doctor *);
void doctor_look_logs(struct doctor *);
void doctor_look_manager(struct doctor *);
void doctor_look_launcher(struct doctor *);
void doctor_look_sockets(struct doctor *);
void doctor_look_folders(struct doctor *);
void doctor_look_disk(struct doctor *);
void doctor_look_databases(struct doctor *);
void doctor_look_leftovers(struct doctor *);
void doctor_look_nginx(struct doctor *);
void doctor_look_module(struct doctor *);
void doctor_look_router(struct doctor *);
void doctor_look_names(struct doctor *);
void doctor_look_tls(struct doctor *);
void doctor_look_certificates(struct doctor *);
void doctor_look_firewall(struct doctor *);
void doctor_look_cgroups(struct doctor *);
void doctor_look_sandbox(struct doctor *);
void doctor_look_clock(struct doctor *);
void doctor_look_files(struct doctor *);
void doctor_look_git(struct doctor *);

#endif

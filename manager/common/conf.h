/*
 * paas.conf: "key = value" a line, '#' starts a comment.  The settings are a
 * table in conf.c; an unknown key, a wrong value or a key given twice is an
 * error that names file, line and key.  Every program of the manager reads
 * the same file.
 */
#ifndef PAAS_CONF_H
#define PAAS_CONF_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define PAAS_CONF_DEFAULT "/etc/paas/paas.conf"

/* An error message, as one sentence without a newline. */
#define PAAS_ERRLEN 512

#define CONF_LOG_RATE_LEAST    1024
#define CONF_LOG_RATE_MOST     4000000000
#define CONF_APP_LOG_MAX_LEAST (1024 * 1024)
#define CONF_APP_LOG_MAX_MOST  (1024LL * 1024 * 1024 * 1024)

struct conf {
	char domain[254];    /* apps answer at APP.domain */
	uint32_t http_port;  /* what nginx listens on, for printed URLs */
	uint32_t https_port; /* the same for https; 0: it does not */
	uint32_t ssh_port; /* what sshd listens on for git; 0: there is none */
	char trusted_proxies[1024]; /* scripts/up tells nginx of these two */
	uint32_t proxy_protocol;
	char state_dir[256];   /* survives a reboot */
	char key_file[256];    /* of the secrets in there; "": below it */
	char run_dir[256];     /* sockets and records; gone with a reboot */
	char libexec_dir[256]; /* paas-shim, paas-init, paas-build, ... */
	char buildpack_dir[256];
	char cgroup[64];       /* of all instances, below each hierarchy */
	char nft_table[64];    /* inet table, ours alone */
	char if_prefix[8];     /* of the veth's host ends */
	struct in_addr subnet; /* of the instances, host byte order */
	uint32_t subnet_bits;
	uint32_t uid_base;     /* uid of an instance = uid_base + its slot */
	char user_manager[32]; /* paas */
	char user_log[32];     /* paas-log */
	char user_slug[32];    /* paas-slug */
	char user_git[32];     /* paas-git: git http-backend and its hook */
	char user_router[32];  /* www-data: reads the route database */
	char drain_ca[256];    /* whose certificates receivers of logs have */
	char allow_out[1024];  /* networks apps may reach beside public ones */

	/* Limits.  Sizes in bytes, times in seconds unless named otherwise. */
	uint64_t upload_max; /* compressed or not, as sent */
	uint64_t unpack_max; /* bytes of a source tree or slug */
	uint64_t unpack_entries;
	uint64_t disk_reserve; /* what builds leave free */
	uint32_t build_timeout;
	uint64_t build_memory;
	uint32_t build_pids;
	uint64_t build_disk;    /* bytes in its tree and its cache */
	uint64_t build_output;  /* bytes that it prints */
	uint32_t start_timeout; /* until an instance has to be ready */
	uint32_t drain_timeout;
	uint32_t hold_time; /* of a request whose app is not ready; 0: none */
	uint32_t stop_timeout; /* SIGTERM until SIGKILL */
	uint64_t instance_memory;
	uint64_t memory_max;   /* that an app's manifest may ask for */
	uint64_t instance_tmp; /* of the overlay's upper and of /tmp */
	uint64_t instance_swap;
	uint32_t instance_cpu_weight; /* beside others; 100 is usual */
	uint32_t instance_cpu_quota;  /* percent of one CPU; 0: no limit */
	uint32_t instance_pids;
	uint32_t instance_files;
	uint32_t instance_flows; /* connections that it opened, at once */
	uint32_t scale_max;      /* instances of one process type */
	uint32_t oneoff_max;     /* one-off processes of an app, at once */
	uint32_t oneoff_timeout; /* and how long one may run */
	uint64_t log_max;        /* bytes of one instance's log, both files */
	uint32_t api_rate;       /* requests of an account an hour; 0: any */
	uint32_t log_rate;       /* bytes a second */
	uint64_t app_log_max;    /* bytes of all logs of an app */
	uint32_t app_log_rate;   /* bytes a second of all of them */
	uint32_t api_streams;    /* streams by nginx, at once */
	uint32_t api_streams_account; /* and those of one account */
	uint32_t api_heartbeat;       /* seconds of a stream's silence */
};

/*
 * Defaults, then the file.  Returns 0, or -1 with a sentence in err.  A file
 * that is missing is an error unless path is NULL, which means defaults only.
 */
int conf_load(struct conf *, const char *path, char err[PAAS_ERRLEN]);

/* Where the keys are that the secrets in the store are sealed with. */
void conf_key_file(const struct conf *, char *path, size_t len);

/* The address of a slot in network byte order; slot 1 is the gateway. */
struct in_addr conf_slot_addr(const struct conf *, uint32_t slot);

/* Slots that instances may have: from 2 to this one, both included. */
uint32_t conf_slot_last(const struct conf *);

#endif

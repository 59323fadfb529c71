/*
 * The root helper's own context.  One process, one thread, one loop; all of
 * its state is in records (run/inst), cgroups and the firewall's table, and
 * is read again at each start.
 *
 * Functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef PAAS_LAUNCHER_H
#define PAAS_LAUNCHER_H

#include <sys/types.h>

#include <stdint.h>

#include "common/conf.h"
#include "launcher/launcher_cgroup.h"
#include "launcher/launcher_firewall.h"
#include "launcher/launcher_record.h"
#include "launcher/launcher_step.h"
#include "common/places.h"
#include "launcher/protocol.h"

/* Bytes of "%016x" with its NUL. */
#define ID_TEXT 17

/* Bytes of "%016x.git" with its NUL. */
#define REPOSITORY_TEXT (ID_TEXT + 4)

/* In builds/ID, what an inspection leaves: PACK_NAME. */
#define PACK_DIR  "pack"
#define PACK_NAME "slug.tar.zst"

/* Bytes of "%064x.tar.zst" with its NUL. */
#define ARCHIVE_TEXT (2 * LAUNCH_HASH + sizeof(".tar.zst"))

enum launcher_place {
	AT_STATE,
	AT_UPLOADS,
	AT_BUILDS,
	AT_SLUGS,
	AT_ARCHIVES,
	AT_CACHES,
	AT_GIT,
	AT_LOG,
	AT_RUN,
	AT_INST,
	AT_EXIT,
	AT_ATTACH,
	AT_STAGE,
	AT_PLACES
};

struct owner {
	uid_t uid;
	gid_t gid;
};

/* A child that answers a long request; pid 0 is a free place. */
#define WORKERS_MAX 16

struct worker {
	pid_t pid;
	int client;
	uint32_t op;
	uint64_t seq;
};

struct launcher {
	struct conf conf;
	struct owner manager, log, slug, git;
	int at[AT_PLACES]; /* directories, opened once */
	struct cgroups cgroups;
	struct firewall *firewall;
	struct records records;
	char boot_id[RECORD_BOOT];
	int filter; /* memfd: the sandbox's seccomp program */
	struct worker workers[WORKERS_MAX];
};

/* A request, while its steps are taken. */
struct asked {
	struct launcher *l;
	const struct launch_request *q;
	int client;
	int memfd;
	struct launch_reply *reply;
	uint64_t pruned; /* CLEAN: whose logs are looked at; 0 for nobody's */
	int build;       /* SEAL: its tree, open; or -1 */
	int known;       /* SEAL: there is such a slug */
};

/* launcher_place.c: directories, never by a path that was sent. */
int place_open(struct launcher *, char err[PAAS_ERRLEN]);
void place_close(struct launcher *);
/* Opens beneath dir, no symbolic link on the way; a descriptor. */
int place_beneath(int dir, const char *path, uint64_t flags);
/* A directory beneath dir, made if missing, with that owner and mode. */
int place_make(int dir, const char *name, struct owner, mode_t);
/* state/archives/HASH.tar.zst, read only; a descriptor. */
int place_archive(const struct launcher *, const uint8_t hash[LAUNCH_HASH]);
void archive_format(char out[ARCHIVE_TEXT], const uint8_t hash[LAUNCH_HASH]);
/* state/uploads/ID.tar, read only, as somebody's plain file; a descriptor. */
int place_upload(const struct launcher *, uint64_t build);
void id_format(char out[ID_TEXT], uint64_t id);
/* 16 hex digits and nothing more.  Returns 1 and the id, or 0. */
int id_parse(const char *text, uint64_t *id);
void hash_format(
    char out[2 * LAUNCH_HASH + 1], const uint8_t hash[LAUNCH_HASH]);

/* A socket that listens, at run/attach/ID, for the manager alone. */
int place_listen(const struct launcher *, uint64_t id);
void place_unlisten(const struct launcher *, uint64_t id);

/* state/git/ID.git, empty and git's own, unless it is there. */
extern const struct steps repository_steps;
void repository_format(char out[REPOSITORY_TEXT], uint64_t app);

/* launcher_request.c: what came in, checked as if the sender were hostile. */
int request_check(const struct launcher *, const struct launch_request *,
    size_t len, int memfd);
void request_handle(struct launcher *, int client,
    const struct launch_request *, size_t len, int memfd);

/* launcher_start.c */
int start_instance(struct launcher *, const struct launch_start *, int memfd,
    struct launch_reply *);

/* launcher_clean.c: after an instance, and after a crash of ours. */
extern const struct steps signal_steps, kill_steps, clean_steps;
/* Kills and removes a cgroup, waiting at most a second for its processes. */
int instance_uproot(struct launcher *, uint64_t id);
/* The records of run/inst; then what has none is ended. */
void instance_adopt_all(struct launcher *);
void instance_end_orphans(struct launcher *);
/* Exit record and socket of one, if any. */
void exit_remove(struct launcher *, uint64_t id);
/* Takes away exit records and sockets that are of no instance. */
void instance_sweep(struct launcher *);

/*
 * launcher_seal.c: trees of builds, slugs and caches.  A tree goes out of sight
 * at once, unless an instance runs on it: no start may find it from then on.
 * What is out of sight is removed by the others.
 */
extern const struct steps seal_steps, discard_steps, hide_steps,
    hide_tree_steps, drop_slug_steps, drop_tree_steps, drop_cache_steps,
    hide_cache_steps, empty_cache_steps;
/* Removals that a crash interrupted. */
void seal_sweep(struct launcher *);
/* All beneath dir/name, links not followed; missing is fine. */
int tree_remove(int dir, const char *name);
/* Keeps the newest logs of an app whose instances are all gone. */
void log_prune(struct launcher *, uint64_t app);

/* launcher_purge.c: leaves nothing; the exit status. */
int purge(struct launcher *);

#endif

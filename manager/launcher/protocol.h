/*
 * What the manager may ask of the root helper.  SOCK_SEQPACKET on
 * run_dir/launcher.sock, one request a packet, one or more replies, in the
 * machine's own byte order; both ends are installed together and `version`
 * says so when they are not.
 *
 * There is no path, no name and no text in a request: the launcher derives
 * every place from numbers and hashes (places.h).  The only descriptor that
 * it takes is a sealed memfd, which nobody but paas-init, inside the
 * sandbox, ever reads.
 *
 * Errors: EINVAL a field is wrong; EEXIST that id is there; EBUSY the slot
 * is held, its uid still has processes, or the tree is in use; ENOENT no such
 * instance, slug or build; ELOOP or ENOTDIR a slug that is to be / leads away
 * where something is mounted; ESRCH it has exited; EAGAIN too many long
 * requests (LIST, SEAL, DISCARD, DROP) are under way, ask again; ENODATA there
 * is no archive of that slug.  CLEAN, SEAL, DISCARD, DROP and REPOSITORY may be
 * repeated.
 */
#ifndef PAAS_PROTOCOL_H
#define PAAS_PROTOCOL_H

#include <stdint.h>

#define LAUNCH_VERSION 6
#define LAUNCH_HASH    32 /* SHA-256 of a slug, binary */

/* The port that every web instance listens on, in its own namespace. */
#define LAUNCH_PORT 5000

enum launch_op {
	LAUNCH_START = 1,   /* u.start, one memfd -> one reply, u.record */
	LAUNCH_SIGNAL,      /* u.signal: to all of the app's processes */
	LAUNCH_KILL,        /* u.id: SIGKILL to the whole cgroup */
	LAUNCH_LIST,        /* -> a reply for each record, then LAUNCH_END; exit
			       records of no instance are taken away */
	LAUNCH_CLEAN,       /* u.id: it has exited; take away what is left */
	LAUNCH_SEAL,        /* u.seal: a build's tree becomes a slug, kept in
			       the archive of its inspection, or in one that
			       is there already */
	LAUNCH_DISCARD,     /* u.id: remove a build's working tree */
	LAUNCH_DROP_SLUG,   /* u.seal.hash: remove a slug nothing refers to */
	LAUNCH_DROP_TREE,   /* u.seal.hash: of one that is kept, the tree */
	LAUNCH_DROP_CACHE,  /* u.id: remove an app's cache, logs, repository */
	LAUNCH_REPOSITORY,  /* u.id: make an app's folder for git, empty */
	LAUNCH_EMPTY_CACHE, /* u.id: an app's cache, unless it is in use */
	LAUNCH_END
};

enum launch_kind {
	LAUNCH_APP = 1, /* slug below an overlay at /app */
	LAUNCH_BUILD,   /* builds/ID/app at /app, writable; upload as stdin */
	LAUNCH_INSPECT, /* builds/ID at /work, read only, builds/ID/pack at
			   /out; no network */
	LAUNCH_UNPACK,  /* builds/ID/app at /app, empty; the archive of u.slug
			   as stdin; no network */
	LAUNCH_KINDS
};

/* The others don't run what strangers wrote. */
static inline int
kind_networked(uint32_t kind)
{
	return kind == LAUNCH_APP || kind == LAUNCH_BUILD;
}

/* An ID is never used twice: store epoch << 40 | counter. */
struct launch_start {
	uint64_t id;
	uint64_t app;   /* number of the app: its logs and its cache */
	uint64_t build; /* all but APP: whose tree */
	uint8_t slug[LAUNCH_HASH]; /* APP, UNPACK */
	uint32_t kind;
	uint32_t slot;     /* address and uid are derived from it */
	uint64_t memory;   /* bytes */
	uint64_t swap;     /* bytes beside it */
	uint64_t tmp;      /* bytes of the overlay's upper, of /tmp, /dev/shm */
	uint64_t log_max;  /* bytes of the log file and its predecessor */
	uint32_t log_rate; /* bytes a second */
	uint32_t cpu_weight; /* 1 to 10000, 100 is usual */
	uint32_t pids;
	uint32_t files;
	uint32_t root_uid;  /* APP: the slug is /, and it is this uid there; or
			       0: /usr is the machine's */
	uint32_t cpu_quota; /* percent of one CPU; 0: no limit */
};

struct launch_signal {
	uint64_t id;
	int32_t signo;
	int32_t pad;
};

struct launch_seal {
	uint64_t build;
	uint8_t hash[LAUNCH_HASH];
};

struct launch_request {
	uint32_t version;
	uint32_t op;
	uint64_t seq; /* comes back in the reply */
	union {
		uint64_t id;
		struct launch_start start;
		struct launch_signal signal;
		struct launch_seal seal;
	} u;
};

enum launch_state {
	LAUNCH_STARTING = 1, /* its record is not complete */
	LAUNCH_RUNNING,
	LAUNCH_EXITED /* the shim has gone; LAUNCH_CLEAN is due */
};

/* An instance as the launcher knows it. */
struct launch_record {
	uint64_t id;
	uint64_t app;
	uint64_t build;
	uint32_t kind;
	uint32_t slot;
	uint32_t state;
	int32_t pid;        /* of the shim, in the host's pid namespace */
	uint64_t starttime; /* field 22 of /proc/PID/stat */
};

/* At which step a start failed, for the one message that is reported. */
enum launch_step {
	LAUNCH_STEP_NONE,
	LAUNCH_STEP_REQUEST, /* the request itself was refused */
	LAUNCH_STEP_RECORD,
	LAUNCH_STEP_CGROUP,
	LAUNCH_STEP_NETWORK,
	LAUNCH_STEP_FIREWALL,
	LAUNCH_STEP_ROOT,
	LAUNCH_STEP_LOG,
	LAUNCH_STEP_EXEC,
	LAUNCH_STEP_SLUG /* ENOENT: no tree of it; for UNPACK, no archive */
};

struct launch_reply {
	uint32_t version;
	uint32_t op; /* that of the request, or LAUNCH_END */
	uint64_t seq;
	int32_t error; /* errno, or 0 */
	uint32_t step; /* enum launch_step */
	struct launch_record record;
};

/*
 * The memfd of a start, sealed against every change:
 *
 *   u32 magic, u32 flags, u32 argc, u32 envc
 *   then NUL-terminated: working directory, argc arguments, envc NAME=VALUE
 *
 * At most LAUNCH_ARGS_MAX bytes in all.
 */
#define LAUNCH_ARGS_MAGIC 0x31657069U /* "ipe1" */
#define LAUNCH_ARGS_MAX   (1024 * 1024)

/*
 * What the manager hands to an instance at run_dir/attach/ID, a socket of
 * type SOCK_SEQPACKET that its shim listens on: one packet a connection, with
 * the stream of a client (common/session.h) and, for EXEC, a memfd as above.
 */
enum launch_hand_type {
	LAUNCH_HAND_ATTACH = 3, /* to what was started with ATTACH */
	LAUNCH_HAND_EXEC        /* to a new command beside it */
};

struct launch_hand {
	uint32_t type;
	int32_t zero[2];
};

/* Flags of the memfd. */
#define LAUNCH_ARGS_ATTACH 1U /* it begins once a client is there */
#define LAUNCH_ARGS_TTY    2U /* whose end is a terminal */

struct launch_args {
	uint32_t magic;
	uint32_t flags;
	uint32_t argc;
	uint32_t envc;
};

/*
 * The exit record, run_dir/exit/ID (16 hex digits), one line of text,
 * written by the shim to a temporary name and renamed:
 *
 *   BOOT_ID how=exited|killed|dumped status=N oom=0|1 dropped=LINES time=US
 *
 * how and status are siginfo's, so that exit 137 and SIGKILL differ; time is
 * microseconds of CLOCK_BOOTTIME, which nobody can set.
 */

#endif

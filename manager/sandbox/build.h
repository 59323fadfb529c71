/*
 * paas-build: an upload becomes a tree that can run.  The files of this
 * program, in the order in which its work goes through them: build_unpack.c,
 * build_packs.c (with build_fetch*.c, which gets packs of others),
 * build_compile.c (with build_supply.c, which knows Cloud Foundry's), all of
 * them with build_run.c; build_release.c, build_procfile.c, build_result.c.
 *
 * Every function that can fail returns 0, or -1 with a sentence in err that
 * says what is wrong and what to do; only build.c prints it.
 */
#ifndef PAAS_SANDBOX_BUILD_H
#define PAAS_SANDBOX_BUILD_H

#include "manifest/manifest.h"
#include "sandbox/sandbox.h"

#define PACKS_MAX 16 /* in use at once */

struct guard;

/* Where things are; the defaults of build.c are the sandbox's places. */
struct build_places {
	const char *app;   /* BUILD_DIR, empty at the start */
	const char *cache; /* CACHE_DIR */
	const char *env;   /* ENV_DIR, made by this program */
	const char *packs; /* read only */
	const char *work;  /* copies of the packs in use */
	const char *out;
	struct guard *guard; /* over what runs for this build */
};

/* ---- build_unpack.c, build_paths.c */

struct unpack_limits {
	uint64_t bytes;   /* of all files together */
	uint64_t entries; /* of whatever kind */
};

struct unpack_stats {
	uint64_t bytes;
	uint64_t entries;
};

/*
 * Unpacks a tar, gzipped or not, read from fd to its end, below dirfd, which
 * should be empty.  The working directory is another one in the meantime.
 * What was unpacked before an error stays: the caller throws the tree away.
 */
int unpack_stream(int fd, int dirfd, const struct unpack_limits *,
    struct unpack_stats *, char err[SANDBOX_ERRLEN]);

/*
 * The same for entries from elsewhere, one at a time: begin (NULL: err), add
 * until one fails, and end, which takes the result so far and gives that of
 * all.  copy is called for a file that is not empty, once its name and size
 * have been let in; it hands the bytes to unpack_write.
 */
struct archive;
struct archive_entry;
struct unpack;
typedef int (*unpack_copy)(struct unpack *, void *arg);

struct unpack *unpack_begin(int dirfd, const struct unpack_limits *,
    struct unpack_stats *, char err[SANDBOX_ERRLEN]);
int unpack_add(struct unpack *, struct archive_entry *, unpack_copy, void *arg);
int unpack_write(
    struct unpack *, const void *block, size_t len, int64_t offset);
int unpack_end(struct unpack *, int result);

/* "The upload was refused: \"PATH\" WHAT." of the entry in hand; -1. */
int unpack_refuse(struct unpack *, const char *what);

/* A reader of tar, gzipped or not, that is not opened yet. */
struct archive *unpack_reader(void);

/* ---- build_resources.c, build_store.c */

/*
 * Makes the tree of a push that leaves out what the app's store has
 * (common/push.h), read from fd, below dirfd; the store is in cache, and has
 * exactly the files of this push afterwards.  0; PUSH_EXIT_REFUSED or
 * PUSH_EXIT_MISSING with err.
 */
int resources_unpack(int fd, int dirfd, const char *cache,
    const struct unpack_limits *, struct unpack_stats *,
    char err[SANDBOX_ERRLEN]);

/*
 * The files that came with pushes of this app, by their content: cache/
 * .paas-files/SHA256.  Code of the app can reach it, too, so that what is
 * taken out is hashed again, and what is wrong is as good as not there.
 */
struct store;

struct store *store_open(const char *cache, char err[SANDBOX_ERRLEN]);
void store_close(struct store *);

/* Reads a tar of new files from fd to its end: 0, or -1 with err. */
int store_receive(struct store *, int fd, const struct unpack_limits *,
    uint64_t *received, char err[SANDBOX_ERRLEN]);

/*
 * Copies one to the entry in hand: 0; -1 with err of the unpack; 1 if there
 * is none, or one that is not what it should be, and then it is gone.
 */
int store_copy(
    struct store *, const uint8_t *hash, uint64_t size, struct unpack *);

/* Takes away all but n hashes, sorted by their bytes. */
void store_keep(struct store *, const uint8_t *hashes, size_t n);

enum path_result {
	PATH_OK,
	PATH_ABSOLUTE,
	PATH_DOTDOT,
	PATH_LONG,
	PATH_NONE /* no name at all */
};

/*
 * Takes "." components and repeated slashes out; out holds PATH_MAX bytes
 * and is "" for the root of the tree.
 */
enum path_result path_clean(const char *path, char *out);

/* Whether a link at path (clean) stays below the root, by its words alone. */
int path_link_stays(const char *path, const char *target);

/*
 * Whether what the link at path leads to, over any number of hops, stays
 * below root; a link that leads nowhere yet does.
 */
int path_resolves(int root, const char *path);

/* ---- build_ignore.c */

/* Takes away what app/.slugignore names, if there is one. */
int ignore_remove(const char *app, char err[SANDBOX_ERRLEN]);

/* ---- build_guard.c */

/*
 * What all programs of a build together may do.  The kernel bounds memory,
 * processes and time; this bounds what they say and write.
 */
struct guard {
	uint64_t output_max; /* bytes said; 0: no bound */
	uint64_t output;
	uint64_t disk_max; /* bytes in dirs; 0: no bound */
	const char *dirs[4];
	uint64_t next; /* when to look again, CLOCK_MONOTONIC, milliseconds */
	unsigned forkless; /* looks in a row at which no process was left */
};

/* Passes on what a program said.  0, or -1 with err: it was too much. */
int guard_say(
    struct guard *, const char *text, size_t len, char err[SANDBOX_ERRLEN]);

/*
 * To be called when guard_wait is over.  0, or -1 with err: the disk's share
 * is used up, or there is no process left to do anything with.
 */
int guard_look(struct guard *, char err[SANDBOX_ERRLEN]);

/* Bytes on disk of what is in a folder. */
uint64_t guard_disk(const char *dir);

/* Milliseconds until then. */
int guard_wait(const struct guard *);

/* ---- build_run.c */

struct run_output {
	char *text; /* NUL-terminated, freed by the caller */
	size_t len;
};

struct run {
	char *const *argv;
	char *const *envp;
	const char *cwd;
	struct run_output *output; /* stdout is kept; NULL: it is ours */
	size_t max;                /* bytes of output kept */
	unsigned seconds;          /* after which it is killed; 0: never */
	uint64_t file_max;         /* bytes of a file of its; 0: any */
};

#define RUN_TIMEOUT 256 /* no exit status */

/*
 * Runs it and waits.  Its input is empty.  Returns the exit status, 128 + the
 * signal, RUN_TIMEOUT, or -1 with err set if it could not be run or has gone
 * past what the guard allows.  Output is set unless it is -1.
 */
int run_program(struct guard *, const struct run *, char err[SANDBOX_ERRLEN]);

/* ---- build_env.c */

/* Config vars come in as this prefix and their name. */
#define ENV_CONFIG "PAAS_CONFIG_"

struct env {
	char **v; /* NULL-terminated */
	size_t n;
};

/* A later value takes the place of an earlier one. */
void env_set(struct env *, const char *name, const char *value);

/* "value" or "value:before". */
void env_prepend(struct env *, const char *name, const char *value);
void env_free(struct env *);

/* Writes ENV_DIR: a file for each config var of environ. */
int env_write_dir(const char *dir, char err[SANDBOX_ERRLEN]);

/* What all packs get: never the config vars.  To be freed. */
void env_of_packs(struct env *);

/* The config vars themselves, but for those that say what the system is. */
void env_add_config(struct env *);

/* ---- build_packs.c */

struct pack {
	char id[SANDBOX_PACK_MAX + 1];   /* what it is called in messages */
	char name[SANDBOX_PACK_MAX + 1]; /* what bin/detect said */
	char dir[512];                   /* of the copy that runs */
	int foundry; /* has bin/supply or bin/finalize, as Cloud Foundry's */
};

struct packs {
	size_t n;
	struct pack v[PACKS_MAX];
};

/*
 * Finds the packs to use: those asked for, or else the first one of
 * places->packs that fits.  None fits: 0, and packs->n is 0.  One is asked
 * for by the name of ours, a URL, or a path "./..." in the app.
 */
int packs_detect(const struct build_places *, char *const *wanted,
    size_t nwanted, struct packs *, char err[SANDBOX_ERRLEN]);

int pack_has(const char *dir, const char *program);

/* bin/PROGRAM of a pack with the app as its argument, as run_program does. */
int pack_run(const struct build_places *, const struct pack *,
    const char *program, size_t max, struct run_output *,
    char err[SANDBOX_ERRLEN]);

/* ---- build_source.c */

/*
 * Gets the archive that standard input tells of, a line each of its URL and of
 * its SHA-256 in hex or nothing, of at most `max` bytes, and unpacks it into
 * the app.  An only folder in it is the app, as web servers of git pack them.
 */
int source_unpack(const struct build_places *, uint64_t max,
    const struct unpack_limits *, struct unpack_stats *,
    char err[SANDBOX_ERRLEN]);

/* What is in the only folder of `app`, if there is one, goes up to it. */
int source_lift(const char *app, char err[SANDBOX_ERRLEN]);

/* ---- build_slug.c */

/* Unpacks what is in ./app of an archive into the app. */
int slug_unpack(const struct build_places *, int fd, int dirfd,
    const struct unpack_limits *, struct unpack_stats *,
    char err[SANDBOX_ERRLEN]);

/* One more, of "NAME=COMMAND". */
int slug_add_type(struct types *, const char *text, char err[SANDBOX_ERRLEN]);

/* ---- build_fetch.c, build_fetch_git.c, build_fetch_archive.c */

/* Whether a word that asks for a pack is a URL or a path of the app. */
int fetch_is_foreign(const char *wanted);

/* Fills in the id and the folder `dir`, which is made, of such a pack. */
int fetch_pack(const struct build_places *, const char *wanted, const char *dir,
    char id[SANDBOX_PACK_MAX + 1], char err[SANDBOX_ERRLEN]);

#define FETCH_SECONDS   120
#define FETCH_BYTES_MAX (1024ULL * 1024 * 1024)
#define FETCH_ENTRIES   200000

#define FETCH_STATUS_MAX  16
#define FETCH_OPTIONS_MAX 7

struct fetch {
	int tls; /* a redirect may not lead out of https */
	const char *output;
	uint64_t max;                               /* bytes */
	const char *options[FETCH_OPTIONS_MAX + 1]; /* of curl, and where */
};

/* 0 and the HTTP status, curl's exit status, RUN_TIMEOUT, or -1 with err. */
int fetch_curl(const struct build_places *, const struct fetch *,
    char status[FETCH_STATUS_MAX + 1], char err[SANDBOX_ERRLEN]);

/* The name of the one folder, and nothing else, that is in dir: 1, or 0. */
int fetch_only_folder(const char *dir, char *name, size_t len);

/* A branch, tag or commit (NULL: what the server calls HEAD) into dir. */
int fetch_git(const struct build_places *, const char *url, const char *ref,
    const char *store, const char *dir, char err[SANDBOX_ERRLEN]);

int fetch_archive(const struct build_places *, const char *url,
    const char *store, const char *dir, char err[SANDBOX_ERRLEN]);

/* Any archive of libarchive's, and any compression; what names it in err. */
int fetch_unpack(
    int fd, const char *dir, const char *what, char err[SANDBOX_ERRLEN]);

/* ---- build_compile.c */

/* What bin/release says. */
struct release {
	struct types types;
	json_t *config;   /* an object of strings, or NULL */
	char addons[200]; /* their names, for people */
};

int packs_compile(
    const struct build_places *, struct packs *, char err[SANDBOX_ERRLEN]);

/* bin/release of the last pack. */
int packs_release(const struct build_places *, const struct packs *,
    struct release *, char err[SANDBOX_ERRLEN]);

void release_free(struct release *);

/* ---- build_supply.c */

/* Where packs of Cloud Foundry leave what they supply, in the app. */
int supply_prepare(const struct build_places *, const struct packs *,
    char err[SANDBOX_ERRLEN]);

/* bin/supply, and bin/finalize of the last one. */
int supply_pack(const struct build_places *, const struct packs *, size_t nth,
    char err[SANDBOX_ERRLEN]);

/* What the packs before nth supplied, for one that is not Cloud Foundry's. */
void supply_env(const struct build_places *, const struct packs *, size_t nth,
    struct env *);

/* Writes the .profile.d that leads to it at run time. */
int supply_finish(const struct build_places *, const struct packs *,
    char err[SANDBOX_ERRLEN]);

/* ---- build_release.c */

/* Reads what bin/release printed. */
int release_parse(
    const char *yaml, size_t len, struct release *, char err[SANDBOX_ERRLEN]);

/* ---- build_file.c */

struct file {
	char *text; /* freed by the caller; no NUL */
	size_t len;
};

/* Reads a file of at most max bytes: 1, 0 if there is none, or -1 with err. */
int file_read(const char *dir, const char *name, size_t max, struct file *,
    char err[SANDBOX_ERRLEN]);

/* ---- build_manifest.c */

struct build_manifest {
	json_t *settings; /* see manifest/manifest.h; NULL: there are none */
	int from_tree;    /* and not sent by who pushes */
	int binary;       /* nothing is to be compiled */
	struct types commands;
	size_t npacks;
	char *packs[PACKS_MAX];
};

/*
 * Reads what the app says of itself, and prints what there is to say about
 * that.  Config vars of it are in the environment then, as env_write_dir
 * takes them.
 */
int manifest_load(
    const char *app, struct build_manifest *, char err[SANDBOX_ERRLEN]);
void manifest_free(struct build_manifest *);

/* ---- build_runtime.c */

/* Tells which versions of languages the app's files ask for. */
void runtime_print(const char *app);

/* ---- build_procfile.c */

/* text needs no NUL.  Errors name the line. */
int procfile_parse(
    const char *text, size_t len, struct types *, char err[SANDBOX_ERRLEN]);

/* Reads app/Procfile; none is 0 types. */
int procfile_read(const char *app, struct types *, char err[SANDBOX_ERRLEN]);

/* ---- build_result.c */

/*
 * Writes out/result.json for paas-inspect:
 * {"buildpack": "Node.js", "types": {"web": "npm start"}, "settings": {},
 *  "config": {"RACK_ENV": "production"}}
 * without settings or config if they are NULL.
 */
int result_write(const char *out, const char *buildpack, const struct types *,
    json_t *settings, json_t *config, char err[SANDBOX_ERRLEN]);

/* Of an image, with what image_config.c made of its configuration. */
int result_write_image(const char *out, const struct types *, json_t *image,
    char err[SANDBOX_ERRLEN]);

#endif

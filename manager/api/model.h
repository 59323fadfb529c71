/*
 * Records of the store in the shapes that clients know: one file a resource.
 * Each function that returns JSON returns a new reference.
 */
#ifndef PAAS_API_MODEL_H
#define PAAS_API_MODEL_H

#include <jansson.h>
#include <stdint.h>

#include "api/server.h"
#include "store/keys.h"
#include "store/store.h"

#define MODEL_NAME_MAX 32 /* of an app or process type, with the NUL */

/* ---- find.c ---------------------------------------------------------- */

/*
 * The first record below prefix, as "app/", that has that "id", with its key
 * and revision; NULL if there is none.
 */
json_t *model_find_id(struct store *, const char *prefix, const char *id,
    char key[STORE_KEY_MAX + 1], uint64_t *rev);

/* ---- app_json.c ------------------------------------------------------ */

/*
 * The record of an app by its name or its id; name gets the APP of its keys,
 * which is not what it is called once it was renamed (store/names.h).  NULL
 * if there is none.
 */
json_t *model_find_app(
    struct api *, const char *which, char name[MODEL_NAME_MAX], uint64_t *rev);

json_t *model_app(struct api *, const char *name, json_t *app);
/* Where git finds the platform, and there a path. */
json_t *model_git_url(const struct conf *, const char *path);
json_t *model_git_ssh_url(const struct conf *, const char *path);

json_t *model_app_ref(const char *name, json_t *app); /* {id, name} */

const char *model_text(json_t *record, const char *field); /* or "" */
int64_t model_number(json_t *record, const char *field);   /* or 0 */

/* What 'update' fields and the store_if of a change to an app need. */
json_t *model_touch(json_t *record); /* a copy, updated now */

/* ---- release_json.c -------------------------------------------------- */

/* The record of a release; NULL for version 0 or one that is not there. */
json_t *model_get_release(struct api *, const char *app, int64_t version);

/* The highest version that there is, 0 for none. */
int64_t model_last_version(struct api *, const char *app);

/*
 * The one that serves, or the one asked for while none does; and the one that
 * a change goes out from: asked for, unless it has failed and another goes on.
 */
int64_t model_current_version(struct api *, const char *name, json_t *app);
int64_t model_base_version(struct api *, const char *name, json_t *app);

json_t *model_release(
    struct api *, const char *name, json_t *app, json_t *release);
json_t *model_release_ref(json_t *release); /* {id, version} or null */

/*
 * Adds a new release to txn: the parts of `from` with another config (both
 * borrowed), numbered after the last one and asked for by `app`, which is
 * the new record of the app and is put as well.  The record, or NULL if the
 * code of `from` is not there any more.
 */
json_t *model_add_release(struct api *, struct store_txn *, const char *name,
    json_t *app, json_t *from, json_t *config, const char *user,
    const char *description);

/* ---- rollout_json.c -------------------------------------------------- */

struct rollout;

/* rollout/APP; all zeros if there is none yet. */
void model_get_rollout(struct api *, const char *name, struct rollout *);
json_t *model_rollout(struct api *, const char *name, json_t *app);

/* ---- formation_json.c ------------------------------------------------ */

/* What counts in the release asked for; rev is the record's. */
json_t *model_get_formation(
    struct api *, const char *app, const char *type, uint64_t *rev);

/* The record alone, for changes of what no manifest sets. */
json_t *model_get_formation_record(
    struct api *, const char *app, const char *type, uint64_t *rev);

/* From now on it counts more than the manifest of app's release. */
void model_own_formation(json_t *formation, json_t *app);

json_t *model_formation(struct api *, const char *name, json_t *app,
    const char *type, const char *command, json_t *formation);

/* ---- dyno_json.c, oneoff_json.c --------------------------------------- */

/* All dynos of an app, by type and index. */
json_t *model_dynos(struct api *, const char *name, json_t *app);

/* A one-off process, ended or not; NULL if there is none of that index. */
json_t *model_oneoff(
    struct api *, const char *name, json_t *app, uint32_t index);

/* The same of one that is about to be committed, by its record. */
json_t *model_oneoff_new(
    struct api *, const char *name, json_t *app, uint32_t index, json_t *run);

/* Appends those that have not ended. */
void model_add_oneoffs(
    struct api *, const char *name, json_t *app, json_t *list);

/* The index of a one-off process by "run.12" or its id; 0 if there is none. */
uint32_t model_find_oneoff(
    struct api *, const char *name, json_t *app, const char *dyno);

/* "assign" or "actual": the prefix of the records of an app, by its number. */
void model_actual_prefix(
    char *prefix, size_t len, const char *kind, uint64_t number);

/* "web.12" to its parts: 0, or -1. */
int model_parse_dyno(
    const char *dyno, char type[MODEL_NAME_MAX], uint32_t *index);

/* ---- domain_json.c, route_json.c, build_json.c ----------------------- */

json_t *model_domain(struct api *, const char *name, json_t *app,
    const char *host, json_t *domain);
json_t *model_route(struct api *, const char *host, json_t *route);
json_t *model_route_path(struct api *, json_t *path);
json_t *model_build(
    const struct request *, const char *name, json_t *app, json_t *build);
int model_build_is_over(json_t *build);

#endif

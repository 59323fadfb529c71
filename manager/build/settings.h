/*
 * Settings: what a manifest says, in the form of manifest/manifest.h.  They
 * come from people or out of a sandbox, and are checked here in any case,
 * then become part of the commit of a release.
 *
 * Each function returns 0, or -1 with a sentence in err that names the place
 * in the file, as "manifest.yml:3:14: ...".
 */
#ifndef PAAS_BUILD_SETTINGS_H
#define PAAS_BUILD_SETTINGS_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"
#include "store/store.h"

#define SETTINGS_ERRLEN 400
#define SETTINGS_MAX    (192 * 1024) /* bytes as JSON, of people */
#define SETTINGS_HOSTS  16

/* As JSON: a commit holds it twice, in config/APP and in the release. */
#define SETTINGS_CONFIG_MAX ((STORE_BYTES_MAX - 32 * 1024) / 2)

/* An error about what stands at a path of "at"; always -1. */
int settings_say(json_t *settings, const char *path, char err[SETTINGS_ERRLEN],
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Are they in the right form, and within the limits of paas.conf? */
int settings_check(
    json_t *settings, const struct conf *, char err[SETTINGS_ERRLEN]);

/* types {"web": "command"}: does each of their processes have a command? */
int settings_fit(json_t *settings, json_t *types, char err[SETTINGS_ERRLEN]);

/*
 * Changes config to what it will be; secrets are made.  *changed is raised
 * if that is another one.
 */
int settings_config(
    json_t *settings, json_t *config, int *changed, char err[SETTINGS_ERRLEN]);

/*
 * Adds to txn the domains that the app has not got yet.  Without `claim` there
 * must be none.
 */
int settings_hosts(json_t *settings, struct store *, const struct conf *,
    const char *app, int claim, struct store_txn *, char err[SETTINGS_ERRLEN]);

/*
 * The fields of formation/APP/TYPE that a type without a record begins with,
 * or NULL: of settings that are only defaults.
 */
json_t *settings_formation(json_t *settings, const char *type);

/*
 * `settings` of a release: a new reference, or NULL.  version is the
 * release's; before is the release that it follows, or NULL.
 */
json_t *settings_release(json_t *settings, int64_t version, json_t *before);

#endif

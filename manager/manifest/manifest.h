/*
 * The files by which an app tells how it wants to run: manifest.yml (Cloud
 * Foundry's) and app.json (Heroku's).  paas-manifest(5) lists their keys.
 *
 * Each app of a file becomes settings, one form for both:
 *
 *   {"file": "manifest.yml", "name": "shop", "path": "web",
 *    "defaults": false,         only what is not set yet: app.json
 *    "processes": {"web": {"command": "...", "quantity": 2,
 *        "memory": bytes, "disk": bytes, "log_rate": bytes a second,
 *        "health": {"type": "http", "path": "/", "start_timeout": s,
 *            ...}, "readiness": {...}, (common/health_rule.h)
 *        "drain_timeout": s, "stop_timeout": s}},
 *    "env": {"NAME": "value", "OTHER": null},
 *    "secrets": ["NAME"],       made where there is none
 *    "required": ["NAME"],
 *    "hosts": ["www.example.com"],
 *    "buildpacks": ["nodejs"],
 *    "at": {"processes.web.quantity": "3:14"}}
 *
 * What a file does not name is left out.  "at" is where things stand, for
 * those who find out later that they can't be.
 */
#ifndef PAAS_MANIFEST_H
#define PAAS_MANIFEST_H

#include <jansson.h>

#include "manifest/node.h"
#include "manifest/note.h"

#define MANIFEST_APPS_MAX      64
#define MANIFEST_HOSTS_MAX     32
#define MANIFEST_ENV_MAX       500
#define MANIFEST_PACKS_MAX     16
#define MANIFEST_PROCESSES_MAX 32
#define MANIFEST_INHERIT_MAX   5 /* files, one by the other */

/* ---- vars.c: what ((name)) stands for */

#define VARS_MAX 16 /* files */

struct vars {
	size_t n;
	struct node *files[VARS_MAX]; /* maps; later ones count more */
	struct node *given;           /* a map, and more than all files; NULL */
};

/* A vars file.  0, or -1 with notes. */
int vars_add_file(struct vars *, const char *text, size_t len, struct notes *);

/* "name=value": 0, or -1 if it is none. */
int vars_add(struct vars *, const char *pair);
void vars_free(struct vars *);

/*
 * Puts values in place of each ((name)) in the tree.  What has none is an
 * error in notes; hint ends its sentence.
 */
void vars_resolve(
    const struct vars *, struct node *, const char *hint, struct notes *);

/* ---- cf.c: manifest.yml */

struct manifest_input {
	const char *file;
	const char *text;
	size_t len;
	const struct vars *vars;
	const char *vars_hint; /* where a value could come from */

	/*
	 * The file that `inherit` names, as it stands in that key: text to be
	 * freed, or NULL with a note at the place.  NULL: there is none.
	 */
	char *(*inherit)(const char *name, size_t *len, struct node_place,
	    struct notes *, void *arg);
	void *arg;
};

/*
 * The settings of its apps, an array, in the file's order; NULL if notes has
 * errors.  An app without a name is the only one, and its name is "".
 */
json_t *manifest_read(const struct manifest_input *, struct notes *);

/* ---- appjson.c: app.json */

/* The settings; NULL if notes has errors. */
json_t *appjson_read(const char *text, size_t len, struct notes *);

#endif

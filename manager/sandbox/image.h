/*
 * An OCI image layout becomes a root file system.  What the standard says is
 * done by skopeo (which of several platforms, digests, forms of manifests)
 * and umoci (layers, whiteouts); what a stranger may want with it is seen to
 * here: how large it gets, devices, setuid bits, links where something will
 * be mounted.  In the order of work: build_image.c, with
 *   image_layers.c   what umoci is about to unpack, counted before
 *   image_config.c   what the image says of how it is run
 *   image_root.c     what it left, made fit to be run here
 *
 * The standard: https://github.com/opencontainers/image-spec
 */
#ifndef PAAS_SANDBOX_IMAGE_H
#define PAAS_SANDBOX_IMAGE_H

#include <jansson.h>

#include "sandbox/build.h"

#define IMAGE_JSON_MAX (4 * 1024 * 1024) /* an index, a manifest, a config */
#define IMAGE_UID      65532             /* of an image that would be root */

/* One platform's, as skopeo has copied it. */
struct image {
	int dir;          /* of the layout */
	json_t *manifest; /* owned, as all below */
	json_t *config;   /* the whole of it */
	json_t *run;      /* what result.json has of it */
	char user[256];   /* as the image has it */
	uint32_t uid;     /* that it appears as */
	char home[256];
};

/* A file of the layout as JSON: 0, or -1 with err. */
int image_read_json(
    int dir, const char *path, json_t **out, char err[SANDBOX_ERRLEN]);

#define IMAGE_PATH_MAX 96

/* Where the blob of a descriptor is; 0, or -1 with err. */
int image_blob_path(
    json_t *descriptor, char path[IMAGE_PATH_MAX], char err[SANDBOX_ERRLEN]);

/* That blob as JSON, likewise. */
int image_read_blob(
    int dir, json_t *descriptor, json_t **out, char err[SANDBOX_ERRLEN]);

/* Counts all layers: 0, or -1 with err if they hold what they must not. */
int image_check_layers(const struct image *, const struct unpack_limits *,
    char err[SANDBOX_ERRLEN]);

/*
 * Architecture, entry point, environment, ... into image->run and user.  0,
 * or -1 with err.
 */
int image_read_config(struct image *, char err[SANDBOX_ERRLEN]);

/* "arm64", as images have it, of this machine. */
const char *image_architecture(void);

/*
 * Modes, /dev, what is mounted upon, and who runs it: image->uid and home.
 * 0, or -1 with err.
 */
int image_fit_root(struct image *, const char *root, char err[SANDBOX_ERRLEN]);

/*
 * All of it: reads the upload from fd, leaves the root in places->app and
 * result.json in places->out.  With list the upload is one of common/push.h.
 * 0, or the exit status with err.
 */
int image_build(int fd, int list, const struct build_places *,
    const struct unpack_limits *, char err[SANDBOX_ERRLEN]);

#endif

/*
 * A push of an image.  Nothing of it is run here; nor are there buildpacks.
 */
#include "sandbox/image.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/push.h"

#define LAYOUT "layout" /* as it was sent, in places->out */
#define CHOSEN "chosen" /* this machine's, alone */

/* For skopeo; umoci has them without the first four bytes. */
static const char layout[] = "oci:" LAYOUT;
static const char chosen[] = "oci:" CHOSEN ":paas";

/* ---- reading --------------------------------------------------------- */

int
image_read_json(
    int dir, const char *path, json_t **out, char err[SANDBOX_ERRLEN])
{
	struct stat st;
	char *text = NULL;
	ssize_t n = -1;
	int fd;

	*out = NULL;
	fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= IMAGE_JSON_MAX &&
	    (text = malloc(IMAGE_JSON_MAX)) != NULL)
		n = read(fd, text, IMAGE_JSON_MAX);
	if (n >= 0)
		*out =
		    json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (fd != -1)
		close(fd);
	if (json_is_object(*out))
		return 0;
	json_decref(*out);
	*out = NULL;
	snprintf(err, SANDBOX_ERRLEN,
	    "The image is not whole: its %.100s is no JSON object. Make it "
	    "with `skopeo copy docker://IMAGE oci:DIR` and push DIR.",
	    path);
	return -1;
}

int
image_blob_path(
    json_t *descriptor, char path[IMAGE_PATH_MAX], char err[SANDBOX_ERRLEN])
{
	const char *digest =
	    json_string_value(json_object_get(descriptor, "digest"));
	uint8_t hash[PUSH_HASH];

	if (digest == NULL || strncmp(digest, "sha256:", 7) != 0 ||
	    strlen(digest) != 7 + 2 * PUSH_HASH ||
	    push_hash_parse(digest + 7, hash) == -1) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The image names a part by another digest than SHA-256: "
		    "make it with `skopeo copy docker://IMAGE oci:DIR`.");
		return -1;
	}
	snprintf(path, IMAGE_PATH_MAX, "blobs/sha256/%s", digest + 7);
	return 0;
}

int
image_read_blob(
    int dir, json_t *descriptor, json_t **out, char err[SANDBOX_ERRLEN])
{
	char path[IMAGE_PATH_MAX];

	*out = NULL;
	if (image_blob_path(descriptor, path, err) == -1)
		return -1;
	return image_read_json(dir, path, out, err);
}

/* ---- which one ------------------------------------------------------- */

/* Whether it may be this machine's: what says nothing may. */
static int
fits(json_t *descriptor)
{
	json_t *platform = json_object_get(descriptor, "platform");
	const char *os = json_string_value(json_object_get(platform, "os"));
	const char *arch =
	    json_string_value(json_object_get(platform, "architecture"));

	return (os == NULL || strcmp(os, "linux") == 0) &&
	       (arch == NULL || strcmp(arch, image_architecture()) == 0);
}

static void
list_platforms(json_t *manifests, char *out, size_t len)
{
	const char *arch;
	json_t *one;
	char text[40];
	size_t i;

	out[0] = '\0';
	json_array_foreach (manifests, i, one) {
		arch = json_string_value(json_object_get(
		    json_object_get(one, "platform"), "architecture"));
		if (arch == NULL || strcmp(arch, "unknown") == 0)
			continue;
		strlcat(out, out[0] != '\0' ? ", " : "", len);
		strlcat(out, text_escape(text, sizeof(text), arch), len);
	}
}

static int
refuse_platform(json_t *manifests, char err[SANDBOX_ERRLEN])
{
	char text[200];

	list_platforms(manifests, text, sizeof(text));
	snprintf(err, SANDBOX_ERRLEN,
	    "The image is not for this machine, which is linux/%s, but for %s.",
	    image_architecture(), text[0] != '\0' ? text : "none");
	return -1;
}

/*
 * skopeo takes the only image of a layout, and of an index in it this
 * machine's; a layout with an image for each platform is narrowed down here.
 */
static int
choose(int dir, char err[SANDBOX_ERRLEN])
{
	json_t *index, *kept = json_array(), *manifests, *one;
	size_t i;
	int fd, result = -1;

	if (image_read_json(dir, "index.json", &index, err) == -1) {
		json_decref(kept);
		return -1;
	}
	manifests = json_object_get(index, "manifests");
	json_array_foreach (manifests, i, one)
		if (fits(one))
			json_array_append(kept, one);
	if (json_array_size(kept) == 0)
		refuse_platform(manifests, err);
	else if (json_array_size(kept) > 1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The layout has %zu images: copy the one to be pushed into "
		    "a layout of its own, with `skopeo copy oci:DIR:TAG "
		    "oci:OTHER`.",
		    json_array_size(kept));
	else
		result = 0;
	if (result == 0) {
		/* Its name may be anything, and is of no use. */
		json_object_del(json_array_get(kept, 0), "annotations");
		json_object_set(index, "manifests", kept);
		fd = openat(dir, "index.json",
		    O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
		if (fd == -1 || json_dumpfd(index, fd, JSON_COMPACT) == -1) {
			snprintf(err, SANDBOX_ERRLEN,
			    "The image's index can't be written: %s.",
			    strerror(errno));
			result = -1;
		}
		if (fd != -1)
			close(fd);
	}
	json_decref(kept);
	json_decref(index);
	return result;
}

/* An index says by itself if it has nothing for us; skopeo's words are its. */
static int
check_index(int dir, char err[SANDBOX_ERRLEN])
{
	json_t *index, *inner = NULL, *manifests, *one;
	size_t i;
	int result;

	if (image_read_json(dir, "index.json", &index, err) == -1)
		return -1;
	one = json_array_get(json_object_get(index, "manifests"), 0);
	result = image_read_blob(dir, one, &inner, err);
	manifests = json_object_get(inner, "manifests");
	if (result == 0 && json_is_array(manifests)) {
		result = -1;
		json_array_foreach (manifests, i, one)
			if (fits(one))
				result = 0;
		if (result == -1)
			refuse_platform(manifests, err);
	}
	json_decref(inner);
	json_decref(index);
	return result;
}

/* ---- the programs ---------------------------------------------------- */

/* A program of the machine's, in places->out. */
static int
run(const struct build_places *places, char *const *argv, uint64_t file_max,
    char err[SANDBOX_ERRLEN])
{
	struct env env = {0};
	struct run program = {
	    .argv = argv, .cwd = places->out, .file_max = file_max};
	int status;

	env_of_packs(&env);
	program.envp = env.v;
	status = run_program(places->guard, &program, err);
	env_free(&env);
	if (status == 0)
		return 0;
	if (status == 127)
		snprintf(err, SANDBOX_ERRLEN,
		    "%s is missing on this machine: install the Debian package "
		    "of that name, as scripts/up does.",
		    argv[0]);
	else if (status > 0)
		snprintf(err, SANDBOX_ERRLEN,
		    "%s could not read the image (exit %d): the lines above "
		    "say why.",
		    argv[0], status);
	return -1;
}

static int
copy_chosen(const struct build_places *places, char err[SANDBOX_ERRLEN])
{
	char *argv[] = {"/usr/bin/skopeo", "--insecure-policy", "--override-os",
	    "linux", "--override-arch", (char *)(uintptr_t)image_architecture(),
	    "--tmpdir", ".", "copy", "--quiet", "--dest-compress-format",
	    "gzip", (char *)(uintptr_t)layout, (char *)(uintptr_t)chosen, NULL};

	return run(places, argv, 0, err);
}

static int
unpack_chosen(const struct build_places *places,
    const struct unpack_limits *limits, char err[SANDBOX_ERRLEN])
{
	char *argv[] = {"/usr/bin/umoci", "--log=error", "raw", "unpack",
	    "--rootless", "--image", (char *)(uintptr_t)&chosen[4],
	    (char *)(uintptr_t)places->app, NULL};

	return run(places, argv, limits->bytes, err);
}

/* ---- the steps ------------------------------------------------------- */

static int
receive(int fd, int list, int dir, const struct build_places *places,
    const struct unpack_limits *limits, char err[SANDBOX_ERRLEN])
{
	struct unpack_stats stats;
	int result;

	if (list)
		result = resources_unpack(
		    fd, dir, places->cache, limits, &stats, err);
	else
		result = unpack_stream(fd, dir, limits, &stats, err);
	if (result != 0)
		return result > 0 ? result : PUSH_EXIT_REFUSED;
	if (faccessat(dir, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	snprintf(err, SANDBOX_ERRLEN,
	    "What was pushed is no OCI image layout, as it has no file "
	    "oci-layout: make one with `skopeo copy docker://IMAGE oci:DIR` "
	    "and push DIR, or with oci-archive:FILE and push FILE.");
	return 1;
}

/* The one image that skopeo left, and all that is said about it. */
static int
open_chosen(struct image *image, const char *out, char err[SANDBOX_ERRLEN])
{
	char path[512];
	json_t *index = NULL, *one;
	int result = -1;

	snprintf(path, sizeof(path), "%s/" CHOSEN, out);
	image->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (image->dir == -1)
		snprintf(err, SANDBOX_ERRLEN, "skopeo has left no image: %s.",
		    strerror(errno));
	else if (image_read_json(image->dir, "index.json", &index, err) == 0) {
		one = json_array_get(json_object_get(index, "manifests"), 0);
		result =
		    image_read_blob(image->dir, one, &image->manifest, err);
		if (result == 0)
			result = image_read_blob(image->dir,
			    json_object_get(image->manifest, "config"),
			    &image->config, err);
	}
	json_decref(index);
	return result;
}

static void
image_close(struct image *image)
{
	if (image->dir != -1)
		close(image->dir);
	json_decref(image->manifest);
	json_decref(image->config);
	json_decref(image->run);
}

static int
unpack(struct image *image, const struct build_places *places,
    const struct unpack_limits *limits, char err[SANDBOX_ERRLEN])
{
	struct types types = {0};
	const char *command;
	int result;

	puts("-----> Unpacking the image");
	if (copy_chosen(places, err) == -1 ||
	    open_chosen(image, places->out, err) == -1 ||
	    image_read_config(image, err) == -1 ||
	    image_check_layers(image, limits, err) == -1 ||
	    unpack_chosen(places, limits, err) == -1 ||
	    image_fit_root(image, places->app, err) == -1)
		return -1;
	command = json_string_value(json_object_get(image->run, "command"));
	(void)types_add(&types, "web", 3, command, strlen(command), 0);
	printf("       web -> %s\n", command);
	result = result_write_image(places->out, &types, image->run, err);
	types_free(&types);
	return result;
}

int
image_build(int fd, int list, const struct build_places *places,
    const struct unpack_limits *limits, char err[SANDBOX_ERRLEN])
{
	struct image image = {.dir = -1};
	char path[512];
	int dir, result = 1;

	snprintf(path, sizeof(path), "%s/" LAYOUT, places->out);
	if (mkdir(path, 0755) == -1 ||
	    (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		snprintf(err, SANDBOX_ERRLEN, "%.200s can't be made: %s.", path,
		    strerror(errno));
		return PUSH_EXIT_REFUSED;
	}
	result = receive(fd, list, dir, places, limits, err);
	mkdir("/tmp/home", 0700); /* env_of_packs names it */
	if (result == 0 &&
	    (choose(dir, err) == -1 || check_index(dir, err) == -1 ||
		unpack(&image, places, limits, err) == -1))
		result = 1;
	close(dir);
	image_close(&image);
	return result;
}

/*
 * Looks through all layers before umoci unpacks them, which bounds nothing:
 * a few KiB of gzip may be as many GiB of files.
 */
#include "sandbox/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAYERS_MAX   256
#define LAYERS_BLOCK (128 * 1024)
#define TAR_BLOCK    512

struct count {
	const struct unpack_limits *limits;
	uint64_t bytes;
	uint64_t entries;
	char *err;
};

static int
refuse(struct count *c, struct archive_entry *entry, const char *what)
{
	char text[200];
	const char *name = archive_entry_pathname(entry);

	snprintf(c->err, SANDBOX_ERRLEN, "The image was refused: \"%s\" %s.",
	    text_escape(text, sizeof(text), name != NULL ? name : ""), what);
	return -1;
}

/* Those of /dev are nobody's loss: the sandbox has its own. */
static int
in_dev(const char *path)
{
	while (*path == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	return strncmp(path, "dev/", 4) == 0;
}

static int
count_entry(struct count *c, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	la_int64_t size = 0;

	if (++c->entries > c->limits->entries)
		return refuse(c, entry,
		    "is one more than the files and folders that a push may "
		    "have (unpack_entries in paas.conf). Take a smaller image");
	if (name == NULL)
		return refuse(c, entry, "has no name");
	if (archive_entry_hardlink(entry) != NULL)
		return 0;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		size = archive_entry_size(entry);
		break;
	case AE_IFDIR:
	case AE_IFLNK:
		break;
	default:
		return in_dev(name) ? 0
				    : refuse(c, entry,
					  "is a device, a pipe or a socket, "
					  "and apps have none but in /dev. "
					  "Take it out of the image");
	}
	if (size < 0 || (uint64_t)size > c->limits->bytes - c->bytes)
		return refuse(c, entry,
		    "makes it larger, unpacked, than a push may be "
		    "(unpack_max in paas.conf). Take a smaller image");
	c->bytes += (uint64_t)size;
	return 0;
}

/* All bytes of a layer, unzipped; 0 if it can't be read. */
static uint64_t
measure(int fd)
{
	struct archive *in = archive_read_new();
	struct archive_entry *entry;
	static char block[LAYERS_BLOCK];
	uint64_t bytes = 0;
	la_ssize_t n = -1;

	if (in == NULL)
		abort();
	archive_read_support_filter_gzip(in);
	archive_read_support_format_raw(in);
	if (lseek(fd, 0, SEEK_SET) == 0 &&
	    archive_read_open_fd(in, fd, LAYERS_BLOCK) == ARCHIVE_OK &&
	    archive_read_next_header(in, &entry) == ARCHIVE_OK)
		while ((n = archive_read_data(in, block, sizeof(block))) > 0)
			bytes += (uint64_t)n;
	archive_read_free(in);
	return n == 0 ? bytes : 0;
}

/*
 * umoci's own layers end with the last byte of the last file, which umoci and
 * all that Go is made of take for whole.  Only if nothing comes any more: what
 * stands behind an end that is seen here alone would not have been counted.
 */
static int
ends_here(struct archive *in, int fd)
{
	la_int64_t seen = archive_filter_bytes(in, 0);
	uint64_t bytes = measure(fd);

	return seen > 0 && bytes > 0 && bytes < (uint64_t)seen + TAR_BLOCK;
}

static int
count_layer(struct count *c, struct archive *in, int fd)
{
	struct archive_entry *entry;
	const char *why;
	char text[200];
	int r;

	while ((r = archive_read_next_header(in, &entry)) == ARCHIVE_OK ||
	       r == ARCHIVE_WARN)
		if (count_entry(c, entry) == -1)
			return -1;
	if (r == ARCHIVE_EOF)
		return 0;
	why = archive_error_string(in);
	snprintf(c->err, SANDBOX_ERRLEN,
	    "A layer of the image is not a whole tar (%s).",
	    text_escape(text, sizeof(text), why != NULL ? why : "no reason"));
	return ends_here(in, fd) ? 0 : -1;
}

static int
check_layer(struct count *c, int dir, json_t *descriptor)
{
	struct archive *in;
	char path[IMAGE_PATH_MAX];
	int fd, result = -1;

	if (image_blob_path(descriptor, path, c->err) == -1)
		return -1;
	fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	in = unpack_reader();
	if (fd == -1 ||
	    archive_read_open_fd(in, fd, LAYERS_BLOCK) != ARCHIVE_OK)
		snprintf(c->err, SANDBOX_ERRLEN,
		    "A layer of the image is missing: %.100s.", path);
	else
		result = count_layer(c, in, fd);
	archive_read_free(in);
	if (fd != -1)
		close(fd);
	return result;
}

int
image_check_layers(const struct image *image,
    const struct unpack_limits *limits, char err[SANDBOX_ERRLEN])
{
	struct count c = {.limits = limits, .err = err};
	json_t *layers = json_object_get(image->manifest, "layers"), *layer;
	size_t i;

	if (!json_is_array(layers) || json_array_size(layers) == 0 ||
	    json_array_size(layers) > LAYERS_MAX) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The image has %zu layers, and 1 to %d can be unpacked.",
		    json_array_size(layers), LAYERS_MAX);
		return -1;
	}
	json_array_foreach (layers, i, layer)
		if (check_layer(&c, image->dir, layer) == -1)
			return -1;
	return 0;
}

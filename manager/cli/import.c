/*
 * People sort as they like: the manager takes hosts by their bytes, pools
 * first.  Comments and blank lines stay behind.
 */
#include "cli/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 30)

struct line {
	const char *text;
	size_t len;
	size_t host; /* bytes of it that are the host */
	size_t number;
};

struct import_file {
	char *data;
	size_t size;
	struct line *lines;
	size_t n, room;
	size_t at, sent; /* the next line, and how much of it has gone */
};

/* ---- reading ----------------------------------------------------------- */

static int
read_all(struct import_file *file, int fd)
{
	size_t room = 1 << 20;
	ssize_t n = 1;
	char *data;

	while (n > 0) {
		if (file->data == NULL || file->size == room) {
			room *= file->data == NULL ? 1 : 2;
			if (room > FILE_MAX) {
				errno = EFBIG;
				return -1;
			}
			if ((data = realloc(file->data, room)) == NULL)
				return -1;
			file->data = data;
		}
		n = read(fd, file->data + file->size, room - file->size);
		if (n == -1 && errno == EINTR)
			n = 1;
		else if (n > 0)
			file->size += (size_t)n;
	}
	return n == 0 ? 0 : -1;
}

static int
add_line(struct import_file *file, const char *text, size_t len, size_t number)
{
	struct line *line;
	size_t i;

	if (file->n == file->room) {
		file->room = file->room * 2 + 1024;
		line = reallocarray(file->lines, file->room, sizeof(*line));
		if (line == NULL)
			return -1;
		file->lines = line;
	}
	for (i = 0; i < len && text[i] != ' ' && text[i] != '\t'; i++)
		;
	file->lines[file->n++] = (struct line){text, len, i, number};
	return 0;
}

static int
split_lines(struct import_file *file)
{
	const char *text = file->data, *end = file->data + file->size, *eol;
	size_t number = 0, len;

	for (; text < end; text = eol + 1) {
		eol = memchr(text, '\n', (size_t)(end - text));
		if (eol == NULL)
			eol = end;
		number++;
		len = (size_t)(eol - text);
		while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
			len--;
		while (len > 0 && (*text == ' ' || *text == '\t')) {
			text++;
			len--;
		}
		if (len > 0 && *text != '#' &&
		    add_line(file, text, len, number) == -1)
			return -1;
	}
	return 0;
}

/* ---- order ------------------------------------------------------------- */

/* As it will be in the canonical form: "*.A.b" is ".a.b". */
static int
fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int
compare_hosts(const struct line *a, const struct line *b)
{
	size_t i = a->host > 1 && a->text[0] == '*';
	size_t k = b->host > 1 && b->text[0] == '*';
	int x, y;

	for (;; i++, k++) {
		x = i < a->host ? fold((unsigned char)a->text[i]) : 0;
		y = k < b->host ? fold((unsigned char)b->text[k]) : 0;
		if (x != y || x == 0)
			return x - y;
	}
}

/* The path behind the host; "/" where there is none. */
static const char *
path_of(const struct line *line, size_t *len)
{
	const char *p = line->text + line->host;
	const char *end = line->text + line->len;
	const char *path;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	*len = 1;
	if (p == end || *p != '/')
		return "/";
	for (path = p; p < end && *p != ' ' && *p != '\t'; p++)
		;
	*len = (size_t)(p - path);
	return path;
}

static int
compare_paths(const struct line *a, const struct line *b)
{
	size_t n, m;
	const char *x = path_of(a, &n), *y = path_of(b, &m);
	int order = memcmp(x, y, n < m ? n : m);

	return order != 0 ? order : (n > m) - (n < m);
}

static int
compare_lines(const void *p, const void *q)
{
	const struct line *a = p, *b = q;
	int pool = a->text[0] == '@', order;

	if (pool != (b->text[0] == '@'))
		return pool ? -1 : 1;
	order = pool ? 0 : compare_hosts(a, b);
	if (order == 0 && !pool)
		order = compare_paths(a, b);
	return order != 0 ? order
			  : (a->number > b->number) - (a->number < b->number);
}

static void
sort_lines(struct import_file *file)
{
	size_t i;

	for (i = 1; i < file->n; i++)
		if (compare_lines(&file->lines[i - 1], &file->lines[i]) > 0)
			break;
	if (i < file->n)
		qsort(
		    file->lines, file->n, sizeof(*file->lines), compare_lines);
}

/* ---- for the caller ---------------------------------------------------- */

struct import_file *
import_read(const char *path, char err[PAAS_ERRLEN])
{
	struct import_file *file = calloc(1, sizeof(*file));
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO
					: open(path, O_RDONLY | O_CLOEXEC);

	if (file == NULL || fd == -1 || read_all(file, fd) == -1 ||
	    split_lines(file) == -1) {
		snprintf(err, PAAS_ERRLEN, "cannot read %s: %s", path,
		    strerror(errno));
		import_close(file);
		file = NULL;
	} else
		sort_lines(file);
	if (fd > STDIN_FILENO)
		close(fd);
	return file;
}

void
import_close(struct import_file *file)
{
	if (file == NULL)
		return;
	free(file->data);
	free(file->lines);
	free(file);
}

ssize_t
import_fill(struct import_file *file, char *buf, size_t len)
{
	const struct line *line;
	size_t filled = 0, n;

	while (filled < len && file->at < file->n) {
		line = &file->lines[file->at];
		if (file->sent == line->len) {
			buf[filled++] = '\n';
			file->at++;
			file->sent = 0;
			continue;
		}
		n = line->len - file->sent;
		if (n > len - filled)
			n = len - filled;
		memcpy(buf + filled, line->text + file->sent, n);
		file->sent += n;
		filled += n;
	}
	return (ssize_t)filled;
}

size_t
import_line(const struct import_file *file, size_t n)
{
	return n >= 1 && n <= file->n ? file->lines[n - 1].number : 0;
}

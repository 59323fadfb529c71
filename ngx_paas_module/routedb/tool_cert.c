/*
 * Certificates from files and to files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool_load.h"

/* ---- load -------------------------------------------------------------- */

/* At most room bytes of a file; how many, -1 with errno. */
static ssize_t
read_file(paas_routedb_str_t name, char *out, size_t room)
{
	char path[TOOL_ERRLEN];
	ssize_t n = 0;
	size_t len = 0;
	int fd;

	snprintf(
	    path, sizeof(path), "%.*s", (int)name.len, (const char *)name.data);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	while (len < room && (n = read(fd, out + len, room - len)) > 0)
		len += (size_t)n;
	close(fd);
	return n == -1 ? -1 : (ssize_t)len;
}

/* Both files behind one another; a byte more than may be shows too much. */
static int
load_files(struct tool_load *l, struct tool_load_cert *c, uint32_t line)
{
	const paas_routedb_str_t names[] = {c->cert.chain, c->cert.key};
	const char *const fields[] = {"chain", "key"};
	paas_routedb_str_t *const parts[] = {&c->cert.chain, &c->cert.key};
	const size_t room = PAAS_ROUTEDB_CERT_MAX + 1;
	char *data, *p;
	size_t at = 0;
	ssize_t n;

	for (int i = 0; i < 2; i++)
		*parts[i] = (paas_routedb_str_t){NULL, 0};
	if ((data = malloc(room)) == NULL)
		return tool_load_fail(l, 0, "%s", strerror(ENOMEM));
	for (int i = 0; i < 2; i++) {
		n = read_file(names[i], data + at, room - at);
		if (n == -1 || (n == 0 && at < room)) {
			free(data);
			return tool_load_fail(l, line, "%s=%.*s: %s", fields[i],
			    SHOW(names[i]),
			    n == 0 ? "is empty" : strerror(errno));
		}
		parts[i]->len = (size_t)n;
		at += (size_t)n;
	}
	if ((p = realloc(data, at)) != NULL)
		data = p;
	c->cert.chain.data = (uint8_t *)data;
	c->cert.key.data = c->cert.chain.data + c->cert.chain.len;
	if (at == room)
		return tool_load_fail(l, line,
		    "cert %llu: chain and key are more than %d bytes together",
		    (unsigned long long)c->cert.id, PAAS_ROUTEDB_CERT_MAX);
	return 0;
}

int
tool_load_cert(
    struct tool_load *l, const struct tool_line *line, uint32_t number)
{
	void *p = tool_load_room(
	    l, l->certs, l->ncerts, &l->roomcerts, sizeof(*l->certs));

	if (p == NULL)
		return -1;
	l->certs = p;
	l->certs[l->ncerts] =
	    (struct tool_load_cert){.cert = line->cert, .line = number};
	return load_files(l, &l->certs[l->ncerts++], number);
}

int
tool_load_cert_host(struct tool_load *l, const struct tool_line *line,
    paas_routedb_str_t text, uint32_t number)
{
	struct tool_load_cert_host *h;
	void *p = tool_load_room(l, l->certhosts, l->ncerthosts,
	    &l->roomcerthosts, sizeof(*l->certhosts));

	if (p == NULL)
		return -1;
	l->certhosts = p;
	h = &l->certhosts[l->ncerthosts++];
	memcpy(h->ids, line->certs, sizeof(h->ids));
	h->line = number;
	return tool_load_keep(l, line->host, line->hostlen, text, &h->name);
}

static int
compare_certs(const void *a, const void *b)
{
	const struct tool_load_cert *x = a, *y = b;

	if (x->cert.id != y->cert.id)
		return x->cert.id < y->cert.id ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static int
compare_ids(const void *a, const void *b)
{
	const struct tool_load_cert *x = a, *y = b;

	return (x->cert.id > y->cert.id) - (x->cert.id < y->cert.id);
}

static int
compare_names(const void *a, const void *b)
{
	const struct tool_load_cert_host *x = a, *y = b;
	int order = paas_routedb_compare(x->name, y->name);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* With --add, a certificate may be in the database already. */
static int
load_has_cert(
    const struct tool_load *l, uint64_t id, paas_routedb_reader_t *reader)
{
	const struct tool_load_cert key = {.cert = {.id = id}};
	paas_routedb_cert_t found;

	if (l->ncerts > 0 && bsearch(&key, l->certs, l->ncerts, sizeof(key),
				 compare_ids) != NULL)
		return 1;
	return reader != NULL &&
	       paas_routedb_find_cert(reader, id, &found) == PAAS_ROUTEDB_OK;
}

int
tool_load_check_certs(struct tool_load *l, paas_routedb_reader_t *reader)
{
	const struct tool_load_cert *c;
	const struct tool_load_cert_host *h;

	tool_load_sort_array(
	    l->certs, l->ncerts, sizeof(*l->certs), compare_certs);
	tool_load_sort_array(
	    l->certhosts, l->ncerthosts, sizeof(*l->certhosts), compare_names);
	for (size_t i = 1; i < l->ncerts; i++) {
		c = &l->certs[i];
		if (c->cert.id == c[-1].cert.id)
			return tool_load_fail(l, c->line,
			    "cert %llu: already on line %u: give it another "
			    "number",
			    (unsigned long long)c->cert.id, c[-1].line);
	}
	for (size_t i = 0; i < l->ncerthosts; i++) {
		h = &l->certhosts[i];
		if (i > 0 && paas_routedb_compare(h->name, h[-1].name) == 0)
			return tool_load_fail(l, h->line,
			    "certhost %.*s: already on line %u", SHOW(h->name),
			    h[-1].line);
		for (int k = 0; k < PAAS_ROUTEDB_CERTS_MAX; k++)
			if (h->ids[k] != 0 &&
			    !load_has_cert(l, h->ids[k], reader))
				return tool_load_fail(l, h->line,
				    "certhost %.*s: no cert %llu: add a line "
				    "for it",
				    SHOW(h->name),
				    (unsigned long long)h->ids[k]);
	}
	return 0;
}

int
tool_load_put_certs(struct tool_load *l, paas_routedb_writer_t *w)
{
	int rc = PAAS_ROUTEDB_OK;
	size_t i;

	for (i = 0; i < l->ncerthosts && rc == PAAS_ROUTEDB_OK; i++)
		rc = paas_routedb_put_cert_host(
		    w, l->certhosts[i].name, l->certhosts[i].ids);
	for (i = 0; i < l->ncerts && rc == PAAS_ROUTEDB_OK; i++)
		rc = paas_routedb_put_cert(w, &l->certs[i].cert);
	return rc;
}

void
tool_load_free_certs(struct tool_load *l)
{
	while (l->ncerts > 0)
		free((void *)(uintptr_t)l->certs[--l->ncerts].cert.chain.data);
	free(l->certs);
	free(l->certhosts);
}

/* ---- dump -------------------------------------------------------------- */

static int
write_file(const char *path, paas_routedb_str_t data)
{
	FILE *file;
	int fd;

	fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1 || (file = fdopen(fd, "w")) == NULL)
		return -1;
	fwrite(data.data, 1, data.len, file);
	return fclose(file) == 0 ? 0 : -1;
}

int
tool_dump_cert(FILE *out, const paas_routedb_cert_t *cert, const char *folder)
{
	unsigned long long id = cert->id;
	char chain[TOOL_ERRLEN / 2], key[TOOL_ERRLEN / 2];
	paas_routedb_cert_t names = {.id = cert->id};
	int n;

	if (folder == NULL) {
		fprintf(out, "# cert %llu: with a FOLDER, dump puts it there\n",
		    id);
		return 0;
	}
	n = snprintf(chain, sizeof(chain), "%s/%llu.pem", folder, id);
	if (n < 0 || (size_t)n >= sizeof(chain)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(key, sizeof(key), "%s/%llu.key", folder, id);
	if (write_file(chain, cert->chain) == -1 ||
	    write_file(key, cert->key) == -1)
		return -1;
	names.chain = (paas_routedb_str_t){(uint8_t *)chain, strlen(chain)};
	names.key = (paas_routedb_str_t){(uint8_t *)key, strlen(key)};
	tool_print_cert(out, &names);
	return 0;
}

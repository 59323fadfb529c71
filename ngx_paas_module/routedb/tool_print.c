/*
 * Records as lines of text.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "tool_grammar.h"

static void
put(FILE *out, const void *data, size_t len)
{
	fwrite_unlocked(data, 1, len, out);
}

static void
put_name(FILE *out, const char *name)
{
	fputs_unlocked(name, out);
}

static void
put_number(FILE *out, uint64_t v)
{
	char text[20], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	put(out, p, (size_t)(text + sizeof(text) - p));
}

static void
put_host(FILE *out, paas_routedb_str_t s)
{
	if (s.len > 0 && s.data[0] == '.')
		putc_unlocked('*', out);
	if (s.len > 1 || s.data[0] != '.')
		put(out, s.data, s.len);
}

static uint64_t
number_of(const struct tool_field *f, const uint8_t *at)
{
	uint16_t v16;
	uint32_t v32;

	memcpy(&v16, at, sizeof(v16));
	if (f->size == 2)
		return v16;
	memcpy(&v32, at, sizeof(v32));
	return v32;
}

static void
put_targets(FILE *out, const paas_routedb_path_t *path)
{
	for (uint32_t i = 0; i < path->ntargets; i++) {
		if (i > 0)
			putc_unlocked(',', out);
		put_number(out, path->targets[i].pool);
		if (path->ntargets == 1 && path->targets[i].weight == 100)
			continue;
		putc_unlocked(':', out);
		put_number(out, path->targets[i].weight);
	}
}

/* Is the field as it is where the line does not name it? */
static int
is_usual(const struct tool_field *f, const uint8_t *at)
{
	paas_routedb_str_t s;

	switch (f->type) {
	case NUMBER:
		return number_of(f, at) == f->extra;
	case ENUM:
	case HASH:
		return *at == 0;
	case FLAG:
		return (*(const uint16_t *)(const void *)at & f->extra) == 0;
	case TARGETS:
		return number_of(f, at) == 0;
	default:
		memcpy(&s, at, sizeof(s));
		return s.len == 0 || (f->type == PREFIX && s.len == 1);
	}
}

static void
put_value(FILE *out, const struct tool_field *f, const void *base)
{
	const uint8_t *at = (const uint8_t *)base + f->offset;
	const paas_routedb_pool_t *pool = base;
	paas_routedb_str_t s;

	switch (f->type) {
	case NUMBER:
		put_number(out, number_of(f, at));
		break;
	case ENUM:
		put_name(out, f->names[*at]);
		break;
	case HASH:
		put_name(out, f->names[*at]);
		putc_unlocked(':', out);
		put(out, pool->hash_name.data, pool->hash_name.len);
		break;
	case TARGETS:
		put_targets(out, base);
		break;
	case HOST:
		memcpy(&s, at, sizeof(s));
		put_host(out, s);
		break;
	default:
		memcpy(&s, at, sizeof(s));
		put(out, s.data, s.len);
	}
}

static void
put_fields(FILE *out, const struct tool_field *fields, const void *base)
{
	for (const struct tool_field *f = fields; f->name != NULL; f++) {
		if (is_usual(f, (const uint8_t *)base + f->offset))
			continue;
		putc_unlocked(' ', out);
		put_name(out, f->name);
		if (f->type == FLAG)
			continue;
		putc_unlocked('=', out);
		put_value(out, f, base);
	}
	putc_unlocked('\n', out);
}

static void
put_address(FILE *out, const paas_routedb_instance_t *in)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	memcpy(&addr, in->addr, sizeof(addr));
	if (IN6_IS_ADDR_V4MAPPED(&addr)) {
		for (int i = 12; i < 16; i++) {
			if (i > 12)
				putc_unlocked('.', out);
			put_number(out, in->addr[i]);
		}
	} else {
		putc_unlocked('[', out);
		put_name(out, inet_ntop(AF_INET6, &addr, text, sizeof(text)));
		putc_unlocked(']', out);
	}
	putc_unlocked(':', out);
	put_number(out, in->port);
}

void
tool_print_revision(FILE *out, uint64_t revision)
{
	put_name(out, "revision ");
	put_number(out, revision);
	putc_unlocked('\n', out);
}

void
tool_print_pool(FILE *out, const paas_routedb_pool_t *pool)
{
	paas_routedb_instance_t in;

	put_name(out, "pool ");
	put_number(out, pool->id);
	put_fields(out, tool_pool_fields, pool);
	for (uint32_t i = 0; i < pool->ninstances; i++) {
		paas_routedb_get_instance(pool, i, &in);
		put_name(out, "instance ");
		put_number(out, pool->id);
		putc_unlocked(' ', out);
		put_number(out, in.id);
		putc_unlocked(' ', out);
		put_address(out, &in);
		put_fields(out, tool_instance_fields, &in);
	}
}

void
tool_print_host(
    FILE *out, paas_routedb_str_t name, const paas_routedb_path_t *path)
{
	put_name(out, "host ");
	put_host(out, name);
	put_fields(out, tool_path_fields, path);
}

void
tool_print_pattern(FILE *out, uint32_t order, paas_routedb_str_t text,
    const paas_routedb_path_t *path)
{
	put_name(out, "pattern ");
	put_number(out, order);
	putc_unlocked(' ', out);
	put(out, text.data, text.len);
	put_fields(out, tool_path_fields, path);
}

void
tool_print_keys(FILE *out, const paas_routedb_key_t *keys, uint32_t n)
{
	static const char digits[] = "0123456789abcdef";

	put_name(out, "keys");
	for (uint32_t i = 0; i < n; i++) {
		putc_unlocked(' ', out);
		put_number(out, keys[i].id);
		putc_unlocked(':', out);
		for (size_t b = 0; b < sizeof(keys[i].key); b++) {
			putc_unlocked(digits[keys[i].key[b] >> 4], out);
			putc_unlocked(digits[keys[i].key[b] & 15], out);
		}
	}
	putc_unlocked('\n', out);
}

void
tool_print_cert(FILE *out, const paas_routedb_cert_t *cert)
{
	put_name(out, "cert ");
	put_number(out, cert->id);
	put_fields(out, tool_cert_fields, cert);
}

void
tool_print_cert_host(FILE *out, paas_routedb_str_t name, const uint64_t *ids)
{
	put_name(out, "certhost ");
	put_host(out, name);
	for (int i = 0; i < PAAS_ROUTEDB_CERTS_MAX && ids[i] != 0; i++) {
		putc_unlocked(' ', out);
		put_number(out, ids[i]);
	}
	putc_unlocked('\n', out);
}

/*
 * The text form of a route database, a line a record:
 *
 *	revision 42
 *	pool 10 app=hello type=web hash=cookie:sid balance=hash sticky
 *	instance 10 1099511627777 127.0.0.1:9001 weight=50 draining
 *	host www.example.com pool=10:90,11:10 path=/shop strip
 *
 * The tables below are the grammar, for reading and for printing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "tool.h"

enum type { WORD, HOST, PREFIX, NUMBER, ENUM, FLAG, HASH, TARGETS };

struct field {
	const char *name;
	enum type type;
	size_t offset; /* in the struct of its line */
	size_t size;   /* of a NUMBER */
	uint64_t
	    extra; /* FLAG: bit; NUMBER: usual value; HOST: wildcards too */
	const char *const *names; /* of an ENUM */
	const char *want;
};

static const char *const states[] = {
    "running", "starting", "asleep", "stopped", "maintenance", "crashed", NULL};
static const char *const protocols[] = {"http", "https", "h2c", NULL};
static const char *const balances[] = {
    "two_choices", "round_robin", "least_conn", "ewma", "hash", NULL};
static const char *const hash_ons[] = {"address", "header", "cookie", NULL};

#define WANT_WORD "at most 64 letters, digits, '-', '_' and '.'"
#define WANT_HOST "a host name such as www.example.com"

#define POOL(m) \
	offsetof(paas_routedb_pool_t, m), sizeof(((paas_routedb_pool_t *)0)->m)
static const struct field pool_fields[] = {
    {"app", WORD, POOL(app), 0, NULL, WANT_WORD},
    {"type", WORD, POOL(type), 0, NULL, WANT_WORD},
    {"state", ENUM, POOL(state), 0, states,
	"running, starting, asleep, stopped, maintenance or crashed"},
    {"protocol", ENUM, POOL(protocol), 0, protocols, "http, https or h2c"},
    {"balance", ENUM, POOL(balance), 0, balances,
	"two_choices, round_robin, least_conn, ewma or hash"},
    {"hash", HASH, POOL(hash_on), 0, hash_ons,
	"address, header:NAME or cookie:NAME"},
    {"concurrency", NUMBER, POOL(concurrency), 0, NULL, "requests at once"},
    {"queue", NUMBER, POOL(queue), 0, NULL, "a number of requests"},
    {"slow_start", NUMBER, POOL(slow_start), 0, NULL, "milliseconds"},
    {"hold", NUMBER, POOL(hold), 0, NULL, "milliseconds"},
    {"home", HOST, POOL(home), 1, NULL, WANT_HOST},
    {"sticky", FLAG, POOL(flags), PAAS_ROUTEDB_STICKY, NULL, NULL},
    {"retry_put", FLAG, POOL(flags), PAAS_ROUTEDB_RETRY_PUT, NULL, NULL},
    {"name_instance", FLAG, POOL(flags), PAAS_ROUTEDB_NAME_INSTANCE, NULL,
	NULL},
    {0}};

#define INSTANCE(m)                           \
	offsetof(paas_routedb_instance_t, m), \
	    sizeof(((paas_routedb_instance_t *)0)->m)
static const struct field instance_fields[] = {
    {"weight", NUMBER, INSTANCE(weight), 100, NULL, "1 to 1000"},
    {"since", NUMBER, INSTANCE(since), 0, NULL, "seconds since 1970"},
    {"draining", FLAG, INSTANCE(flags), PAAS_ROUTEDB_DRAINING, NULL, NULL},
    {0}};

#define PATH(m) \
	offsetof(paas_routedb_path_t, m), sizeof(((paas_routedb_path_t *)0)->m)
static const struct field path_fields[] = {
    {"path", PREFIX, PATH(prefix), 0, NULL,
	"/ or a path such as /shop, with no slash at its end"},
    {"pool", TARGETS, PATH(ntargets), 0, NULL,
	"a pool's number, or several with weights: 10:90,11:10"},
    {"to", HOST, PATH(redirect_host), 0, NULL, WANT_HOST},
    {"strip", FLAG, PATH(flags), PAAS_ROUTEDB_STRIP, NULL, NULL},
    {"https", FLAG, PATH(flags), PAAS_ROUTEDB_TO_HTTPS, NULL, NULL}, {0}};

static const struct {
	const char *name;
	enum tool_kind kind;
} kinds[] = {{"instance", TOOL_INSTANCE}, {"pool", TOOL_POOL},
    {"host", TOOL_HOST}, {"revision", TOOL_REVISION}};

/* ---- reading ----------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int
refuse(char err[TOOL_ERRLEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, TOOL_ERRLEN, fmt, ap);
	va_end(ap);
	/* The words of a file may be anything, and this goes to a terminal. */
	for (char *c = err; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f)
			*c = '?';
	return -1;
}

/* For "%.*s": enough of a word to know it by. */
static int
shown(paas_routedb_str_t s)
{
	return s.len > 60 ? 60 : (int)s.len;
}

#define SHOW(s) shown(s), (const char *)(s).data

static int
is_word(paas_routedb_str_t s, const char *word)
{
	return strlen(word) == s.len && memcmp(word, s.data, s.len) == 0;
}

static paas_routedb_str_t
next_word(paas_routedb_str_t *rest)
{
	const uint8_t *p = rest->data, *end = p + rest->len, *start;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	start = p;
	while (p < end && *p != ' ' && *p != '\t' && *p != '\r')
		p++;
	*rest = (paas_routedb_str_t){p, (size_t)(end - p)};
	return (paas_routedb_str_t){start, (size_t)(p - start)};
}

/* Up to the first sep, which is taken away; *rest is empty after the last. */
static paas_routedb_str_t
next_part(paas_routedb_str_t *rest, char sep)
{
	const uint8_t *p = rest->data, *at = NULL;
	size_t n = rest->len;

	if (n > 0)
		at = memchr(p, sep, n);
	if (at != NULL)
		n = (size_t)(at - p);
	rest->data += at != NULL ? n + 1 : n;
	rest->len -= at != NULL ? n + 1 : n;
	return (paas_routedb_str_t){p, n};
}

/* Decimal, or 0x and hexadecimal. */
static int
parse_number(paas_routedb_str_t s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0, base = 10, digit;
	size_t i = 0;

	if (s.len > 2 && s.data[0] == '0' && s.data[1] == 'x') {
		base = 16;
		i = 2;
	}
	if (s.len == 0)
		return -1;
	for (; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = c - 'a' + 10U;
		else
			return -1;
		if (v > (max - digit) / base)
			return -1;
		v = v * base + digit;
	}
	*out = v;
	return 0;
}

/* 127.0.0.1:9000 or [::1]:9000 */
static int
parse_address(paas_routedb_str_t s, paas_routedb_instance_t *in)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN];
	const uint8_t *colon = s.len > 0 ? memrchr(s.data, ':', s.len) : NULL;
	paas_routedb_str_t port;
	size_t n, v6;
	uint64_t number;

	if (colon == NULL)
		return -1;
	n = (size_t)(colon - s.data);
	port = (paas_routedb_str_t){colon + 1, s.len - n - 1};
	v6 = n >= 2 && s.data[0] == '[' && colon[-1] == ']';
	n -= 2 * v6;
	if (n >= sizeof(text) || memchr(s.data, '\0', s.len) != NULL ||
	    parse_number(port, 65535, &number) == -1 || number == 0)
		return -1;
	memcpy(text, s.data + v6, n);
	text[n] = '\0';
	in->port = (uint16_t)number;
	if (v6)
		return inet_pton(AF_INET6, text, in->addr) == 1 ? 0 : -1;
	memcpy(in->addr, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, in->addr + 12) == 1 ? 0 : -1;
}

static int
name_index(const char *const *names, paas_routedb_str_t s)
{
	for (int i = 0; names[i] != NULL; i++)
		if (is_word(s, names[i]))
			return i;
	return -1;
}

static int
set_number(const struct field *f, uint8_t *at, paas_routedb_str_t s)
{
	uint64_t v, max = f->size == 2 ? UINT16_MAX : UINT32_MAX;
	uint16_t v16;
	uint32_t v32;

	if (parse_number(s, max, &v) == -1)
		return -1;
	v16 = (uint16_t)v;
	v32 = (uint32_t)v;
	memcpy(at, f->size == 2 ? (void *)&v16 : (void *)&v32, f->size);
	return 0;
}

static int
set_hash(paas_routedb_pool_t *pool, paas_routedb_str_t s)
{
	paas_routedb_str_t on = next_part(&s, ':');
	int i = name_index(hash_ons, on);

	if (i == -1 || (i == PAAS_ROUTEDB_ON_ADDRESS) != (s.len == 0) ||
	    !paas_routedb_check_word(s))
		return -1;
	pool->hash_on = (uint8_t)i;
	pool->hash_name = s;
	return 0;
}

static int
set_targets(paas_routedb_path_t *path, paas_routedb_str_t s)
{
	paas_routedb_str_t part, pool;
	paas_routedb_target_t *t;
	uint64_t weight;

	do {
		if (path->ntargets == PAAS_ROUTEDB_POOLS_MAX)
			return -1;
		t = &path->targets[path->ntargets++];
		part = next_part(&s, ',');
		pool = next_part(&part, ':');
		weight = 100;
		if (parse_number(pool, UINT64_MAX, &t->pool) == -1 ||
		    t->pool == 0 ||
		    (part.len > 0 &&
			parse_number(part, 10000, &weight) == -1) ||
		    weight == 0)
			return -1;
		t->weight = (uint32_t)weight;
	} while (s.len > 0);
	return 0;
}

static int
set_str(const struct field *f, void *at, paas_routedb_str_t s)
{
	int ok = 0;

	switch (f->type) {
	case WORD:
		ok = paas_routedb_check_word(s);
		break;
	case PREFIX:
		ok = paas_routedb_check_prefix(s);
		break;
	default:
		if (f->extra && s.len > 1 && s.data[0] == '*') {
			s.data++;
			s.len--;
		}
		ok = paas_routedb_check_name(s, f->extra != 0);
	}
	memcpy(at, &s, sizeof(s));
	return ok ? 0 : -1;
}

static int
set_field(const struct field *f, void *base, paas_routedb_str_t value)
{
	uint8_t *at = (uint8_t *)base + f->offset;
	int i;

	switch (f->type) {
	case NUMBER:
		return set_number(f, at, value);
	case ENUM:
		i = name_index(f->names, value);
		*at = (uint8_t)i;
		return i;
	case FLAG:
		*(uint16_t *)(void *)at |= (uint16_t)f->extra;
		return 0;
	case HASH:
		return set_hash(base, value);
	case TARGETS:
		return set_targets(base, value);
	default:
		return set_str(f, at, value);
	}
}

/* The fields that follow on a line; base is the struct that they fill. */
static int
parse_fields(const struct field *fields, void *base, paas_routedb_str_t rest,
    char err[TOOL_ERRLEN])
{
	paas_routedb_str_t word, name, value;
	const struct field *f;
	uint32_t seen = 0, bit;

	for (;;) {
		word = value = next_word(&rest);
		if (word.len == 0)
			return 0;
		name = next_part(&value, '=');
		for (f = fields; f->name != NULL && !is_word(name, f->name);)
			f++;
		if (f->name == NULL)
			return refuse(
			    err, "%.*s: no such field here", SHOW(name));
		if ((f->type == FLAG) != (name.len == word.len))
			return refuse(err,
			    f->type == FLAG ? "%s: stands alone, without '='"
					    : "%s: needs '=' and a value",
			    f->name);
		bit = UINT32_C(1) << (f - fields);
		if (seen & bit)
			return refuse(err, "%s: given twice", f->name);
		seen |= bit;
		if (set_field(f, base, value) < 0)
			return refuse(err, "%s=%.*s: must be %s", f->name,
			    SHOW(value), f->want);
	}
}

static int
parse_pool(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t id = next_word(&rest);

	memset(&line->pool, 0, sizeof(line->pool));
	if (parse_number(id, UINT64_MAX, &line->pool.id) == -1 ||
	    line->pool.id == 0)
		return refuse(err,
		    "pool '%.*s': must be a number from 1, as in 'pool 10 "
		    "app=hello type=web'",
		    SHOW(id));
	return parse_fields(pool_fields, &line->pool, rest, err);
}

static int
parse_instance(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_instance_t *in = &line->instance;
	paas_routedb_str_t pool = next_word(&rest), id = next_word(&rest);
	paas_routedb_str_t address = next_word(&rest);

	memset(in, 0, sizeof(*in));
	in->weight = 100;
	if (parse_number(pool, UINT64_MAX, &line->pool_id) == -1 ||
	    parse_number(id, UINT64_MAX, &in->id) == -1 || in->id == 0)
		return refuse(err,
		    "instance: must begin with the numbers of its pool and of "
		    "itself, as in 'instance 10 1 127.0.0.1:9001'");
	if (parse_address(address, in) == -1)
		return refuse(err,
		    "address '%.*s': must be as 127.0.0.1:9001 or "
		    "[::1]:9001",
		    SHOW(address));
	if (parse_fields(instance_fields, in, rest, err) == -1)
		return -1;
	if (in->weight == 0 || in->weight > 1000)
		return refuse(err, "weight=%u: must be 1 to 1000", in->weight);
	return 0;
}

static int
parse_host(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t name = next_word(&rest);
	paas_routedb_path_t *path = &line->path;
	int len;

	len = paas_routedb_canonical(name.data, name.len, 1, line->host);
	if (len < 0)
		return refuse(err,
		    "host '%.*s': must be a host name, an address or a "
		    "wildcard such as *.example.com",
		    SHOW(name));
	line->hostlen = (size_t)len;
	path->prefix = (paas_routedb_str_t){(const uint8_t *)"/", 1};
	path->redirect_host = (paas_routedb_str_t){NULL, 0};
	path->flags = 0;
	path->ntargets = 0;
	if (parse_fields(path_fields, path, rest, err) == -1)
		return -1;
	if (path->redirect_host.len > 0)
		path->flags |= PAAS_ROUTEDB_TO_HOST;
	else if (path->ntargets == 0)
		return refuse(err,
		    "host '%s': needs pool=NUMBER, or to=HOST to redirect",
		    line->host);
	return 0;
}

int
tool_parse(
    paas_routedb_str_t text, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t word = next_word(&text), number;
	size_t i;

	line->kind = TOOL_NOTHING;
	if (word.len == 0 || word.data[0] == '#')
		return 0;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is_word(word, kinds[i].name))
			line->kind = kinds[i].kind;
	switch (line->kind) {
	case TOOL_INSTANCE:
		return parse_instance(text, line, err);
	case TOOL_POOL:
		return parse_pool(text, line, err);
	case TOOL_HOST:
		return parse_host(text, line, err);
	case TOOL_REVISION:
		number = next_word(&text);
		if (parse_number(number, UINT64_MAX, &line->revision) == -1 ||
		    next_word(&text).len > 0)
			return refuse(err, "revision: must be one number");
		return 0;
	default:
		return refuse(err,
		    "'%.*s': a line begins with pool, instance, host, revision "
		    "or #",
		    SHOW(word));
	}
}

/* ---- printing ---------------------------------------------------------- */

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
	put(out, s.data, s.len);
}

static uint64_t
number_of(const struct field *f, const uint8_t *at)
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
is_usual(const struct field *f, const uint8_t *at)
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
put_value(FILE *out, const struct field *f, const void *base)
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
put_fields(FILE *out, const struct field *fields, const void *base)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
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
	put_fields(out, pool_fields, pool);
	for (uint32_t i = 0; i < pool->ninstances; i++) {
		paas_routedb_get_instance(pool, i, &in);
		put_name(out, "instance ");
		put_number(out, pool->id);
		putc_unlocked(' ', out);
		put_number(out, in.id);
		putc_unlocked(' ', out);
		put_address(out, &in);
		put_fields(out, instance_fields, &in);
	}
}

void
tool_print_host(
    FILE *out, paas_routedb_str_t name, const paas_routedb_path_t *path)
{
	put_name(out, "host ");
	put_host(out, name);
	put_fields(out, path_fields, path);
}

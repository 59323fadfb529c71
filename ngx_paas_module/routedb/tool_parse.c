/*
 * From a line of text to what it says.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "tool_grammar.h"

static const struct {
	const char *name;
	enum tool_kind kind;
} kinds[] = {{"instance", TOOL_INSTANCE}, {"pool", TOOL_POOL},
    {"host", TOOL_HOST}, {"pattern", TOOL_PATTERN}, {"revision", TOOL_REVISION},
    {"keys", TOOL_KEYS}};

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

/* The same with '-' for '_'. */
static int
is_name(paas_routedb_str_t s, const char *name)
{
	if (strlen(name) != s.len)
		return 0;
	for (size_t i = 0; i < s.len; i++)
		if ((s.data[i] == '-' ? '_' : s.data[i]) != (uint8_t)name[i])
			return 0;
	return 1;
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
set_number(const struct tool_field *f, uint8_t *at, paas_routedb_str_t s)
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
	int i = name_index(tool_hash_ons, on);

	if (i == -1 || (i == PAAS_ROUTEDB_ON_ADDRESS) != (s.len == 0) ||
	    !paas_routedb_check_word(s))
		return -1;
	pool->hash_on = (uint8_t)i;
	pool->hash_name = s;
	return 0;
}

static int
names_pool(const paas_routedb_path_t *path, uint64_t id)
{
	for (uint32_t i = 0; i < path->ntargets; i++)
		if (path->targets[i].pool == id)
			return 1;
	return 0;
}

static int
set_targets(paas_routedb_path_t *path, paas_routedb_str_t s)
{
	paas_routedb_str_t part, pool;
	uint64_t id, weight;

	do {
		part = next_part(&s, ',');
		pool = next_part(&part, ':');
		weight = 100;
		if (path->ntargets == PAAS_ROUTEDB_POOLS_MAX ||
		    parse_number(pool, UINT64_MAX, &id) == -1 || id == 0 ||
		    names_pool(path, id) ||
		    (part.len > 0 &&
			parse_number(part, 10000, &weight) == -1) ||
		    weight == 0)
			return -1;
		path->targets[path->ntargets++] =
		    (paas_routedb_target_t){id, (uint32_t)weight};
	} while (s.len > 0);
	return 0;
}

static int
set_str(const struct tool_field *f, void *at, paas_routedb_str_t s)
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
		if (f->extra != 0 && s.len > 1 && s.data[0] == '*' &&
		    s.data[1] == '.') {
			s.data++;
			s.len--;
		} else if (f->extra != 0 && is_word(s, "*")) {
			s.data = (const uint8_t *)".";
		}
		ok = paas_routedb_check_name(s, (int)f->extra);
	}
	memcpy(at, &s, sizeof(s));
	return ok ? 0 : -1;
}

static int
set_field(const struct tool_field *f, void *base, paas_routedb_str_t value)
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
parse_fields(const struct tool_field *fields, void *base,
    paas_routedb_str_t rest, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t word, name, value;
	const struct tool_field *f;
	uint32_t seen = 0, bit;

	for (;;) {
		word = value = next_word(&rest);
		if (word.len == 0)
			return 0;
		name = next_part(&value, '=');
		for (f = fields; f->name != NULL && !is_name(name, f->name);)
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
	if (parse_fields(tool_pool_fields, &line->pool, rest, err) == -1)
		return -1;
	if (line->pool.retry_budget > 100)
		return refuse(err, "retry_budget=%u: must be 0 to 100",
		    line->pool.retry_budget);
	return 0;
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
	if (parse_fields(tool_instance_fields, in, rest, err) == -1)
		return -1;
	if (in->weight == 0 || in->weight > 1000)
		return refuse(err, "weight=%u: must be 1 to 1000", in->weight);
	return 0;
}

/* The fields of a host's or a pattern's line; what is its first words. */
static int
parse_path(paas_routedb_str_t rest, struct tool_line *line, const char *what,
    char err[TOOL_ERRLEN])
{
	paas_routedb_path_t *path = &line->path;

	path->prefix = (paas_routedb_str_t){(const uint8_t *)"/", 1};
	path->redirect_host = (paas_routedb_str_t){NULL, 0};
	path->flags = 0;
	path->ntargets = 0;
	if (parse_fields(tool_path_fields, path, rest, err) == -1)
		return -1;
	if (path->redirect_host.len > 0)
		path->flags |= PAAS_ROUTEDB_TO_HOST;
	else if (path->ntargets == 0)
		return refuse(
		    err, "%s: needs pool=NUMBER, or to=HOST to redirect", what);
	return 0;
}

static int
parse_host(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t name = next_word(&rest);
	char what[sizeof(line->host) + 8];
	int len;

	len = paas_routedb_canonical(
	    name.data, name.len, PAAS_ROUTEDB_ANY_NAME, line->host);
	if (len < 0)
		return refuse(err,
		    "host '%.*s': must be a host name, an address, a wildcard "
		    "such as *.example.com, or * for all others",
		    SHOW(name));
	line->hostlen = (size_t)len;
	snprintf(what, sizeof(what), "host '%s'", line->host);
	return parse_path(rest, line, what, err);
}

static int
parse_pattern(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t number = next_word(&rest);
	paas_routedb_path_t any = {
	    {(const uint8_t *)"/", 1}, .ntargets = 1, .targets = {{1, 1}}};
	uint64_t order;
	char what[32];

	line->pattern = next_word(&rest);
	if (parse_number(number, UINT32_MAX, &order) == -1)
		return refuse(err,
		    "pattern '%.*s': must begin with its place in the order, "
		    "as in 'pattern 10 pr-\\d+\\.example\\.com pool=10'",
		    SHOW(number));
	if (paas_routedb_check_pattern(line->pattern, &any, 1) != 0)
		return refuse(err,
		    "pattern %" PRIu64 ": must be 1 to %d letters, digits and "
		    "signs of ASCII",
		    order, PAAS_ROUTEDB_PATTERN_MAX);
	line->order = (uint32_t)order;
	snprintf(what, sizeof(what), "pattern %u", line->order);
	return parse_path(rest, line, what, err);
}

/* 32 bytes in hexadecimal. */
static int
parse_secret(paas_routedb_str_t s, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";
	const char *hi, *lo;

	if (s.len != 2 * PAAS_ROUTEDB_KEY_SIZE ||
	    memchr(s.data, '\0', s.len) != NULL)
		return -1;
	for (size_t i = 0; i < s.len; i += 2) {
		hi = strchr(digits, s.data[i]);
		lo = strchr(digits, s.data[i + 1]);
		if (hi == NULL || lo == NULL)
			return -1;
		*out++ = (uint8_t)((hi - digits) << 4 | (lo - digits));
	}
	return 0;
}

static int
parse_keys(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t secret, id;
	paas_routedb_key_t *key;
	uint64_t number;

	for (line->nkeys = 0;; line->nkeys++) {
		secret = next_word(&rest);
		if (secret.len == 0)
			break;
		id = next_part(&secret, ':');
		if (line->nkeys == PAAS_ROUTEDB_KEYS_MAX)
			return refuse(
			    err, "keys: the most is %d", PAAS_ROUTEDB_KEYS_MAX);
		key = &line->keys[line->nkeys];
		/* A secret is not repeated in a message. */
		if (parse_number(id, UINT32_MAX, &number) == -1 ||
		    parse_secret(secret, key->key) == -1)
			return refuse(err,
			    "keys: number %u must be as NUMBER:HEX, with %d "
			    "digits 0 to f",
			    line->nkeys + 1, 2 * PAAS_ROUTEDB_KEY_SIZE);
		key->id = (uint32_t)number;
	}
	if (line->nkeys == 0)
		return refuse(err, "keys: needs at least one NUMBER:HEX");
	if (paas_routedb_check_keys(line->keys, line->nkeys) != 0)
		return refuse(err, "keys: two have one number: give each its "
				   "own");
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
	case TOOL_PATTERN:
		return parse_pattern(text, line, err);
	case TOOL_KEYS:
		return parse_keys(text, line, err);
	case TOOL_REVISION:
		number = next_word(&text);
		if (parse_number(number, UINT64_MAX, &line->revision) == -1 ||
		    next_word(&text).len > 0)
			return refuse(err, "revision: must be one number");
		return 0;
	default:
		return refuse(err,
		    "'%.*s': a line begins with pool, instance, host, "
		    "pattern, keys, revision or #",
		    SHOW(word));
	}
}

/*
 * From a line of text to what it says.
 */
#include <arpa/inet.h>
#include <inttypes.h>

#include "tool_grammar.h"

static const struct {
	const char *name;
	enum tool_kind kind;
} kinds[] = {{"instance", TOOL_INSTANCE}, {"pool", TOOL_POOL},
    {"host", TOOL_HOST}, {"pattern", TOOL_PATTERN}, {"cert", TOOL_CERT},
    {"certhost", TOOL_CERT_HOST}, {"revision", TOOL_REVISION},
    {"keys", TOOL_KEYS}};

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
	    tool_parse_number(port, 65535, &number) == -1 || number == 0)
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
parse_pool(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t id = tool_next_word(&rest);

	memset(&line->pool, 0, sizeof(line->pool));
	if (tool_parse_number(id, UINT64_MAX, &line->pool.id) == -1 ||
	    line->pool.id == 0)
		return tool_refuse(err,
		    "pool '%.*s': must be a number from 1, as in 'pool 10 "
		    "app=hello type=web'",
		    SHOW(id));
	if (tool_parse_fields(tool_pool_fields, &line->pool, rest, err) == -1)
		return -1;
	if (line->pool.retry_budget > 100)
		return tool_refuse(err, "retry_budget=%u: must be 0 to 100",
		    line->pool.retry_budget);
	return 0;
}

static int
parse_instance(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_instance_t *in = &line->instance;
	paas_routedb_str_t pool = tool_next_word(&rest),
			   id = tool_next_word(&rest);
	paas_routedb_str_t address = tool_next_word(&rest);

	memset(in, 0, sizeof(*in));
	in->weight = 100;
	if (tool_parse_number(pool, UINT64_MAX, &line->pool_id) == -1 ||
	    tool_parse_number(id, UINT64_MAX, &in->id) == -1 || in->id == 0)
		return tool_refuse(err,
		    "instance: must begin with the numbers of its pool and of "
		    "itself, as in 'instance 10 1 127.0.0.1:9001'");
	if (parse_address(address, in) == -1)
		return tool_refuse(err,
		    "address '%.*s': must be as 127.0.0.1:9001 or "
		    "[::1]:9001",
		    SHOW(address));
	if (tool_parse_fields(tool_instance_fields, in, rest, err) == -1)
		return -1;
	if (in->weight == 0 || in->weight > 1000)
		return tool_refuse(
		    err, "weight=%u: must be 1 to 1000", in->weight);
	return 0;
}

/* The fields of a host's or a pattern's line. */
static int
parse_path(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_path_t *path = &line->path;
	char name[TOOL_ERRLEN];

	path->prefix = (paas_routedb_str_t){(const uint8_t *)"/", 1};
	path->redirect_host = (paas_routedb_str_t){NULL, 0};
	path->flags = 0;
	path->ntargets = 0;
	if (tool_parse_fields(tool_path_fields, path, rest, err) == -1)
		return -1;
	if (path->redirect_host.len > 0)
		path->flags |= PAAS_ROUTEDB_TO_HOST;
	else if (path->ntargets == 0)
		return tool_refuse(err,
		    "%s: needs pool=NUMBER, or to=HOST to redirect",
		    tool_called(line, name));
	return 0;
}

const char *
tool_called(const struct tool_line *line, char name[TOOL_ERRLEN])
{
	if (line->kind == TOOL_PATTERN)
		snprintf(name, TOOL_ERRLEN, "pattern %u", line->order);
	else
		snprintf(name, TOOL_ERRLEN, "host %s", line->host);
	return name;
}

static int
parse_host(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t name = tool_next_word(&rest);
	int len;

	len = paas_routedb_canonical(
	    name.data, name.len, PAAS_ROUTEDB_ANY_NAME, line->host);
	if (len < 0)
		return tool_refuse(err,
		    "host '%.*s': must be a host name, an address, a wildcard "
		    "such as *.example.com, or * for all others",
		    SHOW(name));
	line->hostlen = (size_t)len;
	return parse_path(rest, line, err);
}

static int
parse_pattern(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t number = tool_next_word(&rest);
	paas_routedb_path_t any = {
	    {(const uint8_t *)"/", 1}, .ntargets = 1, .targets = {{1, 1}}};
	uint64_t order;

	line->pattern = tool_next_word(&rest);
	if (tool_parse_number(number, UINT32_MAX, &order) == -1)
		return tool_refuse(err,
		    "pattern '%.*s': must begin with its place in the order, "
		    "as in 'pattern 10 pr-\\d+\\.example\\.com pool=10'",
		    SHOW(number));
	if (paas_routedb_check_pattern(line->pattern, &any, 1) != 0)
		return tool_refuse(err,
		    "pattern %" PRIu64 ": must be 1 to %d letters, digits and "
		    "signs of ASCII",
		    order, PAAS_ROUTEDB_PATTERN_MAX);
	line->order = (uint32_t)order;
	return parse_path(rest, line, err);
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
		secret = tool_next_word(&rest);
		if (secret.len == 0)
			break;
		id = tool_next_part(&secret, ':');
		if (line->nkeys == PAAS_ROUTEDB_KEYS_MAX)
			return tool_refuse(
			    err, "keys: the most is %d", PAAS_ROUTEDB_KEYS_MAX);
		key = &line->keys[line->nkeys];
		/* A secret is not repeated in a message. */
		if (tool_parse_number(id, UINT32_MAX, &number) == -1 ||
		    parse_secret(secret, key->key) == -1)
			return tool_refuse(err,
			    "keys: number %u must be as NUMBER:HEX, with %d "
			    "digits 0 to f",
			    line->nkeys + 1, 2 * PAAS_ROUTEDB_KEY_SIZE);
		key->id = (uint32_t)number;
	}
	if (line->nkeys == 0)
		return tool_refuse(err, "keys: needs at least one NUMBER:HEX");
	if (paas_routedb_check_keys(line->keys, line->nkeys) != 0)
		return tool_refuse(err,
		    "keys: two have one number: give each its "
		    "own");
	return 0;
}

static int
parse_cert(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t id = tool_next_word(&rest);

	memset(&line->cert, 0, sizeof(line->cert));
	if (tool_parse_number(id, UINT64_MAX, &line->cert.id) == -1 ||
	    line->cert.id == 0)
		return tool_refuse(err,
		    "cert '%.*s': must be a number from 1, as in 'cert 10 "
		    "chain=FILE key=FILE'",
		    SHOW(id));
	if (tool_parse_fields(tool_cert_fields, &line->cert, rest, err) == -1)
		return -1;
	if (line->cert.chain.len == 0 || line->cert.key.len == 0)
		return tool_refuse(err,
		    "cert %" PRIu64 ": needs chain=FILE and key=FILE",
		    line->cert.id);
	return 0;
}

static int
parse_cert_host(
    paas_routedb_str_t rest, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t name = tool_next_word(&rest);
	paas_routedb_str_t id = tool_next_word(&rest);
	paas_routedb_str_t other = tool_next_word(&rest);
	uint64_t *ids = line->certs;
	int len;

	len = paas_routedb_canonical(
	    name.data, name.len, PAAS_ROUTEDB_ANY_NAME, line->host);
	if (len < 0)
		return tool_refuse(err,
		    "certhost '%.*s': must be a host name, an address, a "
		    "wildcard such as *.example.com, or * for all others",
		    SHOW(name));
	line->hostlen = (size_t)len;
	ids[1] = 0;
	if (tool_parse_number(id, UINT64_MAX, &ids[0]) == -1 || ids[0] == 0 ||
	    (other.len > 0 &&
		(tool_parse_number(other, UINT64_MAX, &ids[1]) == -1 ||
		    ids[1] == 0 || ids[1] == ids[0])) ||
	    tool_next_word(&rest).len > 0)
		return tool_refuse(err,
		    "certhost %s: must end with the number of a cert, or of "
		    "two, with keys of two kinds",
		    line->host);
	return 0;
}

int
tool_parse(
    paas_routedb_str_t text, struct tool_line *line, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t word = tool_next_word(&text), number;
	size_t i;

	line->kind = TOOL_NOTHING;
	if (word.len == 0 || word.data[0] == '#')
		return 0;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) &&
		    !tool_is_word(word, kinds[i].name);)
		i++;
	if (i < sizeof(kinds) / sizeof(kinds[0]))
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
	case TOOL_CERT:
		return parse_cert(text, line, err);
	case TOOL_CERT_HOST:
		return parse_cert_host(text, line, err);
	case TOOL_KEYS:
		return parse_keys(text, line, err);
	case TOOL_REVISION:
		number = tool_next_word(&text);
		if (tool_parse_number(number, UINT64_MAX, &line->revision) ==
			-1 ||
		    tool_next_word(&text).len > 0)
			return tool_refuse(err, "revision: must be one number");
		return 0;
	default:
		return tool_refuse(err,
		    "'%.*s': a line begins with pool, instance, host, "
		    "pattern, keys, cert, certhost, revision or #",
		    SHOW(word));
	}
}

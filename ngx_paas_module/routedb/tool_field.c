/*
 * The words of a line: numbers, and the fields that a table knows.
 */
#include <stdarg.h>

#include "tool_grammar.h"

int
tool_refuse(char err[TOOL_ERRLEN], const char *fmt, ...)
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

int
tool_is_word(paas_routedb_str_t s, const char *word)
{
	return strlen(word) == s.len && memcmp(word, s.data, s.len) == 0;
}

/* With '-' for '_'. */
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

static int
is_blank(uint8_t c)
{
	return c <= ' ' && (c == ' ' || c == '\t' || c == '\r');
}

paas_routedb_str_t
tool_next_word(paas_routedb_str_t *rest)
{
	const uint8_t *p = rest->data, *end = p + rest->len, *start;

	while (p < end && is_blank(*p))
		p++;
	start = p;
	while (p < end && !is_blank(*p))
		p++;
	*rest = (paas_routedb_str_t){p, (size_t)(end - p)};
	return (paas_routedb_str_t){start, (size_t)(p - start)};
}

paas_routedb_str_t
tool_next_part(paas_routedb_str_t *rest, char sep)
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

int
tool_parse_number(paas_routedb_str_t s, uint64_t max, uint64_t *out)
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

static int
name_index(const char *const *names, paas_routedb_str_t s)
{
	for (int i = 0; names[i] != NULL; i++)
		if (tool_is_word(s, names[i]))
			return i;
	return -1;
}

static int
set_number(const struct tool_field *f, uint8_t *at, paas_routedb_str_t s)
{
	uint64_t v, max = f->size == 2 ? UINT16_MAX : UINT32_MAX;
	uint16_t v16;
	uint32_t v32;

	if (tool_parse_number(s, max, &v) == -1)
		return -1;
	v16 = (uint16_t)v;
	v32 = (uint32_t)v;
	memcpy(at, f->size == 2 ? (void *)&v16 : (void *)&v32, f->size);
	return 0;
}

static int
set_hash(paas_routedb_pool_t *pool, paas_routedb_str_t s)
{
	paas_routedb_str_t on = tool_next_part(&s, ':');
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
		part = tool_next_part(&s, ',');
		pool = tool_next_part(&part, ':');
		weight = 100;
		if (path->ntargets == PAAS_ROUTEDB_POOLS_MAX ||
		    tool_parse_number(pool, UINT64_MAX, &id) == -1 || id == 0 ||
		    names_pool(path, id) ||
		    (part.len > 0 &&
			tool_parse_number(part, 10000, &weight) == -1) ||
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
	case FILE_NAME:
		ok = s.len > 0 && s.len < TOOL_ERRLEN / 2 &&
		     memchr(s.data, '\0', s.len) == NULL;
		break;
	case PREFIX:
		ok = paas_routedb_check_prefix(s);
		break;
	default:
		if (f->extra != 0 && s.len > 1 && s.data[0] == '*' &&
		    s.data[1] == '.') {
			s.data++;
			s.len--;
		} else if (f->extra != 0 && tool_is_word(s, "*")) {
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

int
tool_parse_fields(const struct tool_field *fields, void *base,
    paas_routedb_str_t rest, char err[TOOL_ERRLEN])
{
	paas_routedb_str_t word, name, value;
	const struct tool_field *f;
	uint32_t seen = 0, bit;

	for (;;) {
		word = value = tool_next_word(&rest);
		if (word.len == 0)
			return 0;
		name = tool_next_part(&value, '=');
		for (f = fields; f->name != NULL && !is_name(name, f->name);)
			f++;
		if (f->name == NULL)
			return tool_refuse(
			    err, "%.*s: no such field here", SHOW(name));
		if ((f->type == FLAG) != (name.len == word.len))
			return tool_refuse(err,
			    f->type == FLAG ? "%s: stands alone, without '='"
					    : "%s: needs '=' and a value",
			    f->name);
		bit = UINT32_C(1) << (f - fields);
		if (seen & bit)
			return tool_refuse(err, "%s: given twice", f->name);
		seen |= bit;
		if (set_field(f, base, value) < 0)
			return tool_refuse(err, "%s=%.*s: must be %s", f->name,
			    SHOW(value), f->want);
	}
}

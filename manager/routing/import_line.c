#include "routing/import_line.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/address.h"
#include "common/log.h"
#include "routing/setting.h"
#include "store/keys.h"

/* Of addresses and of path settings: both are short. */
#define WORD_MAX 320

#define PREFIX_MAX 255

/* Ids of instances by their address: the two highest bits, and a hash. */
#define IMPORT_ID (UINT64_C(3) << 62)

static int fail(char *err, const char *fmt, ...) PAAS_PRINTF(2, 3);

static int
fail(char *err, const char *fmt, ...)
{
	va_list ap;

	if (err != NULL) {
		va_start(ap, fmt);
		vsnprintf(err, PAAS_ERRLEN, fmt, ap);
		va_end(ap);
	}
	return -1;
}

/* ---- words ------------------------------------------------------------- */

struct words {
	const char *p, *end;
};

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word of the line; len 0 at its end. */
static paas_routedb_str_t
next_word(struct words *words)
{
	paas_routedb_str_t word;
	const char *p = words->p;

	while (p < words->end && is_blank(*p))
		p++;
	word.data = (const uint8_t *)p;
	while (p < words->end && !is_blank(*p))
		p++;
	word.len = (size_t)(p - (const char *)word.data);
	words->p = p;
	return word;
}

/* -1 if it does not fit, or holds a NUL. */
static int
copy_word(paas_routedb_str_t word, char *out, size_t size)
{
	if (word.len >= size || memchr(word.data, '\0', word.len) != NULL)
		return -1;
	memcpy(out, word.data, word.len);
	out[word.len] = '\0';
	return 0;
}

/* *len is 0 for a line that is too long. */
static void
put_word(char *line, const char *word, size_t *len)
{
	size_t n = strlen(word), at = *len;

	if (at == 0 || at + n + 2 > IMPORT_LINE_MAX) {
		*len = 0;
		return;
	}
	line[at++] = ' ';
	while (*word != '\0')
		line[at++] = *word++;
	*len = at;
}

/* "web" or "web=90": 0, or -1. */
static int
split_weight(paas_routedb_str_t word, paas_routedb_str_t *name,
    uint32_t *weight, uint32_t max)
{
	const uint8_t *sign = memchr(word.data, '=', word.len);
	uint32_t value = 0;
	size_t i;

	*weight = 100;
	*name = word;
	if (sign == NULL)
		return 0;
	name->len = (size_t)(sign - word.data);
	if (name->len + 1 == word.len)
		return -1;
	for (i = name->len + 1; i < word.len; i++) {
		if (word.data[i] < '0' || word.data[i] > '9' || value > max)
			return -1;
		value = value * 10 + (uint32_t)(word.data[i] - '0');
	}
	*weight = value;
	return value >= 1 && value <= max ? 0 : -1;
}

static int
is_name(paas_routedb_str_t name)
{
	size_t i;

	if (name.len == 0 || name.len > IMPORT_NAME_MAX)
		return 0;
	for (i = 0; i < name.len; i++)
		if ((name.data[i] < 'a' || name.data[i] > 'z') &&
		    (name.data[i] < '0' || name.data[i] > '9') &&
		    name.data[i] != '-' && name.data[i] != '_' &&
		    name.data[i] != '.')
			return 0;
	return 1;
}

#define NAME_FORM                                                         \
	"the name of a pool has 1 to 64 letters of a to z, digits, '-', " \
	"'_' and '.'"

/* ---- settings ---------------------------------------------------------- */

/* "balance=ewma", or "strip" for one that is on; added to the object. */
static int
parse_setting(const char *text, unsigned int of, json_t *object, char *err)
{
	char name[64], known[256], buf[PAAS_ERRLEN];
	const struct setting *setting = NULL;
	size_t len = strcspn(text, "=");
	json_t *given, *value;

	if (len < sizeof(name)) {
		strlcpy(name, text, len + 1);
		setting = setting_find(name, of);
	}
	if (setting == NULL) {
		setting_names(of, known, sizeof(known));
		return fail(
		    err, "\"%.60s\" is no setting: there are %s", text, known);
	}
	if (json_object_get(object, setting->name) != NULL)
		return fail(err, "%s is given twice", setting->name);
	if (text[len] == '=')
		given = json_string(text + len + 1);
	else
		given =
		    setting->kind == SETTING_BOOL ? json_true() : json_null();
	value = setting_parse(setting, given, buf);
	json_decref(given);
	if (value == NULL)
		return fail(err, "%s", buf);
	json_object_set_new(object, setting->name, value);
	return 0;
}

static void
write_setting(const char *name, const json_t *value, char *line, size_t *len)
{
	char word[WORD_MAX];

	if (json_is_string(value))
		snprintf(word, sizeof(word), "%s=%s", name,
		    json_string_value(value));
	else if (json_is_integer(value))
		snprintf(word, sizeof(word), "%s=%" JSON_INTEGER_FORMAT, name,
		    json_integer_value(value));
	else
		snprintf(word, sizeof(word), "%s=%s", name,
		    json_is_true(value) ? "on" : "off");
	put_word(line, word, len);
}

/* ---- paths ------------------------------------------------------------- */

static int
add_target(struct import_path *path, paas_routedb_str_t word, char *err)
{
	struct import_target *target = &path->targets[path->ntargets];
	uint32_t i;

	if (path->ntargets == PAAS_ROUTEDB_POOLS_MAX)
		return fail(err, "a path leads to at most %d pools",
		    PAAS_ROUTEDB_POOLS_MAX);
	word.data++;
	word.len--;
	if (split_weight(word, &target->name, &target->weight, 10000) == -1)
		return fail(err, "the weight of a pool is 1 to 10000");
	if (!is_name(target->name))
		return fail(err, NAME_FORM);
	for (i = 0; i < path->ntargets; i++)
		if (path->targets[i].name.len == target->name.len &&
		    memcmp(path->targets[i].name.data, target->name.data,
			target->name.len) == 0)
			return fail(err, "a pool is named twice");
	path->ntargets++;
	return 0;
}

static int
add_path_setting(struct import_path *path, paas_routedb_str_t word, char *err)
{
	char text[WORD_MAX];
	paas_routedb_path_t parsed;
	json_t *object;
	int rc;

	if (copy_word(word, text, sizeof(text)) == -1)
		return fail(err, "a word is too long");
	object = json_object();
	if ((rc = parse_setting(text, SETTING_PATH, object, err)) == 0) {
		memset(&parsed, 0, sizeof(parsed));
		setting_apply_path(object, &parsed);
		path->flags |= parsed.flags;
		if (parsed.redirect_host.len > 0) {
			(void)copy_word(parsed.redirect_host, path->to_host,
			    sizeof(path->to_host));
			path->to_host_word = word;
			path->to_host_word.data += sizeof("to_host=") - 1;
			path->to_host_word.len -= sizeof("to_host=") - 1;
		}
	}
	json_decref(object);
	return rc;
}

/* As the API takes them (api/route_put.c): nothing that could be escaped. */
static int
is_prefix(paas_routedb_str_t word)
{
	size_t i;

	if (word.len > PREFIX_MAX || !paas_routedb_check_prefix(word))
		return 0;
	for (i = 0; i < word.len; i++)
		if (word.data[i] < 0x21 || word.data[i] > 0x7e ||
		    strchr("%?#\\\"<>", word.data[i]) != NULL)
			return 0;
	return 1;
}

static int
set_prefix(struct import_path *path, paas_routedb_str_t word, char *err)
{
	if (path->prefix.len > 1 || path->ntargets > 0)
		return fail(err, "the path has to stand behind the host");
	if (!is_prefix(word))
		return fail(err,
		    "a path is \"/\" or segments without a slash at the end, "
		    "as /docs");
	path->prefix = word;
	return 0;
}

int
import_line_path(const char *line, size_t len, struct import_path *path,
    char err[PAAS_ERRLEN])
{
	struct words words = {line, line + len};
	paas_routedb_str_t word = next_word(&words);
	int n, rc = 0;

	n = paas_routedb_canonical(word.data, word.len,
	    PAAS_ROUTEDB_WILDCARD | PAAS_ROUTEDB_DEFAULT, path->host);
	if (n <= 0)
		return fail(err,
		    "\"%.*s\" is not a host, as www.example.com or "
		    "*.example.com",
		    (int)(word.len < 60 ? word.len : 60),
		    (const char *)word.data);
	path->hostlen = (size_t)n;
	path->prefix.data = (const uint8_t *)"/";
	path->prefix.len = 1;
	path->flags = 0;
	path->to_host[0] = '\0';
	path->to_host_word.len = 0;
	path->ntargets = 0;
	while (rc == 0 && (word = next_word(&words)).len > 0) {
		if (word.data[0] == '@')
			rc = add_target(path, word, err);
		else if (word.data[0] == '/')
			rc = set_prefix(path, word, err);
		else
			rc = add_path_setting(path, word, err);
	}
	if (rc == 0 && path->ntargets == 0)
		return fail(
		    err, "%s leads to no pool: name one, as @web", path->host);
	return rc;
}

size_t
import_line_write_path(
    const struct import_path *path, char out[IMPORT_LINE_MAX])
{
	char word[WORD_MAX];
	size_t len = path->hostlen;
	uint32_t i;

	memcpy(out, path->host, len);
	if (path->prefix.len > 1) {
		(void)copy_word(path->prefix, word, sizeof(word));
		put_word(out, word, &len);
	}
	for (i = 0; i < path->ntargets; i++) {
		snprintf(word, sizeof(word), "@%.*s",
		    (int)path->targets[i].name.len,
		    (const char *)path->targets[i].name.data);
		if (path->targets[i].weight != 100)
			snprintf(word + strlen(word), 16, "=%u",
			    path->targets[i].weight);
		put_word(out, word, &len);
	}
	if (path->flags & PAAS_ROUTEDB_STRIP)
		put_word(out, "strip", &len);
	if (path->flags & PAAS_ROUTEDB_TO_HTTPS)
		put_word(out, "to_https", &len);
	if (path->flags & PAAS_ROUTEDB_TO_HOST) {
		snprintf(word, sizeof(word), "to_host=%s", path->to_host);
		put_word(out, word, &len);
	}
	return len;
}

/* ---- pools ------------------------------------------------------------- */

/* The same address has the same id in every import. */
static void
make_id(const char *address, uint32_t port, char hex[17])
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	char text[ADDRESS_MAX + 16];
	uint64_t id;
	int len;

	len = snprintf(text, sizeof(text), "%s %u", address, port);
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text,
	    (size_t)len, NULL, 0);
	memcpy(&id, hash, sizeof(id));
	key_format_id(hex, id | IMPORT_ID);
}

/* "10.0.0.2:80", "[fd00::1]:80=50"; ids: of those before it in the line. */
static int
add_instance(const struct conf *conf, json_t *list, json_t *ids,
    paas_routedb_str_t word, char *err)
{
	char text[WORD_MAX], address[ADDRESS_MAX], why[PAAS_ERRLEN], hex[17];
	char *host = text, *port, *end;
	paas_routedb_str_t name;
	uint32_t weight;
	size_t len;
	long number;

	if (split_weight(word, &name, &weight, 1000) == -1)
		return fail(err, "the weight of an address is 1 to 1000");
	if (copy_word(name, text, sizeof(text)) == -1 ||
	    (port = strrchr(text, ':')) == NULL)
		return fail(err,
		    "\"%.*s\" is not ADDRESS:PORT, as 10.0.0.2:8080",
		    (int)(word.len < 60 ? word.len : 60),
		    (const char *)word.data);
	*port++ = '\0';
	len = strlen(text);
	if (text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		host++;
	}
	number = strtol(port, &end, 10);
	if (*port < '0' || *port > '9' || *end != '\0' || number < 1 ||
	    number > 65535)
		return fail(err, "a port is 1 to 65535");
	if (address_parse(conf, host, address, why) == -1)
		return fail(err, "%s", why);
	make_id(address, (uint32_t)number, hex);
	if (json_object_get(ids, hex) != NULL)
		return fail(err, "%s:%ld is given twice", address, number);
	json_object_set_new(ids, hex, json_true());
	json_array_append_new(list,
	    json_pack("{s:s, s:I, s:I, s:s}", "address", address, "port",
		(json_int_t)number, "weight", (json_int_t)weight, "id", hex));
	return 0;
}

/* A name, then '='; addresses begin with a digit or a bracket. */
static int
is_setting(paas_routedb_str_t word)
{
	return word.data[0] >= 'a' && word.data[0] <= 'z' &&
	       memchr(word.data, '=', word.len) != NULL;
}

static int
fill_pool(const struct conf *conf, json_t *pool, json_t *ids,
    struct words *words, char *err)
{
	json_t *list = json_object_get(pool, "instances");
	char text[WORD_MAX];
	paas_routedb_str_t word;

	while ((word = next_word(words)).len > 0) {
		if (!is_setting(word)) {
			if (add_instance(conf, list, ids, word, err) == -1)
				return -1;
			continue;
		}
		if (copy_word(word, text, sizeof(text)) == -1)
			return fail(err, "a word is too long");
		if (parse_setting(text, SETTING_OUTSIDE, pool, err) == -1)
			return -1;
	}
	if (json_array_size(list) == 0)
		return fail(err, "the pool has no address");
	return 0;
}

json_t *
import_line_pool(const struct conf *conf, const char *line, size_t len,
    paas_routedb_str_t *name, char err[PAAS_ERRLEN])
{
	struct words words = {line, line + len};
	json_t *pool, *ids;
	int rc;

	*name = next_word(&words);
	if (name->len == 0 || name->data[0] != '@') {
		(void)fail(err, "a pool begins with '@'");
		return NULL;
	}
	name->data++;
	name->len--;
	if (!is_name(*name)) {
		(void)fail(err, NAME_FORM);
		return NULL;
	}
	pool = json_pack("{s:[]}", "instances");
	ids = json_object();
	rc = fill_pool(conf, pool, ids, &words, err);
	json_decref(ids);
	if (rc == 0)
		return pool;
	json_decref(pool);
	return NULL;
}

size_t
import_line_write_pool(
    paas_routedb_str_t name, const json_t *pool, char out[IMPORT_LINE_MAX])
{
	const json_t *list = json_object_get(pool, "instances"), *inst;
	char word[WORD_MAX];
	const char *key, *address;
	json_t *value;
	size_t i, len = name.len + 1;
	int v6;

	out[0] = '@';
	memcpy(out + 1, name.data, name.len);
	json_array_foreach (list, i, inst) {
		address = json_string_value(json_object_get(inst, "address"));
		v6 = strchr(address, ':') != NULL;
		snprintf(word, sizeof(word),
		    "%s%s%s:%" JSON_INTEGER_FORMAT "=%" JSON_INTEGER_FORMAT,
		    v6 ? "[" : "", address, v6 ? "]" : "",
		    json_integer_value(json_object_get(inst, "port")),
		    json_integer_value(json_object_get(inst, "weight")));
		put_word(out, word, &len);
	}
	json_object_foreach ((json_t *)(uintptr_t)pool, key, value)
		if (!json_is_array(value))
			write_setting(key, value, out, &len);
	return len;
}

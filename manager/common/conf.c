#include "common/conf.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

enum conf_type {
	CONF_TEXT,   /* as it is */
	CONF_NAME,   /* letters, digits, '-', '_' and '.' */
	CONF_PATH,   /* absolute, without "..", short enough for a socket */
	CONF_NETS,   /* addresses and networks of both families, or none */
	CONF_SUBNET, /* a.b.c.d/n */
	CONF_FLAG,   /* uint32_t, on or off */
	CONF_NUMBER, /* uint32_t */
	CONF_SIZE    /* uint64_t, with K, M or G */
};

struct conf_setting {
	const char *key;
	enum conf_type type;
	size_t offset;
	size_t size; /* of a text */
	uint64_t min, max;
	const char *def;
};

#define TEXT(type, key, def)                                   \
	{                                                      \
#key, type, offsetof(struct conf, key),        \
		    sizeof(((struct conf *)0)->key), 0, 0, def \
	}
#define NUMBER(key, min, max, def)                                          \
	{                                                                   \
#key, CONF_NUMBER, offsetof(struct conf, key), 0, min, max, \
		    def                                                     \
	}
#define SIZE(key, min, max, def)                                              \
	{                                                                     \
#key, CONF_SIZE, offsetof(struct conf, key), 0, min, max, def \
	}

#define FLAG(key, def)                                                    \
	{                                                                 \
#key, CONF_FLAG, offsetof(struct conf, key), 0, 0, 1, def \
	}

static const struct conf_setting settings[] = {
    TEXT(CONF_NAME, domain, "paas.localhost"),
    NUMBER(http_port, 1, 65535, "8080"),
    NUMBER(https_port, 0, 65535, "0"),
    NUMBER(ssh_port, 0, 65535, "0"),
    TEXT(CONF_NETS, trusted_proxies, ""),
    FLAG(proxy_protocol, "off"),
    TEXT(CONF_PATH, state_dir, "/var/lib/paas"),
    TEXT(CONF_PATH, key_file, ""),
    TEXT(CONF_PATH, run_dir, "/run/paas"),
    TEXT(CONF_PATH, libexec_dir, "/usr/local/libexec/paas"),
    TEXT(CONF_PATH, buildpack_dir, "/usr/local/share/paas/buildpacks"),
    TEXT(CONF_NAME, cgroup, "paas-instances.scope"),
    TEXT(CONF_NAME, nft_table, "paas"),
    TEXT(CONF_NAME, if_prefix, "pa"),
    {"subnet", CONF_SUBNET, offsetof(struct conf, subnet), 0, 8, 28,
	"198.18.0.0/16"},
    NUMBER(uid_base, 1000000, 4000000000, "1900000000"),
    TEXT(CONF_NAME, user_manager, "paas"),
    TEXT(CONF_NAME, user_log, "paas-log"),
    TEXT(CONF_NAME, user_slug, "paas-slug"),
    TEXT(CONF_NAME, user_git, "paas-git"),
    TEXT(CONF_NAME, user_router, "www-data"),
    TEXT(CONF_TEXT, allow_out, ""),
    TEXT(CONF_PATH, drain_ca, "/etc/ssl/certs/ca-certificates.crt"),
    SIZE(upload_max, 1 * MIB, 64 * GIB, "2G"),
    SIZE(unpack_max, 1 * MIB, 64 * GIB, "4G"),
    SIZE(unpack_entries, 100, 10000000, "500000"),
    SIZE(disk_reserve, 1 * MIB, 1024 * 1024 * GIB, "1G"),
    NUMBER(build_timeout, 10, 86400, "900"),
    SIZE(build_memory, 64 * MIB, 1024 * GIB, "2G"),
    NUMBER(build_pids, 64, 1000000, "2048"),
    SIZE(build_disk, 16 * MIB, 64 * 1024 * GIB, "8G"),
    SIZE(build_output, 64 * KIB, 64 * GIB, "16M"),
    NUMBER(start_timeout, 1, 3600, "60"),
    NUMBER(drain_timeout, 0, 86400, "30"),
    NUMBER(hold_time, 0, 3600, "30"),
    NUMBER(stop_timeout, 1, 3600, "10"),
    SIZE(instance_memory, 16 * MIB, 1024 * GIB, "512M"),
    SIZE(memory_max, 16 * MIB, 1024 * GIB, "4G"),
    SIZE(instance_tmp, 1 * MIB, 1024 * GIB, "256M"),
    SIZE(instance_swap, 0, 1024 * GIB, "0"),
    NUMBER(instance_cpu_weight, 1, 10000, "100"),
    NUMBER(instance_cpu_quota, 0, 100000, "0"),
    NUMBER(instance_pids, 8, 1000000, "512"),
    NUMBER(instance_files, 64, 1000000, "16384"),
    NUMBER(instance_flows, 256, 1000000, "8192"),
    NUMBER(scale_max, 1, 10000, "500"),
    NUMBER(oneoff_max, 0, 1000, "20"),
    NUMBER(oneoff_timeout, 1, 31536000, "86400"),
    SIZE(log_max, 64 * KIB, 64 * GIB, "16M"),
    NUMBER(log_rate, CONF_LOG_RATE_LEAST, CONF_LOG_RATE_MOST, "10485760"),
    SIZE(app_log_max, CONF_APP_LOG_MAX_LEAST, CONF_APP_LOG_MAX_MOST, "256M"),
    NUMBER(app_log_rate, CONF_LOG_RATE_LEAST, CONF_LOG_RATE_MOST, "41943040"),
    NUMBER(api_rate, 0, 3600000, "4500"),
    NUMBER(api_streams, 1, 6000, "2000"),
    NUMBER(api_streams_account, 1, 6000, "100"),
    NUMBER(api_heartbeat, 1, 60, "15"),
};

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

/* An address of either family, or a network with its bits behind a slash. */
static int
conf_is_net(const char *word, size_t len)
{
	char addr[INET6_ADDRSTRLEN + sizeof("/128")], *slash;
	struct in6_addr in;
	const char *bad = NULL;
	int family;

	if (len >= sizeof(addr))
		return 0;
	memcpy(addr, word, len);
	addr[len] = '\0';
	family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;
	if ((slash = strchr(addr, '/')) != NULL) {
		*slash = '\0';
		(void)strtonum(
		    slash + 1, 0, family == AF_INET ? 32 : 128, &bad);
	}
	return bad == NULL && inet_pton(family, addr, &in) == 1;
}

static const char *
conf_check_nets(const char *value)
{
	size_t len;

	for (; *value != '\0'; value += len) {
		value += strspn(value, " \t");
		len = strcspn(value, " \t");
		if (len > 0 && !conf_is_net(value, len))
			return "takes addresses and networks such as "
			       "10.0.0.0/8, separated by blanks";
	}
	return NULL;
}

/* Returns NULL, or what is wrong with value. */
static const char *
conf_set_text(const struct conf_setting *s, char *out, const char *value)
{
	const char *p;

	if (s->type == CONF_NAME && value[0] == '\0')
		return "must not be empty";
	for (p = value; s->type == CONF_NAME && *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("-_.", *p) == NULL)
			return "takes letters, digits, '-', '_' and '.'";
	}
	if (s->type == CONF_PATH &&
	    (value[0] != '/' || strstr(value, "..") != NULL))
		return "must be an absolute path without '..'";
	/* 108 bytes of a socket's address, less the name of the socket. */
	if (s->type == CONF_PATH && strlen(value) > 80)
		return "must have at most 80 bytes";
	if (strlcpy(out, value, s->size) >= s->size)
		return "is too long";
	return s->type == CONF_NETS ? conf_check_nets(value) : NULL;
}

static const char *
conf_set_subnet(const struct conf_setting *s, struct conf *c, const char *value)
{
	char addr[INET_ADDRSTRLEN];
	const char *slash, *bad = NULL;
	struct in_addr in;
	long long bits;

	if ((slash = strchr(value, '/')) == NULL ||
	    (size_t)(slash - value) >= sizeof(addr))
		return "must look like 198.18.0.0/16";
	memcpy(addr, value, (size_t)(slash - value));
	addr[slash - value] = '\0';
	bits = strtonum(slash + 1, (long long)s->min, (long long)s->max, &bad);
	if (bad != NULL || inet_pton(AF_INET, addr, &in) != 1)
		return "must look like 198.18.0.0/16, with /8 to /28";
	c->subnet.s_addr = ntohl(in.s_addr);
	c->subnet_bits = (uint32_t)bits;
	if ((c->subnet.s_addr & (UINT32_MAX >> bits)) != 0)
		return "must be the first address of its network";
	return NULL;
}

/* A number, with K, M or G for powers of 1,024 where sizes are meant. */
static const char *
conf_parse_number(
    const struct conf_setting *s, const char *value, uint64_t *out)
{
	static const char units[] = "KMG";
	char digits[24];
	const char *bad = NULL, *unit;
	uint64_t factor = 1;
	size_t len = strlen(value);
	long long n;

	if (s->type == CONF_SIZE && len > 1 &&
	    (unit = strchr(units, value[len - 1])) != NULL) {
		factor = 1ULL << (10 * (unit - units + 1));
		len--;
	}
	if (len == 0 || len >= sizeof(digits))
		return "is not a number";
	memcpy(digits, value, len);
	digits[len] = '\0';
	n = strtonum(digits, 0, INT64_MAX / (long long)GIB, &bad);
	if (bad != NULL)
		return "is not a number";
	*out = (uint64_t)n * factor;
	if (*out < s->min || *out > s->max)
		return "is out of range";
	return NULL;
}

static const char *
conf_set(struct conf *c, const struct conf_setting *s, const char *value)
{
	char *at = (char *)c + s->offset;
	const char *bad;
	uint64_t n;
	uint32_t n32;

	switch (s->type) {
	case CONF_SUBNET:
		return conf_set_subnet(s, c, value);
	case CONF_FLAG:
		n32 = strcmp(value, "on") == 0;
		if (n32 == 0 && strcmp(value, "off") != 0)
			return "must be on or off";
		memcpy(at, &n32, sizeof(n32));
		return NULL;
	case CONF_NUMBER:
	case CONF_SIZE:
		if ((bad = conf_parse_number(s, value, &n)) != NULL)
			return bad;
		if (s->type == CONF_SIZE) {
			memcpy(at, &n, sizeof(n));
		} else {
			n32 = (uint32_t)n;
			memcpy(at, &n32, sizeof(n32));
		}
		return NULL;
	default:
		return conf_set_text(s, at, value);
	}
}

static char *
conf_trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

/* One line; seen has a flag for each setting. */
static const char *
conf_line(struct conf *c, char *line, unsigned char *seen, const char **key)
{
	char *equals, *value;
	size_t i;

	*key = "line";
	line[strcspn(line, "#\n")] = '\0';
	line = conf_trim(line);
	if (*line == '\0')
		return NULL;
	if ((equals = strchr(line, '=')) == NULL)
		return "must be \"key = value\"";
	*equals = '\0';
	*key = line = conf_trim(line);
	value = conf_trim(equals + 1);
	for (i = 0; i < NSETTINGS; i++) {
		if (strcmp(settings[i].key, line) != 0)
			continue;
		if (seen[i]++)
			return "is given twice";
		return conf_set(c, &settings[i], value);
	}
	return "is no setting; paas.conf(5) lists them";
}

static int
conf_read(struct conf *c, FILE *f, const char *path, char err[PAAS_ERRLEN])
{
	unsigned char seen[NSETTINGS] = {0};
	const char *bad, *key;
	char line[2048];
	int n = 0;

	while (fgets(line, sizeof(line), f) != NULL) {
		n++;
		if ((bad = conf_line(c, line, seen, &key)) != NULL) {
			snprintf(err, PAAS_ERRLEN, "%s:%d: %s %s", path, n, key,
			    bad);
			return -1;
		}
	}
	if (ferror(f)) {
		snprintf(err, PAAS_ERRLEN, "%s: %s", path, strerror(errno));
		return -1;
	}
	return 0;
}

int
conf_load(struct conf *c, const char *path, char err[PAAS_ERRLEN])
{
	FILE *f;
	size_t i;
	int rc;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < NSETTINGS; i++)
		(void)conf_set(c, &settings[i], settings[i].def);
	if (path == NULL)
		return 0;
	if ((f = fopen(path, "re")) == NULL) {
		snprintf(err, PAAS_ERRLEN, "%s: %s", path, strerror(errno));
		return -1;
	}
	rc = conf_read(c, f, path, err);
	fclose(f);
	return rc;
}

struct in_addr
conf_slot_addr(const struct conf *c, uint32_t slot)
{
	struct in_addr in;

	in.s_addr = htonl(c->subnet.s_addr + slot);
	return in;
}

void
conf_key_file(const struct conf *c, char *path, size_t len)
{
	if (c->key_file[0] != '\0')
		strlcpy(path, c->key_file, len);
	else
		snprintf(path, len, "%s/keys/store.key", c->state_dir);
}

uint32_t
conf_slot_last(const struct conf *c)
{
	/* Neither the network's own address nor that of its broadcast. */
	return (UINT32_MAX >> c->subnet_bits) - 1;
}

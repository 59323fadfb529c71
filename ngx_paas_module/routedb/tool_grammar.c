/*
 * The text form of a route database, a line a record:
 *
 *	revision 42
 *	pool 10 app=hello type=web hash=cookie:sid balance=hash sticky
 *	instance 10 1099511627777 127.0.0.1:9001 weight=50 draining
 *	host www.example.com pool=10:90,11:10 path=/shop strip
 *	pattern 10 pr-(?<number>\d+)\.example\.com pool=10
 *	keys 1:HEX64 2:HEX64
 *	cert 7 chain=example.com.pem key=example.com.key
 *	certhost *.example.com 7
 *
 * A field that is not named has its usual value.
 */
#include <stddef.h>

#include "tool_grammar.h"

static const char *const states[] = {
    "running", "starting", "asleep", "stopped", "maintenance", "crashed", NULL};
static const char *const protocols[] = {"http", "https", "h2c", NULL};
static const char *const balances[] = {
    "two_choices", "round_robin", "least_conn", "ewma", "hash", NULL};
const char *const tool_hash_ons[] = {"address", "header", "cookie", NULL};

#define WANT_WORD "at most 64 letters, digits, '-', '_' and '.'"
#define WANT_HOST "a host name such as www.example.com"

#define POOL(m) \
	offsetof(paas_routedb_pool_t, m), sizeof(((paas_routedb_pool_t *)0)->m)
const struct tool_field tool_pool_fields[] = {
    {"app", WORD, POOL(app), 0, NULL, WANT_WORD},
    {"type", WORD, POOL(type), 0, NULL, WANT_WORD},
    {"state", ENUM, POOL(state), 0, states,
	"running, starting, asleep, stopped, maintenance or crashed"},
    {"protocol", ENUM, POOL(protocol), 0, protocols, "http, https or h2c"},
    {"balance", ENUM, POOL(balance), 0, balances,
	"two_choices, round_robin, least_conn, ewma or hash"},
    {"hash", HASH, POOL(hash_on), 0, tool_hash_ons,
	"address, header:NAME or cookie:NAME"},
    {"concurrency", NUMBER, POOL(concurrency), 0, NULL, "requests at once"},
    {"queue", NUMBER, POOL(queue), 0, NULL, "a number of requests"},
    {"slow_start", NUMBER, POOL(slow_start), 0, NULL, "milliseconds"},
    {"hold", NUMBER, POOL(hold), 0, NULL, "milliseconds"},
    {"retry_budget", NUMBER, POOL(retry_budget), 0, NULL, "0 to 100"},
    {"home", HOST, POOL(home), PAAS_ROUTEDB_ANY_NAME, NULL, WANT_HOST},
    {"sticky", FLAG, POOL(flags), PAAS_ROUTEDB_STICKY, NULL, NULL},
    {"retry_put", FLAG, POOL(flags), PAAS_ROUTEDB_RETRY_PUT, NULL, NULL},
    {"no_retry", FLAG, POOL(flags), PAAS_ROUTEDB_NO_RETRY, NULL, NULL},
    {"name_instance", FLAG, POOL(flags), PAAS_ROUTEDB_NAME_INSTANCE, NULL,
	NULL},
    {0}};

#define INSTANCE(m)                           \
	offsetof(paas_routedb_instance_t, m), \
	    sizeof(((paas_routedb_instance_t *)0)->m)
const struct tool_field tool_instance_fields[] = {
    {"weight", NUMBER, INSTANCE(weight), 100, NULL, "1 to 1000"},
    {"number", NUMBER, INSTANCE(number), 0, NULL, "0 to 65535"},
    {"since", NUMBER, INSTANCE(since), 0, NULL, "seconds since 1970"},
    {"draining", FLAG, INSTANCE(flags), PAAS_ROUTEDB_DRAINING, NULL, NULL},
    {0}};

#define PATH(m) \
	offsetof(paas_routedb_path_t, m), sizeof(((paas_routedb_path_t *)0)->m)
const struct tool_field tool_path_fields[] = {
    {"path", PREFIX, PATH(prefix), 0, NULL,
	"/ or a path such as /shop, with no slash at its end"},
    {"pool", TARGETS, PATH(ntargets), 0, NULL,
	"a pool's number, or several with weights: 10:90,11:10"},
    {"to", HOST, PATH(redirect_host), 0, NULL, WANT_HOST},
    {"strip", FLAG, PATH(flags), PAAS_ROUTEDB_STRIP, NULL, NULL},
    {"https", FLAG, PATH(flags), PAAS_ROUTEDB_TO_HTTPS, NULL, NULL}, {0}};

#define CERT(m) \
	offsetof(paas_routedb_cert_t, m), sizeof(((paas_routedb_cert_t *)0)->m)
const struct tool_field tool_cert_fields[] = {
    {"chain", FILE_NAME, CERT(chain), 0, NULL, "the name of a file"},
    {"key", FILE_NAME, CERT(key), 0, NULL, "the name of a file"}, {0}};

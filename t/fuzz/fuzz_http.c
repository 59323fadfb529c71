/* sources: manager/api/[!.]*.c manager/api/[!.]*[!.]/[!.]*.c manager/build/[!.]*.c manager/node/[!.]*.c manager/routing/[!.]*.c manager/schedule/[!.]*.c manager/store/[!.]*.c manager/common/[!.]*.c ngx_paas_module/routedb/[!t]*.c; libs: -lsystemd -lmicrohttpd -lcurl -ljansson -llmdb -lsodium -lpcre2-8 -lssl -lcrypto -lbsd */
/*
 * The API whole: bytes of a client on one of its sockets, to an answer or to
 * the end of the connection.  The first byte of an input chooses the socket;
 * an administrator sends it, so that what comes gets as far as it can.
 *
 * Whatever comes is answered, and never by 500.  Inputs are made of the API's
 * own table: what has a route is tried.
 */
#include <bsd/string.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/api.h"
#include "api/api_table.h"
#include "api/access/token.h"
#include "build/build.h"
#include "common/log.h"
#include "node/node.h"
#include "routing/routing.h"
#include "store/keys.h"
#include "store/store.h"

#define MUST(x)                                              \
	do {                                                 \
		if (!(x)) {                                  \
			fprintf(stderr, "not so: " #x "\n"); \
			abort();                             \
		}                                            \
	} while (0)

#define ANSWER_MAX (64 * 1024) /* that is looked at */
#define RUNS_MAX   20000       /* with the same state */
#define TURNS_MAX  2000        /* of the loop for one input */
#define IDLE_MAX   40          /* turns of a millisecond without an event */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);
size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t len, size_t max, unsigned int seed);

static struct world {
	char dir[64];
	struct conf conf;
	sd_event *loop;
	struct store *store;
	struct routing *routing;
	struct node *node;
	struct build *build;
	struct api *api;
	unsigned int runs;
} world;

/* ---- the world ------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb, (void)flag, (void)ftw;
	return remove(path);
}

static void
world_remove(void)
{
	if (world.dir[0] != '\0')
		(void)nftw(world.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	world.dir[0] = '\0';
}

static void
world_close(void)
{
	if (world.api == NULL)
		return;
	api_close(world.api);
	build_close(world.build);
	node_close(world.node);
	routing_close(world.routing);
	store_close(world.store);
	sd_event_unref(world.loop);
	world.api = NULL;
	world_remove();
}

static void
world_settle(void)
{
	for (int i = 0; i < 200 && sd_event_run(world.loop, 2000) > 0; i++)
		;
}

/* "paas_0000000000000001_" and 64 zeros is a good one. */
static void
world_token(void)
{
	static const struct token token = {.id = 1};
	char hash[TOKEN_HASH];
	struct store_txn *txn = store_begin(world.store);
	json_t *value;

	token_hash(hash, &token);
	value = json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:i}", "hash",
	    hash, "scope", "global", "user", "root", "description", "",
	    "session", 0, "created", 1, "expires", 0, "used", 0);
	store_put(txn, "token/0000000000000001", value);
	store_commit(txn, NULL, NULL);
	json_decref(value);
}

/* An app that has been pushed, as far as the API looks. */
static void
world_app(void)
{
	static const struct {
		const char *key, *value;
	} records[] = {
	    {"app/app1",
		"{'id':'00000000-0000-4000-8000-000000000001','number':"
		"'0000000000000001','created':1,'updated':1,'version':1,"
		"'stopped':false,'maintenance':false,'generation':0}"},
	    {"number/0000000000000001", "{'app':'app1'}"},
	    {"config/app1", "{'A':'b'}"},
	    {"formation/app1/web",
		"{'quantity':1,'memory':67108864,'generations':{}}"},
	    {"release/app1/00000001",
		"{'version':1,'id':'00000000-0000-4000-8000-000000000002',"
		"'slug':'0000','description':'Deploy','user':'root','created':1,"
		"'types':{'web':'exec true'},'config':{'A':'b'}}"},
	    {"slug/0000", "{'app':'app1','size':1,'archive':1,'entries':1,"
			  "'types':{'web':'exec true'},'buildpack':'x',"
			  "'created':1}"},
	    {"actual/local/0000000100000001",
		"{'state':'ready','app':'app1','appnumber':'0000000000000001',"
		"'type':'web','index':1,'version':1,'instance':"
		"'0000000000000001','slot':2,'address':'198.18.0.2','port':"
		"8080,'since':1,'restarts':0,'reason':''}"},
	};
	struct store_txn *txn = store_begin(world.store);
	char text[512];
	json_t *value;

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		strlcpy(text, records[i].value, sizeof(text));
		for (char *c = text; *c != '\0'; c++)
			if (*c == '\'')
				*c = '"';
		value = json_loads(text, 0, NULL);
		MUST(value != NULL);
		store_put(txn, records[i].key, value);
		json_decref(value);
	}
	store_commit(txn, NULL, NULL);
	world_token();
	world_settle();
}

static int
world_has_app(void)
{
	json_t *app = store_get(world.store, "app/app1", NULL);

	json_decref(app);
	return app != NULL;
}

static void
world_open(void)
{
	char err[PAAS_ERRLEN] = "", path[sizeof(world.dir) + 16];
	struct conf *conf = &world.conf;

	strlcpy(world.dir,
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm/paas-fuzz-XXXXXX"
					  : "/tmp/paas-fuzz-XXXXXX",
	    sizeof(world.dir));
	MUST(mkdtemp(world.dir) != NULL);
	MUST(conf_load(conf, NULL, err) == 0);
	strlcpy(conf->domain, "paas.localhost", sizeof(conf->domain));
	snprintf(
	    conf->state_dir, sizeof(conf->state_dir), "%s/state", world.dir);
	snprintf(conf->run_dir, sizeof(conf->run_dir), "%s/run", world.dir);
	snprintf(conf->libexec_dir, sizeof(conf->libexec_dir), "%s/libexec",
	    world.dir);
	MUST(mkdir(conf->state_dir, 0700) == 0);
	MUST(mkdir(conf->run_dir, 0700) == 0);
	snprintf(path, sizeof(path), "%s/store", conf->state_dir);
	MUST(sd_event_new(&world.loop) >= 0);
	world.store = store_open_lmdb(path, world.loop, err);
	if (world.store != NULL)
		world.routing =
		    routing_open(world.store, conf, world.loop, err);
	if (world.routing != NULL)
		world.node = node_open(world.store, conf, world.loop, err);
	if (world.node != NULL)
		world.build =
		    build_open(world.store, world.node, conf, world.loop, err);
	if (world.build != NULL)
		world.api = api_open(world.store, world.build, world.node,
		    world.routing, conf, world.loop, err);
	if (world.api == NULL)
		fprintf(stderr, "%s\n", err);
	MUST(world.api != NULL);
	world.runs = 0;
}

/* ---- one input ------------------------------------------------------- */

static int
client_open(int door)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s",
	    world.conf.run_dir, door ? "api.sock" : "manager.sock");
	MUST(fd != -1);
	MUST(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

/* Until it is closed, or nothing happens any more: a stream, or nonsense. */
static size_t
client_talk(int fd, const uint8_t *data, size_t len, char *answer)
{
	char rest[4096];
	size_t got = 0, sent = 0;
	ssize_t n;
	int idle = 0, turn;

	for (turn = 0; turn < TURNS_MAX && idle < IDLE_MAX; turn++) {
		if (sent < len) {
			n = send(fd, data + sent, len - sent, MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
			if (sent == len || (n == -1 && errno != EAGAIN)) {
				(void)shutdown(fd, SHUT_WR);
				sent = len;
			}
		}
		MUST(sd_event_run(world.loop, idle > 0 ? 1000 : 0) >= 0);
		n = recv(fd, got < ANSWER_MAX ? answer + got : rest,
		    got < ANSWER_MAX ? ANSWER_MAX - got : sizeof(rest), 0);
		if (n == 0 || (n == -1 && errno != EAGAIN))
			break;
		idle = n == -1 ? idle + 1 : 0;
		if (got < ANSWER_MAX && n > 0)
			got += (size_t)n;
		/* A stream: it has said what there is. */
		if (got > 0 && idle > 4)
			break;
	}
	MUST(turn < TURNS_MAX);
	return got;
}

static void
must_be_an_answer(const char *answer, size_t len)
{
	if (len == 0)
		return; /* the server has closed: not HTTP */
	MUST(len > 12 && memcmp(answer, "HTTP/1.", 7) == 0);
	if (memcmp(answer + 9, "500", 3) == 0) {
		fwrite(answer, 1, len, stderr);
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char answer[ANSWER_MAX];
	int fd;

	if (len == 0)
		return 0;
	if (world.api != NULL && world.runs++ >= RUNS_MAX)
		world_close();
	if (world.api == NULL)
		world_open();
	if (!world_has_app())
		world_app();
	fd = client_open(data[0] & 1);
	must_be_an_answer(answer, client_talk(fd, data + 1, len - 1, answer));
	(void)close(fd);
	for (int i = 0; i < 8 && sd_event_run(world.loop, 0) > 0; i++)
		;
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_init("fuzz_http", 0);
	MUST(sodium_init() >= 0);
	MUST(curl_global_init(CURL_GLOBAL_ALL) == 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)atexit(world_close);
	if (freopen("/dev/null", "r", stdin) == NULL)
		abort();
	return 0;
}

/* ---- inputs ---------------------------------------------------------- */

struct text {
	char *at;
	size_t len, max;
	uint32_t random; /* xorshift32 */
};

static uint32_t
below(struct text *t, uint32_t n)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 17;
	t->random ^= t->random << 5;
	return t->random % n;
}

static void
add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (n > t->max - t->len)
		n = t->max - t->len;
	memcpy(t->at + t->len, s, n);
	t->len += n;
}

#define PICK(t, list) (list)[below(t, sizeof(list) / sizeof((list)[0]))]

static void
add_segment(struct text *t)
{
	static const char *const some[] = {"app1", "app1", "app1", "web",
	    "web.1", "1", "v1", "2", "a@b.cd", "~", "promote", "push", "fetch",
	    "www.example.com", "*.example.com", "%2e%2e", "%00", "a%2fb",
	    "00000000-0000-4000-8000-000000000001", "restart", "stop",
	    "localhost", "00000001", "A", "run.1"};

	add(t, PICK(t, some));
}

static void
add_path(struct text *t, const char *path)
{
	static const char *const queries[] = {"?limit=1", "?tail=1", "?lines=9",
	    "?follow=1", "?since=1h", "?source=app", "?ps=web.1", "?after=1",
	    "?limit=-1", "?limit=%zz", "?a=b&&limit=5", "?filter=%ff"};
	char one[2] = "";

	for (; *path != '\0'; path++) {
		one[0] = *path;
		if (*path == ':')
			add_segment(t);
		else
			add(t, one);
	}
	if (below(t, 4) == 0)
		add(t, PICK(t, queries));
}

#define ZEROS "0000000000000000"
#define TOKEN                                                                  \
	"Authorization: Bearer paas_0000000000000001_" ZEROS ZEROS ZEROS ZEROS \
	"\r\n"

static void
add_headers(struct text *t)
{
	static const char *const some[] = {"Authorization: Basic eDp5\r\n",
	    "Authorization: Bearer x\r\n",
	    "Accept: application/vnd.heroku+json; version=3\r\n",
	    "Accept: application/vnd.heroku+json; version=3.sdk\r\n",
	    "Accept: text/event-stream\r\n", "Last-Event-ID: 1\r\n",
	    "Range: name ..; max=2, order=desc\r\n", "Range: id 1..9\r\n",
	    "If-None-Match: *\r\n", "Idempotency-Key: k\r\n",
	    "Content-Type: application/json\r\n",
	    "Content-Type: application/x-tar\r\n",
	    "Connection: Upgrade\r\nUpgrade: paas-session\r\n",
	    "Expect: 100-continue\r\n", "X-Real-IP: 192.0.2.1\r\n",
	    "X-Paas-Via: api\r\n", "Origin: https://example.com\r\n",
	    "Cookie: a=b\r\n", "Transfer-Encoding: chunked\r\n"};

	for (uint32_t n = below(t, 4); n > 0; n--)
		add(t, PICK(t, some));
}

static void add_value(struct text *t, int depth);

static void
add_object(struct text *t, int depth)
{
	static const char *const names[] = {"name", "quantity", "size", "type",
	    "updates", "command", "env", "attach", "hostname", "url", "user",
	    "email", "password", "role", "description", "expires_in", "scope",
	    "app", "release", "slug", "config", "maintenance", "stopped",
	    "memory", "disk", "path", "status", "interval", "timeout", "port",
	    "headers", "certificate_chain", "private_key", "min", "max", "p95",
	    "concurrency", "after", "schedule", "weight", "instances",
	    "address", "paths", "prefix", "apps", "pattern", "strategy",
	    "canary", "buildpack", "buildpacks", "key", "public_key", "token",
	    "settings", "processes", "http", "balance", "redirect", "source",
	    "lines", "dyno", "tail", "source_blob", "version", "domain",
	    "sni_endpoint", "id", "tty", "time_to_live", "health", "all"};

	add(t, "{");
	for (uint32_t i = 0, n = below(t, 4); i < n; i++) {
		add(t, i > 0 ? ",\"" : "\"");
		add(t, PICK(t, names));
		add(t, "\":");
		add_value(t, depth + 1);
	}
	add(t, "}");
}

static void
add_value(struct text *t, int depth)
{
	static const char *const some[] = {"null", "true", "false", "0", "1",
	    "-1", "3", "30", "1e400", "0.5", "9223372036854775807", "\"\"",
	    "\"app1\"", "\"web\"", "\"app2\"", "\"www.example.com\"",
	    "\"http://example.com/x\"", "\"syslog://logs.example.com:514\"",
	    "\"a@b.cd\"", "\"deployer\"", "\"* * * * *\"", "\"exec true\"",
	    "\"\\u0000\"", "\"\\ud800\"", "\"/\"", "\"10s\"", "\"64M\"",
	    "\"standard-1x\"", "\"global\"", "\"127.0.0.1\"", "[]", "{}"};

	switch (depth < 4 ? below(t, 5) : 0) {
	case 3:
		add(t, "[");
		add_value(t, depth + 1);
		add(t, "]");
		break;
	case 4:
		add_object(t, depth);
		break;
	default:
		add(t, PICK(t, some));
	}
}

/* A request of the table, with a body if it takes one, mostly. */
static size_t
make_request(struct text *t)
{
	char head[64], body[2048];
	struct text b = {body, 0, sizeof(body) - 1, t->random};
	const struct api_route *route;
	uint32_t n = 0;

	while (api_routes[n].method != NULL)
		n++;
	route = &api_routes[below(t, n)];
	add(t, below(t, 4) == 0 ? "1" : "0");
	add(t, route->method);
	add(t, " ");
	add_path(t, route->path);
	add(t, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
	add_headers(t);
	if ((route->flags & API_BODY) != 0 || below(t, 16) == 0)
		add_object(&b, 0);
	body[b.len] = '\0';
	snprintf(head, sizeof(head), "Content-Length: %zu\r\n\r\n", b.len);
	add(t, b.len > 0 ? head : "\r\n");
	add(t, body);
	return t->len;
}

/* Changes the body alone, and says how long it is. */
static size_t
change_body(uint8_t *data, size_t len, size_t max)
{
	uint8_t *end = memmem(data, len, "\r\n\r\n", 4), *length;
	size_t head, body;
	char text[32];

	if (end == NULL || max > 1 << 20)
		return LLVMFuzzerMutate(data, len, max);
	head = (size_t)(end - data) + 4;
	body = LLVMFuzzerMutate(data + head, len - head, max - head);
	length = memmem(data, head, "Content-Length: ", 16);
	if (length != NULL) {
		length += 16;
		snprintf(text, sizeof(text), "%zu", body);
		/* Only where it has as many digits: zeros fill it up. */
		for (size_t d = strspn((char *)length, "0123456789"),
			    have = strlen(text);
		     d > 0; d--)
			length[d - 1] =
			    have > 0 ? (uint8_t)text[--have] : (uint8_t)'0';
	}
	return head + body;
}

size_t
LLVMFuzzerCustomMutator(
    uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	struct text t = {(char *)data, 0, max, seed != 0 ? seed : 1};

	switch (below(&t, 4)) {
	case 0:
		return LLVMFuzzerMutate(data, len, max);
	case 1:
		return change_body(data, len, max);
	default:
		return make_request(&t);
	}
}

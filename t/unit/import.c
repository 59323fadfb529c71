/* sources: manager/routing/[c-s]?*.c manager/store/[f-s]*.c manager/common/[a-l]*.c ngx_paas_module/routedb/[!t]*.c; libs: -llmdb -ljansson -lsystemd -lsodium */
#include "routes_fixture.h"

#include <sys/stat.h>

#include "routing/import.h"
#include "routing/routing.h"

static struct conf conf;
static struct routing *routing;

static int
setup(void **state)
{
	char err[PAAS_ERRLEN] = "";
	struct fixture *fx;

	fixture_setup(state);
	fx = *state;
	routes_conf(fx, &conf);
	routing = routing_open(fx->store, &conf, fx->loop, err);
	assert_non_null(routing);
	fixture_settle(fx);
	return 0;
}

static int
teardown(void **state)
{
	routing_close(routing);
	return fixture_teardown(state);
}

/* ---- files ------------------------------------------------------------- */

struct done {
	int called, error;
	struct import_info info;
};

static void
on_done(int error, const struct import_info *info, void *arg)
{
	struct done *done = arg;

	done->called = 1;
	done->error = error;
	done->info = *info;
}

/* In pieces of n bytes; what it comes to, or the error in err. */
static struct import_info
import_pieces(struct fixture *fx, const char *text, size_t n, char *err)
{
	struct import *im = import_begin(&conf, err);
	struct done done = {0};
	size_t len = strlen(text), at;
	int full, rc = 0;

	assert_non_null(im);
	for (at = 0; at < len && rc == 0; at += n)
		rc = import_append(
		    im, text + at, len - at < n ? len - at : n, &full, err);
	if (rc == 0)
		rc = import_finish(im, fx->loop, on_done, &done, &full, err);
	if (rc == 0) {
		err[0] = '\0';
		fixture_wait(fx, &done.called);
		assert_int_equal(0, done.error);
	} else
		assert_int_equal(0, full);
	import_free(im);
	return done.info;
}

static const char *
error_of(struct fixture *fx, const char *text)
{
	static char err[PAAS_ERRLEN];

	(void)import_pieces(fx, text, 4096, err);
	return err;
}

static const char *
read_file(const char *file)
{
	static char text[4096];
	char path[400];
	FILE *f;

	import_path_of(&conf, file, path, sizeof(path));
	assert_non_null(f = fopen(path, "r"));
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static int
count_files(void)
{
	char path[400], command[500];
	int n = -1;
	FILE *f;

	import_path_of(&conf, "", path, sizeof(path));
	snprintf(command, sizeof(command), "ls %s | wc -l", path);
	assert_non_null(f = popen(command, "r"));
	assert_int_equal(1, fscanf(f, "%d", &n));
	pclose(f);
	return n;
}

#define TEXT                                                             \
	"# pools\n"                                                      \
	"\n"                                                             \
	"@web 10.0.0.2:80 10.0.0.3:8080=50 [FD00::1]:80\r\n"             \
	"@api\t10.0.0.4:80  balance=least sticky=on hash=header:X slow-" \
	"start=30\n"                                                     \
	"*.Example.com @web\n"                                           \
	"A.test @web=90 @api=10 to_host=WWW.a.test strip\n"              \
	"a.test /api @api strip to_https=yes\n"                          \
	"b.test @web"

static void
keeps_lines_in_one_form(void **state)
{
	struct fixture *fx = *state;
	struct import_info info, other;
	char err[PAAS_ERRLEN];
	size_t n;

	info = import_pieces(fx, TEXT, 4096, err);
	assert_string_equal("", err);
	assert_int_equal(2, info.pools);
	assert_int_equal(3, info.hosts);
	assert_int_equal(4, info.paths);
	assert_string_equal(
	    "@web 10.0.0.2:80=100 10.0.0.3:8080=50 [fd00::1]:80=100\n"
	    "@api 10.0.0.4:80=100 balance=least_conn sticky=on hash=header:X "
	    "slow_start=30\n"
	    ".example.com @web\n"
	    "a.test @web=90 @api=10 strip to_host=www.a.test\n"
	    "a.test /api @api strip to_https\n"
	    "b.test @web\n",
	    read_file(info.file));
	for (n = 1; n < 40; n++) {
		other = import_pieces(fx, TEXT, n, err);
		assert_string_equal("", err);
		assert_string_equal(info.file, other.file);
	}
	other = import_pieces(fx, read_file(info.file), 4096, err);
	assert_string_equal(info.file, other.file);
	assert_int_equal(1, count_files());
}

static void
refuses_nonsense(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
	    {"", "there is no host in it; DELETE takes all imported routes "
		 "out"},
	    {"@web 10.0.0.1:80\n", "there is no host in it; DELETE takes all "
				   "imported routes out"},
	    {"a.test @web\n", "line 1: there is no pool @web"},
	    {"@web\n", "line 1: the pool has no address"},
	    {"@web 10.0.0.1\n", "line 1: \"10.0.0.1\" is not ADDRESS:PORT, as "
				"10.0.0.2:8080"},
	    {"@web 10.0.0.1:0\n", "line 1: a port is 1 to 65535"},
	    {"@web 10.0.0.1:80x\n", "line 1: a port is 1 to 65535"},
	    {"@web 10.0.0.1:80=0\n",
		"line 1: the weight of an address is 1 to 1000"},
	    {"@web 198.18.0.7:80\n",
		"line 1: \"198.18.0.7\" is inside the platform's own subnet: "
		"apps have their routes by themselves"},
	    {"@web 10.0.0.1:80 10.0.0.1:80\n",
		"line 1: 10.0.0.1:80 is given twice"},
	    {"@web 10.0.0.1:80 luck=on\n",
		"line 1: \"luck=on\" is no setting: there are balance, hash, "
		"sticky, concurrency, queue, slow_start, hold, retry, "
		"retry_budget, name_instance, protocol"},
	    {"@web 10.0.0.1:80 queue=-1\n",
		"line 1: queue has to be 0 to 100000 requests that wait, not "
		"\"-1\""},
	    {"@web 10.0.0.1:80 queue=1 queue=2\n",
		"line 1: queue is given twice"},
	    {"@W 10.0.0.1:80\n",
		"line 1: the name of a pool has 1 to 64 letters of a to z, "
		"digits, '-', '_' and '.'"},
	    {"@a 10.0.0.1:80\n@a 10.0.0.1:80\n",
		"line 2: there is a pool @a already"},
	    {"@a 10.0.0.1:80\na.test @a\n@b 10.0.0.1:80\n",
		"line 3: the pools have to stand before the first host"},
	    {"@a 10.0.0.1:80\n\nb.test @a\na.test @a\n",
		"line 4: a.test stands behind b.test: the lines of hosts have "
		"to be sorted by their bytes, as LC_ALL=C sort does"},
	    {"@a 10.0.0.1:80\nb.test @a\nB.test @a\n",
		"line 3: b.test with the path / is given twice"},
	    {"@a 10.0.0.1:80\nb.test /b @a\nB.test /a @a\n",
		"line 3: b.test stands behind b.test: the lines of hosts have "
		"to be sorted by their bytes, as LC_ALL=C sort does"},
	    {"@a 10.0.0.1:80\nb..test @a\n",
		"line 2: \"b..test\" is not a host, as www.example.com or "
		"*.example.com"},
	    {"@a 10.0.0.1:80\nx.paas.test @a\n",
		"line 2: x.paas.test belongs to the platform: every app "
		"answers at APP.paas.test by itself"},
	    {"@a 10.0.0.1:80\n*.test @a\n",
		"line 2: .test would take in the platform's own domain, "
		"paas.test"},
	    {"@a 10.0.0.1:80\na.test\n",
		"line 2: a.test leads to no pool: name one, as @web"},
	    {"@a 10.0.0.1:80\na.test @a=0\n",
		"line 2: the weight of a pool is 1 to 10000"},
	    {"@a 10.0.0.1:80\na.test @a @a\n", "line 2: a pool is named twice"},
	    {"@a 10.0.0.1:80\na.test /a/ @a\n",
		"line 2: a path is \"/\" or segments without a slash at the "
		"end, as /docs"},
	    {"@a 10.0.0.1:80\na.test /%61 @a\n",
		"line 2: a path is \"/\" or segments without a slash at the "
		"end, as /docs"},
	    {"@a 10.0.0.1:80\na.test @a /a\n",
		"line 2: the path has to stand behind the host"},
	    {"@a 10.0.0.1:80\na.test @a to_host=b..test\n",
		"line 2: to_host has to be a host, as www.example.com, not "
		"\"b..test\""},
	};
	struct fixture *fx = *state;
	char *text;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(rows[i].error, error_of(fx, rows[i].text));
	text = malloc(20000);
	memset(text, 'a', 20000);
	text[19999] = '\0';
	assert_string_equal(
	    "line 1: it has over 8192 bytes", error_of(fx, text));
	free(text);
	assert_int_equal(0, count_files());
}

/* ---- routes ------------------------------------------------------------ */

/* As the API does: file first, then the record. */
static void
do_import(struct fixture *fx, const char *text)
{
	char err[PAAS_ERRLEN], record[400];
	struct import_info info;
	json_t *old, *before;
	char *list;

	info = import_pieces(fx, text, 4096, err);
	assert_string_equal("", err);
	old = store_get(fx->store, IMPORT_KEY, NULL);
	before = json_array();
	if (old != NULL)
		json_array_append(before, json_object_get(old, "file"));
	list = json_dumps(before, 0);
	snprintf(record, sizeof(record), "{\"file\":\"%s\",\"before\":%s}",
	    info.file, list);
	free(list);
	json_decref(before);
	json_decref(old);
	fixture_put(fx, IMPORT_KEY, record);
}

static void
put(struct fixture *fx, const char *key, const char *text)
{
	fixture_put(fx, key, text);
	fixture_settle(fx);
}

static void
del(struct fixture *fx, const char *key)
{
	fixture_del(fx, key);
	fixture_settle(fx);
}

#define POOLS "@a 127.0.0.1:80\n@b 127.0.0.2:80\n"
#define A     "a@127.0.0.1:80"

/* routes_of, without the ids. */
static const char *
leads(struct fixture *fx, const char *host)
{
	static char text[1024];
	const char *from = routes_of(fx, host);
	char *to = text;

	while (*from != '\0') {
		if (from[0] == ' ' && strchr("0123456789abcdef", from[1]) &&
		    strcspn(from + 1, "@ ") == 16) {
			*to++ = ' ';
			from += 17;
			continue;
		}
		*to++ = *from++;
	}
	*to = '\0';
	return text;
}

static void
mirrors_a_file(void **state)
{
	struct fixture *fx = *state;

	put(fx, "route/alone.test",
	    "{\"paths\":[{\"prefix\":\"/\",\"pool\":{\"instances\":[]}}]}");
	do_import(fx, POOLS "*.w.test @b\n"
			    "a.test @a\n"
			    "b.test @a=1 @b=2\n"
			    "b.test /x @b strip\n");
	fixture_settle(fx);
	assert_int_equal(store_revision(fx->store), routing_revision(routing));
	assert_string_equal("/ -> running @127.0.0.1:80", leads(fx, "a.test"));
	assert_string_equal(
	    "/ -> running @127.0.0.2:80", leads(fx, "x.y.w.test"));
	assert_string_equal("/x strip -> running @127.0.0.2:80; / -> running "
			    "@127.0.0.1:80 1, running @127.0.0.2:80 2",
	    leads(fx, "b.test"));
	assert_int_equal(4, routes_meta(fx).nhosts);
	assert_int_equal(3, routes_meta(fx).npools);

	/* The next one, in its place: some of it new, some changed, some gone.
	 */
	do_import(fx, "@b 127.0.0.3:80\n"
		      "a.test @b\n"
		      "c.test @b to_https\n");
	fixture_settle(fx);
	assert_string_equal("/ -> running @127.0.0.3:80", leads(fx, "a.test"));
	assert_string_equal("", leads(fx, "b.test"));
	assert_string_equal("", leads(fx, "x.w.test"));
	assert_string_equal(
	    "/ https -> running @127.0.0.3:80", leads(fx, "c.test"));
	assert_int_equal(3, routes_meta(fx).nhosts);
	assert_int_equal(2, routes_meta(fx).npools);

	put(fx, IMPORT_KEY, "{\"file\":null,\"before\":[]}");
	assert_int_equal(1, routes_meta(fx).nhosts);
}

static void
yields_to_what_is_claimed(void **state)
{
	struct fixture *fx = *state;

	do_import(fx, POOLS "a.test @a\nb.test @a\nc.test @a\n");
	put(fx, "app/hello", "{\"number\":\"0000000000000007\"}");
	put(fx, "domain/a.test", "{\"app\":\"hello\"}");
	put(fx, "route/b.test",
	    "{\"paths\":[{\"prefix\":\"/\",\"pool\":{\"instances\":[]}}]}");
	assert_string_equal("/ -> hello running", leads(fx, "a.test"));
	assert_string_equal("/ -> running", leads(fx, "b.test"));
	do_import(fx, POOLS "a.test @b\nb.test @b\nc.test @b\n");
	fixture_settle(fx);
	assert_string_equal("/ -> hello running", leads(fx, "a.test"));
	assert_string_equal("/ -> running", leads(fx, "b.test"));
	assert_string_equal("/ -> running @127.0.0.2:80", leads(fx, "c.test"));
	del(fx, "domain/a.test");
	del(fx, "route/b.test");
	assert_string_equal("/ -> running @127.0.0.2:80", leads(fx, "a.test"));
	assert_string_equal("/ -> running @127.0.0.2:80", leads(fx, "b.test"));
	assert_int_equal(4, routes_meta(fx).nhosts);
	assert_int_equal(3, routes_meta(fx).npools);
}

/* Until it has caught up, which it may do only after the readers' grace. */
static void
start(struct fixture *fx)
{
	time_t end = time(NULL) + 10;
	char err[PAAS_ERRLEN] = "";

	routing = routing_open(fx->store, &conf, fx->loop, err);
	assert_string_equal("", err);
	while (routing_revision(routing) != store_revision(fx->store) &&
	       time(NULL) < end)
		assert_true(sd_event_run(fx->loop, 100000) >= 0);
	fixture_settle(fx);
}

static void
stop(void)
{
	routing_close(routing);
	routing = NULL;
}

static void
catches_up_after_a_start(void **state)
{
	struct fixture *fx = *state;

	do_import(fx, POOLS "a.test @a\nb.test @a\nc.test @a\n");
	put(fx, "route/b.test",
	    "{\"paths\":[{\"prefix\":\"/\",\"pool\":{\"instances\":[]}}]}");
	stop();
	do_import(fx, POOLS "a.test @b\nb.test @b\nd.test @b\n");
	start(fx);
	assert_string_equal("/ -> running @127.0.0.2:80", leads(fx, "a.test"));
	assert_string_equal("/ -> running", leads(fx, "b.test"));
	assert_string_equal("", leads(fx, "c.test"));
	assert_string_equal("/ -> running @127.0.0.2:80", leads(fx, "d.test"));
	/* What stood before an imported one goes while nobody looks. */
	stop();
	fixture_del(fx, "route/b.test");
	fixture_put(fx, "gone/host", "{}");
	start(fx);
	assert_string_equal("/ -> running @127.0.0.2:80", leads(fx, "b.test"));
	assert_int_equal(3, routes_meta(fx).nhosts);
	assert_int_equal(2, routes_meta(fx).npools);
}

static void
keeps_routes_of_a_lost_file(void **state)
{
	struct fixture *fx = *state;
	char command[400];

	do_import(fx, POOLS "a.test @a\nb.test @a\n");
	fixture_settle(fx);
	stop();
	snprintf(command, sizeof(command), "rm %s/imports/*", fx->dir);
	assert_int_equal(0, system(command));
	fixture_put(fx, "gone/host", "{}");
	start(fx);
	assert_string_equal("/ -> running @127.0.0.1:80", leads(fx, "a.test"));
	assert_int_equal(2, routes_meta(fx).nhosts);
	assert_int_equal(2, routes_meta(fx).npools);
}

/* HOSTS of them, each on the pool that is named. */
#define HOSTS 9000

static void
import_many(struct fixture *fx, char pool)
{
	char *text = malloc(400000);
	size_t len;
	int i;

	len = (size_t)sprintf(text, "%s", POOLS);
	for (i = 0; i < HOSTS; i++)
		len += (size_t)sprintf(text + len, "h%06d.test @%c\n", i, pool);
	do_import(fx, text);
	free(text);
}

/* As many as one commit takes, anywhere. */
static void
claim_some(struct fixture *fx, uint32_t *seed, char *claimed)
{
	struct store_txn *txn = store_begin(fx->store);
	json_t *route = json_loads(
	    "{\"paths\":[{\"prefix\":\"/\",\"pool\":{\"instances\":[]}}]}", 0,
	    NULL);
	char key[32];
	int i, k;

	for (i = 0; i < STORE_OPS_MAX; i++) {
		do {
			*seed = *seed * 1664525 + 1013904223;
			k = (int)(*seed >> 8) % HOSTS;
		} while (claimed[k]);
		claimed[k] = 1;
		snprintf(key, sizeof(key), "route/h%06d.test", k);
		store_put(txn, key, route);
	}
	json_decref(route);
	assert_int_equal(STORE_OK, fixture_commit(fx, txn).result);
}

/* What the walk has read ahead is not what is so by then. */
static void
obeys_changes_while_it_walks(void **state)
{
	struct fixture *fx = *state;
	char *claimed = calloc(HOSTS, 1), host[32];
	uint32_t seed = 1;
	int i, k;

	import_many(fx, 'a');
	fixture_settle(fx);
	import_many(fx, 'b');
	for (i = 0; i < 10; i++) {
		claim_some(fx, &seed, claimed);
		for (k = 0; k < 4; k++)
			assert_true(sd_event_run(fx->loop, 0) >= 0);
	}
	fixture_settle(fx);
	assert_int_equal(HOSTS, routes_meta(fx).nhosts);
	for (i = 0; i < HOSTS; i++) {
		if (!claimed[i] && i % 97 != 0)
			continue;
		snprintf(host, sizeof(host), "h%06d.test", i);
		assert_string_equal(
		    claimed[i] ? "/ -> running" : "/ -> running @127.0.0.2:80",
		    leads(fx, host));
	}
	free(claimed);
}

/* Longer than a slice of the walk, found by halves. */
static void
finds_each_of_many(void **state)
{
	struct fixture *fx = *state;
	char *text = malloc(400000), host[64];
	size_t len;
	int i;

	len = (size_t)sprintf(text, "%s", POOLS);
	for (i = 0; i < 9000; i++)
		len += (size_t)sprintf(text + len, "h%06d.test%s @%c\n", i,
		    i % 7 == 0 ? " /p" : "", i % 2 ? 'a' : 'b');
	do_import(fx, text);
	free(text);
	fixture_settle(fx);
	assert_int_equal(9000, routes_meta(fx).nhosts);
	for (i = 0; i < 9000; i += 97) {
		snprintf(host, sizeof(host), "app/a%d", i);
		snprintf(host, sizeof(host), "domain/h%06d.test", i);
		fixture_put(fx, host, "{\"app\":\"none\"}");
		fixture_settle(fx);
		assert_string_equal(i % 7 == 0 ? i % 2 ? "/p -> running "
							 "@127.0.0.1:80"
						       : "/p -> running "
							 "@127.0.0.2:80"
				    : i % 2    ? "/ -> running @127.0.0.1:80"
					       : "/ -> running @127.0.0.2:80",
		    leads(fx, host + 7));
	}
	assert_int_equal(9000, routes_meta(fx).nhosts);
}

int
main(void)
{
#define WITH_ROUTING(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
	    WITH_ROUTING(keeps_lines_in_one_form),
	    WITH_ROUTING(refuses_nonsense),
	    WITH_ROUTING(mirrors_a_file),
	    WITH_ROUTING(yields_to_what_is_claimed),
	    WITH_ROUTING(catches_up_after_a_start),
	    WITH_ROUTING(keeps_routes_of_a_lost_file),
	    WITH_ROUTING(obeys_changes_while_it_walks),
	    WITH_ROUTING(finds_each_of_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

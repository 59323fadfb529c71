/* sources: manager/routing/[c-s]?*.c manager/store/[f-s]*.c manager/common/[a-l]*.c ngx_paas_module/routedb/[!t]*.c; libs: -Wl,--wrap=cert_choose,--wrap=routing_db_commit -llmdb -ljansson -lsystemd -lsodium */
#include "store_fixture.h"

#include <sys/stat.h>

#include "common/conf.h"
#include "paas_routedb.h"
#include "routing/routing.h"

static struct conf conf;
static struct routing *routing;

static void
start(struct fixture *fx)
{
	char err[PAAS_ERRLEN] = "";

	routing = routing_open(fx->store, &conf, fx->loop, err);
	assert_string_equal("", err);
	assert_non_null(routing);
	fixture_settle(fx);
}

static void
stop(void)
{
	routing_close(routing);
	routing = NULL;
}

static int
setup(void **state)
{
	char err[PAAS_ERRLEN];
	struct fixture *fx;

	fixture_setup(state);
	fx = *state;
	assert_int_equal(0, conf_load(&conf, NULL, err));
	strlcpy(conf.domain, "paas.test", sizeof(conf.domain));
	strlcpy(conf.state_dir, fx->dir, sizeof(conf.state_dir));
	start(fx);
	return 0;
}

static int
teardown(void **state)
{
	stop();
	return fixture_teardown(state);
}

/* ---- records ----------------------------------------------------------- */

static void
put_app(struct fixture *fx, const char *app)
{
	char key[64];

	snprintf(key, sizeof(key), "app/%s", app);
	fixture_put(fx, key, "{\"number\": \"0000000000000001\"}");
}

static void
put_domain(struct fixture *fx, const char *host, const char *app)
{
	char key[300], text[64];

	snprintf(key, sizeof(key), "domain/%s", host);
	snprintf(text, sizeof(text), "{\"app\": \"%s\"}", app);
	fixture_put(fx, key, text);
}

/* Its chain says its name; content tells what a hash would. */
static void
put_cert(struct fixture *fx, const char *owner, const char *name,
    uint64_t content, const char *names, int64_t expires, int is_default)
{
	struct store_txn *txn = store_begin(fx->store);
	json_t *list = json_loads(names, 0, NULL), *record, *secret;
	char key[128], id[17];

	assert_non_null(list);
	key_format_id(id, content);
	record = json_pack("{s:s, s:s, s:o, s:I, s:I, s:b}", "content", id,
	    "chain", name, "names", list, "expires", (json_int_t)expires,
	    "created", (json_int_t)1, "default", is_default);
	secret = json_pack("{s:s}", "key", "secret");
	snprintf(key, sizeof(key), "cert/%s/%s", owner, name);
	store_put(txn, key, record);
	snprintf(key, sizeof(key), "certkey/%s/%s", owner, name);
	store_put(txn, key, secret);
	json_decref(record);
	json_decref(secret);
	assert_int_equal(STORE_OK, fixture_commit(fx, txn).result);
}

static void
del_cert(struct fixture *fx, const char *owner, const char *name)
{
	struct store_txn *txn = store_begin(fx->store);
	char key[128];

	snprintf(key, sizeof(key), "cert/%s/%s", owner, name);
	store_del(txn, key);
	snprintf(key, sizeof(key), "certkey/%s/%s", owner, name);
	store_del(txn, key);
	assert_int_equal(STORE_OK, fixture_commit(fx, txn).result);
}

/* ---- what readers find -------------------------------------------------- */

static paas_routedb_reader_t *
open_reader(struct fixture *fx)
{
	paas_routedb_reader_t *reader;
	char path[160];

	snprintf(path, sizeof(path), "%s/certs", fx->dir);
	return paas_routedb_reader_open(&reader, path) == PAAS_ROUTEDB_OK
		   ? reader
		   : NULL;
}

static const char *
served_now(struct fixture *fx, const char *host)
{
	static char text[128];
	paas_routedb_reader_t *reader;
	paas_routedb_cert_t cert;
	uint64_t txn, ids[PAAS_ROUTEDB_CERTS_MAX];
	char *end = text;
	int rc;

	if ((reader = open_reader(fx)) == NULL)
		return "no database";
	assert_int_equal(PAAS_ROUTEDB_OK, paas_routedb_begin(reader, &txn));
	rc = paas_routedb_find_cert_host(reader, host, strlen(host), ids);
	for (int i = 0;
	     rc == PAAS_ROUTEDB_OK && i < PAAS_ROUTEDB_CERTS_MAX && ids[i] != 0;
	     i++) {
		rc = paas_routedb_find_cert(reader, ids[i], &cert);
		if (rc != PAAS_ROUTEDB_OK)
			break;
		end += sprintf(end, "%s%.*s", i > 0 ? " " : "",
		    (int)cert.chain.len, (const char *)cert.chain.data);
		assert_int_equal(6, cert.key.len);
		assert_memory_equal("secret", cert.key.data, 6);
	}
	if (rc != PAAS_ROUTEDB_OK)
		assert_int_equal(PAAS_ROUTEDB_ENOTFOUND, rc);
	assert_int_equal(PAAS_ROUTEDB_OK, paas_routedb_end(reader));
	paas_routedb_reader_close(reader);
	return rc == PAAS_ROUTEDB_OK ? text : "-";
}

static const char *
served(struct fixture *fx, const char *host)
{
	fixture_settle(fx);
	return served_now(fx, host);
}

static paas_routedb_meta_t
meta_of(struct fixture *fx)
{
	paas_routedb_reader_t *reader;
	paas_routedb_meta_t meta;
	uint64_t txn;

	fixture_settle(fx);
	reader = open_reader(fx);
	assert_non_null(reader);
	assert_int_equal(PAAS_ROUTEDB_OK, paas_routedb_begin(reader, &txn));
	assert_int_equal(PAAS_ROUTEDB_OK, paas_routedb_get_meta(reader, &meta));
	assert_int_equal(PAAS_ROUTEDB_OK, paas_routedb_end(reader));
	paas_routedb_reader_close(reader);
	return meta;
}

/* A writer waits for readers that were there before it started. */
static void
wait_served(struct fixture *fx, const char *host, const char *chain)
{
	time_t end = time(NULL) + 10;

	while (strcmp(served(fx, host), chain) != 0 && time(NULL) < end)
		assert_true(sd_event_run(fx->loop, 100000) >= 0);
	assert_string_equal(chain, served(fx, host));
}

/* ---- tests -------------------------------------------------------------- */

static void
test_names(void **state)
{
	struct fixture *fx = *state;

	assert_string_equal("-", served(fx, "www.example.com"));
	put_app(fx, "shop");
	put_app(fx, "other");
	put_domain(fx, "www.example.com", "shop");
	put_domain(fx, "api.example.com", "other");
	put_cert(fx, "shop", "one", 0x11,
	    "[\"www.example.com\", \"api.example.com\", \"shop.paas.test\"]", 9,
	    0);
	assert_string_equal("one", served(fx, "www.example.com"));
	assert_string_equal("one", served(fx, "shop.paas.test"));
	assert_string_equal("-", served(fx, "api.example.com"));
	assert_string_equal("-", served(fx, "a.www.example.com"));
	assert_int_equal(2, meta_of(fx).ncerthosts);
	assert_int_equal(1, meta_of(fx).ncerts);

	/* A domain that comes, moves and goes. */
	put_domain(fx, "api.example.com", "shop");
	assert_string_equal("one", served(fx, "api.example.com"));
	put_domain(fx, "api.example.com", "other");
	assert_string_equal("-", served(fx, "api.example.com"));
	fixture_del(fx, "domain/www.example.com");
	assert_string_equal("-", served(fx, "www.example.com"));
	put_domain(fx, "www.example.com", "shop");
	assert_string_equal("one", served(fx, "www.example.com"));

	/* Other contents, other names, and the end. */
	put_cert(fx, "shop", "one", 0x12, "[\"www.example.com\"]", 9, 0);
	assert_string_equal("one", served(fx, "www.example.com"));
	assert_string_equal("-", served(fx, "shop.paas.test"));
	assert_int_equal(1, meta_of(fx).ncerts);
	del_cert(fx, "shop", "one");
	assert_string_equal("-", served(fx, "www.example.com"));
	assert_int_equal(0, meta_of(fx).ncerthosts);
	assert_int_equal(0, meta_of(fx).ncerts);
}

static void
test_best(void **state)
{
	struct fixture *fx = *state;

	put_app(fx, "shop");
	put_domain(fx, "www.example.com", "shop");
	put_cert(fx, "shop", "star", 0x11, "[\".example.com\"]", 99, 0);
	assert_string_equal("star", served(fx, "www.example.com"));
	put_cert(fx, "shop", "old", 0x12, "[\"www.example.com\"]", 5, 0);
	assert_string_equal("old", served(fx, "www.example.com"));
	put_cert(fx, "shop", "new", 0x13, "[\"www.example.com\"]", 7, 0);
	assert_string_equal("new", served(fx, "www.example.com"));
	del_cert(fx, "shop", "new");
	assert_string_equal("old", served(fx, "www.example.com"));
	del_cert(fx, "shop", "old");
	assert_string_equal("star", served(fx, "www.example.com"));

	/* With the last "*" the platform's own has its turn. */
	put_cert(fx, "-", "all", 0x14, "[\"www.example.com\"]", 9, 0);
	del_cert(fx, "shop", "star");
	assert_string_equal("all", served(fx, "www.example.com"));
	del_cert(fx, "-", "all");
	put_cert(fx, "shop", "star", 0x11, "[\".example.com\"]", 99, 0);
	assert_string_equal("star", served(fx, "www.example.com"));

	/* The same bytes twice: one goes, the other stays. */
	put_cert(fx, "shop", "twin", 0x11, "[\".example.com\"]", 99, 0);
	del_cert(fx, "shop", "star");
	assert_int_equal(1, meta_of(fx).ncerts);
	assert_string_equal("star", served(fx, "www.example.com"));
}

/* A certificate with an RSA key; the other ones here have none. */
static void
put_rsa(struct fixture *fx, const char *owner, const char *name,
    uint64_t content, const char *names, int64_t expires)
{
	char key[128], text[512];

	snprintf(key, sizeof(key), "certkey/%s/%s", owner, name);
	fixture_put(fx, key, "{\"key\": \"secret\"}");
	snprintf(key, sizeof(key), "cert/%s/%s", owner, name);
	snprintf(text, sizeof(text),
	    "{\"content\": \"%016llx\", \"chain\": \"%s\", \"names\": %s, "
	    "\"expires\": %lld, \"created\": 1, \"type\": \"RSA 2048\"}",
	    (unsigned long long)content, name, names, (long long)expires);
	fixture_put(fx, key, text);
}

/* Two of one name, with keys of two kinds: both, the best of each kind. */
static void
test_two(void **state)
{
	struct fixture *fx = *state;

	put_app(fx, "shop");
	put_domain(fx, "www.example.com", "shop");
	put_cert(fx, "shop", "ec", 0x11, "[\"www.example.com\"]", 9, 0);
	put_rsa(fx, "shop", "rsa", 0x12, "[\"www.example.com\"]", 5);
	assert_string_equal("ec rsa", served(fx, "www.example.com"));
	assert_int_equal(1, meta_of(fx).ncerthosts);
	assert_int_equal(2, meta_of(fx).ncerts);
	put_rsa(fx, "shop", "rsa2", 0x13, "[\"www.example.com\"]", 10);
	assert_string_equal("rsa2 ec", served(fx, "www.example.com"));
	put_cert(fx, "shop", "ec2", 0x14, "[\"www.example.com\"]", 11, 0);
	assert_string_equal("ec2 rsa2", served(fx, "www.example.com"));

	/* Not with another name's, nor with another owner's. */
	put_rsa(fx, "shop", "star", 0x15, "[\".example.com\"]", 99);
	put_rsa(fx, "-", "all", 0x16, "[\"www.example.com\"]", 99);
	del_cert(fx, "shop", "rsa2");
	assert_string_equal("ec2 rsa", served(fx, "www.example.com"));
	del_cert(fx, "shop", "rsa");
	assert_string_equal("ec2", served(fx, "www.example.com"));

	/* The platform's may be two as well. */
	put_cert(fx, "-", "ours", 0x17, "[\"www.example.com\"]", 9, 0);
	del_cert(fx, "shop", "ec2");
	del_cert(fx, "shop", "ec");
	del_cert(fx, "shop", "star");
	assert_string_equal("all ours", served(fx, "www.example.com"));

	/* One without a key leaves the other one. */
	fixture_del(fx, "certkey/-/all");
	fixture_del(fx, "cert/-/all");
	fixture_put(fx, "cert/-/keyless",
	    "{\"content\": \"0000000000000018\", \"chain\": \"x\", \"type\": "
	    "\"RSA 2048\", \"names\": [\"www.example.com\"], \"expires\": 99}");
	assert_string_equal("ours", served(fx, "www.example.com"));
}

/* A domain may choose another one than the best. */
static void
test_choice(void **state)
{
	static const char *const want = "11111111-1111-1111-1111-111111111111";
	struct fixture *fx = *state;
	char text[128];

	put_app(fx, "shop");
	put_app(fx, "other");
	put_domain(fx, "www.example.com", "shop");
	put_cert(fx, "shop", "best", 0x11, "[\"www.example.com\"]", 9, 0);
	fixture_put(fx, "certkey/shop/star", "{\"key\": \"secret\"}");
	snprintf(text, sizeof(text),
	    "{\"app\": \"shop\", \"sni_endpoint\": \"%s\"}", want);
	fixture_put(fx, "domain/www.example.com", text);
	assert_string_equal("best", served(fx, "www.example.com"));
	fixture_put(fx, "cert/shop/star",
	    "{\"id\": \"11111111-1111-1111-1111-111111111111\", \"content\": "
	    "\"0000000000000012\", \"chain\": \"star\", \"names\": "
	    "[\".example.com\"], \"expires\": 1}");
	fixture_put(fx, "domain/www.example.com", text);
	assert_string_equal("star", served(fx, "www.example.com"));

	/* Not that of an app that the domain has left. */
	snprintf(text, sizeof(text),
	    "{\"app\": \"other\", \"sni_endpoint\": \"%s\"}", want);
	fixture_put(fx, "domain/www.example.com", text);
	assert_string_equal("-", served(fx, "www.example.com"));
	put_domain(fx, "www.example.com", "shop");
	assert_string_equal("best", served(fx, "www.example.com"));
}

static void
test_stars(void **state)
{
	struct fixture *fx = *state;

	put_app(fx, "shop");
	put_app(fx, "other");
	put_domain(fx, ".example.com", "shop");
	put_cert(fx, "shop", "star", 0x11,
	    "[\".example.com\", \"a.b.example.com\"]", 9, 0);
	assert_string_equal("star", served(fx, "www.example.com"));
	assert_string_equal("star", served(fx, "a.b.example.com"));
	assert_string_equal("-", served(fx, "x.b.example.com"));

	/* What is another app's below it is not served by it. */
	put_domain(fx, "api.example.com", "other");
	assert_string_equal("-", served(fx, "api.example.com"));
	put_domain(fx, "a.b.example.com", "other");
	assert_string_equal("-", served(fx, "a.b.example.com"));
	put_cert(fx, "other", "api", 0x12, "[\"api.example.com\"]", 9, 0);
	assert_string_equal("api", served(fx, "api.example.com"));
	del_cert(fx, "other", "api");
	assert_string_equal("-", served(fx, "api.example.com"));
	fixture_del(fx, "domain/api.example.com");
	assert_string_equal("star", served(fx, "api.example.com"));

	/* Also when the certificate is the later one. */
	del_cert(fx, "shop", "star");
	put_domain(fx, "api.example.com", "other");
	put_cert(fx, "shop", "star", 0x11, "[\".example.com\"]", 9, 0);
	assert_string_equal("star", served(fx, "www.example.com"));
	assert_string_equal("-", served(fx, "api.example.com"));

	/* Without the wildcard domain it is for exact ones alone. */
	put_domain(fx, "www.example.com", "shop");
	fixture_del(fx, "domain/.example.com");
	assert_string_equal("star", served(fx, "www.example.com"));
	assert_string_equal("-", served(fx, "api.example.com"));
	assert_string_equal("-", served(fx, "any.example.com"));

	/* A "*" over the platform's domain is for the app's own host. */
	put_cert(fx, "shop", "own", 0x13, "[\".paas.test\"]", 9, 0);
	assert_string_equal("own", served(fx, "shop.paas.test"));
	assert_string_equal("-", served(fx, "other.paas.test"));
}

static void
test_platform(void **state)
{
	struct fixture *fx = *state;

	put_app(fx, "shop");
	put_domain(fx, "www.example.com", "shop");
	put_cert(fx, "-", "own", 0x21, "[\".paas.test\", \"paas.test\"]", 9, 0);
	assert_string_equal("own", served(fx, "shop.paas.test"));
	assert_string_equal("own", served(fx, "paas.test"));
	assert_string_equal("-", served(fx, "www.example.com"));
	put_cert(fx, "-", "all", 0x22, "[\"www.example.com\"]", 9, 1);
	assert_string_equal("all", served(fx, "www.example.com"));
	assert_string_equal("all", served(fx, "whatever.test"));
	put_cert(fx, "shop", "www", 0x23, "[\"www.example.com\"]", 1, 0);
	assert_string_equal("www", served(fx, "www.example.com"));
	put_cert(fx, "-", "all", 0x22, "[\"www.example.com\"]", 9, 0);
	assert_string_equal("-", served(fx, "whatever.test"));
	del_cert(fx, "-", "own");
	assert_string_equal("-", served(fx, "shop.paas.test"));
}

static void
test_app_goes(void **state)
{
	struct fixture *fx = *state;

	put_app(fx, "shop");
	put_domain(fx, "www.example.com", "shop");
	put_domain(fx, "b.star.org", "shop");
	put_cert(fx, "shop", "one", 0x11,
	    "[\"www.example.com\", \"shop.paas.test\", \".star.org\"]", 9, 0);
	assert_string_equal("one", served(fx, "b.star.org"));
	fixture_del(fx, "app/shop");
	assert_string_equal("-", served(fx, "www.example.com"));
	assert_string_equal("-", served(fx, "shop.paas.test"));
	assert_string_equal("-", served(fx, "b.star.org"));
	del_cert(fx, "shop", "one");
	assert_int_equal(0, meta_of(fx).ncerts);
}

/* What changed while it was not there, and that nothing is written for nothing.
 */
static void
test_restart(void **state)
{
	struct fixture *fx = *state;
	uint64_t generation;

	put_app(fx, "shop");
	put_domain(fx, "www.example.com", "shop");
	put_domain(fx, "b.star.org", "shop");
	put_cert(fx, "shop", "one", 0x11, "[\"www.example.com\"]", 9, 0);
	put_cert(fx, "shop", "star", 0x12, "[\".star.org\"]", 9, 0);
	assert_string_equal("star", served(fx, "b.star.org"));
	generation = meta_of(fx).generation;
	stop();
	start(fx);
	put_app(fx, "shop");
	sleep(3); /* the grace of readers */
	fixture_settle(fx);
	assert_int_equal(generation, meta_of(fx).generation);
	stop();
	fixture_del(fx, "domain/b.star.org");
	put_domain(fx, "c.star.org", "shop");
	del_cert(fx, "shop", "one");
	start(fx);
	wait_served(fx, "c.star.org", "star");
	assert_string_equal("-", served(fx, "b.star.org"));
	assert_string_equal("-", served(fx, "www.example.com"));
	assert_int_equal(1, meta_of(fx).ncerts);
}

static void
write_file(struct fixture *fx, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/certs/%s", fx->dir, name);
	assert_non_null(file = fopen(path, "w"));
	fputs(text, file);
	fclose(file);
}

static void
test_rebuild(void **state)
{
	struct fixture *fx = *state;
	char path[256];
	struct stat sb;

	put_app(fx, "shop");
	put_cert(fx, "shop", "one", 0x11, "[\"shop.paas.test\"]", 9, 0);
	assert_string_equal("one", served(fx, "shop.paas.test"));
	stop();
	write_file(fx, "data.mdb", "rubbish");
	start(fx);
	wait_served(fx, "shop.paas.test", "one");
	stop();
	write_file(fx, "boot", "another boot\n\n");
	start(fx);
	wait_served(fx, "shop.paas.test", "one");

	/* Keys are in it: for the group of its readers alone. */
	snprintf(path, sizeof(path), "%s/certs/data.mdb", fx->dir);
	assert_int_equal(0, stat(path, &sb));
	assert_int_equal(0640, sb.st_mode & 07777);
	snprintf(path, sizeof(path), "%s/certs/lock.mdb", fx->dir);
	assert_int_equal(0, stat(path, &sb));
	assert_int_equal(0600, sb.st_mode & 07777);
	snprintf(path, sizeof(path), "%s/certs", fx->dir);
	assert_int_equal(0, stat(path, &sb));
	assert_int_equal(0, sb.st_mode & 07);
}

/* Records that are not as they should be harm nobody else. */
static void
test_damage(void **state)
{
	struct fixture *fx = *state;

	put_app(fx, "shop");
	put_domain(fx, "www.example.com", "shop");
	put_domain(fx, "two.example.com", "shop");
	fixture_put(fx, "cert/shop/bad", "{\"names\": [\"www.example.com\"]}");
	fixture_put(fx, "cert/shop/keyless",
	    "{\"content\": \"0000000000000044\", \"chain\": \"x\", "
	    "\"names\": [\"www.example.com\", 3, \"\"], \"expires\": 99}");
	put_cert(fx, "shop", "two", 0x12, "[\"two.example.com\"]", 9, 0);
	assert_string_equal("two", served(fx, "two.example.com"));
	assert_string_equal("-", served(fx, "www.example.com"));
}

/* ---- kills --------------------------------------------------------------- */

#include "cert_kills.h"

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_names, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_best, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_two, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_choice, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stars, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_platform, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_app_goes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rebuild, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	    cmocka_unit_test(killed_at_each_change),
	};

	if (kills_parse(&kill_self, argc, argv))
		return kill_main();

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

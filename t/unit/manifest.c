/* sources: manager/common/config_name.c manager/manifest/[a-z]*.c manager/sandbox/common_[a-z]*.c manager/common/health_rule.c; libs: -lyaml -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "manifest/manifest.h"

static struct notes notes;
static struct vars vars;
static json_t *got;

static char *
inherit(const char *name, size_t *len, struct node_place at, struct notes *n,
    void *arg)
{
	char *text;

	(void)arg;
	if (strcmp(name, "base.yml") == 0)
		text = strdup("memory: 64M\n"
			      "env: {A: base, B: base}\n"
			      "applications:\n"
			      "- name: shop\n"
			      "  instances: 2\n"
			      "  memory: 128M\n");
	else if (strcmp(name, "loop.yml") == 0)
		text = strdup("inherit: loop.yml\n");
	else if (strcmp(name, "bad.yml") == 0)
		text = strdup("applications:\n- name: [\n");
	else {
		note(n, NOTE_ERROR, at, "no such file");
		return NULL;
	}
	*len = strlen(text);
	return text;
}

static void
cf(const char *text)
{
	struct manifest_input input = {.file = "manifest.yml",
	    .text = text,
	    .len = strlen(text),
	    .vars = &vars,
	    .vars_hint = "give it",
	    .inherit = inherit};

	json_decref(got);
	notes_begin(&notes, input.file);
	got = manifest_read(&input, &notes);
	assert_true((got == NULL) == (notes.errors > 0));
}

static void
heroku(const char *text)
{
	json_decref(got);
	notes_begin(&notes, "app.json");
	got = appjson_read(text, strlen(text), &notes);
	assert_true((got == NULL) == (notes.errors > 0));
}

/* The settings without their places. */
static void
assert_settings(json_t *settings, const char *want)
{
	json_error_t error;
	json_t *copy = json_copy(settings), *wanted;
	char *text;

	wanted = json_loads(want, 0, &error);
	if (wanted == NULL)
		fail_msg("%s: %s", want, error.text);
	json_object_del(copy, "at");
	json_object_del(copy, "file");
	json_object_del(copy, "defaults");
	if (!json_equal(copy, wanted)) {
		text = json_dumps(copy, 0);
		print_error("%s", notes_first(&notes));
		fail_msg("got %s, not %s", text, want);
	}
	json_decref(copy);
	json_decref(wanted);
}

static void
assert_app(size_t nth, const char *want)
{
	if (got == NULL)
		fail_msg("%s", notes_first(&notes));
	assert_settings(json_array_get(got, nth), want);
}

static void
assert_place(json_t *settings, const char *path, const char *place)
{
	assert_string_equal(json_string_value(json_object_get(
				json_object_get(settings, "at"), path)),
	    place);
}

static void
assert_note(enum note_kind kind, const char *words)
{
	for (size_t i = 0; i < notes.n; i++)
		if (notes.v[i].kind == kind &&
		    strstr(notes.v[i].text, words) != NULL)
			return;
	for (size_t i = 0; i < notes.n; i++)
		print_error("%s\n", notes.v[i].text);
	fail_msg("nobody says \"%s\"", words);
}

#define refused(words) assert_note(NOTE_ERROR, words)
#define warned(words)  assert_note(NOTE_WARNING, words)

static void
usual(void **state)
{
	(void)state;
	cf("---\n"
	   "version: 1\n"
	   "applications:\n"
	   "- name: shop\n"
	   "  instances: 2\n"
	   "  memory: 512M\n"
	   "  disk_quota: 1GB\n"
	   "  log-rate-limit-per-second: 16KB\n"
	   "  path: ./build\n"
	   "  command: bundle exec rake\n"
	   "  buildpacks:\n"
	   "  - ruby_buildpack\n"
	   "  env:\n"
	   "    RAILS_ENV: production\n"
	   "    COUNT: 3\n"
	   "    ON: true\n"
	   "    RATIO: 1.10\n"
	   "  routes:\n"
	   "  - route: www.example.com\n"
	   "  - route: '*.example.org'\n"
	   "    protocol: http1\n"
	   "  health-check-type: http\n"
	   "  health-check-http-endpoint: /healthz\n"
	   "  health-check-invocation-timeout: 10\n"
	   "  timeout: 90\n"
	   "  metadata: {labels: {a: b}}\n"
	   "- name: jobs\n"
	   "  command: |\n"
	   "    ./jobs\n"
	   "  no-route: true\n"
	   "  health-check-type: process\n");
	assert_int_equal(json_array_size(got), 2);
	assert_app(0,
	    "{\"name\": \"shop\", \"path\": \"./build\", \"processes\": "
	    "{\"web\": {\"quantity\": 2, \"memory\": 536870912, \"disk\": "
	    "1073741824, \"log_rate\": 16384, \"command\": \"bundle exec rake\", \"health\": "
	    "{\"type\": \"http\", \"path\": \"/healthz\", \"timeout\": 10, "
	    "\"start_timeout\": 90}}}, \"buildpacks\": [\"ruby_buildpack\"], "
	    "\"env\": {\"RAILS_ENV\": \"production\", \"COUNT\": \"3\", "
	    "\"ON\": \"true\", \"RATIO\": \"1.10\"}, \"hosts\": "
	    "[\"www.example.com\", \"*.example.org\"]}");
	assert_app(1,
	    "{\"name\": \"jobs\", \"processes\": {\"web\": {\"command\": "
	    "\"./jobs\", \"health\": {\"type\": \"process\"}}}}");
	assert_place(json_array_get(got, 0), "processes.web.quantity", "5:14");
	assert_place(json_array_get(got, 0), "hosts.1", "20:12");
	warned("manifest.yml:30:13: no-route");
	assert_int_equal(notes.n, 1);
}

static void
processes(void **state)
{
	(void)state;
	cf("applications:\n"
	   "- name: shop\n"
	   "  memory: 100M\n"
	   "  instances: 1\n"
	   "  processes:\n"
	   "  - type: web\n"
	   "    instances: 3\n"
	   "    health-check-type: http\n"
	   "  - type: worker\n"
	   "    command: ./work\n"
	   "    memory: 1 gb\n"
	   "    timeout: 5\n");
	assert_app(0,
	    "{\"name\": \"shop\", \"processes\": {\"web\": {\"memory\": "
	    "104857600, \"quantity\": 3, \"health\": {\"type\": \"http\", "
	    "\"path\": \"/\"}}, \"worker\": {\"command\": \"./work\", "
	    "\"memory\": 1073741824, \"health\": {\"start_timeout\": 5}}}}");
	cf("applications:\n- processes:\n  - type: Web!\n");
	refused("manifest.yml:3:11: \"Web!\" can't name a process type");
	cf("applications:\n- processes:\n  - {type: a}\n  - {type: a}\n");
	refused("manifest.yml:4:12: the process \"a\" is there twice");
	cf("applications:\n- processes: [{command: x}]\n");
	refused("a process is a map with a type");
}

static void
anchors(void **state)
{
	(void)state;
	cf("defaults: &defaults\n"
	   "  memory: 64M\n"
	   "  env: {A: one}\n"
	   "more: &more {instances: 4, memory: 32M}\n"
	   "x-other: {a: b}\n"
	   "unused: 1\n"
	   "applications:\n"
	   "- name: a\n"
	   "  <<: *defaults\n"
	   "  memory: 128M\n"
	   "- name: b\n"
	   "  <<: [*defaults, *more]\n"
	   "  command: &c ./run\n"
	   "- name: c\n"
	   "  command: *c\n");
	assert_app(0, "{\"name\": \"a\", \"processes\": {\"web\": {\"memory\": "
		      "134217728}}, \"env\": {\"A\": \"one\"}}");
	assert_app(1,
	    "{\"name\": \"b\", \"processes\": {\"web\": {\"memory\": "
	    "67108864, \"quantity\": 4, \"command\": \"./run\"}}, \"env\": "
	    "{\"A\": \"one\"}}");
	assert_app(2,
	    "{\"name\": \"c\", \"processes\": {\"web\": {\"command\": "
	    "\"./run\"}}}");
	assert_int_equal(notes.n, 1);
	warned("manifest.yml:6:1: unused is not a key");
	cf("applications:\n- <<: 3\n");
	refused("manifest.yml:2:7: \"<<\" takes a map");
}

static void
legacy(void **state)
{
	(void)state;
	cf("memory: 64M\n"
	   "env: {A: all, B: all}\n"
	   "domain: example.com\n"
	   "applications:\n"
	   "- name: shop\n"
	   "  env: {B: own}\n"
	   "- name: jobs\n"
	   "  memory: 32M\n"
	   "  hosts: [j1, j2]\n"
	   "- name: bare\n"
	   "  no-hostname: true\n");
	assert_app(0,
	    "{\"name\": \"shop\", \"processes\": {\"web\": {\"memory\": "
	    "67108864}}, \"env\": {\"A\": \"all\", \"B\": \"own\"}, "
	    "\"hosts\": [\"shop.example.com\"]}");
	assert_app(1,
	    "{\"name\": \"jobs\", \"processes\": {\"web\": {\"memory\": "
	    "33554432}}, \"env\": {\"A\": \"all\", \"B\": \"all\"}, "
	    "\"hosts\": [\"j1.example.com\", \"j2.example.com\"]}");
	assert_settings(json_object_get(json_array_get(got, 2), "hosts"),
	    "[\"example.com\"]");
	cf("instances: 2\n");
	assert_app(
	    0, "{\"name\": \"\", \"processes\": {\"web\": {\"quantity\": 2}}}");
}

static void
inherited(void **state)
{
	(void)state;
	cf("inherit: base.yml\n"
	   "env: {B: own}\n"
	   "applications:\n"
	   "- name: shop\n"
	   "  memory: 256M\n");
	assert_app(0,
	    "{\"name\": \"shop\", \"processes\": {\"web\": {\"memory\": "
	    "268435456, \"quantity\": 2}}, \"env\": {\"A\": \"base\", \"B\": "
	    "\"own\"}}");
	cf("inherit: loop.yml\n");
	refused("inherit leads to more than 5 files");
	cf("inherit: bad.yml\napplications: [{name: a}]\n");
	refused("bad.yml:");
	cf("inherit: none.yml\napplications: [{name: a}]\n");
	refused("manifest.yml:1:10: no such file");
}

static void
variables(void **state)
{
	static const char file[] = "host: www\nn: 3\ndb: {user: me}\n"
				   "names: [a, b]\nself: ((host))\n";
	struct notes v;

	(void)state;
	notes_begin(&v, "vars.yml");
	assert_int_equal(vars_add_file(&vars, file, strlen(file), &v), 0);
	assert_int_equal(vars_add(&vars, "domain=example.com"), 0);
	assert_int_equal(vars_add(&vars, "n=5"), 0);
	assert_int_equal(vars_add(&vars, "novalue"), -1);
	assert_int_equal(vars_add(&vars, "=x"), -1);
	cf("applications:\n"
	   "- name: shop\n"
	   "  instances: ((n))\n"
	   "  buildpacks: ((names))\n"
	   "  env: {U: '((db.user))!((self))'}\n"
	   "  routes: [{route: ((host)).((domain))}]\n");
	assert_app(0,
	    "{\"name\": \"shop\", \"processes\": {\"web\": {\"quantity\": 5}}, "
	    "\"buildpacks\": [\"a\", \"b\"], \"env\": {\"U\": "
	    "\"me!((host))\"}, \"hosts\": [\"www.example.com\"]}");
	cf("applications:\n- name: ((nobody))\n  path: a((names))\n"
	   "  instances: ((names))\n");
	refused("manifest.yml:2:9: ((nobody)) has no value: give it");
	refused("manifest.yml:3:9: ((names)) stands within a text");
	vars_free(&vars);
	assert_int_equal(vars_add_file(&vars, "- a\n", 4, &v), -1);
	vars_free(&vars);
}

static void
wrong(void **state)
{
	static const char *const cases[][2] = {
	    {"instances: many", "2:14: instances has to be a whole number"},
	    {"instances: -1", "from 0 to 10000, not \"-1\""},
	    {"instances: 10001", "not \"10001\""},
	    {"instances: 99999999999999999999", "not \"999"},
	    {"instances: [1]", "2:14: instances has to be a whole number"},
	    {"memory: 512", "2:11: memory has to be a number with a unit"},
	    {"memory: lots", "not \"lots\""},
	    {"memory: 1M", "from 16M to 1024G"},
	    {"memory: 9223372036854775807G", "number with a unit"},
	    {"memory: {a: b}", "memory has to be a number with a unit"},
	    {"disk_quota: 5", "disk_quota has to be"},
	    {"log-rate-limit-per-second: 5", "a number with a unit, from 1K"},
	    {"log-rate-limit-per-second: 9G", "to 3814M, or -1"},
	    {"log-rate-limit-per-second: 0", "-1 for no limit, not \"0\""},
	    {"env: [a]", "2:8: env has to be a map"},
	    {"env: {1A: x}", "2:9: \"1A\" can't name a variable"},
	    {"env: {PORT: x}", "PORT is set by the platform"},
	    {"env: {A: [x]}", "2:12: A has to be a text"},
	    {"routes: www", "routes has to be a list"},
	    {"routes: [www]", "each of routes is a map"},
	    {"routes: [{route: 'http://a.b'}]", "2:20: a route is a host"},
	    {"routes: [{route: 'a.b:80'}]", "there are no TCP routes"},
	    {"routes: [{route: 'a.b/c'}]", "has a path"},
	    {"routes: [{route: 'a*.b'}]", "is not a host"},
	    {"routes: [{route: '..'}]", "is not a host"},
	    {"routes: [{route: a.b, protocol: tcp}]", "http1 or http2"},
	    {"health-check-type: ping", "not \"ping\""},
	    {"health-check-type: command", "wants a health-check-command"},
	    {"health-check-http-status: 2xx", "has to be statuses"},
	    {"health-check-http-headers: {A b: c}", "names with a text"},
	    {"health-check-restart: -1", "health-check-restart has to be"},
	    {"stop-timeout: 4000", "stop-timeout has to be"},
	    {"health-check-http-endpoint: a b", "path of printable ASCII"},
	    {"timeout: 0", "timeout has to be"},
	    {"services: [db]", "2:14: the service \"db\" can't be bound"},
	    {"services: [{name: db, parameters: {}}]", "service \"db\""},
	    {"services: [{}]", "a service is a name"},
	    {"docker: {image: a/b}", "paas push --image"},
	    {"lifecycle: docker", "paas push --image"},
	    {"command: \"a\\nb\"", "command has to be one line"},
	    {"command: \"a\\eb\"", "without control characters"},
	    {"random-route: maybe", "true or false, not \"maybe\""},
	    {"buildpacks: nodejs", "buildpacks has to be a list"},
	    {"buildpacks: [{}]", "a buildpack takes a text"},
	    {"name: Shop", "\"Shop\" can't name an app"},
	    {"name: a-name-of-more-than-thirty-letters", "can't name an app"},
	    {"memory: 1G\n  memory: 2G", "3:3: \"memory\" is there twice"},
	    {"path: \"\"", "path is empty"},
	};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(
		    text, sizeof(text), "applications:\n- %s\n", cases[i][0]);
		cf(text);
		refused(cases[i][1]);
	}
}

static void
wrong_files(void **state)
{
	static const char *const cases[][2] = {
	    {"", "a manifest is a map"},
	    {"- a\n", "1:1: a manifest is a map"},
	    {"version: 1\n", "applications has to be a list"},
	    {"applications: {}\n", "1:15: applications has to be a list"},
	    {"applications: []\n", "applications has to be a list"},
	    {"applications: [a]\n", "each of applications is a map"},
	    {"version: 2\napplications: [{name: a}]\n", "version has to be 1"},
	    {"applications: [{name: a}, {name: a}]\n", "is there twice"},
	    {"applications: [{name: a}, {memory: 1G}]\n", "the only one"},
	    {"applications:\n\t- name: a\n", "manifest.yml:2:1: this is no "},
	    {"applications: [{name: a}]\n---\na: b\n", "second document"},
	    {"a: *b\n", "this is no YAML"},
	    {"a: \"\\0\"\n", "a value holds a NUL byte"},
	    {"? [a]\n: b\n", "a key has to be a word"},
	    {"a: &a [*a]\n", "deep in each other"},
	    {"a: &a {<<: *a}\n", "deep in each other"},
	    {"a: \"\xff\"\n", "this is no YAML"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cf(cases[i][0]);
		refused(cases[i][1]);
	}
}

/* Ten lines that stand for ten thousand million values. */
static void
bombs(void **state)
{
	char text[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n", *deep;
	size_t len;

	(void)state;
	for (int i = 1; i < 10; i++) {
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++) {
			len = strlen(text);
			snprintf(text + len, sizeof(text) - len, "*a%d%s",
			    i - 1, j < 9 ? ", " : "]\n");
		}
	}
	cf(text);
	refused("more than 10000 values");
	deep = malloc(NODE_FILE_MAX + 2);
	memset(deep, '[', NODE_FILE_MAX);
	deep[NODE_FILE_MAX] = '\0';
	cf(deep);
	refused("manifest.yml:1:25: lists and maps are too deep");
	heroku(deep);
	refused("this is no JSON");
	for (size_t i = 0; i + 9 < NODE_FILE_MAX; i += 9)
		snprintf(deep + i, 10, "- &a%04zx\n", i / 9 & 0xffff);
	cf(deep);
	refused("too many anchors");
	memset(deep, ' ', NODE_FILE_MAX + 1);
	deep[NODE_FILE_MAX + 1] = '\0';
	cf(deep);
	refused("larger than 256 KiB");
	free(deep);
}

static void
warnings(void **state)
{
	(void)state;
	cf("applications:\n"
	   "- name: shop\n"
	   "  colour: red\n"
	   "  stack: cflinuxfs4\n"
	   "  \"b\\e[31m\": x\n"
	   "  sidecars: []\n"
	   "  health-check-http-endpoint: /x\n"
	   "  memory: ~\n"
	   "  processes:\n"
	   "  - {type: web, shade: dark}\n"
	   "  routes: [{route: a.b, protocol: http2, weight: 3}]\n");
	assert_app(0,
	    "{\"name\": \"shop\", \"processes\": {\"web\": {\"health\": "
	    "{}}}, \"hosts\": [\"a.b\"]}");
	warned("manifest.yml:3:3: colour is not a key");
	warned("manifest.yml:4:3: stack has no effect");
	warned("5:3: b\\x1b[31m is not a key");
	warned("sidecars are not had here");
	warned("counts only with health-check-type: http");
	warned("10:17: shade is not a key");
	warned("protocol http2 is not set by a route");
	warned("weight is not a key");
}

static void
app_json(void **state)
{
	(void)state;
	heroku("{\n"
	       "  \"name\": \"Small \\ud83d\\ude00 App\",\n"
	       "  \"description\": \"x\", \"keywords\": [\"a\"],\n"
	       "  \"env\": {\n"
	       "    \"PLAIN\": \"1\",\n"
	       "    \"SECRET\": {\"description\": \"d\", \"generator\": "
	       "\"secret\"},\n"
	       "    \"WITH\": {\"value\": \"v\"},\n"
	       "    \"WANTED\": {\"description\": \"d\"},\n"
	       "    \"NOT\": {\"required\": false}\n"
	       "  },\n"
	       "  \"formation\": {\"web\": {\"quantity\": 2, \"size\": "
	       "\"Standard-2X\"}, \"worker\": {\"quantity\": 0}},\n"
	       "  \"addons\": [\"heroku-postgresql:mini\", {\"plan\": "
	       "\"redis\"}],\n"
	       "  \"buildpacks\": [{\"url\": \"heroku/nodejs\"}],\n"
	       "  \"scripts\": {\"postdeploy\": \"rake db:seed\"},\n"
	       "  \"stack\": \"heroku-22\",\n"
	       "  \"shade\": 1\n"
	       "}\n");
	if (got == NULL)
		fail_msg("%s", notes_first(&notes));
	assert_settings(got,
	    "{\"name\": \"\", \"env\": {\"PLAIN\": \"1\", \"WITH\": \"v\"}, "
	    "\"secrets\": [\"SECRET\"], \"required\": [\"WANTED\"], "
	    "\"processes\": {\"web\": {\"quantity\": 2, \"memory\": "
	    "1073741824}, \"worker\": {\"quantity\": 0}}, \"buildpacks\": "
	    "[\"heroku/nodejs\"], \"postdeploy\": \"rake db:seed\"}");
	assert_place(got, "processes.web.quantity", "11:37");
	assert_true(json_is_true(json_object_get(got, "defaults")));
	warned("the add-on \"heroku-postgresql:mini\" is not made");
	warned("the add-on \"redis\" is not made");
	warned("app.json:15:3: stack has no effect");
	warned("app.json:16:3: shade is not a key");
	heroku("{\"env\": {\"A\": \"\\/ \\\\ud83d\\\\ude00\"}}");
	assert_settings(got,
	    "{\"name\": \"\", \"env\": {\"A\": \"/ \\\\ud83d\\\\ude00\"}}");
}

static void
wrong_json(void **state)
{
	static const char *const cases[][2] = {
	    {"", "app.json:1:"},
	    {"{,}", "app.json:1:2: this is no JSON"},
	    {"{\"a\": 1,\n \"a\": 2}", "app.json:2:"},
	    {"[]", "app.json:1:1: it has to be an object"},
	    {"{\"env\": []}", "1:9: env has to be a map"},
	    {"{\"env\": {\"A\": []}}", "1:15: a variable is a text"},
	    {"{\"env\": {\"A-B\": \"x\"}}", "1:10: \"A-B\" can't name"},
	    {"{\"env\": {\"A\": {\"generator\": \"x\"}}}", "not \"x\""},
	    {"{\"env\": {\"A\": {\"required\": 3}}}", "true or false"},
	    {"{\"formation\": {\"web\": {\"quantity\": \"x\"}}}", "1:36: "},
	    {"{\"formation\": {\"WEB\": {}}}", "\"WEB\" can't name"},
	    {"{\"formation\": {\"web\": 3}}", "a process is {"},
	    {"{\"buildpacks\": [\"x\"]}", "a buildpack is {"},
	    {"{\"addons\": [3, []]}", "an add-on is a plan"},
	    {"{\"scripts\": {\"postdeploy\": []}}", "is a command"},
	    {"{\"scripts\": {\"postdeploy\": \"\"}}", "is a command"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		heroku(cases[i][0]);
		refused(cases[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(usual),
	    cmocka_unit_test(processes),
	    cmocka_unit_test(anchors),
	    cmocka_unit_test(legacy),
	    cmocka_unit_test(inherited),
	    cmocka_unit_test(variables),
	    cmocka_unit_test(wrong),
	    cmocka_unit_test(wrong_files),
	    cmocka_unit_test(bombs),
	    cmocka_unit_test(warnings),
	    cmocka_unit_test(app_json),
	    cmocka_unit_test(wrong_json),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* sources: manager/manifest/[a-z]*.c manager/sandbox/common_[a-z]*.c manager/common/config_name.c manager/cli/[!p]*.c manager/cli/[dhpv]*[a-z]/[a-z]*.c manager/common/conf.c manager/common/push.c manager/common/health_rule.c; libs: -lyaml -lcurl -ljansson -larchive -lsodium -llmdb -lssl -lcrypto */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/app.h"
#include "cli/grammar.h"
#include "cli/http.h"
#include "cli/login.h"

static void
test_every_verb_is_complete(void **state)
{
	const struct grammar_verb *verb, *other;
	char usage[512], start[96];
	size_t len;

	(void)state;
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		assert_non_null(verb->group);
		assert_non_null(verb->run);
		assert_non_null(verb->help);
		assert_non_null(verb->example);
		len = strlen(verb->help);
		assert_true(len > 5 && len < 60);
		assert_int_not_equal(verb->help[len - 1], '.');
		snprintf(start, sizeof(start), "paas %s", verb->name);
		assert_memory_equal(verb->example, start, strlen(start));
		grammar_usage(verb, usage, sizeof(usage));
		assert_true(strlen(usage) < 100);
		for (other = verb + 1; other->name != NULL; other++)
			assert_string_not_equal(verb->name, other->name);
		assert_ptr_equal(grammar_find(verb->name), verb);
	}
}

static void
test_aliases_are_unique(void **state)
{
	const struct grammar_verb *verb;
	char names[64], *rest, *name;

	(void)state;
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		if (verb->aliases == NULL)
			continue;
		snprintf(names, sizeof(names), "%s", verb->aliases);
		for (rest = names; (name = strsep(&rest, " ")) != NULL;)
			assert_ptr_equal(grammar_find(name), verb);
	}
	assert_null(grammar_find(""));
	assert_null(grammar_find("apps:list apps"));
}

static void
test_every_option_is_complete(void **state)
{
	const struct grammar_verb *verb;
	int i, j;

	(void)state;
	for (i = 1; i < OPT_MAX; i++) {
		assert_int_equal(grammar_options[i].id, i);
		assert_non_null(grammar_options[i].name);
		assert_non_null(grammar_options[i].help);
	}
	/* no verb has two options of one name or letter */
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		for (i = 1; i < OPT_MAX; i++) {
			for (j = i + 1; j < OPT_MAX; j++) {
				if (!grammar_takes(verb, i) ||
				    !grammar_takes(verb, j))
					continue;
				assert_string_not_equal(grammar_options[i].name,
				    grammar_options[j].name);
				assert_true(grammar_options[i].letter == 0 ||
					    grammar_options[i].letter !=
						grammar_options[j].letter);
			}
		}
	}
}

/* Every example is a line that the grammar takes. */
static void
test_examples_parse(void **state)
{
	const struct grammar_verb *verb;
	struct grammar_words words;
	char line[256], err[PAAS_ERRLEN], *argv[16], *rest, *word;
	const char *unknown;
	int argc;

	(void)state;
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		snprintf(line, sizeof(line), "%s", verb->example);
		line[strcspn(line, ">")] = '\0';
		argc = 0;
		for (rest = line; (word = strsep(&rest, " ")) != NULL;) {
			if (*word != '\0')
				argv[argc++] = word;
		}
		argv[argc] = NULL;
		assert_int_equal(
		    grammar_parse(&words, argc, argv, &unknown, err), 0);
		assert_ptr_equal(words.verb, verb);
		grammar_free(&words);
	}
}

/* argv as one string; words end at blanks. */
static int
parse(struct grammar_words *words, const char *text, char err[PAAS_ERRLEN])
{
	static char line[256];
	static char *argv[24];
	const char *unknown;
	char *rest = line, *word;
	int argc = 0;

	snprintf(line, sizeof(line), "paas %s", text);
	while ((word = strsep(&rest, " ")) != NULL)
		argv[argc++] = word;
	argv[argc] = NULL;
	return grammar_parse(words, argc, argv, &unknown, err);
}

static void
test_options(void **state)
{
	struct grammar_words w;
	char err[PAAS_ERRLEN];

	(void)state;
	assert_int_equal(parse(&w, "-a x logs -fn 20 --ps=web.1", err), 0);
	assert_string_equal(w.verb->name, "logs");
	assert_string_equal(w.option[OPT_APP], "x");
	assert_string_equal(w.option[OPT_FOLLOW], "");
	assert_string_equal(w.option[OPT_LINES], "20");
	assert_string_equal(w.option[OPT_PS], "web.1");
	grammar_free(&w);
	assert_int_equal(parse(&w, "logs --tail --num 5 -ax", err), 0);
	assert_string_equal(w.option[OPT_APP], "x");
	assert_string_equal(w.option[OPT_LINES], "5");
	grammar_free(&w);
	assert_int_equal(parse(&w, "ps:scale web=3 --json worker=1", err), 0);
	assert_int_equal(w.nargs, 2);
	assert_string_equal(w.args[1], "worker=1");
	grammar_free(&w);
	assert_int_equal(parse(&w, "config:get -a x -- --json", err), 0);
	assert_string_equal(w.args[0], "--json");
	assert_null(w.option[OPT_JSON]);
	grammar_free(&w);
	/* What stands behind a command's first word is the command's. */
	assert_int_equal(parse(&w, "run -a x ls -a --json -- y", err), 0);
	assert_string_equal(w.option[OPT_APP], "x");
	assert_null(w.option[OPT_JSON]);
	assert_int_equal(w.nargs, 5);
	assert_string_equal(w.args[1], "-a");
	grammar_free(&w);
	assert_int_equal(parse(&w, "ps:exec web.1 -a", err), 0);
	assert_int_equal(w.nargs, 2);
	grammar_free(&w);
	/* How a platform beside the machine's own is called. */
	assert_int_equal(parse(&w, "--socket /s help push", err), 0);
	assert_string_equal(w.args[0], "push");
	grammar_free(&w);
	assert_int_equal(parse(&w, "push -", err), 0);
	assert_string_equal(w.args[0], "-");
	grammar_free(&w);
}

static void
test_errors(void **state)
{
	static const struct {
		const char *line, *say;
	} bad[] = {
	    {"nosuch", "no verb nosuch"},
	    {"ps --nosuch", "unknown option --nosuch"},
	    {"ps -z", "unknown option -z"},
	    {"ps --follow", "unknown option --follow"},
	    {"ps extra", "too many arguments: extra"},
	    {"ps -a", "--app needs a value"},
	    {"ps --app", "--app needs a value"},
	    {"ps --app=", "--app is empty"},
	    {"ps -a x -a y", "--app is given twice"},
	    {"ps --json=1", "--json takes no value"},
	    {"config:get", "NAME is missing"},
	    {"config:set", "NAME=VALUE is missing"},
	    {"routes:add h", "TARGET is missing"},
	    {"-a x apps", "it takes no --app"},
	    {"--json help", "it takes no --json"},
	    {"completion a b", "too many arguments: b"},
	};
	struct grammar_words w;
	char err[PAAS_ERRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(&w, bad[i].line, err), -1);
		if (strstr(err, bad[i].say) == NULL)
			print_error("'%s' says '%s'\n", bad[i].line, err);
		assert_non_null(strstr(err, bad[i].say));
		grammar_free(&w);
	}
	/* --help wins over what is missing */
	assert_int_equal(parse(&w, "config:get --help", err), 0);
	grammar_free(&w);
}

static void
test_suggestions(void **state)
{
	static const struct {
		const char *typed, *want;
	} near[] = {
	    {"pss", "ps"},
	    {"psuh", "push"},
	    {"ps:scael", "ps:scale"},
	    {"config:st", "config:set"},
	    {"app:create", "apps:create"},
	    {"stauts", "status"},
	    {"rel", "releases"},
	    {"domain", "domains"},
	    {"scal", "ps:scale"},
	};
	const struct grammar_verb *found[3];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		assert_true(grammar_suggest(near[i].typed, found, 3) >= 1);
		assert_string_equal(found[0]->name, near[i].want);
	}
	assert_int_equal(grammar_suggest("zzzzzzzzz", found, 3), 0);
	assert_int_equal(grammar_suggest("", found, 3), 0);
}

static void
test_paths(void **state)
{
	char buf[HTTP_PATH_MAX], *longest;

	(void)state;
	assert_int_equal(http_path(buf, "/a/%s/b/%s", "x y", "../z"), 0);
	assert_string_equal(buf, "/a/x%20y/b/%2E.%2Fz");
	assert_int_equal(http_path(buf, "/%s", "*.ex.com"), 0);
	assert_string_equal(buf, "/%2A.ex.com");
	assert_int_equal(http_path(buf, "/%s", "\xc3\xa9?#%"), 0);
	assert_string_equal(buf, "/%C3%A9%3F%23%25");
	longest = calloc(1, HTTP_PATH_MAX + 1);
	memset(longest, 'a', HTTP_PATH_MAX);
	assert_int_equal(http_path(buf, "/%s", longest), -1);
	free(longest);
}

static void
test_app_names(void **state)
{
	(void)state;
	assert_true(app_name_valid("a"));
	assert_true(app_name_valid("shop-2"));
	assert_true(app_name_valid("abcdefghijabcdefghijabcdefghij"));
	assert_false(app_name_valid("abcdefghijabcdefghijabcdefghijk"));
	assert_false(app_name_valid(""));
	assert_false(app_name_valid("Shop"));
	assert_false(app_name_valid("2shop"));
	assert_false(app_name_valid(".."));
	assert_false(app_name_valid("a/b"));
}

static void
test_login_urls(void **state)
{
	static const struct {
		const char *host, *url;
	} cases[] = {
	    {"example.com", "https://api.example.com"},
	    {"api.example.com:8443", "https://api.example.com:8443"},
	    {"https://example.com/", "https://api.example.com"},
	    {"http://api.example.com", "http://api.example.com"},
	    {"paas.localhost:8080", "http://api.paas.localhost:8080"},
	    {"notlocalhost", "https://api.notlocalhost"},
	    {"127.0.0.1:5000", "http://127.0.0.1:5000"},
	    {"10.0.0.1", "https://10.0.0.1"},
	    {"", NULL},
	    {"https://", NULL},
	    {"ftp://example.com", NULL},
	    {"example.com/apps", NULL},
	    {"a b", NULL},
	    {"user@example.com", NULL},
	    {"-x", NULL},
	    {"a..b", NULL},
	};
	char url[LOGIN_URL];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].url == NULL) {
			assert_int_equal(-1, login_url(url, cases[i].host));
			continue;
		}
		assert_int_equal(0, login_url(url, cases[i].host));
		assert_string_equal(cases[i].url, url);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_verb_is_complete),
	    cmocka_unit_test(test_aliases_are_unique),
	    cmocka_unit_test(test_every_option_is_complete),
	    cmocka_unit_test(test_examples_parse),
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_suggestions),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_login_urls),
	    cmocka_unit_test(test_app_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

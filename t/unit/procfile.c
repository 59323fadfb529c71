/* sources: manager/sandbox/build_procfile.c manager/sandbox/build_file.c manager/sandbox/build_release.c manager/sandbox/common_types.c manager/sandbox/common_text.c; libs: -lyaml -ljansson -lbsd */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "sandbox/build.h"

static struct types types;
static struct release said;
static char err[SANDBOX_ERRLEN];

static int
parse(const char *text)
{
	types_free(&types);
	err[0] = '\0';
	return procfile_parse(text, strlen(text), &types, err);
}

static int
release(const char *yaml)
{
	release_free(&said);
	said.addons[0] = '\0';
	err[0] = '\0';
	return release_parse(yaml, strlen(yaml), &said, err);
}

#define assert_says(words) assert_non_null(strstr(err, words))

static void
usual(void **state)
{
	(void)state;
	assert_int_equal(parse("# what runs\n"
			       "web: gunicorn app:app --bind :$PORT\n"
			       "\n"
			       "  worker :  python3 worker.py  \r\n"
			       "release: ./migrate"),
	    0);
	assert_int_equal(types.n, 3);
	assert_string_equal(
	    types_find(&types, "web"), "gunicorn app:app --bind :$PORT");
	assert_string_equal(types_find(&types, "worker"), "python3 worker.py");
	assert_string_equal(types_find(&types, "release"), "./migrate");
	assert_int_equal(types.v[1].line, 4);
	assert_null(types_find(&types, "clock"));
}

static void
empty_or_bom(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(types.n, 0);
	assert_int_equal(parse("\n\n# nothing\n"), 0);
	assert_int_equal(types.n, 0);
	assert_int_equal(parse("\xef\xbb\xbfweb: x\n"), 0);
	assert_string_equal(types_find(&types, "web"), "x");
}

static void
errors_name_the_line(void **state)
{
	(void)state;
	assert_int_equal(parse("web: x\nworker\n"), -1);
	assert_says("line 2 has no colon");
	assert_int_equal(parse("web: x\n\nWorker: y\n"), -1);
	assert_says("line 3: \"Worker\" can't name");
	assert_int_equal(parse("web: x\nweb: y\n"), -1);
	assert_says("line 2: \"web\" is declared already");
	assert_int_equal(parse("web:   \n"), -1);
	assert_says("line 1: \"web\" has no command");
	assert_int_equal(parse(": x\n"), -1);
	assert_says("line 1: \"\"");
	assert_int_equal(parse("a2345678901234567890123456789012: x\n"), -1);
	assert_says("line 1");
}

static void
nothing_raw(void **state)
{
	(void)state;
	assert_int_equal(parse("\x1b[31mweb: x\n"), -1);
	assert_null(strchr(err, '\x1b'));
	assert_says("\\x1b[31mweb");
	assert_int_equal(parse("web: echo \x1b[2J\n"), -1);
	assert_says("control characters");
	assert_int_equal(parse("web: echo \xff\n"), -1);
	assert_says("UTF-8");
	types_free(&types);
	assert_int_equal(procfile_parse("web: a\0b\n", 9, &types, err), -1);
	assert_int_equal(parse("web: echo h\xc3\xa9\n"), 0);
}

static void
bounded(void **state)
{
	static char text[64 * 1024];
	size_t i, len = 0;

	(void)state;
	for (i = 0; i <= SANDBOX_TYPES_MAX; i++)
		len += (size_t)sprintf(text + len, "t%zu: x\n", i);
	assert_int_equal(parse(text), -1);
	assert_says("at most 32 process types");
	len = (size_t)sprintf(text, "web: ");
	memset(text + len, 'x', SANDBOX_COMMAND_MAX);
	text[len + SANDBOX_COMMAND_MAX] = '\0';
	assert_int_equal(parse(text), 0);
	text[len + SANDBOX_COMMAND_MAX] = 'x';
	text[len + SANDBOX_COMMAND_MAX + 1] = '\0';
	assert_int_equal(parse(text), -1);
	for (i = 0, len = 0; i < 5; i++)
		len += (size_t)sprintf(
		    text + len, "t%zu: %0*d\n", i, SANDBOX_COMMAND_MAX, 1);
	assert_int_equal(parse(text), -1);
	assert_says("bytes of commands in all");
}

static void
files(void **state)
{
	char dir[] = "/tmp/procfile.XXXXXX", path[64];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/Procfile", dir);
	types_free(&types);
	assert_int_equal(procfile_read(dir, &types, err), 0);
	assert_int_equal(types.n, 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("web: x\n", file);
	fclose(file);
	assert_int_equal(procfile_read(dir, &types, err), 0);
	assert_int_equal(types.n, 1);
	assert_int_equal(truncate(path, SANDBOX_PROCFILE_MAX + 1), 0);
	types_free(&types);
	assert_int_equal(procfile_read(dir, &types, err), -1);
	assert_says("larger than 64 KiB");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0); /* does not wait for it */
	assert_int_equal(procfile_read(dir, &types, err), -1);
	assert_says("not a file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(procfile_read(dir, &types, err), -1);
	rmdir(path);
	rmdir(dir);
}

static void
of_a_pack(void **state)
{
	(void)state;
	assert_int_equal(release(""), 0);
	assert_int_equal(release("--- {}\n"), 0);
	assert_int_equal(release("---\naddons: []\nconfig_vars: {}\n"), 0);
	assert_int_equal(said.types.n, 0);
	assert_int_equal(release("---\naddons:\n  - pg\n"
				 "default_process_types:\n"
				 "  web: npm start\n"
				 "  console: \"node -i\"\n"),
	    0);
	assert_int_equal(said.types.n, 2);
	assert_string_equal(types_find(&said.types, "web"), "npm start");
	assert_string_equal(types_find(&said.types, "console"), "node -i");
	assert_string_equal(said.addons, "pg");
	assert_int_equal(release("default_process_types:\n"), 0);
	assert_int_equal(release("config_vars:\n  RACK_ENV: production\n"
				 "  B: \"a=b\\nc\"\n"),
	    0);
	assert_string_equal(
	    json_string_value(json_object_get(said.config, "RACK_ENV")),
	    "production");
	assert_int_equal(json_object_size(said.config), 2);
	assert_int_equal(release("config_vars: [a]\n"), -1);
	assert_says("must map names to values");
	assert_int_equal(release("config_vars: {\"A B\": x}\n"), -1);
	assert_says("\"A B\" does not");
	assert_int_equal(release("config_vars: {A: [x]}\n"), -1);
	assert_int_equal(release("config_vars: {1A: x}\n"), -1);
	release_free(&said);
}

static void
of_a_broken_pack(void **state)
{
	(void)state;
	assert_int_equal(release("a: [\n"), -1);
	assert_says("line");
	assert_int_equal(release("just words\n"), -1);
	assert_int_equal(release("default_process_types: [web]\n"), -1);
	assert_int_equal(release("default_process_types: {web: {a: b}}\n"), -1);
	assert_int_equal(release("default_process_types: {Web: x}\n"), -1);
	assert_says("\"Web\" can't name");
	assert_int_equal(
	    release("default_process_types: {web: \"a\\nb\"}\n"), -1);
	assert_int_equal(release("a: &a [x]\nb: [*a,*a]\nc: *nothing\n"), -1);
}

static void
escapes(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(text_escape(out, sizeof(out), "a\nb\x1b[0m\"\\"),
	    "a\\x0ab\\x1b[0m\\x22\\x5c");
	assert_string_equal(
	    text_escape(out, sizeof(out), "h\xc3\xa9 \xc2\x9b \xff"),
	    "h\xc3\xa9 \\xc2\\x9b \\xff");
	assert_string_equal(text_escape(out, 8, "0123456789"), "0123...");
	assert_string_equal(text_escape(out, 8, "abc\n\n"), "abc...");
	assert_string_equal(text_escape(out, sizeof(out), ""), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(usual),
	    cmocka_unit_test(empty_or_bom),
	    cmocka_unit_test(errors_name_the_line),
	    cmocka_unit_test(nothing_raw),
	    cmocka_unit_test(bounded),
	    cmocka_unit_test(files),
	    cmocka_unit_test(of_a_pack),
	    cmocka_unit_test(of_a_broken_pack),
	    cmocka_unit_test(escapes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

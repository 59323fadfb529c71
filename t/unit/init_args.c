/* sources: manager/launcher/init_args.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "launcher/init_args.h"
#include "launcher/protocol.h"

/* paas-init itself frees nothing: it ends with them. */
static const char *
parse_args(struct init_args *args, char *bytes, size_t len)
{
	free(args->argv);
	free(args->envp);
	memset(args, 0, sizeof(*args));
	return init_args_parse(args, bytes, len);
}

/* Cut off anywhere the arguments are refused, not read past. */
static void
test_args(void **state)
{
	struct launch_args head = {LAUNCH_ARGS_MAGIC, 0, 2, 1};
	char bytes[64], *copy;
	struct init_args args = {0};
	size_t len;

	(void)state;
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), "/app\0run\0web\0A=b", 17);
	for (len = 0; len < sizeof(head) + 17; len++) {
		copy = malloc(len + 1);
		memcpy(copy, bytes, len);
		assert_non_null(parse_args(&args, copy, len));
		free(copy);
	}
	assert_null(parse_args(&args, bytes, sizeof(head) + 17));
	assert_string_equal(args.cwd, "/app");
	assert_string_equal(args.argv[1], "web");
	assert_null(args.argv[2]);
	assert_string_equal(args.envp[0], "A=b");
	assert_null(args.envp[1]);
	head.argc = UINT32_MAX;
	memcpy(bytes, &head, sizeof(head));
	assert_non_null(parse_args(&args, bytes, sizeof(head) + 17));
	free(args.argv);
	free(args.envp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_args)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

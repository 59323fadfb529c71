/* sources: manager/launcher/launcher_nft.c; libs: -Wl,--wrap=nft_run_cmd_from_buffer,--wrap=nft_ctx_get_error_buffer,--wrap=usleep -lnftables */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "launcher/launcher_nft.h"

#define CACHE "Error: cache initialization failed: Invalid argument\n"

static int fails, runs;
static const char *why;

int __wrap_nft_run_cmd_from_buffer(struct nft_ctx *, const char *);
const char *__wrap_nft_ctx_get_error_buffer(struct nft_ctx *);
int __wrap_usleep(useconds_t);

int
__wrap_nft_run_cmd_from_buffer(struct nft_ctx *nft, const char *commands)
{
	(void)nft;
	assert_string_equal(commands, "add table inet x");
	return ++runs <= fails ? -1 : 0;
}

const char *
__wrap_nft_ctx_get_error_buffer(struct nft_ctx *nft)
{
	(void)nft;
	return why;
}

int
__wrap_usleep(useconds_t us)
{
	assert_in_range(us, 1, 50000);
	return 0;
}

static void
tries_again(void **state)
{
	static const struct {
		const char *why;
		int fails, runs, rc;
	} table[] = {
	    {CACHE, 0, 1, 0},
	    {CACHE, 1, 2, 0},
	    {CACHE, 9, 10, 0},
	    {CACHE, 1000, 10, -1}, /* not for ever */
	    {"Error: syntax error, unexpected end of file\n", 1000, 1, -1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		runs = 0;
		fails = table[i].fails;
		why = table[i].why;
		assert_int_equal(
		    nft_run(NULL, "add table inet x"), table[i].rc);
		assert_int_equal(runs, table[i].runs);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tries_again)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

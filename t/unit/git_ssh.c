/* sources: manager/git/ssh_command.c; */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "git/ssh.h"

static void
reads_what_git_says(void **state)
{
	static const struct {
		const char *text, *service, *app;
		int push;
	} rows[] = {
	    {"git-receive-pack 'shop.git'", "git-receive-pack", "shop", 1},
	    {"git-receive-pack '/shop.git'", "git-receive-pack", "shop", 1},
	    {"git receive-pack '/shop'", "git-receive-pack", "shop", 1},
	    {"git-upload-pack 'a-1'", "git-upload-pack", "a-1", 0},
	    {"git upload-pack '/abcdefghijklmnopqrstuvwxyz0123.git'",
		"git-upload-pack", "abcdefghijklmnopqrstuvwxyz0123", 0},
	};
	struct ssh_command command;
	char err[PAAS_ERRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    0, ssh_read_command(&command, rows[i].text, err));
		assert_string_equal(rows[i].service, command.service);
		assert_string_equal(rows[i].app, command.app);
		assert_int_equal(rows[i].push, command.push);
	}
}

static void
refuses_all_else(void **state)
{
	static const char *const rows[] = {NULL, "", " ", "id", "sh",
	    "scp -t .", "git", "git-receive-pack", "git-receive-pack ",
	    "git-receive-pack shop.git", "git-receive-pack \"shop.git\"",
	    "git-receive-pack 'shop.git", "git-receive-pack 'shop.git' ",
	    "git-receive-pack 'shop.git';id", "git-receive-pack 'shop.git' 'x'",
	    "git-receive-pack 'shop.git'\n", "git-receive-pack ''",
	    "git-receive-pack '/'", "git-receive-pack '.git'",
	    "git-receive-pack '../shop.git'", "git-receive-pack '//shop.git'",
	    "git-receive-pack '/a/b.git'", "git-receive-pack '/shop.git/'",
	    "git-receive-pack '/shop.git/hooks'", "git-receive-pack '~/x'",
	    "git-receive-pack 'Shop.git'", "git-receive-pack 'sh\xc3\xb6p'",
	    "git-receive-pack 'shop.git.git'", "git-receive-pack '$(id)'",
	    "git-receive-pack 'a'\\''b'", "git-receive-pack 'a\nb'",
	    "git-receive-pack --strict 'shop.git'",
	    "git-receive-pack  'shop.git'", " git-receive-pack 'shop.git'",
	    "git-receive-pack\t'shop.git'", "git-receive-packs 'shop.git'",
	    "git-receive-pack 'abcdefghijklmnopqrstuvwxyz01234'",
	    "git-upload-archive 'shop.git'", "git-shell",
	    "env git-upload-pack "
	    "'shop'",
	    "git -c core.sshCommand=id upload-pack 'shop'"};
	struct ssh_command command;
	char err[PAAS_ERRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err[0] = '\0';
		if (ssh_read_command(&command, rows[i], err) == 0)
			fail_msg("%s", rows[i]);
		assert_string_not_equal("", err);
		assert_null(strchr(err, '\n'));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_git_says),
	    cmocka_unit_test(refuses_all_else),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* help, completion. */
#include <string.h>

#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/help.h"

int
cmd_help(struct cli *cli)
{
	const struct grammar_verb *verb;

	if (cli_has(cli, OPT_MDOC)) {
		mdoc_print(&cli->out);
		return EXIT_OK;
	}
	if (cli->words.nargs == 0) {
		help_overview(&cli->out);
		return EXIT_OK;
	}
	verb = grammar_find(cli->words.args[0]);
	if (verb == NULL)
		return cli_mistyped(cli, cli->words.args[0]);
	help_verb(&cli->out, verb);
	return EXIT_OK;
}

int
cmd_completion(struct cli *cli)
{
	if (complete_print(&cli->out, cli->words.args[0]) == 0)
		return EXIT_OK;
	return cli_usage(
	    cli, "'%s' is none of bash, zsh and fish", cli->words.args[0]);
}

/* login: whether the certificate is to be believed. */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/login.h"
#include "cli/trust.h"

static int
trust_refuse(struct cli *cli, const char *url)
{
	char why[PAAS_ERRLEN];

	trust_explain(url, why);
	cli_error(cli, "%s", why);
	return EXIT_UNREACHABLE;
}

static int
trust_take(struct cli *cli, const char *url, const struct trust_cert *cert)
{
	if (trust_keep(url, cert) == 0)
		return EXIT_OK;
	cli_error(cli,
	    "the certificate could not be kept in ~/.config/paas: %s",
	    strerror(errno));
	return EXIT_REFUSED;
}

/* A person has to say so; without one nothing is believed. */
static int
trust_ask(struct cli *cli, const char *url, const struct trust_cert *cert)
{
	char line[LOGIN_LINE];

	if (!isatty(STDIN_FILENO)) {
		cli_error(cli,
		    "nobody that this machine knows has signed the certificate "
		    "of %s, SHA-256 %s. If those who run it say that this is "
		    "right, log in with --fingerprint and what they say",
		    url, cert->print);
		return EXIT_UNREACHABLE;
	}
	out_line(&cli->err,
	    "Nobody that this machine knows has signed the certificate of %s.",
	    url);
	out_line(&cli->err, "SHA-256 %s", cert->print);
	out_line(&cli->err,
	    "On the platform's machine, `paas doctor` says the same one.");
	if (login_ask(cli, "Trust it from now on (yes or no): ", 0, line) ==
		0 &&
	    strcmp(line, "yes") == 0)
		return trust_take(cli, url, cert);
	cli_error(cli, "not trusted: nothing was sent");
	return EXIT_REFUSED;
}

static int
trust_compare(struct cli *cli, const struct trust_cert *cert, const char *given)
{
	if (strcmp(given, cert->print) == 0)
		return EXIT_OK;
	cli_error(cli,
	    "what answers has the fingerprint %s, and not that of "
	    "--fingerprint: nothing was sent",
	    cert->print);
	return EXIT_UNREACHABLE;
}

/* It may be good by authorities, or by what was kept before, or not. */
static int
trust_judge(struct cli *cli, const char *url, const char *given, int public)
{
	struct trust_cert cert, kept;
	int rc;

	if (trust_fetch(url, &cert) != CURLE_OK || cert.wrong[0] != '\0')
		return trust_refuse(cli, url);
	if (given != NULL && (rc = trust_compare(cli, &cert, given)) != EXIT_OK)
		return rc;
	if (trust_load(url, &kept) == 0) {
		if (strcmp(kept.print, cert.print) == 0)
			return EXIT_OK;
		/* git's configuration may name the file: it stays */
		return public || given != NULL ? trust_take(cli, url, &cert)
					       : trust_refuse(cli, url);
	}
	if (public)
		return EXIT_OK;
	return given != NULL ? trust_take(cli, url, &cert)
			     : trust_ask(cli, url, &cert);
}

int
login_trust(struct cli *cli, const char *url)
{
	const char *word = cli->words.option[OPT_FINGERPRINT];
	char print[TRUST_PRINT];
	int rc;

	if (word != NULL && trust_read_print(print, word) == -1)
		return cli_usage(cli,
		    "--fingerprint takes that of SHA-256, 64 digits of 0 to 9 "
		    "and A to F, not '%s'",
		    word);
	if (strncmp(url, "https://", 8) != 0) {
		if (word == NULL)
			return EXIT_OK;
		return cli_usage(
		    cli, "--fingerprint is of https, and %s is not", url);
	}
	rc = trust_try(url, 0);
	if (rc != CURLE_OK && rc != CURLE_PEER_FAILED_VERIFICATION) {
		cli_error(cli, "cannot reach the platform at %s: %s", url,
		    curl_easy_strerror((CURLcode)rc));
		return EXIT_UNREACHABLE;
	}
	return trust_judge(
	    cli, url, word != NULL ? print : NULL, rc == CURLE_OK);
}

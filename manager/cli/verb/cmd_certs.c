/* certs, certs:add, certs:info, certs:update, certs:remove. */
#include <bsd/err.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"

#define CERTS_FILE_MAX (64 * 1024)
#define CERTS_SOON     14 /* days that are worth a colour */
#define CERTS_SHOWN    3  /* hosts of one in the table */

/* ---- asking ------------------------------------------------------------ */

/* name is NULL for all of them. */
static int
certs_call(struct cli *cli, const char *method, const json_t *body,
    json_t **answer, const char *name)
{
	if (cli_has(cli, OPT_PLATFORM))
		return name == NULL ? cli_call(cli, method, body, answer,
					  "/certificates")
				    : cli_call(cli, method, body, answer,
					  "/certificates/%s", name);
	return name == NULL ? cli_call(cli, method, body, answer,
				  "/apps/%s/sni-endpoints", cli->app)
			    : cli_call(cli, method, body, answer,
				  "/apps/%s/sni-endpoints/%s", cli->app, name);
}

static const char *
certs_owner(const struct cli *cli)
{
	return cli_has(cli, OPT_PLATFORM) ? "The platform" : cli->app;
}

/* The one that was named, or the only one there is: copied to name. */
static int
certs_choose(struct cli *cli, const char *given, char *name, size_t len)
{
	struct cli_text text;
	json_t *certs;
	size_t count;
	int rc;

	if (given != NULL) {
		if (strlcpy(name, given, len) < len)
			return EXIT_OK;
		return cli_usage(cli, "'%s' is too long for a name", given);
	}
	rc = certs_call(cli, "GET", NULL, &certs, NULL);
	if (rc != EXIT_OK)
		return rc;
	count = json_array_size(certs);
	strlcpy(name, cli_text(json_array_get(certs, 0), "name", &text), len);
	json_decref(certs);
	if (count == 1)
		return EXIT_OK;
	if (count == 0) {
		cli_error(cli,
		    "%s has no certificate: add one with paas certs:add",
		    certs_owner(cli));
		return EXIT_REFUSED;
	}
	return cli_usage(cli, "%s has %zu certificates: which one?",
	    certs_owner(cli), count);
}

/* ---- showing ----------------------------------------------------------- */

/* Whole days from now, rounded down; 0 is today. */
static long
certs_days(const json_t *cert)
{
	struct cli_text text;
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (strptime(cli_text(cert, "ssl_cert.expires_at", &text),
		"%Y-%m-%dT%H:%M:%SZ", &tm) == NULL)
		return 0;
	return (long)((timegm(&tm) - time(NULL)) / 86400);
}

static enum out_colour
certs_colour(long days)
{
	return days < 0 ? OUT_RED : days < CERTS_SOON ? OUT_YELLOW : OUT_NONE;
}

static void
certs_when(const json_t *cert, char *buf, size_t len)
{
	long days = certs_days(cert);
	const char *s = days == 1 || days == -1 ? "" : "s";

	if (days < 0)
		snprintf(buf, len, "%ld day%s ago", -days, s);
	else
		snprintf(buf, len, "in %ld day%s", days, s);
}

/* "a.example.com, *.example.com +3" */
static void
certs_hosts(const json_t *list, size_t shown, char *buf, size_t len)
{
	size_t i, count = json_array_size(list);
	char more[32] = "";
	json_t *host;

	if (count > shown)
		snprintf(more, sizeof(more), " +%zu", count - shown);
	buf[0] = '\0';
	json_array_foreach (list, i, host) {
		if (i >= shown || !json_is_string(host))
			break;
		strlcat(buf, i > 0 ? ", " : "", len);
		strlcat(buf, json_string_value(host), len);
	}
	strlcat(buf, more, len);
}

int
cmd_certs(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"NAME", 0}, {"KEY", 0}, {"EXPIRES", 0}, {"SERVED AT", 0}, {0}};
	struct cli_text text;
	struct table *table;
	json_t *certs, *cert;
	char buf[1024];
	size_t i;
	int rc;

	rc = certs_call(cli, "GET", NULL, &certs, NULL);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, certs);
	table = table_new(columns);
	json_array_foreach (certs, i, cert) {
		table_cell(table, OUT_NONE, "%s%s",
		    cli_text(cert, "name", &text),
		    json_is_true(json_object_get(cert, "default"))
			? " (default)"
			: "");
		table_cell(
		    table, OUT_DIM, "%s", cli_text(cert, "key_type", &text));
		certs_when(cert, buf, sizeof(buf));
		table_cell(table, certs_colour(certs_days(cert)), "%s", buf);
		certs_hosts(json_object_get(cert, "hostnames"), CERTS_SHOWN,
		    buf, sizeof(buf));
		table_cell(table, OUT_NONE, "%s", buf[0] != '\0' ? buf : "-");
	}
	table_print(table, &cli->out, "No certificates.");
	json_decref(certs);
	return EXIT_OK;
}

static const char *
certs_trust(const json_t *cert)
{
	const json_t *ssl = json_object_get(cert, "ssl_cert");

	if (json_is_true(json_object_get(ssl, "ca_signed?")))
		return "by an authority that this machine knows";
	if (json_is_true(json_object_get(ssl, "self_signed?")))
		return "by nobody: it is self-signed";
	return "by nobody that this machine knows";
}

static int
certs_show(struct cli *cli, json_t *cert)
{
	struct cli_text text;
	char when[64], hosts[8192];

	if (cli->json)
		return cli_print_json(cli, cert);
	certs_hosts(json_object_get(cert, "hostnames"), (size_t)-1, hosts,
	    sizeof(hosts));
	out_line(&cli->out, "Name      %s", cli_text(cert, "name", &text));
	out_line(&cli->out, "Served at %s",
	    hosts[0] != '\0' ? hosts
			     : "- (none of its hosts is a domain of the app)");
	certs_hosts(
	    json_object_get(json_object_get(cert, "ssl_cert"), "cert_domains"),
	    (size_t)-1, hosts, sizeof(hosts));
	out_line(&cli->out, "Hosts     %s", hosts);
	out_line(&cli->out, "Key       %s", cli_text(cert, "key_type", &text));
	certs_when(cert, when, sizeof(when));
	out_line(&cli->out, "Expires   %s, %s",
	    cli_text(cert, "ssl_cert.expires_at", &text), when);
	out_line(&cli->out, "Starts    %s",
	    cli_text(cert, "ssl_cert.starts_at", &text));
	out_line(&cli->out, "Subject   %s",
	    cli_text(cert, "ssl_cert.subject", &text));
	out_line(&cli->out, "Issuer    %s",
	    cli_text(cert, "ssl_cert.issuer", &text));
	out_line(&cli->out, "Trusted   %s", certs_trust(cert));
	if (cli_has(cli, OPT_PLATFORM))
		out_line(&cli->out, "Default   %s",
		    cli_text(cert, "default", &text));
	json_decref(cert);
	return EXIT_OK;
}

int
cmd_certs_info(struct cli *cli)
{
	char name[64];
	json_t *cert;
	int rc;

	rc = certs_choose(cli, cli->words.nargs > 0 ? cli->words.args[0] : NULL,
	    name, sizeof(name));
	if (rc == EXIT_OK)
		rc = certs_call(cli, "GET", NULL, &cert, name);
	return rc == EXIT_OK ? certs_show(cli, cert) : rc;
}

/* ---- changing ---------------------------------------------------------- */

/* A file as a JSON string; NULL after a complaint. */
static json_t *
certs_read(struct cli *cli, const char *path)
{
	char *text = malloc(CERTS_FILE_MAX + 1);
	FILE *file;
	json_t *string = NULL;
	size_t len;

	if (text == NULL)
		err(EXIT_REFUSED, NULL);
	if ((file = fopen(path, "re")) == NULL) {
		cli_error(cli, "%s: %s", path, strerror(errno));
		free(text);
		return NULL;
	}
	len = fread(text, 1, CERTS_FILE_MAX + 1, file);
	if (ferror(file))
		cli_error(cli, "%s: %s", path, strerror(errno));
	else if (len > CERTS_FILE_MAX)
		cli_error(cli, "%s is over %d bytes", path, CERTS_FILE_MAX);
	else if ((string = json_stringn(text, len)) == NULL)
		cli_error(cli,
		    "%s is not PEM: if it is DER, openssl x509 or openssl "
		    "pkey with -inform DER makes PEM of it",
		    path);
	fclose(file);
	explicit_bzero(text, CERTS_FILE_MAX + 1);
	free(text);
	return string;
}

/* {"certificate_chain", "private_key"} of CERT and KEY; NULL: complained. */
static json_t *
certs_body(struct cli *cli)
{
	json_t *chain, *key;

	if ((chain = certs_read(cli, cli->words.args[0])) == NULL)
		return NULL;
	if ((key = certs_read(cli, cli->words.args[1])) == NULL) {
		json_decref(chain);
		return NULL;
	}
	return json_pack(
	    "{s:o, s:o}", "certificate_chain", chain, "private_key", key);
}

static int
certs_done(struct cli *cli, int rc, json_t *cert)
{
	struct cli_text text;
	const char *warning;

	if (rc != EXIT_OK)
		return rc;
	warning = cli_text(cert, "warnings.ssl_cert", &text);
	if (*warning != '\0')
		out_line(
		    &cli->err, "paas: warning: the certificate %s", warning);
	return certs_show(cli, cert);
}

int
cmd_certs_add(struct cli *cli)
{
	const char *name = cli->words.option[OPT_NAME];
	json_t *body, *cert;
	int rc;

	if (cli_has(cli, OPT_DEFAULT) && !cli_has(cli, OPT_PLATFORM))
		return cli_usage(
		    cli, "--default is for certificates of --platform");
	if ((body = certs_body(cli)) == NULL)
		return EXIT_REFUSED;
	if (name != NULL)
		json_object_set_new(body, "name", json_string(name));
	if (cli_has(cli, OPT_DEFAULT))
		json_object_set_new(body, "default", json_true());
	rc = certs_call(cli, "POST", body, &cert, NULL);
	json_decref(body);
	return certs_done(cli, rc, cert);
}

int
cmd_certs_update(struct cli *cli)
{
	json_t *body, *cert;
	char name[64];
	int rc;

	rc = certs_choose(cli, cli->words.option[OPT_NAME], name, sizeof(name));
	if (rc != EXIT_OK)
		return rc;
	if ((body = certs_body(cli)) == NULL)
		return EXIT_REFUSED;
	rc = certs_call(cli, "PATCH", body, &cert, name);
	json_decref(body);
	return certs_done(cli, rc, cert);
}

int
cmd_certs_remove(struct cli *cli)
{
	json_t *cert;
	int rc;

	rc = certs_call(cli, "DELETE", NULL, &cert, cli->words.args[0]);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, cert);
	out_line(&cli->out, "Removed the certificate %s", cli->words.args[0]);
	json_decref(cert);
	return EXIT_OK;
}

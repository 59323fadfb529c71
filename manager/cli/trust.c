#include "cli/trust.h"

#include <bsd/string.h>
#include <ctype.h>
#include <curl/curl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/own.h"

#define TRUST_FOLDER    "certs"
#define TRUST_MACHINE   "/etc/ssl/certs"
#define TRUST_CONNECT   10L /* seconds */
#define TRUST_HOST      260
#define TRUST_IS_OTHERS "it is for other hosts: %.120s"

/* ---- a certificate ----------------------------------------------------- */

/* "https://api.example.com:8443": with its port, or the host alone. */
static void
url_host(char host[TRUST_HOST], const char *url, int port)
{
	const char *p = strstr(url, "://");
	size_t len;

	p = p != NULL ? p + 3 : url;
	if (!port && *p == '[')
		len = strcspn(++p, "]");
	else
		len = strcspn(p, port ? "/" : ":/");
	snprintf(host, TRUST_HOST, "%.*s", (int)len, p);
}

static int
cert_names(X509 *x509, const char *host)
{
	return X509_check_host(x509, host, 0, 0, NULL) == 1 ||
	       X509_check_ip_asc(x509, host, 0) == 1;
}

int
trust_print(X509 *x509, char print[TRUST_PRINT])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0, i;

	print[0] = '\0';
	if (X509_digest(x509, EVP_sha256(), md, &n) != 1 || n != 32)
		return -1;
	for (i = 0; i < n; i++)
		snprintf(print + (size_t)3 * i, 4, "%02X%s", md[i],
		    i + 1 < n ? ":" : "");
	return 0;
}

static int
cert_describe(X509 *x509, const char *host, struct trust_cert *cert)
{
	char subject[128];

	if (trust_print(x509, cert->print) == -1)
		return -1;
	X509_NAME_oneline(
	    X509_get_subject_name(x509), subject, sizeof(subject));
	if (!cert_names(x509, host))
		snprintf(
		    cert->wrong, sizeof(cert->wrong), TRUST_IS_OTHERS, subject);
	else if (X509_cmp_current_time(X509_get0_notAfter(x509)) < 0)
		strlcpy(cert->wrong, "it has expired", sizeof(cert->wrong));
	else if (X509_cmp_current_time(X509_get0_notBefore(x509)) > 0)
		strlcpy(cert->wrong,
		    "it is not good yet: is the clock here right?",
		    sizeof(cert->wrong));
	return 0;
}

/* By its text; -1 if that is no certificate. */
static int
cert_read(const char *url, struct trust_cert *cert)
{
	BIO *bio = BIO_new_mem_buf(cert->pem, -1);
	X509 *x509 =
	    bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	char host[TRUST_HOST];
	int rc = -1;

	cert->print[0] = cert->wrong[0] = '\0';
	url_host(host, url, 0);
	if (x509 != NULL)
		rc = cert_describe(x509, host, cert);
	X509_free(x509);
	BIO_free(bio);
	return rc;
}

int
trust_read_print(char print[TRUST_PRINT], const char *text)
{
	const char *p = strrchr(text, '=');
	size_t n = 0;

	p = p != NULL ? p + 1 : text;
	if (strncasecmp(p, "sha256:", strlen("sha256:")) == 0)
		p += strlen("sha256:");
	for (; *p != '\0' && n < 64; p++) {
		if (*p == ':' && n > 0 && n % 2 == 0)
			continue;
		if (!isxdigit((unsigned char)*p))
			return -1;
		if (n > 0 && n % 2 == 0)
			print[n / 2 * 3 - 1] = ':';
		print[n / 2 * 3 + n % 2] = (char)toupper((unsigned char)*p);
		n++;
	}
	print[TRUST_PRINT - 1] = '\0';
	return n == 64 && *p == '\0' ? 0 : -1;
}

/* ---- what was believed -------------------------------------------------- */

static int
kept_name(char name[TRUST_HOST + 16], const char *url)
{
	char host[TRUST_HOST];

	url_host(host, url, 1);
	if (host[0] == '\0' || strchr(host, '/') != NULL)
		return -1;
	snprintf(name, TRUST_HOST + 16, TRUST_FOLDER "/%s.pem", host);
	return 0;
}

int
trust_file(char path[PATH_MAX], const char *url)
{
	char name[TRUST_HOST + 16];

	return kept_name(name, url) == 0 && own_path(path, name, 0) == 0 &&
		       access(path, R_OK) == 0
		   ? 0
		   : -1;
}

int
trust_load(const char *url, struct trust_cert *cert)
{
	char path[PATH_MAX];
	size_t n = 0;
	FILE *file;

	if (trust_file(path, url) == -1 || (file = fopen(path, "re")) == NULL)
		return -1;
	n = fread(cert->pem, 1, sizeof(cert->pem) - 1, file);
	cert->pem[n] = '\0';
	(void)fclose(file);
	return cert_read(url, cert);
}

int
trust_keep(const char *url, const struct trust_cert *cert)
{
	char name[TRUST_HOST + 16];

	return kept_name(name, url) == 0 ? own_write(name, cert->pem) : -1;
}

/*
 * What was said of this platform goes before what is said of all.  Those of
 * the machine count beside a file of ours: in a folder of their own.
 */
static void
set_trust(CURL *easy, const char *url, int kept)
{
	const char *file = getenv("SSL_CERT_FILE");
	char path[PATH_MAX];

	if (kept && trust_file(path, url) == 0) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, path);
		curl_easy_setopt(easy, CURLOPT_CAPATH, TRUST_MACHINE);
	} else if (file != NULL && *file != '\0')
		curl_easy_setopt(easy, CURLOPT_CAINFO, file);
}

void
trust_set(void *easy, const char *url)
{
	set_trust((CURL *)easy, url, 1);
}

/* ---- what is served ------------------------------------------------------ */

static CURL *
greet(const char *url)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		return NULL;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, TRUST_CONNECT);
	return easy;
}

int
trust_try(const char *url, int kept)
{
	CURL *easy = greet(url);
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	if (easy != NULL) {
		set_trust(easy, url, kept);
		rc = curl_easy_perform(easy);
	}
	curl_easy_cleanup(easy);
	return (int)rc;
}

/* The first of the chain: "Cert:-----BEGIN CERTIFICATE-----..." */
static CURLcode
served_read(CURL *easy, const char *url, struct trust_cert *cert)
{
	struct curl_certinfo *chain = NULL;
	const struct curl_slist *line;
	static const char word[] = "Cert:";

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK ||
	    chain == NULL || chain->num_of_certs < 1)
		return CURLE_SSL_CONNECT_ERROR;
	for (line = chain->certinfo[0]; line != NULL; line = line->next)
		if (strncmp(line->data, word, sizeof(word) - 1) == 0 &&
		    strlcpy(cert->pem, line->data + sizeof(word) - 1,
			sizeof(cert->pem)) < sizeof(cert->pem) &&
		    cert_read(url, cert) == 0)
			return CURLE_OK;
	return CURLE_SSL_CONNECT_ERROR;
}

int
trust_fetch(const char *url, struct trust_cert *cert)
{
	CURL *easy = greet(url);
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	if (easy != NULL) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
		curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
		rc = curl_easy_perform(easy);
		if (rc == CURLE_OK)
			rc = served_read(easy, url, cert);
	}
	curl_easy_cleanup(easy);
	return (int)rc;
}

void
trust_explain(const char *url, char err[PAAS_ERRLEN])
{
	struct trust_cert now, kept;
	int rc = trust_fetch(url, &now);

	if (rc != CURLE_OK)
		snprintf(err, PAAS_ERRLEN,
		    "cannot reach the platform at %.200s: %s", url,
		    curl_easy_strerror((CURLcode)rc));
	else if (now.wrong[0] != '\0')
		snprintf(err, PAAS_ERRLEN,
		    "the certificate of %.120s is not good: %s", url,
		    now.wrong);
	else if (trust_load(url, &kept) == 0 &&
		 strcmp(kept.print, now.print) != 0)
		snprintf(err, PAAS_ERRLEN,
		    "the certificate of %.60s has changed, or somebody is on "
		    "the way: it was %s and is %s. If those who run it say "
		    "that this is right: paas login %.60s --fingerprint %s",
		    url, kept.print, now.print, url, "WHAT-THEY-SAY");
	else
		snprintf(err, PAAS_ERRLEN,
		    "nobody that this machine knows has signed the certificate "
		    "of %.60s, SHA-256 %s. `paas login %.60s` asks whether to "
		    "trust it",
		    url, now.print, url);
}

const struct http_trust trust_platform = {trust_set, trust_explain};

/*
 * Whom to believe that it is the platform: those that the machine's list of
 * authorities has signed for, or what SSL_CERT_FILE names in its place, as
 * other programs have it; and of a host that whoever logged in has believed,
 * its certificate, kept as PEM in ~/.config/paas/certs, or that list.
 */
#ifndef PAAS_CLI_TRUST_H
#define PAAS_CLI_TRUST_H

#include <limits.h>

#include "cli/http.h"

#define TRUST_PRINT 96 /* SHA-256 as openssl prints it: AB:CD:... */
#define TRUST_PEM   16384

struct trust_cert {
	char pem[TRUST_PEM];
	char print[TRUST_PRINT];
	char wrong[200]; /* why it is none for that host and today; or "" */
};

/* Both of the following, for http_open_url. */
extern const struct http_trust trust_platform;

/* Has a handle of libcurl's believe who may be believed at a URL. */
void trust_set(void *easy, const char *url);

/* The file of what was believed for a URL; -1 if there is none. */
int trust_file(char path[PATH_MAX], const char *url);

/* What it is; -1 if there is none. */
int trust_load(const char *url, struct trust_cert *);

/* From now on believed there: 0, or -1 with errno. */
int trust_keep(const char *url, const struct trust_cert *);

/*
 * Shakes hands, and sends nothing: a CURLcode.  With kept, what was believed
 * before counts as well.
 */
int trust_try(const char *url, int kept);

/* What is served there, whoever has signed it: a CURLcode. */
int trust_fetch(const char *url, struct trust_cert *);

/* Why what is served there is not believed: a sentence, and the way out. */
void trust_explain(const char *url, char err[PAAS_ERRLEN]);

/* The fingerprint of a certificate of OpenSSL's: 0, or -1. */
struct x509_st;
int trust_print(struct x509_st *, char print[TRUST_PRINT]);

/*
 * "sha256 Fingerprint=AB:CD:...", "SHA256:abcd..." or the digits alone, as we
 * have it: 0; -1: that is no fingerprint.
 */
int trust_read_print(char print[TRUST_PRINT], const char *text);

#endif

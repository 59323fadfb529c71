#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/heroku/heroku.h"

#define LIFE_BACK  (-3600L) /* of clocks that are not quite right */
#define LIFE_AHEAD (30L * 86400)
#define OTHERS_MAX (4L * 1024 * 1024)

static int
extension_add(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int good = ext != NULL && X509_add_ext(cert, ext, -1) == 1;

	X509_EXTENSION_free(ext);
	return good;
}

/* RFC 5280; signed by itself, for the loopback address alone. */
static int
cert_fill(X509 *cert, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(cert);
	uint64_t serial = 0;

	return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       X509_set_version(cert, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(
		   X509_get_serialNumber(cert), serial >> 1 | 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), LIFE_BACK) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), LIFE_AHEAD) != NULL &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		   (const unsigned char *)"paas heroku", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1 &&
	       X509_set_pubkey(cert, key) == 1 &&
	       extension_add(
		   cert, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") &&
	       extension_add(
		   cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       extension_add(cert, NID_key_usage,
		   "critical,digitalSignature,keyCertSign") &&
	       extension_add(cert, NID_ext_key_usage, "serverAuth") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

/* Those that the program would believe in without us go on being so. */
static int
others_copy(FILE *to)
{
	const char *path = getenv("NODE_EXTRA_CA_CERTS");
	char buf[8192];
	long left = OTHERS_MAX;
	FILE *from;
	size_t n;

	if (path == NULL || *path == '\0' || (from = fopen(path, "re")) == NULL)
		return 1;
	while (left > 0 && (n = fread(buf, 1, sizeof(buf), from)) > 0) {
		(void)fwrite(buf, 1, n, to);
		left -= (long)n;
	}
	(void)fclose(from);
	return fputc('\n', to) != EOF;
}

static int
ca_write(X509 *cert)
{
	int fd = memfd_create("paas-heroku.pem", MFD_CLOEXEC);
	int copy = fd != -1 ? dup(fd) : -1, good;
	FILE *file = copy != -1 ? fdopen(copy, "w") : NULL;

	good = file != NULL && PEM_write_X509(file, cert) == 1 &&
	       others_copy(file);
	if (file != NULL)
		good &= fclose(file) == 0;
	else if (copy != -1)
		(void)close(copy);
	if (good)
		return fd;
	if (fd != -1)
		(void)close(fd);
	return -1;
}

int
heroku_tls_make(struct heroku *h, char err[PAAS_ERRLEN])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	const char *why = NULL;

	h->ca = -1;
	h->tls = SSL_CTX_new(TLS_server_method());
	if (key != NULL && cert != NULL && h->tls != NULL &&
	    cert_fill(cert, key) &&
	    SSL_CTX_set_min_proto_version(h->tls, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_use_certificate(h->tls, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(h->tls, key) == 1)
		h->ca = ca_write(cert);
	if (h->ca == -1) {
		why = ERR_reason_error_string(ERR_get_error());
		snprintf(err, PAAS_ERRLEN,
		    "no certificate could be made for this run: %s",
		    why != NULL ? why : "no room for it");
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return h->ca != -1 ? 0 : -1;
}

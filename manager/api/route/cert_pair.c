/*
 * PEM in, PEM out.
 */
#include "api/route/cert_pair.h"

#include <bsd/string.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route/cert_check.h"

/* ---- the chain --------------------------------------------------------- */

static int
is_certificate(const char *block)
{
	return strcmp(block, PEM_STRING_X509) == 0 ||
	       strcmp(block, PEM_STRING_X509_OLD) == 0;
}

/* One block of the file onto the chain. */
static int
add_block(STACK_OF(X509) * chain, const char *block, const unsigned char *der,
    long len, char err[PAAS_ERRLEN])
{
	const unsigned char *p = der;
	int number = sk_X509_num(chain) + 1;
	X509 *cert;

	if (!is_certificate(block)) {
		snprintf(err, PAAS_ERRLEN,
		    "certificate_chain has a block \"%.40s\": it takes "
		    "certificates only%s",
		    block,
		    strstr(block, "PRIVATE KEY") != NULL
			? ", the key goes into private_key"
			: "");
		return -1;
	}
	if (number > CERT_CHAIN_MAX) {
		snprintf(err, PAAS_ERRLEN,
		    "certificate_chain has more than %d certificates",
		    CERT_CHAIN_MAX);
		return -1;
	}
	cert = d2i_X509(NULL, &p, len);
	if (cert == NULL || p != der + len || sk_X509_push(chain, cert) == 0) {
		X509_free(cert);
		snprintf(err, PAAS_ERRLEN,
		    "certificate_chain: certificate %d can't be read: is the "
		    "file whole?",
		    number);
		return -1;
	}
	return 0;
}

/* -1 with a sentence, also when there is none at all. */
static int
read_blocks(BIO *bio, STACK_OF(X509) * chain, char err[PAAS_ERRLEN])
{
	unsigned char *der;
	char *block, *header;
	unsigned long why;
	long len;
	int rc;

	while (PEM_read_bio(bio, &block, &header, &der, &len) == 1) {
		rc = add_block(chain, block, der, len, err);
		OPENSSL_free(block);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
		if (rc == -1)
			return -1;
	}
	why = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_REASON(why) == PEM_R_NO_START_LINE &&
	    sk_X509_num(chain) > 0)
		return 0;
	snprintf(err, PAAS_ERRLEN,
	    "certificate_chain is not PEM: it has to be one or more blocks "
	    "from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----");
	return -1;
}

static STACK_OF(X509) * read_chain(const char *text, char err[PAAS_ERRLEN])
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(text, -1);
	int rc = -1;

	if (chain == NULL || bio == NULL)
		snprintf(err, PAAS_ERRLEN, "out of memory");
	else
		rc = read_blocks(bio, chain, err);
	BIO_free(bio);
	if (rc == 0)
		return chain;
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

/* ---- the key ----------------------------------------------------------- */

/* Nobody is there to type a password. */
static int
no_password(char *buf, int size, int writing, void *asked)
{
	(void)buf, (void)size, (void)writing;
	*(int *)asked = 1;
	return -1;
}

static EVP_PKEY *
read_key(const char *text, char err[PAAS_ERRLEN])
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	EVP_PKEY *key = NULL;
	int encrypted = 0;

	if (bio != NULL)
		key =
		    PEM_read_bio_PrivateKey(bio, NULL, no_password, &encrypted);
	BIO_free(bio);
	ERR_clear_error();
	if (key == NULL && encrypted)
		snprintf(err, PAAS_ERRLEN,
		    "private_key is encrypted: take the password off with "
		    "openssl pkey -in KEY -out PLAIN");
	else if (key == NULL)
		snprintf(err, PAAS_ERRLEN,
		    "private_key is not PEM: it has to be a block from "
		    "-----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----");
	return key;
}

/* ---- written anew ------------------------------------------------------ */

/* What was written to bio, as a string; its own copy is wiped. */
static char *
text_of(BIO *bio)
{
	char *data, *text;
	long len = BIO_get_mem_data(bio, &data);

	if (len <= 0 || (text = malloc((size_t)len + 1)) == NULL)
		return NULL;
	memcpy(text, data, (size_t)len);
	text[len] = '\0';
	OPENSSL_cleanse(data, (size_t)len);
	return text;
}

static char *
write_chain(const STACK_OF(X509) * chain)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	int i, ok = bio != NULL;

	for (i = 0; ok && i < sk_X509_num(chain); i++)
		ok = PEM_write_bio_X509(bio, sk_X509_value(chain, i));
	if (ok)
		text = text_of(bio);
	BIO_free(bio);
	return text;
}

static char *
write_key(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(
			       bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		text = text_of(bio);
	BIO_free(bio);
	return text;
}

/* The first 8 bytes of SHA-256(chain NUL key); 0 and 1 mean other things. */
static uint64_t
hash_pair(const char *chain, const char *key)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint64_t id = 0;
	int i;

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, chain, strlen(chain) + 1) != 1 ||
	    EVP_DigestUpdate(ctx, key, strlen(key)) != 1 ||
	    EVP_DigestFinal_ex(ctx, sum, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	for (i = 0; i < 8; i++)
		id = id << 8 | sum[i];
	return id > 1 ? id : 2;
}

static int
write_pair(struct cert_pair *pair, const STACK_OF(X509) * chain, EVP_PKEY *key,
    char err[PAAS_ERRLEN])
{
	pair->chain = write_chain(chain);
	pair->key = write_key(key);
	if (pair->chain == NULL || pair->key == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return -1;
	}
	if (strlen(pair->chain) + strlen(pair->key) > CERT_BYTES_MAX) {
		snprintf(err, PAAS_ERRLEN,
		    "certificate_chain and private_key have over %d bytes "
		    "together",
		    CERT_BYTES_MAX);
		return -1;
	}
	pair->id = hash_pair(pair->chain, pair->key);
	return 0;
}

/* ---- the whole --------------------------------------------------------- */

static void
describe(struct cert_pair *pair, STACK_OF(X509) * chain)
{
	X509 *leaf = sk_X509_value(chain, 0);

	X509_NAME_oneline(
	    X509_get_subject_name(leaf), pair->subject, CERT_TEXT_MAX);
	X509_NAME_oneline(
	    X509_get_issuer_name(leaf), pair->issuer, CERT_TEXT_MAX);
	pair->self_signed = X509_NAME_cmp(X509_get_subject_name(leaf),
				X509_get_issuer_name(leaf)) == 0;
	pair->ca_signed = cert_is_trusted(chain);
}

static int
check_pair(struct cert_pair *pair, STACK_OF(X509) * chain, EVP_PKEY *key,
    char err[PAAS_ERRLEN])
{
	if (cert_check_key(key, pair->type, sizeof(pair->type), err) == -1 ||
	    cert_check_match(chain, key, err) == -1 ||
	    cert_check_order(chain, err) == -1 ||
	    cert_check_times(chain, &pair->starts, &pair->expires, err) == -1 ||
	    cert_check_names(sk_X509_value(chain, 0), &pair->names, err) ==
		-1 ||
	    cert_check_tls(chain, key, err) == -1)
		return -1;
	describe(pair, chain);
	return write_pair(pair, chain, key, err);
}

int
cert_pair_read(struct cert_pair *pair, const char *chain_text,
    const char *key_text, char err[PAAS_ERRLEN])
{
	STACK_OF(X509) * chain;
	EVP_PKEY *key = NULL;
	int rc = -1;

	memset(pair, 0, sizeof(*pair));
	ERR_clear_error();
	if ((chain = read_chain(chain_text, err)) != NULL &&
	    (key = read_key(key_text, err)) != NULL)
		rc = check_pair(pair, chain, key, err);
	sk_X509_pop_free(chain, X509_free);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}

void
cert_pair_free(struct cert_pair *pair)
{
	free(pair->chain);
	if (pair->key != NULL)
		explicit_bzero(pair->key, strlen(pair->key));
	free(pair->key);
	json_decref(pair->names);
	memset(pair, 0, sizeof(*pair));
}

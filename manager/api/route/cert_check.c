#include "api/route/cert_check.h"

#include <bsd/string.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/route/cert_pair.h"
#include "paas_routedb.h"

#define RSA_MIN 2048 /* bits; what browsers and authorities ask for */
#define RSA_MAX 4096 /* a handshake with more costs too much */

/* Authorities that Debian's ca-certificates brings, by hash. */
#define AUTHORITIES "/etc/ssl/certs"

/* How far clocks may be apart, in seconds. */
#define SKEW 300

static int __attribute__((format(printf, 2, 3)))
refuse(char err[PAAS_ERRLEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, PAAS_ERRLEN, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return -1;
}

/* ---- the key ----------------------------------------------------------- */

static const char *
curve_of(EVP_PKEY *key)
{
	char group[32];

	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME,
		group, sizeof(group), NULL) != 1)
		return NULL;
	if (strcmp(group, SN_X9_62_prime256v1) == 0)
		return "P-256";
	if (strcmp(group, SN_secp384r1) == 0)
		return "P-384";
	return NULL;
}

int
cert_check_key(EVP_PKEY *key, char *type, size_t len, char err[PAAS_ERRLEN])
{
	int bits = EVP_PKEY_get_bits(key);
	const char *curve;

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		snprintf(type, len, "RSA %d", bits);
		if (bits >= RSA_MIN && bits <= RSA_MAX)
			return 0;
		return refuse(err,
		    "private_key has %d bits: RSA keys have to have %d to %d",
		    bits, RSA_MIN, RSA_MAX);
	case EVP_PKEY_EC:
		if ((curve = curve_of(key)) != NULL) {
			strlcpy(type, curve, len);
			return 0;
		}
		return refuse(err,
		    "private_key is of a curve that browsers don't take: it "
		    "has to be P-256 or P-384");
	case EVP_PKEY_ED25519:
		strlcpy(type, "Ed25519", len);
		return 0;
	default:
		return refuse(err,
		    "private_key is of a kind that is not served: it has to "
		    "be RSA, ECDSA of P-256 or P-384, or Ed25519");
	}
}

/*
 * Signs with the one half and verifies with the other: the public numbers in
 * a file may fit while the private one is another's.
 */
static int
signs_for(EVP_PKEY *private, EVP_PKEY *public)
{
	static const unsigned char text[] = "paas";
	unsigned char sig[1024];
	size_t len = sizeof(sig);
	const EVP_MD *md = EVP_PKEY_get_base_id(private) == EVP_PKEY_ED25519
			       ? NULL
			       : EVP_sha256();
	EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
	int ok;

	ok = sign != NULL && verify != NULL &&
	     EVP_DigestSignInit(sign, NULL, md, NULL, private) == 1 &&
	     EVP_DigestSign(sign, sig, &len, text, sizeof(text)) == 1 &&
	     EVP_DigestVerifyInit(verify, NULL, md, NULL, public) == 1 &&
	     EVP_DigestVerify(verify, sig, len, text, sizeof(text)) == 1;
	EVP_MD_CTX_free(sign);
	EVP_MD_CTX_free(verify);
	return ok;
}

static int
is_key_of(X509 *cert, EVP_PKEY *key)
{
	EVP_PKEY *public = X509_get0_pubkey(cert);

	return public != NULL && EVP_PKEY_eq(public, key) == 1;
}

int
cert_check_match(
    const STACK_OF(X509) * chain, EVP_PKEY *key, char err[PAAS_ERRLEN])
{
	X509 *leaf = sk_X509_value(chain, 0);
	int i;

	if (is_key_of(leaf, key)) {
		if (signs_for(key, X509_get0_pubkey(leaf)))
			return 0;
		return refuse(err,
		    "private_key is damaged: what it signs does not verify");
	}
	for (i = 1; i < sk_X509_num(chain); i++)
		if (is_key_of(sk_X509_value(chain, i), key))
			return refuse(err,
			    "certificate_chain: private_key is that of "
			    "certificate %d, which has to be the first one",
			    i + 1);
	return refuse(err,
	    "private_key is not the key of the first certificate of "
	    "certificate_chain");
}

/* ---- the chain --------------------------------------------------------- */

static int
is_signed_by(X509 *cert, X509 *issuer)
{
	EVP_PKEY *public = X509_get0_pubkey(issuer);

	return public != NULL && X509_check_issued(issuer, cert) == X509_V_OK &&
	       X509_verify(cert, public) == 1;
}

int
cert_check_order(const STACK_OF(X509) * chain, char err[PAAS_ERRLEN])
{
	int i;

	for (i = 1; i < sk_X509_num(chain); i++)
		if (!is_signed_by(
			sk_X509_value(chain, i - 1), sk_X509_value(chain, i)))
			return refuse(err,
			    "certificate_chain: certificate %d did not sign "
			    "certificate %d: put the host's own first, and "
			    "behind each one the one that signed it",
			    i + 1, i);
	return 0;
}

/* Seconds since the epoch, or -1. */
static int64_t
seconds_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : -1;
}

static void
format_day(int64_t seconds, char day[32])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(day, 32, "%Y-%m-%d %H:%M", &tm) == 0)
		strlcpy(day, "another time", 32);
}

static int
check_time(X509 *cert, int number, int64_t now, int64_t *starts,
    int64_t *expires, char err[PAAS_ERRLEN])
{
	char day[32];

	*starts = seconds_of(X509_get0_notBefore(cert));
	*expires = seconds_of(X509_get0_notAfter(cert));
	if (*starts < 0 || *expires < 0)
		return refuse(err,
		    "certificate_chain: certificate %d has no times", number);
	if (*expires <= now) {
		format_day(*expires, day);
		return refuse(err,
		    "certificate_chain: certificate %d has expired on %s UTC",
		    number, day);
	}
	if (*starts > now + SKEW) {
		format_day(*starts, day);
		return refuse(err,
		    "certificate_chain: certificate %d is not valid before "
		    "%s UTC: add it then",
		    number, day);
	}
	return 0;
}

int
cert_check_times(const STACK_OF(X509) * chain, int64_t *starts,
    int64_t *expires, char err[PAAS_ERRLEN])
{
	int64_t now = time(NULL), from, to;
	int i;

	for (i = 0; i < sk_X509_num(chain); i++) {
		if (check_time(sk_X509_value(chain, i), i + 1, now, &from, &to,
			err) == -1)
			return -1;
		if (i == 0) {
			*starts = from * 1000000;
			*expires = to * 1000000;
		}
	}
	return 0;
}

/* ---- hosts ------------------------------------------------------------- */

static int
is_listed(const json_t *names, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach (names, i, one)
		if (strcmp(json_string_value(one), name) == 0)
			return 1;
	return 0;
}

/* What is no host (an address, "f*.example.com") is left out. */
static void
add_name(json_t *names, const unsigned char *text, int len)
{
	char name[PAAS_ROUTEDB_HOST_MAX + 1];

	if (len <= 0 || memchr(text, ':', (size_t)len) != NULL ||
	    text[0] == '.' ||
	    paas_routedb_canonical(text, (size_t)len, 1, name) <= 0 ||
	    is_listed(names, name))
		return;
	json_array_append_new(names, json_string(name));
}

/* The common name counts as a host where there is no other, as in browsers of
 * old and in OpenSSL. */
static void
add_common_name(json_t *names, X509 *cert)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	unsigned char *text;
	int i, len;

	i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (i < 0)
		return;
	len = ASN1_STRING_to_UTF8(
	    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
	if (len < 0)
		return;
	add_name(names, text, len);
	OPENSSL_free(text);
}

/* How many hosts it names, canonical or not. */
static int
add_alternative_names(json_t *names, X509 *cert)
{
	GENERAL_NAMES *list;
	const GENERAL_NAME *name;
	int i, count = 0;

	list = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		name = sk_GENERAL_NAME_value(list, i);
		if (name->type != GEN_DNS || ++count > CERT_NAMES_MAX)
			continue;
		add_name(names, ASN1_STRING_get0_data(name->d.dNSName),
		    ASN1_STRING_length(name->d.dNSName));
	}
	GENERAL_NAMES_free(list);
	return count;
}

int
cert_check_names(X509 *cert, json_t **out, char err[PAAS_ERRLEN])
{
	json_t *names = json_array();
	int count;

	*out = names;
	count = add_alternative_names(names, cert);
	if (count > CERT_NAMES_MAX)
		return refuse(err,
		    "certificate_chain: the first certificate is for %d "
		    "hosts; %d are the most",
		    count, CERT_NAMES_MAX);
	if (count == 0)
		add_common_name(names, cert);
	if (json_array_size(names) > 0)
		return 0;
	return refuse(err,
	    "certificate_chain: the first certificate names no host: it needs "
	    "a subjectAltName with DNS:www.example.com");
}

/* ---- what others think of it ------------------------------------------- */

int
cert_check_tls(STACK_OF(X509) * chain, EVP_PKEY *key, char err[PAAS_ERRLEN])
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *leaf = sk_X509_shift(chain);
	const char *why;
	int ok;

	ok = ctx != NULL &&
	     SSL_CTX_use_cert_and_key(ctx, leaf, key, chain, 1) == 1;
	(void)sk_X509_unshift(chain, leaf);
	why = ERR_reason_error_string(ERR_peek_last_error());
	SSL_CTX_free(ctx);
	if (!ok)
		return refuse(err,
		    "certificate_chain can't be served by TLS: %s",
		    why != NULL ? why : "OpenSSL refuses it");
	if (X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) == 1)
		return 0;
	return refuse(err,
	    "certificate_chain: the first certificate is not for a server: its "
	    "key usage or extended key usage says otherwise");
}

int
cert_is_trusted(STACK_OF(X509) * chain)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int ok;

	ok = store != NULL && ctx != NULL &&
	     X509_STORE_load_path(store, AUTHORITIES) == 1 &&
	     X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) ==
		 1 &&
	     X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) == 1 &&
	     X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return ok;
}

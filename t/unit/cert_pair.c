/* sources: manager/api/route/cert_pair.c manager/api/route/cert_check.c ngx_paas_module/routedb/host.c; libs: -lssl -lcrypto -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/route/cert_pair.h"

#define DAY 86400L

/* What a certificate of a test is like; the rest is as it should be. */
struct spec {
	const char *cn;
	const char *san;   /* as openssl.cnf has it, or NULL */
	const char *usage; /* extendedKeyUsage, or NULL */
	long from, to;     /* seconds from now; 0 and 0: a day ago, a year on */
	int ca;
};

static EVP_PKEY *root_key, *leaf_key, *other_key;
static X509 *root;
static long serial;

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(1, X509_add_ext(cert, ext, -1));
	X509_EXTENSION_free(ext);
}

/* issuer NULL: signed by itself. */
static X509 *
make(const struct spec *spec, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *cert = X509_new();
	X509_NAME *name;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(
	    X509_getm_notBefore(cert), spec->to == 0 ? -DAY : spec->from);
	X509_gmtime_adj(
	    X509_getm_notAfter(cert), spec->to == 0 ? 365 * DAY : spec->to);
	X509_set_pubkey(cert, key);
	name = X509_get_subject_name(cert);
	if (spec->cn != NULL)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		    (const unsigned char *)spec->cn, -1, -1, 0);
	X509_set_issuer_name(
	    cert, X509_get_subject_name(issuer != NULL ? issuer : cert));
	if (spec->ca)
		add_extension(cert, issuer != NULL ? issuer : cert,
		    NID_basic_constraints, "critical,CA:TRUE");
	if (spec->san != NULL)
		add_extension(cert, cert, NID_subject_alt_name, spec->san);
	if (spec->usage != NULL)
		add_extension(cert, cert, NID_ext_key_usage, spec->usage);
	if (issuer_key == NULL)
		issuer_key = key;
	assert_true(X509_sign(cert, issuer_key,
			EVP_PKEY_get_base_id(issuer_key) == EVP_PKEY_ED25519
			    ? NULL
			    : EVP_sha256()) > 0);
	return cert;
}

static void
append(char **text, BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	size_t had = *text != NULL ? strlen(*text) : 0;

	*text = realloc(*text, had + (size_t)len + 1);
	assert_non_null(*text);
	memcpy(*text + had, data, (size_t)len);
	(*text)[had + (size_t)len] = '\0';
	BIO_free(bio);
}

static void
append_cert(char **text, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(1, PEM_write_bio_X509(bio, cert));
	append(text, bio);
}

static char *
pem_of_key(EVP_PKEY *key, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	assert_int_equal(1, PEM_write_bio_PKCS8PrivateKey(bio, key, cipher,
				cipher != NULL ? "secret" : NULL,
				cipher != NULL ? 6 : 0, NULL, NULL));
	append(&text, bio);
	return text;
}

static int
setup(void **state)
{
	static const struct spec ca = {.cn = "Test CA", .ca = 1};

	(void)state;
	root_key = EVP_EC_gen("P-256");
	leaf_key = EVP_EC_gen("P-256");
	other_key = EVP_EC_gen("P-256");
	root = make(&ca, root_key, NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	X509_free(root);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(leaf_key);
	EVP_PKEY_free(other_key);
	return 0;
}

/* Reads one leaf of the root with the key; NULL says that it must be fine. */
static void
try(const struct spec *spec, EVP_PKEY *key, const char *message)
{
	X509 *leaf = make(spec, key, root, root_key);
	char err[PAAS_ERRLEN] = "", *chain = NULL, *secret;
	struct cert_pair pair;
	int rc;

	append_cert(&chain, leaf);
	append_cert(&chain, root);
	secret = pem_of_key(key, NULL);
	rc = cert_pair_read(&pair, chain, secret, err);
	if (message == NULL) {
		assert_string_equal("", err);
		assert_int_equal(0, rc);
	} else {
		assert_int_equal(-1, rc);
		if (strstr(err, message) == NULL)
			fail_msg("\"%s\" says nothing of \"%s\"", err, message);
	}
	cert_pair_free(&pair);
	X509_free(leaf);
	free(chain);
	free(secret);
}

static void
read_text(const char *chain, const char *key, const char *message)
{
	char err[PAAS_ERRLEN] = "";
	struct cert_pair pair;

	assert_int_equal(-1, cert_pair_read(&pair, chain, key, err));
	if (strstr(err, message) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", err, message);
	cert_pair_free(&pair);
}

static const struct spec usual = {.cn = "www.example.com",
    .san = "DNS:www.example.com,DNS:*.Example.com,DNS:www.example.com,"
	   "IP:10.0.0.1,DNS:f*.example.com,DNS:a.example.com:80"};

/* ---- tests ------------------------------------------------------------- */

static void
test_fine(void **state)
{
	X509 *leaf = make(&usual, leaf_key, root, root_key);
	char err[PAAS_ERRLEN] = "", *chain = NULL, *key;
	char *noisy;
	struct cert_pair pair, again;

	(void)state;
	append_cert(&chain, leaf);
	append_cert(&chain, root);
	key = pem_of_key(leaf_key, NULL);
	assert_int_equal(0, cert_pair_read(&pair, chain, key, err));
	assert_string_equal(chain, pair.chain);
	assert_string_equal(key, pair.key);
	assert_int_equal(2, json_array_size(pair.names));
	assert_string_equal("www.example.com",
	    json_string_value(json_array_get(pair.names, 0)));
	assert_string_equal(
	    ".example.com", json_string_value(json_array_get(pair.names, 1)));
	assert_string_equal("/CN=www.example.com", pair.subject);
	assert_string_equal("/CN=Test CA", pair.issuer);
	assert_string_equal("P-256", pair.type);
	assert_false(pair.self_signed);
	assert_false(pair.ca_signed);
	assert_in_range(pair.expires / 1000000, time(NULL) + 364 * DAY,
	    time(NULL) + 366 * DAY);

	/* The same with words of openssl x509 -text round it: the same id. */
	assert_true(
	    asprintf(&noisy, "Certificate:\n  Data: x\n%s\n\n", chain) > 0);
	assert_int_equal(0, cert_pair_read(&again, noisy, key, err));
	assert_true(again.id == pair.id);
	assert_string_equal(pair.chain, again.chain);
	cert_pair_free(&again);
	cert_pair_free(&pair);
	free(noisy);
	free(chain);
	free(key);
	X509_free(leaf);
}

static void
test_keys(void **state)
{
	static const struct {
		const char *type; /* of EVP_PKEY_Q_keygen */
		size_t bits;
		const char *curve, *message;
	} cases[] = {
	    {"RSA", 2048, NULL, NULL},
	    {"RSA", 4096, NULL, NULL},
	    {"RSA", 1024, NULL, "private_key has 1024 bits"},
	    {"EC", 0, "P-384", NULL},
	    {"EC", 0, "P-521", "private_key is of a curve"},
	    {"EC", 0, "secp256k1", "private_key is of a curve"},
	    {"ED25519", 0, NULL, NULL},
	    {"ED448", 0, NULL, "private_key is of a kind"},
	};
	EVP_PKEY *key;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].bits != 0)
			key =
			    EVP_PKEY_Q_keygen(NULL, NULL, "RSA", cases[i].bits);
		else if (cases[i].curve != NULL)
			key =
			    EVP_PKEY_Q_keygen(NULL, NULL, "EC", cases[i].curve);
		else
			key = EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type);
		assert_non_null(key);
		try(&usual, key, cases[i].message);
		EVP_PKEY_free(key);
	}
}

static void
test_times(void **state)
{
	struct spec spec = usual;

	(void)state;
	spec.from = -10 * DAY, spec.to = -DAY;
	try(&spec, leaf_key, "certificate 1 has expired on 20");
	spec.from = 2 * DAY, spec.to = 9 * DAY;
	try(&spec, leaf_key, "certificate 1 is not valid before 20");
	spec.from = 60, spec.to = DAY;
	try(&spec, leaf_key, NULL);
}

static void
test_names(void **state)
{
	struct spec spec = {.cn = "only.example.org"};
	char many[101 * 24 + 1], *p = many;
	int i;

	(void)state;
	try(&spec, leaf_key, NULL); /* a common name will do */
	spec.cn = "Somebody's Laptop";
	try(&spec, leaf_key, "names no host");
	spec.san = "IP:10.0.0.1";
	try(&spec, leaf_key, "names no host");
	spec.san = "DNS:*.*.example.com,DNS:a b,DNS:a..b";
	try(&spec, leaf_key, "names no host");
	for (i = 0; i < 101; i++)
		p += sprintf(p, "%sDNS:h%d.example.com", i > 0 ? "," : "", i);
	spec.san = many;
	try(&spec, leaf_key, "is for 101 hosts; 100 are the most");
}

static void
test_usage(void **state)
{
	struct spec spec = usual;

	(void)state;
	spec.usage = "clientAuth";
	try(&spec, leaf_key, "is not for a server");
	spec.usage = "serverAuth,clientAuth";
	try(&spec, leaf_key, NULL);
}

static void
test_chain(void **state)
{
	static const struct spec ca = {.cn = "Other CA", .ca = 1};
	X509 *leaf = make(&usual, leaf_key, root, root_key);
	X509 *other = make(&ca, other_key, NULL, NULL);
	char *chain = NULL, *key = pem_of_key(leaf_key, NULL), *text = NULL;
	int i;

	(void)state;
	append_cert(&chain, root);
	append_cert(&chain, leaf);
	read_text(chain, key, "is that of certificate 2, which has to be");
	free(chain), chain = NULL;

	append_cert(&chain, leaf);
	append_cert(&chain, other);
	read_text(chain, key, "certificate 2 did not sign certificate 1");
	read_text(key, key, "takes certificates only, the key goes into");
	free(chain), chain = NULL;

	for (i = 0; i < 11; i++)
		append_cert(&chain, leaf);
	read_text(chain, key, "more than 10 certificates");
	free(chain), chain = NULL;

	append_cert(&chain, leaf);
	chain[strlen(chain) / 2] = '!';
	read_text(chain, key, "certificate_chain");
	read_text("", key, "certificate_chain is not PEM");
	read_text("-----BEGIN CERTIFICATE-----\n", key, "certificate_chain");
	read_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END "
		  "CERTIFICATE-----\n",
	    key, "certificate 1 can't be read");
	free(text);
	free(chain);
	free(key);
	X509_free(leaf);
	X509_free(other);
}

static void
test_key_texts(void **state)
{
	X509 *leaf = make(&usual, leaf_key, root, root_key);
	char *chain = NULL, *key;

	(void)state;
	append_cert(&chain, leaf);
	key = pem_of_key(other_key, NULL);
	read_text(chain, key, "private_key is not the key of the first");
	free(key);
	key = pem_of_key(leaf_key, EVP_aes_256_cbc());
	read_text(chain, key, "private_key is encrypted");
	free(key);
	read_text(chain, chain, "private_key is not PEM");
	read_text(chain, "", "private_key is not PEM");
	free(chain);
	X509_free(leaf);
}

/* The public half of the leaf's key, with the private one of another. */
static EVP_PKEY *
forge(void)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	unsigned char public[200];
	EVP_PKEY *forged = NULL;
	OSSL_PARAM *params;
	BIGNUM *private = NULL;
	size_t len;

	assert_int_equal(
	    1, EVP_PKEY_get_octet_string_param(leaf_key,
		   OSSL_PKEY_PARAM_PUB_KEY, public, sizeof(public), &len));
	assert_int_equal(1, EVP_PKEY_get_bn_param(
				other_key, OSSL_PKEY_PARAM_PRIV_KEY, &private));
	OSSL_PARAM_BLD_push_utf8_string(
	    build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(
	    build, OSSL_PKEY_PARAM_PUB_KEY, public, len);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, private);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(1, EVP_PKEY_fromdata_init(ctx));
	assert_int_equal(
	    1, EVP_PKEY_fromdata(ctx, &forged, EVP_PKEY_KEYPAIR, params));
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_clear_free(private);
	return forged;
}

static void
test_forged_key(void **state)
{
	X509 *leaf = make(&usual, leaf_key, root, root_key);
	EVP_PKEY *forged = forge();
	char *chain = NULL, *key = pem_of_key(forged, NULL);

	(void)state;
	append_cert(&chain, leaf);
	read_text(chain, key, "private_key is damaged");
	free(key);
	free(chain);
	X509_free(leaf);
	EVP_PKEY_free(forged);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fine),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_usage),
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_key_texts),
	    cmocka_unit_test(test_forged_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}

/*
 * What a certificate has to be before it is served: the rules of cert_pair.h,
 * on what OpenSSL has parsed.
 */
#ifndef PAAS_API_CERT_CHECK_H
#define PAAS_API_CERT_CHECK_H

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>

#include "common/conf.h"

struct cert_pair;

/*
 * All return 0, or -1 with a sentence in err.  A chain has at least one
 * certificate, which is the leaf.
 */

/* RSA of 2048 to 4096 bits, P-256, P-384, Ed25519; type gets its name. */
int cert_check_key(EVP_PKEY *, char *type, size_t len, char err[PAAS_ERRLEN]);

/* The key is the leaf's, the private half as well as the public one. */
int cert_check_match(const STACK_OF(X509) *, EVP_PKEY *, char err[PAAS_ERRLEN]);

/* Each certificate is signed by the next one. */
int cert_check_order(const STACK_OF(X509) *, char err[PAAS_ERRLEN]);

/* None is over or yet to come; starts and expires are the leaf's. */
int cert_check_times(const STACK_OF(X509) *, int64_t *starts, int64_t *expires,
    char err[PAAS_ERRLEN]);

/* The hosts of the leaf, canonical: a new array in *names. */
int cert_check_names(X509 *, json_t **names, char err[PAAS_ERRLEN]);

/* nginx, and so OpenSSL's library of TLS, is going to take it. */
int cert_check_tls(STACK_OF(X509) *, EVP_PKEY *, char err[PAAS_ERRLEN]);

/* Does it lead to an authority that this machine trusts? */
int cert_is_trusted(STACK_OF(X509) *);

#endif

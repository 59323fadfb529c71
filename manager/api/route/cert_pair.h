/*
 * A certificate chain and its private key as people send them: read and
 * checked by OpenSSL, and written anew, so that nothing but certificates is in
 * the one and nothing but the key in the other.
 */
#ifndef PAAS_API_CERT_PAIR_H
#define PAAS_API_CERT_PAIR_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"

#define CERT_BYTES_MAX (64 * 1024) /* chain and key together, as PEM */
#define CERT_CHAIN_MAX 10          /* certificates of a chain */
#define CERT_NAMES_MAX 100         /* hosts that one is for */
#define CERT_TEXT_MAX  512

struct cert_pair {
	char *chain;   /* PEM: the app's own, then each one's issuer */
	char *key;     /* PEM, PKCS #8; wiped when it is freed */
	uint64_t id;   /* of both, from a hash: the same for the same bytes */
	json_t *names; /* canonical hosts, "*.example.com" as ".example.com" */
	char subject[CERT_TEXT_MAX]; /* "/C=.../CN=...", printable ASCII */
	char issuer[CERT_TEXT_MAX];
	char type[16];  /* "RSA 2048", "P-256", "Ed25519" */
	int64_t starts; /* microseconds since the epoch */
	int64_t expires;
	int self_signed;
	int ca_signed; /* by an authority that this machine knows */
};

/*
 * Fills the pair, or returns -1 with a sentence in err that starts with
 * "certificate_chain" or "private_key" and quotes nothing of the key.
 * cert_pair_free() is due in both cases.
 */
int cert_pair_read(struct cert_pair *, const char *chain, const char *key,
    char err[PAAS_ERRLEN]);
void cert_pair_free(struct cert_pair *);

#endif

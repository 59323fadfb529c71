#include "cli/doctor/doctor_tls.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <bsd/string.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct timeval patience = {5, 0};

int
doctor_connect(const char *address, uint32_t port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *ai;
	char service[16];
	int fd = -1;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &list) != 0)
		return -1;
	for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next) {
		fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			continue;
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (connect(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd;
}

static void
cert_read(X509 *x509, const char *host, struct doctor_cert *cert)
{
	int days = 0, seconds = 0;

	(void)trust_print(x509, cert->print);
	cert->names = X509_check_host(x509, host, 0, 0, NULL) == 1;
	(void)ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x509));
	cert->days = days < 0 || seconds < 0 ? days - 1 : days;
	X509_NAME_oneline(
	    X509_get_subject_name(x509), cert->subject, sizeof(cert->subject));
}

static int
shake_hands(SSL *ssl, int fd, const char *host, struct doctor_cert *cert,
    char err[PAAS_ERRLEN])
{
	long verdict;
	X509 *x509;

	if (SSL_set_fd(ssl, fd) != 1 ||
	    SSL_set_tlsext_host_name(ssl, host) != 1 || SSL_connect(ssl) != 1 ||
	    (x509 = SSL_get1_peer_certificate(ssl)) == NULL) {
		unsigned long code = ERR_peek_last_error();
		const char *said = ERR_reason_error_string(code);

		snprintf(err, PAAS_ERRLEN, "no TLS is spoken there: %s",
		    said != NULL ? said : "the connection ended");
		return -1;
	}
	cert_read(x509, host, cert);
	X509_free(x509);
	verdict = SSL_get_verify_result(ssl);
	cert->trusted = verdict == X509_V_OK;
	strlcpy(cert->why, X509_verify_cert_error_string(verdict),
	    sizeof(cert->why));
	return 0;
}

int
doctor_handshake(struct doctor *d, const char *address, const char *host,
    struct doctor_cert *cert, char err[PAAS_ERRLEN])
{
	static const char proxy[] = "PROXY UNKNOWN\r\n";
	const char *file = getenv("SSL_CERT_FILE");
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
	int fd, rc = -1;

	memset(cert, 0, sizeof(*cert));
	strlcpy(err, "out of memory", PAAS_ERRLEN);
	if ((fd = doctor_connect(address, d->conf.https_port)) == -1)
		snprintf(err, PAAS_ERRLEN, "nobody answers on port %u",
		    d->conf.https_port);
	else if (ssl != NULL) {
		if (!d->away && d->conf.proxy_protocol)
			(void)!write(fd, proxy, sizeof(proxy) - 1);
		if (file == NULL || *file == '\0' ||
		    SSL_CTX_load_verify_file(ctx, file) != 1)
			(void)SSL_CTX_set_default_verify_paths(ctx);
		rc = shake_hands(ssl, fd, host, cert, err);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	if (fd != -1)
		close(fd);
	return rc;
}

int
doctor_cert_days(const char *path, long *days)
{
	BIO *bio = BIO_new_file(path, "r");
	X509 *x509 =
	    bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int whole = 0, seconds = 0;

	if (x509 != NULL)
		(void)ASN1_TIME_diff(
		    &whole, &seconds, NULL, X509_get0_notAfter(x509));
	BIO_free(bio);
	*days = whole < 0 || seconds < 0 ? whole - 1 : whole;
	if (x509 == NULL)
		return -1;
	X509_free(x509);
	return 0;
}

/* A handshake, and what it showed: for checks of doctor. */
#ifndef PAAS_CLI_DOCTOR_TLS_H
#define PAAS_CLI_DOCTOR_TLS_H

#include "cli/doctor/doctor.h"
#include "cli/trust.h"

struct doctor_cert {
	int names;   /* it is for the host that was asked for */
	int trusted; /* by an authority that this machine knows */
	long days;   /* until it expires, negative: since */
	char why[128];
	char subject[128];
	char print[TRUST_PRINT]; /* its fingerprint */
};

/* A connection, within 5 s; -1: none.  address may be a name. */
int doctor_connect(const char *address, uint32_t port);

/* 0, or -1 with a sentence. */
int doctor_handshake(struct doctor *, const char *address, const char *host,
    struct doctor_cert *, char err[PAAS_ERRLEN]);

#endif

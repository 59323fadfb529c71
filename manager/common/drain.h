/*
 * Between the manager and paas-drain, which sends log lines to where users
 * want them: messages of a SOCK_SEQPACKET socket, run_dir/drain/drain.sock.
 *
 * The manager keeps what was not acknowledged, and says it again to the next
 * helper; the helper keeps nothing over its end.
 */
#ifndef PAAS_DRAIN_H
#define PAAS_DRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

#define DRAIN_MESSAGE_MAX (48 * 1024)
#define DRAIN_URL_MAX     2048
#define DRAIN_ID_MAX      40 /* a UUID and its NUL */

/* Not acknowledged, of one drain. */
#define DRAIN_WINDOW_BYTES (512 * 1024)
#define DRAIN_WINDOW_LINES 4096

enum drain_type {
	DRAIN_SET = 1, /* payload: URL NUL token NUL; forgets the lines */
	DRAIN_UNSET,
	DRAIN_LINES, /* payload: lines; seq is that of the first one */
	/* From the helper. */
	DRAIN_ACK,  /* up to seq included; count: these were given up */
	DRAIN_STATE /* payload: what is wrong, or nothing */
};

struct drain_head {
	uint32_t type;
	uint32_t count; /* of lines */
	uint64_t seq;
	char id[DRAIN_ID_MAX];
};

/* Followed by the process's name and the text, then by the next one. */
struct drain_line {
	int64_t time; /* microseconds since the epoch */
	uint32_t len; /* of the text */
	uint8_t name; /* bytes of the process's name */
	char kind;    /* 'o', 'e', 'r' for requests, 'p' for the platform */
	uint8_t unused[2];
};

enum drain_scheme { DRAIN_SYSLOG, DRAIN_SYSLOG_TLS, DRAIN_HTTPS };

struct drain_url {
	enum drain_scheme scheme;
	char host[256]; /* without brackets */
	uint16_t port;
	int literal6; /* an IPv6 address */
};

/* 0, or -1 with what a URL has to be, to go behind the field's name. */
int drain_url_parse(
    const char *text, struct drain_url *, char err[PAAS_ERRLEN]);

#endif

/*
 * A session: a command inside an instance with a client at the other end of
 * a stream, its terminal or its pipes.  Both sides send frames:
 *
 *   u8 type, u8 0, u16 length (big endian), then so many bytes
 *
 * A command at a terminal starts with the first SESSION_WINDOW.  A side that
 * hears nothing for SESSION_LOST seconds, and does not wait for the other one
 * to read, takes it for gone; so both send SESSION_KEEP when they have had
 * nothing else to say for SESSION_QUIET.  A stream that ends before
 * SESSION_EXIT is a client that went (the command is ended), or an instance
 * that was killed.
 *
 * Inside, paas-init is the other side, so nobody but it reads what a client
 * sends, and nobody but the client what it sends.
 */
#ifndef PAAS_SESSION_H
#define PAAS_SESSION_H

#include <stddef.h>
#include <stdint.h>

#define SESSION_UPGRADE "paas-session" /* the word of the Upgrade header */

#define SESSION_HEAD  4
#define SESSION_MAX   16384 /* bytes of a frame behind its head */
#define SESSION_QUIET 15    /* seconds */
#define SESSION_LOST  120

enum session_type {
	SESSION_DATA = 'd',   /* both: bytes; towards the client, stdout */
	SESSION_ERROR = 'e',  /* to the client: stderr */
	SESSION_EOF = 'z',    /* to the command: its stdin ends */
	SESSION_WINDOW = 'w', /* to the command: u16 rows, u16 columns */
	SESSION_SIGNAL = 's', /* to the command: u8; INT, QUIT, TERM or HUP */
	SESSION_KEEP = 'k',   /* both: nothing */
	SESSION_SAY = 'm',    /* to the client: why there is no command */
	SESSION_EXIT = 'x'    /* to the client: u8 1 if killed, u8 status or
				 signal; the last frame */
};

static inline void
session_head(uint8_t head[SESSION_HEAD], enum session_type type, size_t len)
{
	head[0] = (uint8_t)type;
	head[1] = 0;
	head[2] = (uint8_t)(len >> 8);
	head[3] = (uint8_t)len;
}

/* The length behind a head, or -1 for one that is none. */
static inline int
session_length(const uint8_t head[SESSION_HEAD])
{
	int len = head[2] << 8 | head[3];

	return head[1] == 0 && len <= SESSION_MAX ? len : -1;
}

#endif

/*
 * Public keys that may push: sshkey/HASH in the store, HASH being the 64 hex
 * digits of SHA-256 of the key itself, as ssh prints it in base64.
 */
#ifndef PAAS_API_SSH_KEY_H
#define PAAS_API_SSH_KEY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "store/store.h"

#define SSH_KEY_TEXT    8192 /* bytes of a line of authorized_keys */
#define SSH_KEY_COMMENT 101
#define SSH_KEY_HASH    65
#define SSH_KEY_PRINT   52 /* "SHA256:" and 43 letters */
#define SSH_KEYS_MAX    1000

struct ssh_key {
	char line[SSH_KEY_TEXT]; /* "TYPE BASE64" */
	char comment[SSH_KEY_COMMENT];
	char hash[SSH_KEY_HASH];
};

/* A line as in id_ed25519.pub.  0, or -1 with a sentence in err. */
int ssh_key_parse(struct ssh_key *, const char *text, char err[PAAS_ERRLEN]);

/* "SHA256:...", of the hash of a key's record, and back: -1 if it is none. */
void ssh_key_print(char out[SSH_KEY_PRINT], const char *hash);
int ssh_key_unprint(char hash[SSH_KEY_HASH], const char *print);

/* What tokens of pushes call it: the first 8 bytes of its hash. */
uint64_t ssh_key_number(const char *hash);

/* The record of that number; NULL if there is none (any more). */
json_t *ssh_key_find(struct store *, uint64_t number);

/* As people see it. */
json_t *model_ssh_key(const char *hash, json_t *record);

#endif

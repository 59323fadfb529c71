/*
 * Limits as people write them: "512M", "50%", "64".
 */
#ifndef PAAS_CLI_AMOUNT_H
#define PAAS_CLI_AMOUNT_H

#include <jansson.h>
#include <stddef.h>

struct cli;

enum amount { AMOUNT_SIZE, AMOUNT_COUNT, AMOUNT_PERCENT };

/* 536870912 as "512M", as far as it is one. */
void amount_format(char *out, size_t len, enum amount form, long long value);

/*
 * "memory=1G" into the body, in the form that belongs to the name; the word
 * default becomes null.  -1 after having complained.
 */
int amount_take(struct cli *cli, json_t *body, const char *word,
    enum amount (*form_of)(const char *name));

#endif

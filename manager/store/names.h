/*
 * What an app is called.  The APP of keys is the name that it got first; once
 * it was renamed, its record says how ("name"), and name/NAME leads back to it.
 * Its first name is anybody's from then on: a new app that takes it gets
 * another APP.
 */
#ifndef PAAS_NAMES_H
#define PAAS_NAMES_H

#include <jansson.h>

#include "store/keys.h"
#include "store/store.h"

/* The name of an app by its record, which may be NULL: borrowed from both. */
const char *names_in(const char *app, const json_t *record);

/* The same by its APP alone; that itself if there is no such app. */
const char *names_of(
    struct store *, const char *app, char name[KEY_NAME_MAX + 1]);

/* The APP that has a name now: 0, or -1 if none has it.  Any text will do. */
int names_find(struct store *, const char *name, char app[KEY_NAME_MAX + 1]);

#endif

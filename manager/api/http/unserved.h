/* What of Heroku's API is not here, for the message that says so. */
#ifndef PAAS_API_UNSERVED_H
#define PAAS_API_UNSERVED_H

#include "api/http/uri.h"

/* A sentence on what to do instead; NULL: it is no path of theirs. */
const char *unserved_instead(const struct uri *);

#endif

#ifndef PAAS_API_APP_NAME_H
#define PAAS_API_APP_NAME_H

#include "api/model.h"

/* "quiet-river-4711"; not checked against those taken. */
void app_name_make(char name[MODEL_NAME_MAX]);

#endif

/*
 * The settings of sleep ("sleep" of app/APP) and of autoscale ("autoscale" of
 * formation/APP/web): their words, limits and defaults.
 */
#ifndef PAAS_PACE_SETTING_H
#define PAAS_PACE_SETTING_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"

enum pace_group { PACE_SLEEP, PACE_AUTOSCALE };

/*
 * All of a group from what was given (an object; a setting that is not in it
 * has its default): a new object with canonical values.  most is the highest
 * quantity that may be.  NULL with a sentence in err.
 */
json_t *pace_setting_read(
    enum pace_group, const json_t *given, uint32_t most, char err[PAAS_ERRLEN]);

/* "min=1 max=10 p95=200ms", for people. */
void pace_setting_describe(
    enum pace_group, const json_t *set, char *text, size_t len);

#endif

/*
 * What may name a config var.
 */
#ifndef PAAS_CONFIG_NAME_H
#define PAAS_CONFIG_NAME_H

#define CONFIG_NAME_MAX  128
#define CONFIG_VALUE_MAX (64 * 1024)

int config_name_valid(const char *);
int config_name_reserved(const char *); /* PORT and the like */

#endif

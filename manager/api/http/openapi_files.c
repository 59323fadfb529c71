/*
 * The files of schema/, as they are, in the program: the Makefile tells which
 * object depends on them.
 */
#include "api/http/openapi.h"

#define EMBED(name)                                               \
	extern const char openapi_##name[]                        \
	    __attribute__((visibility("hidden")));                \
	extern const char openapi_##name##_end[]                  \
	    __attribute__((visibility("hidden")));                \
	__asm__(".pushsection .rodata\n"                          \
		".globl openapi_" #name "\n"                      \
		".globl openapi_" #name "_end\n"                  \
		"openapi_" #name ":\n"                            \
		".incbin \"manager/api/schema/" #name ".json\"\n" \
		"openapi_" #name "_end:\n"                        \
		".popsection\n")

EMBED(openapi);
EMBED(apps);
EMBED(formation);
EMBED(domains);
EMBED(releases);
EMBED(logs);
EMBED(users);
EMBED(teams);
EMBED(routes);

#define FILE_OF(name)                                       \
	{                                                   \
#name, openapi_##name, openapi_##name##_end \
	}

const struct openapi_file openapi_files[] = {
    FILE_OF(openapi),
    FILE_OF(apps),
    FILE_OF(formation),
    FILE_OF(domains),
    FILE_OF(releases),
    FILE_OF(logs),
    FILE_OF(users),
    FILE_OF(teams),
    FILE_OF(routes),
    {0},
};

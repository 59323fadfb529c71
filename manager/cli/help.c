#include <stdio.h>
#include <string.h>

#include "cli/help.h"

#define HELP_WIDTH 76

void
help_overview(struct out *out)
{
	const struct grammar_verb *verb;
	const char *group = "";

	out_line(out, "usage: paas VERB [ARGUMENTS] [-a APP] [--json]");
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		if (strcmp(verb->group, group) != 0) {
			group = verb->group;
			fprintf(out->file, "\n%s%s%s\n", out_sgr(out, OUT_BOLD),
			    group, out_sgr(out, OUT_NONE));
		}
		out_line(out, "  %-18s %s", verb->name, verb->help);
	}
	out_line(out, "%s", "");
	out_line(out, "paas VERB --help shows a verb with its options and an "
		      "example.");
}

/* Words filled into lines, each of them indented. */
static void
help_fill(struct out *out, const char *indent, const char *text)
{
	size_t width = HELP_WIDTH - strlen(indent), len;

	while (*text != '\0') {
		len = strlen(text);
		if (len > width) {
			len = width;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0)
				len = strcspn(text, " ");
		}
		out_line(out, "%s%.*s", indent, (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

static void
help_option(struct out *out, const struct grammar_option *opt)
{
	char name[64];

	if (opt->letter != '\0')
		snprintf(name, sizeof(name), "-%c, --%s%s%s", opt->letter,
		    opt->name, opt->value != NULL ? " " : "",
		    opt->value != NULL ? opt->value : "");
	else
		snprintf(name, sizeof(name), "    --%s%s%s", opt->name,
		    opt->value != NULL ? " " : "",
		    opt->value != NULL ? opt->value : "");
	out_line(out, "  %-22s %s", name, opt->help);
}

void
help_verb(struct out *out, const struct grammar_verb *verb)
{
	char usage[512];
	size_t i;

	grammar_usage(verb, usage, sizeof(usage));
	out_line(out, "usage: paas %s", usage);
	out_line(out, "%s", "");
	help_fill(out, "", verb->help);
	if (verb->detail != NULL)
		help_fill(out, "", verb->detail);
	out_line(out, "%s", "");
	for (i = 1; i < OPT_MAX; i++) {
		if (grammar_takes(verb, (enum grammar_option_id)i))
			help_option(out, &grammar_options[i]);
	}
	if (verb->aliases != NULL)
		out_line(out, "  also called: %s", verb->aliases);
	out_line(out, "%s", "");
	out_line(out, "example:");
	out_line(out, "  %s", verb->example);
}

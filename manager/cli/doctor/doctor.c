/* Runs the checks one after the other, and prints what they found. */
#include "cli/doctor/doctor.h"

#include <bsd/err.h>
#include <bsd/string.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
doctor_seen(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->seen, sizeof(d->seen), fmt, ap);
	va_end(ap);
}

void
doctor_fix(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->fix, sizeof(d->fix), fmt, ap);
	va_end(ap);
}

void
doctor_command(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->command, sizeof(d->command), fmt, ap);
	va_end(ap);
}

void
doctor_mend(struct doctor *d, const char *what)
{
	char sv[PATH_MAX];

	snprintf(sv, sizeof(sv), "%s/sv", d->conf.run_dir);
	if (strcmp(what, "up") == 0)
		doctor_command(d, "%s", d->up);
	else if (access(sv, F_OK) == 0)
		doctor_command(d, "sv restart %.400s/%s", sv, what);
	else
		doctor_command(d, "systemctl restart paas-%s", what);
}

static const char *const state_words[] = {
    [DOCTOR_OK] = "ok",
    [DOCTOR_UNKNOWN] = "unknown",
    [DOCTOR_WARNING] = "warning",
    [DOCTOR_WRONG] = "wrong",
};

/* What programs and files say may be no UTF-8: shown escaped then. */
static json_t *
text_of(const char *text)
{
	char *clean = out_clean(text, strlen(text), 0);
	json_t *json = json_string(clean);

	free(clean);
	return json;
}

/* The finding's words, else its command, else the check's words for both. */
static json_t *
fix_of(const struct doctor *d, int usual)
{
	char text[1100];

	if (d->fix[0] == '\0' && d->command[0] != '\0' && !usual)
		return text_of(d->command);
	if (d->fix[0] == '\0' && usual) {
		snprintf(
		    text, sizeof(text), "%s: `%s`", d->check->fix, d->command);
		return text_of(text);
	}
	if (d->fix[0] == '\0')
		return text_of(d->check->fix);
	if (strstr(d->fix, d->command) != NULL)
		return text_of(d->fix);
	snprintf(text, sizeof(text), "%s: `%s`", d->fix, d->command);
	return text_of(text);
}

void
doctor_find(struct doctor *d, enum doctor_state state, const char *fmt, ...)
{
	json_t *fix, *command;
	int len, usual;
	char *problem;
	va_list ap;

	va_start(ap, fmt);
	len = vasprintf(&problem, fmt, ap);
	va_end(ap);
	if (len == -1)
		err(EXIT_REFUSED, NULL);
	usual = !d->away && d->fix[0] == '\0' && d->command[0] == '\0' &&
		d->check->mend != NULL;
	if (usual)
		doctor_mend(d, d->check->mend);
	fix = state == DOCTOR_UNKNOWN ? json_null() : fix_of(d, usual);
	command = state == DOCTOR_UNKNOWN || d->command[0] == '\0'
		      ? json_null()
		      : text_of(d->command);
	json_array_append_new(d->found,
	    json_pack("{s:s, s:o, s:o, s:o}", "state", state_words[state],
		"problem", text_of(problem), "fix", fix, "command", command));
	free(problem);
	d->fix[0] = d->command[0] = '\0';
	if (state > d->state)
		d->state = state;
}

/* ---- printing ---------------------------------------------------------- */

static void
print_check(struct doctor *d)
{
	static const enum out_colour colours[] = {
	    [DOCTOR_OK] = OUT_GREEN,
	    [DOCTOR_UNKNOWN] = OUT_DIM,
	    [DOCTOR_WARNING] = OUT_YELLOW,
	    [DOCTOR_WRONG] = OUT_RED,
	};
	struct out *out = &d->cli->out;
	struct cli_text text;
	json_t *finding;
	const char *fix;
	char *clean;
	size_t i;

	clean = d->state == DOCTOR_OK ? out_clean(d->seen, strlen(d->seen), 0)
				      : strdup("");
	fprintf(out->file, "%s%-8s%s %s%*s%s\n",
	    out_sgr(out, colours[d->state]), state_words[d->state],
	    out_sgr(out, OUT_NONE), d->check->name,
	    clean != NULL && *clean != '\0' ? 14 - (int)strlen(d->check->name)
					    : 0,
	    "", clean != NULL ? clean : "");
	free(clean);
	json_array_foreach (d->found, i, finding) {
		out_line(
		    out, "         %s", cli_text(finding, "problem", &text));
		fix = cli_text(finding, "fix", &text);
		if (*fix != '\0')
			out_line(out, "           fix: %s", fix);
	}
	fflush(out->file);
}

static json_t *
check_json(struct doctor *d)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:O}", "check", d->check->name,
	    "looks_at", d->check->looks, "state", state_words[d->state], "seen",
	    text_of(d->seen), "found", d->found);
}

void
doctor_mdoc(FILE *to)
{
	const struct doctor_check *check;

	fputs(".Cm doctor\nprints a line for each of its checks: ok, warning, "
	      "wrong, or unknown to\nwho asks; and behind it what was found, "
	      "with the fix.\n"
	      ".Bl -tag -width certificates\n",
	    to);
	for (check = doctor_checks; check->name != NULL; check++)
		fprintf(to, ".It Cm %s\nLooks at %s.\nThe fix: %s.\n",
		    check->name, check->looks, check->fix);
	fputs(".El\n", to);
}

/* ---- running ----------------------------------------------------------- */

static void
one_check(struct doctor *d, int root)
{
	d->state = DOCTOR_OK;
	d->seen[0] = d->fix[0] = d->command[0] = '\0';
	d->found = json_array();
	if ((d->check->where & DOCTOR_ROOT) && !root)
		doctor_find(d, DOCTOR_UNKNOWN, "only root can tell");
	else
		d->check->look(d);
}

/* All of them, or those that the command line names. */
static int
check_wanted(const struct doctor *d, const struct doctor_check *check)
{
	const struct grammar_words *words = &d->cli->words;
	int i;

	for (i = 0; i < words->nargs; i++)
		if (strcmp(words->args[i], check->name) == 0)
			return 1;
	return words->nargs == 0;
}

const char *
doctor_unknown(const struct cli *cli)
{
	const struct doctor_check *check;
	int i;

	for (i = 0; i < cli->words.nargs; i++) {
		for (check = doctor_checks; check->name != NULL; check++)
			if (strcmp(cli->words.args[i], check->name) == 0)
				break;
		if (check->name == NULL)
			return cli->words.args[i];
	}
	return NULL;
}

int
doctor_all(struct doctor *d, int root)
{
	unsigned where = d->away ? DOCTOR_AWAY : DOCTOR_HERE;
	json_t *all = json_array();
	size_t count[DOCTOR_WRONG + 1] = {0};

	for (d->check = doctor_checks; d->check->name != NULL; d->check++) {
		if (!(d->check->where & where) || !check_wanted(d, d->check))
			continue;
		one_check(d, root);
		count[d->state]++;
		if (d->cli->json)
			json_array_append_new(all, check_json(d));
		else
			print_check(d);
		json_decref(d->found);
	}
	if (d->cli->json)
		cli_print_json(d->cli, all);
	else {
		json_decref(all);
		out_line(&d->cli->out,
		    "%zu wrong, %zu warnings, %zu ok, %zu unknown",
		    count[DOCTOR_WRONG], count[DOCTOR_WARNING],
		    count[DOCTOR_OK], count[DOCTOR_UNKNOWN]);
	}
	return count[DOCTOR_WRONG] == 0 ? EXIT_OK : EXIT_REFUSED;
}

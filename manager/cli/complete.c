#include <stdio.h>
#include <string.h>

#include "cli/complete.h"
#include "cli/grammar.h"

/*
 * A manager that hangs, or is far away, must not keep who has pressed Tab.
 * Nor must what it says be more than names: a shell may expand them (bash's
 * compgen -W does), and runs the line that they were put into.
 */
#define ASK_PLAIN                                     \
	"timeout 2 paas apps --names 2> /dev/null | " \
	"LC_ALL=C grep -x \"[a-z][a-z0-9-]*\""
#define ASK_APPS "$(" ASK_PLAIN ")"

static const char ask_fish[] = "-a '(" ASK_PLAIN ")'";

/* Text inside single quotes of a shell. */
static void
complete_quote(FILE *to, const char *text)
{
	fputc('\'', to);
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\''", to);
		else
			fputc(*text, to);
	}
	fputc('\'', to);
}

static enum grammar_kind
complete_kind(const struct grammar_verb *verb)
{
	return verb->args[0].name != NULL ? verb->args[0].kind : KIND_TEXT;
}

static void
complete_words(FILE *to, const struct grammar_verb *verb)
{
	const char *sep = "";
	size_t i;

	for (i = 1; i < OPT_MAX; i++) {
		if (!grammar_takes(verb, (enum grammar_option_id)i))
			continue;
		fprintf(to, "%s--%s", sep, grammar_options[i].name);
		sep = " ";
		if (grammar_options[i].letter != '\0')
			fprintf(to, " -%c", grammar_options[i].letter);
	}
}

/*
 * bash splits words at the ":" in ps:scale, so that the line is split again
 * at blanks, and what readline already has is cut from the answers.
 */
static const char bash_head[] =
    "# bash completion for paas, made by `paas completion bash`.\n"
    "_paas()\n"
    "{\n"
    "\tlocal line=${COMP_LINE:0:COMP_POINT} cur prev verb= word list kind\n"
    "\tlocal -a words\n"
    "\tread -ra words <<< \"$line\"\n"
    "\tcur=\n"
    "\t[[ $line == *[[:blank:]] ]] || { cur=${words[-1]}; "
    "unset 'words[-1]'; }\n"
    "\tprev=${words[-1]}\n"
    "\tfor word in \"${words[@]:1}\"; do\n"
    "\t\t[[ $word == -* ]] || { verb=$word; break; }\n"
    "\tdone\n"
    "\tcase $verb in\n";

static const char bash_tail[] =
    "\tesac\n"
    "\tcase $prev in\n"
    "\t-a|--app|-c|--confirm) kind=app list= ;;\n"
    "\t--socket) kind=file list= ;;\n"
    "\tesac\n"
    "\tcase $kind in\n"
    "\tapp) list+=\" " ASK_APPS "\" ;;\n"
    "\tshell) list+=' bash zsh fish' ;;\n"
    "\tesac\n"
    "\tCOMPREPLY=()\n"
    "\tcase $kind in\n"
    "\tfolder) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "\tesac\n"
    "\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < "
    "<(compgen -W \"$list\" -- \"$cur\")\n"
    "\tif [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
    "\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"${cur%\"${cur##*:}\"}\"}\")\n"
    "\tfi\n"
    "}\n"
    "complete -F _paas paas\n";

static const char *const kind_names[] = {
    [KIND_TEXT] = "",
    [KIND_APP] = "app",
    [KIND_FILE] = "file",
    [KIND_FOLDER] = "folder",
    [KIND_VERB] = "verb",
    [KIND_SHELL] = "shell",
    [KIND_TYPE] = "",
};

static void
complete_verbs(FILE *to, const char *sep)
{
	const struct grammar_verb *verb;

	for (verb = grammar_verbs; verb->name != NULL; verb++)
		fprintf(
		    to, "%s%s", verb == grammar_verbs ? "" : sep, verb->name);
}

static void
complete_bash(FILE *to)
{
	const struct grammar_verb *verb;

	fputs(bash_head, to);
	fputs("\t'') list='", to);
	complete_verbs(to, " ");
	fputs(" --help --version' ;;\n", to);
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		fprintf(to, "\t%s) kind=%s list='", verb->name,
		    kind_names[complete_kind(verb)]);
		complete_words(to, verb);
		if (complete_kind(verb) == KIND_VERB) {
			fputc(' ', to);
			complete_verbs(to, " ");
		}
		fputs("' ;;\n", to);
	}
	fputs(bash_tail, to);
}

/* '-a[what it does]:APP:_paas_apps' */
static void
complete_zsh_option(FILE *to, const struct grammar_option *opt)
{
	const char *action = opt->kind == KIND_APP    ? "_paas_apps"
			     : opt->kind == KIND_FILE ? "_files"
						      : " ";
	char tail[256];

	snprintf(tail, sizeof(tail), "[%s]%s%s%s%s", opt->help,
	    opt->value != NULL ? ":" : "", opt->value != NULL ? opt->value : "",
	    opt->value != NULL ? ":" : "", opt->value != NULL ? action : "");
	fputs(" \\\n\t\t    ", to);
	if (opt->letter != '\0')
		fprintf(to, "{-%c,--%s}", opt->letter, opt->name);
	else
		fprintf(to, "--%s", opt->name);
	complete_quote(to, tail);
}

static void
complete_zsh_verb(FILE *to, const struct grammar_verb *verb)
{
	static const char *const actions[] = {
	    [KIND_TEXT] = " ",
	    [KIND_APP] = "_paas_apps",
	    [KIND_FILE] = "_files",
	    [KIND_FOLDER] = "_files -/",
	    [KIND_VERB] = "_paas_verbs",
	    [KIND_SHELL] = "(bash zsh fish)",
	    [KIND_TYPE] = " ",
	};
	size_t i;

	fprintf(to, "\t%s)\n\t\t_arguments", verb->name);
	for (i = 1; i < OPT_MAX; i++) {
		if (grammar_takes(verb, (enum grammar_option_id)i))
			complete_zsh_option(to, &grammar_options[i]);
	}
	if (verb->args[0].name != NULL)
		fprintf(to, " \\\n\t\t    '*:%s:%s'", verb->args[0].name,
		    actions[complete_kind(verb)]);
	fputs(" ;;\n", to);
}

/* 'ps\:scale:what it does', the first colon that is not escaped between. */
static void
complete_described(FILE *to, const struct grammar_verb *verb)
{
	char text[512];
	const char *p;
	size_t n = 0;

	for (p = verb->name; *p != '\0' && n + 2 < sizeof(text); p++) {
		if (*p == ':')
			text[n++] = '\\';
		text[n++] = *p;
	}
	snprintf(text + n, sizeof(text) - n, ":%s", verb->help);
	complete_quote(to, text);
}

static void
complete_zsh(FILE *to)
{
	const struct grammar_verb *verb;

	fputs("#compdef paas\n"
	      "# zsh completion for paas, made by `paas completion zsh`.\n"
	      "_paas_apps()\n{\n"
	      "\tcompadd -- ${(f)\"" ASK_APPS "\"}\n}\n"
	      "_paas_verbs()\n{\n\tlocal -a verbs\n\tverbs=(\n",
	    to);
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		fputs("\t    ", to);
		complete_described(to, verb);
		fputc('\n', to);
	}
	fputs("\t)\n\t_describe -t verbs verb verbs\n}\n"
	      "_paas()\n{\n"
	      "\tif (( CURRENT == 2 )); then\n\t\t_paas_verbs\n\t\treturn\n"
	      "\tfi\n"
	      "\tlocal verb=$words[2]\n"
	      "\tshift words\n\t(( CURRENT-- ))\n"
	      "\tcase $verb in\n",
	    to);
	for (verb = grammar_verbs; verb->name != NULL; verb++)
		complete_zsh_verb(to, verb);
	fputs("\tesac\n}\n_paas \"$@\"\n", to);
}

static void
complete_fish_option(
    FILE *to, const struct grammar_verb *verb, const struct grammar_option *opt)
{
	fprintf(to, "complete -c paas -n '__fish_seen_subcommand_from %s'",
	    verb->name);
	if (opt->letter != '\0')
		fprintf(to, " -s %c", opt->letter);
	fprintf(to, " -l %s", opt->name);
	if (opt->value != NULL && opt->kind == KIND_APP)
		fprintf(to, " -x %s", ask_fish);
	else if (opt->value != NULL)
		fputs(opt->kind == KIND_FILE ? " -r -F" : " -x", to);
	fputs(" -d ", to);
	complete_quote(to, opt->help);
	fputc('\n', to);
}

static void
complete_fish(FILE *to)
{
	const struct grammar_verb *verb;
	static const char *const words[] = {
	    [KIND_APP] = ask_fish,
	    [KIND_FILE] = "-F",
	    [KIND_FOLDER] = "-a '(__fish_complete_directories)'",
	    [KIND_SHELL] = "-a 'bash zsh fish'",
	    [KIND_TYPE] = NULL,
	};
	size_t i;

	fputs("# fish completion for paas, made by `paas completion fish`.\n"
	      "complete -c paas -f\n",
	    to);
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		fprintf(to,
		    "complete -c paas -n __fish_use_subcommand -a %s -d ",
		    verb->name);
		complete_quote(to, verb->help);
		fputc('\n', to);
	}
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		for (i = 1; i < OPT_MAX; i++) {
			if (grammar_takes(verb, (enum grammar_option_id)i))
				complete_fish_option(
				    to, verb, &grammar_options[i]);
		}
		if (words[complete_kind(verb)] != NULL)
			fprintf(to,
			    "complete -c paas -n "
			    "'__fish_seen_subcommand_from %s' %s\n",
			    verb->name, words[complete_kind(verb)]);
	}
	fputs(
	    "complete -c paas -n '__fish_seen_subcommand_from help' -a '", to);
	complete_verbs(to, " ");
	fputs("'\n", to);
}

int
complete_print(struct out *out, const char *shell)
{
	static const struct {
		const char *shell;
		void (*print)(FILE *);
	} shells[] = {{"bash", complete_bash}, {"zsh", complete_zsh},
	    {"fish", complete_fish}};
	size_t i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shell, shells[i].shell) == 0) {
			shells[i].print(out->file);
			return 0;
		}
	}
	return -1;
}

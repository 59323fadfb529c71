/*
 * paas.1 from the grammar: mdoc(7), checked with mandoc -Tlint.
 */
#include <stdio.h>
#include <string.h>

#include "cli/doctor/doctor.h"
#include "cli/help.h"

/* In text a leading "." or "'" would be a request, and "\" an escape. */
static void
mdoc_text(FILE *to, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", to);
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			fputs("\\e", to);
		else
			fputc(*text, to);
	}
}

/* One sentence a line, as mdoc wants it. */
static void
mdoc_sentences(FILE *to, const char *text)
{
	const char *end;

	while ((end = strstr(text, ". ")) != NULL) {
		char line[512];

		snprintf(line, sizeof(line), "%.*s.", (int)(end - text), text);
		mdoc_text(to, line);
		fputc('\n', to);
		text = end + 2;
	}
	mdoc_text(to, text);
	fputc('\n', to);
}

static void
mdoc_option(FILE *to, const struct grammar_option *opt, int optional)
{
	fputs(optional ? ".Op Fl " : ".It Fl ", to);
	if (opt->letter != '\0')
		fprintf(to, "%c", opt->letter);
	else
		fprintf(to, "-%s", opt->name);
	if (!optional && opt->letter != '\0')
		fprintf(to, " , Fl -%s", opt->name);
	if (opt->value != NULL)
		fprintf(to, " Ar %s", opt->value);
	fputc('\n', to);
}

static void
mdoc_aliases(FILE *to, const char *aliases)
{
	fputs("Also called\n.Cm ", to);
	for (; *aliases != '\0'; aliases++) {
		if (*aliases == ' ')
			fputs(" , ", to);
		else
			fputc(*aliases, to);
	}
	fputs(" .\n", to);
}

static void
mdoc_verb(FILE *to, const struct grammar_verb *verb)
{
	static const char *const before[] = {
	    "", ".Ar ", ".Op Ar ", ".Ar ", ".Op Ar "};
	static const char *const after[] = {"", "", "", " ...", " ..."};
	const struct grammar_arg *arg;
	size_t i;

	fprintf(to, ".It Xo\n.Cm %s\n", verb->name);
	for (arg = verb->args; arg->name != NULL; arg++)
		fprintf(to, "%s%s%s\n", before[arg->count], arg->name,
		    after[arg->count]);
	for (i = 0; verb->options[i] != OPT_NONE; i++)
		mdoc_option(to, &grammar_options[verb->options[i]], 1);
	fputs(".Xc\n", to);
	mdoc_text(to, verb->help);
	fputs(".\n", to);
	if (verb->detail != NULL)
		mdoc_sentences(to, verb->detail);
	if (verb->aliases != NULL)
		mdoc_aliases(to, verb->aliases);
	fprintf(to, ".Dl $ %s\n", verb->example);
}

static void
mdoc_verbs(FILE *to)
{
	const struct grammar_verb *verb;
	const char *group = NULL;

	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		if (group == NULL || strcmp(group, verb->group) != 0) {
			if (group != NULL)
				fputs(".El\n", to);
			group = verb->group;
			fprintf(to, ".Ss %s\n.Bl -tag -width Ds\n", group);
		}
		mdoc_verb(to, verb);
	}
	fputs(".El\n", to);
}

/* Every option once, with what it does. */
static void
mdoc_options(FILE *to)
{
	size_t i;

	fputs(".Ss Options\n.Bl -tag -width Ds\n", to);
	for (i = 1; i < OPT_MAX; i++) {
		mdoc_option(to, &grammar_options[i], 0);
		mdoc_text(to, grammar_options[i].help);
		fputs(".\n", to);
	}
	fputs(".El\n", to);
}

static const char mdoc_head[] =
    ".\\\" Made by `paas help --mdoc` from the tables in manager/cli/verbs.c.\n"
    ".Dd November 22, 2026\n"
    ".Dt PAAS 1\n"
    ".Os ngx_paas\n"
    ".Sh NAME\n"
    ".Nm paas\n"
    ".Nd push, run and watch apps on your own machines\n"
    ".Sh SYNOPSIS\n"
    ".Nm\n"
    ".Ar verb\n"
    ".Op Ar argument ...\n"
    ".Op Fl a Ar APP\n"
    ".Op Fl -json\n"
    ".Op Fl -socket Ar PATH\n"
    ".Nm\n"
    ".Ar verb\n"
    ".Fl -help\n"
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "asks\n"
    ".Xr paas-manager 8\n"
    "over its socket, as everything else can that speaks HTTP and JSON; or, once\n"
    ".Cm login\n"
    "was used, that of another machine, by\n"
    ".Li api.DOMAIN .\n"
    "Options may stand anywhere;\n"
    ".Fl -\n"
    "ends them.\n"
    ".Pp\n"
    "The app is the one of\n"
    ".Fl a ,\n"
    "else that of\n"
    ".Ev PAAS_APP ,\n"
    "else the name in the file\n"
    ".Pa .paas\n"
    "of this folder, or of the nearest one above it; of a push, of the folder\n"
    "that is pushed.\n"
    "A folder without that file, but with a git repository whose remote\n"
    ".Li paas\n"
    "leads to an app of this platform, as\n"
    ".Cm git:remote\n"
    "sets it, is that app's.\n"
    "A verb that needs an app and finds none says so and does nothing.\n"
    ".Pp\n"
    "On a terminal there are colours, and tables are cut at its edge;\n"
    "elsewhere columns are two blanks apart, and nothing is padded or cut.\n"
    "Control bytes in what an app prints are shown, never sent.\n"
    "Of log lines on a terminal, colours are kept.\n"
    ".Ss What is pushed\n"
    "Everything in the folder but\n"
    ".Pa .git ,\n"
    "what the files\n"
    ".Pa .gitignore\n"
    "leave out by the rules of\n"
    ".Xr gitignore 5 ,\n"
    "and what a file\n"
    ".Pa .slugignore\n"
    "in the folder itself leaves out by the same rules.\n"
    "Symbolic links are sent as links.\n"
    "Sockets, pipes and devices are not sent.\n"
    ".Pp\n"
    "From 256 KiB on, the platform is asked first which files it has from the\n"
    "app's last push, by their SHA-256, and only the others are sent.\n";

static const char mdoc_rollouts[] =
    ".Sh ROLL-OUTS\n"
    "A release is rolled out once it was pushed, a config var was set or one\n"
    "was gone back to.\n"
    "Instances of the new one get requests when they are ready, by the health\n"
    "check of their process type; those that they take over from end the\n"
    "requests they have, and then stop.\n"
    "A release that comes not ready, or crashes on its way, fails: all goes\n"
    "back to the one before, and\n"
    ".Cm releases:info\n"
    "says why.\n"
    "What is set with\n"
    ".Cm rollout:set\n"
    "counts for the roll-outs that begin after it:\n"
    ".Bl -tag -width max_unavailable\n"
    ".It Cm strategy\n"
    ".Cm rolling\n"
    "(as it is, if nothing is set) replaces a few at a time.\n"
    ".Cm blue-green\n"
    "starts all of the new ones and switches once each of them is ready.\n"
    ".Cm canary\n"
    "starts a part of the new web processes beside all that run, gives them\n"
    "their share of the requests and waits for\n"
    ".Cm rollout:promote ,\n"
    "which goes on as\n"
    ".Cm rolling ,\n"
    "or\n"
    ".Cm rollout:abort .\n"
    "The first release of an app, which takes over from nothing, starts all\n"
    "at once.\n"
    ".It Cm max_surge\n"
    "How many instances of a process type there may be more than wanted:\n"
    "a number, or per cent of those wanted, rounded up; 25%.\n"
    "Those that end their last requests are not counted.\n"
    ".It Cm max_unavailable\n"
    "How many fewer may serve than wanted: a number, or per cent, rounded\n"
    "down; 0.\n"
    "Where both come to nothing, there is one more at a time.\n"
    ".It Cm canary_weight\n"
    "Per cent of the requests that a canary gets, and of the web processes\n"
    "that it has, at least one; 10.\n"
    ".It Cm deadline\n"
    "Seconds without a step forward after which a roll-out has failed; 600.\n"
    ".It Cm release_timeout\n"
    "Seconds that the process\n"
    ".Cm release\n"
    "of the Procfile has, which runs before anything of a release does; 600.\n"
    ".El\n";

static const char mdoc_pace[] =
    ".Sh SLEEP AND LOAD\n"
    "Both go by what the router counts itself: requests and websockets that\n"
    "are open, requests that wait, and how long those took that have ended.\n"
    "The formation stays as\n"
    ".Cm ps:scale\n"
    "has set it, and each change is in the timeline with its reason.\n"
    ".Pp\n"
    ".Cm sleep:set\n"
    "lets an app sleep that has nothing to do: the instances end what\n"
    "requests they have and stop, and the next request waits at the router\n"
    "until one is ready, for the\n"
    ".Cm hold\n"
    "time of\n"
    ".Cm http:set\n"
    "at most, or 30 s where that is none.\n"
    "It also wakes by a release, a restart,\n"
    ".Cm sleep:off\n"
    "and\n"
    ".Cm stop .\n"
    "An app that does not serve does not fall asleep, nor does one whose\n"
    "release is being rolled out; and while the router says nothing, or after\n"
    "a start of the manager, the time begins anew.\n"
    ".Bl -tag -width concurrency\n"
    ".It Cm after\n"
    "How long there has to be no request and no connection: 1s to 30d.\n"
    ".It Cm all\n"
    ".Cm on :\n"
    "its other processes sleep with it, as workers do; else only web does.\n"
    ".El\n"
    ".Pp\n"
    ".Cm autoscale:set\n"
    "has as many web processes run as their load asks for, judged each two\n"
    "seconds over the last ten.\n"
    "Where it is set it decides:\n"
    ".Cm ps:scale\n"
    "of web is refused, but to none and back, and what a manifest or\n"
    ".Cm ps:scale\n"
    "said before is where it begins, and what\n"
    ".Cm autoscale:off\n"
    "goes back to.\n"
    "It grows by 100 % or by 4 at a time, whichever is more, once those that\n"
    "it has asked for before are ready.\n"
    "It shrinks only to what was never too few for a whole window; and for\n"
    "24 windows not to where an instance would get over 80 % of the\n"
    "requests a second that have been too many for one.\n"
    "What differs by less than 10 % changes nothing, nor does a router that\n"
    "does not answer.\n"
    "With\n"
    ".Cm sleep:set\n"
    "it comes to none, and wakes with\n"
    ".Cm min .\n"
    ".Bl -tag -width concurrency\n"
    ".It Cm min\n"
    "At least so many; 1.\n"
    ".It Cm max\n"
    "At most so many, up to\n"
    ".Cm scale_max\n"
    "of\n"
    ".Xr paas.conf 5 .\n"
    ".It Cm concurrency\n"
    "How many requests at once an instance should have, websockets and those\n"
    "that wait included.\n"
    ".It Cm p95\n"
    "How long 95 % of the requests should take at most, 1ms to 10m; counted\n"
    "from 20 requests on.\n"
    "Between two of the router's classes of time it is estimated.\n"
    ".It Cm window\n"
    "For how long fewer have to do before it shrinks, 10s to 1d; 5m.\n"
    ".El\n"
    ".Sh CRON\n"
    "The five fields are those of\n"
    ".Xr crontab 5 :\n"
    "minute, hour, day of the month, month and day of the week, each a\n"
    "number,\n"
    ".Cm * ,\n"
    "a range, a list of them, with steps as in\n"
    ".Cm */5 ,\n"
    "and months and days also by the first three letters of their names.\n"
    "Where both days are given, either is enough.\n"
    "All times are UTC, which no summer time shifts.\n"
    ".Pp\n"
    "Each run is a one-off process,\n"
    ".Cm cron.12 ,\n"
    "of the release that serves; the name of a process type stands for its\n"
    "command.\n"
    "Its output is in the logs, how it ended in the timeline.\n"
    "A time is run for once at most, whatever dies in between.\n"
    "It is left out, and the timeline says so, if the last run of the entry\n"
    "still goes on, unless it was added with\n"
    ".Fl -overlap ;\n"
    "if the app is stopped, or has no release; or if\n"
    ".Cm oneoff_max\n"
    "of\n"
    ".Xr paas.conf 5\n"
    "processes run beside it.\n"
    "What was due while the platform was down is not made up for, nor is\n"
    "what the clock was set over.\n"
    "One that was set back by up to three hours runs nothing twice.\n"
    "A sleeping app's entries run, and do not wake it.\n"
    "An app has at most 100 of them.\n";

static const char mdoc_access[] =
    ".Sh ACCESS\n"
    "Root and the members of the group\n"
    ".Cm paas ,\n"
    "who use the socket, may do everything.\n"
    "Others are users, who come in by\n"
    ".Li api.DOMAIN\n"
    "with a token, and have a role for all apps, one for each app that\n"
    ".Cm access:add\n"
    "has named, and those of their teams; the greatest one counts:\n"
    ".Bl -tag -width deployer\n"
    ".It Cm member\n"
    "may create apps, and is\n"
    ".Cm admin\n"
    "of those.\n"
    "An app that somebody has no role for is not there for them.\n"
    ".It Cm viewer\n"
    "sees an app, its releases, its logs and its timeline, but no config vars.\n"
    ".It Cm deployer\n"
    "pushes, changes config vars, domains and processes, and runs commands.\n"
    ".It Cm admin\n"
    "destroys the app and says who may what; one for all apps also sees to\n"
    "users, routes and certificates of the platform, and reads the audit.\n"
    ".El\n"
    ".Pp\n"
    "In a team, a viewer has that role for the apps which are the team's, and\n"
    "so have a deployer, who also makes new ones, and an admin, who also says\n"
    "who is in the team; its last admin can't leave it.\n"
    "A team may have a role for another app as well\n"
    ".Pq Cm access:add --team ,\n"
    "or for all apps\n"
    ".Pq Cm teams:set --role :\n"
    "its members have that, but no more than their role in the team.\n"
    "Heroku's word member is taken for a deployer in a team, owner for an\n"
    "admin.\n"
    ".Pp\n"
    "A token stands for whoever made it, as far as its scope reaches, which is\n"
    "one or more words between blanks:\n"
    ".Bl -tag -width write-protected\n"
    ".It Cm deploy\n"
    "to push, by git or not, and to see what comes of it\n"
    ".It Cm identity\n"
    "to tell who it is\n"
    ".It Cm read\n"
    "to see all but config vars\n"
    ".It Cm read-protected\n"
    "these as well\n"
    ".It Cm write\n"
    "to see and change all but config vars\n"
    ".It Cm write-protected\n"
    "these as well\n"
    ".It Cm global\n"
    "for everything; users, tokens and keys are managed with these alone\n"
    ".El\n";

static const char mdoc_tail[] =
    ".Sh LIMITS\n"
    "What each process of a type may use at most; where nothing is set, the\n"
    "setting in\n"
    ".Xr paas.conf 5\n"
    "that is named counts.\n"
    "The types run, cron, release and postdeploy are those of one-off "
    "processes:\n"
    "what is set for them counts for those that are asked for from then on.\n"
    "Its value is shown by\n"
    ".Cm ps:limits ,\n"
    "and is in\n"
    ".Li limits\n"
    "of a formation's JSON, in bytes, numbers and per cent.\n"
    ".Bl -tag -width cpu_weight\n"
    ".It Cm memory\n"
    "With what it writes to its own disk,\n"
    ".Pa /tmp\n"
    "and\n"
    ".Pa /dev/shm\n"
    ".Pq Ic instance_memory .\n"
    "Beyond it the kernel ends a process of the instance; if that was the one that\n"
    "the instance is about, it\n"
    ".Dq crashed: out of memory\n"
    "in\n"
    ".Cm ps\n"
    "and\n"
    ".Cm timeline ;\n"
    "in any case a line of its log says that a process was ended.\n"
    ".It Cm swap\n"
    "Beside the memory\n"
    ".Pq Ic instance_swap .\n"
    ".It Cm disk\n"
    "What may be written to\n"
    ".Pa /app ,\n"
    "and once more to\n"
    ".Pa /tmp\n"
    "and to\n"
    ".Pa /dev/shm\n"
    ".Pq Ic instance_tmp ;\n"
    "beyond it there is\n"
    ".Dq No space left on device .\n"
    "All of it is gone when the instance ends.\n"
    ".It Cm cpu_weight\n"
    "Its share where the CPUs are busy, beside others, of which 100 is usual: one\n"
    "of 200 gets twice as much as one of 100, one of 50 half of it\n"
    ".Pq Ic instance_cpu_weight .\n"
    ".It Cm cpu_quota\n"
    "Per cent of one CPU, however idle the machine: with 50 % it runs for 50 ms in\n"
    "each tenth of a second, with 200 % on two CPUs\n"
    ".Pq Ic instance_cpu_quota .\n"
    ".It Cm pids\n"
    "Processes and threads; beyond it none can be started\n"
    ".Pq Ic instance_pids .\n"
    ".It Cm files\n"
    "Open files of each process, connections included; beyond it there is\n"
    ".Dq Too many open files\n"
    ".Pq Ic instance_files .\n"
    ".It Cm log_rate\n"
    "Bytes a second; of more, whole lines are left out, and one tells how many\n"
    ".Pq Ic log_rate .\n"
    ".El\n"
    ".Pp\n"
    "Memory, swap and disk go up to\n"
    ".Ic memory_max .\n"
    "Of this and a manifest the later one counts, for memory and disk.\n"
    ".Sh IMAGES\n"
    "What\n"
    ".Cm push --image\n"
    "takes is an OCI image layout:\n"
    ".Bd -literal -offset indent\n"
    "skopeo copy docker://docker.io/library/caddy oci:caddy\n"
    "paas push --image caddy -a caddy --create\n"
    ".Ed\n"
    ".Pp\n"
    "Of an index of platforms this machine's is taken; one for another machine\n"
    "is refused.\n"
    "In the build's sandbox\n"
    ".Xr skopeo 1\n"
    "checks the digests and\n"
    ".Xr umoci 1\n"
    "unpacks the layers.\n"
    "Of a folder, layers that came with the last push are not sent again.\n"
    ".Pp\n"
    "The app sees the image's file system as\n"
    ".Pa / ,\n"
    "and what it writes there is gone when it ends, as with all apps.\n"
    "Entry point and command, one behind the other and without a shell, are the\n"
    "process type\n"
    ".Cm web ,\n"
    "which is the only one; they start in the image's working folder.\n"
    "Its environment comes before the config vars, and\n"
    ".Ev PORT\n"
    "is the TCP port that it exposes, the lowest one of several, or else the\n"
    "one that all apps have: there requests go to.\n"
    "A line of shell, as for\n"
    ".Cm run:detached ,\n"
    "is run by the image's\n"
    ".Pa /bin/sh .\n"
    ".Pp\n"
    "What cannot be honoured, as there is one user in a sandbox and no root:\n"
    ".Bl -bullet -compact\n"
    ".It\n"
    "The process appears as the image's user, by number or by name, in a group of\n"
    "the same number; an image that would be root is user 65532, with the home of\n"
    "root.\n"
    "All files are its own, whoever owns them in the image; it cannot become\n"
    "another user.\n"
    ".It\n"
    "Setuid and setgid bits, extended attributes and file capabilities are\n"
    "dropped; devices, pipes and sockets are refused, but in\n"
    ".Pa /dev ,\n"
    "which is the sandbox's own.\n"
    ".It\n"
    "Volumes, the stop signal, health checks and labels are not looked at:\n"
    "see\n"
    ".Cm ps:health .\n"
    ".It\n"
    "Layers are uncompressed or gzip; skopeo makes them so with\n"
    ".Fl -dest-compress-format Cm gzip .\n"
    ".El\n"
    ".Sh ENVIRONMENT\n"
    ".Bl -tag -width PAAS_SOCKET\n"
    ".It Ev PAAS_APP\n"
    "The app, where\n"
    ".Fl a\n"
    "does not name it.\n"
    ".It Ev PAAS_SOCKET\n"
    "The manager's socket, where\n"
    ".Fl -socket\n"
    "does not name it.\n"
    ".It Ev PAAS_HOST , PAAS_TOKEN\n"
    "A platform elsewhere and a token of it, in place of\n"
    ".Cm login ;\n"
    "without the token, one of those that one has logged in to.\n"
    ".It Ev SSL_CERT_FILE\n"
    "Certificates to believe in, as PEM, in place of those of this machine, "
    "where\n"
    ".Cm login\n"
    "has kept none.\n"
    ".It Ev NO_COLOR\n"
    "No colours, if it is not empty.\n"
    ".El\n"
    ".Sh FILES\n"
    ".Bl -tag -width /etc/paas/paas.conf -compact\n"
    ".It Pa /etc/paas/paas.conf\n"
    "names the folder of the socket; see\n"
    ".Xr paas.conf 5\n"
    ".It Pa /run/paas/manager.sock\n"
    "the socket, if that file does not say otherwise\n"
    ".It Pa ~/.config/paas/certs\n"
    "certificates that one has trusted, a file a host\n"
    ".It Pa ~/.config/paas/git\n"
    "tokens that git gets, a file a host\n"
    ".It Pa ~/.config/paas/heroku.gitconfig\n"
    "what git reads when Heroku's CLI runs it; see HEROKU\n"
    ".It Pa ~/.config/paas/login\n"
    "the platforms that one is logged in to, with a token each, the latest first\n"
    ".It Pa .paas\n"
    "the name of the folder's app\n"
    ".El\n"
    ".Sh EXIT STATUS\n"
    ".Bl -tag -width 130 -compact\n"
    ".It 0\n"
    "done\n"
    ".It 1\n"
    "refused, or failed: the message says why\n"
    ".It 2\n"
    "the command line is wrong\n"
    ".It 3\n"
    "no manager answers\n"
    ".It 130\n"
    "interrupted\n"
    ".El\n"
    ".Sh EXAMPLES\n"
    "Push the folder\n"
    ".Pa shop\n"
    "as a new app, run three of its web processes, and follow what they say:\n"
    ".Bd -literal -offset indent\n"
    "$ paas push shop -a shop --create\n"
    "$ paas ps:scale web=3 -a shop\n"
    "$ paas logs -f -a shop\n"
    ".Ed\n"
    ".Pp\n"
    "Every verb is a request that\n"
    ".Xr curl 1\n"
    "can make as well:\n"
    ".Bd -literal -offset indent\n"
    "$ curl --unix-socket /run/paas/manager.sock http://paas/apps\n"
    ".Ed\n"
    ".Sh SEE ALSO\n"
    ".Xr paas-routedb 1 ,\n"
    ".Xr paas-router 5 ,\n"
    ".Xr paas.conf 5 ,\n"
    ".Xr paas-git 8 ,\n"
    ".Xr paas-launcher 8 ,\n"
    ".Xr paas-manager 8\n";

void
mdoc_print(struct out *out)
{
	fputs(mdoc_head, out->file);
	fputs(".Sh COMMANDS\n", out->file);
	mdoc_verbs(out->file);
	mdoc_options(out->file);
	fputs(mdoc_states, out->file);
	fputs(mdoc_rollouts, out->file);
	fputs(mdoc_pace, out->file);
	fputs(mdoc_access, out->file);
	fputs(".Sh DOCTOR\n", out->file);
	doctor_mdoc(out->file);
	fputs(mdoc_heroku, out->file);
	fputs(mdoc_tail, out->file);
}

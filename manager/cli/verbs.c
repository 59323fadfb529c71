/*
 * The table.  A verb is added here and in a cmd_*.c; help, completion,
 * suggestions and paas.1 follow by themselves.
 */
#include "cli/cli.h"

/* clang-format off */
#define NO_ARGS  {{0}}
#define ARG(name, count, kind) {{name, count, kind}}
#define TYPE_N   ARG("TYPE.N", COUNT_ONE, KIND_TYPE)
#define PACK     ARG("PACK", COUNT_ONE, KIND_TEXT)
#define HOST     ARG("HOST", COUNT_ONE, KIND_TEXT)
#define CERT_KEY {{"CERT", COUNT_ONE, KIND_FILE}, {"KEY", COUNT_ONE, KIND_FILE}}
#define NAMES    ARG("NAME", COUNT_SOME, KIND_TEXT)

const struct grammar_verb grammar_verbs[] = {
	{"push", "deploy", "Apps", VERB_APP,
	    ARG("DIR", COUNT_OPTIONAL, KIND_FOLDER), {OPT_CREATE, OPT_DETACH,
	     OPT_MANIFEST, OPT_NO_MANIFEST, OPT_VARS_FILE, OPT_VAR,
	     OPT_IMAGE},
	    "Build and start what is in a folder",
	    "Sends the folder (this one if none is named) without what .gitignore "
	    "and .slugignore leave out, shows the build as it goes, and ends when "
	    "the new release serves or has failed. A release that does not "
	    "get ready changes nothing. With --create and no app named, the app "
	    "gets the folder's name, which is then written to .paas in it. "
	    "If it has a manifest.yml, each app of that is pushed, or the one "
	    "that -a names: see paas-manifest(5). A word that is no folder "
	    "names the app, as -a does: `paas push shop`. With "
	    "--image, what `skopeo copy docker://IMAGE oci:DIR` or "
	    "oci-archive:FILE has written is started as it is: see IMAGES.",
	    "paas push -a shop --create", cmd_push},
	{"apps", "apps:list", "Apps", 0, NO_ARGS, {OPT_NAMES, OPT_TEAM},
	    "List the apps", NULL, "paas apps", cmd_apps},
	{"apps:create", "create", "Apps", 0,
	    ARG("NAME", COUNT_OPTIONAL, KIND_TEXT), {OPT_HERE, OPT_TEAM},
	    "Create an app",
	    "Without a name the platform makes one up. With --here the name is "
	    "written to .paas, so that verbs in this folder and below need no -a. "
	    "With --team it is of that team, whose members have their roles for "
	    "it; else you are its admin.",
	    "paas apps:create shop", cmd_apps_create},
	{"apps:info", "info", "Apps", VERB_APP,
	    ARG("NAME", COUNT_OPTIONAL, KIND_APP), {0},
	    "Show an app", NULL, "paas apps:info shop", cmd_apps_info},
	{"apps:destroy", "destroy apps:delete", "Apps", VERB_APP,
	    ARG("NAME", COUNT_OPTIONAL, KIND_APP), {OPT_CONFIRM},
	    "Remove an app with its releases, logs and domains",
	    "There is no way back. The name has to be typed once more.",
	    "paas apps:destroy shop --confirm shop", cmd_apps_destroy},
	{"apps:rename", "rename", "Apps", VERB_APP,
	    ARG("NAME", COUNT_ONE, KIND_TEXT), {0},
	    "Give an app another name",
	    "Its host and its git URL have the new name at once, processes go "
	    "on, and the old name is free. Git remotes and .paas files that have "
	    "it are left alone: git:remote sets the former.",
	    "paas apps:rename store -a shop", cmd_apps_rename},
	{"apps:transfer", NULL, "Apps", VERB_APP,
	    ARG("TO", COUNT_ONE, KIND_TEXT), {0},
	    "Give an app to a team or to another user",
	    "TO is a team's name or a user's address. You have to be an admin of "
	    "the app, and in a team at least a deployer; to take an app from a "
	    "team, an admin of that. Collaborators keep their roles.",
	    "paas apps:transfer crew -a shop", cmd_transfer},
	{"start", "apps:start", "Apps", VERB_APP, NO_ARGS, {0},
	    "Start an app that was stopped", NULL, "paas start -a shop",
	    cmd_start},
	{"stop", "apps:stop", "Apps", VERB_APP, NO_ARGS, {0},
	    "Stop all processes of an app",
	    "Its formation is kept; requests get 503 app_stopped until a start.",
	    "paas stop -a shop", cmd_stop},
	{"restart", "apps:restart", "Apps", VERB_APP, NO_ARGS, {0},
	    "Restart all processes, new ones first",
	    "Each process is replaced once its successor is ready: no request "
	    "fails.", "paas restart -a shop", cmd_restart},
	{"maintenance", NULL, "Apps", VERB_APP, NO_ARGS, {0},
	    "Tell whether maintenance mode is on", NULL,
	    "paas maintenance -a shop", cmd_maintenance},
	{"maintenance:on", NULL, "Apps", VERB_APP, NO_ARGS, {0},
	    "Answer every request with a maintenance page", NULL,
	    "paas maintenance:on -a shop", cmd_maintenance_on},
	{"maintenance:off", NULL, "Apps", VERB_APP, NO_ARGS, {0},
	    "Let requests through again", NULL,
	    "paas maintenance:off -a shop", cmd_maintenance_off},
	{"ps", "ps:list dynos", "Processes", VERB_APP, NO_ARGS, {0},
	    "List the running processes and their states",
	    "An app that is asleep says so.", "paas ps -a shop", cmd_ps},
	{"ps:scale", "scale", "Processes", VERB_APP,
	    ARG("TYPE=COUNT", COUNT_ANY, KIND_TYPE), {0},
	    "Run so many processes of a type",
	    "Without an argument it shows the formation. +N and -N change the "
	    "count by N.",
	    "paas ps:scale web=3 worker=1 -a shop", cmd_ps_scale},
	{"ps:health", NULL, "Processes", VERB_APP,
	    ARG("CHECK", COUNT_ANY, KIND_TEXT), {OPT_PS},
	    "Choose how processes are checked",
	    "With a path, such as /healthz, a web process is well as long as "
	    "GET of that path answers 200 to 399; with the word port, as long "
	    "as its port takes connections, which is the default; with "
	    "process, while it runs; with command='LINE', as long as that "
	    "line of shell, run inside the instance, exits with status 0. "
	    "What is not well at 3 looks in a row gets no requests, and at 6 "
	    "it is restarted. Settings go behind it or alone: "
	    "status=200-299,304, header=NAME:VALUE, timeout=5 and interval=10 "
	    "in seconds, failures=3, restart=6 or 0 for never; without a "
	    "value, a setting is as usual. default undoes all; without an "
	    "argument it tells which. It counts for processes that start "
	    "after it: see ps:restart.",
	    "paas ps:health /healthz timeout=2 -a shop", cmd_ps_health},
	{"ps:readiness", NULL, "Processes", VERB_APP,
	    ARG("CHECK", COUNT_ANY, KIND_TEXT), {OPT_PS},
	    "Choose when web processes get requests",
	    "A second check, in the words of ps:health: what fails it gets no "
	    "requests until it is well again, and is never restarted for it. "
	    "off: there is none, which is the default.",
	    "paas ps:readiness /ready -a shop", cmd_ps_readiness},
	{"ps:timeouts", NULL, "Processes", VERB_APP,
	    ARG("NAME=SECONDS", COUNT_ANY, KIND_TEXT), {OPT_PS},
	    "Choose how long starting and stopping may take",
	    "start: until a process has to be ready, or it is ended as "
	    "crashed. drain: that the requests it has may take before it is "
	    "stopped. stop: from SIGTERM to SIGKILL. Without a value, that of "
	    "paas.conf; without an argument it tells which.",
	    "paas ps:timeouts drain=60 stop=30 -a shop", cmd_ps_timeouts},
	{"ps:limits", NULL, "Processes", VERB_APP,
	    {{"TYPE", COUNT_OPTIONAL, KIND_TYPE},
	     {"LIMIT=VALUE", COUNT_ANY, KIND_TEXT}}, {0},
	    "Choose what each process of a type may use",
	    "Without a limit it shows them. memory, swap and disk are sizes, as "
	    "512M; log_rate is one a second; cpu_quota is a percentage of one "
	    "CPU or the word none; cpu_weight, pids and files are numbers. The "
	    "word default stands for what paas.conf says. Processes that have "
	    "other limits are replaced, new ones first; see LIMITS.",
	    "paas ps:limits web memory=1G cpu_quota=150% -a shop", cmd_ps_limits},
	{"sleep", "sleep:status", "Processes", VERB_APP, NO_ARGS, {0},
	    "Show whether an app sleeps, and when it would",
	    NULL, "paas sleep -a shop", cmd_sleep},
	{"sleep:set", NULL, "Processes", VERB_APP,
	    ARG("SETTING=VALUE", COUNT_SOME, KIND_TEXT), {0},
	    "Let an app sleep that nobody asks for",
	    "After that time without a request or an open connection its web "
	    "processes stop; the next request waits, and wakes them. SLEEP AND "
	    "LOAD below has the rest.",
	    "paas sleep:set after=30m -a shop", cmd_sleep_set},
	{"sleep:off", "sleep:unset", "Processes", VERB_APP, NO_ARGS, {0},
	    "Keep an app awake", NULL, "paas sleep:off -a shop", cmd_sleep_off},
	{"autoscale", "autoscale:status", "Processes", VERB_APP, NO_ARGS, {0},
	    "Show how web processes are scaled by their load",
	    NULL, "paas autoscale -a shop", cmd_autoscale},
	{"autoscale:set", NULL, "Processes", VERB_APP,
	    ARG("SETTING=VALUE", COUNT_SOME, KIND_TEXT), {0},
	    "Run as many web processes as their load asks for",
	    "By how many requests each has at once, by how long 95 % of them "
	    "take at most, or by both. SLEEP AND LOAD below has the settings. "
	    "Those that are not named have their defaults.",
	    "paas autoscale:set min=1 max=10 concurrency=20 p95=200ms -a shop",
	    cmd_autoscale_set},
	{"autoscale:off", "autoscale:unset", "Processes", VERB_APP, NO_ARGS,
	    {0}, "Scale web processes by hand again",
	    "To as many as ps:scale has said last.",
	    "paas autoscale:off -a shop", cmd_autoscale_off},
	{"cron", "cron:list", "Processes", VERB_APP, NO_ARGS, {0},
	    "List the commands that run when they are due", NULL,
	    "paas cron -a shop", cmd_cron},
	{"cron:add", NULL, "Processes", VERB_APP,
	    {{"SCHEDULE", COUNT_ONE, KIND_TEXT},
	     {"COMMAND", COUNT_SOME, KIND_TEXT}},
	    {OPT_TTL, OPT_OVERLAP},
	    "Run a command when it is due",
	    "As run:detached would, at the times in UTC that the five fields of "
	    "SCHEDULE name, or one of @hourly, @daily, @weekly, @monthly and "
	    "@yearly. See CRON.",
	    "paas cron:add @daily ./clean -a shop", cmd_cron_add},
	{"cron:remove", "cron:rm", "Processes", VERB_APP,
	    ARG("ID", COUNT_SOME, KIND_TEXT), {0},
	    "Run a command no more",
	    "What of it runs now goes on.",
	    "paas cron:remove 2 -a shop", cmd_cron_remove},
	{"ps:exec", NULL, "Processes", VERB_APP | VERB_COMMAND,
	    {{"TYPE.N", COUNT_OPTIONAL, KIND_TYPE},
	     {"COMMAND", COUNT_ANY, KIND_TEXT}},
	    {OPT_ENV, OPT_NO_TTY},
	    "Run a command inside a running process",
	    "In the instance of web.1 if none is named, with its files, network "
	    "and limits: what it uses counts there. A shell if there is no "
	    "command. All else is as with run; whatever it leaves behind ends "
	    "with it. The timeline says who went in.",
	    "paas ps:exec -a shop web.2 ls -l /tmp", cmd_ps_exec},
	{"ps:restart", NULL, "Processes", VERB_APP,
	    ARG("TYPE.N", COUNT_OPTIONAL, KIND_TYPE), {0},
	    "Restart one process, or all", NULL,
	    "paas ps:restart web.1 -a shop", cmd_ps_restart},
	{"ps:stop", "ps:kill", "Processes", VERB_APP, TYPE_N, {0},
	    "Stop one process",
	    "The formation is kept, so that another one takes its place; see "
	    "ps:scale for fewer.", "paas ps:stop web.2 -a shop", cmd_ps_stop},
	{"run", NULL, "Processes", VERB_APP | VERB_COMMAND,
	    ARG("COMMAND", COUNT_SOME, KIND_TEXT), {OPT_ENV, OPT_TTL, OPT_NO_TTY},
	    "Run a command beside the processes, with this terminal",
	    "It gets an instance of its own, of the release that serves, and "
	    "standard input, output and error of this program: a terminal where "
	    "they are one, else pipes. Its exit status is that of this program, "
	    "128 and the signal's number if it was killed; 255 says that the "
	    "connection was lost. Ctrl-C goes to the command; without a "
	    "terminal, the third one ends this program. The command ends "
	    "with its client, by SIGHUP and five seconds later SIGKILL; it "
	    "does not end with the manager or the launcher. Options go before "
	    "the command: all from its first word on belongs to it. A single "
	    "word is a line of shell, or the name of a process type.",
	    "paas run -a shop bash", cmd_run},
	{"run:detached", NULL, "Processes", VERB_APP | VERB_COMMAND,
	    ARG("COMMAND", COUNT_SOME, KIND_TEXT), {OPT_ENV, OPT_TTL},
	    "Run a command beside the processes, and do not wait for it",
	    "It gets an instance of its own, of the release that serves, and is "
	    "started at most once. What it prints is in the logs. Options go "
	    "before the command: all from its first word on belongs to it. A "
	    "single word is a line of shell, or the name of a process type.",
	    "paas run:detached -a shop ./manage.py migrate", cmd_run_detached},
	{"logs", "log", "Watching", VERB_APP, NO_ARGS,
	    {OPT_FOLLOW, OPT_LINES, OPT_PS, OPT_SOURCE, OPT_SINCE, OPT_FILTER},
	    "Show what the processes print and what they are asked",
	    "One stream in order of time: app is what the processes print, "
	    "router the requests to them, paas what builds print and what the "
	    "platform did, with the process that it is about or what kind of a "
	    "change it was. With -f it goes on until you end it, and behind the "
	    "last line if the manager is started anew. Colours of the app are kept on a terminal; all other "
	    "control bytes are shown, not sent.",
	    "paas logs -f -p web.1 -a shop", cmd_logs},
	{"logs:limits", NULL, "Watching", VERB_APP,
	    ARG("LIMIT=VALUE", COUNT_ANY, KIND_TEXT), {0},
	    "Choose what the log of an app may have in all",
	    "disk is a size, as 256M, rate is one a second. The word default "
	    "stands for what paas.conf says. Without a limit it shows them. "
	    "Beyond them lines are dropped, and a line says how many.",
	    "paas logs:limits disk=64M rate=1M -a shop", cmd_logs_limits},
	{"drains", "drains:list", "Watching", VERB_APP, NO_ARGS, {0},
	    "List where the log of an app goes",
	    "With what became of it: ok, or what is wrong at the moment, and how "
	    "many lines were lost.", "paas drains -a shop", cmd_drains},
	{"drains:add", NULL, "Watching", VERB_APP,
	    ARG("URL", COUNT_ONE, KIND_TEXT), {0},
	    "Send the log of an app somewhere, from now on",
	    "To syslog://HOST:PORT or syslog+tls://HOST:PORT, or to "
	    "https://HOST/PATH in the frames of Heroku's logplex. See LOGS in "
	    "paas-manager(8).",
	    "paas drains:add syslog+tls://logs.example.com:6514 -a shop",
	    cmd_drains_add},
	{"drains:remove", "drains:delete", "Watching", VERB_APP,
	    ARG("URL", COUNT_ONE, KIND_TEXT), {0},
	    "Send the log of an app there no longer",
	    "By the drain's URL, or by its token.",
	    "paas drains:remove syslog+tls://logs.example.com:6514 -a shop",
	    cmd_drains_remove},
	{"timeline", "activity events", "Watching", VERB_APP, NO_ARGS,
	    {OPT_LIMIT, OPT_FOLLOW}, "Show what happened to an app",
	    "With --follow it goes on behind the last event if the manager "
	    "was away.",
	    "paas timeline -n 20 -a shop", cmd_timeline},
	{"status", "health", "Watching", 0, NO_ARGS, {0},
	    "Tell how the platform itself is",
	    "That is the manager, the launcher, the router, and what runs.",
	    "paas status", cmd_status},
	{"doctor", NULL, "Watching", VERB_SELF,
	    ARG("CHECK", COUNT_ANY, KIND_TEXT), {0},
	    "Find what is wrong with the platform, and say the fix",
	    "On its own machine as root it looks at everything, or at what is "
	    "named; what only root can tell is unknown to others. After paas "
	    "login it looks at what can be seen from here. Nothing is changed. "
	    "The exit status is 1 if something is wrong; warnings do not "
	    "count. See DOCTOR.",
	    "paas doctor", cmd_doctor},
	{"regions", "regions:list", "Watching", 0, NO_ARGS, {0},
	    "List where apps can run", NULL, "paas regions", cmd_regions},
	{"stacks", "stacks:list stack", "Watching", 0, NO_ARGS, {0},
	    "List the systems that apps are built for", NULL, "paas stacks",
	    cmd_stacks},
	{"config", "config:list", "Configuration", VERB_APP, NO_ARGS,
	    {OPT_SHELL}, "Show the config vars of an app", NULL,
	    "paas config -a shop", cmd_config},
	{"config:set", "config:add", "Configuration", VERB_APP,
	    ARG("NAME=VALUE", COUNT_SOME, KIND_TEXT), {0},
	    "Set config vars and restart with them",
	    "A NAME without a value is asked for, or read from standard input: "
	    "so that a secret is in no argument list and no shell history.",
	    "paas config:set LOG_LEVEL=debug -a shop", cmd_config_set},
	{"config:get", NULL, "Configuration", VERB_APP,
	    ARG("NAME", COUNT_ONE, KIND_TEXT), {0},
	    "Print the value of one config var",
	    "Not set: nothing is printed and the exit status is 1.",
	    "paas config:get DATABASE_URL -a shop", cmd_config_get},
	{"config:unset", "config:remove", "Configuration", VERB_APP, NAMES, {0},
	    "Remove config vars and restart without them", NULL,
	    "paas config:unset LOG_LEVEL -a shop", cmd_config_unset},
	{"buildpacks", "buildpacks:list", "Configuration", VERB_APP, NO_ARGS,
	    {0}, "List the buildpacks an app is built with",
	    "With none the platform's own are asked, and the first one that "
	    "fits is used.", "paas buildpacks -a shop", cmd_buildpacks},
	{"buildpacks:add", NULL, "Configuration", VERB_APP, PACK, {OPT_INDEX},
	    "Build with one more buildpack",
	    "It comes last if --index does not say otherwise. PACK is the URL of "
	    "a git repository, with a branch, tag or commit "
	    "behind #, or of a .tgz; ./PATH of a folder or archive in the app; "
	    "or the name of one of the platform's own, such as nodejs. Heroku's "
	    "interface and Cloud Foundry's are spoken. All of them run in "
	    "order; the last one says what to start.",
	    "paas buildpacks:add https://git.example.com/pack.git#v2 -a shop",
	    cmd_buildpacks_add},
	{"buildpacks:set", NULL, "Configuration", VERB_APP, PACK, {OPT_INDEX},
	    "Put a buildpack in the place of another one",
	    "It takes the place of the first one if --index names no other.",
	    "paas buildpacks:set nodejs -a shop", cmd_buildpacks_set},
	{"buildpacks:known", "buildpacks:search", "Configuration", 0, NO_ARGS,
	    {0}, "List the buildpacks that the platform has", NULL,
	    "paas buildpacks:known", cmd_buildpacks_known},
	{"buildpacks:remove", "buildpacks:rm", "Configuration", VERB_APP,
	    ARG("PACK", COUNT_OPTIONAL, KIND_TEXT), {OPT_INDEX},
	    "Build without a buildpack from now on", NULL,
	    "paas buildpacks:remove --index 2 -a shop", cmd_buildpacks_remove},
	{"buildpacks:clear", NULL, "Configuration", VERB_APP, NO_ARGS, {0},
	    "Have the buildpack found that fits", NULL,
	    "paas buildpacks:clear -a shop", cmd_buildpacks_clear},
	{"domains", "domains:list", "Routing", VERB_APP, NO_ARGS, {0},
	    "List the hosts an app answers at", NULL, "paas domains -a shop",
	    cmd_domains},
	{"domains:add", NULL, "Routing", VERB_APP, HOST, {0},
	    "Let an app answer at a host",
	    "\"*.example.com\" takes every host below it that has no record of "
	    "its own.",
	    "paas domains:add www.example.com -a shop", cmd_domains_add},
	{"domains:check", NULL, "Routing", VERB_APP,
	    ARG("HOST", COUNT_OPTIONAL, KIND_TEXT), {0},
	    "Tell what DNS says of an app's hosts",
	    "Of all that it was given, if none is named: whether each leads to "
	    "the platform, as the platform's own machine sees it. The exit "
	    "status is 1 if one does not.",
	    "paas domains:check -a shop", cmd_domains_check},
	{"domains:remove", "domains:rm", "Routing", VERB_APP, HOST, {0},
	    "Take a host away from an app", NULL,
	    "paas domains:remove www.example.com -a shop", cmd_domains_remove},
	{"certs", "certs:list", "Routing", VERB_APP, NO_ARGS, {OPT_PLATFORM},
	    "List the certificates of an app",
	    "A certificate is served for those of its hosts that are the app's: "
	    "its domains, and the host that it has for being there. \"*.\" in "
	    "a certificate stands for one label.",
	    "paas certs -a shop", cmd_certs},
	{"certs:add", NULL, "Routing", VERB_APP, CERT_KEY,
	    {OPT_NAME, OPT_PLATFORM, OPT_DEFAULT},
	    "Add a certificate to an app",
	    "CERT is a file in PEM with the host's own certificate first and "
	    "behind it those that signed it, KEY one with the private key. From "
	    "the next connection on it is served. Of several for one host it is "
	    "the one that expires last; where they have keys of two kinds, RSA "
	    "and ECDSA or Ed25519, it is the last one of each, and each client "
	    "gets the one that it can verify.",
	    "paas certs:add fullchain.pem privkey.pem -a shop", cmd_certs_add},
	{"certs:info", NULL, "Routing", VERB_APP,
	    ARG("NAME", COUNT_OPTIONAL, KIND_TEXT), {OPT_PLATFORM},
	    "Show a certificate",
	    "The name can be left out where there is only one.",
	    "paas certs:info -a shop", cmd_certs_info},
	{"certs:update", NULL, "Routing", VERB_APP, CERT_KEY,
	    {OPT_NAME, OPT_PLATFORM},
	    "Put a newer certificate in the place of one",
	    "The name can be left out where there is only one.",
	    "paas certs:update fullchain.pem privkey.pem -a shop",
	    cmd_certs_update},
	{"certs:remove", "certs:rm", "Routing", VERB_APP,
	    ARG("NAME", COUNT_ONE, KIND_TEXT), {OPT_PLATFORM},
	    "Remove a certificate", NULL,
	    "paas certs:remove amber-bay-0042 -a shop", cmd_certs_remove},
	{"http", NULL, "Routing", VERB_APP, NO_ARGS, {0},
	    "Show how requests go to an app's web processes", NULL,
	    "paas http -a shop", cmd_http},
	{"http:set", NULL, "Routing", VERB_APP,
	    ARG("SETTING=VALUE", COUNT_SOME, KIND_TEXT), {0},
	    "Set how requests go to an app's web processes",
	    "Balance, stickiness, how many requests at once, retries, redirects: "
	    "paas-routes(5) has them all. Nothing restarts.",
	    "paas http:set balance=ewma sticky=on -a shop", cmd_http_set},
	{"http:unset", NULL, "Routing", VERB_APP,
	    ARG("SETTING", COUNT_SOME, KIND_TEXT), {0},
	    "Put settings of requests back", NULL,
	    "paas http:unset sticky -a shop", cmd_http_unset},
	{"routes", "routes:list", "Routing", 0,
	    ARG("PREFIX", COUNT_OPTIONAL, KIND_TEXT), {0},
	    "List the routes to addresses outside the platform", NULL,
	    "paas routes", cmd_routes},
	{"routes:add", NULL, "Routing", 0,
	    {{"HOST", COUNT_ONE, KIND_TEXT},
	     {"TARGET", COUNT_SOME, KIND_TEXT}},
	    {OPT_PATH, OPT_STRIP, OPT_BALANCE},
	    "Route a host to addresses outside, or to apps",
	    "A target is an address, 10.0.0.2:80, with a weight if it should "
	    "not be the usual 100: 10.0.0.2:80=50; or an app, app:shop; or a "
	    "setting, sticky=on: paas-routes(5) has them all. \"*.example.com\" "
	    "is for every host below it, and \"*\" for every host that has no "
	    "record of its own. A route of the same host and path is replaced.",
	    "paas routes:add old.example.com 10.0.0.2:8080 10.0.0.3:8080",
	    cmd_routes_add},
	{"routes:set", NULL, "Routing", 0,
	    {{"HOST", COUNT_ONE, KIND_TEXT},
	     {"SETTING=VALUE", COUNT_SOME, KIND_TEXT}},
	    {OPT_PATH}, "Change settings of a route",
	    "All else stays as it is. See paas-routes(5).",
	    "paas routes:set old.example.com balance=ewma to_https=on",
	    cmd_routes_set},
	{"routes:split", NULL, "Routing", 0,
	    {{"HOST", COUNT_ONE, KIND_TEXT},
	     {"APP=WEIGHT", COUNT_ANY, KIND_TEXT}},
	    {OPT_PATH, OPT_OUTSIDE}, "Split the requests of a host",
	    "Each app gets its share of them, by its weight, and so do addresses "
	    "outside if the route has any. The app whose domain the host is has "
	    "to be among them; routes:remove gives it all of the host again.",
	    "paas routes:split www.example.com shop=90 next=10",
	    cmd_routes_split},
	{"routes:info", NULL, "Routing", 0, HOST, {0},
	    "Show a route", NULL, "paas routes:info old.example.com",
	    cmd_routes_info},
	{"routes:remove", "routes:rm", "Routing", 0, HOST, {0},
	    "Remove a route", NULL, "paas routes:remove old.example.com",
	    cmd_routes_remove},
	{"patterns", "patterns:list", "Routing", 0, NO_ARGS, {0},
	    "List the patterns of hosts, in order", NULL, "paas patterns",
	    cmd_patterns},
	{"patterns:add", "patterns:set", "Routing", 0,
	    {{"ORDER", COUNT_ONE, KIND_TEXT},
	     {"PATTERN", COUNT_ONE, KIND_TEXT},
	     {"TARGET", COUNT_SOME, KIND_TEXT}},
	    {OPT_PATH, OPT_STRIP, OPT_BALANCE},
	    "Route hosts that a regular expression matches",
	    "PCRE2, matched with the whole of a host in lower case, where "
	    "neither the host nor a wildcard over it has a record; the lowest "
	    "order comes first. Targets are those of routes:add.",
	    "paas patterns:add 10 'pr-[0-9]+\\.example\\.com' app:next",
	    cmd_patterns_add},
	{"patterns:remove", "patterns:rm", "Routing", 0,
	    ARG("ORDER", COUNT_ONE, KIND_TEXT), {0},
	    "Remove a pattern", NULL, "paas patterns:remove 10",
	    cmd_patterns_remove},
	{"routes:import", NULL, "Routing", 0,
	    ARG("FILE", COUNT_ONE, KIND_FILE), {0},
	    "Import routes in bulk, in place of those imported before",
	    "A line a pool, @NAME ADDRESS:PORT..., and a line a host, HOST "
	    "@NAME: paas-routes(5) has the rest. A million lines take a second "
	    "or two, until nginx obeys all of them. Whatever has a host by "
	    "itself, a domain of an app or a route, comes before imported ones. "
	    "With - for the file it is read from standard input.",
	    "paas routes:import /etc/paas/routes", cmd_routes_import},
	{"routes:imported", NULL, "Routing", 0, NO_ARGS, {0},
	    "Tell what was imported last", NULL, "paas routes:imported",
	    cmd_routes_imported},
	{"routes:export", NULL, "Routing", 0, NO_ARGS, {0},
	    "Print the imported routes, to be edited and imported again", NULL,
	    "paas routes:export > routes", cmd_routes_export},
	{"routes:unimport", NULL, "Routing", 0, NO_ARGS, {0},
	    "Remove all imported routes", NULL, "paas routes:unimport",
	    cmd_routes_unimport},
	{"releases", "releases:list", "Releases", VERB_APP, NO_ARGS,
	    {OPT_LIMIT}, "List the releases of an app", NULL,
	    "paas releases -a shop", cmd_releases},
	{"releases:info", NULL, "Releases", VERB_APP,
	    ARG("VERSION", COUNT_OPTIONAL, KIND_TEXT), {0},
	    "Show a release, the latest if none is named", NULL,
	    "paas releases:info v3 -a shop", cmd_releases_info},
	{"rollback", "releases:rollback", "Releases", VERB_APP,
	    ARG("VERSION", COUNT_OPTIONAL, KIND_TEXT), {0},
	    "Make a new release from an older one",
	    "The last one that did well before the one that serves, if none is "
	    "named. Code and config vars are those of the older release.",
	    "paas rollback v2 -a shop", cmd_rollback},
	{"rollout", "rollout:status", "Releases", VERB_APP, NO_ARGS, {0},
	    "Show how releases follow each other, and what is under way", NULL,
	    "paas rollout -a shop", cmd_rollout},
	{"rollout:set", NULL, "Releases", VERB_APP,
	    ARG("SETTING=VALUE", COUNT_SOME, KIND_TEXT), {0},
	    "Set how the next releases follow each other",
	    "strategy is rolling, blue-green or canary; ROLL-OUTS below has "
	    "the others.",
	    "paas rollout:set strategy=canary canary_weight=5 -a shop",
	    cmd_rollout_set},
	{"rollout:unset", NULL, "Releases", VERB_APP,
	    ARG("SETTING", COUNT_SOME, KIND_TEXT), {0},
	    "Put settings of roll-outs back", NULL,
	    "paas rollout:unset max_surge -a shop", cmd_rollout_unset},
	{"rollout:promote", NULL, "Releases", VERB_APP, NO_ARGS, {0},
	    "Let the canary take over", NULL,
	    "paas rollout:promote -a shop", cmd_rollout_promote},
	{"rollout:abort", NULL, "Releases", VERB_APP, NO_ARGS, {0},
	    "Give up the release that is being rolled out",
	    "It has failed then, and the one before goes on.",
	    "paas rollout:abort -a shop", cmd_rollout_abort},
	{"builds", "builds:list", "Releases", VERB_APP, NO_ARGS, {OPT_LIMIT},
	    "List the builds of an app", NULL, "paas builds -a shop",
	    cmd_builds},
	{"builds:create", NULL, "Releases", VERB_APP,
	    ARG("URL", COUNT_ONE, KIND_TEXT), {OPT_DETACH},
	    "Build and deploy an archive that is elsewhere",
	    "A tar, compressed by gzip or not, at a URL of http or https: the "
	    "build fetches it in its sandbox, where it reaches what an app "
	    "reaches. An only folder in it is left, as GitHub packs them.",
	    "paas builds:create https://github.com/me/shop/archive/main.tar.gz "
	    "-a shop",
	    cmd_builds_create},
	{"builds:info", NULL, "Releases", VERB_APP,
	    ARG("ID", COUNT_OPTIONAL, KIND_TEXT), {0},
	    "Show a build, the latest if none is named", NULL,
	    "paas builds:info -a shop", cmd_builds_info},
	{"builds:log", "builds:output", "Releases", VERB_APP,
	    ARG("ID", COUNT_OPTIONAL, KIND_TEXT), {0},
	    "Show what a build printed, the latest if none is named", NULL,
	    "paas builds:log -a shop", cmd_builds_log},
	{"builds:cache:purge", "builds:purge", "Releases", VERB_APP, NO_ARGS, {0},
	    "Empty what builds have kept for the next one",
	    "The next build of the app begins with nothing: for when a cache is "
	    "what breaks it. It is refused while a build runs.",
	    "paas builds:cache:purge -a shop", cmd_builds_purge},
	{"heroku", NULL, "Access", VERB_COMMAND,
	    ARG("WORD", COUNT_ANY, KIND_TEXT), {0},
	    "Run the stock Heroku CLI against this platform",
	    "The program heroku in PATH, as npm installs it (npm install -g "
	    "heroku), is run unchanged with all that follows, and with a port "
	    "of this machine for its address, which leads to where this "
	    "program would ask, and is closed when it ends. See HEROKU.",
	    "paas heroku ps:scale web=3 -a shop", cmd_heroku},
	{"git:remote", NULL, "Access", VERB_APP, NO_ARGS,
	    {OPT_REMOTE, OPT_SSH},
	    "Let git push from this folder's repository",
	    "Adds the remote paas, or changes it, and names git:credentials to "
	    "git for the platform's host, so that no password is asked for.",
	    "paas git:remote -a shop", cmd_git_remote},
	{"git:credentials", NULL, "Access", 0,
	    ARG("WHAT", COUNT_ONE, KIND_TEXT), {0},
	    "Answer git, which asks for the platform's password",
	    "WHAT is get, store or erase, as gitcredentials(7) has it. The "
	    "answer is a token for all apps, made when it is first asked for, "
	    "good for 90 days and kept in ~/.config/paas/git.",
	    "paas git:credentials get", cmd_git_credentials},
	{"keys", "keys:list", "Access", 0, NO_ARGS, {0},
	    "List the SSH keys that may push", NULL, "paas keys", cmd_keys},
	{"keys:add", NULL, "Access", 0,
	    ARG("FILE", COUNT_OPTIONAL, KIND_FILE), {0},
	    "Let an SSH key push, to every app that you may push to",
	    "FILE is a public key, - standard input; without it yours in ~/.ssh "
	    "is taken. SSH has to be there: scripts/up --ssh-port.",
	    "paas keys:add ~/.ssh/id_ed25519.pub", cmd_keys_add},
	{"keys:remove", "keys:rm", "Access", 0,
	    ARG("KEY", COUNT_SOME, KIND_TEXT), {0},
	    "Remove SSH keys, by fingerprint or comment",
	    "From then on nobody comes in with them, and what is being pushed "
	    "with them is not accepted.",
	    "paas keys:remove ann@laptop", cmd_keys_remove},
	{"login", NULL, "Access", VERB_LOCAL, ARG("HOST", COUNT_ONE, KIND_TEXT),
	    {OPT_SETUP, OPT_FINGERPRINT}, "Use a platform on another machine",
	    "Asks for your address and password, on standard input if that is "
	    "no terminal, and keeps a token in ~/.config/paas/login. From then "
	    "on all verbs are about that platform; of several, about the one "
	    "that you logged in to last, or that PAAS_HOST names. HOST is its "
	    "domain, or the URL of its API; it has to be https, unless it says "
	    "http://. A certificate that no authority has signed which this "
	    "machine knows is trusted once you say so, or give its "
	    "--fingerprint, and from then on no other one in its place.",
	    "paas login example.com", cmd_login},
	{"logout", NULL, "Access", VERB_LOCAL,
	    ARG("HOST", COUNT_OPTIONAL, KIND_TEXT), {0},
	    "End what login began, and its tokens",
	    "Both that of this program and the one that git has. Without a "
	    "HOST, of the platform that you logged in to last.",
	    "paas logout", cmd_logout},
	{"whoami", NULL, "Access", 0, NO_ARGS, {0}, "Tell who you are",
	    NULL, "paas whoami", cmd_whoami},
	{"users", "users:list", "Access", 0, NO_ARGS, {0},
	    "List the users", NULL, "paas users", cmd_users},
	{"users:create", "users:add users:invite", "Access", 0,
	    ARG("EMAIL", COUNT_ONE, KIND_TEXT), {OPT_NAME, OPT_ROLE},
	    "Add a user",
	    "What is printed is a token by which the user sets a password. "
	    "Without --role the user sees no app but those that access:add "
	    "names, and those made by themselves.",
	    "paas users:create ann@example.com --role deployer",
	    cmd_users_create},
	{"users:set", "users:update", "Access", 0,
	    ARG("USER", COUNT_ONE, KIND_TEXT),
	    {OPT_ROLE, OPT_NAME, OPT_SUSPEND, OPT_RESUME},
	    "Change what a user is for all apps", NULL,
	    "paas users:set ann@example.com --role viewer", cmd_users_set},
	{"users:remove", "users:rm users:delete", "Access", 0,
	    ARG("USER", COUNT_SOME, KIND_TEXT), {0}, "Remove users",
	    "Their tokens, keys and roles go with them, their apps stay.",
	    "paas users:remove ann@example.com", cmd_users_remove},
	{"setup", NULL, "Access", 0, ARG("EMAIL", COUNT_OPTIONAL, KIND_TEXT),
	    {0}, "Print a token by which somebody sets a password",
	    "Without an address it is for the first administrator, as long as "
	    "there is no user.", "paas setup", cmd_setup},
	{"access", "access:list", "Access", VERB_APP, NO_ARGS, {0},
	    "List who may what with an app",
	    "Of an app of a team that you are in, its members as well.",
	    "paas access -a shop",
	    cmd_access},
	{"access:add", NULL, "Access", VERB_APP,
	    ARG("USER", COUNT_OPTIONAL, KIND_TEXT), {OPT_ROLE, OPT_TEAM},
	    "Give a user or a team a role for an app",
	    "With --team in place of a user, each member of the team has that "
	    "role, but no more than their own in the team. A viewer sees all but config vars, a deployer pushes and changes "
	    "the app, an admin may destroy it and give roles. Without --role it "
	    "is deployer.",
	    "paas access:add ann@example.com -a shop --role viewer",
	    cmd_access_add},
	{"access:update", "access:set", "Access", VERB_APP,
	    ARG("USER", COUNT_OPTIONAL, KIND_TEXT), {OPT_ROLE, OPT_TEAM},
	    "Change a user's or a team's role for an app", NULL,
	    "paas access:update ann@example.com -a shop --role admin",
	    cmd_access_update},
	{"access:remove", "access:rm", "Access", VERB_APP,
	    ARG("USER", COUNT_ANY, KIND_TEXT), {OPT_TEAM},
	    "Take users' or a team's roles for an app away", NULL,
	    "paas access:remove ann@example.com -a shop", cmd_access_remove},
	{"teams", "teams:list", "Access", 0, NO_ARGS, {0},
	    "List your teams",
	    "All of them for who has a role for all apps.", "paas teams",
	    cmd_teams},
	{"teams:create", "teams:add", "Access", 0,
	    ARG("TEAM", COUNT_ONE, KIND_TEXT), {OPT_ROLE},
	    "Make a team, and be its admin",
	    "With --role, which takes an admin of the platform, members have "
	    "that role for all apps, but no more than their own in the team.",
	    "paas teams:create crew", cmd_teams_create},
	{"teams:info", NULL, "Access", 0, ARG("TEAM", COUNT_ONE, KIND_TEXT),
	    {0}, "Show a team, its members and its apps", NULL,
	    "paas teams:info crew", cmd_teams_info},
	{"teams:set", "teams:update", "Access", 0,
	    ARG("TEAM", COUNT_ONE, KIND_TEXT), {OPT_NAME, OPT_ROLE},
	    "Change a team's name, or its role for all apps",
	    "The latter takes an admin of the platform; member is none.",
	    "paas teams:set crew --name staff", cmd_teams_set},
	{"teams:destroy", "teams:remove teams:delete", "Access", 0,
	    ARG("TEAM", COUNT_ONE, KIND_TEXT), {OPT_CONFIRM},
	    "Remove a team that has no apps",
	    "Its members have nothing by it from then on. apps:transfer gives "
	    "an app to somebody else first.",
	    "paas teams:destroy crew --confirm crew", cmd_teams_destroy},
	{"members", "members:list", "Access", 0, NO_ARGS, {OPT_TEAM},
	    "List who is in a team", NULL, "paas members --team crew",
	    cmd_members},
	{"members:add", NULL, "Access", 0,
	    ARG("EMAIL", COUNT_ONE, KIND_TEXT), {OPT_TEAM, OPT_ROLE},
	    "Add a user to a team",
	    "A viewer sees the team's apps, a deployer changes them and makes "
	    "new ones, an admin destroys them and sees to the team. Without "
	    "--role it is deployer. One who is in it has the new role.",
	    "paas members:add ann@example.com --team crew --role viewer",
	    cmd_members_add},
	{"members:set", "members:update", "Access", 0,
	    ARG("EMAIL", COUNT_ONE, KIND_TEXT), {OPT_TEAM, OPT_ROLE},
	    "Give a member of a team another role", NULL,
	    "paas members:set ann@example.com --team crew --role admin",
	    cmd_members_set},
	{"members:remove", "members:rm", "Access", 0,
	    ARG("USER", COUNT_SOME, KIND_TEXT), {OPT_TEAM},
	    "Take members out of a team",
	    "Everybody may leave (~ is oneself), but the last admin.",
	    "paas members:remove ann@example.com --team crew",
	    cmd_members_remove},
	{"audit", NULL, "Access", 0, NO_ARGS, {OPT_APP, OPT_LIMIT},
	    "Show who has changed what, and from where, the latest last", NULL,
	    "paas audit -n 20", cmd_audit},
	{"tokens", "tokens:list", "Access", 0, NO_ARGS, {0},
	    "List the tokens that may be used in place of a password", NULL,
	    "paas tokens", cmd_tokens},
	{"tokens:create", "tokens:add", "Access", 0,
	    ARG("NOTE", COUNT_OPTIONAL, KIND_TEXT),
	    {OPT_APP, OPT_SCOPE, OPT_EXPIRES},
	    "Make a token, for git push or another program",
	    "It is printed, and can't be shown again. Without -a it is good "
	    "for all apps.",
	    "paas tokens:create -a shop --expires 30d ci", cmd_tokens_create},
	{"tokens:revoke", "tokens:remove tokens:rm", "Access", 0,
	    ARG("ID", COUNT_SOME, KIND_TEXT), {0}, "Make tokens useless",
	    NULL, "paas tokens:revoke 065f0c4be2a1d300", cmd_tokens_revoke},
	{"sessions", "sessions:list", "Access", 0, NO_ARGS, {0},
	    "List the browsers that are logged in", NULL, "paas sessions",
	    cmd_sessions},
	{"sessions:end", "sessions:remove sessions:rm", "Access", 0,
	    ARG("ID", COUNT_SOME, KIND_TEXT), {0},
	    "Log browsers out", NULL,
	    "paas sessions:end 065f0c4be2a1d300", cmd_sessions_end},
	{"api", NULL, "This program", 0,
	    {{"METHOD", COUNT_ONE, KIND_TEXT},
	     {"PATH", COUNT_OPTIONAL, KIND_TEXT}}, {OPT_BODY},
	    "Ask the API itself",
	    "As who you are, and where every other verb asks. A PATH alone is "
	    "got. JSON is printed as such; what comes bit by bit, such as "
	    "logs, is shown as it comes.",
	    "paas api PATCH /apps/shop --body {\"maintenance\":true}", cmd_api},
	{"api:schema", "schema", "This program", 0, NO_ARGS, {0},
	    "Print the API's description, an OpenAPI 3 document", NULL,
	    "paas api:schema", cmd_api_schema},
	{"help", NULL, "This program", VERB_LOCAL,
	    ARG("VERB", COUNT_OPTIONAL, KIND_VERB), {OPT_MDOC},
	    "Show all verbs, or one", NULL, "paas help ps:scale", cmd_help},
	{"completion", NULL, "This program", VERB_LOCAL,
	    ARG("SHELL", COUNT_ONE, KIND_SHELL), {0},
	    "Print a completion script for bash, zsh or fish", NULL,
	    "paas completion bash > /etc/bash_completion.d/paas",
	    cmd_completion},
	{0},
};
/* clang-format on */

/*
 * Every prefix, its one writer, and the fields of its JSON.  Times are
 * integers, microseconds since the epoch; ids and numbers that need 64 bits
 * are strings of 16 hex digits; VERSION is 8 digits, so that order is
 * numerical; NODE is "local" on a single machine.  What seal.h covers is
 * sealed: certkey, config, drain, keys, release, run, secret, settings.
 *
 *   prefix                     writer    fields
 *   app/APP                    api       id (uuid), number (hex), created,
 *                                        updated, version (the release asked
 *                                        for, 0 for none), stopped (bool),
 *                                        maintenance (bool), generation (int,
 *                                        raised by a restart of all), rollout
 *                                        {strategy, max_surge, ...: those set,
 *                                        schedule/strategy.c}, promoted,
 *                                        aborted (versions that this was said
 *                                        of), aborter, sleep {after (seconds),
 *                                        all (bool: not only web)}, name (once
 *                                        it was renamed: names.h), team (the ID
 *                                        of the one that it is of)
 *   idem/HOUR/OWNER/HASH       api       body (hash), status, answer, cookie
 *                                        (both encrypted, too, by what the
 *                                        client has: api/http/idempotency.h);
 *                                        HOUR: 10 digits, since the epoch
 *   name/NAME                  api       app: the APP that has got this name
 *   number/APPNUMBER           api       app: numbers are never used twice
 *   config/APP                 api       {"NAME": "value"}
 *   formation/APP/TYPE         api       quantity, memory (bytes),
 *                                        generations {"INDEX": int}: raised
 *                                        by a restart of one; disk (bytes);
 *                                        health, readiness {common/
 *                                        health_rule.h}, absent: the port;
 *                                        drain_timeout, stop_timeout
 *                                        (seconds); http {settings of its
 *                                        pool: routing/setting.c}; autoscale
 *                                        {min, max, concurrency, p95 (ms),
 *                                        window (seconds)}; version: of the
 *                                        app, when somebody set it last
 *   redirect/APP               api       to_https, to_host: of all its hosts;
 *                                        not deleted as long as there is one
 *   domain/HOST                api       app, created, sni_endpoint (the id of
 *                                        a certificate; absent: the best)
 *   zone/ZONE                  api,build {}: changed by each claim of a domain
 *                                        that ends in these two labels
 *   route/HOST                 api       created, updated, paths [{prefix,
 *                                        settings of a path, pool {settings,
 *                                        weight, instances [{address, port,
 *                                        weight, id (hex)}]}, apps [{app,
 *                                        number (hex), weight}]}]; of a path,
 *                                        pool or apps or both
 *   target/APP/HOST            api       {}: a path of route/HOST names the app
 *   pattern/ORDER              api       pattern, created, updated, paths as
 *                                        in route/HOST; ORDER is 10 digits
 *   keys/sticky                routing   keys [{id, key (hex), created}], the
 *                                        newest first: of the sticky cookie
 *   import/routes              api       file (hash of imports/HASH, or null),
 *                                        bytes, pools, hosts, paths, user,
 *                                        created, before [hash of files that
 *                                        may still be in the route database]
 *   gone/host                  api       {}: its revision is that of the last
 *                                        deletion of a record that a host
 *                                        hangs on
 *   cert/OWNER/NAME            api       id (uuid), content (hex: a hash of
 *                                        chain and key), chain (PEM), names
 *                                        [HOST], type, subject, issuer,
 *                                        starts, expires, self_signed,
 *                                        ca_signed, default (bool: for hosts
 *                                        without one), created, updated
 *   certkey/OWNER/NAME         api       key (PEM): read by nobody but routing
 *   token/ID                   api       hash (of the secret, hex), scope, app
 *                                        (absent: of all), user, owner (id of a
 *                                        user; absent: one of this machine's
 *                                        administrators), description, session
 *                                        (bool: of a log-in), created, updated
 *                                        (absent: never), expires (0: never),
 *                                        used
 *   session/ID                 api       of a browser: hash, scope, user,
 *                                        owner, description, created, expires,
 *                                        used as token/ID; idle (us, until it
 *                                        is over unused), address, stamp (of
 *                                        the password that it was begun by)
 *   drain/APP/ID               api       number (hex, of the app), url, token,
 *                                        user, created; ID is a UUID
 *   sshkey/HASH                api       key ("TYPE BASE64"), comment, user,
 *                                        owner, created, used; HASH: 64 hex
 *                                        digits, SHA-256 of what is in base64
 *   user/EMAIL                 api       id (uuid), name, role (member | viewer
 *                                        | deployer | admin), password
 *                                        (argon2id; "" for none), suspended
 *                                        (bool), suspended_at, created,
 *                                        updated, login, address (of the last
 *                                        one by password), beta and
 *                                        allow_tracking (bool: for clients)
 *   member/APP/EMAIL           api       id (uuid), owner (id of the user),
 *                                        role, by, created, updated
 *   team/ID                    api       name, overall_role (as of a user: what
 *                                        members have for all apps, and no more
 *                                        than they have in the team), by,
 *                                        created, updated: with each change of
 *                                        its members and of its apps, so that
 *                                        two at once are not both made; ID is a
 *                                        UUID
 *   teamname/NAME              api       team: the ID that has got this name
 *   teammember/ID/EMAIL        api       id (uuid), owner (id of the user),
 *                                        role, by, created, updated
 *   teamgrant/APP/ID           api       role, by, created, updated: of a team
 *                                        that the app is not of
 *   setup/HASH                 api       user, owner (both "": the first
 *                                        administrator), created, expires;
 *                                        HASH: of the token, BLAKE2b in hex
 *   event/-/SEQ                api       at, kind (audit), text (method and
 *                                        path), user, address, app, token,
 *                                        request: in the commit of a change
 *   secret/push                api       key (hex) that signs the tokens of
 *                                        single pushes
 *   settings/APP/ID            api       created, settings (manifest/
 *                                        manifest.h): of a push to come
 *   draft/APP/ID               api       created, types, buildpack, checksum,
 *                                        commit, commit_description (texts or
 *                                        null): a slug that was made elsewhere,
 *                                        until it is released
 *   release/APP/VERSION        api, build  version, id (uuid), slug (hash or
 *                                        null), description, user, source,
 *                                        commit (hex), created,
 *                                        types {"web": "command"}, config {},
 *                                        settings {version (of the release
 *                                        that began with them), processes
 *                                        {TYPE: fields of a formation}},
 *                                        postdeploy (a command, run if it is
 *                                        the first one that gets live)
 *   destroy/APP                api       number (hex), user, used (bool: there
 *                                        may be logs), created: an app that is
 *                                        gone, of which something is left
 *   slug/HASH                  build     app, size, archive (bytes of it),
 *                                        entries, types, buildpack, created,
 *                                        dropping (true: about to go; whoever
 *                                        uses one again compares it)
 *   tree/NODE/HASH             build,    created, damaged (why none could be
 *                              node      made): its tree may be on that node
 *   build/APP/ID               build     id, state (pending | running |
 *                                        inspecting | succeeded | failed),
 *                                        instance (hex), log (hex: the
 *                                        instance whose log is the output),
 *                                        appnumber (hex), created, updated,
 *                                        started, slug, version, error, user,
 *                                        source (git | upload), commit (hex),
 *                                        push (hex: names it), size, again
 *                                        (hex: of its Idempotency-Key)
 *   upload/ID                  build     app, state: what to remove after a
 *                                        crash
 *   rollout/APP                schedule  live (version, 0 for none), target,
 *                                        failed (version), reason, started,
 *                                        progress (of the last step forward, a
 *                                        moment: store/moment.h),
 *                                        phase (move | release | raise |
 *                                        canary), how {strategy, ...: as it
 *                                        began}, run (index of the last
 *                                        release process), runs (the version
 *                                        that it is of), released (version
 *                                        whose release process did well),
 *                                        unreleased (bool: it failed in that)
 *   scale/APP                  schedule  asleep (bool), version, generation (of
 *                                        the app as it fell asleep), web (what
 *                                        its load asks for; absent: what the
 *                                        formation says), since, reason
 *   cron/APP/ID                api       schedule, command, timeout (s, 0: as
 *                                        any), overlap (bool), user, created;
 *                                        ID is 8 digits
 *   cronran/APP/ID             schedule  of (the entry's created), due (the
 *                                        last time that was seen to: minutes
 *                                        since the epoch), run (index of the
 *                                        last process, 0 for none)
 *   result/APP/VERSION         schedule  what became of a release: status
 *                                        (succeeded | failed), at, reason,
 *                                        process (web.1), log [its last lines]
 *   assign/NODE/ASSIGNMENT     schedule  app, appnumber, type, index, version,
 *                                        generation, slug, memory, goal (run |
 *                                        stop), created, routed (true: gets
 *                                        requests while another one is live)
 *   actual/NODE/ASSIGNMENT     node      state (starting | ready | unhealthy |
 *                                        draining | stopping | crashed |
 *                                        backoff | failed | gone), app, type,
 *                                        index, version, instance (hex), slot,
 *                                        address, port, since, moment (the
 *                                        same: store/moment.h), restarts,
 *                                        reason, until, ready and rests (both
 *                                        moments), wakeable (in backoff: a
 *                                        request may end it)
 *   instance/APP/ID            node      name (web.1), version, created: names
 *                                        the log files of instances gone; of
 *                                        those ended, moment (the same): when
 *                                        its slot began to rest
 *   run/APP/INDEX              api, build type, version, command, env {},
 *                                        memory (0: as any), limits {} (what
 *                                        formation/APP/TYPE said), timeout (s),
 *                                        attach (bool), tty (bool), user,
 *                                        created, away, appnumber, goal (run |
 *                                        stop); INDEX is 8 digits; node takes
 *                                        old ones away
 *   ran/APP/INDEX              node      state (starting | running | ended),
 *                                        appnumber, instance (hex), slot, boot
 *                                        (id), begun, moment (the same), since;
 *                                        of one that ended
 *                                        how (exited | killed | dumped, or
 *                                        absent), status, reason
 *   counter/instance           node      next: ids below it may be in use
 *   counter/route              api       next: ids of addresses outside, with
 *                                        the highest bit set
 *   event/APP/SEQ              all       at, kind, text: in the commit of the
 *                                        change that it tells of
 *
 * APP is [a-z][a-z0-9-]{0,29}; TYPE is the same; HOST is canonical as the
 * route database has it.  OWNER is an APP or "-", the platform itself.  An
 * assignment is named by 16 hex digits: 8 of the
 * app's number (which stays below 2^32), so that those of an app stand side by
 * side, and 8 of a counter in rollout/APP, so that none is used twice.
 */
#ifndef PAAS_KEYS_H
#define PAAS_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define KEY_NODE_LOCAL "local"
#define KEY_PLATFORM   "-" /* who owns a certificate that is no app's */
#define KEY_NAME_MAX   30  /* bytes of an app's name or a process type */

/*
 * Writes a key; too long or a bad name is a programming error and aborts,
 * since names were checked where they came in.  Returns buf.
 */
char *key_format(char buf[STORE_KEY_MAX + 1], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The part of key after its n-th '/', up to the next one: copied to out. */
int key_part(const char *key, int n, char *out, size_t len);

int key_app_valid(const char *name);    /* also of process types */
int key_app_reserved(const char *name); /* api, console, git, www, ... */

/* 16 hex digits; -1 if it is not. */
int key_parse_id(const char *text, uint64_t *id);
void key_format_id(char out[17], uint64_t id);

#endif

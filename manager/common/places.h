/*
 * Where things are, below state_dir and run_dir.  %016x is an id, %064x a
 * slug's hash.
 *
 *   state/store/            LMDB of the desired state           paas
 *   state/keys/store.key    keys of the secrets in there        paas
 *   state/routes/           the route database                  paas:www-data
 *   state/certs/            certificates and keys for nginx     paas:www-data
 *   state/imports/HASH      routes in bulk                      paas
 *   state/uploads/ID.tar    what was pushed                     paas
 *   state/uploads/ID.list   which files its list names          paas
 *   state/uploads/APP.known which an app's cache has of them    paas
 *   state/builds/ID/app/    the tree being built                paas-slug
 *   state/builds/ID/out/    result.json of paas-build           paas-slug
 *   state/builds/ID/pack/   slug.tar.zst of the inspection      paas-slug
 *   state/archives/HASH.tar.zst  slugs, as they are kept        root
 *   state/slugs/HASH/       trees to run, made of archives      paas-slug
 *   state/caches/APP/       a build cache an app; the files of  paas-slug
 *                           its last push in .paas-files
 *   state/git/APP.git/      what was pushed with git, an app    paas-git
 *   state/acme/             what certbot shows an authority     root
 *   state/ssh/              sshd: configuration, host key     root
 *   state/log/APP/ID.log    and ID.log.1, the one before        paas-log:paas
 *   state/drains/ID         how far a drain got                 paas
 *   state/log/APP/.bounds   what those have together            paas-log
 *   state/log/.router       how far paas-logger got             paas-log
 *   run/inst/ID             the launcher's record               root
 *   run/exit/ID             the shim's exit record              paas-log:paas
 *   run/attach/ID           where the manager reaches a shim        paas
 *   run/stage/              where each instance mounts its own  root
 *   run/ip_forward          what it was before us               root
 *   run/launcher.lock       one launcher at a time              root
 *   run/manager.sock        HTTP and JSON, for people           paas
 *   run/api.sock            the same, by tokens: from nginx     paas
 *   run/git/http.sock       fcgiwrap: what nginx asks git       paas-git
 *   run/apps                each app's number and log limits    paas
 *   run/drain/drain.sock    paas-drain takes lines from the manager paas-helper
 *   run/launcher.sock       this protocol                       root:paas
 *   run/wake.sock           nginx tells that requests wait      paas
 *   run/status.sock         nginx: paas_status                  www-data
 *
 * Inside the sandbox:
 *
 *   /          the slug (writable, thrown away), if it was an image; else
 *   /app       the slug, likewise, or the tree being built
 *   /.paas     libexec_dir, read only
 *   /buildpacks, /cache, /out    in builds
 *   /work      in inspections: builds/ID, read only; /out: builds/ID/pack
 *   /tmp, /dev/shm               sized tmpfs
 */
#ifndef PAAS_PLACES_H
#define PAAS_PLACES_H

#define PLACE_STORE         "store"
#define PLACE_ROUTES        "routes"
#define PLACE_IMPORTS       "imports"
#define PLACE_UPLOADS       "uploads"
#define PLACE_BUILDS        "builds"
#define PLACE_SLUGS         "slugs"
#define PLACE_ARCHIVES      "archives"
#define PLACE_CACHES        "caches"
#define PLACE_GIT           "git"
#define PLACE_LOG           "log"
#define PLACE_INST          "inst"
#define PLACE_EXIT          "exit"
#define PLACE_ATTACH        "attach"
#define PLACE_MANAGER_SOCK  "manager.sock"
#define PLACE_API_SOCK      "api.sock"
#define PLACE_LAUNCHER_SOCK "launcher.sock"
#define PLACE_WAKE_SOCK     "wake.sock"
#define PLACE_STATUS_SOCK   "status.sock"
#define PLACE_APPS          "apps"
#define PLACE_DRAIN_SOCK    "drain/drain.sock"
#define PLACE_DRAINS        "drains"

#define SANDBOX_LIBEXEC "/.paas"

#endif

# shellcheck shell=bash
# npm, yarn and pnpm: how each is got, and how it installs, prunes and runs.
# bin/compile sets facts, manager, cache_dir, build_dir, and which: all or
# production.
# shellcheck disable=SC2154

# The program of a package manager that is not npm, by npm and for this app
# alone, kept in the cache from then on.
fetch_manager() {
    local package=$manager spec
    spec=$(grep -o " $manager@[0-9a-z.-]* " <<< "$facts" | tr -d ' ')
    if has berry; then
        package=@yarnpkg/cli-dist
    fi
    tool=$cache_dir/tools/$spec
    if [[ ! -f $tool/ready ]]; then
        rm -rf "$cache_dir/tools"
        mkdir -p "$tool"
        topic "Fetching $spec"
        npm install --prefix "$tool" --no-audit --no-fund --ignore-scripts \
            --omit=dev "$package@${spec#*@}" 2>&1 | indent ||
            fail "$spec can't be had from npm: the lines above say why."
        touch "$tool/ready"
    fi
    export PATH=$tool/node_modules/.bin:$PATH
}

# A yarn in the app's own folder goes before; it is named in .yarnrc.yml.
own_yarn() {
    own=$(sed -n 's/^yarnPath:[[:space:]]*//p' .yarnrc.yml 2> /dev/null |
        tr -d "\"'\r" | head -n 1)
    [[ $own =~ ^\.yarn/releases/yarn-[0-9A-Za-z.-]+\.cjs$ && -f $own ]]
}

setup_npm() { :; }

setup_pnpm() {
    fetch_manager
    topic "pnpm $(pnpm --version)"
}

setup_yarn() {
    local own
    if own_yarn; then
        mkdir -p .paas/nodejs/bin
        # shellcheck disable=SC2016
        printf '#!/bin/sh\nexec node "${HOME_OF_APP:-$HOME}/%s" "$@"\n' "$own" \
            > .paas/nodejs/bin/yarn
        chmod 755 .paas/nodejs/bin/yarn
        export PATH=$build_dir/.paas/nodejs/bin:$PATH HOME_OF_APP=$build_dir
    else
        fetch_manager
    fi
    export YARN_CACHE_FOLDER=$cache_dir/yarn YARN_IGNORE_PATH=1
    # This machine's registry, unless the app names one.
    if has berry && ! grep -qs '^npmRegistryServer:' .yarnrc.yml; then
        YARN_NPM_REGISTRY_SERVER=${YARN_NPM_REGISTRY_SERVER:-$(npm config get registry)}
        export YARN_NPM_REGISTRY_SERVER=${YARN_NPM_REGISTRY_SERVER%/}
    fi
    export YARN_ENABLE_TELEMETRY=0 YARN_GLOBAL_FOLDER=$cache_dir/yarn-global YARN_ENABLE_PROGRESS_BARS=false
    if has pnp; then
        # What runs reads packages out of this folder: it is in the slug.
        export YARN_ENABLE_GLOBAL_CACHE=false
        export YARN_CACHE_FOLDER=$build_dir/.yarn/cache
    fi
    topic "yarn $(yarn --version)"
}

# show COMMAND...: says it and runs it.
show() {
    topic "Installing dependencies ($*)"
    "$@" 2>&1 | indent
}

install_npm() {
    local omit=--omit=dev
    [[ $which == production ]] || omit=--include=dev
    if has lock; then
        show npm ci "$omit" --no-audit --no-fund
    else
        show npm install --no-package-lock "$omit" --no-audit --no-fund
    fi
}

install_yarn() {
    local args=(--frozen-lockfile --ignore-engines --non-interactive
        --prefer-offline --production=false)
    if has berry; then
        # It has no option to leave out what is needed for development only.
        args=(--immutable)
        has lock || args=(--no-immutable)
    else
        has lock || args=("${args[@]:1}" --no-lockfile)
        [[ $which != production ]] || args[-1]=--production=true
    fi
    show yarn install "${args[@]}"
}

install_pnpm() {
    local args=(--frozen-lockfile)
    has lock || args=(--no-lockfile)
    [[ $which == production ]] && args+=(--prod) || args+=(--prod=false)
    # The cache is another file system, or may be: no links.
    show pnpm install "${args[@]}" --store-dir "$cache_dir/pnpm" \
        --package-import-method copy
}

prune_npm() {
    npm prune --omit=dev --no-audit --no-fund 2>&1 | indent
}

prune_yarn() {
    if has berry; then
        yarn workspaces focus --all --production 2>&1 | indent ||
            warn "yarn can't take devDependencies out: they stay in the slug."
    else
        yarn install --frozen-lockfile --ignore-engines --non-interactive \
            --prefer-offline --ignore-scripts --production=true 2>&1 | indent
    fi
}

prune_pnpm() {
    # Not `pnpm prune`, which does not do so in workspaces.
    pnpm install --frozen-lockfile --prod --offline --ignore-scripts \
        --store-dir "$cache_dir/pnpm" --package-import-method copy 2>&1 | indent
}

run_script() {
    topic "Running $1"
    case $manager in
    npm) npm run --silent "$1" ;;
    *) "$manager" run "$1" ;;
    esac 2>&1 | indent
}

# What scripts and the Procfile may call at run time.
keep_manager() {
    [[ -n ${tool:-} ]] && { has needs-manager || has pnp; } || return 0
    mkdir -p .paas/nodejs
    cp -a "$tool/node_modules" .paas/nodejs/
}

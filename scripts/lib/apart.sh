# Debian's packages and sources of other suites than this machine's, with lists
# and sources of apt's kept apart and thrown away: nothing of the system's
# changes.  A mirror that stood still is good enough for that, signed as it is.
# Sourced by sh or bash.

# apart DIR TYPE SUITE: makes DIR a place for apt, with TYPE (deb or deb-src)
# of SUITE from wherever this machine has its Debian from.
apart() {
    apart_dir=$1
    mkdir -p "$1/parts" "$1/lists/partial" "$1/archives/partial"
    apart_mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL) $(SUITE) $(COMPONENT)' |
        awk '$2 == "Debian" && $3 !~ /-/ && $4 == "main" { print $1; exit }')
    if [ -z "$apart_mirror" ]; then
        echo "$0: apt knows no Debian mirror: run apt-get update" >&2
        return 1
    fi
    echo "$2 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $apart_mirror $3 main" \
        > "$1/sources.list"
    apart_get update
}

# apt-get in the place that apart made.
apart_get() {
    apt-get -q -o Dir::Etc::SourceList="$apart_dir/sources.list" \
        -o Dir::Etc::SourceParts="$apart_dir/parts" \
        -o Dir::State::Lists="$apart_dir/lists" \
        -o Dir::Cache::Archives="$apart_dir/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root "$@"
}

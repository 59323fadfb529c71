# shellcheck shell=bash
# What all packs share; sourced by their bin/compile, with set -euo pipefail.
# Each pack has it as a link in its lib/, which is a file once it is copied.

topic() { echo "-----> $*"; }
note() { echo "       $*"; }
indent() { sed -u 's/^/       /'; }
warn() { echo " !     $*"; }
fail() { warn "$*"; exit 1; }

# need COMMAND PACKAGES WHAT [RUNTIME]: refuses to go on without a program.
need() {
    local runtime=${4:+ (or \'scripts/up --runtimes $4\')}
    command -v "$1" > /dev/null ||
        fail "$3 is not installed on this machine: its owner can run" \
            "'apt-get install $2'$runtime."
}

# Config vars reach tools and scripts, but not those that change what a
# program of the system is, nor those that are named as arguments.
export_env_dir() {
    local dir=$1 file name own
    shift
    own=" $* "
    for file in "$dir"/*; do
        name=${file##*/}
        [[ -f $file && $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
        [[ $own != *" $name "* ]] || continue
        case $name in
        PATH | HOME | IFS | ENV | BASH_ENV | BASHOPTS | SHELLOPTS | LD_* | \
            GIT_DIR | CPATH | CPPATH | LIBRARY_PATH | PORT) continue ;;
        esac
        export "$name=$(< "$file")" 2> /dev/null || true
    done
}

# kept_restore CACHE KEY PLACE: PLACE as it was kept for this key, or 1.
kept_restore() {
    [[ -f $1/key && -e $1/kept && $(< "$1/key") == "$2" ]] || return 1
    rm -rf "$3"
    mkdir -p "$(dirname "$3")"
    cp -a --reflink=auto "$1/kept" "$3"
}

# kept_save CACHE KEY PLACE: keeps PLACE, or nothing if there is no room.
kept_save() {
    rm -rf "$1"
    [[ -e $3 ]] || return 0
    mkdir -p "$1"
    # The key is written last: half a copy is never taken for one.
    if cp -a --reflink=auto "$3" "$1/kept" 2> /dev/null; then
        echo "$2" > "$1/key"
    else
        rm -rf "$1"
    fi
}

# key_of WORD...: a name for what these and standard input say.
key_of() {
    { printf '%s\n' "$@"; cat; } | sha256sum | cut -d' ' -f1
}

# Names of files that may stand in a command line as they are.
is_plain() { [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9._+/-]*$ ]]; }

# What follows is a type for bin/release, if it is not empty.
release_web() {
    if [[ -n $1 ]]; then
        echo "default_process_types:"
        echo "  web: $1"
    else
        echo "--- {}"
    fi
}

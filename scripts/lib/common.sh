# Shared by up, down, test and bench; sourced by bash, with set -euo pipefail.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else bold='' dim='' plain=''; fi

step() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
note() { printf '    %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# quietly LOG COMMAND...: what it says goes to a file; on a terminal its last
# line is seen, too, and then gone.
quietly() {
    local log=$1 line status=0
    shift
    if [ ! -t 1 ]; then
        "$@" > "$log" 2>&1 < /dev/null || status=$?
        return $status
    fi
    "$@" 2>&1 < /dev/null | while IFS= read -r line; do
        printf '%s\n' "$line" >&3
        printf '\r\e[K    %s%.70s%s' "$dim" "$line" "$plain"
    done 3> "$log" || status=$?
    printf '\r\e[K'
    return $status
}

need_root() {
    local how="sudo $0${*:+ $*}"
    [ "$(id -u)" != 0 ] || return 0
    command -v sudo >/dev/null || how="su -c '$0${*:+ $*}'"
    die "it has to be root: $how"
}

need_debian() {
    local ID='' VERSION_ID='' PRETTY_NAME=unknown
    [ ! -r /etc/os-release ] || . /etc/os-release
    case "$ID-$VERSION_ID" in
    debian-12 | debian-13) ;;
    *) die "this is $PRETTY_NAME; ngx_paas runs on Debian 12 and 13" ;;
    esac
}

# What apps may run on beyond what each machine has: scripts/lib/packages.NAME.
runtimes=(c go java php python ruby)

# The packages of lists in scripts/lib/packages.LIST that are not installed.
# "package:command" is there, too, when the command is: Node.js comes to many
# machines from its makers, in packages that Debian's own conflict with.
packages_missing() {
    local p have
    have=$(dpkg-query -Wf '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
    sed -s 's/#.*//' "${@/#/$top/scripts/lib/packages.}" | tr -s ' \n' '\n\n' |
        while read -r p; do
            [ -n "$p" ] || continue
            if [[ $p == *:* ]]; then
                ! command -v "${p#*:}" >/dev/null || continue
                p=${p%:*}
            fi
            [[ $'\n'$have$'\n' == *$'\n'"$p"$'\n'* ]] || echo "$p"
        done
}

# The services that packages of the lists bring, as package:service, and that
# are not installed.
services_missing() {
    local s
    for s in nginx-common:nginx fcgiwrap:fcgiwrap openssh-server:ssh rsyslog:rsyslog haproxy:haproxy caddy:caddy \
        php8.2-fpm:php8.2-fpm php8.4-fpm:php8.4-fpm; do
        dpkg-query -W "${s%:*}" >/dev/null 2>&1 || echo "${s#*:}"
    done
}

# Installs what is missing of lists.  Services of these packages (nginx on
# port 80) are not ours to start: policy-rc.d holds them back meanwhile, and
# one that was not there before stays off at the next boot, too.
packages_install() {
    local missing off service updated=1 policy=/usr/sbin/policy-rc.d log
    mapfile -t missing < <(packages_missing "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    step "installing ${#missing[@]} Debian packages"
    note "${missing[*]}"
    mapfile -t off < <(services_missing)
    log=$(mktemp)
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' > $policy
        chmod 755 $policy
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    # Somebody's dead source among others is no reason to give up: Debian's
    # may be well, or the packages known from before.
    quietly "$log.update" \
        apt-get -q -o APT::Update::Error-Mode=any update || updated=0
    if ! DEBIAN_FRONTEND=noninteractive quietly "$log" \
        apt-get -q install -y --no-install-recommends "${missing[@]}"; then
        [ $updated = 1 ] || mv "$log.update" "$log"
        grep '^[EW]:' "$log" | tail -n 10 >&2 || tail -n 20 "$log" >&2
        rm -f "$log" "$log.update"
        [ $updated = 1 ] ||
            die "apt-get cannot reach Debian's packages; is there a network, and are the sources in /etc/apt right?"
        die "apt-get could not install the packages above; its last words say why"
    fi
    rm -f "$log" "$log.update"
    if trap | grep -q policy-rc.d; then rm -f $policy; trap - EXIT; fi
    for service in "${off[@]}"; do
        update-rc.d "$service" disable >/dev/null 2>&1 || true
        ! command -v systemctl >/dev/null ||
            systemctl disable --quiet "$service.service" "$service.socket" 2>/dev/null || true
    done
}

has_systemd() { [ -d /run/systemd/system ]; }

# conf_get FILE KEY: a setting's value, or nothing.
conf_get() {
    [ ! -r "$1" ] || sed -n "s/^[[:space:]]*$2[[:space:]]*=[[:space:]]*//p" \
        "$1" | sed 's/[[:space:]]*#.*//; s/[[:space:]]*$//' | tail -n 1
}

# conf_set FILE KEY VALUE: changes a setting in place, or adds it.
conf_set() {
    if grep -q "^[[:space:]]*$2[[:space:]]*=" "$1"; then
        sed -i "s|^[[:space:]]*$2[[:space:]]*=.*|$2 = $3|" "$1"
    else
        printf '%s = %s\n' "$2" "$3" >> "$1"
    fi
}

# wait_for SECONDS COMMAND...: until it succeeds; 1 if it never does.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# The users and /etc/paas serve all platforms of a machine.  Who counts on them
# holds them; who would take them away must be alone with them.  The lock is
# on a folder that is there anyway.
users_hold() {
    exec {users_lock}< /run
    flock -s "$users_lock"
}

users_alone() {
    exec {users_lock}< /run
    flock -n "$users_lock"
}

users_let_go() { exec {users_lock}<&-; }

# What belongs to a platform by its name; the empty name is the machine's own.
platform() {
    name=$1
    local suffix=${name:+-$name}
    conf=/etc/paas/paas$suffix.conf
    run=/run/paas$suffix
    state=/var/lib/paas$suffix
    logs=/var/log/paas$suffix
    sv=$run/sv
    cgroup=paas-instances$suffix.scope
    table=paas${name:+_$name}
    default_prefix=/usr/local
    [ -z "$name" ] || default_prefix=/opt/paas-$name
}

# The platform's files and its services; sourced by up and down.  Under
# systemd they are units, without it runit's runsv keeps them running.

. "$top/scripts/lib/tls.sh"
. "$top/scripts/lib/ssh.sh"

services=(launcher manager dns git router rotate logger drain)

# Those that run, or are to be.
services_wanted() {
    ! has_ssh || services+=(ssh)
}

# ---- files ------------------------------------------------------------

# place MODE OWNER DIR
place() { install -d -m "$1" -o "${2%:*}" -g "${2#*:}" "$3"; }

# The launcher makes what is its own below these (manager/common/places.h).
places_make() {
    place 755 root:root "$state_dir"
    place 700 paas:paas "$state_dir/store"
    place 700 paas:paas "$state_dir/keys"
    place 700 paas:paas "$state_dir/imports"
    place 700 paas:paas "$state_dir/drains"
    place 2750 paas:www-data "$state_dir/routes"
    place 2750 paas:www-data "$state_dir/certs"
    place 711 root:root "$state_dir/git"
    place 755 root:root "$state_dir/router"
    place 755 root:root "$state_dir/acme"
    place 755 root:root "$logs"
    # Sticky: paas makes its socket here, but can't replace what root made.
    place 1775 root:paas "$run"
    # What connects there is believed: it is nginx alone.
    place 750 paas-git:www-data "$run/git"
    # And who speaks there is the manager alone.
    place 750 paas-helper:paas "$run/drain"
}

# The n-th /20 of 198.19.0.0/16 and its uids, of the first n that is free: a
# second platform must not share addresses or uids with another.
conf_number() {
    local n c
    for n in $(seq 0 15); do
        for c in /etc/paas/*.conf; do
            [ "$(conf_get "$c" subnet)" != "198.19.$((n * 16)).0/20" ] || continue 2
        done
        echo "$n"
        return
    done
    die "sixteen platforms are on this machine; scripts/down --purge --name one"
}

conf_write() {
    local n lock
    install -d /etc/paas
    # Two that are brought up at once must not take the same number.
    exec {lock}< /etc/paas
    flock "$lock"
    if [ ! -e "$conf" ]; then
        printf '# Settings of paas; paas.conf(5) explains them all.\n' > "$conf.new"
        conf_set "$conf.new" domain "$domain"
        if [ -n "$name" ]; then
            n=$(conf_number)
            conf_set "$conf.new" subnet "198.19.$((n * 16)).0/20"
            conf_set "$conf.new" uid_base $((1901000000 + n * 65536))
            conf_set "$conf.new" cgroup "$cgroup"
            conf_set "$conf.new" nft_table "$table"
            conf_set "$conf.new" if_prefix "pa$n-"
        fi
        mv "$conf.new" "$conf"
    fi
    exec {lock}<&-
    conf_set "$conf" domain "$domain"
    conf_set "$conf" http_port "$port"
    [ "$https_port" = 0 ] && [ -z "$(conf_get "$conf" https_port)" ] ||
        conf_set "$conf" https_port "$https_port"
    [ "$ssh_port" = 0 ] && [ -z "$(conf_get "$conf" ssh_port)" ] ||
        conf_set "$conf" ssh_port "$ssh_port"
    conf_set "$conf" state_dir "$state_dir"
    conf_set "$conf" run_dir "$run"
    conf_set "$conf" libexec_dir "$prefix/libexec/paas"
    conf_set "$conf" buildpack_dir "$prefix/share/paas/buildpacks"
}

# fill FILE: a template with its @WORDS@ replaced.
fill() {
    local listen6='' proxy='' tls='' http2=''
    ! has_tls || tls='include tls.conf;'
    ! http2_is_a_directive || http2='http2 on;'
    ! takes_proxy || proxy=' proxy_protocol'
    [ ! -e /proc/net/if_inet6 ] ||
        listen6="listen [::]:$port default_server$proxy;"
    sed -e "s|@ALSO6@|${listen6/ default_server/}|g" \
        -e "s|@LISTEN6@|$listen6|g" -e "s|@PROXY@|$proxy|g" \
        -e "s|@LISTEN_TLS@|$(tls_listen " default_server$proxy")|g" \
        -e "s|@ALSO_TLS@|$(tls_listen "$proxy")|g" \
        -e "s|@TLS@|$tls|g" -e "s|@HTTP2@|$http2|g" \
        -e "s|@HTTPS_PORT@|${https_port:-0}|g" \
        -e "s|@SSH_PORT@|${ssh_port:-0}|g" \
        -e "s|@TRUST@|$(trust)|g" \
        -e "s|@PORT@|$port|g" -e "s|@DOMAIN@|$domain|g" \
        -e "s|@STATE@|$state_dir|g" -e "s|@RUN@|$run|g" \
        -e "s|@LOGS@|$logs|g" -e "s|@CONF@|$conf|g" \
        -e "s|@PREFIX@|$prefix|g" -e "s|@GATEWAY@|$(gateway)|g" \
        -e "s|@MODULE@|$prefix/lib/paas/ngx_http_paas_module.so|g" "$1"
}

# Does each connection begin with a header of the PROXY protocol?
takes_proxy() { [ "$(conf_get "$conf" proxy_protocol)" = on ]; }

# The same that conf.c says, before anything is written.
trust_check() {
    local net nets
    nets=$(conf_get "$conf" trusted_proxies)
    for net in $nets; do
        [[ $net =~ ^[0-9a-fA-F.:]+(/[0-9]+)?$ ]] ||
            die "$conf: trusted_proxies takes addresses and networks such as 10.0.0.0/8, separated by blanks, not '$net'"
    done
    case $(conf_get "$conf" proxy_protocol) in
    '' | off) ;;
    on) [ -n "$nets" ] ||
        die "$conf: proxy_protocol = on needs trusted_proxies, the balancers whose header is believed" ;;
    *) die "$conf: proxy_protocol must be on or off" ;;
    esac
}

# What nginx is to believe, as lines for sed.
trust() {
    local net nets header=X-Forwarded-For
    nets=$(conf_get "$conf" trusted_proxies)
    if takes_proxy; then header=proxy_protocol; fi
    [ -n "$nets" ] || return 0
    printf 'paas_trust %s;' "$(tr -s ' \t' ' ' <<< "$nets")"
    for net in $nets; do printf '\\n        set_real_ip_from %s;' "$net"; done
    printf '\\n        real_ip_header %s;\\n        real_ip_recursive on;' $header
}

# The first address of the instances' network.
gateway() {
    local subnet
    subnet=$(conf_get "$conf" subnet)
    subnet=${subnet:-198.18.0.0/16}
    subnet=${subnet%/*}
    echo "${subnet%.*}.$((${subnet##*.} + 1))"
}

router_write() {
    local f etc=$prefix/share/paas/etc
    trust_check
    tls_certificate
    for f in "$etc"/nginx/*; do
        case $f in
        */tls.conf.in) has_tls || { rm -f "$state_dir/router/tls.conf"; continue; } ;;&
        *.in) fill "$f" > "$state_dir/router/$(basename "$f" .in)" ;;
        *) install -m 644 "$f" "$state_dir/router/" ;;
        esac
    done
    nginx -t -q -p "$state_dir/router" -c "$state_dir/router/nginx.conf" ||
        die "nginx refuses its configuration in $state_dir/router"
}

# ---- services ---------------------------------------------------------

# The machine's own platform is systemd's where there is one; those with a
# name are for trying out, and gone with a reboot.
by_systemd() { [ -z "$name" ] && has_systemd; }

services_start() {
    if by_systemd; then units_start; else runit_start; fi
}

services_stop() {
    if by_systemd; then units_stop; else runit_stop; fi
}

services_log() {
    if by_systemd; then echo "journalctl -u paas-$1"
    else echo "$logs/$1/current"; fi
}

units_start() {
    local f unit
    has_ssh || systemctl disable --now --quiet paas-ssh.service 2>/dev/null || true
    for f in "$prefix"/share/paas/etc/systemd/*; do
        unit=$(basename "$f")
        if [ "$unit" = paas-ssh.service ] && ! has_ssh; then
            rm -f "/etc/systemd/system/$unit"
            continue
        fi
        fill "$f" > "/etc/systemd/system/.$unit.new"
        mv "/etc/systemd/system/.$unit.new" "/etc/systemd/system/$unit"
    done
    fill "$prefix/share/paas/etc/tmpfiles/paas.conf" > /etc/tmpfiles.d/paas.conf
    systemctl daemon-reload
    for f in "${services[@]}"; do
        systemctl enable --quiet "paas-$f.service"
        if [ "$f" = router ] && systemctl is-active --quiet paas-router; then
            systemctl reload paas-router.service
        else
            systemctl restart "paas-$f.service"
        fi
    done
}

units_stop() {
    local f unit
    for f in ssh "${services[@]}"; do
        systemctl disable --now --quiet "paas-$f.service" 2>/dev/null || true
    done
    for f in /etc/systemd/system/paas-*.service; do
        [ ! -e "$f" ] || rm -f "$f"
    done
    rm -f /etc/tmpfiles.d/paas.conf
    systemctl daemon-reload
}

# Each service is a folder with a run script, its log kept by svlogd.
runit_write() {
    local s
    for s in "${services[@]}"; do
        install -d "$sv.new/$s/log" "$logs/$s"
        fill "$prefix/share/paas/etc/runit/$s" > "$sv.new/$s/run"
        printf '#!/bin/sh\nexec svlogd -tt %s\n' "$logs/$s" > "$sv.new/$s/log/run"
        printf 's1000000\nn5\n' > "$logs/$s/config"
        chmod 755 "$sv.new/$s/run" "$sv.new/$s/log/run"
    done
}

runit_start() {
    local s again=()
    rm -rf "$sv.new"
    runit_write
    if runsvdir_pid >/dev/null; then
        has_ssh || runit_remove ssh
        for s in "${services[@]}"; do
            # runsvdir starts what is new by itself.
            [ -d "$sv/$s" ] || { mv "$sv.new/$s" "$sv/$s"; continue; }
            cp "$sv.new/$s/run" "$sv/$s/run.new"
            mv "$sv/$s/run.new" "$sv/$s/run"
            if [ "$s" = router ] && router_runs; then sv -v hup "$sv/$s" >/dev/null || true
            else again+=("$sv/$s"); fi
        done
        # All at once: sv looks twice a second whether one is there again.
        [ ${#again[@]} = 0 ] || sv -v -w 20 restart "${again[@]}" >/dev/null || true
        rm -rf "$sv.new"
        return
    fi
    rm -rf "$sv"
    mv "$sv.new" "$sv"
    setsid runsvdir -P "$sv" < /dev/null > "$logs/runsvdir.log" 2>&1 9>&- &
    echo $! > "$run/runsvdir.pid"
    disown
}

runit_remove() {
    [ -d "$sv/$1" ] || return 0
    sv -w 20 force-shutdown "$sv/$1" >/dev/null || true
    rm -rf "${sv:?}/$1"
}

# Its pid, if that is still the one that we started.
runsvdir_pid() {
    local pid
    [ -r "$run/runsvdir.pid" ] || return 1
    pid=$(< "$run/runsvdir.pid")
    [ "$(tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null)" = "runsvdir -P $sv " ] ||
        return 1
    echo "$pid"
}

runit_stop() {
    local pid
    if pid=$(runsvdir_pid); then
        sv -w 20 force-stop "$sv"/* >/dev/null || true
        kill -HUP "$pid" # runsvdir ends each runsv, and then itself
        wait_for 10 test ! -d "/proc/$pid" || kill -KILL "$pid"
        wait_for 10 services_gone || true
    fi
    rm -rf "$sv" "$run/runsvdir.pid"
}

# The supervisors have let go of their folders.
services_gone() {
    local s
    for s in "${services[@]}"; do
        ! sv status "$sv/$s" >/dev/null 2>&1 || return 1
    done
}

router_runs() {
    [ -r "$run/nginx.pid" ] &&
        [ "$(readlink "/proc/$(< "$run/nginx.pid")/exe" 2>/dev/null)" = \
            "$(readlink -f "$(command -v nginx)")" ]
}

# port_holder PORT: who else listens there; fails if nobody does.
port_holder() {
    local line who
    line=$(ss -Hltnp "sport = :$1" | head -n 1)
    [ -n "$line" ] || return 1
    if router_runs && [[ $line == *"pid=$(< "$run/nginx.pid"),"* ]]; then
        return 1
    fi
    who=$(sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (pid \2)/p' <<< "$line")
    echo "${who:-another program}"
}

manager_answers() {
    curl -sf --max-time 2 --unix-socket "$run/manager.sock" \
        http://paas/health
}

# By a host that no app can have, which may hold a request: any answer is one.
router_answers() { router_get -H "Host: console.$domain" "http://127.0.0.1:$port/"; }

router_get() {
    local proxy=()
    ! takes_proxy || proxy=(--haproxy-protocol)
    curl -s --max-time 2 -o /dev/null "${proxy[@]}" "$@"
}

# TLS of the platform's nginx, where paas.conf has https_port; sourced by
# services.sh.

has_tls() { [ "${https_port:-0}" != 0 ]; }

# "http2 on" came with nginx 1.25.1, and made the word in listen a warning.
http2_is_a_directive() {
    local version
    version=$(nginx -v 2>&1 | sed 's|.*nginx/||; s|[^0-9.].*||')
    [ "$(printf '%s\n' 1.25.1 "$version" | sort -V | head -n 1)" = 1.25.1 ]
}

# tls_listen WORDS: the lines of a server that is to be found by https, too.
tls_listen() {
    local words=" ssl$1"
    has_tls || return 0
    http2_is_a_directive || words=" ssl http2$1"
    printf 'listen %s%s;' "$https_port" "$words"
    [ ! -e /proc/net/if_inet6 ] ||
        printf ' listen [::]:%s%s;' "$https_port" "$words"
}

# The certificate of those who have none, in one file with its key: it names
# the platform's domain, and is made anew if that changes, or a month before
# it ends.
tls_certificate() {
    local pem=$state_dir/router/default.pem said
    has_tls || return 0
    if openssl x509 -in "$pem" -noout -checkend 2592000 >/dev/null 2>&1 &&
        said=$(openssl x509 -in "$pem" -noout -checkhost "any.$domain") &&
        [[ $said == *'does match'* ]]; then
        return 0
    fi
    (umask 077 && openssl req -x509 -newkey ec \
        -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj "/CN=$domain" -addext "subjectAltName=DNS:$domain,DNS:*.$domain" \
        -keyout "$pem.key" -out "$pem.new" && cat "$pem.key" >> "$pem.new" &&
        rm "$pem.key" && mv "$pem.new" "$pem") 2>/dev/null ||
        die "openssl cannot make a certificate for $domain"
}

# SHA-256, as paas login shows it.
tls_fingerprint() {
    openssl x509 -in "$state_dir/router/default.pem" -noout -fingerprint \
        -sha256 | sed 's/^.*=//'
}

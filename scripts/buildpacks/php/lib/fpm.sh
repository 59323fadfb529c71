# shellcheck shell=bash
# The newest php-fpm of this machine; nothing if there is none.
find_fpm() {
    local file
    for file in /usr/sbin/php-fpm[0-9]*; do
        [[ -x $file ]] && echo "$file"
    done | sort -V | tail -n 1
}

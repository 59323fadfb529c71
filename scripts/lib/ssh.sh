# git over SSH, where paas.conf has ssh_port; sourced by services.sh.

has_ssh() { [ "${ssh_port:-0}" != 0 ]; }

# Beside the configuration: the host's key, made once; the users that sshd
# knows, of whom git is paas-git with a shell of ours; and the command that it
# asks, here because all of its path has to be root's alone.
ssh_write() {
    local dir=$state_dir/ssh said
    has_ssh || return 0
    install -d -m 755 -o root -g root "$dir"
    [ -s "$dir/host_ed25519" ] ||
        ssh-keygen -q -t ed25519 -N '' -C "git.$domain" -f "$dir/host_ed25519"
    {
        getent passwd root sshd paas
        printf 'git:*:%s:%s::/:%s\n' "$(id -u paas-git)" "$(id -g paas-git)" \
            "$prefix/libexec/paas/paas-git-ssh"
    } > "$dir/passwd.new"
    (umask 077 && echo 'git:*:19000::::::' > "$dir/shadow.new")
    # Over what is there, which is mounted where sshd runs.
    cat "$dir/passwd.new" > "$dir/passwd"
    (umask 077 && cat "$dir/shadow.new" > "$dir/shadow")
    rm "$dir/passwd.new" "$dir/shadow.new"
    install -m 755 "$prefix/libexec/paas/paas-git-ssh" "$dir/keys.new"
    mv "$dir/keys.new" "$dir/keys"
    fill "$prefix/share/paas/etc/ssh/sshd_config.in" > "$dir/sshd_config"
    mkdir -p /run/sshd
    said=$(/usr/sbin/sshd -t -f "$dir/sshd_config" 2>&1) ||
        die "sshd refuses its configuration in $dir: $said"
}

# Who else listens on that port; fails if nobody does.
ssh_port_holder() {
    local line pid
    line=$(ss -Hltnp "sport = :$ssh_port" | head -n 1)
    [ -n "$line" ] || return 1
    pid=$(sed -n 's/.*pid=\([0-9]*\).*/\1/p' <<< "$line")
    ! tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null |
        grep -qF -- "-f $state_dir/ssh/sshd_config" || return 1
    port_holder "$ssh_port"
}

ssh_answers() { [ -n "$(ss -Hltn "sport = :$ssh_port")" ]; }

# sshd has to have that folder; where no other one runs it was made for us.
ssh_forget() {
    [ -e /run/sshd.pid ] || pidof sshd >/dev/null ||
        rmdir /run/sshd 2>/dev/null || true
}

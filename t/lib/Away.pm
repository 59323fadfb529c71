package Away;

# Another machine: a network namespace that reaches this one by an address,
# and in it somebody who is nobody here, with a home of their own, to whom
# nothing of a platform's is there; the program paas is a bare copy.

use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Pty ();
use IO::Select;
use Platform;
use Time::HiRes qw(time);

my @live;

# new(hosts => [names of this machine there], hide => [folders], paas => program)
sub new {
    my ($class, %o) = @_;
    my $n = $$ % 16000;
    my $self = bless {
        ns => "paas-away-$$", link => "pa$$", owner => $$,
        near => sprintf('10.213.%d.%d', $n >> 6 & 255, ($n & 63) * 4 + 1),
        address => sprintf('10.213.%d.%d', $n >> 6 & 255, ($n & 63) * 4 + 2),
        hide => $o{hide}, home => tempdir(CLEANUP => 1),
    }, $class;
    push @live, $self;
    must(qw(ip netns add), $self->{ns});
    must(qw(ip link add), "$self->{link}n", qw(type veth peer name), "$self->{link}f", 'netns', $self->{ns});
    must(qw(ip addr add), "$self->{near}/30", 'dev', "$self->{link}n");
    must(qw(ip link set), "$self->{link}n", 'up');
    must(qw(ip -n), $self->{ns}, qw(addr add), "$self->{address}/30", 'dev', "$self->{link}f");
    must(qw(ip -n), $self->{ns}, qw(link set), $_, 'up') for "$self->{link}f", 'lo';
    # ip-netns(8) puts these over those in /etc.
    must('mkdir', '-p', "/etc/netns/$self->{ns}");
    spew("/etc/netns/$self->{ns}/hosts", join '', "127.0.0.1 localhost\n", map { "$self->{near} $_\n" } @{ $o{hosts} });
    chmod 0711, $self->{home};
    mkdir "$self->{home}/bin";
    copy($o{paas}, "$self->{home}/bin/paas") or die "$o{paas}: $!";
    chmod 0755, "$self->{home}/bin", "$self->{home}/bin/paas";
    return $self;
}

sub must {
    my ($rc, $text) = Platform::run(@_);
    die "@_: $rc $text" if $rc;
}

sub spew {
    my ($file, $text) = @_;
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} $text;
    close $fh or die "$file: $!";
}

# A home of that name.
sub home {
    my ($self, $who) = @_;
    my $home = "$self->{home}/$who";
    if (!-d $home) {
        mkdir $home, 0700 or die "$home: $!";
        chown 65534, 65534, $home;
    }
    return $home;
}

# With `trust`, the authorities in that folder are those of the machine.
sub words {
    my ($self, $who, @words) = @_;
    my $home = $self->home($who);
    my $shell = join ' && ', (map { "mount -t tmpfs -o mode=700 none $_" } @{ $self->{hide} }),
        ($self->{trust} ? "mount --bind $self->{trust} /etc/ssl/certs" : ()), "cd $home", 'exec "$@"';
    return (qw(ip netns exec), $self->{ns}, qw(unshare -m sh -c), $shell, 'sh',
        qw(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --), 'env', '-i',
        "PATH=$self->{home}/bin:/usr/bin:/bin", "HOME=$home", 'TERM=dumb', 'LC_ALL=C',
        (map { "$_=$self->{env}{$_}" } sort keys %{ $self->{env} // {} }), @words);
}

# By that person, with so much on standard input: (exit status, both outputs).
sub run {
    my ($self, $who, $input, @words) = @_;
    spew("$self->{home}/input", $input);
    chmod 0644, "$self->{home}/input";
    return Platform::run('sh', '-c', 'exec "$@" < "$0"', "$self->{home}/input", $self->words($who, @words));
}

# At a terminal: [what to wait for, what to type then]...: (exit status, screen).
sub type {
    my ($self, $who, $keys, @words) = @_;
    my $pty = IO::Pty->new;
    my $slave = $pty->slave;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $pty->make_slave_controlling_terminal;
        open STDIN, '<&', $slave;
        open STDOUT, '>&', $slave;
        open STDERR, '>&', $slave;
        exec $self->words($who, @words) or POSIX::_exit(127);
    }
    close $slave;
    my ($seen, $from, $end) = ('', 0, time + 60);
    my @left = @$keys;
    my $sel = IO::Select->new($pty);
    while (time < $end) {
        if (@left && substr($seen, $from) =~ $left[0][0]) {
            $from = length $seen;
            syswrite $pty, (shift @left)->[1];
            next;
        }
        next if !$sel->can_read(0.1);
        sysread $pty, $seen, 65536, length $seen or last;
    }
    kill 'KILL', $pid if time >= $end;
    waitpid $pid, 0;
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $seen);
}

END {
    my $status = $?;
    for my $away (grep { $_->{owner} == $$ } @live) {
        Platform::run(qw(ip link del), "$away->{link}n");
        Platform::run(qw(ip netns del), $away->{ns});
        Platform::run(qw(rm -rf), "/etc/netns/$away->{ns}");
        rmdir '/etc/netns';
    }
    $? = $status;
}

1;

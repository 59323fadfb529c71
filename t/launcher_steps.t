#!/usr/bin/perl
# The launcher is killed right before each step of each list that its program
# has in itself, and right after the last one; what a next one finds is put in
# order, what was asked for comes to be when it is asked for again, and nothing
# of the kernel's is left when that has gone.
#
# What is killed in the middle is build/t/launcher_held: the launcher itself,
# that stops where it is told to.  A list without its way to get there fails.
use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Select;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

die "needs root\n" if $>;

my $top = abs_path(dirname(__FILE__) . '/..');
my $bin = "$top/build";
die "make programs units first\n"
    if grep { !-x } "$bin/libexec/paas-launcher", "$bin/t/launchctl", "$bin/t/launcher_held";

my $LIMIT = 30;    # of the machine's slowness, in seconds
# Beside platforms, which take networks and uids from below, and t/launcher.t.
my $n = 224 + $$ % 32;
my $tag = "ls$n";
my $net = "198.19.$n";
my $base = 1_950_000_000 + $n * 1000;
my $dir = tempdir('paas-steps-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my ($conf, $run, $state, $aim) = ("$dir/paas.conf", "$dir/run", "$dir/state", "$dir/point");
my ($owner, $launcher, $reached, $held) = ($$);
chmod 0755, $dir;

# Instances have uids of their own, and a checkout in /root is closed to them.
system('cp', '-r', "$bin/libexec", "$top/scripts/buildpacks", $dir) == 0 or BAIL_OUT('no room');
system("$top/scripts/lib/users") == 0 or BAIL_OUT('no users');
write_file($conf, <<"CONF");
state_dir = $state
run_dir = $run
libexec_dir = $dir/libexec
buildpack_dir = $dir/buildpacks
cgroup = paas-$tag.scope
nft_table = paas_$tag
if_prefix = $tag
subnet = $net.0/24
uid_base = $base
CONF

# ---- the launcher -------------------------------------------------------

sub write_file {
    my ($path, $text) = @_;
    open my $fh, '>', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
}

sub wait_for {
    my ($what) = @_;
    my $end = time + $LIMIT;
    my $r;
    until ($r = $what->()) {
        return if time > $end;
        sleep 0.005;
    }
    return $r;
}

sub spawn {
    my (@more) = @_;
    pipe my $reached_in, my $reached_out or die;
    pipe my $held_out, my $held_in or die;
    my $pid = fork // die;
    if (!$pid) {
        open STDERR, '>>', "$dir/log";
        POSIX::dup2(fileno $reached_out, 250);
        POSIX::dup2(fileno $held_out, 251);
        $ENV{PAAS_POINT} = $aim;
        exec {"$bin/t/launcher_held"} 'paas-launcher', '--conf', $conf, @more or POSIX::_exit(127);
    }
    ($reached, $held) = ($reached_in, $held_in);
    return $pid;
}

sub up {
    return wait_for(sub { -S "$run/launcher.sock" && ctl('list') =~ /^ok$/m });
}

sub down {
    my ($signal) = @_;
    kill $signal, $launcher;
    waitpid $launcher, 0;
    undef $launcher;
}

sub ctl {
    my @args = @_;
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', "$bin/t/launchctl", "$run/launcher.sock", @args or die;
    local $/;
    return scalar <$out> // '';
}

# As often as it is not ready for it.
sub done {
    my @args = @_;
    my $said = '';
    return 1 if wait_for(sub { ($said = ctl(@args)) =~ /^ok/m || $said !~ /EBUSY|EAGAIN/ }) && $said =~ /^ok/m;
    diag "@args: $said";
    return 0;
}

my $last = 0;
sub id { return sprintf '%016x', ++$last }
my $slug = sha256_hex('steps');

sub app_words {
    my ($id) = @_;
    return ('start', "id=$id", "slug=$slug", 'slot=2', 'app=7', 'cwd=/app', 'env=PATH=/usr/bin:/bin', '--', 'sleep', '600');
}

sub work_words {
    my ($id, $kind, @argv) = @_;
    return ('start', "id=$id", "kind=$kind", 'build=b1', 'slot=3', 'app=7', 'cwd=/', 'env=PATH=/usr/bin:/bin', '--', @argv);
}

sub records { return ctl('list') =~ /^record id=(\w+)/mg }

sub gone {
    my ($id) = @_;
    ctl('kill', $id);
    return done('clean', $id);
}

# ---- what there is ------------------------------------------------------

sub names {
    my ($path) = @_;
    opendir my $d, $path or return ();
    return grep { !/^\.\.?$/ } readdir $d;
}

# "KIND NAME", and the id or slot that it is of.
sub things {
    my @found;
    push @found, map { m{/([^/]+)$} ? ["cgroup $_", $1] : () } grep { -d } glob "/sys/fs/cgroup{,/*}/paas-$tag.scope/inst/*";
    push @found, map { /^\Q$tag\Ev(\d+)$/ ? ["link $_", "slot $1"] : () } names('/sys/class/net');
    push @found, map { ["element $_", "slot $_"] } `nft list set inet paas_$tag sources 2>/dev/null` =~ /"${tag}v(\d+)"/g;
    for my $at (qw(inst exit attach stage)) {
        push @found, map { ["$at $_", $_] } names("$run/$at");
    }
    for (grep { /^\d+$/ } names('/proc')) {
        my $uid = (stat "/proc/$_")[4] // next;
        push @found, ["process $_", 'slot ' . ($uid - $base)] if $uid > $base && $uid < $base + 256;
    }
    return @found;
}

# What is kept beyond instances.
sub trees {
    my @found = map { my $at = $_; map { "$at/$_" } names("$state/$at") } qw(slugs archives builds caches git);
    open my $mounts, '<', '/proc/mounts' or die;
    push @found, grep { /\Q$dir\E/ } <$mounts>;
    return join ' ', sort @found;
}

# Of each thing there is a record; those without any, once the dying are dead.
sub stray {
    my @stray;
    wait_for(sub {
        my $list = ctl('list');
        my %known = map { $_ => 1 } $list =~ /^record id=(\w+)/mg;
        $known{"slot $_"} = 1 for $list =~ /slot=(\d+)/g;
        @stray = map { $_->[0] } grep { !$known{ $_->[1] } } things();
        return !@stray;
    });
    return @stray;
}

# ---- how each list is come to -------------------------------------------

my ($running, $built) = ('');
my $work = sub { make_path("$state/builds/00000000000000b1") };

# A build's tree with what an inspection packed.
sub build_make {
    my $b = "$state/builds/00000000000000b1";
    make_path("$b/app", "$b/pack");
    write_file("$b/app/made", "made\n");
    write_file("$b/pack/slug.tar.zst", "archived\n");
    $built = sha256_hex('built ' . ++$last);
}

sub slug_make {
    $built = sha256_hex('built ' . ++$last);
    make_path("$state/slugs/$built/deep/er");
    write_file("$state/slugs/$built/made", "made\n");
    write_file("$state/archives/$built.tar.zst", "archived\n");
}

sub app_run {
    $running = id();
    return done(app_words($running));
}

sub app_gone { return gone($running) && !records() }

# Whatever the start came to: no instance, a whole one, or one that has ended.
my $start = {
    ask   => sub { return app_words($running = id()) },
    again => sub {
        for my $record (records()) { gone($record) or return 0 }
        return app_run() && app_gone();
    },
};
my $adopt = {
    before => sub {
        app_run();
        mkdir "$_/dddddddddddddddd" for grep { -d } glob "/sys/fs/cgroup{,/*}/paas-$tag.scope/inst";
    },
    again  => sub {
        my ($list) = ctl('list');
        return $list =~ /^record id=$running .* state=2 /m && app_gone();
    },
};
my $drop_slug = {
    before => \&slug_make,
    ask    => sub { return ('drop-slug', $built) },
    again  => sub { return done('drop-slug', $built) && !-e "$state/archives/$built.tar.zst" },
};
my $drop_tree = {
    before => \&slug_make,
    ask    => sub { return ('drop-tree', $built) },
    again  => sub {
        my $kept = -e "$state/archives/$built.tar.zst";
        return done('drop-tree', $built) && $kept && done('drop-slug', $built);
    },
};
my $list = {
    before => \&app_run,
    ask    => sub { return ('list') },
    again  => sub { return ctl('list') =~ /^record id=$running .* state=2 /m && app_gone() },
};
my $end = {
    before => \&app_run,
    again  => sub { return app_gone() },
};
my $empty_cache = {
    before => sub { return make_path("$state/caches/0000000000000008/folder/of/it") },
    ask    => sub { return ('empty-cache', 8) },
    again  => sub {
        return done('empty-cache', 8) && !glob("$state/caches/{,.gone-}0000000000000008*") && done('drop-cache', 8);
    },
};
my %how = (
    open => $adopt, adopt => $adopt, prepare => $adopt,
    start => $start, instance => $start, shim => $start, sandbox => $start, network => $start,
    lonely => {
        before => \&build_make,
        ask    => sub { return work_words($running = id(), 'inspect', 'sleep', '600') },
        again  => sub {
            for my $record (records()) { gone($record) or return 0 }
            $running = id();
            return done(work_words($running, 'inspect', 'sleep', '600')) && app_gone() && done('discard', 'b1');
        },
    },
    signal => { %$end, ask => sub { return ('signal', $running, 15) } },
    kill   => { %$end, ask => sub { return ('kill', $running) } },
    clean  => {
        before => sub {
            app_run();
            ctl('kill', $running);
            return wait_for(sub { ctl('list') =~ /state=3/ });
        },
        ask   => sub { return ('clean', $running) },
        again => sub { return done('clean', $running) && !records() },
    },
    list => $list, sweep => $list,
    seal => {
        before => \&build_make,
        ask    => sub { return ('seal', 'b1', $built) },
        again  => sub {
            return done('seal', 'b1', $built) && -e "$state/slugs/$built/made" && -s "$state/archives/$built.tar.zst" == 9
                && done('discard', 'b1') && done('drop-slug', $built);
        },
    },
    discard => {
        before => \&build_make,
        ask    => sub { return ('discard', 'b1') },
        again  => sub { return done('discard', 'b1') },
    },
    hide => $drop_slug, drop_slug => $drop_slug, hide_tree => $drop_tree, drop_tree => $drop_tree,
    repository => {
        ask   => sub { return ('repository', 8) },
        again => sub {
            return done('repository', 8) && (stat "$state/git/0000000000000008.git")[4] == getpwnam('paas-git') && done('drop-cache', 8);
        },
    },
    hide_cache => $empty_cache, empty_cache => $empty_cache,
    drop_cache => {
        before => sub {
            make_path(map { "$state/$_/folder" } 'caches/0000000000000008', 'log/0000000000000008');
            return done('repository', 8);
        },
        ask   => sub { return ('drop-cache', 8) },
        again => sub { return done('drop-cache', 8) && !-e "$state/log/0000000000000008" },
    },
    purge => $start,    # has a way of its own
);

# ---- one point ----------------------------------------------------------

my ($slowest, $points) = (0, 0);

# The pid of who has come to it.
sub arrival {
    my $select = IO::Select->new($reached);
    return if !$select->can_read($LIMIT);
    my $pid = <$reached> // return;
    unlink $aim;
    return $pid + 0;
}

# $child: who came there is killed, and not the launcher.
sub hit {
    my ($list, $lines, $child) = @_;
    my $how = $how{$list};
    my $name = join ', ', $lines =~ /^(?!fail)(.+)$/mg;
    my $before = trees();
    $how->{before}->() if $how->{before};
    if (!$how->{ask}) { down('KILL') }
    write_file($aim, $lines);
    my $asker;
    if ($how->{ask}) {
        my @words = $how->{ask}->();
        $asker = fork // die;
        if (!$asker) {
            open STDOUT, '>', "$dir/answer";
            open STDERR, '>&', \*STDOUT;
            exec {"$bin/t/launchctl"} 'launchctl', "$run/launcher.sock", @words or POSIX::_exit(127);
        }
    } else {
        $launcher = spawn();
    }
    my $pid = arrival();
    if (!$pid) {
        fail("$name is not reached");
        BAIL_OUT("the launcher hangs");
    }
    my $began = time;
    if ($child) { kill 'KILL', $pid } else { down('KILL') }
    close $held;
    waitpid $asker, 0 if $asker;
    $launcher = spawn() if !$child;
    my @wrong;
    push @wrong, 'it does not start' if !up();
    my @stray = stray();
    push @wrong, "without a record: @stray" if @stray;
    my $took = time - $began;
    $slowest = $took if $took > $slowest;
    push @wrong, 'asked again, it does not come to be' if !@wrong && !$how->{again}->();
    push @wrong, 'left: ' . join ' ', map { $_->[0] } things() if !@wrong && !wait_for(sub { !things() });
    my $after = trees();
    push @wrong, "it was $before, and is $after" if $after ne $before;
    is(join('; ', @wrong), '', $name . ($child ? ', the child alone' : ''));
    $points++;
    # With a pipe that is closed nobody can be held any more.
    if ($child) { down('TERM'); $launcher = spawn(); up() or BAIL_OUT('no launcher') }
}

# Ends itself, and is begun again until nothing is left.
sub hit_purge {
    my ($lines) = @_;
    my @wrong;
    app_run();
    down('TERM');
    write_file($aim, $lines);
    my $purge = spawn('--purge');
    arrival() or BAIL_OUT("$lines is not reached");
    kill 'KILL', $purge;
    waitpid $purge, 0;
    close $held;
    system("$bin/libexec/paas-launcher --conf $conf --purge 2>>$dir/log") == 0 or push @wrong, 'it fails';
    push @wrong, 'left: ' . join ' ', map { $_->[0] } things() if !wait_for(sub { !things() });
    push @wrong, 'left in run' if names($run);
    push @wrong, 'the scope is left' if grep { -d } glob "/sys/fs/cgroup{,/*}/paas-$tag.scope";
    push @wrong, 'a table' if !system("nft list table inet paas_$tag >/dev/null 2>&1");
    push @wrong, 'an address, a rule or a route' if `ip addr; ip rule; ip route` =~ /\Q$net\E\./;
    is(join('; ', @wrong), '', $lines =~ s/\n//r);
    $points++;
    $launcher = spawn();
    up() or BAIL_OUT('no launcher');
}

END {
    if (defined $owner && $$ == $owner) {
        my $status = $?;
        unlink $aim;
        down('KILL') if $launcher;
        close $held if $held;
        system("$bin/libexec/paas-launcher --conf $conf --purge 2>/dev/null") if -e $conf;
        $? = $status;
    }
}

# ---- all of them --------------------------------------------------------

$launcher = spawn();
up() or BAIL_OUT("no launcher");
make_path("$state/slugs/$slug");
system 'chown', '-R', 'paas-slug:paas-slug', "$state/slugs/$slug";
app_run();
app_gone();

my (@lists, %steps, %undo);
for (split /\n/, `$bin/t/launcher_held --steps`) {
    my ($list, $step, $undo) = split /\t/, $_, -1;
    push @lists, $list if !$steps{$list};
    push @{ $steps{$list} }, $step;
    push @{ $undo{$list} }, $step if $undo;
}
cmp_ok(scalar(@lists), '>', 0, 'there are lists');
my %child = map { $_ => 1 } qw(shim sandbox network lonely);
for my $list (sort { ($a eq 'purge') <=> ($b eq 'purge') || $a cmp $b } @lists) {
    if (!$how{$list}) {
        fail("nobody is killed in $list");
        next;
    }
    my @at = map { "before $list $_\n" } @{ $steps{$list} };
    # Who executes does not come back.
    push @at, "after $list $steps{$list}[-1]\n" if $steps{$list}[-1] ne 'execute';
    push @at, map { "fail $list $steps{$list}[-1]\nundo $list $_\n" } @{ $undo{$list} // [] };
    for my $lines (@at) {
        if ($list eq 'purge') { hit_purge($lines) } else { hit($list, $lines) }
        hit($list, $lines, 1) if $child{$list} && $ENV{PAAS_LONG};
    }
}
diag sprintf '%d points, the slowest to be in order again: %.2f s', $points, $slowest;
done_testing();

package Packs;

# Buildpacks as the Heroku API calls them, outside the sandbox: paas-build on
# a folder, then the command that came out of it, asked over HTTP.

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use Ports;
use POSIX qw(:sys_wait_h setsid);
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(write_file read_file place build build_all built refused
    get with_web);

our $top  = dirname(dirname(dirname(abs_path(__FILE__))));
our $packs = "$top/scripts/buildpacks";
our $tmp  = tempdir('paas-packs.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $tool  = ($ENV{PAAS_BUILD} || "$top/build") . '/libexec/paas-build';

-x $tool or die "$tool is not built: make programs\n";
chmod 0755, $tmp;
my $nobody = 65534;

our $long = $ENV{PAAS_LONG};

# Nothing of this machine's settings: the sandbox has none of them.
%ENV = (PATH => '/usr/local/bin:/usr/bin:/bin', LANG => 'C.UTF-8');

my $count = 0;

sub write_file {
    my ($path, $text) = @_;
    make_path(dirname($path));
    open my $fh, '>', $path or die "$path: $!\n";
    print $fh $text;
    close $fh or die "$path: $!\n";
}

sub read_file {
    my ($path) = @_;
    open my $fh, '<', $path or return undef;
    local $/;
    return scalar <$fh>;
}

# A place to build in; files is a fixture's name or {PATH => TEXT}.
sub place {
    my ($files, %config) = @_;
    my $dir = "$tmp/" . ++$count;
    make_path("$dir/src", "$dir/app", "$dir/out", "$dir/cache");
    if (ref $files) {
        write_file("$dir/src/$_", $files->{$_}) for keys %$files;
    } else {
        system('cp', '-r', "$top/t/fixtures/$files/.", "$dir/src") == 0
            or die "no fixture $files\n";
    }
    return { dir => $dir, config => \%config };
}

# Starts paas-build as the manager does.
sub start {
    my ($p, @args) = @_;
    my $dir = $p->{dir};
    system('rm', '-rf', "$dir/app", "$dir/env", "$dir/work", "$dir/out");
    make_path("$dir/app", "$dir/out");
    system('tar', '-C', "$dir/src", '-czf', "$dir/upload", '.') == 0 or die;
    $p->{pid} = open($p->{pipe}, '-|') // die "fork: $!\n";
    if (!$p->{pid}) {
        $ENV{"PAAS_CONFIG_$_"} = $p->{config}{$_} for keys %{ $p->{config} };
        open STDIN, '<', "$dir/upload" or die;
        exec $tool, '--max-bytes', 1e9, '--max-entries', 1e5, '--app',
            "$dir/app", '--cache', "$dir/cache", '--env', "$dir/env",
            '--packs', $packs, '--work', "$dir/work", '--out', "$dir/out",
            @args or die "$tool: $!\n";
    }
}

# Waits for it; adds status, output and result.
sub finish {
    my ($p) = @_;
    my $pipe = delete $p->{pipe};
    $p->{output} = do { local $/; <$pipe> } // '';
    close $pipe;
    $p->{status} = $? >> 8;
    my $json = read_file("$p->{dir}/out/result.json");
    $p->{result} = defined $json ? decode_json($json) : {};
    return $p;
}

sub build {
    my ($p, @args) = @_;
    start($p, @args);
    return finish($p);
}

# Two at a time: each of them waits for something now and then.
sub build_all {
    my @left = @_;
    my @busy;
    while (@left || @busy) {
        if (@left && @busy < 2) {
            push @busy, shift @left;
            start($busy[-1]);
        } else {
            finish(shift @busy);
        }
    }
}

sub get {
    my ($port, $path, $host) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5) or return;
    print $socket "GET $path HTTP/1.0\r\nHost: "
        . ($host // 'app.localhost') . "\r\n\r\n";
    local $/;
    return scalar <$socket>;
}

# Starts the web command, calls back with its port, and ends it.
sub with_web {
    my ($p, $ask) = @_;
    my $port = Ports::free_port();
    write_file("$p->{dir}/log", '');
    make_path("$p->{dir}/tmp");
    # An app is nobody special, and its folder is its own.
    $> != 0 || system('chown', '-R', "$nobody:$nobody", "$p->{dir}/app",
        "$p->{dir}/log", "$p->{dir}/tmp") == 0 or die;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setsid();
        if ($> == 0) {
            $( = $) = "$nobody $nobody";
            $< = $> = $nobody;
        }
        chdir "$p->{dir}/app" or die;
        %ENV = (PATH => '/usr/local/bin:/usr/bin:/bin', LANG => 'C.UTF-8',
            HOME => "$p->{dir}/app", PORT => $port, DYNO => 'web.1',
            PAAS_INSTANCE => 'i1', TMPDIR => "$p->{dir}/tmp",
            %{ $p->{config} });
        open STDOUT, '>', "$p->{dir}/log" or die;
        open STDERR, '>&', \*STDOUT or die;
        exec "$top/scripts/sandbox/run", $p->{result}{types}{web} or die;
    }
    my $until = time + 20;
    until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)) {
        last if time > $until || waitpid($pid, WNOHANG) > 0;
        sleep 0.05;
    }
    $ask->($port);
    kill 'TERM', -$pid;
    for (1 .. 100) {
        last if waitpid($pid, WNOHANG) != 0;
        sleep 0.05;
    }
    kill 'KILL', -$pid;
    waitpid($pid, 0);
    diag(read_file("$p->{dir}/log"))
        if !Test::More->builder->is_passing;
}

sub built {
    my ($p, $pack, $name) = @_;
    is($p->{status}, 0, "$name builds") or diag($p->{output});
    is($p->{result}{buildpack}, $pack, "$name is $pack");
}

sub refused {
    my ($p, $words, $name) = @_;
    is($p->{status}, 1, "$name is refused") or diag($p->{output});
    like((split /\n/, $p->{output})[-1], qr/^ !     .*$words/,
        "$name: the last line says why");
    ok(!-e "$p->{dir}/out/result.json", "$name leaves no result");
}

1;

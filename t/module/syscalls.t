# A worker never waits but for events: every system call of one under load is
# on a list of those that return at once, also while the route database is
# changed, replaced, damaged and taken away.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::UNIX;
use PaasTest;
use PaasTest::Certs;
use PaasTest::Reactor;
use PaasTest::Router;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(sleep time);

*wait_for = \&PaasTest::Router::wait_for;

my %app = map { $_ => PaasTest::Reactor->new($_) } qw(a b);
my $dead = free_port();

# Somebody listens where wakes go, and never reads.
my $wake = "$PaasTest::dir/wake.sock";
my $deaf = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $wake) or die $!;
chmod 0777, $wake;

sub routes {
    my ($first) = @_;
    return <<EOT;
pool 1 app=one type=web
instance 1 $first 127.0.0.1:$app{a}{port}
instance 1 2 127.0.0.1:$app{b}{port}
instance 1 3 127.0.0.1:$dead
pool 2 app=asleep type=web state=asleep hold=2000
pool 3 app=turns type=web concurrency=1 queue=100 hold=5000
instance 3 4 127.0.0.1:$app{a}{port}
host one.test pool=1
host *.one.test pool=1
host asleep.test pool=2
host turns.test pool=3
EOT
}

my $dir = new_routes(routes(1));

# Handshakes as well: more certificates than the cache holds.
my %cert = map { ("$_.test" => PaasTest::Certs::make($_)) } qw(one two three);
my $static = PaasTest::Certs::make('static');
my $certs = PaasTest::Certs::new_certs(%cert);
my $tls = free_port();
my $r = PaasTest::Router->new(workers => 1, http => <<EOT);
paas_wake unix:$wake;
server {
    listen 127.0.0.1:$tls ssl;
    ssl_certificate $static->{chain};
    ssl_certificate_key $static->{key};
    paas_certs $certs cache=2;
    location / { return 204; }
}
EOT
my ($worker) = $r->workers;
my $trace = "$PaasTest::dir/trace";
my $strace = fork // die $!;
if (!$strace) {
    open STDERR, '>', "$trace.err";
    exec 'strace', '-f', '-qq', '-v', '-s', '200', '-o', $trace, '-p', $worker or POSIX::_exit(127);
}
ok(wait_for(20, sub { -e $trace && do { $r->get('one.test', '/'); -s $trace } }), 'strace is attached')
    or diag `cat $trace.err`;

# ---- all that a worker has to do ---------------------------------------------------

my $n = 0;
sub load {
    my @s = map { $r->send($_->[0], $_->[1], method => $_->[2] // 'GET', body => $_->[3]) }
        ['one.test', '/wait'], ['x' . $n++ . '.one.test', '/'], ['one.test', '/large'], ['turns.test', '/wait'],
        ['turns.test', '/'], ['nobody.test', '/'], ['one.test', '/', 'POST', 'x' x 300_000], ['a b', '/'];
    my $left = $r->send('asleep.test', '/');
    my @got = map { PaasTest::Router::answer($_)->{status} } @s;
    close $left;
    return "@got";
}

is(load(), '200 200 200 200 200 404 200 400', 'requests of all kinds are answered') for 1 .. 5;
is(PaasTest::Certs::leaf($tls, "$_.test"), $cert{"$_.test"} ? $_ : 'static', "a handshake for $_.test")
    for qw(one two three one nobody);
PaasTest::Certs::change_certs($certs, %cert, 'four.test' => $cert{'one.test'});
is(PaasTest::Certs::leaf($tls, 'four.test'), 'one', 'and after a change');
for my $first (10 .. 12) { change_routes(routes($first)); load() }

sub state_is {
    my ($want) = @_;
    ok(wait_for(20, sub { load(); $r->state->{routes}{state} eq $want }), "the database is $want");
}
rename $dir, "$dir.away";
state_is('stale');
rename "$dir.away", $dir;
state_is('ok');
my $other = "$PaasTest::dir/other";
mkdir $other;
set_routes($other, routes(20));
rename $dir, "$dir.old";
rename $other, $dir;
ok(wait_for(20, sub { load(); $r->log =~ /was replaced/ }), 'another one takes its place');
state_is('ok');
system "cp $dir/data.mdb $dir/copy; truncate -s 0 $dir/data.mdb";
state_is('damaged');
system "cat $dir/copy > $dir/data.mdb";
state_is('ok');
ok(wait_for(20, sub { my $s = $r->send('asleep.test', '/'); sleep 0.3; close $s; $r->state->{held}{total} > 5 }),
    'some have waited, and somebody was to be woken');
$r->state for 1 .. 3;
kill 'TERM', $strace;
waitpid $strace, 0;

# ---- what it did ---------------------------------------------------------------------

my $why = 'a socket that does not block, or memory';
my %may = (
    (map { $_ => $why } qw(accept4 close epoll_ctl epoll_wait epoll_pwait getsockopt getpeername getsockname ioctl recvfrom
        recvmsg sendto sendmsg setsockopt shutdown socket connect readv writev read write bind)),
    (map { $_ => 'the process itself' } qw(brk mmap munmap mprotect mremap madvise getpid gettid gettimeofday
        clock_gettime rt_sigaction rt_sigprocmask rt_sigreturn getrandom sysinfo uname restart_syscall futex)),
    (map { $_ => 'another process: a look whether it lives' } qw(kill)),
    (map { $_ => 'a file that is there: the database, a body, a log' } qw(open openat stat fstat newfstatat lstat lseek
        pread64 pwrite64 pwritev preadv fcntl unlink unlinkat statx fstatfs statfs access)),
);
open my $file, '<', $trace or die $!;
my (%calls, %files, @bad, %nonblock);
while (my $line = <$file>) {
    my ($call, $rest) = $line =~ /^\d+\s+(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)/ or next;
    $calls{$call}++;
    push @bad, "not on the list: $line" if !$may{$call};
    if ($call =~ /^open(?:at)?$/) {
        my ($name) = $rest =~ /"([^"]*)"/;
        $files{$name}++ if defined $name;
    }
    # Each socket is told not to block before it is used.
    if ($call eq 'socket') {
        my ($fd) = $rest =~ /= (\d+)$/;
        $nonblock{$fd} = $rest =~ /SOCK_NONBLOCK/ ? 1 : 0 if defined $fd;
    } elsif ($call eq 'ioctl' && $rest =~ /^(\d+), FIONBIO, \[1\]/) {
        $nonblock{$1} = 1;
    } elsif ($call eq 'accept4' && $rest =~ /(SOCK_NONBLOCK)?\) = (\d+)$/) {
        $nonblock{$2} = $1 ? 1 : 0;
    } elsif ($call =~ /^(?:connect|sendto|recvfrom|writev|readv)$/ && $rest =~ /^(\d+),/
        && exists $nonblock{$1} && !$nonblock{$1} && $rest !~ /MSG_DONTWAIT/) {
        push @bad, "on a socket that may block: $line";
    } elsif ($call eq 'fcntl' && $rest =~ /F_SETLKW/) {
        push @bad, "waits for a lock: $line";
    } elsif ($call eq 'futex' && $rest =~ /FUTEX_WAIT/) {
        push @bad, "waits for a lock: $line";
    }
}
my $all = 0;
$all += $_ for values %calls;
cmp_ok($all, '>', 2000, "$all system calls were seen");
is(join('', @bad[0 .. ($#bad > 9 ? 9 : $#bad)]), '', 'none of them waits');
my @known = (qr{^\Q$certs\E(?:/data\.mdb|/)?$}, qr{^\Q$dir\E(?:\.away|\.old)?(?:/data\.mdb|/)?$}, qr{^(?:\Q$r->{prefix}\E/)?(?:body|proxy)/}, qr{^/proc/\d+/stat$},
    qr{^/sys/devices/system/cpu});
my @strange = grep { my $name = $_; !grep { $name =~ $_ } @known } sort keys %files;
is("@strange", '', 'and no file is opened but the databases and those of large bodies');
cmp_ok($calls{epoll_wait} // $calls{epoll_pwait} // 0, '>', 100, 'it waits for events');

done_testing();

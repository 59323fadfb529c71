# Each worker is killed in turn while it works: its counts go with it, those of
# the others stay; and what is in flight is exact through a reload.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Reactor;
use PaasTest::Router;
use Test::More;
use Time::HiRes qw(sleep time);

*wait_for = \&PaasTest::Router::wait_for;

my $rounds = $ENV{PAAS_LONG} ? 10 : 1;
my $workers = 3;
my $slow = PaasTest::Backend->new('slow');
my %app = map { $_ => PaasTest::Reactor->new($_) } qw(a b);
new_routes(<<EOT);
pool 1 app=slow type=web
instance 1 1 127.0.0.1:$slow->{port}
pool 2 app=load type=web
instance 2 2 127.0.0.1:$app{a}{port}
instance 2 3 127.0.0.1:$app{b}{port}
pool 3 app=asleep type=web state=asleep hold=60000
pool 4 app=turns type=web concurrency=2 queue=100 hold=60000
instance 4 4 127.0.0.1:$slow->{port}
host slow.test pool=1
host load.test pool=2
host asleep.test pool=3
host turns.test pool=4
EOT
my $r = PaasTest::Router->new(workers => $workers, zone => 'paas 4m workers=16');

# wrk asks for ever; it opens connections anew when a worker takes them along.
open my $file, '>', "$PaasTest::dir/load.lua" or die $!;
print {$file} "wrk.headers['Host'] = 'load.test'\n";
close $file;
my $wrk = fork // die $!;
if (!$wrk) {
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    exec 'wrk', '-t1', '-c12', '-d3600s', '-s', "$PaasTest::dir/load.lua", "http://127.0.0.1:$r->{port}/wait"
        or POSIX::_exit(127);
}
END { local $?; kill 'KILL', $wrk if $wrk }

sub row { my ($pid) = @_; my ($row) = grep { $_->{pid} == $pid } @{ $r->state->{workers} }; return $row }
sub in_flight { my ($id) = @_; return $r->in_flight($id) }
sub held { return $r->state->{held}{requests} }

# A dozen more requests that nothing ends, in whatever worker takes them.
my @stuck;
sub stick {
    my $before = in_flight(1);
    push @stuck, map { $r->send('slow.test', '/slow') } 1 .. 12;
    wait_for(10, sub { in_flight(1) == $before + 12 }) or die "not counted:\n" . $r->log;
}

ok(wait_for(10, sub { $r->state->{totals}{requests} > 100 }), 'there is load');

my @took;
for my $round (1 .. $rounds) {
    for my $n (1 .. $workers) {
        stick();
        my $all = in_flight(1);
        my @pids = sort { $a <=> $b } $r->workers;
        my $victim = $pids[0];
        # What is open to the app by each worker, as the kernel has it.
        my $mine = connections($victim, $slow->{port});
        my $left = $all - $mine;
        my $from = time;
        kill 9, $victim;
        my $right = wait_for(10, sub { in_flight(1) == $left });
        push @took, time - $from;
        ok($right, "worker $n killed: of $all requests, $mine go with it") or diag in_flight(1);
        ok(wait_for(10, sub { my @now = $r->workers; @now == $workers && !grep { $_ == $victim } @now }),
            'and there is another') or diag join ' ', $r->workers;
    }
    close $_ for splice @stuck;
    ok(wait_for(10, sub { in_flight(1) == 0 }), 'none is left');
}

# Connections to a port that a process has, by /proc.
sub connections {
    my ($pid, $port) = @_;
    my %inode = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]/ ? ($1 => 1) : () } glob "/proc/$pid/fd/*";
    open my $tcp, '<', "/proc/$pid/net/tcp" or die $!;
    my $hex = sprintf '%04X', $port;
    return scalar grep { my @f = split; $f[2] =~ /:$hex$/ && $f[3] eq '01' && $inode{ $f[9] } } <$tcp>;
}

# The same for those who wait, for an instance and for their turn.
for my $case (['asleep.test', 12], ['turns.test', 10]) {
    my ($host, $wait) = @$case;
    my @s = map { $r->send($host, '/slow') } 1 .. 12;
    ok(wait_for(10, sub { held() == $wait }), "$host: $wait wait");
    for my $victim ($r->workers) {
        kill 9, $victim;
        wait_for(10, sub { !row($victim) && $r->workers == $workers });
    }
    ok(wait_for(10, sub { held() == 0 }), 'no worker is left that they waited in, nor are they') or diag held();
    is($r->state->{totals}{in_flight} >= 0, 1, 'no count is below zero');
    ok(wait_for(10, sub { in_flight(4) == 0 }), 'none is at work');
    close $_ for @s;
}

# Long requests, and a reload among them: the sum is right at any moment.
my @s = map { $r->send('slow.test', '/slow') } 1 .. 9;
ok(wait_for(10, sub { in_flight(1) == 9 }), 'nine are at work');
my @wrong;
my $watch = sub { my $n = in_flight(1); push @wrong, $n if $n != 9 };
for (1 .. 2) {
    my %old = map { $_ => 1 } $r->workers;
    $r->signal('HUP');
    wait_for(10, sub { $watch->(); $workers == grep { !$old{$_} } map { $_->{pid} } @{ $r->state->{workers} } });
    $watch->() for 1 .. 50;
}
is("@wrong", '', 'through two reloads');
$slow->release;
is(scalar(grep { PaasTest::Router::answer($_)->{status} == 200 } @s), 9, 'each gets its answer');
ok(wait_for(10, sub { in_flight(1) == 0 }), 'and then there are none');

kill 'KILL', $wrk;
waitpid $wrk, 0;
undef $wrk;
ok(wait_for(10, sub { $r->state->{totals}{in_flight} == 0 }), 'without load nothing is in flight');
unlike($r->log, qr/\[(?:alert|crit|emerg)\](?!.* exited on signal 9)/, 'nothing bad in the log');

@took = sort { $a <=> $b } @took;
my $text = sprintf 'counts were right again after %.0f ms at most, %.0f ms in the middle',
    $took[-1] * 1e3, $took[@took / 2] * 1e3;
$ENV{PAAS_LONG} ? diag $text : note $text;
cmp_ok($took[@took / 2], '<', 2, 'counts are right again soon, even on a busy machine');

done_testing();

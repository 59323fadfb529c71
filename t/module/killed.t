# Instances that are killed under load fail no GET: whoever was at one, with no
# byte of a response yet, is served by another.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Reactor;
use PaasTest::Router;
use Test::More;
use Time::HiRes qw(sleep);

my $kills = $ENV{PAAS_LONG} ? 100 : 8;
my @app = map { PaasTest::Reactor->new($_) } qw(a b c);
new_routes("pool 1 app=app type=web\nhost app.test pool=1\n"
    . join '', map { "instance 1 " . ($_ + 1) . " 127.0.0.1:$app[$_]{port}\n" } 0 .. $#app);
my $r = PaasTest::Router->new(workers => 2);

# Reads answers for as long as the file is there; tells how many, and each
# that is not one of an app.
my $go = "$PaasTest::dir/go";
open my $file, '>', $go or die $!;
close $file;
my @clients = map {
    my $pid = open(my $from, '-|') // die $!;
    if (!$pid) {
        my ($n, @bad) = (0);
        while (-e $go) {
            my @s = map { $r->send('app.test', '/wait') } 1 .. 8;
            for my $got (map { PaasTest::Router::answer($_) } @s) {
                $n++;
                push @bad, "$got->{status}:" . ($got->{headers}{'x-paas-error'} // length $got->{raw})
                    if $got->{status} != 200 || $got->{body} !~ /^[abc]\n\z/;
            }
        }
        print "$n @bad\n";
        close STDOUT;
        POSIX::_exit(0);
    }
    $from;
} 1 .. 2;

PaasTest::Router::wait_for(10, sub { $r->state->{totals}{requests} > 50 });
for my $n (1 .. $kills) {
    my $victim = $app[$n % @app];
    $victim->kill;
    sleep 0.05 + rand 0.2;
    $victim->start;
    # Somebody has asked it since, or it would be one of two that are away.
    PaasTest::Router::wait_for(10, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $victim->{port}) });
}
unlink $go;
my ($all, @bad) = (0);
for my $from (@clients) {
    my ($n, @more) = split ' ', <$from>;
    $all += $n;
    push @bad, @more;
}
my $totals = $r->state->{totals};
is("@bad", '', "$kills kills, $all requests: none failed");
cmp_ok($all, '>', 50 * $kills / 8, 'there was load');
cmp_ok($totals->{failures}, '>', 0, "although $totals->{failures} attempts did");
is($totals->{in_flight}, 0, 'none is in flight');
for my $i (@{ $r->state->{instances} }) { is($i->{in_flight}, 0, "nor at $i->{id}") }
unlike($r->log, qr/\[(?:alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();

# How long a commit takes to be obeyed: by a route that changes, and by requests
# that wait for an instance.  scripts/bench measures it with a million routes; a
# busy machine may take its time here, but not for ever.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Router;
use Test::More;

my $dir = new_routes(<<EOT);
pool 1 app=one type=web
instance 1 1 127.0.0.1:$ENV{B1}
pool 2 app=two type=web
instance 2 2 127.0.0.1:$ENV{B1}
host change.test pool=1
pool 3 app=held type=web state=starting hold=20000
host held.test pool=3
EOT
my $r = PaasTest::Router->new(workers => 2, http => PaasTest::backends(),
    location => 'add_header X-Pid $pid; add_header X-Pool $paas_pool;');

# Of each line the second time: when the answer was there.
sub measure {
    my ($mode, @words) = @_;
    my $out = `$PaasTest::build/bench/route_change $mode $dir $r->{port} @words 2>&1`;
    is($?, 0, $mode) or diag $out;
    return sort { $a <=> $b } map { (split)[1] } split /\n/, $out;
}

my @us = measure('change', 'change.test', 2, 100, 2, 1);
is(scalar @us, 100, 'a hundred changes are obeyed by both workers, each without a reload');
note sprintf 'half of them within %d us, all but one within %d us', @us[49, 98];
cmp_ok($us[49], '<', 500_000, 'and soon');

@us = measure('hold', 'held.test', 4, 20, 3, 1000);
is(scalar @us, 80, 'those that wait go on when there is an instance');
note sprintf 'half of them within %d us, all but one within %d us', @us[39, 78];
cmp_ok($us[39], '<', 500_000, 'and soon');
unlike($r->log, qr/\[(?:alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();

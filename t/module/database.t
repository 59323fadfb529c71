# The route database changes, breaks, goes and comes back under a running
# nginx: no reload anywhere in this file.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;

my %b = map { $_ => PaasTest::Backend->new($_) } qw(a b);
my $to_a = <<EOT;
pool 1 app=one type=web
instance 1 1 127.0.0.1:$b{a}{port}
host one.test pool=1
host cached.test pool=1
EOT
my $to_b = <<EOT;
pool 1 app=one type=web
instance 1 2 127.0.0.1:$b{b}{port}
host one.test pool=1
host cached.test pool=1
host new.test pool=1
EOT
my $dir = new_routes($to_a);
my $r = PaasTest::Router->new(workers => 1, upstream => 'paas_keepalive 4;');

sub state_is {
    my ($want, $what) = @_;
    my $got;
    wait_for(15, sub { $got = $r->state->{routes}{state}; $got eq $want });
    is($got, $want, $what);
}

sub body { return $r->get($_[0], '/')->{body} =~ s/\s+\z//r }
sub error { return $r->get($_[0], '/')->{headers}{'x-paas-error'} // '' }

is(body('one.test'), 'a', 'the first instance');
is(body('cached.test'), 'a', 'another host of the pool');
is(error('new.test'), 'no_route', 'a host that is not there yet');
state_is('ok', 'all is well');
my $generation = $r->state->{routes}{generation};

# A commit is obeyed by the next request.
change_routes($to_b);
is(body('one.test'), 'b', 'a change is obeyed at once');
is(body('new.test'), 'b', 'a new host, too, although its absence was known');
cmp_ok($r->state->{routes}{generation}, '>', $generation, 'the generation moves on');
ok(wait_for(10, sub { my $s = $r->state; $s->{workers}[0]{generation} == $s->{routes}{generation} }),
    'and each worker reports it');

change_routes("revision 77\n" . $to_b =~ s/host new.test.*//r);
is(error('new.test'), 'no_route', 'a deleted host is gone at once');
is($r->state->{routes}{revision}, 77, 'the revision is passed on');

change_routes($to_b =~ s/(port}|:\d+)$/$1 draining/mr =~ s/type=web/type=web state=stopped/r);
is(error('one.test'), 'app_stopped', 'a stop is obeyed at once');
change_routes($to_b);
is(body('one.test'), 'b', 'and a start');

# Away.
rename $dir, "$dir.away";
state_is('stale', 'the folder goes: stale');
is(body('cached.test'), 'b', 'what is mapped goes on');
rename "$dir.away", $dir;
state_is('ok', 'it is there again');

# Replaced by another environment.
my $other = "$PaasTest::dir/other";
mkdir $other;
set_routes($other, $to_a);
rename $dir, "$dir.old";
rename $other, $dir;
ok(wait_for(15, sub { body('one.test') eq 'a' }), 'a replacement is taken');
like($r->log, qr/\[notice\].*was replaced/, 'and told of');
state_is('ok', 'all is well');

# Replaced by rubbish: the old one stays.
mkdir $other;
open my $fh, '>', "$other/data.mdb" or die;
print {$fh} 'rubbish' x 4000;
close $fh;
system 'chgrp', '-R', 'www-data', $other;
chmod 0750, $other;
rename $dir, "$dir.good";
rename $other, $dir;
state_is('stale', 'rubbish is refused');
is(body('one.test'), 'a', 'the old one is kept');
rename $dir, "$dir.rubbish";
rename "$dir.good", $dir;
state_is('ok', 'and the good one taken again');
is(body('one.test'), 'a', 'routes are there');

# Truncated under the map.
is(body('cached.test'), 'a', 'a host is in the cache');
system 'cp', "$dir/data.mdb", "$dir/copy";
truncate "$dir/data.mdb", 0;
state_is('damaged', 'truncated: damaged, and the worker lives');
is(error('nobody.test'), 'routes_unavailable', 'unknown hosts: never 404');
is(body('cached.test'), 'a', 'cached hosts go on');
is(body('one.test'), 'a', 'all of them');
system "cat $dir/copy > $dir/data.mdb";
state_is('ok', 'it recovers by itself');
is(error('nobody.test'), 'no_route', 'and is believed again');

# A byte flipped in each record, which their checksums notice.
is(body('one.test'), 'a', 'a host in use');
open $fh, '+<:raw', "$dir/data.mdb" or die;
my $bytes = do { local $/; <$fh> };
seek $fh, 0, 0;
print {$fh} $bytes =~ s/web/wxb/gr;
close $fh;
is(body('one.test'), 'a', 'a damaged record: what is known of it goes on');
is(body('cached.test'), 'a', 'also of what has to be read again');
is(error('another.test'), 'no_route', 'others are well');
state_is('damaged', 'the status page says so');
is(scalar(() = $r->log =~ /the record of host "cached.test" is damaged/g), 1, 'and one line of the log');
open $fh, '+<:raw', "$dir/data.mdb" or die;
print {$fh} $bytes;
close $fh;
state_is('ok', 'repaired in place');
is(body('one.test'), 'a', 'routes are there');

# Started without one.
my $missing = "$PaasTest::dir/missing";
my $r2 = PaasTest::Router->new(workers => 1, routes => $missing);
is($r2->get('one.test', '/')->{headers}{'x-paas-error'}, 'routes_unavailable', 'no database: 503');
is($r2->state->{routes}{state}, 'missing', 'and it says so');
is(scalar(() = $r2->log =~ /there is no database/g), 1, 'in one line of the log');
mkdir $missing;
set_routes($missing, $to_a);
ok(wait_for(15, sub { $r2->get('one.test', '/')->{status} == 200 }), 'until there is one');
like($r2->log, qr/is readable again/, 'which is told, too');

# CRC-32C of bytes, as in each record.
sub crc {
    my $crc = 0xffffffff;
    for my $byte (unpack 'C*', $_[0]) {
        $crc ^= $byte;
        $crc = $crc & 1 ? $crc >> 1 ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
    }
    return $crc ^ 0xffffffff;
}

# The file as a writer of a later format would leave it, by one more commit.
sub of_other_version {
    my ($file) = @_;
    my $found = 0;
    for (my $at = 0; ($at = index $file, "\x01", $at) != -1; $at++) {
        my ($crc, $v) = unpack 'VV', substr $file, $at + 1, 8;
        next if !defined $v || $v == 0 || $v > 98;
        for my $depths (0 .. 2) {
            my $len = 76 + 8 * $depths;
            next if crc("\x01" . substr $file, $at + 5, $len) != $crc;
            substr $file, $at + 5, 4, pack 'V', 99;
            substr $file, $at + 1, 4, pack 'V', crc("\x01" . substr $file, $at + 5, $len);
            $found++;
        }
    }
    die 'no meta record found' if !$found;
    for my $txn (144, 4096 + 144) {
        substr $file, $txn, 8, pack 'Q<', 2 + unpack 'Q<', substr $file, $txn, 8;
    }
    return $file;
}

sub write_file {
    my ($name, $bytes) = @_;
    open my $out, '>:raw', $name or die "$name: $!";
    print {$out} $bytes;
    close $out;
    system 'chgrp', 'www-data', $name;
    chmod 0640, $name;
}

# Another format version, by a commit in the file that is in use.
is(body('one.test'), 'a', 'a host in use');
is(body('cached.test'), 'a', 'another');
open $fh, '+<:raw', "$dir/data.mdb" or die;
$bytes = do { local $/; <$fh> };
my $other_version = of_other_version($bytes);
my $lines = () = $r->log =~ /has another format version/g;
seek $fh, 0, 0;
print {$fh} $other_version;
close $fh;
state_is('version', 'another version is told from damage');
is(body('one.test'), 'a', 'cached hosts go on');
is(body('cached.test'), 'a', 'all of them');
is(error('nobody.test'), 'routes_unavailable', 'unknown hosts: never 404');
is($r->get('nobody.test', '/')->{status}, 503, 'but 503');
is(scalar(() = $r->log =~ /has another format version/g), $lines + 1, 'one line of the log');
write_file("$dir/good", $bytes);
rename "$dir/good", "$dir/data.mdb";
state_is('ok', 'a good one is renamed over it');
is(error('nobody.test'), 'no_route', 'and believed');
is(body('one.test'), 'a', 'hosts are routed by it');

# A file of another version renamed over a good one: the good one is kept.
write_file("$dir/other", $other_version);
rename "$dir/other", "$dir/data.mdb";
state_is('stale', 'a file of another version is not taken');
is(body('one.test'), 'a', 'what is mapped goes on');
is(error('nobody.test'), 'no_route', 'for all hosts');

# And an nginx that starts with it.
my $r3 = PaasTest::Router->new(workers => 1);
is($r3->state->{routes}{state}, 'version', 'a start with another version');
is($r3->get('one.test', '/')->{headers}{'x-paas-error'}, 'routes_unavailable', 'no routes');
is(scalar(() = $r3->log =~ /has another format version/g), 1, 'one line of the log');
write_file("$dir/good", $bytes);
rename "$dir/good", "$dir/data.mdb";
ok(wait_for(15, sub { $r3->get('one.test', '/')->{status} == 200 }), 'it recovers by itself');
state_is('ok', 'and so does the other');

unlike($_->log, qr/exited on signal/, 'no worker died') for $r, $r2, $r3;

done_testing();

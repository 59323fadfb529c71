#!/usr/bin/perl
# What is set of routes and apps, obeyed by nginx: addresses outside, imported
# routes, splits, patterns, redirects, settings; and an app in back-off that is
# started because somebody waits for it.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use JSON::PP;
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

my $p = Platform->new;
my $fixture = "$Platform::top/t/fixtures/procfile";

# A server that is no app: says its name and the path that it was asked for.
my @servers;
END { my $status = $?; kill 'KILL', @servers if @servers; $? = $status }

sub server {
    my ($name) = @_;
    my $listener = IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1', LocalPort => 0) or die $!;
    my $pid = fork // die $!;
    if ($pid == 0) {
        while (my $s = $listener->accept) {
            my $head = '';
            while ($head !~ /\r\n\r\n/) { sysread $s, $head, 4096, length $head or last }
            my ($path) = $head =~ m{^\S+ (\S+)};
            my $body = "$name " . ($path // '');
            syswrite $s, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
            close $s;
        }
        POSIX::_exit(0);
    }
    push @servers, $pid;
    return $listener->sockport;
}

my ($one, $two) = (server('one'), server('two'));

sub ask { my ($host, $path, %o) = @_; return $p->http('GET', $host, $path // '/', %o) }

# A change is obeyed a moment after its answer.
sub becomes {
    my ($what, $host, $path, $body) = @_;
    my $got;
    ok(Platform::wait_for(5, sub { $got = ask($host, $path); $got->{body} eq $body }), $what) or diag explain $got;
}

sub does { my ($what, @words) = @_; my ($rc, $out) = $p->paas(@words); is($rc, 0, $what) or diag $out; return $out }

for my $app ('shop', 'next') {
    my ($rc, $out) = $p->paas('push', $fixture, '--app', $app, '--create');
    is($rc, 0, "pushed $app") or BAIL_OUT($out);
    ok($p->wait_up($app, 1, 'web'), "$app is up");
}

my $health = $p->api('GET', '/health')->{json};
is($health->{router}{state}, 'ok', 'the router is well');
cmp_ok($health->{router}{workers}, '>=', 1, 'has workers');
is($health->{router}{held}, 0, 'and holds nothing');
cmp_ok($health->{router}{generation}, '>', 0, 'of some generation');
like(does('status', 'status'), qr/^Router +ok +\d+ hosts, \d+ pools, \d+ workers, 0 held, revision \d+, generation \d+$/m, 'says so');

# ---- addresses outside, and the default -----------------------------------

does('a route', 'routes:add', 'out.test', "127.0.0.1:$one");
becomes('is obeyed', 'out.test', '/a', 'one /a');
does('a path of it', 'routes:add', 'out.test', "127.0.0.1:$two", '--path', '/b', '--strip');
becomes('is stripped', 'out.test', '/b/c', 'two /c');
does('settings', 'routes:set', 'out.test', 'to_host=out.example.org');
ok(Platform::wait_for(5, sub { ask('out.test', '/x?y')->{status} == 308 }), 'a redirect');
like(ask('out.test', '/x?y')->{headers}{location}, qr{^http://out\.example\.org(:\d+)?/x\?y$}, 'to the other host');
does('the default', 'routes:add', '*', "127.0.0.1:$two");
becomes('has all other hosts', 'nobody.test', '/', 'two /');
does('no default', 'routes:remove', '*');
ok(Platform::wait_for(5, sub { ask('nobody.test')->{status} == 404 }), 'and now nobody has');

# ---- imported --------------------------------------------------------------

my $file = "$p->{run}/import";
open my $fh, '>', $file or die $!;
print {$fh} "z.import.test \@two\nA.import.test \@one\na.import.test /t \@two strip\n\@one 127.0.0.1:$one\n\@two 127.0.0.1:$two\n"
    . "out.test \@one\n";
close $fh;
like(does('an import', 'routes:import', $file), qr/^3 hosts on 2 pools/, 'of three hosts');
is(ask('z.import.test', '/q')->{body}, 'two /q', 'is obeyed when the answer comes');
is(ask('a.import.test', '/t/u')->{body}, 'two /u', 'with its paths');
is(ask('out.test', '/b/c')->{body}, 'two /c', 'and yields to a route');
does('that route is removed', 'routes:remove', 'out.test');
becomes('the line counts', 'out.test', '/n', 'one /n');
does('all imported go', 'routes:unimport');
is(ask('z.import.test')->{status}, 404, 'they are gone');

# ---- splits and patterns -----------------------------------------------------

sub app_of { my $got = ask(@_); return (eval { decode_json($got->{body}) } // {})->{app} // "$got->{status}" }

does('a split', 'routes:split', "shop.$p->{domain}", 'shop=50', 'next=50');
my %seen;
ok(Platform::wait_for(10, sub { $seen{ app_of("shop.$p->{domain}") }++; $seen{shop} && $seen{next} }), 'goes both ways')
    or diag explain \%seen;
does('all of it for the other', 'routes:split', "shop.$p->{domain}", 'shop=1', 'next=10000');
does('back', 'routes:remove', "shop.$p->{domain}");
ok(Platform::wait_for(5, sub { app_of("shop.$p->{domain}") eq 'shop' }), 'the app has its host again');
%seen = ();
$seen{ app_of("shop.$p->{domain}") }++ for 1 .. 40;
is_deeply([keys %seen], ['shop'], 'for itself');

does('a pattern', 'patterns:add', '10', 'pr-(?<n>[0-9]+)\.example\.com', 'app:next');
ok(Platform::wait_for(5, sub { app_of('pr-7.example.com') eq 'next' }), 'leads to the app');
is(ask('pr-x.example.com')->{status}, 404, 'for what it matches');
does('no pattern', 'patterns:remove', '10');
ok(Platform::wait_for(5, sub { ask('pr-7.example.com')->{status} == 404 }), 'is gone');

# ---- settings of an app -------------------------------------------------------

does('a domain', 'domains:add', 'www.example.org', '-a', 'shop');
does('is where the others lead', 'http:set', 'to_host=www.example.org', 'name_instance=on', 'sticky=on', '-a', 'shop');
ok(Platform::wait_for(5, sub { ask("shop.$p->{domain}")->{status} == 308 }), 'they do');
my $got = ask('www.example.org');
is($got->{status}, 200, 'and it does not lead on');
is($got->{headers}{'x-paas-app'}, 'shop', 'a response says which app it is of');
like($got->{headers}{'set-cookie'} // '', qr/^paas_sticky=/, 'and has a cookie');
does('put back', 'http:unset', 'to_host', 'name_instance', 'sticky', '-a', 'shop');
ok(Platform::wait_for(5, sub { ask("shop.$p->{domain}")->{status} == 200 }), 'no redirect');

# ---- waiting for an app in back-off --------------------------------------------

# The whole instance at once: a request that kills it would be tried again.
my $conf = do { open my $file, '<', $p->{conf} or die $!; local $/; <$file> };
my ($cgroup) = $conf =~ /^cgroup = (\S+)/m;

sub crash {
    my ($web) = grep { $_->{type} eq 'web' } $p->dynos('shop');
    for my $top ('/sys/fs/cgroup/unified', '/sys/fs/cgroup', '/sys/fs/cgroup/memory') {
        open my $procs, '<', "$top/$cgroup/inst/$web->{instance}/cgroup.procs" or next;
        chomp(my @pids = <$procs>);
        return kill 'KILL', @pids if @pids;
    }
    return 0;
}

my $timeline = sub { return join "\n", map { $_->{text} } @{ $p->api('GET', '/apps/shop/timeline?limit=60')->{json} } };

for my $n (1 .. 3) {
    ok(crash(), "crash $n");
    ok(Platform::wait_for(30, sub { (() = $timeline->() =~ /crashed: /g) == $n && $p->wait_up('shop', 1, 'web', 0) }),
        'it starts again at once') or diag $timeline->();
}
ok(crash(), 'crash 4');
ok(Platform::wait_for(20, sub { $timeline->() =~ /crashed 4 times in a row: it starts again in 30 s/ }), 'has to wait')
    or diag $timeline->();
my $from = time;
$got = ask("shop.$p->{domain}", '/', timeout => 40);
is($got->{status}, 200, 'a request is held, not refused') or diag explain $got;
cmp_ok(time - $from, '<', 20, 'and the app is started for it, not 30 s later');
like($timeline->(), qr/requests wait for it/, 'as the timeline says');

ok($p->wait_up('shop', 1, 'web'), 'it is up');
ok(crash(), 'crash 5');
ok(Platform::wait_for(20, sub { $timeline->() =~ /crashed 5 times in a row/ }), 'it crashes once more');
ok(Platform::wait_for(5, sub { (ask("shop.$p->{domain}")->{headers}{'x-paas-error'} // '') eq 'app_crashed' }),
    'now it is left alone');
my $starts = () = $timeline->() =~ /is starting/g;
ask("shop.$p->{domain}") for 1 .. 20;
sleep 2;
is(scalar(() = $timeline->() =~ /is starting/g), $starts, 'however many come');

done_testing();

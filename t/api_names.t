#!/usr/bin/perl
# Another name for an app: its host and git URL follow in one commit, the old
# name is anybody's, and who uses the old records notices nothing.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use File::Temp qw(tempdir);
use JSON::PP;
use Manager;
use Test::More;
use Time::HiRes qw(sleep time);

my $build = $ENV{PAAS_BUILD} // "$Bin/../build";
my $m = Manager->new;
my $domain = 'paas.localhost';

sub is_status {
    my ($what, $status, @request) = @_;
    my $r = $m->call(@request);
    is($r->{status}, $status, $what) or diag $r->{body};
    return $r->{json};
}

sub bad {
    my ($what, $status, $pattern, @request) = @_;
    my $r = $m->call(@request);
    is($r->{status}, $status, "$what: $status");
    like($r->{json}{message} // '', $pattern, "$what: the message");
}

# host -> app's pool in the route database, once it obeys the last change
sub hosts {
    my %h;
    open my $dump, '-|', "$build/bin/paas-routedb", 'dump', "$m->{dir}/state/routes" or die "dump: $!";
    while (<$dump>) {
        $h{$1} = $2 if /^host (\S+) .*?pool=(\S+)/;
    }
    close $dump;
    return \%h;
}

sub hosts_are {
    my ($what, @names) = @_;
    my @want = sort map { /\./ ? $_ : "$_.$domain" } @names;
    my ($h, @have);
    for (my $end = time + 20; time < $end; sleep 0.05) {
        $h = hosts();
        @have = sort keys %$h;
        last if "@have" eq "@want";
    }
    is("@have", "@want", $what);
    return $h;
}

# ---- a name -------------------------------------------------------------

my $app = is_status('an app', 201, 'POST', '/apps', { name => 'shop' });
is_status('another', 201, 'POST', '/apps', { name => 'taken' });
is_status('a domain', 201, 'POST', '/apps/shop/domains', { hostname => 'www.example.com', sni_endpoint => undef });
is_status('a redirect to its own host', 200, 'PATCH', '/apps/shop/http', { to_host => "shop.$domain" });
is_status('a config var', 200, 'PATCH', '/apps/shop/config-vars', { KEY => 'value' });
my $token = is_status('a token', 201, 'POST', '/tokens', { app => 'shop', scope => 'read' });
is_status('a route that shares', 201, 'PUT', '/routes/r.example.com', { apps => [{ app => 'shop' }] });
my $before = hosts_are('the hosts', 'shop', 'taken', 'www.example.com', 'r.example.com');

bad("the name $_->[0]", 422, $_->[1], 'PATCH', '/apps/shop', { name => $_->[0] })
    for ['taken', qr/"taken" is already taken/], ['api', qr/reserved/], ['Shop', qr/^name /], ['a' x 31, qr/^name /],
    ['xn--pi-6kc', qr/other letters/], ['', qr/^name /];
bad('a name that is a number', 422, qr/^name /, 'PATCH', '/apps/shop', { name => 3 });
bad('a field that is none', 422, qr/^nmae is not a field/, 'PATCH', '/apps/shop', { nmae => 'x' });
bad('another stack', 422, qr/build_stack "heroku-24" is not there/, 'PATCH', '/apps/shop', { build_stack => 'heroku-24' });
is_status('its own name', 200, 'PATCH', '/apps/shop', { name => 'shop', build_stack => $app->{stack}{name} });

my $new = is_status('renamed', 200, 'PATCH', '/apps/shop', { name => 'store', maintenance => JSON::PP::true });
is($new->{name}, 'store', 'its name');
is($new->{id}, $app->{id}, 'its id is the same');
ok($new->{maintenance}, 'the other field counted, too');
is($new->{web_url}, "http://store.$domain:8080/", 'its URL');
like($new->{git_url}, qr{/store\.git$}, 'its git URL');
my $after = hosts_are('the host follows, and the old one is gone', 'store', 'taken', 'www.example.com', 'r.example.com');
is($after->{"store.$domain"}, $before->{"shop.$domain"}, 'it leads where the old one did');
is($after->{'r.example.com'}, $before->{'r.example.com'}, 'so does what it shares');
bad('the old name', 404, qr/no app named shop/, 'GET', '/apps/shop');
is(is_status('by its id', 200, 'GET', "/apps/$app->{id}")->{name}, 'store', 'by its id');
is(is_status('vars', 200, 'GET', '/apps/store/config-vars')->{KEY}, 'value', 'its vars are there');
is_deeply([map { $_->{name} } @{ is_status('a list', 200, 'GET', '/apps') }], ['store', 'taken'], 'the list has it');
my $domains = is_status('domains', 200, 'GET', '/apps/store/domains');
is_deeply([map { $_->{hostname} } @$domains], ["store.$domain", 'www.example.com'], 'the domains');
is($domains->[1]{cname}, "store.$domain", 'cname');
is($domains->[1]{app}{name}, 'store', 'app.name');
is(is_status('http', 200, 'GET', '/apps/store/http')->{to_host}, "store.$domain", 'the redirect leads to the new host');
is(is_status('its token', 200, 'GET', "/tokens/$token->{id}")->{app}{name}, 'store', 'its token');
is(is_status('its route', 200, 'GET', '/routes/r.example.com')->{paths}[0]{apps}[0]{app}, 'store', 'its route');
my $events = is_status('timeline', 200, 'GET', '/apps/store/timeline');
ok((grep { $_->{kind} eq 'rename' && $_->{text} eq 'renamed from shop to store' } @$events), 'an event tells of it');
ok((grep { ($_->{app} // '') eq 'store' } @{ is_status('audit', 200, 'GET', '/audit?app=store') }), 'so does the audit');
bad('a domain of it', 422, qr/is taken by the app store/, 'POST', '/apps/taken/domains', { hostname => 'www.example.com' });

# ---- the old name ---------------------------------------------------------

my $second = is_status('a new app of that name', 201, 'POST', '/apps', { name => 'shop' });
isnt($second->{id}, $app->{id}, 'is another one');
is_deeply(is_status('vars', 200, 'GET', '/apps/shop/config-vars'), {}, 'with no vars');
is_status('its var', 200, 'PATCH', '/apps/shop/config-vars', { KEY => 'second' });
is(is_status('vars', 200, 'GET', '/apps/store/config-vars')->{KEY}, 'value', 'those of the first one stay');
my $both = hosts_are('both have hosts', 'shop', 'store', 'taken', 'www.example.com', 'r.example.com');
isnt($both->{"shop.$domain"}, $both->{"store.$domain"}, 'of their own');
bad('the name of the second', 422, qr/already taken/, 'PATCH', '/apps/store', { name => 'shop' });
bad('the name of the first', 422, qr/already taken/, 'POST', '/apps', { name => 'store' });

# ---- killed -----------------------------------------------------------------

is_status('renamed, then killed', 200, 'PATCH', '/apps/store', { name => 'market' });
$m->stop('KILL');
$m->start;
hosts_are('after a start', 'shop', 'market', 'taken', 'www.example.com', 'r.example.com');
open my $check, '-|', "$build/libexec/paas-manager", '--conf', "$m->{dir}/paas.conf", '--check' or die "check: $!";
my $said = do { local $/; <$check> };
close $check;
unlike($said, qr/host \S+ of \S+ is not in/, 'paas-manager --check finds the hosts');

# ---- away and back --------------------------------------------------------------

is_status('the second goes', 200, 'DELETE', '/apps/shop');
hosts_are('its host goes, too', 'market', 'taken', 'www.example.com', 'r.example.com');
is_status('back to the first name', 200, 'PATCH', '/apps/market', { name => 'shop' });
hosts_are('and its host', 'shop', 'taken', 'www.example.com', 'r.example.com');
is(is_status('it', 200, 'GET', '/apps/shop')->{id}, $app->{id}, 'is the first one');
bad('with a route', 422, qr/has a route of its own/, 'PATCH', '/apps/taken', { name => 'other' })
    if is_status('a route of a host', 201, 'PUT', "/routes/taken.$domain",
    { path => '/x', instances => [{ address => '127.0.0.1', port => 9 }] });
is_status('destroyed', 200, 'DELETE', '/apps/shop');
for (my $end = time + 20; time < $end; sleep 0.05) {
    last if $m->call('POST', '/apps', { name => 'shop' })->{status} == 201;
}
is(is_status('the name once more', 200, 'GET', '/apps/shop')->{name}, 'shop', 'the name is free after all');

# ---- the CLI ----------------------------------------------------------------

my @paas = ("$build/bin/paas", '--socket', "$m->{dir}/run/manager.sock");
my $dir = tempdir('paas-names-XXXXXX', TMPDIR => 1, CLEANUP => 1);
sub paas {
    open my $out, '-|', 'sh', '-c', 'cd "$0" && exec "$@" 2>&1', $dir, @paas, @_ or die "paas: $!";
    my $text = do { local $/; <$out> };
    close $out;
    return ($? >> 8, $text);
}
my ($status, $text) = paas('apps:rename', 'bazaar', '-a', 'shop');
is($status, 0, 'paas apps:rename') or diag $text;
like($text, qr/Renamed shop to bazaar/, 'says what it did');
($status, $text) = paas('apps:rename', 'No Name', '-a', 'bazaar');
isnt($status, 0, 'a name that is none');
like($text, qr/no name of an app/, 'says so');

# ---- region and stack -----------------------------------------------------------

my $region = is_status('regions', 200, 'GET', '/regions')->[0];
is($region->{name}, $new->{region}{name}, 'the region of apps');
is_deeply(is_status('one', 200, 'GET', "/regions/$region->{id}"), $region, 'by its id');
my $stack = is_status('stacks', 200, 'GET', '/stacks')->[0];
is($stack->{id}, $new->{stack}{id}, 'the stack of apps');
bad('no such region', 404, qr/no region eu/, 'GET', '/regions/eu');
is_status('an app there', 201, 'POST', '/apps', { name => 'there', region => $region->{name}, stack => $stack->{name} });
bad('an app elsewhere', 422, qr/region "eu" is not there/, 'POST', '/apps', { region => 'eu' });

# ---- features -------------------------------------------------------------------

is_deeply(is_status("GET $_", 200, 'GET', $_), [], 'none') for '/apps/there/features', '/account/features';
bad('features of no app', 404, qr/no app named none/, 'GET', '/apps/none/features');

done_testing;

#!/usr/bin/perl
# domains:check: what DNS says of a domain, by a real name server of our own;
# and one that never answers holds up nobody.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Manager;
use Test::More;
use Time::HiRes qw(sleep time);

my $dir = tempdir(CLEANUP => 1);
my $server = '127.0.53.2';
my $build = $ENV{PAAS_BUILD} // 'build';

sub spew {
    my ($file, $text) = @_;
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} $text;
    close $fh or die "$file: $!";
}

# The manager sees another /etc/resolv.conf than the machine.
spew("$dir/resolv.conf", "nameserver $server\n");
spew("$dir/wrapper", "mount --bind $dir/resolv.conf /etc/resolv.conf && exec \"\$@\"\n");
my $dns;

sub dns_start {
    no warnings 'qw';  # commas
    $dns = fork // die;
    return if $dns;
    open STDERR, '>', "$dir/dns.log";
    exec qw(dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --port=53 --pid-file=),
        "--listen-address=$server", qw(--log-facility=- --user=root --local=/test/ --local=/example.com/ --host-record=shop.paas.test,127.0.0.1,::1
        --cname=www.example.com,shop.paas.test --host-record=same.example.com,127.0.0.1 --host-record=six.example.com,::1
        --host-record=other.example.com,203.0.113.9 --address=/w.example.com/127.0.0.1);
}
my $owner = $$;
END {
    if ($$ == ($owner // 0) && $dns) {
        my $status = $?;
        kill 'KILL', $dns;
        waitpid $dns, 0;
        $? = $status;
    }
}
dns_start();
$ENV{PAAS_WRAPPER} = "unshare -m sh $dir/wrapper";
my $m = Manager->new(domain => 'paas.test');
delete $ENV{PAAS_WRAPPER};
$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
$m->good($_, 201, 'POST', '/apps/shop/domains', { hostname => $_ })
    for map { "$_.example.com" } qw(www same six other missing *.w *.none);

sub check { return $m->good("check $_[0]", 200, 'GET', "/apps/shop/domains/$_[0]/check") }

my $end = time + 20;
sleep 0.1 while check('www.example.com')->{status} ne 'ok' && time < $end;

my $c = check('www.example.com');
is($c->{status}, 'ok', 'another name for the app\'s own host');
is_deeply($c->{cname}, ['shop.paas.test'], 'which is told');
is_deeply([sort @{ $c->{addresses} }], ['127.0.0.1', '::1'], 'with its addresses of both kinds');
is_deeply([$c->{expected}{cname}, sort @{ $c->{expected}{addresses} }], ['shop.paas.test', '127.0.0.1', '::1'], 'and what is expected');
is($c->{fix}, undef, 'there is nothing to mend');
is(check("$_.example.com")->{status}, 'ok', "$_: the platform's address") for qw(same six);
$c = check('other.example.com');
is($c->{status}, 'elsewhere', 'an address of somebody else');
is_deeply($c->{addresses}, ['203.0.113.9'], 'which is told');
is($c->{fix}, "at the domain's DNS: other.example.com CNAME shop.paas.test, or its addresses", 'with the fix');
is(check('missing.example.com')->{status}, 'missing', 'a name that is not there');
$c = check('*.w.example.com');
is($c->{status}, 'ok', 'a wildcard');
like($c->{asked}, qr/^check-[0-9a-f]{6}\.w\.example\.com$/, 'by a name below it');
is(check('*.none.example.com')->{status}, 'missing', 'one that is not there');
$m->bad('a host that is not its domain', 404, qr/shop has no domain nobody\.example\.com/, 'GET', '/apps/shop/domains/nobody.example.com/check');

my $out = `$build/bin/paas --socket $m->{dir}/run/manager.sock domains:check -a shop`;
is($? >> 8, 1, 'paas domains:check: 1 if one leads elsewhere');
like($out, qr/^www\.example\.com +ok +shop\.paas\.test 127\.0\.0\.1/m, 'a line each');
like($out, qr/^other\.example\.com leads elsewhere\n  fix: at the domain's DNS: other/m, 'and a fix');
`$build/bin/paas --socket $m->{dir}/run/manager.sock domains:check same.example.com -a shop`;
is($? >> 8, 0, 'one that is well: 0');

# ---- a name server that never answers ----------------------------------------

kill 'TERM', $dns;
waitpid $dns, 0;
$dns = undef;
my $silent = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $server, LocalPort => 53) or die "bind: $!";
my $began = time;
my @asked = map { $m->send('GET', '/apps/shop/domains/www.example.com/check') } 1 .. 8;
sleep 0.05 while !IO::Select->new($silent)->can_read(0) && time < $began + 20;
$m->bad('more than it asks for at once', 503, qr/too many names/, 'GET', '/apps/shop/domains/www.example.com/check');
my $asked_at = time;
$m->good('health meanwhile', 200, 'GET', '/health');
$m->good('a write meanwhile', 201, 'POST', '/apps', { name => 'blog' });
cmp_ok(time - $asked_at, '<', 3, 'wait for none of them');
my @said = map { $m->answer($_, 30) } @asked;
is_deeply([map { $_->{json}{status} } @said], [('unanswered') x 8], 'nobody answers: that is told');
cmp_ok(time - $began, '<', 30, 'within some seconds');
$m->send('GET', '/apps/shop/domains/www.example.com/check')->close;
close $silent;
dns_start();
$end = time + 20;
sleep 0.1 while check('www.example.com')->{status} ne 'ok' && time < $end;
is(check('www.example.com')->{status}, 'ok', 'a name server that is back is asked');
is($m->stop('TERM'), 0, 'it ends in order');

done_testing();

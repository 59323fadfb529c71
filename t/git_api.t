#!/usr/bin/perl
# What nginx and the hook of a push ask on api.sock: by tokens, and nothing
# else.  There is no launcher; git itself is in t/e2e/git.t.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::UNIX;
use Manager;
use MIME::Base64;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

my $m = Manager->new(upload_max => '2M');
my $dir = $m->{dir};
my $address = '192.0.2.1';

sub basic {
    my ($user, $password) = @_;
    return (Authorization => 'Basic ' . encode_base64("$user:$password", ''), 'X-Real-IP' => $address);
}

sub bearer { return (Authorization => "Bearer $_[0]") }

# door(method, path, body, headers) on api.sock
sub door {
    my ($method, $path, $body, %headers) = @_;
    return $m->call($method, $path, $body, %headers, Socket => 'api.sock');
}

sub refused {
    my ($what, $status, $pattern, $path, @headers) = @_;
    my $r = door('GET', $path, undef, @headers);
    is($r->{status}, $status, "$what: $status") or diag $r->{body};
    like($r->{headers}{'x-paas-message'} // '', $pattern, "$what: says why");
    is($r->{headers}{'x-paas-message'}, $r->{json}{message}, "$what: in both places");
    ok(!defined $r->{headers}{$_}, "$what: no $_") for qw(x-paas-repository x-paas-token);
    return $r;
}

$m->good('an app', 201, 'POST', '/apps', { name => $_ }) for qw(shop other);
my $all  = $m->good('a token of all', 201, 'POST', '/tokens', {});
my $shop = $m->good('a token of one', 201, 'POST', '/tokens', { app => 'shop' });

# ---- who may ask --------------------------------------------------------

is((stat "$dir/run/api.sock")[2] & 07777, 0666, 'anybody finds the socket');
chmod 0755, $dir, "$dir/run";

# The status that a user gets for a path on api.sock.
sub as_user {
    my ($user, $path, %headers) = @_;
    my ($uid, $gid) = (getpwnam $user)[2, 3] or die "no user $user";
    pipe my $out, my $in or die "pipe: $!";
    my $child = fork // die "fork: $!";
    if ($child == 0) {
        $) = "$gid $gid";
        $( = $gid;
        POSIX::setuid($uid);
        $SIG{PIPE} = 'IGNORE';
        my $r = door('GET', $path, undef, %headers);
        print {$in} "$r->{status} " . ($r->{json}{message} // '') . "\n";
        close $in;
        POSIX::_exit(0);
    }
    close $in;
    my $said = <$out>;
    waitpid $child, 0;
    return $said;
}

is(as_user('nobody', '/git/shop/push', basic('x', $all->{token})), "0 \n", 'a stranger gets no answer');
like(as_user('www-data', '/git/shop/push'), qr/^401 git needs a token/, 'nginx is asked for a token');
like(as_user('paas-git', '/git/shop/push', basic('x', $all->{token})), qr/^403 this session/, 'git comes with sessions over SSH alone');
like(as_user('paas-git', '/apps/shop', bearer($all->{token})), qr/^200 /, 'but uses what it has');
is(door($_->[0], $_->[1], $_->[2], bearer($all->{token}))->{status}, 403, "$_->[0] $_->[1] is not for tokens of pushes")
    for ['GET', '/apps'], ['POST', '/apps', '{}'], ['GET', '/tokens'], ['POST', '/tokens', '{}'], ['DELETE', '/apps/shop'],
    ['GET', '/apps/shop/config-vars'], ['GET', '/apps/shop/logs'], ['GET', '/health'];
is(door('GET', '/nothing', undef, bearer($all->{token}))->{status}, 404, 'nothing is there for anybody');
is(door('GET', '/git/shop/push', undef, basic('x', $all->{token}), 'X-Paas-Via' => 'api')->{status}, 404, 'nor what nginx asks, by way of nginx');
$m->bad('the question of nginx, by people', 404, qr/nothing/, 'GET', '/git/shop/push');
is(door('GET', '/apps/shop')->{status}, 401, 'without a token: 401');
is(door('GET', '/apps/shop', undef, bearer('paas_' . '0' x 16 . '_' . '0' x 64))->{status}, 401, 'with none that is: 401');
is(door('GET', '/apps/other', undef, bearer($shop->{token}))->{status}, 404, "with another app's: 404");
is(door('GET', '/apps/shop', undef, bearer($shop->{token}))->{status}, 200, 'with its own: 200');
is(door('GET', '/apps/none', undef, bearer($all->{token}))->{status}, 404, 'no app: 404');

# ---- what nginx asks ----------------------------------------------------

my $r = refused('no credentials', 401, qr/needs a token/, '/git/shop/push');
like($r->{headers}{'www-authenticate'}, qr/^Basic realm=/, 'and asks for them');
$address = "192.0.2.$_->[0]", refused("credentials $_->[1]", 401, qr/not a token/, '/git/shop/push', @{ $_->[2] }) for
    [2, 'of no scheme', [Authorization => 'x']], [3, 'that are no base64', [Authorization => 'Basic !!']],
    [4, 'without a colon', [Authorization => 'Basic ' . encode_base64('abc', '')]],
    [5, 'of a password', [basic('root', 'secret')]], [6, 'of nothing', [basic('', '')]],
    [7, 'with a NUL', [basic('x', "$all->{token}\0")]], [8, 'that are long', [basic('x', 'p' x 5000)]],
    [9, 'of another secret', [basic('x', substr($all->{token}, 0, -64) . '0' x 64)]],
    [10, 'of one letter more', [basic('x', "$all->{token}0")]],
    [11, 'in capitals', [basic('x', uc $all->{token})]];
$address = '192.0.2.20';
refused('the app of another', 403, qr/for pushes to shop and no other app/, '/git/other/push', basic('x', $shop->{token}));
refused('an app that is none, of another', 403, qr/for pushes to shop and no other app/, '/git/none/push', basic('x', $shop->{token}));
refused('an app that is none', 403, qr/no app named none.*apps:create/, '/git/none/push', basic('x', $all->{token}));
refused("the app $_->[0]", 403, qr/no app named/, "/git/$_->[1]/push", basic('x', $all->{token}))
    for ['..', '..'], ['by its id', $m->good('app', 200, 'GET', '/apps/shop')->{id}];
is(door('GET', '/git/shop/delete', undef, basic('x', $all->{token}))->{status}, 404, 'push and fetch, no more');
refused('no launcher', 403, qr/launcher does not answer.*paas status/, '/git/shop/push', basic('x', $all->{token}));

mkdir "$dir/state/git";
mkdir "$dir/state/git/000000000000000$_.git" for 1, 2;

# Root's would be one that the launcher has not given away yet.
chown((getpwnam 'paas-git')[2, 3], map { "$dir/state/git/000000000000000$_.git" } 1, 2);
for my $c (['in the place of the password', basic('x', $all->{token})], ['with an empty name', basic('', $all->{token})],
    ['as the name', basic($all->{token}, '')], ['of the app', basic('x', $shop->{token})],
    ['as a bearer', bearer($all->{token})]) {
    my ($what, @headers) = @$c;
    $r = door('GET', '/git/shop/fetch', undef, @headers);
    is($r->{status}, 200, "a token $what: 200") or diag $r->{body};
    is($r->{headers}{'x-paas-repository'}, '0000000000000001', 'the repository');
    is($r->{headers}{'x-paas-user'}, 'root', 'whose it is');
    is($r->{headers}{'x-paas-token'}, undef, 'no more to one that fetches');
}
my $used = $m->good('the token', 200, 'GET', "/tokens/$all->{id}");
like($used->{last_used_at}, qr/^20/, 'its use was noted');

# ---- one push -----------------------------------------------------------

sub push_token {
    my ($app, $token) = @_;
    return door('GET', "/git/$app/push", undef, basic('x', $token))->{headers}{'x-paas-token'};
}
my ($first, $second) = map { push_token('shop', $shop->{token}) } 1 .. 2;
my $of_other = push_token('other', $all->{token});
like($first, qr/^push_[0-9a-f]{64}_[0-9a-f]{64}$/, 'a push has a token for its hook');
isnt($first, $second, 'each its own');
is(door('GET', '/apps/shop', undef, bearer($first))->{status}, 200, 'it sees its app');
is(door('GET', '/apps/other', undef, bearer($first))->{status}, 401, 'and no other one');
is(door('GET', '/git/shop/push', undef, basic('x', $first))->{status}, 401, 'it is no token to push with');
is(door('GET', '/apps/shop', undef, bearer(substr($first, 0, -1) . ($first =~ /0$/ ? 1 : 0)))->{status}, 401, 'a forged one is none');

my $commit = 'c0ffee' . '0' x 34;
$r = door('POST', "/apps/shop/builds?detach=1&commit=$_", 'x', bearer($second)), is($r->{status}, 422, "the commit '$_': 422")
    for '', 'c0ffee', 'g' x 40, 'C0FFEE' . '0' x 34, '0' x 41;
$r = door('POST', "/apps/shop/builds?detach=1&commit=$commit", 'x', bearer($first), 'Content-Type' => 'application/x-tar');
is($r->{status}, 202, 'a push makes a build') or diag $r->{body};
my $build = $r->{json};
is($build->{commit}, $commit, 'of that commit');
is($build->{source}, 'git', 'by git');
is($build->{user}{email}, 'root', 'of that user');
$r = door('POST', '/apps/shop/builds?detach=1', 'x', bearer($first));
is($r->{status}, 403, 'and no other one');
like($r->{json}{message}, qr/made its build already/, 'and is told so');
$r = door('POST', '/apps/shop/builds?detach=1', 'x', bearer($second));
is($r->{status}, 409, 'another push has to wait');
like($r->{json}{message}, qr/Build $build->{id} of shop is running/, 'and is told for what');
is(door('GET', "/apps/shop/builds/$build->{id}", undef, bearer($first))->{status}, 200, 'it sees its build');
is(door('GET', "/apps/shop/builds/$build->{id}", undef, bearer($second))->{status}, 404, 'another push does not');
is(door('GET', "/apps/shop/builds/$build->{id}/log", undef, bearer($of_other))->{status}, 401, "nor another app's");
is(door('GET', "/apps/shop/builds/$build->{id}", undef, bearer($shop->{token}))->{status}, 200, "the app's own token does");

$m->stop('KILL');
$m->start;
is(door('GET', "/apps/shop/builds/$build->{id}", undef, bearer($first))->{status}, 200, 'it is good after a restart');

# ---- revoked and expired ------------------------------------------------

$m->good('revoked', 200, 'DELETE', "/tokens/$shop->{id}");
refused('a token that is revoked', 401, qr/not a token/, '/git/shop/push', basic('x', $shop->{token}));
is(door('GET', '/apps/shop', undef, bearer($first))->{status}, 401, 'and so is the push that it had begun');
my $short = $m->good('a short one', 201, 'POST', '/tokens', { expires_in => 1 });
my $late = push_token('shop', $short->{token});
is(door('GET', '/apps/shop', undef, bearer($late))->{status}, 200, 'a token of one second');
sleep 1.1;
refused('a token that has expired', 401, qr/not a token/, '/git/shop/push', basic('x', $short->{token}));
is(door('GET', '/apps/shop', undef, bearer($late))->{status}, 401, 'and so is the push that it had begun');

# ---- wrong too often ----------------------------------------------------

my $wrong = 'paas_' . '0' x 16 . '_' . '1' x 64;
my $guess = substr($all->{token}, 0, -64) . '1' x 64;
$address = '198.51.100.1';
is_deeply([map { door('GET', '/git/shop/fetch', undef, basic('x', $wrong))->{status} } 1 .. 12],
    [(401) x 10, 403, 403], 'after ten wrong tokens there is no eleventh');
refused('the next', 403, qr/too many wrong tokens.*try again in \d s/, '/git/shop/fetch', basic('x', $wrong));
is(door('GET', '/git/shop/fetch', undef, basic('x', $all->{token}))->{status}, 200, 'a right one is none of them');
is_deeply([map { door('GET', '/git/shop/fetch', undef, basic('x', $guess))->{status} } 1 .. 11],
    [(401) x 10, 403], 'guesses at one that there is are counted, too');
is(door('GET', '/git/shop/fetch', undef, basic('x', $all->{token}))->{status}, 403, 'and close it, from there');
$address = '198.51.100.2';
is(door('GET', '/git/shop/fetch', undef, basic('x', $all->{token}))->{status}, 200, 'not from elsewhere');
$address = '2001:db8::' . $_, door('GET', '/git/shop/fetch', undef, basic('x', $wrong)) for 1 .. 10;
$address = '2001:db8::ffff:1';
is(door('GET', '/git/shop/fetch', undef, basic('x', $wrong))->{status}, 403, 'an IPv6 network is one address');
$address = '2001:db8:0:1::1';
is(door('GET', '/git/shop/fetch', undef, basic('x', $wrong))->{status}, 401, 'the next one is another');
like($m->log, qr/too many wrong tokens from 198\.51\.100\.1/, 'the log tells');
unlike($m->log, qr/[0-9a-f]{64}/, 'and no secret');

# ---- an app that goes ---------------------------------------------------

$m->good('destroy', 200, 'DELETE', '/apps/other');
refused('an app that is gone', 403, qr/no app named other/, '/git/other/fetch', basic('x', $all->{token}));
is(door('GET', '/apps/other', undef, bearer($of_other))->{status}, 401, 'its push is over');

# ---- idle and rude ones do not keep people out ---------------------------

my @idle = map { IO::Socket::UNIX->new(Peer => "$dir/run/api.sock") } 1 .. 900;
is($m->call('GET', '/apps')->{status}, 200, 'with 900 idle connections people are served');
undef @idle;
is(door('GET', '/apps/shop', undef, bearer($all->{token}))->{status}, 200, 'and once they are gone all are');

# More connections than there may be, of somebody who keeps them.
pipe my $ready, my $said or die "pipe: $!";
pipe my $end, my $go or die "pipe: $!";
my $stranger = fork // die "fork: $!";
if ($stranger == 0) {
    close $go;
    POSIX::setuid((getpwnam 'nobody')[2]);
    my @held = map { IO::Socket::UNIX->new(Peer => "$dir/run/api.sock") } 1 .. 900;
    syswrite $said, scalar(grep { defined } @held) . "\n";
    sysread $end, my $byte, 1;
    POSIX::_exit(0);
}
close $said;
is(<$ready>, "900\n", 'a stranger holds 900 connections');
like(as_user('www-data', '/git/shop/push', basic('x', $all->{token})), qr/^200 /, 'which keep nginx out of nothing');
close $go;
waitpid $stranger, 0;
door('GET', '/git/shop/push', undef, Authorization => 'Basic ' . 'A' x $_) for 1, 10, 100, 1000, 30_000;
is($m->call('GET', '/health')->{status}, 200, 'it is well');

is($m->stop('TERM'), 0, 'it stops in order');
ok(!-e "$dir/run/api.sock", 'and takes its socket away');
my @complaints = grep { /^==\d+==|AddressSanitizer|runtime error/ } split /\n/, $m->log;
is_deeply(\@complaints, [], 'no complaint of valgrind or a sanitizer') or diag join "\n", @complaints;

# ---- what uploads leave free of the disk ---------------------------------

my $low = Manager->new(disk_reserve => '900000G');
$low->good('an app', 201, 'POST', '/apps', { name => 'low' });
my ($put) = $low->good('a source', 201, 'POST', '/sources')->{source_blob}{put_url} =~ m{(/streams/.*)};
$low->bad("$_->[0] with too little of the disk left", 507, qr/disk_reserve in paas\.conf/, @$_[1 .. $#$_])
    for ['a source', 'PUT', $put, 'x' x 4096], ['a push', 'POST', '/apps/low/builds', 'x' x 4096, 'Content-Type' => 'application/x-tar'];
is_deeply([glob "$low->{dir}/state/uploads/*"], [], 'leaves nothing');

done_testing();

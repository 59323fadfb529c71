#!/usr/bin/perl
# Secrets in a whole platform: planted where people have them, used by a build,
# by processes, by git and by the API, and looked for in every file of the
# platform, in what is told of it, and in the arguments of every process.
use strict;
use warnings;
use lib 't/lib';
use File::Find ();
use File::Temp qw(tempdir);
use Git;
use MIME::Base64;
use Platform;
use Test::More;

my $p = Platform->new;
my $n = 0;
my %canary;

# A new text to look for, by what it stands for.
sub canary {
    my ($what) = @_;
    return $canary{$what} = sprintf 'Kanari%05dvogel%08x', ++$n, rand 2**32;
}

sub slurp {
    my ($path) = @_;
    open my $fh, '<:raw', $path or return '';
    local $/;
    return scalar <$fh> // '';
}

# Which of them are in a text.
sub found { my ($text) = @_; return grep { index($text, $canary{$_}) >= 0 } sort keys %canary }

# ---- planted ----------------------------------------------------------------

my %files = (
    'Procfile' => "web: exec python3 -m http.server --bind 0.0.0.0 \$PORT\n",
    'pack/bin/detect' => "#!/bin/sh\necho Canary\n",
    'pack/bin/compile' => "#!/bin/sh\n[ \"\$(cat \"\$3/API_KEY\")\" ] && echo the build has its variable\nsleep 2\n",
    'pack/bin/release' => "#!/bin/sh\n",
);
my $g = Git->new;
$g->write(%files);
chmod 0755, glob "$g->{dir}/pack/bin/*";
$g->commit;

is(($p->paas('apps:create', 'shop'))[0], 0, 'an app');
is(($p->paas('config:set', 'API_KEY=' . canary('config var'), '-a', 'shop'))[0], 0, 'a config var');
is(($p->paas('buildpacks:set', './pack', '-a', 'shop'))[0], 0, 'a pack that looks at it');
is(($p->paas('drains:add', 'https://ann:' . canary('password of a drain') . '@203.0.113.9:9/', '-a', 'shop'))[0], 0, 'a drain');
my $token = $p->json('tokens:create', '--scope', 'deploy')->{token};
($canary{'secret of a token'}) = $token =~ /_([0-9a-f]{64})$/;

# Whatever runs meanwhile: the arguments of every process, again and again.
my %seen;
my $watch = fork // die;
if (!$watch) {
    my $end = 0;
    local $SIG{TERM} = sub { $end = 1 };
    my %told;
    until ($end) {
        for my $file (glob '/proc/[0-9]*/cmdline') {
            my ($pid) = $file =~ m{/(\d+)/};
            next if $pid == $$ || $pid == getppid;
            my $args = slurp($file);
            # Who typed it, which is this test, has it in his own arguments.
            next if $args =~ m{^(?:\S*/)?(?:git|git-remote-https?|paas)\0} && ((stat "/proc/$pid")[4] // 0) == 0;
            $told{"$_: $args"}++ for found($args);
        }
        select undef, undef, undef, 0.01;
    }
    open my $fh, '>', "$g->{home}/args" or POSIX::_exit(1);
    print {$fh} map { tr/\0/ /r . "\n" } sort keys %told;
    close $fh;
    POSIX::_exit(0);
}

# ---- used -------------------------------------------------------------------

my $url = "http://git:$token\@git.$p->{domain}:$p->{port}/shop.git";
my ($rc, $out) = $g->git('push', $url, 'main');
is($rc, 0, 'git push with a token in its URL') or diag $out;
like($out, qr/the build has its variable/, 'the build has used the config var');
is_deeply([found($out =~ s/\Q$url\E//gr)], [], 'and what it says has no secret');
ok($p->wait_up('shop', 1), 'it is up');
($rc, $out) = $g->git('push', "http://git:" . canary('a wrong token in a URL') . "\@git.$p->{domain}:$p->{port}/shop.git", 'main');
isnt($rc, 0, 'a wrong token is refused');

($rc, $out) = $p->paas('run', '--env', 'ONCE=' . canary('variable of a run'), '-a', 'shop', '--', 'sh', '-c', 'test "$ONCE" && test "$API_KEY" && echo has both; sleep 1');
like($out, qr/has both/, 'a run with its own variable') or diag $out;

sub web { my ($method, $path, %o) = @_; return $p->http($method, "api.$p->{domain}", $path, %o) }
is(web('GET', '/apps/shop', headers => { Authorization => "Bearer $token" })->{status}, 200, 'by the API through nginx');
is(web('GET', '/account', headers => { Authorization => 'Bearer ' . canary('a wrong token') })->{status}, 401, 'with a wrong token');
web('POST', '/oauth/authorizations', body => '{}', headers => { 'Content-Type' => 'application/json',
    Authorization => 'Basic ' . encode_base64('ann@example.com:' . canary('a wrong password'), '') });
web('GET', '/account?token=' . canary('a token in a query'));
my $session = $p->api('POST', '/apps/shop/log-sessions', { lines => 5 })->{json}{logplex_url};
($canary{'signature of a log session'}) = $session =~ m{_([0-9a-f]{64})(?:\?|$)};
ok($canary{'signature of a log session'}, 'a log session') or diag $session;
is(web('GET', $session =~ s{^https?://[^/]+}{}r)->{status}, 200, 'is read through nginx');
# What nginx says of a manager that is away.
rename "$p->{run}/api.sock", "$p->{run}/api.away" or die "api.sock: $!";
is(web('GET', $_)->{status}, 503, 'while the manager is away') for $session =~ s{^https?://[^/]+}{}r, '/account?token=' . $canary{'a token in a query'};
rename "$p->{run}/api.away", "$p->{run}/api.sock" or die "api.sock: $!";
is(($p->paas('config:unset', 'API_KEY', '-a', 'shop'))[0], 0, 'the config var goes');

kill 'TERM', $watch;
waitpid $watch, 0;
is(slurp("$g->{home}/args"), '', 'none is among the arguments of a process');

# ---- looked for ---------------------------------------------------------------

# nginx writes a second late: the last request of all says that the rest is there.
Platform::wait_for(10, sub { slurp("$p->{logs}/access.log") =~ qr{"GET /account HTTP/1\.1" 503 } });
like(slurp("$p->{logs}/access.log"), qr{"GET /streams/\.\.\. HTTP/1\.1" 200 .* host=api\..*"GET /account HTTP/1\.1" 503 }s, 'the log of nginx has the requests');
my %file;
File::Find::find({ no_chdir => 1, wanted => sub {
    return if !-f $_ || -l $_;
    $file{$_} = [found(slurp($_))];
} }, $p->{state}, $p->{logs}, $p->{run}, $p->{conf}, "/etc/paas");
cmp_ok(scalar keys %file, '>', 20, 'all files of the platform');
my %bad = map { ($_ => $file{$_}) } grep { @{ $file{$_} } } keys %file;
is_deeply(\%bad, {}, 'none has a secret') or diag explain \%bad;

for my $what (['logs', '-n', '1000', '-a', 'shop'], ['timeline', '-n', '1000', '-a', 'shop'], ['releases', '-a', 'shop'], ['builds:info', '-a', 'shop'],
    ['builds:log', '-a', 'shop'], ['ps', '-a', 'shop'], ['info', '-a', 'shop'], ['tokens'], ['status']) {
    ($rc, $out) = $p->paas(@$what);
    is($rc, 0, "paas $what->[0]") or diag $out;
    is_deeply([found($out)], [], 'tells none') or diag $out;
}
is_deeply([found($p->api('GET', '/audit?limit=1000')->{body})], [], 'nor does the audit trail');

done_testing();

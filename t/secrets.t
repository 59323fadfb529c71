#!/usr/bin/perl
# Secrets at rest: nothing of what is secret is in a file of the state, nor in
# what is said about it; a manager without the key says so, and harms nothing.
use strict;
use warnings;
use lib 't/lib';
use File::Find ();
use JSON::PP;
use Manager;
use Test::More;
use Time::HiRes qw(sleep);

$SIG{PIPE} = 'IGNORE'; # a manager may begin anew while it is asked
my $m = Manager->new;
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

# Every file below the manager's folder in which a text is, but for nginx'
# own certificates.
sub places_of {
    my ($text, $but) = @_;
    my @found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        return if !-f $_ || (defined $but && /$but/);
        push @found, $_ if index(slurp($_), $text) >= 0;
    } }, $m->{dir});
    return @found;
}

# ---- planted ------------------------------------------------------------

$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
$m->good('a config var', 200, 'PATCH', '/apps/shop/config-vars', { TOKEN => canary('config var') });
$m->good('another value', 200, 'PATCH', '/apps/shop/config-vars',
    { TOKEN => canary('second value'), OTHER => canary('unset later') });
$m->good('unset', 200, 'PATCH', '/apps/shop/config-vars', { OTHER => undef });
my $drain = $m->good('a drain', 201, 'POST', '/apps/shop/log-drains',
    { url => 'https://u:' . canary('password of a drain') . '@drain.example.com/' . canary('path of a drain') });
$canary{'token of a drain'} = $drain->{token};
$m->good('a drain that goes', 201, 'POST', '/apps/shop/log-drains',
    { url => 'https://u:' . canary('password of a drain that goes') . '@other.example.com/' });
for (@{ $m->good('drains', 200, 'GET', '/apps/shop/log-drains') }) {
    $m->good('away', 200, 'DELETE', "/apps/shop/log-drains/$_->{id}") if $_->{url} =~ /other/;
}
my $token = $m->good('a token', 201, 'POST', '/tokens', { scope => 'global' })->{token};
($canary{'secret of a token'}) = $token =~ /_([0-9a-f]{64})$/;
my $setup = $m->good('a set-up token', 201, 'POST', '/setup-tokens', {})->{token};
$canary{'set-up token'} = $setup =~ s/^[a-z_]*//r;
my $password = canary('password');
$m->good('an administrator', 201, 'POST', '/setup',
    { token => $setup, email => 'ada@example.com', password => $password });
$m->bad('a wrong password', 401, qr/./, 'POST', '/oauth/authorizations',
    { description => 'x' }, Socket => 'api.sock', Authorization => basic('ada@example.com', canary('wrong password')));
my $grant = $m->good('a log-in', 201, 'POST', '/oauth/authorizations', { description => 'x' },
    Socket => 'api.sock', Authorization => basic('ada@example.com', $password));
($canary{'token of a log-in'}) = $grant->{access_token}{token} =~ /_([0-9a-f]{64})$/;

sub basic {
    require MIME::Base64;
    return 'Basic ' . MIME::Base64::encode_base64(join(':', @_), '');
}

my $key = `openssl ecparam -genkey -name prime256v1 -noout 2>/dev/null`;
open my $fh, '>', "$m->{dir}/key.pem" or die;
print {$fh} $key;
close $fh;
my $chain = `openssl req -x509 -new -key $m->{dir}/key.pem -days 9 -subj /CN=shop.example.com -addext subjectAltName=DNS:shop.paas.localhost 2>/dev/null`;
unlink "$m->{dir}/key.pem";
$m->good('a certificate', 201, 'POST', '/apps/shop/sni-endpoints',
    { certificate_chain => $chain, private_key => $key });
($canary{'private key'}) = $key =~ /KEY-----\n(\S{40})/;

# ---- asked badly: an error quotes nothing that is secret -----------------

my @errors = (
    ['PATCH', '/apps/shop/config-vars', { '1BAD' => canary('value of a bad name') }],
    ['PATCH', '/apps/shop/config-vars', { X => [canary('value of a wrong type')] }],
    ['PATCH', '/apps/shop/config-vars', '{"X": "' . canary('JSON that is cut')],
    ['POST', '/apps/shop/log-drains', { url => 'ftp://u:' . canary('drain of no scheme') . '@h/' }],
    ['POST', '/apps/shop/log-drains', { url => 'https://u:' . canary('drain of a bad port') . '@h:99999/' }],
    ['POST', '/setup', { token => canary('wrong set-up token'), password => canary('password of it') }],
    ['POST', '/apps/shop/sni-endpoints', { certificate_chain => $chain,
        private_key => "-----BEGIN PRIVATE KEY-----\n" . canary('broken key') . "\n-----END PRIVATE KEY-----\n" }],
    ['PUT', '/apps/shop/buildpack-installations',
        { updates => [{ buildpack => 'https://u:' . canary('buildpack with a password') . '@h/p.tgz' }] }],
    ['DELETE', '/tokens/' . $token],
);
for (@errors) {
    my ($method, $path, $body) = @$_;
    my $r = $m->call($method, $path, $body);
    cmp_ok($r->{status}, '>=', 400, "$method $path is refused");
    my @said = grep { index($r->{body}, $canary{$_}) >= 0 } sort keys %canary;
    is_deeply(\@said, [], 'and what it says has no secret') or diag $r->{body};
}

# ---- looked for -----------------------------------------------------------

sub nothing_is_found {
    my ($when) = @_;
    for my $what (sort keys %canary) {
        my $but = $what eq 'private key' ? qr{/state/certs/} : undef;
        is_deeply([places_of($canary{$what}, $but)], [], "$when, the $what is in no file");
    }
}
nothing_is_found('before a restart');
for my $path ('/apps/shop/timeline', '/audit', '/apps/shop/releases', '/apps/shop', '/tokens', '/users') {
    my $r = $m->call('GET', $path);
    is($r->{status}, 200, "$path is told");
    is_deeply([grep { index($r->{body}, $canary{$_}) >= 0 } sort keys %canary], [], 'without secrets');
}
unlike(slurp("/proc/$m->{pid}/cmdline"), qr/Kanari/, 'nor are they among its arguments');
$m->stop('KILL');
nothing_is_found('after a crash');
is_deeply([grep { -f } glob "$m->{dir}/state/keys/*"], ["$m->{dir}/state/keys/store.key"], 'the key has a file of its own');
is((stat "$m->{dir}/state/keys/store.key")[2] & 07777, 0600, 'which nobody else reads');
$m->start;
is($m->good('config', 200, 'GET', '/apps/shop/config-vars')->{TOKEN}, $canary{'second value'}, 'they are there');

# ---- without the key ----------------------------------------------------

my $file = "$m->{dir}/state/keys/store.key";
$m->stop('TERM');
my @before = map { slurp("$m->{dir}/state/$_") } 'routes/data.mdb', 'certs/data.mdb';
rename $file, "$file.away" or die;
my $r = start_locked();
is($r->{status}, 503, 'without the key there is an answer');
like($r->{json}{message}, qr{\Q$file\E is missing.*put the right file back}, 'that says what is missing, and what to do');
like($m->log, qr{\Q$file\E is missing}, 'as does the log');
$r = $m->call('GET', '/apps', undef, Socket => 'api.sock');
is($r->{status}, 503, 'at the other socket, too');
unlike($r->{body}, qr/\Q$m->{dir}\E/, 'where it tells no paths');
ok(!-e $file, 'it makes no new key');
is_deeply([map { slurp("$m->{dir}/state/$_") } 'routes/data.mdb', 'certs/data.mdb'], \@before,
    'what nginx routes by is as it was');
rename "$file.away", $file or die;
for (1 .. 600) {
    $r = eval { $m->call('GET', '/apps/shop/config-vars') };
    last if $r && $r->{status} == 200;
    sleep 0.05;
}
is($r->{json}{TOKEN}, $canary{'second value'}, 'with the key back it goes on by itself');

# ---- another key ----------------------------------------------------------

sub rotate {
    return system "$m->{program} --conf $m->{dir}/paas.conf --rotate-key >/dev/null";
}
my $old = slurp($file);
is(rotate(), 0, 'a new key');
is(scalar(() = slurp($file) =~ /^[0-9a-f]{64}$/mg), 2, 'stands beside the one before');
is($m->good('config', 200, 'GET', '/apps/shop/config-vars')->{TOKEN}, $canary{'second value'}, 'while the manager has that one');
$m->stop('KILL');
$m->start;
is($m->good('config', 200, 'GET', '/apps/shop/config-vars')->{TOKEN}, $canary{'second value'}, 'then takes the new one');
like(slurp($file), qr/\A[0-9a-f]{64}\n\z/, 'which is the only one');
isnt(slurp($file), $old, 'and not the one before');
nothing_is_found('with a new key');
$m->good('the app is destroyed', 200, 'DELETE', '/apps/shop');
$m->stop('TERM');
done_testing;

# Manager::start waits for health, which there is none of.
sub start_locked {
    $m->{pid} = fork // die "fork: $!";
    if ($m->{pid} == 0) {
        open STDERR, '>>', "$m->{dir}/log" or POSIX::_exit(1);
        exec $m->{program}, '--conf', "$m->{dir}/paas.conf" or POSIX::_exit(1);
    }
    for (1 .. 600) {
        my $answer = eval { $m->call('GET', '/apps') };
        return $answer if $answer && $answer->{status};
        sleep 0.05;
    }
    BAIL_OUT('the manager does not start');
}

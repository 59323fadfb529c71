#!/usr/bin/perl
# The API on the control socket: every endpoint, well and badly used, against
# a manager of its own.  There is no launcher, so no instance starts; what
# needs one is in t/e2e.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Schema;
use Test::More;
use Time::HiRes qw(sleep time);

my $build = $ENV{PAAS_BUILD} // "$Bin/../build";
my $manager = "$build/libexec/paas-manager";
die "$manager is not built: make programs\n" if !-x $manager;
die "needs root\n" if $> != 0;

my $dir = tempdir('paas-api-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $pid;
$SIG{PIPE} = 'IGNORE';
END { stop_manager('KILL') if $pid }

# ---- the manager ------------------------------------------------------

sub start_manager {
    mkdir "$dir/$_" for qw(state run);
    open my $conf, '>', "$dir/paas.conf" or die "paas.conf: $!";
    print {$conf} "state_dir = $dir/state\nrun_dir = $dir/run\n",
        "domain = paas.localhost\nscale_max = 50\nupload_max = 32M\n";
    close $conf or die "paas.conf: $!";
    my @wrapper = split ' ', $ENV{PAAS_WRAPPER} // '';
    $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>>', "$dir/log" or POSIX::_exit(1);
        exec @wrapper, $manager, '--conf', "$dir/paas.conf" or POSIX::_exit(1);
    }
    for (1 .. 600) {
        my $r = eval { call('GET', '/health') };
        return if $r && $r->{status} == 200;
        waitpid($pid, POSIX::WNOHANG()) == 0 or last;
        sleep 0.05;
    }
    diag(slurp("$dir/log"));
    BAIL_OUT('the manager does not start');
}

sub stop_manager {
    my ($signal) = @_;
    my $status = $?;
    kill $signal, $pid;
    waitpid $pid, 0;
    undef $pid;
    (my $left, $?) = ($?, $status);
    return $left;
}

sub slurp {
    my ($file) = @_;
    open my $fh, '<', $file or return '';
    local $/;
    return scalar <$fh>;
}

sub memory_kib {
    return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
}

# ---- HTTP -------------------------------------------------------------

sub dial {
    my $s = IO::Socket::UNIX->new(Peer => "$dir/run/manager.sock")
        or die "connect: $!";
    return $s;
}

sub send_all {
    my ($s, $bytes) = @_;
    my $off = 0;
    while ($off < length $bytes) {
        my $n = syswrite $s, $bytes, length($bytes) - $off, $off;
        return 0 if !$n;
        $off += $n;
    }
    return 1;
}

# Reads until the pattern is there, the other end closes, or time is over.
sub read_until {
    my ($s, $pattern, $seconds, $have) = @_;
    my $text = $have // '';
    my $end = time + ($seconds // 10);
    while ($text !~ $pattern) {
        last if !IO::Select->new($s)->can_read($end - time > 0 ? $end - time : 0);
        last if !sysread $s, $text, 65536, length $text;
    }
    return $text;
}

sub read_answer {
    my ($s, $seconds, $head_only) = @_;
    my $text = read_until($s, qr/\r\n\r\n/, $seconds);
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    die 'no answer' if !defined $body;
    my ($line, @lines) = split /\r\n/, $head;
    my %h = map { /^([^:]+):\s*(.*)$/ ? (lc $1, $2) : () } @lines;
    if ($head_only) {
        # HEAD: the length is that of a body that does not come
    } elsif (($h{'transfer-encoding'} // '') eq 'chunked') {
        $body = read_until($s, qr/(?:^|\r\n)0\r\n\r\n\z/, $seconds, $body);
        my $plain = '';
        while ($body =~ s/\A([0-9a-fA-F]+)\r\n//) {
            my $n = hex $1 or last;
            $plain .= substr $body, 0, $n, '';
            $body =~ s/\A\r\n//;
        }
        $body = $plain;
    } elsif ($h{'content-length'}) {
        my $n = $h{'content-length'};
        $body = read_until($s, qr/\A.{$n}/s, $seconds, $body) if $n < 32766;
        while (length $body < $n) {
            sysread $s, $body, 65536, length $body or last;
        }
    }
    my ($status) = $line =~ m{^HTTP/1\.1 (\d+)};
    return {
        status => $status, headers => \%h, body => $body,
        json => scalar eval { decode_json($body) },
    };
}

sub request_text {
    my ($method, $path, $body, %headers) = @_;
    $body = encode_json($body) if ref $body;
    $headers{'Content-Length'} //= length $body if defined $body;
    return "$method $path HTTP/1.1\r\nHost: localhost\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers)
        . "\r\n" . ($body // '');
}

my $schema;

# Each answer is held against the description of the API.
sub call {
    my ($method, $path, $body, %headers) = @_;
    my $s = dial();
    send_all($s, request_text($method, $path, $body, %headers));
    my $r = read_answer($s, 10, $method eq 'HEAD');
    return $r if $path eq '/schema';
    $schema //= Schema->new(call('GET', '/schema')->{json});
    fail($_) for $schema->answer($method, $path, $r);
    return $r;
}

# good(what, status, method, path, body) -> the answer's JSON
sub good {
    my ($what, $status, @request) = @_;
    my $r = call(@request);
    is($r->{status}, $status, $what) or diag $r->{body};
    return $r->{json};
}

# bad(what, status, pattern of the message, method, path, body)
sub bad {
    my ($what, $status, $pattern, @request) = @_;
    my $r = call(@request);
    is($r->{status}, $status, "$what: $status") or diag $r->{body};
    like($r->{json}{message} // '', $pattern, "$what: the message");
    return $r;
}

sub wait_for {
    my ($seconds, $sub) = @_;
    my $end = time + $seconds;
    while (time < $end) {
        my $got = $sub->();
        return $got if $got;
        sleep 0.02;
    }
    return;
}

my $uuid = qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

start_manager();

# ---- the socket -------------------------------------------------------

is((stat "$dir/run/manager.sock")[2] & 07777, 0660, 'the socket is 0660');
{
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    chmod 0755, $dir, "$dir/run";
    chmod 0666, "$dir/run/manager.sock";
    pipe my $out, my $in or die "pipe: $!";
    my $child = fork // die "fork: $!";
    if ($child == 0) {
        $) = "$gid $gid";
        $( = $gid;
        POSIX::setuid($uid);
        my $r = call('GET', '/apps');
        print {$in} "$r->{status} $r->{json}{message}\n";
        close $in;
        POSIX::_exit(0);
    }
    close $in;
    my $said = <$out>;
    waitpid $child, 0;
    chmod 0660, "$dir/run/manager.sock";
    like($said, qr/^403 /, 'a stranger is refused');
    like($said, qr/group/, 'and is told who may');
}

# ---- what all answers have --------------------------------------------

my $r = call('GET', '/health');
is($r->{json}{status}, 'ok', 'health');
like($r->{json}{revision}, qr/^\d+$/, 'health has the revision');
ok(exists $r->{json}{router} && !defined $r->{json}{router}, 'and that there is no router here');
ok(exists $r->{json}{launcher} && !$r->{json}{launcher}, 'and tells that there is no launcher here');
like($r->{headers}{'request-id'}, $uuid, 'Request-Id');
is($r->{headers}{'content-type'}, 'application/json', 'Content-Type');
is($r->{headers}{'ratelimit-remaining'}, 4500, 'RateLimit-Remaining');
$r = call('HEAD', '/health');
is($r->{status}, 200, 'HEAD');

bad('an unknown path', 404, qr{/nothing}, 'GET', '/nothing');
bad('a path of too many parts', 404, qr/nothing at/, 'GET', '/a' x 50);
bad('an escaped NUL', 404, qr/nothing at/, 'GET', '/apps%00x');
bad('an escaped slash', 404, qr/no app/, 'GET', '/apps/a%2fb');
$r = bad('a wrong method', 405, qr/GET, POST/, 'PUT', '/apps', '{}');
is($r->{headers}{allow}, 'GET, POST', 'Allow says which there are');
bad('a method of nobody', 405, qr/takes/, 'BREW', '/health');
bad('JSON that is not JSON', 400, qr/not JSON: look at line 1, column 8/,
    'POST', '/apps', '{"name":');
bad('a name twice', 400, qr/JSON/, 'POST', '/apps', '{"name":"a","name":"b"}');
bad('a NUL in a string', 400, qr/JSON/, 'POST', '/apps', '{"name":"a\u0000"}');
bad('bytes that are no UTF-8', 400, qr/JSON/, 'POST', '/apps', "{\"name\":\"\xff\"}");
bad('JSON of 3,000 levels', 400, qr/JSON/, 'POST', '/apps', '[' x 3000);
bad('an array', 422, qr/the body has to be an object/, 'POST', '/apps', '[]');
bad('a body for a GET', 400, qr/no body/, 'GET', '/apps', '{}');

# ---- apps -------------------------------------------------------------

is_deeply(good('no apps', 200, 'GET', '/apps'), [], 'the list is empty');
my $app = good('an app', 201, 'POST', '/apps', { name => 'shop' });
is($app->{name}, 'shop', 'its name');
like($app->{id}, $uuid, 'its id');
like($app->{created_at}, $time, 'its time');
is($app->{released_at}, undef, 'not released');
is($app->{web_url}, 'http://shop.paas.localhost:8080/', 'its URL');
ok(!$app->{maintenance} && !$app->{stopped}, 'its flags');
ok($app->{stack}{name}, 'its stack');
is_deeply(good('the same by name', 200, 'GET', '/apps/shop'), $app, 'info');
is_deeply(good('the same by id', 200, 'GET', "/apps/$app->{id}"), $app, 'info by id');
is_deeply(good('a list', 200, 'GET', '/apps'), [$app], 'of one');
my $other = good('a name is made up', 201, 'POST', '/apps');
like($other->{name}, qr/^[a-z]+-[a-z]+-\d{4}$/, 'like quiet-river-0815');
good('a name of null, too', 201, 'POST', '/apps', { name => undef });

bad('a name that is taken', 422, qr/"shop" is already taken/, 'POST', '/apps', { name => 'shop' });
bad('a reserved name', 422, qr/"api" is reserved/, 'POST', '/apps', { name => 'api' });
bad("the name $_->[0]", 422, qr/^name /, 'POST', '/apps', { name => $_->[1] })
    for ['Upper', 'Shop'], ['1digit', '1a'], ['long', 'a' x 31], ['../', '../etc'],
    ['%s', '%s%n'], ['empty', ''], ['with a dot', 'a.b'], ['number', 3], ['list', []];
bad('an unknown field', 422, qr/^nmae is not a field/, 'POST', '/apps', { nmae => 'x' });
bad('no such app', 404, qr/no app named none/, $_->[0], "/apps/none$_->[1]", $_->[2])
    for ['GET', ''], ['DELETE', ''], ['PATCH', '', '{}'], ['GET', '/formation'],
    ['GET', '/dynos'], ['GET', '/config-vars'], ['GET', '/domains'], ['GET', '/releases'], ['GET', '/rollout'], ['GET', '/sleep'], ['GET', '/cron'],
    ['GET', '/builds'], ['GET', '/logs'], ['GET', '/timeline'],
    ['POST', '/builds', 'x'], ['POST', '/actions/stop'];

is(good('maintenance on', 200, 'PATCH', '/apps/shop', { maintenance => JSON::PP::true })->{maintenance},
    JSON::PP::true, 'is on');
bad('maintenance of "yes"', 422, qr/maintenance has to be true or false/,
    'PATCH', '/apps/shop', { maintenance => 'yes' });
good('maintenance off', 200, 'PATCH', '/apps/shop', { maintenance => JSON::PP::false });
ok(good('stop', 202, 'POST', '/apps/shop/actions/stop')->{stopped}, 'is stopped');
ok(!good('start', 202, 'POST', '/apps/shop/actions/start', {})->{stopped}, 'is started');
good('restart', 202, 'POST', '/apps/shop/actions/restart');
bad('no such action', 404, qr/start, stop and restart/, 'POST', '/apps/shop/actions/explode');
bad('an action with a field', 422, qr/takes none/, 'POST', '/apps/shop/actions/stop', { x => 1 });

# ---- formation and dynos of an app without a release -------------------

is_deeply(good('formation', 200, 'GET', '/apps/shop/formation'), [], 'is empty');
is_deeply(good('dynos', 200, 'GET', '/apps/shop/dynos'), [], 'there are none');
bad("a scale of $_", 422, qr/quantity has to be 0 to 50, not $_/,
    'PATCH', '/apps/shop/formation/web', { quantity => $_ + 0 }) for -1, 51, 1000000;
bad('a scale of -1 in a list', 422, qr/updates\[0\]\.quantity has to be 0 to 50, not -1/,
    'PATCH', '/apps/shop/formation', { updates => [{ type => 'x', quantity => '-1' }] });
bad('scale before a release', 422, qr/push it first/,
    'PATCH', '/apps/shop/formation', { updates => [{ type => 'web', quantity => '1' }] });
bad('updates of the same type', 422, qr/given twice/, 'PATCH', '/apps/shop/formation',
    { updates => [({ type => 'web', quantity => 1 }) x 2] });
bad("a quantity of $_->[0]", 422, qr/quantity has to be a whole number/,
    'PATCH', '/apps/shop/formation/web', "{\"quantity\": $_->[1]}")
    for ['1.5', '1.5'], ['"two"', '"two"'], ['null', 'null'], ['a list', '[1]'], ['""', '""'];
bad('no quantity', 422, qr/quantity is missing/, 'PATCH', '/apps/shop/formation/web', {});
bad('no updates', 422, qr/updates is missing/, 'PATCH', '/apps/shop/formation', {});
bad('updates of nothing', 422, qr/updates has to be 1 to/, 'PATCH', '/apps/shop/formation', { updates => [] });
bad('an update that is a number', 422, qr/updates\[0\] has to be an object/,
    'PATCH', '/apps/shop/formation', { updates => [3] });
bad('a type that is unknown', 404, qr/"web" is not known/, 'GET', '/apps/shop/formation/web');
bad("a health path of $_->[0]", 422, qr/path.*(?:healthz|bytes)/, 'PUT', '/apps/shop/formation/web/health', { path => $_->[1] })
    for ['no slash', 'healthz'], ['a blank', '/a b'], ['a newline', "/a\r\nX: y"], ['an umlaut', "/\x{e4}"],
    ['201 bytes', '/' . 'x' x 200];
bad("a health check with $_->[0]", 422, qr/$_->[0] /, 'PUT', '/apps/shop/formation/web/health', { $_->[0] => $_->[1] })
    for ['type', 'ping'], ['timeout', 0], ['interval', '10'], ['failures', 1001], ['restart', -1], ['headers', []], ['colour', 1];
bad("a readiness with $_", 422, qr/^$_ is not a field/, 'PUT', '/apps/shop/formation/web/readiness', { $_ => 3 })
    for 'restart', 'start_timeout';
bad("a $_ of -1", 422, qr/$_ has to be/, 'PATCH', '/apps/shop/formation/web', { $_ => -1 })
    for 'start_timeout', 'drain_timeout', 'stop_timeout';
bad('health of a type that is unknown', 404, qr/"web" is not known/, 'PUT', '/apps/shop/formation/web/health', { path => '/x' });
bad('health of a type that is unknown', 404, qr/"web" is not known/, 'DELETE', '/apps/shop/formation/web/health');
bad("the dyno $_", 404, qr/no dyno/, 'DELETE', "/apps/shop/dynos/$_")
    for 'web.1', 'web', 'web.0', 'web.x', '..', 'web.99999999999999999999';
good('restart all', 202, 'DELETE', '/apps/shop/dynos');

# ---- buildpacks ----------------------------------------------------------

is_deeply(good('buildpacks', 200, 'GET', '/apps/shop/buildpack-installations'), [], 'none at first');
my @packs = ('https://git.example.com/a/pack.git#v1.2', 'http://example.com/x.tgz', './packs/mine', 'nodejs',
    'heroku/ruby', 'urn:buildpack:heroku/php', 'go_buildpack');
is_deeply(good('buildpacks set', 200, 'PUT', '/apps/shop/buildpack-installations',
    { updates => [map { { buildpack => $_ } } @packs] }),
    [map { { ordinal => $_, buildpack => { url => $packs[$_], name => $packs[$_] } } } 0 .. $#packs], 'in their order');
is(scalar @{ good('buildpacks again', 200, 'GET', '/apps/shop/buildpack-installations') }, scalar @packs, 'they stay');
bad("buildpack '$_->[0]'", 422, $_->[1], 'PUT', '/apps/shop/buildpack-installations',
    { updates => [{ buildpack => 'nodejs' }, { buildpack => $_->[0] }] })
    for ['', qr/updates\[1\]\.buildpack/], ['https://', qr/updates\[1\]\.buildpack has to be https/],
    ['ssh://x/y', qr/updates\[1\]\.buildpack has to be/] , ['file:///etc', qr/has to be/], ['../x', qr/has to be/],
    ['./a/../../b', qr/has to be/], ['/etc', qr/has to be/], ["https://x/a\nb", qr/character that no URL has/],
    ["https://x/a b", qr/blank/], ["https://x/\$(id)'", qr/quote/], ["\e[31m", qr/character/],
    ['https://me:pw@x/y', qr/user or password/], ['https://' . 'x' x 2000, qr/1024/], ['a' x 65, qr/has to be/];
bad('too many buildpacks', 422, qr/updates.*16/, 'PUT', '/apps/shop/buildpack-installations',
    { updates => [map { { buildpack => "p$_" } } 1 .. 17] });
bad('buildpacks without a list', 422, qr/updates/, 'PUT', '/apps/shop/buildpack-installations', {});
bad('an unknown field', 422, qr/ordinal/, 'PUT', '/apps/shop/buildpack-installations',
    { updates => [{ buildpack => 'nodejs', ordinal => 1 }] });
is(scalar @{ good('buildpacks after that', 200, 'GET', '/apps/shop/buildpack-installations') }, scalar @packs,
    'are as they were');
is_deeply(good('buildpacks cleared', 200, 'PUT', '/apps/shop/buildpack-installations', { updates => [] }), [], 'none');

# ---- config vars --------------------------------------------------------

is_deeply(good('config', 200, 'GET', '/apps/shop/config-vars'), {}, 'is empty');
is_deeply(good('set', 200, 'PATCH', '/apps/shop/config-vars', { A => 'b', _X1 => "caf\x{e9}\n" }),
    { A => 'b', _X1 => "caf\x{e9}\n" }, 'is set');
is_deeply(good('unset', 200, 'PATCH', '/apps/shop/config-vars', { _X1 => undef, NONE => undef }),
    { A => 'b' }, 'is unset');
is_deeply(good('read again', 200, 'GET', '/apps/shop/config-vars'), { A => 'b' }, 'stays so');
bad("the name '$_'", 422, qr/no name of a config var/, 'PATCH', '/apps/shop/config-vars', { $_ => 'x' })
    for '1A', 'A-B', 'A B', '', 'A=B', "\x{e9}", 'A' x 129;
bad("the reserved $_", 422, qr/set by the platform/, 'PATCH', '/apps/shop/config-vars', { $_ => 'x' })
    for qw(PORT DYNO PAAS_APP);
my $canary = 'canary' . 'x' x 20;
$r = bad('a value that is a list', 422, qr/^SECRET has to be a string/, 'PATCH', '/apps/shop/config-vars',
    { SECRET => [$canary] });
unlike($r->{body}, qr/canaryx/, 'no value in a message');
bad('a value that is a number', 422, qr/has to be a string/, 'PATCH', '/apps/shop/config-vars', { A => 1 });
bad('a value of 65,537 bytes', 422, qr/^BIG has to be 0 to 65536 bytes long/, 'PATCH', '/apps/shop/config-vars',
    { BIG => 'x' x 65537 });
my %much = map { ("M$_" => 'x' x 60000) } 1 .. 5;
bad('300,000 bytes in all', 422, qr/bytes in all/, 'PATCH', '/apps/shop/config-vars', \%much);
is_deeply(good('read again', 200, 'GET', '/apps/shop/config-vars'), { A => 'b' }, 'nothing was changed');
good('a secret', 200, 'PATCH', '/apps/shop/config-vars', { SECRET => $canary });

# ---- domains ------------------------------------------------------------

my $domains = good('domains', 200, 'GET', '/apps/shop/domains');
is_deeply([map { "$_->{kind} $_->{hostname}" } @$domains], ['heroku shop.paas.localhost'], 'its own one');
my $d = good('a domain', 201, 'POST', '/apps/shop/domains', { hostname => 'WWW.Example.com.' });
is($d->{hostname}, 'www.example.com', 'is canonical');
is($d->{cname}, 'shop.paas.localhost', 'where DNS has to point');
is(good('a wildcard', 201, 'POST', '/apps/shop/domains', { hostname => '*.example.com' })->{hostname},
    '*.example.com', 'as it was given');
is_deeply(good('info', 200, 'GET', '/apps/shop/domains/www.example.com'), $d, 'the same');
is(good('info of its own', 200, 'GET', '/apps/shop/domains/shop.paas.localhost')->{kind}, 'heroku', 'kind');
bad('the same again', 422, qr/domain of shop already/, 'POST', '/apps/shop/domains', { hostname => 'www.example.com' });
bad('one of another app', 422, qr/taken by the app shop: remove it there first/,
    'POST', "/apps/$other->{name}/domains", { hostname => 'www.example.com' });
bad("the host '$_'", 422, qr/is not a host/, 'POST', '/apps/shop/domains', { hostname => $_ })
    for 'a b', '<b>.com', 'a..b', 'x/y', '*.', 'a.*.b', 'a@b.com', 'a%00.com', 'b' x 64 . '.com',
    '[::1', "\x{e9}.com", '..';
bad("the platform's $_", 422, qr/platform/, 'POST', '/apps/shop/domains', { hostname => $_ })
    for 'paas.localhost', 'api.paas.localhost', 'a.b.paas.localhost', '*.paas.localhost', '*.localhost',
    'PAAS.LOCALHOST.', 'internal', 'shop.internal', '*.internal';
bad('no hostname', 422, qr/hostname is missing/, 'POST', '/apps/shop/domains', {});
bad('a hostname that is a number', 422, qr/hostname has to be a string/, 'POST', '/apps/shop/domains', { hostname => 1 });
for my $one (@{ good('all', 200, 'GET', '/apps/shop/domains') }) {
    is_deeply(good("by its id: $one->{hostname}", 200, 'GET', "/apps/shop/domains/$one->{id}"), $one, 'the same');
    bad('of another app', 404, qr/no domain/, 'GET', "/apps/$other->{name}/domains/$one->{id}");
    bad('its own by the id', 422, qr/goes with it/, 'DELETE', "/apps/shop/domains/$one->{id}") if $one->{kind} eq 'heroku';
}
good('a wildcard by its id', 200, 'DELETE', "/apps/shop/domains/$_->{id}")
    for good('one more', 201, 'POST', '/apps/shop/domains', { hostname => '*.id.example.net' });
bad('no such domain', 404, qr/no domain/, 'DELETE', '/apps/shop/domains/none.example.com');
bad("another app's", 404, qr/no domain/, 'DELETE', "/apps/$other->{name}/domains/www.example.com");
bad('its own', 422, qr/goes with it/, 'DELETE', '/apps/shop/domains/shop.paas.localhost');
good('remove', 200, 'DELETE', '/apps/shop/domains/www.example.com');
bad('it is gone', 404, qr/no domain/, 'GET', '/apps/shop/domains/www.example.com');

# ---- releases and builds: none yet -------------------------------------

is_deeply(good('releases', 200, 'GET', '/apps/shop/releases'), [], 'none');
bad("the release $_", 404, qr/no release/, 'GET', "/apps/shop/releases/$_")
    for 'v1', '1', 'current', 'x', $app->{id};
bad("a rollback to $_->[0]", 422, qr/release|the body has to be an object/, 'POST', '/apps/shop/releases', $_->[1])
    for ['nothing', {}], ['v1', { release => 'v1' }], ['3', { release => 3 }],
    ['a list', { release => [] }], ['more', { release => 1, x => 2 }], ['an array', []];
bad('the config vars of none', 404, qr/no release v1/, 'GET', '/apps/shop/releases/v1/config-vars');

# ---- roll-outs: how the next ones go --------------------------------------

my %rollout = (strategy => 'rolling', max_surge => '25%', max_unavailable => '0',
    canary_weight => 10, deadline => 600, release_timeout => 600);
sub rollout_has {
    my ($r, $what) = @_;
    is_deeply({ map { $_ => $r->{$_} } keys %rollout }, \%rollout, $what) or diag explain $r;
}
my $rollout = good('the roll-out', 200, 'GET', '/apps/shop/rollout');
rollout_has($rollout, 'nothing is set');
is_deeply([@{$rollout}{qw(state live target reason processes)}], ['none', undef, undef, undef, []],
    'nothing was released');
@rollout{qw(strategy max_surge max_unavailable canary_weight)} = ('blue-green', '2', '50%', 5);
rollout_has(good('set', 200, 'PATCH', '/apps/shop/rollout',
    { strategy => 'blue_green', max_surge => 2, max_unavailable => '50%', canary_weight => '5%' }), 'what was set');
rollout_has(good('again', 200, 'GET', '/apps/shop/rollout'), 'and is kept');
bad("roll-outs by $_->[0]", 422, $_->[1], 'PATCH', '/apps/shop/rollout', $_->[2])
    for ['another strategy', qr/^strategy has to be rolling, blue-green or canary, not "x"/, { strategy => 'x' }],
    ['a list', qr/^max_surge has to be/, { max_surge => [] }],
    ['too much', qr/^max_unavailable has to be 0 to 1000, or 0% to 100%, not "101%"/, { max_unavailable => '101%' }],
    ['no weight', qr/^canary_weight has to be 1 to 99/, { canary_weight => 0 }],
    ['nothing at all', qr/can't both be 0/, { max_surge => 0, max_unavailable => '0%' }],
    ['what is none', qr/^surge is not a field/, { surge => 1 }],
    ['null of what is none', qr/^surge is not a field/, { surge => undef }],
    ['one of them wrong', qr/^deadline has to be/, { max_surge => 1, deadline => 1 }],
    ['an array', qr/has to be an object/, []];
rollout_has(good('as it was', 200, 'GET', '/apps/shop/rollout'), 'a refusal changes nothing');
@rollout{qw(strategy max_unavailable)} = ('rolling', '0');
rollout_has(good('put back', 200, 'PATCH', '/apps/shop/rollout', { strategy => undef, max_unavailable => undef }),
    'by null');
bad("nothing to $_", 409, qr/state none/, 'POST', "/apps/shop/rollout/$_") for 'promote', 'abort';

# ---- sleep and load ----------------------------------------------------------

my $nap = good('sleep', 200, 'GET', '/apps/shop/sleep');
is_deeply([@{$nap}{qw(state asleep_since after all)}], ['off', undef, undef, undef], 'nothing is set');
$nap = good('set', 200, 'PUT', '/apps/shop/sleep', { after => '30m' });
is_deeply([@{$nap}{qw(state after all)}], ['awake', 1800, JSON::PP::false], 'half an hour');
bad("sleep by $_->[0]", 422, $_->[1], 'PUT', '/apps/shop/sleep', $_->[2]) for
    ['no time', qr/after is missing/, {}],
    ['a word', qr/after has to be a time from 1s to 30d, as 30m, not "soon"/, { after => 'soon' }],
    ['another name', qr/before is not a field of this request, which takes after, all/, { after => 9, before => 1 }];
is(good('again', 200, 'GET', '/apps/shop/sleep')->{after}, 1800, 'a refusal changes nothing');
is(good('off', 200, 'DELETE', '/apps/shop/sleep')->{state}, 'off', 'not to sleep');
is(good('off again', 200, 'DELETE', '/apps/shop/sleep')->{state}, 'off', 'is no error');

my $auto = '/apps/shop/formation/web/autoscale';
is(good('load', 200, 'GET', $auto)->{on}, JSON::PP::false, 'nothing is set');
my $load = good('set', 200, 'PUT', $auto, { min => '2', max => 10, concurrency => 20, p95 => '200ms' });
is_deeply([@{$load}{qw(on quantity min max concurrency p95 window reason)}],
    [JSON::PP::true, 2, 2, 10, 20, 200, 300, undef], 'from the least on');
bad("load by $_->[0]", 422, $_->[1], 'PUT', $auto, $_->[2]) for
    ['nothing', qr/max is missing/, {}],
    ['no measure', qr/concurrency or p95 has to be given/, { max => 3 }],
    ['more than may be', qr/max has to be at most 50, not 51 \(scale_max/, { max => 51, p95 => 9 }],
    ['less than the least', qr/min has to be at most max, which is 3, not 4/, { min => 4, max => 3, p95 => 9 }],
    ['none', qr/let the app sleep/, { min => 0, max => 3, p95 => 9 }];
bad('a worker', 422, qr/"worker" takes no requests/, 'PUT', '/apps/shop/formation/worker/autoscale', { max => 3, p95 => 9 });
is(good('again', 200, 'GET', $auto)->{max}, 10, 'a refusal changes nothing');
is(good('off', 200, 'DELETE', $auto)->{on}, JSON::PP::false, 'by hand again');
is(good('off again', 200, 'DELETE', $auto)->{quantity}, 1, 'as before');

# ---- cron ----------------------------------------------------------------------

is_deeply(good('cron', 200, 'GET', '/apps/shop/cron'), [], 'no entries');
my $entry = good('add', 201, 'POST', '/apps/shop/cron', { schedule => '0 0 29 2 *', command => 'leap' });
is_deeply([@{$entry}{qw(id schedule command time_to_live overlap last_at last)}],
    [1, '0 0 29 2 *', 'leap', 0, JSON::PP::false, undef, undef], 'as it was given');
like($entry->{next_at}, qr/^20\d\d-02-29T00:00:00Z$/, 'in a leap year');
bad("cron by $_->[0]", 422, $_->[1], 'POST', '/apps/shop/cron', $_->[2]) for
    ['nothing', qr/schedule/, {}],
    ['no command', qr/command/, { schedule => '@daily' }],
    ['a bad minute', qr/schedule: the minute "61" is none: 0 to 59/, { schedule => '61 * * * *', command => 'x' }],
    ['four fields', qr/five fields/, { schedule => '* * * *', command => 'x' }],
    ['no such day', qr/a day that there is not in any year/, { schedule => '0 0 30 2 *', command => 'x' }],
    ['a long time', qr/time_to_live has to be 1 to \d+ seconds/, { schedule => '@daily', command => 'x', time_to_live => 1e9 }];
is(good('another', 201, 'POST', '/apps/shop/cron', { schedule => '@daily', command => 'x', overlap => \1, time_to_live => 60 })->{id}, 2, 'the second');
is_deeply([map { "$_->{id} $_->{command}" } @{ good('both', 200, 'GET', '/apps/shop/cron') }], ['1 leap', '2 x'], 'are listed');
is(good('one', 200, 'GET', '/apps/shop/cron/2')->{overlap}, JSON::PP::true, 'is shown');
bad("no entry $_", 404, qr/has no cron entry/, 'DELETE', "/apps/shop/cron/$_") for 0, 3, 'x', '-1', '99999999999';
good("entry $_ goes", 200, 'DELETE', "/apps/shop/cron/$_") for 1, 2;
is_deeply(good('cron', 200, 'GET', '/apps/shop/cron'), [], 'none is left');

is_deeply(good('builds', 200, 'GET', '/apps/shop/builds'), [], 'none');
bad("the build $_", 404, qr/no build/, 'GET', "/apps/shop/builds/$_")
    for '0000000000000001', 'x', '..';
bad('the log of no build', 404, qr/no build/, 'GET', '/apps/shop/builds/0000000000000001/log');
bad("a build without a URL, $_", 422, qr{^source_blob is required|source_blob}, 'POST', '/apps/shop/builds', {}, 'Content-Type' => $_)
    for 'application/json', 'Application/JSON; charset=utf-8', 'application/vnd.heroku+json; version=3';
my @order = ('POST', '/apps/shop/builds');
my @json = ('Content-Type' => 'application/json');
bad("a source at $_", 422, qr/^source_blob\.url has to be http/, @order, { source_blob => { url => $_ } }, @json)
    for 'ftp://example.com/a.tgz', 'http://', 'file:///etc/passwd', "http://a/\"\noutput = x", '/etc/passwd', 'http://a/ b', 'http://@', 'http://ann:x@',
    # Of these passwords a part would be taken for the host, which is shown.
    (map { "http://ann:can${_}ary\@example.com/x.tgz" } '@', '/', '?', '#'), 'http://[::1/x', 'http://[::1]x/', 'http://a:b/', 'http://a%40b/';
for my $text ("v1\e[2J", "v1\n", "v1\x{7f}", "v1\x{9b}2J") {
    bad("a $_ that no terminal should get", 422, qr/^source_blob\.$_ .*text without control characters/s, @order,
        { source_blob => { url => 'http://x/', $_ => $text } }, @json) for qw(version version_description);
}
bad("a checksum $_", 422, qr/^source_blob\.checksum .* has to be SHA256:/, @order, { source_blob => { url => 'http://x/', checksum => $_ } }, @json)
    for 'SHA256:' . 'a' x 63, 'MD5:' . 'a' x 64, 'a' x 64;
bad('packs of a build', 422, qr/^buildpacks are those of the app/, @order, { source_blob => { url => 'http://x/' }, buildpacks => [{ url => 'http://y' }] }, @json);
bad('another stack', 422, qr/^stack has to be debian/, @order, { source_blob => { url => 'http://x/' }, stack => 'heroku-24' }, @json);
is_deeply(good('builds', 200, 'GET', '/apps/shop/builds'), [], 'none was made');
bad('a wait for something else', 422, qr/wait/, 'POST', '/apps/shop/builds?wait=godot', 'x');
$r = call('POST', '/apps/shop/builds', '', 'Content-Type' => 'application/x-tar');
is($r->{status}, 422, 'an upload of nothing') or diag $r->{body};

# A refusal comes while the client still sends, and not too late to be read.
sub send_much {
    my ($head, $bytes) = @_;
    my $s = dial();
    send_all($s, $head);
    my ($answer, $block, $sent) = ('', "\0" x 65536, 0);
    while ($sent < $bytes && $answer !~ /\r\n\r\n./s) {
        sysread $s, $answer, 65536, length $answer if IO::Select->new($s)->can_read(0);
        $sent += syswrite($s, $block) // last;
    }
    return (read_until($s, qr/\r\n\r\n./s, 5, $answer), $sent);
}

my ($answer, $sent) = send_much("POST /apps/shop/builds HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n", 200 << 20);
like($answer, qr{^HTTP/1\.1 413 }, 'an upload of 5 GB is refused');
like($answer, qr/upload_max/, 'with the limit');
cmp_ok($sent, '<', 8 << 20, 'before it was sent');
$r = call('POST', '/apps/shop/builds', undef, 'Content-Length' => 5000000000, Expect => '100-continue');
is($r->{status}, 413, 'who asks first is told first');
($answer) = send_much("PATCH /apps/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n", 90 << 20);
like($answer, qr{^HTTP/1\.1 413 .*over 1048576 bytes}s, 'JSON of 90 MB is refused');
bad('JSON of 1.5 MB', 413, qr/over 1048576 bytes/, 'POST', '/apps', 'x' x 1_500_000);

# ---- routes -------------------------------------------------------------

is_deeply(good('routes', 200, 'GET', '/routes'), [], 'none');
my $one = { address => '127.0.0.1', port => 9000 };
my $route = good('a route', 201, 'PUT', '/routes/Old.Example.org', { instances => [$one] });
is($route->{host}, 'old.example.org', 'its host');
is($route->{paths}[0]{path}, '/', 'its path');
is($route->{paths}[0]{balance}, 'two_choices', 'its balance');
my $id = $route->{paths}[0]{instances}[0]{id};
like($id, qr/^[0-9a-f]{16}$/, 'an instance id');
is($route->{paths}[0]{instances}[0]{weight}, 100, 'a weight');
$route = good('one more path', 200, 'PUT', '/routes/old.example.org',
    { instances => [{ address => '::1', port => 80, weight => 7 }], path => '/docs/', strip => JSON::PP::true,
        balance => 'round_robin' });
is_deeply([map { "$_->{path} $_->{strip}" } @{ $route->{paths} }], ['/ 0', '/docs 1'], 'both are there');
$route = good('one more address', 200, 'PUT', '/routes/old.example.org',
    { instances => [{ address => '10.1.2.3', port => 1 }, $one] });
my %ids = map { ($_->{address} => $_->{id}) } map { @{ $_->{instances} } } @{ $route->{paths} };
is($ids{'127.0.0.1'}, $id, 'the first one keeps its id');
is(keys(%ids), 3, 'three addresses');
is(keys %{ { reverse %ids } }, 3, 'of three ids');
is_deeply(good('info', 200, 'GET', '/routes/old.example.org'), $route, 'the same');
good('a wildcard', 201, 'PUT', '/routes/*.wild.org', { instances => [$one] });
is_deeply([map { $_->{host} } @{ good('a list', 200, 'GET', '/routes') }], ['*.wild.org', 'old.example.org'], 'of both');
is(scalar @{ good('by prefix', 200, 'GET', '/routes?prefix=old.') }, 1, 'one of them');
is(good('by prefix', 200, 'GET', '/routes?prefix=*.w')->[0]{host}, '*.wild.org', 'a wildcard');

bad("the address $_", 422, qr/instances\[0\]\.address/, 'PUT', '/routes/x.org',
    { instances => [{ address => $_, port => 1 }] })
    for 'localhost', '198.18.0.9', '::ffff:198.18.0.9', '0.0.0.0', '224.0.0.1', '::', 'ff02::1', 'fe80::1',
    '1.2.3', '1.2.3.4.5', '127.1', '[::1]', '', '1.2.3.4 ', 'a' x 60;
bad("the port $_->[0]", 422, qr/instances\[0\]\.port/, 'PUT', '/routes/x.org',
    "{\"instances\": [{\"address\": \"127.0.0.1\", \"port\": $_->[1]}]}")
    for ['0', 0], ['65536', 65536], ['-1', -1], ['"80"', '"80"'], ['null', 'null'], ['80.0', '80.0'];
bad('no port', 422, qr/instances\[0\]\.port is missing/, 'PUT', '/routes/x.org', { instances => [{ address => '::1' }] });
bad('the weight 0', 422, qr/weight has to be 1 to 1000/, 'PUT', '/routes/x.org', { instances => [{ %$one, weight => 0 }] });
bad('no instances', 422, qr/instances is missing/, 'PUT', '/routes/x.org', {});
bad('instances of nothing', 422, qr/instances is missing/, 'PUT', '/routes/x.org', { instances => [] });
bad('the same address twice', 422, qr/instances\[1\] is the same/, 'PUT', '/routes/x.org', { instances => [$one, $one] });
bad('a balance', 422, qr/balance has to be two_choices, .* not "luck"/, 'PUT', '/routes/x.org',
    { instances => [$one], balance => 'luck' });
bad("the path $_", 422, qr/^path /, 'PUT', '/routes/x.org', { instances => [$one], path => $_ })
    for '', 'docs', '/a//b', '/../x', '/a b', '/a?b', '/%2e', "/\x{e9}", '/' . 'x' x 300;
bad("the host $_", 422, qr/host/, 'PUT', "/routes/$_", { instances => [$one] })
    for 'a%20b', 'paas.localhost', 'shop.paas.localhost', '*.localhost', '%3Cb%3E';
bad('a host of an app', 422, qr/domain of the app shop/, 'PUT', '/routes/*.example.com', { instances => [$one] });
bad('a domain that is a route', 422, qr/routes:remove/, 'POST', '/apps/shop/domains', { hostname => 'old.example.org' });
bad('no such route', 404, qr/no route/, $_, '/routes/none.org') for 'GET', 'DELETE';
bad('no such path', 404, qr/no path/, 'DELETE', '/routes/old.example.org?path=/none');

# Settings: of a pool and of a path, by their JSON or by text.
$route = good('settings', 201, 'PUT', '/routes/set.org', { instances => [$one], balance => 'hash', hash => 'cookie:sid',
    sticky => 'on', concurrency => '10', queue => 20, slow_start => 30, hold => 5, retry => 'put', retry_budget => 35,
    name_instance => JSON::PP::true, protocol => 'h2c', to_https => JSON::PP::true, to_host => 'WWW.set.org' });
my %path = %{ $route->{paths}[0] };
is(join(' ', @path{qw(balance hash concurrency queue slow_start hold retry retry_budget protocol to_host)}),
    'hash cookie:sid 10 20 30 5 put 35 h2c www.set.org', 'as they were given');
is(join(' ', map { $path{$_} ? 1 : 0 } qw(sticky name_instance to_https strip)), '1 1 1 0', 'switches');
$route = good('a patch', 200, 'PATCH', '/routes/set.org', { balance => 'least', sticky => undef, to_host => undef });
%path = %{ $route->{paths}[0] };
is("$path{balance} $path{queue}", 'least_conn 20', 'changes what it names');
ok(!$path{sticky} && !defined $path{to_host}, 'and puts back what is null');
is($path{instances}[0]{address}, '127.0.0.1', 'addresses stay');
bad("$_->[0]", 422, qr/^$_->[1]/, 'PUT', '/routes/x.org', { instances => [$one], %{ $_->[2] } })
    for ['a queue', 'queue has to be 0 to 100000 requests that wait, not -1', { queue => -1 }],
    ['a hash', 'hash has to be address, header:NAME or cookie:NAME, not "header:a b"', { hash => 'header:a b' }],
    ['a switch', 'sticky has to be on or off, not "maybe"', { sticky => 'maybe' }],
    ['a number', 'retry_budget has to be 1 to 100 percent', { retry_budget => 0 }],
    ['a fraction', 'hold has to be a whole number', { hold => 1.5 }],
    ['a redirect to itself', 'to_host has to be another host', { to_host => 'x.org' }],
    ['no setting', 'luck is not a field of this request, which takes path, instances, .* balance, hash', { luck => 1 }],
    ['another name of one', 'slow-start is not a field', { slow_start => 1, 'slow-start' => 2 }];
bad('a patch of nothing', 422, qr/queue is for addresses/, 'PATCH', '/routes/x.org', { queue => 1 });
bad('nor did any of it leave a route', 404, qr/no route/, 'GET', '/routes/x.org');
good('remove it', 200, 'DELETE', '/routes/set.org');
good('the default', 201, 'PUT', '/routes/*', { instances => [$one] });
is(good('the default', 200, 'GET', '/routes/*')->{host}, '*', 'is every host');
good('remove it', 200, 'DELETE', '/routes/*');
bad('every host', 422, qr/every host, and no app's/, 'POST', '/apps/shop/domains', { hostname => '*' });

# Splits.
good('another app', 201, 'POST', '/apps', { name => 'next' });
bad('a split without its owner', 422, qr/domain of the app shop: name that among/, 'PUT', '/routes/shop.paas.localhost',
    { apps => [{ app => 'next' }] });
$route = good('a split', 201, 'PUT', '/routes/shop.paas.localhost',
    { apps => [{ app => 'shop', weight => 90 }, { app => 'next', weight => 10 }] });
is_deeply([map { "$_->{app}=$_->{weight}" } @{ $route->{paths}[0]{apps} }], ['shop=90', 'next=10'], 'shares');
ok(!exists $route->{paths}[0]{balance}, 'no settings of addresses that it has not');
good('another path', 200, 'PUT', '/routes/shop.paas.localhost', { path => '/n', apps => [{ app => 'next' }], strip => 'on' });
bad("$_->[0]", 422, qr/$_->[1]/, 'PUT', '/routes/x.org', $_->[2])
    for ['no such app', 'apps\[0\]\.app: there is no app named none', { apps => [{ app => 'none' }] }],
    ['an app twice', 'apps\[1\]\.app shop is given twice', { apps => [{ app => 'shop' }, { app => 'shop' }] }],
    ['a weight', 'apps\[0\]\.weight has to be 1 to 10000', { apps => [{ app => 'shop', weight => 0 }] }],
    ['settings of apps', 'sticky is for addresses, .*paas http', { apps => [{ app => 'shop' }], sticky => 'on' }],
    ['too many', 'apps has to be 0 to 15 elements', { apps => [map { { app => "a$_" } } 1 .. 16] }];
$route = good('apps and addresses', 201, 'PUT', '/routes/x.org', { instances => [$one], weight => 5, apps => [{ app => 'next', weight => 95 }] });
is($route->{paths}[0]{weight}, 5, 'a share of its own');
$route = good('no addresses', 200, 'PATCH', '/routes/x.org', { instances => [] });
is_deeply($route->{paths}[0]{instances}, [], 'any more');
good('remove it', 200, 'DELETE', '/routes/x.org');
good('remove the split', 200, 'DELETE', '/routes/shop.paas.localhost');

# Patterns.
is_deeply(good('patterns', 200, 'GET', '/patterns'), [], 'none');
my $pattern = good('a pattern', 201, 'PUT', '/patterns/20', { pattern => 'pr-(?<n>\\d+)\\.example\\.com', instances => [$one], sticky => 'on' });
is("$pattern->{order} $pattern->{pattern}", '20 pr-(?<n>\\d+)\\.example\\.com', 'as it was given');
good('another', 201, 'PUT', '/patterns/3', { pattern => '.*', apps => [{ app => 'next' }] });
is_deeply([map { $_->{order} } @{ good('a list', 200, 'GET', '/patterns') }], [3, 20], 'in order');
$pattern = good('one more path', 200, 'PUT', '/patterns/20', { path => '/x', instances => [$one] });
is(scalar @{ $pattern->{paths} }, 2, 'two of them');
is($pattern->{pattern}, 'pr-(?<n>\\d+)\\.example\\.com', 'the pattern stays');
bad("$_->[0]", 422, qr/$_->[1]/, 'PUT', "/patterns/$_->[2]", { instances => [$one], pattern => $_->[3] })
    for ['a broken pattern', 'pattern: missing closing parenthesis, at byte 4 of "a\\(b\\."', 5, 'a(b.'],
    ['a blank', 'printable ASCII without blanks', 5, 'a b'], ['no order', 'order has to be a whole number', 'x', 'a'],
    ['an order below 0', 'order has to be', '-1', 'a'], ['a long one', 'pattern has to be 1 to 512 bytes', 5, 'a' x 513],
    ['a large one', 'pattern is too large: compiled', 5, '((ab|cd){99}){30}'];
bad('no pattern', 422, qr/pattern is missing/, 'PUT', '/patterns/5', { instances => [$one] });
bad('a pattern of a host', 422, qr/pattern is not a field/, 'PUT', '/routes/x.org', { instances => [$one], pattern => 'a' });
bad('no such pattern', 404, qr/no pattern of order 5/, $_, '/patterns/5') for 'GET', 'DELETE';
good('remove', 200, 'DELETE', "/patterns/$_") for 3, 20;

# How requests go to an app.
my $http = good('http', 200, 'GET', '/apps/shop/http');
is("$http->{balance} $http->{retry_budget} $http->{hold}", 'two_choices 20 30', 'what counts unless it is set');
$http = good('set some', 200, 'PATCH', '/apps/shop/http', { balance => 'ewma', to_https => 'on', queue => '7' });
is("$http->{balance} $http->{queue}", 'ewma 7', 'set');
ok($http->{to_https}, 'redirects, too');
good('scaling', 200, 'PATCH', '/apps/next/http', {});
$http = good('one is put back', 200, 'PATCH', '/apps/shop/http', { balance => undef });
is("$http->{balance} $http->{queue}", 'two_choices 7', 'and only that one');
bad("$_->[0]", 422, qr/^$_->[1]/, 'PATCH', '/apps/shop/http', $_->[2])
    for ['a host of nobody', 'to_host has to be a host of shop', { to_host => 'nobody.org' }],
    ['a host of another', 'to_host has to be a host of shop', { to_host => 'next.paas.localhost' }],
    ['https', 'protocol has to be http or h2c', { protocol => 'https' }],
    ['strip', 'strip is not a field of this request, which takes balance', { strip => 1 }],
    ['no number', 'concurrency has to be 0 to 100000', { concurrency => 'many' }];
good('a domain', 201, 'POST', '/apps/shop/domains', { hostname => 'canon.org' });
good('to that', 200, 'PATCH', '/apps/shop/http', { to_host => 'canon.org' });
bad('it can\'t go', 422, qr/http:unset to_host/, 'DELETE', '/apps/shop/domains/canon.org');
good('not any more', 200, 'PATCH', '/apps/shop/http', { to_host => undef, to_https => undef });
good('a route on it', 201, 'PUT', '/routes/canon.org', { path => '/x', instances => [$one] });
bad('it can\'t go either', 422, qr/has a route of its own/, 'DELETE', '/apps/shop/domains/canon.org');
good('without it', 200, 'DELETE', '/routes/canon.org');
good('now it can', 200, 'DELETE', '/apps/shop/domains/canon.org');
good('and the other app', 200, 'DELETE', '/apps/next');

good('remove a path', 200, 'DELETE', '/routes/old.example.org?path=/docs');
is(scalar @{ good('the rest', 200, 'GET', '/routes/old.example.org')->{paths} }, 1, 'stays');
good('remove the last path', 200, 'DELETE', '/routes/old.example.org?path=/');
bad('and it is gone', 404, qr/no route/, 'GET', '/routes/old.example.org');
good('remove the other', 200, 'DELETE', '/routes/*.wild.org');

# ---- imported routes ------------------------------------------------------

my $lines = "\@web 127.0.0.1:9000 127.0.0.2:9000=50 balance=ewma\nold.example.org \@web\nw.example.org /x \@web strip\n";
is(good('nothing imported', 200, 'GET', '/imports/routes'), undef, 'null');
bad('no file', 404, qr/no routes are imported/, 'GET', '/imports/routes/file');
bad('nothing to remove', 404, qr/no routes are imported/, 'DELETE', '/imports/routes');
my $import = good('an import', 200, 'PUT', '/imports/routes', $lines);
is($import->{hosts}, 2, 'of two hosts');
is($import->{pools}, 1, 'on one pool');
is_deeply(good('info', 200, 'GET', '/imports/routes'), $import, 'the same');
$r = call('GET', '/imports/routes/file');
is($r->{body}, $lines =~ s/:9000 /:9000=100 /r, 'the lines, in their own form');
is_deeply(good('a host', 200, 'GET', '/routes/w.example.org')->{imported}, ['w.example.org /x @web strip'], 'its line');
bad('an imported host', 422, qr/was imported: take its line out/, 'DELETE', '/routes/w.example.org');
bad("line $_->[0]", 422, qr/^line $_->[0]: $_->[1]/, 'PUT', '/imports/routes', $_->[2])
    for [1, 'there is no pool', "a.org \@web\n"], [2, 'it has over 8192 bytes', "\n" . 'x' x 9000],
    [2, 'a.paas.localhost belongs', "\@web 127.0.0.1:1\na.paas.localhost \@web\n"],
    [3, 'a.org stands behind b.org', "\@web 127.0.0.1:1\nb.org \@web\na.org \@web\n"];
bad('nothing', 422, qr/no host in it/, 'PUT', '/imports/routes', "# nothing\n");
is_deeply(good('still', 200, 'GET', '/imports/routes'), $import, 'as it was');
is_deeply([glob "$dir/state/imports/*"], ["$dir/state/imports/$import->{file}"], 'and nothing is left');
{
    my $text = "\@web 127.0.0.1:9000\n" . join '', map { sprintf "i%06d.example.org \@web\n", $_ } 1 .. 200_000;
    my $before = memory_kib();
    is(good('many', 200, 'PUT', '/imports/routes', $text)->{hosts}, 200_000, 'all of them');
    is_deeply(good('the last', 200, 'GET', '/routes/i200000.example.org')->{imported}, ['i200000.example.org @web'], 'is there');
    bad('the first import', 404, qr/no route/, 'GET', '/routes/w.example.org');
    # Mapped files are no memory of its own.
    cmp_ok(slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : 'inf', '<', $before + 8192, 'in little memory');
    stop_manager('KILL');
    start_manager();
    is_deeply(good('after a kill', 200, 'GET', '/routes/i000001.example.org')->{imported}, ['i000001.example.org @web'], 'they stay');
}
is(good('remove', 200, 'DELETE', '/imports/routes'), undef, 'all of them');
bad('an imported host', 404, qr/no route/, 'GET', '/routes/i000001.example.org');
good('the host is free again', 201, 'POST', '/apps/shop/domains', { hostname => 'old.example.org' });

# ---- timeline and logs -----------------------------------------------------

my $events = good('timeline', 200, 'GET', '/apps/shop/timeline');
is($events->[0]{kind}, 'create', 'the first is the oldest');
like($events->[-1]{text}, qr/old\.example\.org/, 'the last is the newest');
like($events->[0]{at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'its time');
is(scalar @{ good('limit', 200, 'GET', '/apps/shop/timeline?limit=2') }, 2, 'two of them');
bad("limit=$_", 422, qr/limit/, 'GET', "/apps/shop/timeline?limit=$_") for 0, -1, 'x', 1001, '%31%20';
bad('limit=%', 400, qr/malformed/, 'GET', '/apps/shop/timeline?limit=%');

$r = call('GET', '/apps/shop/logs');
is($r->{headers}{'content-type'}, 'text/plain; charset=utf-8', 'logs are text');
like($r->{body}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 paas\[create\]: created app shop$/m, 'events are in them');
is(call('GET', '/apps/shop/logs?lines=3')->{body} =~ tr/\n//, 3, 'three lines');
is(call('GET', '/apps/shop/logs?source=app')->{body}, '', 'nothing of the app');
is(call('GET', '/apps/shop/logs?ps=web.1')->{body}, '', 'nothing of web.1');
bad("logs?$_->[0]=$_->[1]", 422, qr/$_->[0]/, 'GET', "/apps/shop/logs?$_->[0]=$_->[1]")
    for ['lines', 0], ['lines', 'x'], ['source', 'moon'], ['ps', '..'], ['ps', 'A'];

my $tail = dial();
send_all($tail, request_text('GET', '/apps/shop/logs?follow=1&lines=1'));
like(read_until($tail, qr/old\.example\.org/), qr/old\.example\.org/, 'following starts with the last line');
good('something happens', 202, 'POST', '/apps/shop/actions/stop');
like(read_until($tail, qr/stopped/), qr/paas\[stop\]: stopped/, 'and goes on with the next');

unlike(join(' ', map { $_->{text} } @$events), qr/canaryx/, 'no secret in the timeline');
unlike(slurp("$dir/log"), qr/canaryx/, 'no secret in the log');

# ---- many, slow and rude clients -------------------------------------------

my @idle = map { dial() } 1 .. 200;
my $start = time;
good('with 200 idle connections', 200, 'GET', '/apps');
cmp_ok(time - $start, '<', 1, 'it answers at once');
send_all($_, "POST /apps HTTP/1.1\r\nHost: x\r\nContent-Le") for @idle[0 .. 99];
good('with 100 of them in the middle of a head', 201, 'POST', '/apps');
send_all($_, "ngth: 100\r\n\r\n{") for @idle[0 .. 99];
good('and of a body', 200, 'GET', '/apps');
send_all($idle[0], '}' . ' ' x 98);
like(read_until($idle[0], qr/\r\n\r\n/), qr{^HTTP/1\.1 201 }, 'a slow client is served in the end');
@idle = ();

my @readers = map { my $s = dial(); send_all($s, request_text('GET', '/apps/shop/logs?follow=1')); $s } 1 .. 50;
ok(read_until($_, qr/\r\n\r\n/), 'a follower') for @readers[0 .. 1];
@readers = ();
good('followers that left', 200, 'GET', '/health');

my $many = dial();
send_all($many, request_text('GET', '/health') x 20);
my ($got, $count) = ('', 0);
while ($count < 20 && IO::Select->new($many)->can_read(5)) {
    sysread $many, $got, 65536, length $got or last;
    $count = my @all = $got =~ /revision/g;
}
is($count, 20, 'twenty requests in one go');
for my $rubbish ("\0\0\0\0", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n" x 100, 'x' x 200_000,
    "GET /apps HTTP/1.1\r\n\r\n", "POST /apps HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST /apps HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") {
    my $s = dial();
    send_all($s, $rubbish);
    shutdown $s, 1;
    read_until($s, qr/(?!)/, 1);
}
good('after rubbish', 200, 'GET', '/health');

# Uploads that stop in the middle, and one that is all sent.
for (1 .. 5) {
    my $s = dial();
    send_all($s, "POST /apps/shop/builds HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n" . 'x' x 100_000);
}
ok(wait_for(10, sub { !glob "$dir/state/uploads/*" }), 'half an upload leaves nothing');
my $before = memory_kib();
my $push = dial();
send_all($push, "POST /apps/shop/builds HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n" . 'x' x 30_000_000);
sleep 0.5;
cmp_ok(memory_kib() - $before, '<', 16 * 1024, 'an upload leaves memory flat') if !$ENV{PAAS_WRAPPER};

# Claims of the same thing at the same time: one of them wins.
my @claims = map { my $s = dial(); $s } 1 .. 30;
send_all($_, request_text('POST', '/apps', { name => 'race' })) for @claims;
my %won;
$won{ read_answer($_)->{status} }++ for @claims;
is($won{201}, 1, 'one of thirty gets the name');
is($won{422} // 0, 29, 'the others are told that it is taken');
@claims = map { dial() } 1 .. 30;
send_all($claims[$_], request_text('PATCH', '/apps/race/config-vars', { "V$_" => 'x' })) for 0 .. 29;
%won = ();
$won{ read_answer($_)->{status} }++ for @claims;
my $kept = keys %{ good('read them', 200, 'GET', '/apps/race/config-vars') };
is($kept, $won{200}, 'every change that was answered with 200 is there');
is($won{200} + ($won{409} // 0), 30, 'the others are 409');

# ---- a restart changes nothing ---------------------------------------------

my $was = good('all apps', 200, 'GET', '/apps');
is(stop_manager('TERM'), 0, 'it stops in order');
start_manager();
is_deeply(good('all apps', 200, 'GET', '/apps'), $was, 'and starts with what there was');
@claims = dial();

# ---- destroy, and a crash in the middle of it ------------------------------

for my $n (0 .. 299) {
    my $s = $claims[0];
    send_all($s, request_text('PATCH', '/apps/race', { maintenance => $n % 2 ? JSON::PP::true : JSON::PP::false }));
    read_answer($s);
}
good('destroy', 200, 'DELETE', '/apps/race');
bad('it is gone at once', 404, qr/no app/, 'GET', '/apps/race');
good('destroy another', 200, 'DELETE', '/apps/shop');
kill 'KILL', $pid;
waitpid $pid, 0;
undef $pid;
ok(-S "$dir/run/manager.sock", 'killed: the socket is left');
start_manager();
ok(wait_for(20, sub { call('POST', '/apps', { name => 'race' })->{status} == 201 }),
    'the name is free again after a crash');
is(scalar @{ good('its timeline', 200, 'GET', '/apps/race/timeline') }, 1, 'is its own');
good('the domain is free again', 201, 'POST', '/apps/race/domains', { hostname => 'old.example.org' });
is_deeply(good('its config', 200, 'GET', '/apps/race/config-vars'), {}, 'is empty');

# ---- the end ----------------------------------------------------------------

$tail = dial();
send_all($tail, request_text('GET', '/apps/race/logs?follow=1'));
read_until($tail, qr/created/);
my $half = dial();
send_all($half, "POST /apps HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
is(stop_manager('TERM'), 0, 'it stops in order, with streams open');
ok(!-e "$dir/run/manager.sock", 'and takes its socket away');
my @complaints = grep { /^==\d+==|AddressSanitizer|runtime error/ } split /\n/, slurp("$dir/log");
is_deeply(\@complaints, [], 'no complaint of valgrind or a sanitizer') or diag join "\n", @complaints;

done_testing();

#!/usr/bin/perl
# Log sessions as Heroku has them: a URL that takes no token, by which the log
# is read as lines or as events, and gone on with behind the last one.
use strict;
use warnings;
use lib 't/lib';
use File::Path qw(make_path);
use IO::Select;
use Manager;
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(time);

my $m = Manager->new;
my @nginx = (Socket => 'api.sock');
$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });

sub session {
    my (%want) = @_;
    my $s = $m->good('a session', 201, 'POST', '/apps/shop/log-sessions', \%want);
    return $s->{logplex_url} =~ m{^http://localhost(/streams/log_\w+_[\w.]*_[0-9a-f]{64})$} ? $1 : diag "no URL: $s->{logplex_url}";
}

# ---- what it is ------------------------------------------------------------

my $s = $m->good('a session', 201, 'POST', '/apps/shop/log-sessions', {});
is_deeply([sort keys %$s], [qw(created_at id logplex_url updated_at)], 'its fields');
like($s->{id}, qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'its id');
is($s->{created_at}, $s->{updated_at}, 'its time');
my $path = session(dyno => undef, type => undef, lines => undef, source => undef, tail => undef);
my $token = $m->good('a token', 201, 'POST', '/tokens', { scope => 'read' })->{token};
my @token = (@nginx, Authorization => "Bearer $token");
my @came = ('X-Forwarded-Host' => 'api.paas.test:8443', 'X-Forwarded-Proto' => 'https');
$s = $m->good('by nginx', 201, 'POST', '/apps/shop/log-sessions', {}, @token, @came);
like($s->{logplex_url}, qr{^https://api\.paas\.test:8443/streams/}, 'it is where the client came to');
$s = $m->good('on the socket', 201, 'POST', '/apps/shop/log-sessions', {}, @came);
like($s->{logplex_url}, qr{^http://localhost/streams/}, 'nobody else says so');

for (['lines', 0], ['lines', 1_000_001], ['lines', 'x'], ['dyno', '../x'], ['type', 'A'], ['dyno', 7], ['source', 'moon'],
    ['tail', 'yes'], ['colour', 1]) {
    $m->bad("$_->[0] $_->[1]", 422, qr/^\Q$_->[0]\E |\Q$_->[0]\E/, 'POST', '/apps/shop/log-sessions', { $_->[0] => $_->[1] });
}
$m->bad('both', 422, qr/dyno and type/, 'POST', '/apps/shop/log-sessions', { dyno => 'web.1', type => 'web' });
$m->bad('no app', 404, qr/nothing/, 'POST', '/apps/nothing/log-sessions', {});
$m->bad('nobody', 401, qr/token/, 'POST', '/apps/shop/log-sessions', {}, @nginx);

# ---- as lines --------------------------------------------------------------

my $stamp = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00/;
my $r = $m->call('GET', $path, undef, @nginx);
is($r->{status}, 200, 'it takes no token');
is($r->{headers}{'content-type'}, 'text/plain; charset=utf-8', 'it is text');
like($r->{body}, qr/\A$stamp app\[api\]: created app shop\n\z/, 'what was done to the app, as Heroku has it');
like($m->call('GET', $path)->{body}, qr/created app shop/, 'it is good more than once');

# As paas-logger writes them.
my ($number) = $path =~ /log_([0-9a-f]{16})/;
my $dir = "$m->{dir}/state/log/$number";
make_path($dir);
sub request {
    my ($at, $what) = @_;
    open my $fh, '>>', "$dir/ffffffffffffffff.log" or die "log: $!";
    printf {$fh} "%s.%06dZ o at=info method=GET path=\"/%s\" host=shop.test request_id=1 fwd=\"10.0.0.1\" "
        . "dyno= connect=1ms service=2ms status=200 bytes=3 protocol=http\n",
        strftime('%Y-%m-%dT%H:%M:%S', gmtime int $at), 1e6 * ($at - int $at), $what;
    close $fh;
}
my $now = int time;
request($now - 50 + $_, "old$_") for 1 .. 5;
like($m->call('GET', $path)->{body}, qr{^$stamp heroku\[router\]: at=info method=GET path="/old1" host}m, 'requests');
is(() = $m->call('GET', session(lines => 2))->{body} =~ /^/mg, 2, 'the last two');
sub got { return $m->call('GET', session(@_))->{body} }
unlike(got(source => 'app'), qr/router/, 'what the app says has no requests');
like(got(source => 'app'), qr/app\[api\]/, 'but what was done to it');
like(got(source => 'heroku'), qr/router/, 'the platform');
unlike(got(source => 'heroku'), qr/app\[/, 'is without the app');
is(() = got(dyno => 'router') =~ /^\S+ heroku\[router\]/mg, 5, 'requests alone');
like(got(dyno => 'api'), qr/\A\S+ app\[api\]: created app shop\n\z/, 'changes alone');
is(got(dyno => 'web.1'), '', 'nothing of a process that there is not');
is(got(type => 'worker'), '', 'nor of a type');

# ---- wrong ones ------------------------------------------------------------

for my $wrong ($path =~ s/log_\K(.)/$1 eq '0' ? 1 : 0/er, $path =~ s/(.)$/$1 eq '0' ? 1 : 0/er, "$path/x", '/streams/log_', '/streams/_',
    '/streams/log_' . 'a' x 64, $path =~ s/_\w*$//r) {
    is($m->call('GET', $wrong, undef, @nginx)->{status}, 404, 'another path is not there');
}
is($m->call('POST', $path, {}, @nginx)->{status}, 405, 'it is only read');

# ---- as events -------------------------------------------------------------

# What comes until there are so many events: [id, text] of each.
sub events {
    my ($at, $want, $seconds) = @_;
    my ($text, $end) = ('', time + ($seconds // 20));
    while (time < $end) {
        my @all = $text =~ /^id: (\S+)\ndata: (.*)\n\n/mg;
        return map { [@all[2 * $_, 2 * $_ + 1]] } 0 .. $#all / 2 if @all / 2 >= $want;
        IO::Select->new($at)->can_read($end - time) or last;
        sysread $at, $text, 65536, length $text or last;
    }
    return "only: $text";
}
my @sse = (Accept => 'text/event-stream');
$path = session(tail => JSON::PP::true, lines => 2, source => 'heroku');
my $tail = $m->send('GET', $path, undef, @nginx, @sse);
my @first = events($tail, 2);
is(@first, 2, 'two events') or diag @first;
like($first[0][1], qr{heroku\[router\]: at=info method=GET path="/old4"}, 'the first');
like($first[1][1], qr{/old5}, 'and the last');
request($now, "new$_") for 1 .. 4;
my @new = events($tail, 4);
is(@new, 4, 'it goes on') or diag @new;
close $tail;

# All four have one time.
for my $n (1 .. 3) {
    $tail = $m->send('GET', $path, undef, @nginx, @sse, 'Last-Event-ID' => $new[$n - 1][0]);
    my @rest = events($tail, 4 - $n);
    is_deeply(\@rest, [@new[$n .. 3]], "behind the event $n") or diag explain @rest;
    close $tail;
}
$tail = $m->send('GET', $path, undef, @nginx, @sse, 'Last-Event-ID' => $new[3][0]);
request($now + 1, 'newer');
like((events($tail, 1))[0][1], qr{/newer}, 'behind the last one is the next');
close $tail;

$r = $m->call('GET', session(lines => 2), undef, @nginx, @sse);
is($r->{headers}{'content-type'}, 'text/event-stream', 'events without tail');
is(() = $r->{body} =~ /^data: /mg, 2, 'end');
$r = $m->call('GET', session(lines => 2), undef, @nginx, @sse, 'Last-Event-ID' => '1.1');
is($r->{status}, 204, 'and who comes again is told so');
$m->bad("Last-Event-ID $_", 400, qr/Last-Event-ID/, 'GET', $path, undef, @nginx, @sse, 'Last-Event-ID' => $_)
    for 'x', '1', '1.x', '-1.1', '1.-1', '9' x 60;

$r = $m->call('GET', '/apps/shop/logs?source=router&lines=1', undef, @sse);
like($r->{body}, qr{\Aid: \d+\.1\ndata: $stamp router\[-\]: at=info.*/newer.*\n\n\z}, 'the log itself gives events, too');

# ---- its end ---------------------------------------------------------------

$tail = $m->send('GET', $path, undef, @nginx, @sse);
is(events($tail, 2), 2, 'a reader');
$m->good('the app goes', 200, 'DELETE', '/apps/shop');
like($m->answer($tail)->{body}, qr/\A\s*\z/, 'it ends');
is($m->call('GET', $path, undef, @nginx)->{status}, 404, 'the log is not there any more');

done_testing();

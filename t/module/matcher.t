# Generated hosts and paths, each answered as a plain reference matcher would:
# all that people and programs send, at few routes and at many, with patterns
# and a default route among them.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Reference;
use PaasTest::Router;
use Test::More;

my $requests = $ENV{PAAS_LONG} ? 1_000_000 : 50_000;
my @sizes = (1, 99, 100, 101, 100_000);
my %default = (101 => 1);
my %patterns = map { $_ => ['(?<app>shop|blog)\..*\.(com|net)', 'host(\d)(\d*)\..+', '[a-c]\.(?:www|api)(?:\.[^.]+)?',
    '(?:x-|-x)\..*', '(?<app>shop|mail)\..*', '\[[0-9a-f:]+8\]'] } 100, 101, 100_000;
my $seed = $ENV{PAAS_SEED} // 1;
srand $seed;

my @words = (qw(a b c www api shop blog mail x1 0x7f 7 42 a-b a_b -x x- xn--bcher-kva xn--p1ai com net test),
    'l' x 63);
my @paths = ('/', '/api', '/api/', '/api/v2', '/api/v2/x', '/apix', '/shop/1', '/a/b/c/d');
my @prefixes = qw(/api /api/v2 /shop /a/b);
my @literals = qw(127.0.0.1 10.0.0.1 1.2.3.4 255.255.255.255 [::1] [::] [fe80::1] [2001:db8::7:8]
    [::ffff:1.2.3.4] [1:0:0:2:0:0:0:3]);

sub pick { return $_[rand @_] }

sub name {
    my ($labels) = @_;
    while (1) {
        my $name = join '.', map { pick(@words) } 1 .. $labels;
        return $name if length $name <= 253 && defined PaasTest::Reference::canonical($name);
    }
}

# About one in fifty is as deep as a name can be.
sub random_name { return rand() < 0.02 ? join('.', ('d') x (20 + rand 105), 'test') : name(1 + rand 5) }

# The database's text, and the same for the reference.
sub make_routes {
    my ($count) = @_;
    my (%routes, @patterns, $pool);
    my @lines;
    my $route = sub {
        my ($to, $record, $prefix) = @_;
        $to->{$prefix} = ++$pool;
        push @lines, "pool $pool app=p$pool type=web\n", "instance $pool $pool 127.0.0.1:$ENV{B1}\n",
            "$record pool=$pool path=$prefix\n";
    };
    for my $expression (@{ $patterns{$count} // [] }) {
        push @patterns, [$expression, {}];
        $route->($patterns[-1][1], 'pattern ' . 7 * @patterns . " $expression", $_) for '/', pick(@prefixes);
    }
    if ($default{$count}) { $route->($routes{'*'} //= {}, 'host *', $_) for '/', '/api' }
    while (keys %routes < $count) {
        my $host = rand() < 0.3 || !%routes ? '.' . random_name()
            : rand() < 0.01 ? PaasTest::Reference::canonical(pick(@literals))
            : $count > 1000 && rand() < 0.8 ? 'host' . int(rand 1e6) . '.' . name(2) : random_name();
        next if $routes{$host} || length $host > 253;
        for my $prefix ('/', rand() < 0.2 ? grep { rand() < 0.5 } @prefixes : ()) {
            next if $prefix eq '/' && rand() < 0.05;
            $route->($routes{$host} //= {}, 'host ' . $host =~ s/^\./*./r, $prefix);
        }
    }
    return (\%routes, \@patterns, join '', @lines);
}

# ---- what comes in over the wire ------------------------------------------------

sub upper { my ($name) = @_; return join '', map { rand() < 0.5 ? uc : $_ } split //, $name }

# One name made into another one, which may be a host or none.
my @change = (
    sub { $_[0] }, sub { $_[0] }, sub { upper($_[0]) }, sub { "$_[0]." }, sub { upper($_[0]) . '.:80' },
    sub { "$_[0]:" . int rand 70_000 }, sub { "$_[0]:" . pick('', '80x', '-1', '65536', '00080', '99999999999', '80:80') },
    sub { pick(@words) . ".$_[0]" }, sub { name(1 + rand 3) . ".$_[0]" }, sub { $_[0] =~ s/^[^.]*\.//r },
    sub { pick(@words) . $_[0] }, sub { $_[0] . pick(@words) }, sub { $_[0] =~ s/\./../r }, sub { "$_[0].." },
    sub { ".$_[0]" }, sub { "*.$_[0]" }, sub { 'm' x (62 + rand 4) . ".$_[0]" },
    sub { 'y.' x ((253 - length($_[0])) / 2 + rand 3) . $_[0] }, sub { my $s = $_[0]; chop $s; $s },
    sub { my $s = $_[0]; substr($s, rand length $s, 1, pick(@words)); $s },
    sub { my $s = $_[0]; substr($s, rand 1 + length $s, 0, chr 0x21 + rand 222); $s },
    sub { my $s = $_[0]; substr($s, rand 1 + length $s, 0, pick("\xc3\xbc", '%00', '%2e', "\t", ' ', '/', "\x7f", "\x01")); $s },
    sub { "u\@$_[0]" }, sub { "[$_[0]]" }, sub { "$_[0]#x" },
);
my @rubbish = ('-', '.', '..', '*', '<script>', '[', '[]', '[::1', '[::1]x', '[::g]', '[::1%25lo]', '[1:2]', '256.1.1.1',
    '1.2.3', '1.2.3.4.5', '01.2.3.4', '1.2.3.4x', '1234', '2130706433', '[::1].', ':80', 'a,b.test',
    '[0:0:0::1]', '[0:0:0:0:0:0:0:1]:80', '[FE80:0::0:1]', '[::ffff:102:304]', '[2001:DB8:0:0::7:8]:', '127.0.0.1.:8080',
    'x' x 7000, 'x.' x 127, ('z' x 63 . '.') x 3 . 'z' x 61, ('z' x 63 . '.') x 3 . 'z' x 62, ('z' x 63 . '.') x 3 . 'z' x 61 . '.');

sub random_host {
    my ($known) = @_;
    my $n = rand;
    return pick(@rubbish, @literals) if $n < 0.05;
    my $name = $n < 0.7 ? pick(@$known) : random_name();
    $name = pick(@words) . $name if $name =~ /^\./;
    $name = pick(@change)->($name);
    return $n < 0.5 || length $name > 253 ? $name : pick(@change)->($name);
}

# A request and what it has to be answered with: status, pool, host.
sub random_request {
    my ($routes, $patterns, $known) = @_;
    my ($host, $path) = (random_host($known), pick(@paths));
    $path = "/pass$path" if rand() < 0.05;
    my ($target, $header) = ($path, $host);

    # The URI's host wins; what may stand there nginx says, and says 400.
    if (rand() < 0.1 && $host =~ /\A[A-Za-z0-9.-]+(?::\d{1,5})?\z/) {
        ($target, $header) = ("http://$host$path", pick('other.test', $host));
    } elsif (rand() < 0.1) {
        $header = " $header  ";
    }
    my $text = "HEAD $target HTTP/1.1\r\nHost: $header\r\n\r\n";
    # nginx takes blanks round a header's value off, but no tabs.
    my $name = PaasTest::Reference::canonical($host =~ s/\A +| +\z//gr);
    return ($text, '400') if !defined $name;
    my $pool = PaasTest::Reference::match($routes, $patterns, $name, $path);
    return ($text, defined $pool ? sprintf '200 %016x %s', $pool, $name : "404 $name");
}

# ---- asking ---------------------------------------------------------------------

sub answers {
    my ($r, $texts) = @_;
    my @got;
    while (@got < @$texts) {
        my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $r->{ask}) or die "nginx: $!";
        my $from = @got;
        my $raw = '';
        local $SIG{PIPE} = 'IGNORE';
        syswrite $s, join '', @$texts[@got .. $#$texts];
        while (@got < @$texts) {
            if ($raw !~ s/\A(.*?)\r\n\r\n//s) {
                sysread($s, $raw, 1 << 16, length $raw) or last;
                next;
            }
            push @got, $1;
            last if $got[-1] =~ /^Connection: close/m;
        }
        die "closed without an answer to '$texts->[$from]'\n" . $r->log if @got == $from;
    }
    return @got;
}

sub meaning {
    my ($head) = @_;
    my ($status) = $head =~ m{\AHTTP/1\.1 (\d+)} or return $head;
    return $status if $status == 400;
    my ($pool, $host) = $head =~ /^X-Got: (\w*),(\S*?)\r?$/m or return $head;
    my ($seen) = $head =~ /^X-Seen: (\S*?)\r?$/m;
    return "the app got $seen, not $host" if defined $seen && $seen ne $host;
    my ($error) = $head =~ /^X-Paas-Error: (\w+)/m;
    return "$status $host" if $status == 404 && $error eq 'no_route';
    return "$status $pool $host" if $status == 200 && !defined $error;
    return $head;
}

for my $size (@sizes) {
    my ($routes, $patterns, $text) = make_routes($size);
    my $known = [grep { $_ ne '*' } sort keys %$routes];
    new_routes($text);
    my $ask = free_port();
    my $r = PaasTest::Router->new(workers => 1, ask => $ask, zone => 'paas 64m', http => <<EOT);
log_format got '\$paas_pool';
keepalive_requests 1000000000;
server {
    listen 127.0.0.1:$ask;
    add_header X-Got "\$paas_pool,\$paas_host" always;
    location / { paas on; empty_gif; }
    location /pass { paas on; proxy_pass http://apps; include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf; }
}
server { listen 127.0.0.1:$ENV{B1}; location / { add_header X-Seen \$http_host; return 200; } }
EOT
    my ($left, %kinds, @different) = $requests / @sizes;
    while ($left > 0) {
        my (@texts, @want);
        for (1 .. 100) {
            my ($request, $want) = random_request($routes, $patterns, $known);
            push @texts, $request;
            push @want, $want;
        }
        my @got = map { meaning($_) } answers($r, \@texts);
        for my $n (0 .. $#want) {
            $kinds{ substr $want[$n], 0, 3 }++;
            next if $got[$n] eq $want[$n];
            push @different, "sent '$texts[$n]' want '$want[$n]' got '$got[$n]'" =~ s/([^\x20-\x7e])/sprintf '\x%02x', ord $1/ger;
        }
        $left -= @want;
    }
    my $all = $requests / @sizes;
    is(scalar @different, 0, "$size routes: no difference in $all requests")
        or diag "seed $seed\n" . join "\n", grep { defined } @different[0 .. 9];
    cmp_ok($kinds{$_} // 0, '>', $all / 30, "$size routes: enough of $_") for 200, 400, $default{$size} ? () : 404;
    unlike($r->log, qr/\[(?:alert|crit|emerg)\]/, "$size routes: nothing bad in the log");
    $r->stop;
}

done_testing();

#!/usr/bin/perl
# Each list that the API describes of itself: its pages have all of it and
# nothing twice, by each field that it says it has an order of, both ways; what
# is no range is refused; and what a client has is not sent again.  The lists
# are those of the description: one that nothing is made for here fails.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP;
use Platform;
use Test::More;

my $p = Platform->new;
my $dir = tempdir('paas-lists-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my %values = (app => 'shop', team => 'crew');
# What a platform has one of.
my %single = map { $_ => 1 } '/regions', '/stacks', '/apps/{app}/available-stacks';
# Who comes by a browser: the list of sessions is for no other.
my %browser = (socket => "$p->{run}/api.sock");

sub slurp {
    open my $fh, '<:raw', $_[0] or die "$_[0]: $!";
    local $/;
    return scalar <$fh>;
}

sub make {
    my ($status, $method, $path, @more) = @_;
    my $r = $p->api($method, $path, @more);
    BAIL_OUT("$method $path: $r->{status} $r->{body}") if $r->{status} != $status;
    return $r->{json};
}

# ---- two of each ----------------------------------------------------------

Platform::run('tar', '-C', "$Platform::top/t/fixtures/procfile", '-cf', "$dir/tar", '.');
make(201, 'POST', '/setup', { token => make(201, 'POST', '/setup-tokens', {})->{token}, email => 'ada@example.com', password => 'correct horse' });
make(201, 'POST', '/users', { email => $_, role => 'member' }) for 'vic@example.com', 'bob@example.com';
# A name is anybody's own text, and no page is to end with what a header can't say.
make(200, 'PATCH', "/users/$_->[0]", { name => $_->[1] })
    for ['ada@example.com', 'Ada; max=7'], ['vic@example.com', "V\x{ef}c.. or"], ['bob@example.com', ']Bob'];
make(201, 'POST', '/teams', { name => $_ }) for 'crew', 'band';
for my $user ('ada@example.com', 'vic@example.com') {
    make(201, 'POST', '/teams/crew/members', { email => $user, role => 'member' });
}
make(201, 'POST', '/apps', { name => 'shop' });
make(201, 'POST', '/teams/apps', { name => $_, team => 'crew' }) for 'ours', 'theirs';
for (1, 2) {
    make(201, 'POST', '/apps/shop/builds', slurp("$dir/tar"), headers => { 'Content-Type' => 'application/x-tar' }, timeout => 120);
    make(200, 'PATCH', '/apps/shop/formation', { updates => [{ type => 'web', quantity => 2 }] });
    make(201, 'POST', '/apps/shop/cron', { schedule => "$_ 4 * * *", command => 'true' });
    make(201, 'POST', '/apps/shop/log-drains', { url => "syslog://203.0.113.$_:514" });
    make(201, 'POST', '/apps/shop/domains', { hostname => "www$_.example.com" });
    make(201, 'PUT', "/patterns/$_", { pattern => "x$_\[0-9]\\.example\\.net", instances => [{ address => '203.0.113.1', port => 80 }] });
    make(201, 'POST', '/tokens', { scope => 'read' });
    make(201, 'POST', '/oauth/authorizations', { scope => ['read'] });
    Platform::run('ssh-keygen', '-q', '-N', '', '-t', 'ed25519', '-f', "$dir/ssh$_");
    make(201, 'POST', '/account/keys', { public_key => slurp("$dir/ssh$_.pub") });
    Platform::run(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=x),
        '-addext', "subjectAltName=DNS:www$_.example.com", '-keyout', "$dir/key$_", '-out', "$dir/cert$_");
    for my $at ('/apps/shop/sni-endpoints', '/certificates') {
        make(201, 'POST', $at, { certificate_chain => slurp("$dir/cert$_"), private_key => slurp("$dir/key$_") });
    }
    my %came = ('X-Paas-Via' => 'api', 'X-Real-IP' => '192.0.2.1', 'X-Forwarded-Host' => "api.$p->{domain}", 'X-Forwarded-Proto' => 'https');
    my $begun = $p->api('POST', '/sessions', { email => 'ada@example.com', password => 'correct horse' }, %browser, headers => \%came);
    my ($cookie) = ($begun->{headers}{'set-cookie'} // '') =~ /^([^;]+)/ or BAIL_OUT("a session: $begun->{body}");
    $browser{headers} = { %came, Cookie => $cookie, 'X-CSRF-Token' => $begun->{json}{csrf_token} } if $_ == 2;
}
make(200, 'PUT', '/apps/shop/buildpack-installations', { updates => [map { +{ buildpack => $_ } } 'procfile', 'static'] });
make(201, 'PUT', "/routes/$_.example.net", { instances => [{ address => '203.0.113.1', port => 80 }] }) for 'one', 'two';
make(201, 'POST', '/apps/shop/collaborators', { user => $_, role => 'viewer' }) for 'ada@example.com', 'vic@example.com';
make(201, 'POST', '/teams/apps/ours/collaborators', { user => 'vic@example.com', role => 'viewer' });
make(201, 'PUT', "/apps/shop/teams/$_", { role => 'viewer' }) for 'crew', 'band';
ok($p->wait_up('shop', 2), 'all of it is there, and up');

# ---- each list ------------------------------------------------------------

my %at = ('/sessions' => \%browser);

sub get {
    my ($template, %headers) = @_;
    (my $path = $template) =~ s/\{(\w+)\}/$values{$1} \/\/ die "$template: $1?"/ge;
    my %o = %{ $at{$template} // {} };
    my $r = $p->api('GET', $path, undef, %o, headers => { %{ $o{headers} // {} }, %headers });
    my @wrong = $p->schema->answer('GET', $path, $r);
    fail($_) for @wrong;
    return $r;
}

sub texts { return [sort map { $json->encode($_) } @_] }

# pages(template, field, " order=desc" or "") -> the items, in the order of the pages
sub pages {
    my ($list, $field, $order, $n) = @_;
    my ($range, @items, @wrong) = ("$field ..; max=1$order");
    for (0 .. $n) {
        my $r = get($list, Range => $range);
        return "Range: $range: $r->{status} $r->{body}" if ref $r->{json} ne 'ARRAY';
        push @items, @{ $r->{json} };
        my $next = $r->{headers}{'next-range'};
        push @wrong, "$r->{status} of $range" if $r->{status} != (defined $next ? 206 : 200);
        push @wrong, 'Content-Range: ' . ($r->{headers}{'content-range'} // 'none') . " of $range"
            if ($r->{headers}{'content-range'} // '') !~ /^$field .+\.\..+; max=1$order$/;
        push @wrong, "an empty page of $range" if !@{ $r->{json} };
        $range = $next // last;
    }
    return (join('; ', @wrong), @items);
}

sub check_pages {
    my ($list, $field, @all) = @_;
    for my $order ('', ', order=desc') {
        my ($wrong, @items) = pages($list, $field, $order, scalar @all);
        is($wrong, '', "$list by $field$order: each page is told of");
        is_deeply(texts(@items), texts(@all), '... all of it, and nothing twice');
        my @keys = map { $_->{$field} } @items;
        my @sorted = (grep { !/^\d+$/ } @keys) ? sort @keys : sort { $a <=> $b } @keys;
        is_deeply(\@keys, $order ? [reverse @sorted] : \@sorted, '... in order');
    }
}

sub check_tag {
    my ($list, $what, %range) = @_;
    my $r = get($list, %range);
    my $tag = $r->{headers}{etag} // 'none';
    like($tag, qr/^"[0-9a-f]+"$/, "$list: $what has an ETag");
    my $again = get($list, %range, 'If-None-Match' => $tag);
    is("$again->{status} $again->{body}", '304 ', '... and is not sent again');
    is(get($list, %range, 'If-None-Match' => '"0"')->{status}, $r->{status}, '... but to who has another');
}

sub check_list {
    my ($list, $schema) = @_;
    my $r = get($list);
    is($r->{status}, 200, "GET $list") or return diag $r->{body};
    my @all = @{ $r->{json} };
    my $least = defined $schema->{maxItems} && $schema->{maxItems} == 0 ? 0 : $single{$list} ? 1 : 2;
    cmp_ok(scalar @all, '>=', $least, "... has $least at least: make them above");
    for ('nonsense', 'id', 'nothing_of_that_kind ..', 'id ..; max=0', 'id ..; max=1001', 'id ..; order=up') {
        my $bad = get($list, Range => $_);
        is("$bad->{status} $bad->{json}{id}", '416 requested_range_not_satisfiable', "... Range: $_") or diag $bad->{body};
        is($bad->{headers}{'accept-ranges'}, $r->{headers}{'accept-ranges'}, '... which says what there is');
    }
    check_tag($list, 'all of it');
    my @fields = split /, /, $r->{headers}{'accept-ranges'} // '';
    ok(scalar @fields, '... Accept-Ranges') or return;
    return is(get($list, Range => 'id ..; max=1')->{body}, "[]\n", '... a page of none') if !@all;
    check_tag($list, 'a page', Range => "$fields[0] ..; max=1");
    check_pages($list, $_, @all) for @fields;
}

my $lists = 0;
for my $o ($p->schema->operations) {
    my ($method, $path, $operation) = @$o;
    my $answer = $operation->{responses}{200} or next;
    my $schema = $p->schema->follow((($p->schema->follow($answer)->{content} // {})->{'application/json'} // {})->{schema});
    next if $method ne 'GET' || ($schema->{type} // '') ne 'array';
    check_list($path, $schema);
    $lists++;
}
cmp_ok($lists, '>=', 38, "$lists lists");

done_testing();

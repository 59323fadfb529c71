#!/usr/bin/perl
# Whose a host is: the platform's, somebody's, a wildcard's; two at once.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP;
use Manager;
use Test::More;

my $m = Manager->new;
my @from = (Socket => 'api.sock', 'X-Paas-Via' => 'api', 'X-Real-IP' => '192.0.2.1');
my %as;
for (qw(dan eve)) {
    $m->good("the user $_", 201, 'POST', '/users', { email => "$_\@example.com", password => "secret of $_" });
    my $r = $m->call('POST', '/sessions', { email => "$_\@example.com", password => "secret of $_" }, @from);
    my ($cookie) = $r->{headers}{'set-cookie'} =~ /^([^;]*)/;
    $as{$_} = [@from, Cookie => $cookie, 'X-CSRF-Token' => $r->{json}{csrf_token}];
}
sub deployer { $m->good("$_[0] deploys $_[1]", 201, 'POST', "/apps/$_[1]/collaborators", { user => "$_[0]\@example.com", role => 'deployer' }) }
for (['dan', 'shop'], ['eve', 'blog'], ['eve', 'news']) {
    $m->good("the app $_->[1]", 201, 'POST', '/apps', { name => $_->[1] }) ;
    deployer(@$_);
}
sub claim { my ($user, $app, $host) = @_; return ('POST', "/apps/$app/domains", { hostname => $host }, @{ $as{$user} // [] }) }
sub good { my @claim = @_; return $m->good("$claim[0]: $claim[2]", 201, claim(@claim)) }
sub bad { my ($pattern, @claim) = @_; return $m->bad("$claim[0]: $claim[2]", 422, $pattern, claim(@claim)) }

# ---- the platform's ------------------------------------------------------

bad(qr/^hostname.*belongs to the platform/, 'dan', 'shop', $_)
    for qw(api.paas.localhost git.paas.localhost console.paas.localhost blog.paas.localhost paas.localhost *.paas.localhost a.b.paas.localhost shop.internal);
bad(qr/platform's own domain/, 'dan', 'shop', '*.localhost');
bad(qr/^hostname.*no app's/, 'dan', 'shop', '*');
bad(qr/^hostname \*\.example takes in everybody's/, 'dan', 'shop', '*.example');

bad(qr/^hostname \S+ is how people call a machine/, 'dan', 'shop', $_) for qw(localhost LOCALHOST. api com 127.0.0.1 192.0.2.1 [::1]);
$m->good('but by an administrator', 201, claim('root', 'shop', '192.0.2.1'));

# ---- somebody's ------------------------------------------------------------

good('dan', 'shop', 'www.example.com');
bad(qr/^hostname "www\.example\.com" is taken by another app$/, 'eve', 'blog', 'www.example.com');
bad(qr/^hostname would take in www\.example\.com, which is not yours/, 'eve', 'blog', '*.example.com');
good('dan', 'shop', '*.example.com');
bad(qr/^hostname is below \*\.example\.com, which is not yours/, 'eve', 'blog', $_)
    for qw(blog.example.com a.b.c.example.com *.b.example.com WWW2.Example.Com);
good('eve', 'blog', $_) for qw(example.com notexample.com example.com.example.org);
good('eve', 'blog', 'deep.down.example.net');
bad(qr/^hostname would take in deep\.down\.example\.net/, 'dan', 'shop', '*.example.net');
good('eve', 'news', '*.down.example.net');
bad(qr/^hostname would take in/, 'dan', 'shop', '*.example.net');
deployer('dan', 'blog');
bad(qr/^hostname would take in \*\.down\.example\.net/, 'dan', 'shop', '*.example.net');
deployer('dan', 'news');
good('dan', 'shop', '*.example.net');
good('root', 'news', 'root.example.com');

$m->good('a route of the platform', 201, 'PUT', '/routes/old.example.info', { instances => [{ address => '192.0.2.7', port => 80 }] });
bad(qr/^hostname would take in old\.example\.info/, 'dan', 'shop', '*.example.info');
bad(qr/^hostname "old\.example\.info" is a route/, 'dan', 'shop', 'old.example.info');

# ---- two at once ----------------------------------------------------------

my %got;
for my $round (1 .. 15) {
    for my $pair (["*.r$round.example.org", "www.r$round.example.org"], ["www.r$round.example.org", "*.r$round.example.org"],
        ["same$round.example.org", "same$round.example.org"]) {
        my $kind = join ' and ', map { s/\d+//gr } @$pair;
        my @asked = map { $m->send(@$_) } [claim('dan', 'shop', $pair->[0])], [claim('eve', 'news', $pair->[1])];
        my @status = map { $m->answer($_)->{status} } @asked;
        $got{$kind}{ join ' ', sort @status }++;
        for my $app ('shop', 'news') {
            for my $d (@{ $m->call('GET', "/apps/$app/domains")->{json} }) {
                $m->call('DELETE', "/apps/$app/domains/$d->{hostname}") if $d->{hostname} =~ /example\.org$/ && $d->{hostname} =~ /r\d|same/;
            }
        }
    }
}
# dan deploys news, too, so that only eve is refused; which is for who is last.
is_deeply($got{'same.example.org and same.example.org'}, { '201 422' => 15 }, 'of two at once one has the host') or diag explain \%got;
$m->good('dan is no deployer of news', 200, 'DELETE', '/apps/news/collaborators/dan@example.com');
$m->good('nor of blog', 200, 'DELETE', '/apps/blog/collaborators/dan@example.com');
%got = ();
for my $round (1 .. 15) {
    my @hosts = ("*.s$round.example.org", "www.s$round.example.org");
    @hosts = reverse @hosts if $round % 2;
    my @asked = map { $m->send(@$_) } [claim('dan', 'shop', $hosts[0])], [claim('eve', 'news', $hosts[1])];
    $got{ join ' ', sort map { $m->answer($_)->{status} } @asked }++;
}
is_deeply(\%got, { '201 422' => 15 }, 'of a wildcard and a host below it, asked for at once, one wins');
$m->stop('TERM');
done_testing;

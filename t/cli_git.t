#!/usr/bin/perl
# paas git:remote and git:credentials: git knows where to push and gets a
# token, which nobody else sees.
use strict;
use warnings;
use lib 't/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use IPC::Run qw(run timeout);
use Manager;
use Test::More;

my $paas = abs_path(($ENV{PAAS_BUILD} // 'build') . '/bin/paas');
my $m = Manager->new;
my $dir = tempdir(CLEANUP => 1);
my $socket = "$m->{dir}/run/manager.sock";
my $base = 'http://git.paas.localhost:8080';
my $kept = "$dir/home/.config/paas/git/git.paas.localhost:8080";
mkdir "$dir/$_" for qw(home none work);
delete @ENV{ grep { /^(?:GIT_|PAAS_APP|PAAS_SOCKET|XDG_)/ } keys %ENV };
@ENV{qw(HOME GIT_CONFIG_NOSYSTEM GIT_CEILING_DIRECTORIES)} = ("$dir/home", 1, $dir);

# paas(folder, words, \input) -> (exit status, output, messages)
sub paas {
    my ($folder, @words) = @_;
    my $in = ref $words[-1] ? ${ pop @words } : '';
    run [$paas, '--socket', $socket, @words], \$in, \my $out, \my $err, init => sub { chdir "$dir/$folder" or die },
        timeout(30);
    return ($? >> 8, $out, $err);
}

sub git {
    my (@words) = @_;
    run ['git', '-C', "$dir/work", @words], \'', \my $out, \my $err, timeout(30);
    return $out;
}

sub spill {
    my ($path, $text) = @_;
    open my $fh, '>', $path or die "$path: $!";
    print {$fh} $text;
    close $fh or die;
    return;
}

sub tokens { return @{ $m->good('tokens', 200, 'GET', '/tokens') } }

$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
is($m->good('app', 200, 'GET', '/apps/shop')->{git_url}, "$base/shop.git", 'an app has a git_url');
is($m->good('health', 200, 'GET', '/health')->{git_url}, $base, 'and the platform');

# ---- git:remote ----------------------------------------------------------

my ($rc, $out, $err) = paas('none', 'git:remote', '-a', 'shop');
is($rc, 1, 'outside of a repository: refused');
like($err, qr/no git repository.*git init/, 'and says what to do');
git('init', '-q');
($rc, $out, $err) = paas('work', 'git:remote', '-a', 'none');
is($rc, 1, 'an app that is none: refused');
is(git('remote'), '', 'and nothing is set');
($rc, $out, $err) = paas('work', 'git:remote', '-a', 'shop');
is($rc, 0, 'git:remote') or diag $err;
like($out, qr{^The remote paas is $base/shop\.git\nPush to it with: git push paas main$}m, 'tells what it did');
is(git('remote', 'get-url', 'paas'), "$base/shop.git\n", 'the remote');
my $config = git('config', '--get-all', "credential.$base.helper");
like($config, qr{^\n!'\Q$paas\E' --socket '\Q$socket\E' git:credentials\n\z}, "the helper, in place of the machine's");
is((paas('work', 'git:remote', '-a', 'shop'))[0], 0, 'again');
is(git('config', '--get-all', "credential.$base.helper"), $config, 'changes nothing');
is((paas('work', 'git:remote', '-a', 'shop', '-r', 'live/eu'))[0], 0, 'another name');
is(git('remote', 'get-url', 'live/eu'), "$base/shop.git\n", 'is another remote');
for my $bad ('-x', 'a b', 'a..b', '', "a\nb", '--upload-pack=x') {
    is((paas('work', 'git:remote', '-a', 'shop', "--remote=$bad"))[0], 2, "a remote named '$bad': refused");
}
is(git('remote'), "live/eu\npaas\n", 'and not set');

# ---- the app of a folder ---------------------------------------------------

mkdir "$dir/work/lib";
sub app_here { my ($folder) = @_; my ($is, $says, $why) = paas($folder, 'apps:info', '--json'); return $is == 0 ? 'shop' : "$is $why" }
is(app_here('work'), 'shop', 'it is that of the remote paas');
is(app_here('work/lib'), 'shop', 'below as well');
like(app_here('none'), qr/^2 .*which app\?.*paas git:remote -a APP/, 'and nowhere else');
for my $url ('ssh://git@git.paas.localhost:2222/shop.git', 'https://git.paas.localhost/shop.git') {
    git('remote', 'set-url', 'paas', $url);
    is(app_here('work'), 'shop', $url);
}
for my $url ('https://github.com/shop.git', 'git@git.paas.localhost:shop.git', "$base/a/shop.git", "$base/shop", "$base/Shop.git") {
    git('remote', 'set-url', 'paas', $url);
    like(app_here('work'), qr/which app\?/, "$url is none");
}
git('remote', 'set-url', 'paas', "$base/other.git");
spill("$dir/work/.paas", "shop\n");
is(app_here('work/lib'), 'shop', 'a file .paas goes before it');
unlink "$dir/work/.paas";
{
    # logged in elsewhere, where nobody is: exit status 3 is of who asked
    local $ENV{PAAS_TOKEN} = 'paas_x';
    for (['localhost:1', 2], ['http://api.paas.localhost:1', 3]) {
        my ($host, $status) = @$_;
        local $ENV{PAAS_HOST} = $host;
        run [$paas, 'ps'], \'', \my $out, \my $why, init => sub { chdir "$dir/work" or die }, timeout(30);
        is($? >> 8, $status, "at $host " . ($status == 2 ? 'it is of another platform' : 'it is of this one')) or diag $why;
    }
}
git('remote', 'set-url', 'paas', "$base/shop.git");

# ---- git:credentials ------------------------------------------------------

sub ask {
    my ($what, %c) = @_;
    my $text = join '', map { "$_=$c{$_}\n" } sort keys %c;
    return paas('none', 'git:credentials', $what, \"$text\n");
}
my %ours = (protocol => 'http', host => 'git.paas.localhost:8080');
for my $other ({ %ours, host => 'git.example.org' }, { %ours, protocol => 'https' }, { %ours, host => 'git.paas.localhost' },
    { %ours, host => '../../x' }, { %ours, host => 'git.paas.localhost:8080/x' }, { host => $ours{host} }, {}) {
    ($rc, $out) = ask('get', %$other);
    is("$rc $out", '0 ', 'nothing for ' . join ' ', map { "$_=$other->{$_}" } sort keys %$other);
}
is(scalar tokens(), 0, 'and no token was made');
($rc, $out, $err) = ask('get', %ours);
is($rc, 0, 'the platform\'s own host') or diag $err;
my ($token) = $out =~ /^username=\w+\npassword=(paas_[0-9a-f_]+)\n\z/;
ok($token, 'gets a token') or diag $out;
my @all = tokens();
is(scalar @all, 1, 'which was made for it');
like($all[0]{description}, qr/^git of root on /, 'and says so');
ok($all[0]{expires_at}, 'and ends one day');
is(sprintf('%o', (stat $kept)[2] & 07777), '600', 'it is kept for its owner alone');
is(sprintf('%o', (stat "$dir/home/.config/paas")[2] & 07777), '700', 'in a folder for its owner alone');
is((ask('get', %ours))[1], $out, 'and given again');
is(scalar tokens(), 1, 'without another one');
is((ask('store', %ours, username => 'x', password => 'other'))[0], 0, 'what git wants to store');
is((ask('get', %ours))[1], $out, 'is not taken');
is((ask('erase', %ours, password => 'other'))[0], 0, 'what is not the token');
ok(-e $kept, 'erases nothing');
is((ask('erase', %ours, password => $token))[0], 0, 'one that git was refused with');
ok(!-e $kept, 'is forgotten');
isnt((ask('get', %ours))[1], $out, 'the next one is new');
open my $fh, '>', $kept or die;
print {$fh} "$token ", time + 60, "\n";
close $fh;
isnt((ask('get', %ours))[1], $out, 'one that is about to end is replaced');
unlike(git('config', '--list'), qr/$token/, 'no token is in a config');

# What git itself gets, through a shell, by the config above.
run ['git', '-C', "$dir/work", 'credential', 'fill'], \"protocol=http\nhost=$ours{host}\n\n", \$out, \$err, timeout(30);
like($out, qr/^password=paas_/m, 'git asks and is answered') or diag $err;

is($m->stop('TERM'), 0, 'the manager stops');
($rc, $out, $err) = ask('get', %ours);
is($out, '', 'without a manager there is no answer');

done_testing();

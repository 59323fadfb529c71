#!/usr/bin/perl
# SSH keys in the API and on the command line: what is taken for one, what is
# refused, and what sshd is told.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP;
use Manager;
use MIME::Base64;
use Test::More;

my $m = Manager->new(ssh_port => 2222);
my $dir = tempdir(CLEANUP => 1);
my $build = $ENV{PAAS_BUILD} // 'build';

# A new pair of the kind; the public key's line.
sub key {
    my ($name, @kind) = @_;
    system('ssh-keygen', '-q', '-N', '', '-C', "$name\@laptop", '-f', "$dir/$name", @kind) == 0 or BAIL_OUT('ssh-keygen');
    return text("$dir/$name.pub");
}

sub text { my ($path) = @_; open my $fh, '<', $path or die "$path: $!"; local $/; return scalar <$fh> }

sub add { my ($what, $line) = @_; return $m->good($what, 201, 'POST', '/account/keys', { public_key => $line }) }

my %line = (ed => key('ed', '-t', 'ed25519'), ec => key('ec', '-t', 'ecdsa', '-b', '521'),
    rsa => key('rsa', '-t', 'rsa', '-b', '2048'), weak => key('weak', '-t', 'rsa', '-b', '1024'));
my $print = (split ' ', `ssh-keygen -lf $dir/ed.pub`)[1];

is_deeply($m->good('none', 200, 'GET', '/account/keys'), [], 'no keys');
my $ed = add('an Ed25519 key', $line{ed});
is($ed->{fingerprint}, $print, 'its fingerprint is that of ssh-keygen');
is("$ed->{comment} $ed->{email} $ed->{user}{email}", 'ed@laptop root root', 'its comment, and who has added it');
is("$ed->{public_key}\n", $line{ed}, 'the key itself');
add('an ECDSA key', $line{ec});
add('an RSA key', "\n  $line{rsa}\r\n");
is(scalar @{ $m->good('three', 200, 'GET', '/account/keys') }, 3, 'are there');
is_deeply($m->good('by its id', 200, 'GET', "/account/keys/$ed->{id}"), $ed, 'the same');
(my $encoded = $print) =~ s/([^A-Za-z0-9:])/sprintf '%%%02X', ord $1/ge;
is_deeply($m->good('by its fingerprint', 200, 'GET', "/account/keys/$encoded"), $ed, 'the same');

# ---- refused ------------------------------------------------------------

my ($type, $data) = split ' ', $line{ed};
my $blob = decode_base64($data);
sub blob { return "$type " . encode_base64($_[0], '') . ' x' }
$m->bad($_->[0], 422, $_->[1], 'POST', '/account/keys', { public_key => $_->[2] }) for
    ['twice', qr/\Q$print\E is there already/, $line{ed}],
    ['a private key', qr/private key.*\.pub/, text("$dir/ed")],
    ['a weak key', qr/1024 bits, and 2048/, $line{weak}],
    ['options before it', qr/line as in id_ed25519\.pub/, "command=\"id\" $line{ed}"],
    ['another type', qr/begins with ssh-ed25519/, 'ssh-dss AAAA'],
    ['no data', qr/no base64|damaged/, $type],
    ['no base64', qr/no base64/, "$type \$(id)"],
    ['another type inside', qr/damaged: it is no ssh-rsa/, "ssh-rsa $data"],
    ['less of it', qr/damaged/, blob(substr $blob, 0, -1)],
    ['more of it', qr/damaged/, blob("$blob\0")],
    ['a length that lies', qr/damaged/, blob("\xff\xff\xff\xff" . substr $blob, 4)],
    ['two keys', qr/one line/, "$line{ed}$line{ec}"],
    ['a long comment', qr/over 100 bytes/, "$type $data " . 'x' x 101],
    ['a colour in the comment', qr/one line/, "$type $data a\e[31m"],
    ['nothing', qr/public_key/, ''];
$m->bad('no key', 422, qr/public_key is missing/, 'POST', '/account/keys', {});
$m->bad("the key $_", 404, qr/no key/, 'GET', "/account/keys/$_") for 'SHA256:x', 'none', '0' x 64, 'SHA256:' . 'A' x 43;
is(scalar @{ $m->good('three', 200, 'GET', '/account/keys') }, 3, 'are there still');

# ---- what sshd asks -----------------------------------------------------

# asked(fingerprint) -> (exit status, output)
sub asked {
    my ($which) = @_;
    my $out = `$build/libexec/paas-git-ssh --keys $m->{dir}/paas.conf $which 2>&1`;
    return ($? >> 8, $out);
}
my ($rc, $out) = asked($print);
is($rc, 0, 'sshd asks for a key');
like($out, qr{\Arestrict,command="\Q$m->{dir}\E/paas\.conf",environment="PAAS_SSH_TOKEN=push_[0-9a-f_]+" \Q$type $data\E\n\z}, 'and gets its line');
my ($token) = $out =~ /(push_[0-9a-f_]+)/;
ok($m->good('its use', 200, 'GET', "/account/keys/$ed->{id}")->{last_used_at}, 'is noted');
my $unknown = (split ' ', `ssh-keygen -lf $dir/weak.pub`)[1];
($rc, $out) = asked($unknown);
unlike($out, qr/ssh-/, 'of one that is not there it gets nothing');
$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
is($m->good('it', 200, 'GET', '/apps/shop')->{git_ssh_url}, 'ssh://git@git.paas.localhost:2222/shop.git', 'where it is pushed to');
chmod 0755, $m->{dir}, "$m->{dir}/run";

# The status that a user gets for a path on api.sock, with the session's token.
sub as_user {
    my ($user, $path) = @_;
    pipe my $get, my $put or die "pipe: $!";
    my $child = fork // die "fork: $!";
    if ($child == 0) {
        POSIX::setuid((getpwnam $user)[2]);
        my $r = $m->call('GET', $path, undef, Socket => 'api.sock', Authorization => "Bearer $token");
        syswrite $put, "$r->{status} $r->{body}";
        POSIX::_exit(0);
    }
    close $put;
    my $said = do { local $/; <$get> };
    waitpid $child, 0;
    return $said;
}
like(as_user('paas-git', '/git/shop/fetch'), qr/^(?:200|403 .*launcher)/s, 'git may use the session');
like(as_user('www-data', '/git/shop/push'), qr/^401 /, 'nobody else may');
like(as_user('paas-git', '/git/none/push'), qr/^403 .*no app named none/s, 'for apps that there are');
like(as_user('paas-git', '/apps/shop'), qr/^401 /, 'and nothing else');
like(as_user('paas-git', '/apps/none'), qr/^401 /, 'not even for what is not there');

# ---- the command line ---------------------------------------------------

sub paas {
    my (@words) = @_;
    local $ENV{HOME} = "$dir/home";
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1 < /dev/null', 'sh', "$build/bin/paas", '--socket', "$m->{dir}/run/manager.sock", @words or die;
    my $said = do { local $/; <$pipe> // '' };
    close $pipe;
    return ($? >> 8, $said);
}
($rc, $out) = paas('keys');
like($out, qr{^\Q$print\E +ed\@laptop +root .* (?:just now|\d+ ?s.*|now|.*ago)\s*$}m, 'paas keys') or diag $out;
($rc, $out) = paas('keys:add');
is($rc, 1, 'paas keys:add without a key in ~/.ssh');
like($out, qr/ssh-keygen -t ed25519 makes one/, 'says how to get one');
mkdir for "$dir/home", "$dir/home/.ssh";
key('own', '-t', 'ed25519');
rename "$dir/own.pub", "$dir/home/.ssh/id_ed25519.pub";
($rc, $out) = paas('keys:add');
is($rc, 0, 'with one') or diag $out;
like($out, qr/^Who has the key SHA256:\S+ may push over SSH now$/m, 'it is added');
($rc, $out) = paas('keys:add', "$dir/ed");
is($rc, 1, 'a private key');
like($out, qr/is a private key: take the public one, \S+ed\.pub/, 'stays where it is');
($rc, $out) = paas('keys:remove', 'nobody@nowhere');
is($rc, 1, 'keys:remove of none');
like($out, qr/no key nobody\@nowhere/, 'says so');
($rc, $out) = paas('keys:remove', 'own@laptop', $print);
is($rc, 0, 'by comment and by fingerprint') or diag $out;
is(() = $out =~ /is good for nothing now/g, 2, 'two are gone');
is(scalar @{ $m->good('two', 200, 'GET', '/account/keys') }, 2, 'are left');
like(as_user('paas-git', '/git/shop/push'), qr/^403 .*removed/s, 'a session of a removed key is over');
$m->good('by id', 200, 'DELETE', "/account/keys/$_->{id}") for @{ $m->good('the others', 200, 'GET', '/account/keys') };
is_deeply($m->good('none', 200, 'GET', '/account/keys'), [], 'is left');

is($m->stop('TERM'), 0, 'it stops in order');
unlike($m->log, qr/push_|PRIVATE/, 'its log has no secret');
my @complaints = grep { /^==\d+==|AddressSanitizer|runtime error/ } split /\n/, $m->log;
is_deeply(\@complaints, [], 'no complaint of valgrind or a sanitizer') or diag join "\n", @complaints;

done_testing();

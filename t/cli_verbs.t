#!/usr/bin/perl
# Every verb of the grammar against a server that says, in each text that the
# API's description has, what would be bad for a terminal: nothing of it gets
# there raw; --json is what the API has said; a pipe has no colours.  And what
# people mistype, and exit statuses.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IO::Pty ();
use IPC::Run qw(run timeout);
use JSON::PP;
use Test::More;

use lib "$Bin/lib";
use Schema;
use ScriptedManager;

my $build = $ENV{PAAS_BUILD} // "$Bin/../build";
my $paas = "$build/bin/paas";
my $dir = tempdir(CLEANUP => 1);
delete @ENV{qw(PAAS_HOST PAAS_TOKEN NO_COLOR XDG_CONFIG_HOME)};
@ENV{qw(TERM HOME PAAS_APP)} = ('xterm', $dir, 'shop');

# ---- what the server says ---------------------------------------------------

# OSC, CSI, BEL, C1 (as one character), DEL, a line of its own, and text turned round.
my $evil = "x\e]0;owned\a\e[2J\x{9b}31m\x7f\r\ny\x{202e}z";

sub read_json {
    my ($file) = @_;
    open my $fh, '<', $file or die "$file: $!";
    local $/;
    return decode_json(<$fh>);
}

my $document = read_json("$Bin/../manager/api/schema/openapi.json");
for my $file (grep { !/openapi\.json$/ } glob "$Bin/../manager/api/schema/*.json") {
    my $part = read_json($file);
    %{ $document->{paths} } = (%{ $document->{paths} }, %{ $part->{paths} });
    %{ $document->{components}{schemas} } = (%{ $document->{components}{schemas} }, %{ $part->{components}{schemas} // {} });
}
my $schema = Schema->new($document);

# A value of that schema with all that there can be in it.
sub say_of {
    my ($of, $depth) = @_;
    $of = $schema->follow($of);
    return undef if ref $of ne 'HASH' || $depth > 8;
    return say_of($of->{anyOf}[0], $depth + 1) if $of->{anyOf};
    return $of->{enum}[0] if $of->{enum};
    my $type = $of->{type} // ($of->{properties} ? 'object' : 'string');
    return '2026-11-22T12:00:00Z' if ($of->{format} // '') eq 'date-time';
    return $evil if $type eq 'string';
    return $of->{minimum} && $of->{minimum} > 3 ? $of->{minimum} : 3 if $type eq 'integer';
    return 1.5 if $type eq 'number';
    return JSON::PP::true if $type eq 'boolean';
    # keys that are alike could not be told apart
    return [map { say_of($of->{items} // {}, $depth + 1) } 1 .. ($schema->follow($of->{items})->{properties}{fingerprint} ? 1 : 2)] if $type eq 'array';
    my %all = map { $_ => say_of($of->{properties}{$_}, $depth + 1) } keys %{ $of->{properties} // {} };
    $all{"K$evil"} = say_of($of->{additionalProperties}, $depth + 1) if ref $of->{additionalProperties};
    return \%all;
}

utf8::encode(my $bytes = $evil);
my $m = ScriptedManager->new($dir, { '*' => sub {
    my ($req) = @_;
    my ($method, $path) = @$req{qw(method path)};
    my $operation = $schema->find($method, $path) or return [404, encode_json({ id => 'not_found', message => "no $method $path $evil" })];
    my ($status) = sort grep { /^2/ } keys %{ $operation->{responses} };
    my $content = $schema->follow($operation->{responses}{$status})->{content} // {};
    return [$status, join('', map { "2026-11-22T12:00:00.000000+00:00 app[web.1]: $_ $bytes\n" } 1, 2), 'text/plain']
        if $content->{'text/plain'} && $path =~ m{/logs?\b|/timeline.*follow};
    my $json = $content->{'application/json'};
    my $said = $json ? say_of($json->{schema}, 0) : {};
    return [$status, JSON::PP->new->utf8->canonical->allow_nonref->encode($said)];
} });
$ENV{PAAS_SOCKET} = $m->socket;

# ---- the grammar ------------------------------------------------------------

my %args = ('TYPE=COUNT' => ['web=2'], 'TYPE.N' => ['web.1'], TYPE => ['web'], 'LIMIT=VALUE' => ['memory=1G'], 'NAME=VALUE' => ['A=b'],
    'NAME=SECONDS' => ['stop=3'], 'SETTING=VALUE' => ['after=30m'], SETTING => ['after'], CHECK => ['port'], SCHEDULE => ['@daily'],
    COMMAND => ['ls'], TARGET => ['10.0.0.1:80'], 'APP=WEIGHT' => ['shop=1'], CERT => ["$dir/file"], KEY => ["$dir/file"], FILE => ["$dir/file"],
    METHOD => ['GET'], PATH => ['/apps'], SHELL => ['bash'], VERB => ['ps'], URL => ['https://logs.example.com/'], HOST => ['www.example.com'],
    EMAIL => ['ann@example.com'], USER => ['ann@example.com'], TEAM => ['crew'], TO => ['crew'], ORDER => ['10'], PATTERN => ['pr-.*'],
    VERSION => ['v2'], PACK => ['https://x/y.git'], NAME => ['shop'], ID => ['0123456789abcdef'], PREFIX => ['www'], NOTE => ['ci']);
open my $fh, '>', "$dir/file" or die;
print {$fh} "www.example.com \@web\n\@web 10.0.0.1:80\n";
close $fh;
my %own = ('apps:destroy' => ['--confirm', 'shop'], 'teams:destroy' => ['--confirm', 'crew'], 'teams:set' => ['--name', 'x'],
    map({ ($_ => ['--team', 'crew']) } qw(members members:add members:set members:remove)), 'access:update' => ['--role', 'viewer'],
    'users:set' => ['--role', 'viewer'], 'certs:update' => ['--name', 'x'], 'members:set' => ['--team', 'crew', '--role', 'viewer'],
    'buildpacks:add' => ['--index', '1'], 'builds:create' => ['--detach']);
my %instead = ('keys:add' => ["$dir/key.pub"], 'logs:limits' => ['disk=64M'], 'autoscale:set' => ['min=1'], 'rollout:set' => ['max_surge=2'],
    'http:set' => ['balance=ewma'], 'routes:set' => ['www.example.com', 'sticky=on'], 'buildpacks:remove' => ['--index', '1'], 'keys:remove' => [$bytes]);
open $fh, '>', "$dir/key.pub" or die;
print {$fh} "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGlFPZ1v3o7q0x0p6E7Zl0a3m3m8Jt8m3mN1l8mH4o5k ann\n";
close $fh;

# Reads several things, or one of what the API says.
my %other_json = (status => 'of manager, router, apps and processes', 'config:get' => 'one of the config vars');

# Those that are about another program or a terminal of their own.
my %left_out = (push => 'sends a folder: t/cli.t', run => 'a terminal of the app\'s', 'ps:exec' => 'the same', heroku => 'another program',
    login => 'asks for a password: t/e2e/remote.t', logout => 'the same', 'git:remote' => 'git: t/cli_git.t', 'git:credentials' => 'the same',
    completion => 'a script', help => 'of this program alone', doctor => 'about this machine: t/e2e/doctor.t');

sub usage_of {
    my ($verb) = @_;
    my ($usage) = `$paas $verb --help` =~ /^usage: paas \Q$verb\E(.*)/;
    return $usage;
}

sub words_of {
    my ($verb) = @_;
    return ($verb, @{ $instead{$verb} }, @{ $own{$verb} // [] }) if $instead{$verb};
    my @words = $verb;
    for my $arg (usage_of($verb) =~ s/\[(?:-|OPTION)[^\]]*\]//gr =~ /([^\s\[\]]+)/g) {
        $arg =~ s/\.\.\.$//;
        push @words, @{ $args{$arg} // die "$verb: no example of $arg" };
    }
    return (@words, @{ $own{$verb} // [] });
}

my @verbs = `$paas help` =~ /^  ([a-z][a-z:]*) /mg;
cmp_ok(scalar @verbs, '>', 100, 'the grammar has verbs');
is_deeply([grep { my $v = $_; !grep { $_ eq $v } @verbs } sort keys %left_out], [], 'no reason is out of date');

sub in_pipe {
    my ($out, $err) = ('', '');
    run [$paas, @_], \'', \$out, \$err, timeout(60);
    return ($? >> 8, $out, $err);
}

sub on_terminal {
    my $pty = IO::Pty->new;
    my $pid = fork // die;
    if ($pid == 0) {
        my $tty = $pty->slave;
        $tty->set_winsize(24, 60);
        open STDIN, '<', '/dev/null'; open STDOUT, '>&', $tty; open STDERR, '>&', $tty;
        exec $paas, @_ or POSIX::_exit(9);
    }
    $pty->close_slave;
    my $out = '';
    1 while sysread $pty, $out, 65536, length $out;
    waitpid $pid, 0;
    return ($? >> 8, $out);
}

my (@refused, @lists, $shown);
for my $verb (grep { !$left_out{$_} } @verbs) {
    my @words = words_of($verb);
    $m->forget;
    my ($rc, $out, $err) = in_pipe(@words);
    my @asked = $m->requests;
    # there is no router here, and it says so
    push @refused, "$verb: $rc $err" if $rc != ($verb eq 'status' || $verb eq 'config:get' ? 1 : 0);
    ok(@asked > 0, "$verb: asks") or diag $err;
    unlike("$out$err", qr/[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]/, "$verb: nothing raw in a pipe");
    $shown++ if $out =~ /\\x1b\]0;owned\\x07/;
    my ($status, $screen) = on_terminal(@words);
    unlike($screen =~ s/\e\[[0-9;]*m|\r\n//gr, qr/[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]/, "$verb: nor on a terminal");
    next if $verb =~ /^(?:api|logs|builds:log|timeline|routes:export)$/;
    $m->forget;
    my ($json_rc, $json) = in_pipe(shift @words, '--json', @words);
    is($json_rc, $rc, "$verb --json: exit status");
    my $got = eval { JSON::PP->new->utf8->allow_nonref->decode($json) };
    ok(!$@, "$verb --json: is JSON") or diag $json;
    unlike($json, qr/[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]/, "$verb --json: nothing raw, either");
    # Who only reads says what was read.
    my @again = $m->requests;
    next if grep { $_->{method} ne 'GET' } @again;
    push @lists, $verb;
    next if $other_json{$verb};
    my @said = map {
        my $operation = $schema->find('GET', $_->{path});
        my ($ok) = sort grep { /^2/ } keys %{ $operation->{responses} };
        my $as = $schema->follow($operation->{responses}{$ok})->{content}{'application/json'};
        $as ? say_of($as->{schema}, 0) : ()
    } @again;
    my $text = sub { JSON::PP->new->canonical->allow_nonref->encode($_[0]) };
    ok((grep { $text->($_) eq $text->($got) || $text->([$_]) eq $text->($got) } @said), "$verb --json: is the API's") or diag $json;
}
is_deeply(\@refused, [], 'all of them do what they are asked');
cmp_ok($shown, '>', 60, 'such text is shown, escaped');
cmp_ok(scalar @lists, '>', 30, 'verbs that list or show: ' . scalar @lists);

# ---- exit statuses ----------------------------------------------------------

for my $verb (@verbs) {
    my ($rc, $out, $err) = in_pipe($verb, '--no-such-option');
    is("$rc $out", '2 ', "$verb: an option that it does not have is wrong usage");
    like($err, qr/unknown option --no-such-option.*\n +see: paas \Q$verb\E --help\n$/, "$verb: which is said with the way out");
    next if $left_out{$verb} || $verb eq 'status';
    local $ENV{PAAS_SOCKET} = "$dir/nobody";
    ($rc, $out, $err) = in_pipe(words_of($verb));
    is($rc, 3, "$verb: nobody answers") or diag $err;
}

done_testing();

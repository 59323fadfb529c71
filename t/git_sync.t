#!/usr/bin/perl
# A push that is acknowledged survives a power cut: what git has written and
# the folders that it is in are on the disk before anybody is told.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

my $build = $ENV{PAAS_BUILD} // 'build';
my $git = do { my $pwd = `pwd`; chomp $pwd; ($build =~ m{^/} ? $build : "$pwd/$build") . '/libexec/paas-git' };
my $dir = tempdir(CLEANUP => 1);
my $number = '000000000000002a';

sub run { my (@words) = @_; system(@words) == 0 or BAIL_OUT("@words: $?") }

mkdir "$dir/$_" for qw(state state/git run run/git libexec libexec/hooks work);
mkdir "$dir/state/git/$number.git";
open my $conf, '>', "$dir/paas.conf" or die;
print {$conf} "state_dir = $dir/state\nrun_dir = $dir/run\n";
close $conf;
# As installed, but that every push is let through.
run('cp', $git, "$dir/libexec/paas-git");
symlink '../paas-git', "$dir/libexec/hooks/reference-transaction";
run('sh', '-c', 'cd "$1" && git init -q -b main && for i in $(seq 30); do echo $i > f$i; done && git add . '
    . '&& git -c user.name=a -c user.email=a@b commit -q -m x', 'sh', "$dir/work");

my $commit = `git -C $dir/work rev-parse HEAD`;
chomp $commit;
my $command = ('0' x 40) . " $commit refs/heads/main\0report-status\n";
open my $body, '>', "$dir/body" or die;
printf {$body} '%04x%s0000', 4 + length $command, $command;
close $body;
run('sh', '-c', 'echo "$2" | git -C "$1/work" pack-objects --revs --stdout -q >> "$1/body"', 'sh', $dir, $commit);

my $pid = fork // die;
if (!$pid) {
    %ENV = (PATH => $ENV{PATH}, PAAS_CONF => "$dir/paas.conf", PAAS_GIT_REPOSITORY => $number, PAAS_GIT_APP => 'shop',
        PAAS_GIT_USER => 'root', PAAS_GIT_TOKEN => 'push_0', PAAS_GIT_SERVICE => 'git-receive-pack',
        REQUEST_METHOD => 'POST', CONTENT_TYPE => 'application/x-git-receive-pack-request');
    open STDIN, '<', "$dir/body";
    open STDOUT, '>', "$dir/answer";
    exec 'strace', '-f', '-y', '-o', "$dir/trace", '-e', 'trace=fsync,fdatasync,rename,write', "$dir/libexec/paas-git" or die;
}
waitpid $pid, 0;
is($?, 0, 'git ends well');
my $answer = do { local (@ARGV, $/) = "$dir/answer"; <> };
like($answer, qr/unpack ok.*ok refs\/heads\/main/s, 'the push is accepted') or diag $answer;

my @calls = do { open my $fh, '<', "$dir/trace" or die; <$fh> };
my ($said) = grep { $calls[$_] =~ /write\(1<.*unpack ok/ } 0 .. $#calls;
ok(defined $said, 'which is said');
my $repository = "$dir/state/git/$number.git";
# synced(what, pattern of the path)
sub synced {
    my ($what, $path) = @_;
    my ($at) = grep { $calls[$_] =~ /f(?:data)?sync\(\d+<$path>\)\s*=\s*0/ } 0 .. $#calls;
    ok(defined $at && $at < $said, "$what is on the disk by then");
    return $at // -1;
}
synced('the pack', qr{\Q$repository\E/objects/\S*pack\S*});
synced('the branch', qr{\Q$repository\E/refs/heads/main\.lock});
my ($moved) = grep { $calls[$_] =~ m{rename\(\S*main\.lock"} } 0 .. $#calls;
cmp_ok(synced("the folder $_", qr{\Q$repository/$_\E}), '>', $moved, '... as it is after the branch has moved') for 'refs/heads', 'objects/pack';
is(scalar(() = glob "$repository/objects/pack/*.pack"), 1, 'it is one pack');

done_testing();

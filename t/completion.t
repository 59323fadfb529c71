#!/usr/bin/perl
# Completion as people have it: bash with bash-completion, zsh and fish, each
# on a terminal, with the files where `make install` puts them, and Tab.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IO::Pty ();
use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use lib "$Bin/lib";
use ScriptedManager;

my $build = $ENV{PAAS_BUILD} // "$Bin/../build";
my $dir = tempdir(CLEANUP => 1);
my %file = (bash => 'bash-completion/completions/paas', zsh => 'zsh/site-functions/_paas', fish => 'fish/vendor_completions.d/paas.fish');

# The rules of the Makefile, into a prefix of our own.
my $said = `make -s -C $Bin/.. -n install PREFIX=$dir/usr B=$build 2>&1`;
for my $shell (sort keys %file) {
    like($said, qr{completion $shell >\s*(?:\\\s*)?\S*$dir/usr/share/\Q$file{$shell}\E}, "$shell: make install writes it");
    my ($folder) = "$dir/usr/share/$file{$shell}" =~ m{(.*)/};
    system('mkdir', '-p', $folder);
    is(system("$build/bin/paas completion $shell > $dir/usr/share/$file{$shell}"), 0, "$shell: as the program prints it");
    is(system($shell, '-n', "$dir/usr/share/$file{$shell}"), 0, "$shell: which it can read");
}

my $m = ScriptedManager->new($dir, { 'GET /apps' => [200, encode_json([map { { name => $_ } } 'shop', 'shelf', 'blog',
    "bl`touch $dir/run`", "bl\$(touch $dir/run)", "bl;touch $dir/run", "bl'(touch $dir/run)", "bl' -s", 'bl*'])] });
delete @ENV{qw(PAAS_APP PAAS_HOST PAAS_TOKEN)};
@ENV{qw(PATH HOME ZDOTDIR XDG_DATA_DIRS PAAS_SOCKET TERM PS1)} =
    ("$build/bin:$ENV{PATH}", $dir, $dir, "$dir/usr/share:/usr/share", $m->socket, 'xterm', 'ready> ');
delete @ENV{qw(XDG_CONFIG_HOME XDG_DATA_HOME)};

my %command = (
    bash => ['bash', '--norc', '--noprofile', '-i'],
    zsh  => ['zsh', '-f', '-i'],
    fish => ['fish', '-i', '-C', 'function fish_prompt; echo "ready> "; end; function fish_greeting; end'],
);
my %setup = (
    bash => '. /usr/share/bash-completion/bash_completion; echo begin""ning',
    zsh  => "PS1='ready> '; fpath=($dir/usr/share/zsh/site-functions \$fpath); autoload -U compinit; compinit -D -u; echo begin''ning",
    fish => 'echo begin""ning',
);

# What a terminal shows after some keys, without its sequences.
sub await {
    my ($pty, $seen, $want, $seconds) = @_;
    my $end = time + $seconds;
    my $sel = IO::Select->new($pty);
    while ($$seen !~ $want && time < $end) {
        next if !$sel->can_read(0.1);
        sysread $pty, my $more, 65536 or last;
        $$seen .= $more;
        # fish asks what terminal it is on, and waits for an answer
        syswrite $pty, "\e[?62c" if $more =~ /\e\[0?c/;
        $$seen =~ s/\e(?:\[[0-9;?<>=]*[ -\/]*[@-~]|\][^\a\e]*(?:\a|\e\\)|[()][A-Z0-9]|[=>78])//g;
    }
    return $$seen =~ $want;
}

# A line whose Tab gives one thing only is completed in place.
for my $shell (sort keys %command) {
    my $pty = IO::Pty->new;
    my $slave = $pty->slave;
    $slave->set_winsize(50, 200);
    my $pid = fork // die;
    if (!$pid) {
        $pty->make_slave_controlling_terminal;
        open STDIN, '<&', $slave;
        open STDOUT, '>&', $slave;
        open STDERR, '>&', $slave;
        exec @{ $command{$shell} };
    }
    close $slave;
    my $seen = '';
    ok(await($pty, \$seen, qr/ready>/, 60), "$shell: starts") or diag $seen;
    syswrite $pty, "$setup{$shell}\r";
    ok(await($pty, \$seen, qr/beginning/, 60), "$shell: is set up") or diag $seen;
    for (['paas ps:sc', qr/paas ps:scale/, 'behind a colon'], ['paas doc', qr/paas doctor/, 'a verb'],
        ['paas ps -a bl', qr/paas ps -a blog/, 'an app, by what the API says'], ['paas logs --foll', qr/paas logs --follow/, 'an option'],
        ['paas completion f', qr/paas completion fish/, 'a shell']) {
        my ($keys, $want, $what) = @$_;
        $seen = '';
        syswrite $pty, $keys;
        ok(await($pty, \$seen, qr/\Q$keys\E/, 30), "$shell: typed") or diag $seen;
        syswrite $pty, "\t";
        ok(await($pty, \$seen, $want, 30), "$shell: $what") or diag $seen;
        syswrite $pty, "\cU";
    }
    syswrite $pty, "exit\r";
    my $end = time + 20;
    my $ended = 0;
    while (!($ended = waitpid $pid, 1) && time < $end) { await($pty, \$seen, qr/\0/, 0.1) }
    kill 'KILL', $pid if !$ended;
    waitpid $pid, 0 if !$ended;
    ok($ended, "$shell: ends");
}

ok(!-e "$dir/run", 'what a manager says is no command');

# A manager that hangs keeps nobody for long.
kill 'STOP', $m->{pid};
my $began = time;
my $out = `bash --norc -c '. $dir/usr/share/$file{bash}; COMP_LINE="paas ps -a s"; COMP_POINT=\${#COMP_LINE}; _paas; echo "\${#COMPREPLY[@]}"'`;
kill 'CONT', $m->{pid};
is($out, "0\n", 'no answer: nothing is completed');
cmp_ok(time - $began, '<', 30, 'and the line is there again');

done_testing();

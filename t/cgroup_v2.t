#!/usr/bin/perl
# cgroup v2 with controllers that work, and systemd: in a machine of its own
# (Machine.pm), unless this one has both.  t/launcher/cgroup_v2.pl is what is
# run there; its results are this file's.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use lib 't/lib';
use Machine;
use Test::More;

plan skip_all => 'boots a machine: scripts/test --long' if !$ENV{PAAS_LONG};
die "needs root\n" if $> != 0;

my $build = abs_path($ENV{PAAS_BUILD} // 'build');
my $top = abs_path('.');
my $dir = tempdir('paas-machine-XXXXXX', DIR => '/var/tmp', CLEANUP => 1);
open my $script, '>', "$dir/script" or die "$dir: $!";
print {$script} "perl $top/t/launcher/cgroup_v2.pl $top $build\n";
close $script;
my $said = Machine::run($dir, "$dir/script", 900);
my $n = 0;
for ($said =~ /^(?:(?:not )?ok \d+.*|1\.\.\d+|#.*)$/mg) {
    if (/^(not )?ok \d+(?: - (.*))?/) { ok(!$1, $2); $n++ } elsif (/^#/) { diag($_) }
}
my ($planned) = $said =~ /^1\.\.(\d+)$/m;
is($n, $planned // 'all', 'it came to its end') or diag substr $said, -3000;
done_testing();

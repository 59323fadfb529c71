#!/usr/bin/perl
# The units for systemd, filled in as scripts/up does it, are such that
# systemd has nothing to say about them, and those that talk to strangers are
# locked in.  Needs no systemd that runs.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;

my $top  = abs_path('.');
my $dir  = tempdir(CLEANUP => 1);
my %most = (dns => 3.5, drain => 2, git => 1.5, logger => 1.5, manager => 2.5, rotate => 3, router => 3.5, ssh => 4);

# fill of scripts/lib/services.sh itself, with the programs of the build.
sub fill {
    my ($template) = @_;
    open my $pipe, '-|', 'bash', '-c', <<'END', 'fill', $top, $template or die "bash: $!";
set -euo pipefail
. "$1/scripts/lib/common.sh"
. "$1/scripts/lib/services.sh"
platform ''
prefix=/usr/local port=8080 domain=paas.localhost state_dir=$state
fill "$2"
END
    local $/;
    my $text = <$pipe>;
    close $pipe or die "fill $template failed\n";
    return $text;
}

my @units = glob "$top/manager/etc/systemd/*.service";
cmp_ok(scalar @units, '>=', 5, 'there are units');
for my $unit (@units) {
    my ($name) = $unit =~ m{/paas-(\w+)\.service$} or die "$unit: what is this?\n";
    my $text = fill($unit);
    unlike($text, qr/\@[A-Z]+\@/, "$name: no word is left to be filled in");
    is_deeply([glob "$top/manager/etc/runit/$name"], ["$top/manager/etc/runit/$name"],
        "$name: has a service without systemd, too");
    # What is not installed yet is where the build put it.
    $text =~ s{/usr/local/libexec/paas/}{($ENV{PAAS_BUILD} // "$top/build") . '/libexec/'}ge;
    open my $fh, '>', "$dir/paas-$name.service" or die "$dir: $!";
    print {$fh} $text;
    close $fh;
}

for my $unit (glob "$dir/*.service") {
    my ($name) = $unit =~ m{/paas-(\w+)\.service$};
    my $said = `systemd-analyze verify --man=no $unit 2>&1`;
    is($?, 0, "$name: systemd takes it");
    is(join('', grep { /\Q$dir\E|paas-/ } $said =~ /^.*\n/mg), '', "$name: without a word");
    next if !$most{$name};
    my ($exposed) = `systemd-analyze security --offline=true --no-pager $unit 2>&1` =~
        /Overall exposure level for \S+: ([\d.]+)/;
    ok(defined $exposed && $exposed <= $most{$name}, "$name: its exposure is at most $most{$name}")
        or diag $exposed // 'unknown';
}

done_testing();

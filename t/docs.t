# check-docs says so when anything that a person can set or see is not in the
# manual: each is taken out of it in turn.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

my $dir = tempdir(CLEANUP => 1);
sub slurp { my ($file) = @_; open my $fh, '<', $file or die "$file: $!"; local $/; return scalar <$fh> }

# Whatever it reads.
my @sources = slurp('scripts/lib/check-docs') =~ m{'(manager/[\w/]+\.c|scripts/service/[\w-]+)'}g;
system("cp -r --parents manager/man @sources ngx_paas_module scripts/lib/check-docs scripts/buildpacks/order $dir") == 0 or die;

sub spill { my ($file, $text) = @_; open my $fh, '>', $file or die "$file: $!"; print {$fh} $text; close $fh }
sub check { my $said = `cd $dir && scripts/lib/check-docs 2>&1`; return ($?, $said) }

my ($status, $said) = check();
is($status, 0, 'as it is, nothing is missing') or diag $said;

# [what, page, a line that has it]
for my $case (
    ['setting of a pool', 'paas-routes.5', 'balance'],
    ['buildpack', 'paas-packs.5', 'procfile'],
    ['setting', 'paas.conf.5', 'domain'], ['directive', 'paas-router.5', 'paas_hold'],
    ['directive', 'paas-router.5', 'paas'], ['variable', 'paas-router.5', '$paas_attempts'],
    ['variable', 'paas-router.5', '$paas_type'], ['error code', 'paas-router.5', 'hold_timeout'],
    ['status field', 'paas-router.5', 'oldest_active_generation'], ['status field', 'paas-router.5', 'ejections'],
    ['metric', 'paas-router.5', 'paas_bytes_out_total'], ['metric', 'paas-router.5', 'paas_routes_ok'],
) {
    my ($what, $page, $name) = @$case;
    my $file = "$dir/manager/man/$page";
    my $text = slurp($file);
    my $less = $text =~ s/(?<![\w-])\Q$name\E(?![\w-])/elsewhere/gr;
    isnt($less, $text, "$name is in $page");
    spill($file, $less);
    ($status, $said) = check();
    isnt($status, 0, "$what $name: taken out, and the check fails");
    like($said, qr/\Q$page: $what $name is not documented\E/, 'by name');
    spill($file, $text);
}

# And what is new in the sources, with no word of it in the manual.
for my $case (
    ['error code', 'ngx_http_paas_error.c', sub { s/\{ ngx_string\("bad_host"\), 400/{ ngx_string("bad_luck"), 400/ }, 'bad_luck'],
    ['metric', 'ngx_http_paas_metrics.c', sub { s/\{ "paas_retries_total"/{ "paas_luck_total"/ }, 'paas_luck_total'],
    ['status field', 'ngx_http_paas_json.c', sub { s/\\"retries\\":/\\"luck\\":/ }, 'luck'],
    ['variable', 'ngx_http_paas_variables.c', sub { s/ngx_string\("paas_host"\)/ngx_string("paas_luck")/ }, '$paas_luck'],
    ['directive', 'ngx_http_paas_module.c', sub { s/ngx_string\("paas_zone"\)/ngx_string("paas_luck")/ }, 'paas_luck'],
) {
    my ($what, $source, $change, $name) = @$case;
    my $file = "$dir/ngx_paas_module/$source";
    my $text = slurp($file);
    for (my $new = $text) { ok($change->(), "$source has a new $what"); spill($file, $_) }
    ($status, $said) = check();
    like($said, qr/\Q$what $name is not documented\E/, 'which is missed in the manual');
    spill($file, $text);
}

is((check())[0], 0, 'all is well again');
done_testing();

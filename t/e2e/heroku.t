#!/usr/bin/perl
# What the stock heroku CLI was seen to ask, command by command, asked again:
# the same status, and each field that it was given then, of the same type.
# t/heroku/commands.t has recorded it (PAAS_RECORD); `scripts/test --heroku`
# runs that with the CLI itself.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use JSON::PP;
use Test::More;

use lib "$Bin/../lib";
use Platform;
use Recorder;

open my $from, '<', "$Bin/../fixtures/heroku/requests.json" or die "requests.json: $!";
my $recorded = decode_json(do { local $/; <$from> });
my $p = Platform->new;
my $dir = tempdir(CLEANUP => 1);
my $name = 'herokutest';
my %now;  # names and ids that are others than they were then

open my $to, '>', "$dir/Procfile" or die;
print $to "web: python3 -m http.server \$PORT\nworker: sleep 1000\n";
close $to;
open $to, '>', "$dir/requirements.txt" or die;
close $to;
$p->paas('users:create', 'ann@example.com');

sub pem {
    my ($what) = @_;
    Platform::run(qw(openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=www.shop.example -addext subjectAltName=DNS:www.shop.example),
        '-keyout', "$dir/PRIVATE KEY", '-out', "$dir/CERTIFICATE") if !-e "$dir/$what";
    open my $in, '<', "$dir/$what" or die "$what: $!";
    return join '\n', map { s/\n//r } <$in>;
}

sub ask {
    my ($r) = @_;
    my $known = join '|', map { quotemeta } sort { length $b <=> length $a } keys %now;
    my ($path, $body) = map { $known eq '' ? $_ : s/($known)/$now{$1}/gr } @$r{qw(path body)};
    # They are over one day, so each run has its own.
    $body =~ s/"(CERTIFICATE|PRIVATE KEY)"/'"' . pem($1) . '"'/ge;
    my $got = $p->http($r->{method}, '127.0.0.1', $path, socket => "$p->{run}/manager.sock",
        headers => $r->{headers}, body => $body);
    my $json = eval { decode_json($got->{body}) };
    my $made = $r->{made} // {};
    $now{ $made->{$_} } = $json->{$_} for grep { ref $json eq 'HASH' && defined $json->{$_} } keys %$made;
    return ($got->{status}, $json);
}

# Both null and a value are right where the other was seen.
sub missing {
    my ($want, $got) = @_;
    my @bad;
    for my $field (sort keys %$want) {
        my ($then, $now) = ($want->{$field}, $got->{$field});
        # A list that is empty now, or a null, has nothing below it.
        next if !defined $now && grep {
            index($field, $_) == 0 && ($got->{$_} eq 'null' || $got->{$_} eq 'array' && !defined $got->{"$_\[]"})
        } grep { $_ ne $field } keys %$got;
        push @bad, "$field is " . ($now // 'missing') . ", was $then"
            if !defined $now || $now ne $then && $now ne 'null' && $then ne 'null';
    }
    return @bad;
}

# Nothing is under way: the CLI is not as fast.
sub settled {
    return Platform::wait_for(60, sub {
        my $list = $p->api('GET', "/apps/$name/releases")->{json};
        return ref $list ne 'ARRAY' || !grep { $_->{status} eq 'pending' } @$list;
    });
}

my ($n, $pushed) = (0, 0);
for my $c (@$recorded) {
    my @bad;
    settled() or push @bad, 'the release before is under way still';
    for my $r (@{ $c->{requests} }) {
        my ($status, $json) = ask($r);
        $n++;
        # 206 is what a Range of the same length is answered with.
        $_ == 206 and $_ = 200 for $status, $r->{status};
        push @bad, "$r->{method} $r->{path}: $status, was $r->{status}: " . JSON::PP->new->allow_nonref->encode($json) if $status != $r->{status};
        push @bad, map { "$r->{method} $r->{path}: $_" } missing($r->{fields}, Recorder::shape($json)) if $json && $status == $r->{status};
    }
    is_deeply(\@bad, [], "heroku $c->{command}");
    next if $pushed || $c->{command} !~ /^apps:create/;
    # As git push did it then.
    my ($rc, $text) = $p->paas('push', $dir, '--app', $name);
    is($rc, 0, 'pushed') or diag($text);
    $pushed = 1;
}
cmp_ok($n, '>=', 50, "$n requests");
done_testing;

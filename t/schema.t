#!/usr/bin/perl
# The API's own description: a valid OpenAPI document, of every route and no
# other; and bodies made from it, each wrong in one place, are refused with
# that place's name.  Manager.pm holds the answers of all tests against it, and
# t/e2e/schema.t makes each request.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP;
use JSON::Validator;
use Manager;
use Test::More;

my $m = Manager->new;
my $api = $m->schema;
my $document = $api->{document};

# ---- the document -------------------------------------------------------

my $r = $m->call('GET', '/schema', undef, Socket => 'api.sock', 'X-Paas-Via' => 'api');
is($r->{status}, 200, 'it is for everybody');
is($r->{headers}{'content-type'}, 'application/json', 'JSON');
my $tag = $r->{headers}{etag};
is($m->call('GET', '/schema', undef, 'If-None-Match' => $tag)->{status}, 304, 'not sent to those who have it');
is($m->call('HEAD', '/schema')->{headers}{etag}, $tag, 'which they can ask for');
my $valid = JSON::Validator->new->schema($document)->schema;
isa_ok($valid, 'JSON::Validator::Schema::OpenAPIv3');
is_deeply([map { "$_" } @{ $valid->errors }], [], 'it is OpenAPI 3');

open my $fh, '<', 'manager/api/api_table.c' or die "api_table.c: $!";
my %table = map { /^\{"(\w+)",\s+"([^"]+)",\s+\w+,\s+(\w+),\s+(\w+),/ ? ("$1 $2" => { need => "$3", body => index($4, 'BODY') >= 0 }) : () } <$fh>;
close $fh;
cmp_ok(scalar keys %table, '>', 90, 'the table is read');
my @operations = $api->operations;
my %told = map { my $path = $_->[1] =~ s/\{\w+\}/:/gr; ("$_->[0] $path" => $_->[2]) } @operations;
is_deeply([grep { !$told{$_} } sort keys %table], [], 'every route is told of: manager/api/schema/*.json');
is_deeply([grep { !$table{$_} } sort keys %told], [], 'and no other');
my (%ids, @bad);
for my $o (grep { $table{$_} } sort keys %told) {
    my ($operation, $route) = ($told{$o}, $table{$o});
    push @bad, "$o: x-paas-need" if uc($operation->{'x-paas-need'} // '') =~ tr/-/_/r ne $route->{need};
    push @bad, "$o: its operationId is not its own" if $ids{ $operation->{operationId} // '' }++;
    push @bad, "$o: no schema of its body" if $route->{body} && !$api->body($operation);
    push @bad, "$o: a body that it does not take" if !$route->{body} && $api->body($operation);
    push @bad, "$o: no answer but errors" if !grep { /^\d+$/ } keys %{ $operation->{responses} };
}
is_deeply(\@bad, [], 'the same is told');

# What the manager does not obey must not be said of a body: openapi.h.
my %obeyed = map { $_ => 1 } qw($ref type nullable enum minimum maximum minLength maxLength minItems maxItems items required
    properties maxProperties additionalProperties anyOf description pattern x-unit);
my (@unknown, @open);
sub look {
    my ($where, $schema) = @_;
    push @unknown, map { "$where: $_" } grep { !$obeyed{$_} } sort keys %$schema;
    $schema = $api->follow($schema);
    push @open, $where if ($schema->{type} // '') eq 'object' && !defined $schema->{additionalProperties};
    look("$where\[]", $schema->{items}) if $schema->{items};
    look($where, $_) for @{ $schema->{anyOf} // [] };
    look("$where.$_", $schema->{properties}{$_}) for sort keys %{ $schema->{properties} // {} };
    look("$where.*", $schema->{additionalProperties}) if ref $schema->{additionalProperties} eq 'HASH';
}
for my $o (sort keys %told) {
    my $schema = $api->body($told{$o}) or next;
    look($o, $schema);
}
is_deeply(\@unknown, [], 'bodies are told of with what is obeyed');
is_deeply(\@open, [], 'and no field that is not named fits');

# ---- bodies that are wrong in one place ---------------------------------

my %other = (
    string => 7, integer => 'x' . 'y' x 3, boolean => 'perhaps', object => 'no object', array => 'no array');

# The smallest value that the schema says is fine.
sub fine {
    my ($schema) = @_;
    $schema = $api->follow($schema);
    return fine($schema->{anyOf}[0]) if $schema->{anyOf};
    my $type = $schema->{type} // '';
    return $schema->{enum}[0] if $schema->{enum};
    return { map { $_ => fine($schema->{properties}{$_}) } @{ $schema->{required} // [] } } if $type eq 'object';
    return [map { fine($schema->{items}) } 1 .. $schema->{minItems} // 0] if $type eq 'array';
    return JSON::PP::true if $type eq 'boolean';
    return $schema->{minimum} // 1 if $type eq 'integer';
    return 'x' x ($schema->{minLength} || 1);
}

# wrong(schema, where) -> [where a message is to point, value], ...
sub wrong {
    my ($schema, $where) = @_;
    $schema = $api->follow($schema);
    my @some = map { $api->follow($_) } @{ $schema->{anyOf} // [$schema] };
    my %types = map { $_->{type} => 1 } @some;
    my @wrong = map { [$where, $_] } 1.5, ($types{string} || $types{boolean} ? () : "\x{263a}"), ($types{object} ? () : { a => 1 }), ($types{array} ? () : [[]]),
        ((grep { $_->{nullable} } @some) ? () : undef), ($types{boolean} ? () : JSON::PP::true), ($types{integer} ? () : 7);
    for my $s (@some) {
        my $type = $s->{type};
        push @wrong, [$where, $s->{minimum} - 1] if defined $s->{minimum};
        push @wrong, [$where, $s->{maximum} + 1] if defined $s->{maximum} && $s->{maximum} < 1 << 62;
        push @wrong, [$where, 'no such word'] if $s->{enum};
        push @wrong, [$where, 'x' x ($s->{minLength} - 1)] if $s->{minLength};
        push @wrong, [$where, 'x' x ($s->{maxLength} + 1)] if $s->{maxLength};
        if ($type eq 'array') {
            push @wrong, [$where, [(fine($s->{items})) x ($s->{maxItems} + 1)]] if $s->{maxItems} && $s->{maxItems} < 1000;
            push @wrong, map { [$_->[0], [$_->[1]]] } wrong($s->{items}, "${where}[0]");
        }
        if ($type eq 'object') {
            my $at = $where eq '' ? '' : "$where.";
            my %good = %{ fine($s) };
            my $others = $s->{additionalProperties};
            push @wrong, ref $others eq 'HASH' ? map { [$_->[0], { %good, nothing => $_->[1] }] } wrong($others, "${at}nothing")
                : ["${at}nothing", { %good, nothing => { a => [undef] } }];
            for my $name (sort keys %{ $s->{properties} // {} }) {
                push @wrong, map { [$_->[0], { %good, $name => $_->[1] }] } wrong($s->{properties}{$name}, "$at$name");
                next if !grep { $_ eq $name } @{ $s->{required} // [] };
                my %less = %good;
                delete $less{$name};
                push @wrong, ["$at$name", \%less];
            }
        }
    }
    return @wrong;
}

$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
my $asked = 0;
my %refused;
for my $o (@operations) {
    my ($method, $path, $operation) = @$o;
    my $schema = $api->body($operation) or next;
    (my $at = $path) =~ s/\{app\}/shop/;
    $at =~ s/\{\w+\}/web/g;
    for my $w (wrong($schema, '')) {
        my ($where, $value) = @$w;
        my $text = JSON::PP->new->utf8->allow_nonref->encode($value);
        $r = $m->call($method, $at, $text, 'Content-Type' => 'application/json');
        $asked++;
        $where = 'the body' if $where eq '';
        $refused{"$method $path " . substr $text, 0, 80} = "$r->{status} $r->{body}"
            if "$r->{status} $r->{json}{id}" ne '422 invalid_params' || ($r->{json}{message} // '') !~ /^\Q$where\E /;
    }
}
cmp_ok($asked, '>', 500, "$asked bodies are wrong in one place");
is_deeply(\%refused, {}, 'each is refused with 422, which names the place') or diag explain \%refused;

# The same of what stands behind a '?'.
$asked = 0;
%refused = ();
for my $o (@operations) {
    my ($method, $path, $operation) = @$o;
    (my $at = $path) =~ s/\{app\}/shop/;
    # What is to be there is looked for before that.
    next if $at =~ /\{/ || $method eq 'DELETE';
    # Nor is a heartbeat anything where no stream begins.
    for my $q (grep { $_->{in} eq 'query' && $_->{name} ne 'heartbeat' } @{ $operation->{parameters} // [] }) {
        my ($name, $schema) = ($q->{name}, $api->follow($q->{schema}));
        my @wrong = $schema->{type} eq 'integer' ? ('', 'x', '1.5', '1x', $schema->{minimum} - 1, $schema->{maximum} ? $schema->{maximum} + 1 : '9' x 30)
            : $schema->{type} eq 'boolean' ? ('perhaps', '2') : $schema->{enum} || $schema->{pattern} ? ('%20', 'no_such_word') : ();
        for my $value (@wrong) {
            # An upload is refused before it has begun.
            $r = $m->call($method, "$at?$name=$value", $operation->{requestBody} ? 'x' : undef, $operation->{requestBody} ? ('Content-Type' => 'application/x-tar') : ());
            $asked++;
            $refused{"$method $path?$name=$value"} = "$r->{status} $r->{body}"
                if $r->{status} != 422 && !($r->{status} == 400 && length $value > 20) || ($r->{json}{message} // '') !~ /^\?\Q$name\E= /;
        }
    }
}
cmp_ok($asked, '>', 20, "$asked queries are wrong in one place");
is_deeply(\%refused, {}, 'each is refused, which names the place') or diag explain \%refused;
is_deeply([map { $_->{name} } @{ $m->good('apps', 200, 'GET', '/apps') }], ['shop'], 'and nothing has changed');

is($m->stop('TERM'), 0, 'it stops in order');
my @complaints = grep { /^==\d+==|AddressSanitizer|runtime error/ } split /\n/, $m->log;
is_deeply(\@complaints, [], 'no complaint of valgrind or a sanitizer') or diag join "\n", @complaints;

done_testing();

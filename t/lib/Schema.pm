package Schema;

# The OpenAPI document of a manager, and answers held against it: no status,
# no field and no type that it does not tell of.

use strict;
use warnings;
use JSON::PP ();

# new(document): of GET /schema.
sub new {
    my ($class, $document) = @_;
    my $self = bless { document => $document, paths => [] }, $class;
    for my $path (sort keys %{ $document->{paths} }) {
        my $pattern = join '/', map { /^\{.*\}$/ ? '[^/]+' : quotemeta } split m{/}, $path, -1;
        # What is said in so many words counts before what stands for any.
        push @{ $self->{paths} }, [$path =~ tr/{//, qr/^$pattern$/, $path];
    }
    @{ $self->{paths} } = sort { $a->[0] <=> $b->[0] } @{ $self->{paths} };
    return $self;
}

# operations() -> [METHOD, /apps/{app}, operation], in the order of paths.
sub operations {
    my ($self) = @_;
    my $paths = $self->{document}{paths};
    return map {
        my $path = $_;
        map { [uc, $path, $paths->{$path}{$_}] } grep { ref $paths->{$path}{$_} eq 'HASH' } sort keys %{ $paths->{$path} }
    } sort keys %$paths;
}

# find(METHOD, path as it is asked for) -> the operation, or undef
sub find {
    my ($self, $method, $path) = @_;
    $path =~ s/\?.*//s;
    for my $p (@{ $self->{paths} }) {
        my $operation = $self->{document}{paths}{ $p->[2] }{ lc $method };
        return $operation if $path =~ $p->[1] && $operation;
    }
    return;
}

sub follow {
    my ($self, $at) = @_;
    while (ref $at eq 'HASH' && $at->{'$ref'}) {
        my @way = split m{/}, $at->{'$ref'};
        shift @way;
        $at = $self->{document};
        $at = $at->{$_} // die "no $_" for @way;
    }
    return $at;
}

# The schema of a JSON body that the operation takes, or undef.
sub body {
    my ($self, $operation) = @_;
    my $json = ($operation->{requestBody} // {})->{content}{'application/json'} or return;
    return $self->follow($json->{schema});
}

sub kind {
    my ($value) = @_;
    return !defined $value ? 'null' : JSON::PP::is_bool($value) ? 'boolean' : ref $value eq 'HASH' ? 'object' : ref $value eq 'ARRAY' ? 'array'
        : JSON::PP->new->allow_nonref->encode($value) =~ /^-?\d+$/ ? 'integer' : JSON::PP->new->allow_nonref->encode($value) =~ /^"/ ? 'string' : 'number';
}

# value(schema, value, where) -> what is wrong with it: nothing, or sentences.
sub value {
    my ($self, $schema, $value, $where) = @_;
    $schema = $self->follow($schema);
    if ($schema->{anyOf}) {
        my @wrong = map { [$self->value($_, $value, $where)] } @{ $schema->{anyOf} };
        return (grep { !@$_ } @wrong) ? () : map { @$_ } @wrong;
    }
    my $kind = kind($value);
    return if $kind eq 'null' && $schema->{nullable};
    return "$where is $kind, not $schema->{type}" if $schema->{type} && $schema->{type} ne $kind;
    my @wrong;
    push @wrong, "$where is none of the words: $value" if $schema->{enum} && !grep { defined && $_ eq ($value // '') } @{ $schema->{enum} };
    push @wrong, "$where is not like $schema->{pattern}: $value" if defined $schema->{pattern} && $kind eq 'string' && $value !~ /$schema->{pattern}/;
    push @wrong, "$where is no time: $value"
        if ($schema->{format} // '') eq 'date-time' && $value !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
    push @wrong, "$where is $value" if $kind eq 'integer' && ($value < ($schema->{minimum} // $value) || $value > ($schema->{maximum} // $value));
    if ($kind eq 'array') {
        push @wrong, map { $self->value($schema->{items}, $value->[$_], "${where}[$_]") } 0 .. $#$value;
    }
    if ($kind eq 'object') {
        my $known = $schema->{properties} // {};
        push @wrong, map { "$where has no $_" } grep { !exists $value->{$_} } @{ $schema->{required} // [] };
        for my $name (sort keys %$value) {
            my $others = $schema->{additionalProperties};
            if ($known->{$name}) { push @wrong, $self->value($known->{$name}, $value->{$name}, "$where.$name") }
            elsif (ref $others eq 'HASH') { push @wrong, $self->value($others, $value->{$name}, "$where.$name") }
            elsif (defined $others && !$others) { push @wrong, "$where has $name, of which nothing is told" }
        }
    }
    return @wrong;
}

# answer(METHOD, path, answer of Manager.pm) -> what is wrong with it
sub answer {
    my ($self, $method, $path, $r) = @_;
    return if $r->{status} == 0 || $method eq 'HEAD';
    my $operation = $self->find($method, $path);
    my $response = $operation && $r->{status} < 400 ? $operation->{responses}{ $r->{status} } : { '$ref' => '#/components/responses/Error' };
    return "$method $path: $r->{status}, of which nothing is told" if !$response && $r->{status} != 304;
    return if $r->{status} == 304;
    my $content = $self->follow($response)->{content} // {};
    my $json = $content->{'application/json'} or return;
    # Lines are told of as text, whoever asks for them as events.
    return if ($r->{headers}{'content-type'} // '') =~ m{^text/} && $content->{'text/plain'};
    return "$method $path: $r->{status} is not JSON: $r->{body}" if !defined $r->{json} && $r->{body} !~ /^null\s*$/;
    return map { "$method $path: $r->{status}: $_" } $self->value($json->{schema}, $r->{json}, 'it');
}

1;

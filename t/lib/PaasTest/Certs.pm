# Certificates for tests, the database that has them, and who is served which.
package PaasTest::Certs;

use strict;
use warnings;
use IPC::Run qw(run);
use PaasTest ();

my $dir = "$PaasTest::dir/pem";
mkdir $dir;
my $serial = 0;

sub slurp {
    my ($file) = @_;
    open my $fh, '<', $file or die "$file: $!";
    local $/;
    return scalar <$fh>;
}

sub openssl {
    my ($in, $out, $err) = '';
    run ['openssl', @_], \$in, \$out, \$err or die "openssl @_: $err";
    return $out;
}

my %kind = (
    ec => [qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256)],
    rsa => [qw(-newkey rsa:2048)],
    ed25519 => [qw(-newkey ed25519)],
);

# A certificate whose common name is NAME, in the files that are returned:
# { chain, key }.  kind => 'rsa', hosts => [...], ca => 1, by => another one,
# expired => 1.
sub make {
    my ($name, %opt) = @_;
    my $base = "$dir/" . ++$serial;
    my @hosts = @{ $opt{hosts} || ['host.test'] };
    my @by = $opt{by} ? ('-CA', $opt{by}{chain}, '-CAkey', $opt{by}{key}) : ();
    openssl('req', '-x509', @{ $kind{ $opt{kind} || 'ec' } }, '-nodes', '-days', 90, @by,
        '-keyout', "$base.key", '-out', "$base.crt", '-subj', "/CN=$name",
        '-addext', 'subjectAltName=' . join(',', map { "DNS:$_" } @hosts));
    openssl('x509', '-in', "$base.crt", '-signkey', "$base.key", '-days', -1, '-out', "$base.crt") if $opt{expired};
    if ($opt{by}) {
        open my $fh, '>>', "$base.crt" or die $!;
        print {$fh} slurp($opt{by}{chain});
        close $fh;
    }
    return { chain => "$base.crt", key => "$base.key" };
}

# The database's text: names => what make() returned, or a list of two, by name
# of the host.
sub text {
    my (%names) = @_;
    my ($text, %id) = ('');
    for my $host (sort keys %names) {
        my @ids;
        for my $c (ref $names{$host} eq 'ARRAY' ? @{ $names{$host} } : $names{$host}) {
            my $id = $id{ $c->{chain} } //= hex substr openssl('dgst', '-sha256', '-r', $c->{chain}), 0, 8;
            $text .= "cert $id chain=$c->{chain} key=$c->{key}\n" if $text !~ /^cert $id /m;
            push @ids, $id;
        }
        $text .= "certhost $host @ids\n";
    }
    return $text;
}

# A folder with a database of these; another one each time.
my $count = 0;

sub new_certs {
    my (%names) = @_;
    my $where = "$PaasTest::dir/certs" . ++$count;
    mkdir $where;
    PaasTest::set_routes($where, text(%names));
    return $where;
}

sub change_certs {
    my ($where, %names) = @_;
    PaasTest::set_routes($where, text(%names));
    return;
}

# What openssl s_client says about a handshake; undef for no name.
sub s_client {
    my ($port, $name, @args) = @_;
    my @sni = defined $name ? ('-servername', $name) : ('-noservername');
    my $host = defined $name ? $name : 'none.test';
    my $in = "GET / HTTP/1.0\r\nHost: $host\r\n\r\n";
    my ($out, $err) = ('', '');
    run ['openssl', 's_client', '-connect', "127.0.0.1:$port", @sni, '-ign_eof', @args],
        \$in, \$out, \$err, IPC::Run::timeout(20);
    return "$out\n$err";
}

# The common names of the chain that is served, the leaf's first.
sub served {
    my ($said) = @_;
    my ($chain) = $said =~ /^Certificate chain\n(.*?)^---/ms or return 'none';
    return join ' ', $chain =~ /^ *\d+ s:.*?CN ?= ?(\S+)$/mg;
}

sub leaf {
    my (@how) = @_;
    return (split ' ', served(s_client(@how)))[0];
}

# The leaves of many names in one go, by curl: name => common name.
sub leaves {
    my ($port, @names) = @_;
    my $config = "$dir/curl";
    open my $fh, '>', $config or die $!;
    print {$fh} "url = \"https://$_:$port/\"\noutput = \"/dev/null\"\n" for @names;
    close $fh;
    my ($in, $out, $err) = '';
    run ['curl', '-sk', '--no-sessionid', '--connect-to', "::127.0.0.1:$port", '-K', $config,
        '-w', '##%{url}\n%{certs}'], \$in, \$out, \$err;
    my %leaf;
    for my $one (split /##/, $out) {
        my ($name) = $one =~ m{^https://([^:/]+)} or next;
        ($leaf{$name}) = $one =~ /^Subject:.*?CN ?= ?(\S+)$/m;
    }
    return \%leaf;
}

1;

package Hostile;

# Archives that mean harm, made byte by byte: each is a list of entries from a
# store of ill will, with harmless ones between, from a seed of its own.

use strict;
use warnings;
use Compress::Zlib qw(memGzip);

# outside is a folder that nothing may reach, procfile what runs of those that
# are harmless; the same seed, the same archive.
sub new {
    my ($class, %o) = @_;
    return bless { outside => $o{outside}, procfile => $o{procfile} // "web: true\n" }, $class;
}

sub one { $_[rand @_] }

# Names with all that a terminal, a shell, JSON or a path minds.
my @words = ("a\nb", "a\r\nX: y", "\e[2J\e]0;title\a", "q\"uote", "it's", '$(id)', '`id`', '; rm -rf /', '-rf', '--help',
    "tab\there", "back\\slash", "C:\\x", "sp ace", "\x7f", "\xff\xfe", "\xc0\xaf..", "\xe2\x80\xae", "\xc2\x9b31m",
    "caf\xc3\xa9", '%s%n%x', '*', '~root', 'con', '.git', '.paas', '.profile.d', 'Procfile.', ' ', '...');

sub word { one(@words, 'plain', 'dir', 'x' x 255, 'y' x 256) }

sub climb {
    my ($self) = @_;
    my $up = '../' x (1 + int rand 8);
    my $out = $self->{outside};
    return one("../evil", "${up}evil", "a/../../evil", "./../evil", "a//..//..//evil", "a/b/../../../evil", '..', '../',
        "$out/evil", "/$out/evil", "//$out//evil", "${up}$out/evil", "plain/$up$out/evil", "a/./../../evil", "..\\evil",
        "a/..", ".../../../evil");
}

# ---- bytes ------------------------------------------------------------------

sub octal { my ($n, $len) = @_; return sprintf('%0*o', $len - 1, $n) . "\0" }

sub header {
    my (%e) = @_;
    my $size = $e{rawsize} // octal($e{size} // 0, 12);
    my $h = pack('a100 a8 a8 a8 a12 a12 a8 a1 a100 a6 a2 a32 a32 a8 a8 a155 x12',
        $e{name} // '', octal($e{mode} // 0644, 8), octal($e{uid} // 0, 8), octal(0, 8), $size,
        octal($e{mtime} // 1, 12), ' ' x 8, $e{type} // '0', $e{link} // '', "ustar\0", '00', 'root', 'root',
        octal($e{major} // 1, 8), octal($e{minor} // 3, 8), $e{prefix} // '');
    my $sum = unpack '%32C*', $h;
    substr $h, 148, 8, sprintf("%06o\0 ", $e{wrongsum} ? $sum + 1 : $sum);
    return $h;
}

sub padded { my ($data) = @_; return $data . "\0" x (-length($data) % 512) }

sub entry {
    my (%e) = @_;
    my $data = $e{data} // '';
    $e{size} //= length $data;
    my $long = '';
    # Names that the header has no room for, as GNU tar has them.
    for (['name', 'L'], ['link', 'K']) {
        my ($field, $type) = @$_;
        next if length($e{$field} // '') <= 100;
        $long .= header(name => '././@LongLink', type => $type, size => length($e{$field}) + 1) . padded("$e{$field}\0");
        $e{$field} = substr $e{$field}, 0, 99;
    }
    return $long . header(%e) . padded($data);
}

# What is said of the next entry in a header of its own, which takes its place.
sub pax {
    my (%say) = @_;
    my $data = '';
    for my $key (sort keys %say) {
        my $rest = " $key=$say{$key}\n";
        my $len = length $rest;
        1 while $len != length($rest) + length $len and $len = length($rest) + length $len;
        $data .= $len . $rest;
    }
    return header(name => 'pax', type => 'x', size => length $data) . padded($data);
}

# ---- ill will ----------------------------------------------------------------

my @wills = (
    sub { entry(name => $_[0]->climb, data => 'evil') },
    sub { entry(name => $_[0]->climb, type => '5', mode => 0777) },
    sub { pax(path => $_[0]->climb) . entry(name => 'innocent', data => 'evil') },
    # Links, and what is written through them: at once, by two hops, later.
    sub { my $n = word(); entry(name => $n, type => '2', link => $_[0]->climb) . entry(name => "$n/evil", data => 'evil') },
    sub { my $o = $_[0]{outside}; entry(name => 'l', type => '2', link => $o) . entry(name => 'l/evil', data => 'evil') },
    sub { entry(name => 'one', type => '2', link => 'two') . entry(name => 'two', type => '2', link => '../' x 4)
        . entry(name => "one/$_[0]{outside}/evil", data => 'evil') },
    sub { entry(name => 'd/two', type => '2', link => '..') . entry(name => 'd/one', type => '2', link => 'two/..')
        . entry(name => 'd/one/evil', data => 'evil') },
    sub { entry(name => 'd', type => '5') . entry(name => 'd', type => '2', link => $_[0]{outside}) . entry(name => 'd/evil', data => 'evil') },
    sub { entry(name => 'f', data => 'x') . entry(name => 'f', type => '2', link => "$_[0]{outside}/kept") . entry(name => 'f', data => 'evil') },
    sub { entry(name => 's', type => '2', link => "$_[0]{outside}/kept") . entry(name => 's', data => 'evil') },
    sub { entry(name => 'h', type => '1', link => "$_[0]{outside}/kept") . entry(name => 'h', data => 'evil') },
    sub { entry(name => 'h', type => '1', link => "$_[0]{outside}/kept", data => 'evil') },
    sub { entry(name => 'in', type => '2', link => $_[0]->climb) . entry(name => 'h', type => '1', link => 'in') . entry(name => 'h', data => 'evil') },
    sub { entry(name => 'a/b/c', type => '2', link => '../../..') . entry(name => 'a/b/c/evil', data => 'evil') },
    sub { entry(name => 'loop', type => '2', link => 'loop') . entry(name => 'loop/x', data => 'x') },
    sub { join '', map { entry(name => "hop$_", type => '2', link => 'hop' . ($_ + 1)) } 1 .. 60 },
    sub { pax(linkpath => $_[0]->climb) . entry(name => 'pl', type => '2', link => 'innocent') . entry(name => 'pl/evil', data => 'evil') },
    # What is no file.
    sub { entry(name => word(), type => one('3', '4'), major => 1, minor => 3, mode => 0666) },
    sub { entry(name => word(), type => '6') },
    sub { entry(name => word(), type => one('7', 'V', 'M', 'D', 'N', 'S', 'Z', 'q', "\0", ' ')) },
    sub { entry(name => word(), data => "#!/bin/sh\nid\n", mode => one(04755, 06777, 02755, 07777, 0)) },
    sub { entry(name => word(), type => '5', mode => one(06777, 01777, 0)) . entry(name => word() . '/x', data => 'x') },
    sub { pax('SCHILY.xattr.security.capability' => "\1\0\0\2\xff\xff\xff\xff" . "\0" x 12) . entry(name => 'cap', data => 'x', mode => 0755) },
    # Names.
    sub { entry(name => word(), data => 'x') },
    sub { entry(name => join('/', map { word() } 1 .. 3), data => 'x') },
    sub { pax(path => word()) . entry(name => 'p', data => 'x') },
    sub { pax(path => "a\0b") . entry(name => 'p', data => 'x') },
    sub { entry(name => '', data => 'x') },
    sub { entry(name => '/' x (1 + rand 5), type => one('0', '5', '2'), link => '/') },
    sub { entry(name => join('/', ('d') x (100 + rand 300)), data => 'x') },
    sub { entry(name => 'n' x (3000 + rand 4000), data => 'x') },
    sub { entry(name => 'sub', prefix => '../..', data => 'evil') },
    sub { entry(name => word() . '/', data => 'a file with a slash') },
    # Bombs, and sizes that are not so.
    sub { entry(name => 'bomb', data => "\0" x (1 << 21)) },
    sub { join '', map { entry(name => "many/$_") } 1 .. 600 },
    sub { header(name => 'huge', size => 0, rawsize => '7' x 11 . "\0") },
    sub { header(name => 'base256', rawsize => "\x80" . "\0" x 3 . "\x7f" . "\xff" x 7) },
    sub { header(name => 'negative', rawsize => "\xff" x 12) . padded('x') },
    sub { pax(size => one('99999999999999999999', '-1', 'x', '1099511627776')) . entry(name => 's', data => 'x') },
    sub { pax('GNU.sparse.major' => 1, 'GNU.sparse.minor' => 0, 'GNU.sparse.name' => $_[0]->climb,
        'GNU.sparse.realsize' => 1 << 40) . entry(name => 'sparse', data => padded("1\n1099511627000\n1\n") . 'x') },
    sub { entry(name => 'wrong', data => 'x', wrongsum => 1) },
    sub { substr entry(name => 'cut', data => 'x' x 2000), 0, 700 },
    sub { join '', map { chr rand 256 } 1 .. 700 },
);

my @harmless = (
    sub { entry(name => 'Procfile', data => $_[0]{procfile}) },
    sub { entry(name => 'dir/', type => '5', mode => 0755) . entry(name => 'dir/file', data => 'hello') },
    sub { entry(name => 'link', type => '2', link => 'dir/file') },
    sub { entry(name => './plain.txt', data => 'x' x rand 3000) },
);

sub count { return scalar @wills }

# An archive from a number.
sub archive {
    my ($self, $seed) = @_;
    srand $seed;
    my @parts = map { one(@harmless)->($self) } 1 .. rand 3;
    # Each of them in its turn, and then any.
    push @parts, $wills[$seed % @wills]->($self);
    push @parts, one(@harmless, @wills)->($self) for 1 .. rand 4;
    my $tar = join '', $harmless[0]->($self), @parts;
    $tar .= "\0" x 1024 if rand > 0.1;
    my $how = rand;
    return $how < 0.3 ? memGzip($tar) : $how < 0.33 ? memGzip($tar) . memGzip($tar) : $how < 0.36 ? substr(memGzip($tar), 0, -9)
        : $tar;
}

1;

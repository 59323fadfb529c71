package HostileGit;

# Pushes that mean harm, made byte by byte as no git makes them: what follows
# POST /APP.git/git-receive-pack, that is, commands and a pack of objects.

use strict;
use warnings;
use Compress::Zlib qw(compress);
use Digest::SHA qw(sha1);

my $none = '0' x 40;

# ---- bytes ------------------------------------------------------------------

sub pkt { my ($text) = @_; return sprintf('%04x', 4 + length $text) . $text }

my %number = (commit => 1, tree => 2, blob => 3, tag => 4, delta => 7);

# size is what the header says; a delta has the id of its base in front.
sub object {
    my ($type, $data, %o) = @_;
    my $size = $o{size} // length $data;
    my $head = '';
    my $byte = $number{$type} << 4 | $size & 15;
    for ($size >>= 4; $size; $size >>= 7) {
        $head .= chr($byte | 128);
        $byte = $size & 127;
    }
    my $id = $type eq 'delta' ? '' : sha1("$type " . length($data) . "\0$data");
    return { id => $id, hex => unpack('H*', $id), bytes => $head . chr($byte) . ($o{base} // '') . compress($data) };
}

sub pack_of {
    my (@objects) = @_;
    my $pack = pack('a4NN', 'PACK', 2, scalar @objects) . join '', map { $_->{bytes} } @objects;
    return $pack . sha1($pack);
}

sub tree { return object(tree => join '', map { "$_->[0] $_->[1]\0" . $_->[2]{id} } @_) }

sub commit {
    my ($tree, %o) = @_;
    my $who = $o{who} // 'Eve <eve@example.org> 1700000000 +0000';
    return object(commit => "tree $tree->{hex}\n" . ($o{more} // '') . "author $who\ncommitter $who\n" . ($o{last} // '') . "\n"
        . ($o{says} // "evil\n"));
}

# Sizes and copies of a delta, as git counts them.
sub varint { my ($n) = @_; my $out = ''; while ($n > 127) { $out .= chr($n & 127 | 128); $n >>= 7 } return $out . chr $n }
sub copies { my ($n, $size) = @_; return (pack('C', 0x80 | 0x40 | 0x20) . pack('v', $size)) x $n }

# ---- what is pushed ----------------------------------------------------------

# What serves when it is taken, beside the evil.
my $blob = object(blob => "evil\n");
my $page = object(blob => "page\n");
my $procfile = object(blob => "web: exec busybox httpd -f -p \$PORT\n");
my @good = (['100644', 'Procfile', $procfile], ['100644', 'index.html', $page]);

sub sorted {
    return sort { my ($x, $y) = map { $_->[1] . ($_->[0] =~ /^0?40000$/ ? '/' : '') } $a, $b; $x cmp $y } @_;
}

# A push of one commit, with these entries at the top; files => more objects.
sub entries {
    my ($entries, %o) = @_;
    my $tree = tree($o{unsorted} ? @$entries : sorted(@good, @$entries));
    my $commit = commit($tree, %o);
    return ([[$commit->{hex}]], pack_of($blob, $page, $procfile, @{ $o{files} // [] }, $tree, $commit));
}
sub file { my ($name, $mode) = @_; return entries([[$mode // '100644', $name, $blob]]) }
sub text { my ($name, $text, $mode) = @_; my $own = object(blob => $text); return entries([[$mode // '100644', $name, $own]], files => [$own]) }
sub link_to { my ($name, $to) = @_; return text($name, $to, '120000') }

sub plain { return entries([]) }

# One ref or several, of a commit that is fine.
sub refs {
    my (@refs) = @_;
    my ($commands, $pack) = plain();
    return ([map { [$commands->[0][0], $_] } @refs], $pack);
}

sub one { $_[rand @_] }
my @words = ("a\nb", "a\r\nb", "\e[2J\e]0;title\a", 'q"uote', "it's", '$(id)', '`id`', '-rf', '--upload-pack=id', "tab\there",
    "back\\slash", 'sp ace', "\x7f", "\xff\xfe", "\xc2\x9b31m", "\xe2\x80\xae", '%s%n', '*', '~root', '...', 'x' x 300, "caf\xc3\xa9");
sub word { return one(@words) }

# A folder in a folder, so many times, with n of each in each.
sub nested {
    my ($levels, $n) = @_;
    my @trees = tree($n > 1 ? () : ['100644', 'evil', $blob]);
    push @trees, tree(map { ['40000', "d$_", $trees[-1]] } 1 .. $n) for 1 .. $levels;
    return entries([['40000', 'z', $trees[-1]]], files => \@trees);
}

sub with_submodule { return entries([['160000', word() . 'x', { id => "\1" x 20 }]]) }

sub changed {
    my ($how) = @_;
    my ($commands, $pack) = plain();
    $pack = $how->($pack);
    return ($commands, $pack);
}

# Objects that are not those of the commit.
sub with_objects {
    my (@more) = @_;
    my $tree = tree(sorted(@good));
    my $commit = commit($tree);
    return ([[$commit->{hex}]], pack_of($page, $procfile, $tree, $commit, @more));
}

my $base = object(blob => "\0" x 50_000);

# name => what makes [[new id, ref or nothing for main, old id or nothing], ...]
# and the pack, or the whole text of a request.
my @wills = (
    # Trees.
    (map { my $name = $_; ["the name $name" => sub { file($name) }] } '..', '.', '.git', '.GIT', '.gIt', 'git~1', ".g\xe2\x80\x8cit",
        '', 'a/b', '/etc/passwd', '../../../evil', '.git/hooks/pre-receive', '.git .', '.git::$INDEX_ALLOCATION'),
    ['a word for a name' => sub { file(word()) }],
    ['words for folders' => sub { my $in = tree(['100644', word(), $blob]); entries([['40000', word() . 'x', $in]], files => [$in]) }],
    ['a link that is a folder as well' => sub { my $to = object(blob => '/etc'); my $in = tree(['100644', 'passwd', $blob]);
        entries([['120000', 'l', $to], ['40000', 'l', $in]], files => [$to, $in]) }],
    ['one name twice' => sub { entries([['100644', 'x', $blob], ['100755', 'x', $blob]]) }],
    ['a tree out of order' => sub { entries([['100644', 'z', $blob], ['100644', 'a', $blob]], unsorted => 1) }],
    (map { my ($name, $to) = @$_; ["a link $name to $to" => sub { link_to($name, $to) }] } ['l', '/etc/passwd'], ['l', '../../../../etc/shadow'],
        ['l', 'l'], ['l', ''], ['.gitmodules', '/etc/passwd'], ['.gitattributes', '/etc/passwd'], ['.gitignore', '../x'],
        ['Procfile2', '/proc/self/environ'], ['.slugignore', '/dev/zero'], ['manifest.yml', '/dev/zero'], ['app.json', '/etc/passwd']),
    ['a link to a word' => sub { link_to('l', word()) }],
    ['two hops' => sub { my @to = map { object(blob => $_) } 'two', '..'; my $in = tree(['120000', 'one', $to[0]], ['120000', 'two', $to[1]]);
        entries([['40000', 'd', $in]], files => [@to, $in]) }],
    ['a submodule' => sub { with_submodule() }],
    ['.gitmodules with a program' => sub { text('.gitmodules', qq([submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch /tmp/evil\n)) }],
    ['.gitmodules that climb' => sub { text('.gitmodules', qq([submodule "../../x"]\n\tpath = x\n\turl = ../x\n)) }],
    ['.gitattributes with a filter' => sub { text('.gitattributes', "* filter=evil export-subst\n") }],
    ['.gitattributes of long lines' => sub { text('.gitattributes', 'x' x 500_000) }],
    (map { my $mode = $_; ["the mode $mode" => sub { file('x', $mode) }] } qw(104755 106777 100000 060000 020000 010000 0120777 777777 0 9), ''),
    ['a folder that is a file' => sub { file('x', '40000') }],
    ['a file that is a folder' => sub { my $in = tree(['100644', 'x', $blob]); entries([['100644', 'x', $in]], files => [$in]) }],
    ['a file that is not there' => sub { entries([['100644', 'x', { id => "\x11" x 20 }]]) }],
    ['a file of zeros for its id' => sub { entries([['100644', 'x', { id => "\0" x 20 }]]) }],
    ['a tree cut off' => sub { my $tree = object(tree => "100644 x\0abc"); my $c = commit($tree); ([[$c->{hex}]], pack_of($tree, $c)) }],
    # Bombs.
    ['ten folders in each of ten, ten times' => sub { nested(10, 10) }],
    ['folders 3,000 deep' => sub { nested(3000, 1) }],
    ['too many files' => sub { entries([map { ['100644', sprintf('f%05d', $_), $blob] } 1 .. 2500]) }],
    ['a file of zeros' => sub { text('zeros', "\0" x (40 << 20)) }],
    ['a file many times' => sub { my $big = object(blob => "\0" x (4 << 20)); entries([map { ['100644', "f$_", $big] } 10 .. 40], files => [$big]) }],
    ['a delta that grows' => sub { with_objects($base, object(delta => varint(50_000) . varint(1000 * 50_000) . copies(1000, 50_000), base => $base->{id})) }],
    ['a delta past its base' => sub { with_objects($base, object(delta => varint(50_000) . varint(65_535) . copies(1, 65_535), base => $base->{id})) }],
    ['a delta of another size' => sub { with_objects($base, object(delta => varint(7) . varint(9) . copies(1, 9), base => $base->{id})) }],
    ['a delta without a base' => sub { with_objects(object(delta => varint(9) . varint(9) . copies(1, 9), base => "\x22" x 20)) }],
    # Packs.
    ['half a pack' => sub { changed(sub { substr $_[0], 0, length($_[0]) / 2 }) }],
    ['no pack' => sub { changed(sub { '' }) }],
    ['noise for a pack' => sub { changed(sub { join '', map { chr rand 256 } 1 .. 3000 }) }],
    ['a wrong sum' => sub { changed(sub { substr($_[0], 0, -1) . 'x' }) }],
    ['more after the pack' => sub { changed(sub { $_[0] . 'x' x 100 }) }],
    ['a byte that is another' => sub { changed(sub { substr($_[0], 12 + rand(length($_[0]) - 32), 1) ^= "\x55"; $_[0] }) }],
    ['more objects than there are' => sub { changed(sub { substr($_[0], 8, 4) = "\xff\xff\xff\xff"; $_[0] }) }],
    ['no objects' => sub { changed(sub { substr($_[0], 8, 4) = "\0\0\0\0"; $_[0] }) }],
    ['another version' => sub { changed(sub { substr($_[0], 4, 4) = pack 'N', 9; $_[0] }) }],
    ['an object with a huge size' => sub { with_objects(object(blob => 'x', size => 1 << 50)) }],
    ['an object longer than it says' => sub { with_objects(object(blob => 'x' x 1000, size => 2)) }],
    # Commits.
    ['a commit without a tree' => sub { my $c = object(commit => "author x <x> 1 +0000\n\nx"); ([[$c->{hex}]], pack_of($c)) }],
    ['a commit of a tree that is not there' => sub { my $c = commit({ hex => '1' x 40 }); ([[$c->{hex}]], pack_of($c)) }],
    ['an author of control bytes' => sub { entries([], who => "\e[31mEve\a <e\0ve> 1 +0000") }],
    ['an author without an address' => sub { entries([], who => 'Eve 1 +0000') }],
    ['a date past all time' => sub { entries([], who => 'Eve <e@x> 99999999999999999999999 +0000') }],
    ['a commit without an end' => sub { entries([], last => 'x' x 100_000) }],
    ['a parent that is not there' => sub { entries([], more => 'parent ' . '2' x 40 . "\n") }],
    ['a thousand parents' => sub { entries([], more => join '', map { sprintf "parent %040d\n", $_ } 1 .. 1000) }],
    ['a message of control bytes' => sub { entries([], says => "\e[31mred\e[0m \e]0;title\a\r\n" . word() . "\n") }],
    ['a blob for a commit' => sub { ([[$blob->{hex}]], pack_of($blob)) }],
    ['a tree for a commit' => sub { my $tree = tree(sorted(@good)); ([[$tree->{hex}]], pack_of($page, $procfile, $tree)) }],
    ['a tag for a commit' => sub { my ($c, $p) = plain(); my $tag = object(tag => "object $c->[0][0]\ntype commit\ntag \e[31mv1\ntagger E <e> 1 +0000\n\nx");
        my $tree = tree(sorted(@good)); ([[$tag->{hex}]], pack_of($blob, $page, $procfile, $tree, commit($tree), $tag)) }],
    # Refs.
    (map { my $ref = $_; ["the ref $ref" => sub { refs($ref) }] } "refs/heads/main\nrefs/heads/x", "refs/heads/\e[31mred\a", q{refs/heads/"q'$(id)`id`},
        'refs/heads/../../HEAD', '../../../../tmp/evil', '/tmp/evil', 'HEAD', 'refs/heads/main.lock', 'refs/heads/.x', 'refs/heads/main/x',
        'refs/heads/' . 'x' x 300, 'refs/heads/' . 'x' x 5000, 'refs/heads/' . 'x/' x 500 . 'x', 'x', '', 'refs/heads', 'refs//heads/main',
        'refs/heads/main@{0}', 'refs/heads/-x', 'refs/notes/commits', 'refs/tags/v1', 'refs/stash', "refs/replace/$blob->{hex}",
        'refs/remotes/x/main', 'refs/heads/main ', "refs/heads/main\r", "refs/heads/x\x7f", "refs/heads/\xc2\x9b31m", "refs/heads/\xff"),
    ['a word for a ref' => sub { refs('refs/' . one('heads', 'tags', 'notes', 'x') . '/' . word()) }],
    ['several refs' => sub { refs('refs/heads/main', 'refs/heads/master') }],
    ['one ref twice' => sub { refs('refs/heads/main', 'refs/heads/main') }],
    ['3,000 refs' => sub { refs(map { "refs/heads/b$_" } 1 .. 3000) }],
    ['3,000 tags and main' => sub { refs('refs/heads/main', map { "refs/tags/t$_" } 1 .. 3000) }],
    ['no main any more' => sub { ([[$none]], '') }],
    ['no ref any more that never was' => sub { ([[$none, 'refs/heads/x', '3' x 40]], '') }],
    ['main from somewhere else' => sub { my ($c, $p) = plain(); ([[$c->[0][0], undef, '4' x 40]], $p) }],
    ['main as if there were none' => sub { my ($c, $p) = plain(); ([[$c->[0][0], undef, $none]], $p) }],
    ['main to what is not there' => sub { ([['5' x 40]], pack_of()) }],
    ['main to a short id' => sub { my ($c, $p) = plain(); ([[substr $c->[0][0], 0, 39]], $p) }],
    ['main to no id' => sub { ([["\e[31m" . 'x' x 35]], pack_of()) }],
    ['main to an id of SHA-256' => sub { ([['6' x 64]], pack_of()) }],
    # Requests.
    (map { my $text = $_; ['the request ' . substr($text, 0, 12) => sub { $text }] } '', '0000', '0001', '0002', '0003', 'ffff', 'zzzz', "\0" x 100, '0005',
        "\e[31m" . 'x' x 1000, '0000' x 5000, pkt('shallow x') . '0000', pkt('shallow ' . '7' x 40) . '0000', pkt("push-cert\0 report-status\n") . '0000'),
    ['capabilities of control bytes' => sub { my ($c, $p) = plain(); ($c, $p, "report-status side-band-64k agent=\e[31m\a object-format=\e[2J") }],
    ['another kind of ids' => sub { my ($c, $p) = plain(); ($c, $p, 'report-status side-band-64k object-format=sha256') }],
    ['options of a push' => sub { my ($c, $p) = plain(); ($c, pkt("ci.skip\e[31m\n") . "0000$p", 'report-status side-band-64k push-options') }],
    ['nothing to be reported' => sub { my ($c, $p) = plain(); ($c, $p, '') }],
);

sub count { return scalar @wills }

# The n-th push, its words from a seed, to a repository whose main is old ->
# (its name, the request's body)
sub request {
    my ($seed, $old) = @_;
    srand $seed;
    my ($name, $make) = @{ $wills[$seed % @wills] };
    my ($commands, $pack, $capabilities) = $make->();
    return ($name, $commands) if !ref $commands;
    $capabilities //= 'report-status side-band-64k agent=evil/1';
    my $body = '';
    for my $command (@$commands) {
        my ($new, $ref, $from) = @$command;
        my $line = ($from // (($ref // 'refs/heads/main') eq 'refs/heads/main' ? $old : $none)) . " $new " . ($ref // 'refs/heads/main');
        $body .= pkt($body eq '' ? "$line\0$capabilities" : $line);
    }
    return ($name, $body . '0000' . $pack);
}

# What the other end has to say -> (what a person reads, what git reads)
sub heard {
    my ($answer) = @_;
    my ($said, $report) = ('', '');
    while ($answer =~ s/\A([0-9a-f]{4})//) {
        my $len = hex $1;
        next if $len < 4;
        my $text = substr $answer, 0, $len - 4, '';
        if ($text =~ s/\A\x01//) { $report .= $text }
        elsif ($text =~ s/\A[\x02\x03]//) { $said .= $text }
        else { $report .= $text; $said .= $text =~ s/\0.*//sr if $text =~ /\AERR / }
    }
    return ($said . $answer, $report);
}

1;

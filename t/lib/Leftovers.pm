package Leftovers;

# What a push that has ended may leave on a platform, and what none may.

use strict;
use warnings;
use Platform;

# new(platform): reads where it has its things.
sub new {
    my ($class, $p) = @_;
    open my $fh, '<', $p->{conf} or die "$p->{conf}: $!";
    my %conf = map { /^(\w+) = (\S+)/ ? ($1 => $2) : () } <$fh>;
    my ($root) = grep { -d } map { "$_/$conf{cgroup}" } '/sys/fs/cgroup/unified', '/sys/fs/cgroup', '/sys/fs/cgroup/memory';
    return bless { p => $p, conf => \%conf, root => $root }, $class;
}

sub state { return $_[0]{p}{state} }

# Processes of the platform's uids, as ps has them, that are like that.
sub processes {
    my ($self, $pattern) = @_;
    my $base = $self->{conf}{uid_base};
    return grep { /^\s*(\d+)/ && $1 >= $base && $1 < $base + 65536 && $_ =~ $pattern }
        split /\n/, (Platform::run('ps', '-eo', 'uid=,pid=,args='))[1];
}

# What there is of builds, and of instances more or less than so many.
sub of {
    my ($self, $instances) = @_;
    my ($run, $state, $prefix) = ($self->{p}{run}, $self->state, $self->{conf}{if_prefix});
    my @left;
    my $want = sub { my ($what, $n, @found) = @_; push @left, "$what: @found" if @found != $n };
    $want->('uploads', 0, glob "$state/uploads/*.tar");
    $want->('builds', 0, glob "$state/builds/*");
    $want->('records', $instances, glob "$run/inst/*");
    $want->('cgroups', $instances, glob "$self->{root}/inst/*/cgroup.procs");
    $want->('exits', 0, glob "$run/exit/*");
    $want->('interfaces', $instances, (Platform::run('ip', '-o', 'link'))[1] =~ /^\d+: (\Q$prefix\E[^:@]*)@/mg);
    $want->('processes of builds', 0, $self->processes(qr/paas-(?:build|inspect)/));
    $want->('slugs without a release', 0, $self->slugs_without);
    $want->('parts of pushes', 0, grep { !m{/pack/pack-} } glob "$state/git/*/{objects/tmp_*,objects/incoming-*,objects/pack/tmp_*,*.lock,refs/*/*.lock}");
    return @left;
}

# The trees that no release of any app has.
sub slugs_without {
    my ($self) = @_;
    my $p = $self->{p};
    my %owned;
    for my $app (@{ $p->api('GET', '/apps')->{json} // [] }) {
        $owned{ $_->{slug}{id} // '' } = 1 for @{ $p->api('GET', "/apps/$app->{name}/releases")->{json} // [] };
    }
    return grep { !$owned{ m{([^/]+)$} ? $1 : '' } } glob $self->state . '/slugs/*';
}

# Files that somebody of the platform has made, or that are called so, where
# they must not: anywhere on the disk but in its own folders.
sub outside {
    my ($self, @names) = @_;
    my $base = $self->{conf}{uid_base};
    my @prune = map { ('-path', $_, '-prune', '-o') } $self->state, @{ $self->{p} }{qw(run logs prefix)};
    my @called = map { ('-o', '-name', $_) } @names;
    my ($rc, $text) = Platform::run('find', '/', '-xdev', @prune, '(', '(', '-uid', '+' . ($base - 1), '-uid', '-' . ($base + 65536), ')',
        @called, ')', '-print');
    return grep { !m{^find: } } split /\n/, $text;
}

# Devices, and files that make somebody else of who runs them, in what is ours.
sub special {
    my ($self) = @_;
    my ($rc, $text) = Platform::run('find', map({ $self->state . "/$_" } qw(slugs builds uploads caches git)), '-xdev',
        '(', '-type', 'b', '-o', '-type', 'c', '-o', '-type', 'p', '-o', '-type', 's', '-o', '-type', 'f', '-perm', '/6000', ')');
    return split /\n/, $text;
}

1;

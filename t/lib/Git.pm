package Git;

# Real git, as somebody on a machine of their own has it: a home, a name, and
# nobody to ask for a password.

use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Select;
use Platform;
use Time::HiRes qw(time);

# new(folder of files or undef): a repository with these in one commit.
sub new {
    my ($class, $from) = @_;
    my $dir = tempdir('paas-git-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $self = bless { dir => "$dir/work", home => "$dir/home" }, $class;
    mkdir $self->{home};
    if ($from) { system('cp', '-r', $from, $self->{dir}) == 0 or die "cp $from" }
    else { mkdir $self->{dir} }
    $self->git('init', '-q', '-b', 'main');
    $self->commit if $from;
    return $self;
}

sub environment {
    my ($self) = @_;
    return (PATH => $ENV{PATH}, HOME => $self->{home}, GIT_TERMINAL_PROMPT => 0, GIT_CONFIG_NOSYSTEM => 1,
        GIT_AUTHOR_NAME => 'Ann', GIT_AUTHOR_EMAIL => 'ann@example.org',
        GIT_COMMITTER_NAME => 'Ann', GIT_COMMITTER_EMAIL => 'ann@example.org', LC_ALL => 'C.UTF-8');
}

# git(words) -> (exit status, output of both streams)
sub git {
    my ($self, @words) = @_;
    local %ENV = $self->environment;
    return Platform::run('git', '-C', $self->{dir}, @words);
}

# paas(platform, words) in this repository -> (exit status, output)
sub paas {
    my ($self, $p, @words) = @_;
    local %ENV = $self->environment;
    return Platform::run('sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', $self->{dir},
        "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", @words);
}

# line(words) -> the output, or death
sub line {
    my ($self, @words) = @_;
    my ($rc, $out) = $self->git(@words);
    die "git @words: $rc\n$out" if $rc;
    chomp $out;
    return $out;
}

# write(name => text, ...): files of the work tree
sub write {
    my ($self, %files) = @_;
    for my $name (sort keys %files) {
        my $path = "$self->{dir}/$name";
        make_path($path =~ s{/[^/]*$}{}r);
        open my $fh, '>:raw', $path or die "$path: $!";
        print {$fh} $files{$name};
        close $fh or die "$path: $!";
    }
    return $self;
}

# All there is, as a commit -> its id
sub commit {
    my ($self, $message) = @_;
    $self->line('add', '-A');
    $self->line('commit', '-q', '--allow-empty', '-m', $message // 'a commit');
    return $self->line('rev-parse', 'HEAD');
}

# A push that goes on in the background: read with rest(), or line by line.
sub start {
    my ($self, @words) = @_;
    local %ENV = $self->environment;
    my $pid = open(my $fh, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        exec 'git', '-C', $self->{dir}, @words or POSIX::_exit(127);
    }
    return { pid => $pid, fh => $fh, text => '' };
}

# Reads on until the pattern is there; true if it is.
sub until {
    my ($push, $pattern, $seconds) = @_;
    my $end = time + ($seconds // 30);
    while ($push->{text} !~ $pattern) {
        my $left = $end - time;
        return 0 if $left <= 0 || !IO::Select->new($push->{fh})->can_read($left);
        return 0 if !sysread $push->{fh}, $push->{text}, 65536, length $push->{text};
    }
    return 1;
}

# rest(push) -> (exit status, all of the output)
sub rest {
    my ($push) = @_;
    1 while sysread $push->{fh}, $push->{text}, 65536, length $push->{text};
    close $push->{fh};
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $push->{text});
}

1;

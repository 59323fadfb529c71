# The table of a bench's figures, and its chart by gnuplot.
package Bench::Report;

use strict;
use warnings;
use Platform;

sub new { return bless { missed => 0 }, shift }

sub section {
    my ($self, $title) = @_;
    printf "\n%-46s %14s %8s %7s\n", $title, '', 'ratio', 'bar';
}

# value is text with its unit; ratio and bar may be left out.  What is held
# against the bar is the ratio, or what is, where given.
sub row {
    my ($self, $name, $value, %opt) = @_;
    my $is = $opt{is} // $opt{ratio};
    my $verdict = !defined $opt{bar} ? '' : $is <= $opt{bar} ? 'ok' : 'missed';
    $self->{missed}++ if $verdict eq 'missed';
    (my $line = sprintf '  %-44s %14s %8s %7s %-6s  %s', $name, $value,
        defined $opt{ratio} ? sprintf('%.3f', $opt{ratio}) : '', $opt{bar} // '', $verdict, $opt{note} // '') =~ s/\s+$//;
    print "$line\n";
}

# ---- the chart --------------------------------------------------------------------

# panel(title => TEXT, x => TEXT, y => TEXT, log => 1, lines => { NAME => [[x, y]...] })
# panel(title => TEXT, y => TEXT, bars => [[LABEL, y...]...], keys => [NAME...])
sub panel { my ($self, %opt) = @_; push @{ $self->{panels} }, \%opt }

sub quoted { my ($text) = @_; return '"' . $text =~ s/["\\]//gr . '"' }

sub panel_text {
    my ($panel, $n) = @_;
    my $text = "reset\nset title " . quoted($panel->{title}) . "\nset ylabel " . quoted($panel->{y})
        . "\nset yrange [0:*]\nset grid ytics lc rgb '#dddddd'\nset key outside below\nset tics nomirror\nset border 3\n";
    my @plots;
    if ($panel->{bars}) {
        $text .= "\$data$n << END\n" . join('', map { join(' ', quoted($_->[0]), @$_[1 .. $#$_]) . "\n" } @{ $panel->{bars} })
            . "END\nset style data histograms\nset style histogram clustered gap 1\nset style fill solid 0.8\n";
        @plots = map { "\$data$n using " . ($_ + 2) . ':xtic(1) title ' . quoted($panel->{keys}[$_]) } 0 .. $#{ $panel->{keys} };
    } else {
        $text .= 'set xlabel ' . quoted($panel->{x}) . "\n" . ($panel->{log} ? "set logscale x 10\n" : '');
        my $i = 0;
        for my $name (sort keys %{ $panel->{lines} }) {
            my $block = "\$data${n}_" . $i++;
            $text .= "$block << END\n" . join('', map { "@$_\n" } @{ $panel->{lines}{$name} }) . "END\n";
            push @plots, "$block using 1:2 with linespoints pt 7 lw 2 title " . quoted($name);
        }
    }
    return $text . 'plot ' . join(', ', @plots) . "\n";
}

sub chart {
    my ($self, $file) = @_;
    my @panels = @{ $self->{panels} // [] } or return;
    my $rows = int((@panels + 1) / 2);
    my $text = sprintf "set terminal svg size 1200,%d font 'sans,13' background 'white'\nset output %s\n"
        . "set multiplot layout %d,2\n", 420 * $rows, quoted($file), $rows;
    $text .= panel_text($panels[$_], $_) for 0 .. $#panels;
    open my $gnuplot, '|-', 'gnuplot' or die "gnuplot: $!";
    print {$gnuplot} $text, "unset multiplot\n";
    close $gnuplot or die "gnuplot could not draw $file";
    print "\nchart: $file\n";
}

1;

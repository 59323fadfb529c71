# What the module's tests share.  Test::Nginx files get the sections
#
#   --- routes    a route database in the text of paas-routedb(8)
#   --- host      the request's Host
#
# and a configuration that needs none of its own; $B1 to $B4 are ports of
# backends that say "one" to "four".  Tests with more than requests in them
# start an nginx by PaasTest::Router instead.
package PaasTest;

use strict;
use warnings;
use Exporter 'import';
use File::Temp qw(tempdir);
use IPC::Open2;
use Ports;

our @EXPORT = qw(free_port new_routes change_routes set_routes routes_dir);

our $build = $ENV{PAAS_BUILD} || "$ENV{PWD}/build";
$build = "$ENV{PWD}/$build" if $build !~ m{^/};

# Workers must be able to read it, whoever runs the tests.
our $dir = tempdir('paas-test-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;

# Files may run at the same time.
$ENV{TEST_NGINX_SERVROOT} ||= "$dir/servroot";

my ($count, $routes) = (0, undef);

sub free_port { return Ports::free_port() }

BEGIN {
    $ENV{TEST_NGINX_BINARY} ||= '/usr/sbin/nginx';
    $ENV{TEST_NGINX_WORKER_USER} ||= 'www-data';
    $ENV{TEST_NGINX_SERVER_PORT} ||= free_port();
    $ENV{TEST_NGINX_PORT} = $ENV{TEST_NGINX_SERVER_PORT};
    $ENV{"B$_"} ||= free_port() for 1 .. 4;
    $ENV{DEAD} ||= free_port();
    $ENV{TEST_NGINX_PROXY_CONF} = "$ENV{PWD}/manager/etc/nginx/paas_proxy.conf";
}

# $B1 and the like.
sub expand {
    my ($text) = @_;
    $text =~ s/\$(B\d|DEAD)/$ENV{$1}/g;
    return $text;
}

# PAAS_MODULE is empty for an nginx that has the module built in.
sub module {
    my $file = $ENV{PAAS_MODULE} // "$build/ngx_http_paas_module.so";
    return $file eq '' ? '' : "load_module $file;\n";
}

sub routes_dir { return $routes }

# Puts text into a database; waits as long as its writer has to.
sub set_routes {
    my ($where, $text) = @_;
    my $file = "$dir/routes.txt";
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} expand($text);
    close $fh;
    system("$build/bin/paas-routedb", 'load', $where, $file) == 0
        or die "paas-routedb load failed";
    system('chgrp', '-R', 'www-data', $where) if $> == 0;
    chmod 0750, $where;
}

sub new_routes {
    $routes = "$dir/routes" . ++$count;
    mkdir $routes;
    set_routes($routes, shift);
    $ENV{TEST_NGINX_PAAS_ROUTES} = $routes;
    return $routes;
}

# The same for the database that new_routes has made last, but only the first
# time takes its while: the writer keeps it open until end_writer().
my %writer;

sub change_routes {
    my ($text) = @_;
    if (($writer{dir} // '') ne $routes) {
        end_writer();
        my $pid = open2(my $from, my $to, "$build/bin/paas-routedb", 'follow', $routes);
        %writer = (dir => $routes, pid => $pid, from => $from, to => $to);
    }
    open my $fh, '>', "$dir/routes.txt" or die "$dir/routes.txt: $!";
    print {$fh} expand($text);
    close $fh;
    print { $writer{to} } "$dir/routes.txt\n";
    readline($writer{from}) eq "ok\n" or die "paas-routedb follow failed";
}

sub end_writer {
    return if !$writer{pid};
    close $writer{to};
    waitpid $writer{pid}, 0;
    %writer = ();
}

# Server blocks of the backends, in nginx's own words.
sub backends {
    my @names = qw(one two three four);
    my $text = '';
    for my $n (1 .. 4) {
        my $name = $names[ $n - 1 ];
        $text .= <<EOT;
server {
    listen 127.0.0.1:$ENV{"B$n"};
    default_type text/plain;
    location / {
        return 200 "$name host=\$http_host uri=\$request_uri connection=\$http_connection upgrade=\$http_upgrade\\n";
    }
    location /headers {
        add_header X-Paas-App forged;
        add_header X-Paas-Error forged;
        add_header X-Other kept;
        return 200 "$name paas=\$http_x_paas_app \$http_x_paas_foo fwd=\$http_x_forwarded_for host=\$http_x_forwarded_host id=\$http_x_request_id\\n";
    }
    location /502 { return 502 "its own\\n"; }
    location /404 { return 404 "its own\\n"; }
    location /close { return 444; }
}
EOT
    }
    return $text;
}

sub http_conf {
    my ($extra) = @_;
    return <<EOT . backends();
paas_routes \$TEST_NGINX_PAAS_ROUTES;
paas_zone paas 2m;
upstream apps { paas; $extra }
EOT
}

sub location_conf {
    return <<EOT;
location / {
    paas on;
    proxy_pass http://apps;
    include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;
    add_header X-Which "\$paas_app,\$paas_type,\$paas_attempts,\$paas_error";
}
location /status { paas_status; }
location /metrics { paas_status; }
EOT
}

# ---- Test::Nginx ------------------------------------------------------

sub prepare_block {
    my ($block) = @_;

    new_routes($block->routes) if defined $block->routes;
    if (!defined $block->main_config) {
        $block->set_value('main_config', module());
    }
    if (!defined $block->http_config) {
        $block->set_value('http_config', http_conf($block->upstream // ''));
    }
    if (!defined $block->config) {
        $block->set_value('config', location_conf() . "# $routes "
            . ($block->upstream // ''));
    }
    if (defined $block->host && !defined $block->more_headers) {
        $block->set_value('more_headers', 'Host: ' . $block->host);
    }
}

sub import_nginx {
    require Test::Nginx::Socket;
    Test::Nginx::Socket::add_block_preprocessor(\&prepare_block);
    Test::Nginx::Socket::no_shuffle();
    Test::Nginx::Socket::no_long_string();
    Test::Nginx::Socket::no_root_location();
}

1;

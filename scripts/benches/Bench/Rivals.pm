# The servers that are measured side by side, all in front of one backend:
# nginx with a static upstream, paas, and what else routes a million hosts by
# a table: HAProxy with a map, Caddy with a matcher, a balancer in Lua.  The
# table of the others leads every host to the one backend, which is the best
# case for them; paas has a pool and an instance for each.
package Bench::Rivals;

use strict;
use warnings;
use Bench::Server;

sub backend {
    # Instances are at addresses of their own, as those of the platform are.
    my $self = Bench::Server->nginx(name => 'backend', core => 1, http => '');
    my $listen = join ' ', "listen 127.0.0.1:$self->{port};",
        map { "listen 127.0.1.$_:$self->{port};" } 1 .. 200;
    $self->{conf} =~ s/\}\s*\z/server { $listen location \/ { return 200 'hello'; } }\n}\n/;
    return $self;
}

sub static {
    my ($backend) = @_;
    return Bench::Server->nginx(name => 'static', http => <<EOT);
upstream apps { server 127.0.0.1:$backend->{port}; keepalive 64; }
server {
    listen 127.0.0.1:PORT;
    location / {
        proxy_pass http://apps;
        proxy_http_version 1.1;
        proxy_set_header Host \$host;
        proxy_set_header Connection '';
    }
    location /which { return 200; add_header X-Pid \$pid; }
}
EOT
}

# routes => FOLDER, name => NAME, workers => N
sub paas {
    my (%opt) = @_;
    my $self = Bench::Server->nginx(name => $opt{name} // 'paas',
        main => "load_module $ENV{PAAS_BUILD}/ngx_http_paas_module.so;", http => <<EOT);
paas_routes $opt{routes};
paas_zone paas 32m;
upstream apps { paas; paas_keepalive 256; }
server {
    listen 127.0.0.1:PORT;
    location / {
        paas on;
        proxy_pass http://apps;
        proxy_http_version 1.1;
        proxy_set_header Host \$paas_host;
        proxy_set_header Connection '';
        ${\($opt{location} // '')}
    }
    location /which { return 200; add_header X-Pid \$pid; }
}
EOT
    $self->{conf} =~ s/^worker_processes.*/worker_processes $opt{workers};/m if $opt{workers};
    return $self;
}

# HOSTS: the file with a host a line.
sub lua {
    my ($backend, $hosts) = @_;
    return Bench::Server->nginx(name => 'lua',
        main => join('', map { "load_module /usr/lib/nginx/modules/$_.so;\n" } qw(ndk_http_module ngx_http_lua_module)),
        http => <<EOT);
lua_shared_dict routes 1024m;
init_by_lua_block {
    local routes = ngx.shared.routes
    for host in io.lines("$hosts") do
        routes:set(host, $backend->{port})
    end
    balancer = require "ngx.balancer"
}
upstream apps {
    server 0.0.0.1;
    balancer_by_lua_block {
        local port = ngx.shared.routes:get(ngx.var.host)
        if not port then return ngx.exit(404) end
        balancer.set_current_peer("127.0.0.1", port)
    }
    keepalive 64;
}
server {
    listen 127.0.0.1:PORT;
    location / {
        proxy_pass http://apps;
        proxy_http_version 1.1;
        proxy_set_header Host \$host;
        proxy_set_header Connection '';
    }
}
EOT
}

sub haproxy {
    my ($backend, $hosts) = @_;
    my $map = "$Bench::Server::dir/haproxy.map";
    system("sed 's/\$/ apps/' $hosts > $map") == 0 or die 'the map for HAProxy';
    my $self = Bench::Server->new(name => 'haproxy', command => [qw(haproxy -db -f FILE)]);
    $self->{conf} = <<EOT;
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option http-keep-alive
    http-reuse always
frontend front
    bind 127.0.0.1:$self->{port}
    use_backend %[req.hdr(host),lower,map($map,none)]
backend apps
    server one 127.0.0.1:$backend->{port} pool-max-conn 64
backend none
    http-request deny deny_status 404
EOT
    return $self;
}

sub caddy {
    my ($backend, $hosts) = @_;
    my $self = Bench::Server->new(name => 'caddy', suffix => '.json',
        command => ['env', 'GOMAXPROCS=1', "HOME=$Bench::Server::dir", qw(caddy run --config FILE)]);
    open my $fh, '<', $hosts or die "$hosts: $!";
    chomp(my @hosts = <$fh>);
    my $list = '"' . join('","', @hosts) . '"';
    $self->{conf} = <<EOT;
{"admin": {"disabled": true, "config": {"persist": false}}, "logging": {"logs": {"default": {"level": "ERROR"}}},
"apps": {"http": {"servers": {"s": {"listen": ["127.0.0.1:$self->{port}"], "automatic_https": {"disable": true},
"routes": [{"match": [{"host": [$list]}], "handle": [{"handler": "reverse_proxy",
"transport": {"protocol": "http", "keep_alive": {"max_idle_conns_per_host": 64}},
"upstreams": [{"dial": "127.0.0.1:$backend->{port}"}]}]}]}}}}}
EOT
    return $self;
}

1;

# What the configuration must not say, and why, in words that help.
use lib 't/lib';
use PaasTest;
use Test::Nginx::Socket 'no_plan';

PaasTest::import_nginx();
run_tests();

__DATA__

=== TEST 1: a server beside paas
--- routes
pool 1 app=one type=web
instance 1 1 127.0.0.1:$B1
host a.test pool=1
--- upstream
server 127.0.0.1:1;
--- request
GET /
--- must_die
--- error_log
upstream "apps" in
has "paas" and "server": instances come from the route database alone


=== TEST 2: a server before paas
--- http_config eval
PaasTest::http_conf('') =~ s/\{ paas;/{ server 127.0.0.1:1; paas;/r
--- config
location / { proxy_pass http://apps; }
--- request
GET /
--- must_die
--- error_log
"paas" directive takes its servers from the route database: no "server" may stand in the same upstream


=== TEST 3: a zone
--- upstream
zone z 1m;
--- request
GET /
--- must_die
--- error_log
has "paas" and "zone"


=== TEST 4: another method after paas
--- upstream
least_conn;
--- request
GET /
--- must_die
--- error_log
has "paas" and another balancing method


=== TEST 5: another method before paas
--- http_config eval
PaasTest::http_conf('') =~ s/\{ paas;/{ least_conn; paas;/r
--- config
location / { proxy_pass http://apps; }
--- request
GET /
--- must_die
--- error_log
"paas" directive keeps connections by "paas_keepalive": no "keepalive" and no other balancing method may stand in the same upstream


=== TEST 6: keepalive before paas
--- http_config eval
PaasTest::http_conf('') =~ s/\{ paas;/{ keepalive 4; paas;/r
--- config
location / { proxy_pass http://apps; }
--- request
GET /
--- must_die
--- skip_nginx
2: >= 1.29.7
--- error_log
"paas" directive keeps connections by "paas_keepalive": no "keepalive"


=== TEST 7: paas twice
--- upstream
paas;
--- request
GET /
--- must_die
--- error_log
"paas" directive is duplicate


=== TEST 8: no routes
--- http_config
paas_zone paas 2m;
upstream apps { paas; }
--- config
location / { paas on; proxy_pass http://apps; }
--- request
GET /
--- must_die
--- error_log
"paas" needs "paas_routes", the folder of the route database, in the http block


=== TEST 9: no zone
--- http_config
paas_routes /tmp/nowhere;
upstream apps { paas; }
--- config
location / { paas on; proxy_pass http://apps; }
--- request
GET /
--- must_die
--- error_log
"paas" needs "paas_zone" in the http block, such as "paas_zone paas 32m"


=== TEST 10: a zone that is too small
--- http_config
paas_routes /tmp/nowhere;
paas_zone paas 64k;
--- config
location / { paas on; return 200; }
--- request
GET /
--- must_die
--- error_log
zone "paas" is too small, it needs 1m at least


=== TEST 11: a zone that is too small for its workers
--- http_config
paas_routes /tmp/nowhere;
paas_zone paas 1m workers=4000;
--- config
location / { paas on; return 200; }
--- request
GET /
--- must_die
--- error_log
paas_zone "paas" is too small for 4000 workers


=== TEST 12: nonsense for parameters
--- http_config
paas_routes /tmp/nowhere;
paas_zone paas 2m workers=many;
--- config
location / { paas on; return 200; }
--- request
GET /
--- must_die
--- error_log
invalid parameter "workers=many", it may be "workers=1" to "workers=4096"


=== TEST 13: nonsense for the cache
--- http_config
paas_routes /tmp/nowhere cash=1m;
paas_zone paas 2m;
--- config
location / { paas on; return 200; }
--- request
GET /
--- must_die
--- error_log
invalid parameter "cash=1m", it may be "cache=SIZE"


=== TEST 14: a cache that is too small
--- http_config
paas_routes /tmp/nowhere cache=1k;
paas_zone paas 2m;
--- config
location / { paas on; return 200; }
--- request
GET /
--- must_die
--- error_log
invalid cache size "1k", it is 64k at least


=== TEST 15: neither on nor off
--- config
location / { paas maybe; }
--- request
GET /
--- must_die
--- error_log
invalid value "maybe" in "paas" directive


=== TEST 16: the module alone, without a directive, changes nothing
--- http_config
--- config
location / { return 200 "x$paas_app$paas_error\n"; }
--- request
GET /
--- response_body
x


=== TEST 17: off where it was on
--- config
paas on;
location / { paas off; return 200 "x$paas_app\n"; }
--- host: a.test
--- request
GET /
--- response_body
x


=== TEST 18: nonsense for those who wait
--- http_config
paas_routes /tmp/nowhere;
paas_zone paas 2m;
paas_hold pool=0;
--- config
location / { paas on; return 200; }
--- request
GET /
--- must_die
--- error_log
invalid parameter "pool=0", it may be "pool=NUMBER" or "total=NUMBER"


=== TEST 19: a limit twice
--- http_config
paas_routes /tmp/nowhere;
paas_zone paas 2m;
paas_hold total=5 total=6;
--- config
location / { paas on; return 200; }
--- request
GET /
--- must_die
--- error_log
"paas_hold" directive is duplicate


=== TEST 20: a socket that is none
--- http_config
paas_routes /tmp/nowhere;
paas_zone paas 2m;
paas_wake 127.0.0.1:80;
--- config
location / { paas on; return 200; }
--- request
GET /
--- must_die
--- error_log
invalid socket "127.0.0.1:80", it is "unix:PATH"


=== TEST 21: trust in what is no address
--- http_config
paas_trust 10.0.0.0/33;
--- config
location / { return 200; }
--- request
GET /
--- must_die
--- error_log
"10.0.0.0/33" is no address, no network such as 10.0.0.0/8, and not "unix:"


=== TEST 22: trust in somebody and in nobody
--- http_config
paas_trust 10.0.0.0/8;
paas_trust off;
--- config
location / { return 200; }
--- request
GET /
--- must_die
--- error_log
"paas_trust" directive "off" must stand alone


=== TEST 23: a port that is none
--- http_config
paas_https_port 65536;
--- config
location / { return 200; }
--- request
GET /
--- must_die
--- error_log
invalid port "65536", it is from 1 to 65535


=== TEST 24: keepalive after paas
--- upstream
keepalive 4;
--- request
GET /
--- must_die
--- skip_nginx
2: >= 1.29.7
--- error_log
has "paas" and "keepalive" (use "paas_keepalive"): instances come from the route database alone


=== TEST 25: no number of connections
--- upstream
paas_keepalive some;
--- request
GET /
--- must_die
--- error_log
invalid number "some", it may be "off" or 1 to 65535


=== TEST 26: too many connections
--- upstream
paas_keepalive 65536;
--- request
GET /
--- must_die
--- error_log
invalid number "65536", it may be "off" or 1 to 65535


=== TEST 27: nonsense about connections
--- upstream
paas_keepalive 4 per_instance=0;
--- request
GET /
--- must_die
--- error_log
invalid parameter "per_instance=0", it may be "per_instance=NUMBER", "timeout=TIME", "requests=NUMBER" or "time=TIME"


=== TEST 28: a time that is none
--- upstream
paas_keepalive 4 timeout=soon;
--- request
GET /
--- must_die
--- error_log
invalid parameter "timeout=soon"


=== TEST 29: off takes no parameters
--- upstream
paas_keepalive off timeout=1s;
--- request
GET /
--- must_die
--- error_log
"paas_keepalive" directive has parameters after "off"


=== TEST 30: twice
--- upstream
paas_keepalive 4; paas_keepalive off;
--- request
GET /
--- must_die
--- error_log
"paas_keepalive" directive is duplicate

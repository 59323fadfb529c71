# paas_status, variables, and headers that are the platform's.
use lib 't/lib';
use PaasTest;
use Test::Nginx::Socket 'no_plan';

PaasTest::import_nginx();
run_tests();

__DATA__

=== TEST 1: nothing yet
--- routes
revision 42
pool 1 app=one type=web
instance 1 41394 127.0.0.1:$B1
pool 2 app=two type=web
instance 2 2 127.0.0.1:$B2
host a.test pool=1
host b.test pool=2
--- request
GET /status
--- response_headers
Content-Type: application/json
--- response_body_like eval
qr/^\{"version":1,"routes":\{"state":"ok","generation":\d+,"revision":42,"age_ms":\d+,"hosts":2,"pools":2,"patterns":0,"bad_patterns":0\},
"workers":\[\{"pid":\d+,"generation":\d+,"active":0,"oldest_active_generation":\d+\}\],
"instances":\[\],
"totals":\{"in_flight":0,"requests":0,/


=== TEST 2: a request is counted, by class
--- host: a.test
--- request eval
["GET /x", "GET /404", "GET /502", "GET /close", "GET /status"]
--- error_code eval
[200, 404, 502, 502, 200]
--- response_body_like eval
["^one", "its own", "its own", "502 closed H13",
qr/"instances":\[\s*\{"id":"000000000000a1b2","app":"one","type":"web","in_flight":0,"requests":4,"responses":\{"none":1,"1xx":0,"2xx":1,"3xx":0,"4xx":1,"5xx":1\},"bytes_in":\d+,"bytes_out":\d+,"retries":\d,"retries_denied":0,"failures":1,"ejections":0,"latency_ms":\{"sum":\d+,"le":\{"5":\d,/]


=== TEST 3: one instance
--- request
GET /status?instance=00000000000000ff
--- response_body_like eval
qr/^\{"version":1,"routes":\{[^}]*\},
"workers":\[\{[^]]*\}\],
"instances":\[\{"id":"00000000000000ff","in_flight":0,"requests":0\}\],
"held":\{"requests":0,"total":0\}\}$/


=== TEST 4: not an instance
--- request eval
["GET /status?instance=xyz", "GET /status?instance=0", "GET /status?instance=11112222333344445", "POST /status"]
--- error_code eval
[400, 400, 400, 405]


=== TEST 5: errors of the router are counted by name
--- host: nobody.test
--- request eval
["GET /", "GET /", "GET /status"]
--- error_code eval
[404, 404, 200]
--- response_body_like eval
["no_route", "no_route", qr/"errors":\{"bad_host":0,"no_route":2,/]


=== TEST 6: Prometheus
--- routes
pool 9 app=prom type=web
instance 9 41395 127.0.0.1:$B1
host prom.test pool=9
--- host: prom.test
--- request eval
["GET /x", "GET /metrics"]
--- response_headers eval
["Content-Type: text/plain", "Content-Type: text/plain; version=0.0.4; charset=utf-8"]
--- response_body_like eval
["one",
qr/paas_routes_ok 1
.*
paas_errors_total\{error="no_route"\} \d+
.*
# TYPE paas_in_flight gauge
.*paas_in_flight\{app="prom",type="web",instance="000000000000a1b3"\} 0
.*
# TYPE paas_requests_total counter
.*paas_requests_total\{app="prom",type="web",instance="000000000000a1b3"\} 1
.*
paas_responses_total\{app="prom",type="web",instance="000000000000a1b3",class="2xx"\} 1
.*
paas_latency_seconds_bucket\{app="prom",type="web",instance="000000000000a1b3",le="\+Inf"\} 1
paas_latency_seconds_sum\{app="prom",type="web",instance="000000000000a1b3"\} \d+\.\d{3}
paas_latency_seconds_count\{app="prom",type="web",instance="000000000000a1b3"\} 1
$/s]


=== TEST 7: headers that are ours are not an app's, nor a client's
--- routes
pool 1 app=one type=web
instance 1 41394 127.0.0.1:$B1
host a.test pool=1
--- more_headers
Host: a.test
X-Paas-App: evil
X-Paas-Foo: evil
X-Forwarded-For: 1.2.3.4
X-Forwarded-Host: evil
--- request
GET /headers
--- response_headers
X-Paas-App:
X-Paas-Error:
X-Other: kept
--- response_body_like: ^one paas=  fwd=127\.0\.0\.1 host= id=[0-9a-f]{32}$


=== TEST 8: variables
--- config
location / {
    paas on;
    proxy_pass http://apps;
    include $TEST_NGINX_PROXY_CONF;
    add_header X-Vars "$paas_app,$paas_type,$paas_pool,$paas_attempts,$paas_error,$paas_error_code,$paas_host" always;
}
--- host: a.test
--- request
GET /
--- response_headers
X-Vars: one,web,0000000000000001,1,,,a.test


=== TEST 9: variables of a refusal
--- config
location / {
    paas on;
    proxy_pass http://apps;
    include $TEST_NGINX_PROXY_CONF;
    add_header X-Vars "$paas_app,$paas_instance,$paas_attempts,$paas_error,$paas_error_code,$paas_host" always;
}
--- host: nobody.test
--- request
GET /
--- error_code: 404
--- response_headers
X-Vars: ,,0,no_route,,nobody.test


=== TEST 10: keepalive uses connections again
--- upstream
paas_keepalive 4;
--- host: a.test
--- pipelined_requests eval
["GET /1", "GET /2", "GET /3"]
--- response_body_like eval
["one host=a.test uri=/1 connection= ", "one .*uri=/2", "one .*uri=/3"]


=== TEST 11: an X-Accel-Redirect of an app is not obeyed
--- http_config eval
PaasTest::http_conf('') . 'server { listen 127.0.0.1:' . $ENV{DEAD} . '; location / { add_header X-Accel-Redirect /status; return 200 "mine\n"; } }' =~ s/x^//r
--- routes
pool 1 app=one type=web
instance 1 1 127.0.0.1:$DEAD
host c.test pool=1
--- host: c.test
--- request
GET /
--- response_body
mine

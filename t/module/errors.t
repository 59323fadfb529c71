# Each error of the router: status, name, page.
use lib 't/lib';
use PaasTest;
use Test::Nginx::Socket 'no_plan';

PaasTest::import_nginx();
run_tests();

__DATA__

=== TEST 1: no route, for a browser
--- routes
pool 1 app=up type=web
instance 1 1 127.0.0.1:$B1
pool 2 app=none type=web
pool 3 app=crashed type=web state=crashed
pool 4 app=stopped type=web state=stopped
pool 5 app=booting type=web state=starting
pool 6 app=maint type=web state=maintenance
instance 6 6 127.0.0.1:$B1
pool 7 app=asleep type=web state=asleep
pool 8 app=dead type=web
instance 8 8 127.0.0.1:$DEAD
pool 9 app=drained type=web
instance 9 9 127.0.0.1:$B1 draining
host up.test pool=1
host none.test pool=2
host crashed.test pool=3
host stopped.test pool=4
host booting.test pool=5
host maint.test pool=6
host asleep.test pool=7
host dead.test pool=8
host drained.test pool=9
--- host: nobody.test
--- request
GET /
--- error_code: 404
--- response_headers
X-Paas-Error: no_route
Content-Type: text/html; charset=utf-8
Cache-Control: no-cache, no-store
--- response_body_like: (?s)^<!DOCTYPE html>.*There is no app at this address.*404 no_route
--- no_error_log
[error]


=== TEST 2: no route, for a program
--- more_headers
Host: nobody.test
Accept: application/json
--- request
GET /
--- error_code: 404
--- response_headers
X-Paas-Error: no_route
Content-Type: application/json
--- response_body
{"id":"no_route","status":404,"code":"","message":"Nothing here yet. There is no app at this address."}


=== TEST 3: a browser takes both
--- more_headers
Host: nobody.test
Accept: text/html,application/xhtml+xml,application/json;q=0.9
--- request
GET /
--- error_code: 404
--- response_headers
Content-Type: text/html; charset=utf-8


=== TEST 4: HEAD
--- host: nobody.test
--- request
HEAD /
--- error_code: 404
--- response_headers
X-Paas-Error: no_route
--- response_body


=== TEST 5: no instance
--- host: none.test
--- request
GET /
--- error_code: 503
--- response_headers
X-Paas-Error: no_instance
X-Which: 
--- response_body_like: 503 no_instance H14


=== TEST 6: crashed
--- host: crashed.test
--- request
GET /
--- error_code: 503
--- response_headers
X-Paas-Error: app_crashed
--- response_body_like: 503 app_crashed H10


=== TEST 7: stopped
--- host: stopped.test
--- request
GET /
--- error_code: 503
--- response_headers
X-Paas-Error: app_stopped


=== TEST 8: booting
--- host: booting.test
--- request
GET /
--- error_code: 503
--- response_headers
X-Paas-Error: booting
--- response_body_like: 503 booting H20


=== TEST 9: maintenance, although an instance runs
--- more_headers
Host: maint.test
Accept: application/json
--- request
GET /
--- error_code: 503
--- response_headers
X-Paas-Error: maintenance
--- response_body_like: ^\{"id":"maintenance","status":503,"code":"H80",


=== TEST 10: asleep
--- host: asleep.test
--- request
GET /
--- error_code: 503
--- response_headers
X-Paas-Error: asleep


=== TEST 11: all instances are draining
--- host: drained.test
--- request
GET /
--- error_code: 503
--- response_headers
X-Paas-Error: no_instance


=== TEST 12: an instance that refuses the connection
--- host: dead.test
--- request
GET /
--- error_code: 502
--- response_headers
X-Paas-Error: connect_failed
Content-Type: text/html; charset=utf-8
--- response_body_like: 502 connect_failed H21


=== TEST 13: the same for a program, and with a body
--- more_headers
Host: dead.test
Accept: application/json
--- request
POST /
some body
--- error_code: 502
--- response_body_like: ^\{"id":"connect_failed","status":502,"code":"H21",


=== TEST 14: an instance that closes without an answer
--- host: up.test
--- request
GET /close
--- error_code: 502
--- response_headers
X-Paas-Error: closed
--- response_body_like: 502 closed H13


=== TEST 15: an app's own error is left alone
--- host: up.test
--- pipelined_requests eval
["GET /502", "GET /404"]
--- error_code eval
[502, 404]
--- response_body eval
["its own\n", "its own\n"]


=== TEST 16: a body is read off before a refusal
--- host: none.test
--- pipelined_requests eval
["POST /\nhello there", "POST /\nhello again"]
--- error_code eval
[503, 503]


=== TEST 17: access rules go first
--- config eval
PaasTest::location_conf() =~ s/paas on;/paas on; deny all;/r
--- host: nobody.test
--- request
GET /
--- error_code: 403


=== TEST 18: error_page of the operator is obeyed for what nginx finds
--- config eval
PaasTest::location_conf() . 'error_page 502 = @sorry; location @sorry { return 200 "sorry $paas_error $paas_app\n"; }'
--- host: dead.test
--- request
GET /
--- response_body
sorry connect_failed dead

# Pages of the admin's own in place of the router's.
use lib 't/lib';
use PaasTest;
use Test::Nginx::Socket 'no_plan';

PaasTest::import_nginx();
run_tests();

__DATA__

=== TEST 1: a maintenance page in a named location
--- routes
pool 1 app=up type=web
instance 1 1 127.0.0.1:$B1
pool 2 app=maint type=web state=maintenance
instance 2 2 127.0.0.1:$B2
pool 3 app=dead type=web
instance 3 3 127.0.0.1:$DEAD
pool 4 app=stopped type=web state=stopped
host up.test pool=1
host stopped.test pool=4
host maint.test pool=2
host dead.test pool=3
host half.test pool=1
host half.test pool=2 path=/admin
host * pool=1 path=/known
--- config eval
PaasTest::location_conf() . '
error_page 503 @closed;
location @closed {
    add_header X-Paas-Error $paas_error always;
    add_header Retry-After 600 always;
    default_type text/html;
    return 503 "<h1>$paas_app is closed: $paas_error_code</h1>\n";
}'
--- host: maint.test
--- request
GET /any/path
--- error_code: 503
--- response_headers
X-Paas-Error: maintenance
Retry-After: 600
Content-Type: text/html
--- response_body
<h1>maint is closed: H80</h1>
--- no_error_log
[error]


=== TEST 2: other errors keep the router's page
--- config eval
PaasTest::location_conf() . '
error_page 503 @closed;
location @closed { return 503 "closed\n"; }'
--- host: nobody.test
--- request
GET /
--- error_code: 404
--- response_headers
X-Paas-Error: no_route
--- response_body_like: There is no app at this address


=== TEST 3: a file, with another status
--- config
error_page 503 =200 /closed.html;
location = /closed.html { internal; root html; }
location / { paas on; proxy_pass http://apps; }
--- user_files
>>> closed.html
<p>closed</p>
--- host: maint.test
--- request
POST /any/path
hello
--- error_code: 200
--- response_body
<p>closed</p>


=== TEST 4: each kind of error may have its own, also where the page's location is the router's
--- config
paas on;
error_page 400 404 502 503 504 = @error;
location / { proxy_pass http://apps; include $TEST_NGINX_PROXY_CONF; }
location @error { return 500 "$paas_error:$status:$paas_app\n"; }
--- pipelined_requests eval
["GET /known", "GET /nobody"]
--- more_headers
Host: some.test
--- error_code eval
[200, 500]
--- response_body_like eval
["^one host=some.test", '^no_route:500:$']


=== TEST 5: no instance takes the connection
--- config
paas on;
error_page 400 404 502 503 504 = @error;
location / { proxy_pass http://apps; include $TEST_NGINX_PROXY_CONF; }
location @error { return 500 "$paas_error:$paas_app\n"; }
--- host: dead.test
--- request
GET /
--- error_code: 500
--- response_body
connect_failed:dead


=== TEST 6: no host
--- config
paas on;
error_page 400 404 502 503 504 = @error;
location / { proxy_pass http://apps; include $TEST_NGINX_PROXY_CONF; }
location @error { return 500 "$paas_error:$paas_app\n"; }
--- more_headers
Host: a~b.test
--- request
GET /
--- error_code: 500
--- response_body
bad_host:


=== TEST 7: to another app
--- config
error_page 503 = @again;
location / { paas on; proxy_pass http://apps; include $TEST_NGINX_PROXY_CONF; }
location @again { rewrite ^ /instead break; proxy_pass http://apps; include $TEST_NGINX_PROXY_CONF; }
--- host: half.test
--- request
GET /admin/x
--- error_code: 200
--- response_body_like: ^one host=half.test uri=/instead


=== TEST 8: a page that ends in the same error has the router's
--- config
error_page 503 /other;
location / { paas on; proxy_pass http://apps; include $TEST_NGINX_PROXY_CONF; }
--- host: maint.test
--- request
GET /
--- error_code: 503
--- response_headers
X-Paas-Error: maintenance
--- response_body_like: 503 maintenance H80


=== TEST 9: an error of an app is its own, unless it is intercepted
--- config
proxy_intercept_errors on;
error_page 404 = @error;
location / { paas on; proxy_pass http://apps; include $TEST_NGINX_PROXY_CONF; }
location @error { return 404 "not there:$paas_error\n"; }
--- host: up.test
--- request
GET /404
--- error_code: 404
--- response_body
not there:


=== TEST 10: each refusal is counted once, whatever page it has
--- config eval
PaasTest::location_conf() . '
location /own { paas on; proxy_pass http://apps; error_page 503 = @closed; }
location @closed { return 503 "closed\n"; }'
--- host: stopped.test
--- request eval
["GET /own", "GET /own", "GET /", "GET /status"]
--- error_code eval
[503, 503, 503, 200]
--- response_body_like eval
["closed", "closed", "app_stopped", qr/"app_stopped":3,/]


=== TEST 11: and those of an attempt
--- config eval
PaasTest::location_conf() . '
location = /close { paas on; proxy_pass http://apps; error_page 502 = @closed; }
location @closed { return 503 "closed\n"; }'
--- host: up.test
--- request eval
["GET /close", "GET /close", "GET /close/x", "GET /status"]
--- error_code eval
[503, 503, 502, 200]
--- response_body_like eval
["closed", "closed", "502 closed", qr/"closed":3,/]

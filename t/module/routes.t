# Which host and path leads where.
use lib 't/lib';
use PaasTest;
use Test::Nginx::Socket 'no_plan';

PaasTest::import_nginx();
run_tests();

__DATA__

=== TEST 1: an exact host
--- routes
pool 1 app=one type=web
instance 1 1 127.0.0.1:$B1
pool 2 app=two type=web
instance 2 2 127.0.0.1:$B2
pool 3 app=three type=web
instance 3 3 127.0.0.1:$B3
host a.example.com pool=1
host *.example.com pool=2
host *.deep.example.com pool=3
host paths.test pool=1
host paths.test pool=2 path=/api
host paths.test pool=3 path=/api/v2 strip
host only.test pool=2 path=/shop
host to.test to=www.to.test
host safe.test pool=1 https
host safe.test pool=1 path=/api strip https
--- host: a.example.com
--- request
GET /
--- response_body_like: ^one host=a.example.com uri=/ connection= upgrade=$
--- response_headers
X-Which: one,web,1,


=== TEST 2: a wildcard
--- host: b.example.com
--- request
GET /
--- response_body_like: ^two host=b.example.com


=== TEST 3: a wildcard covers more than one label
--- host: c.b.example.com
--- request
GET /
--- response_body_like: ^two host=c.b.example.com


=== TEST 4: the longest wildcard wins
--- host: x.deep.example.com
--- request
GET /
--- response_body_like: ^three host=x.deep.example.com


=== TEST 5: the longest one, further down
--- host: z.y.x.deep.example.com
--- request
GET /
--- response_body_like: ^three


=== TEST 6: a wildcard does not cover its own name
--- host: example.com
--- request
GET /
--- error_code: 404
--- response_headers
X-Paas-Error: no_route


=== TEST 7: nor a name that only ends alike
--- host: notexample.com
--- request
GET /
--- error_code: 404


=== TEST 8: the wildcard's suffix itself is covered by a shorter one
--- host: deep.example.com
--- request
GET /
--- response_body_like: ^two


=== TEST 9: case, port and last dot do not matter
--- more_headers
Host: A.Example.COM.:8080
--- request
GET /
--- response_body_like: ^one host=a.example.com uri


=== TEST 10: the longest path, in whole segments
--- host: paths.test
--- pipelined_requests eval
["GET /", "GET /api", "GET /api/", "GET /api/x", "GET /apix", "GET /api/v1"]
--- response_body_like eval
["^one", "^two", "^two", "^two", "^one", "^two"]


=== TEST 11: a prefix is taken off
--- host: paths.test
--- request
GET /api/v2/a%2Fb/c?d=e
--- response_body_like: ^three host=paths.test uri=/a%2Fb/c\?d=e conn


=== TEST 12: taken off whole
--- host: paths.test
--- request
GET /api/v2?d=e
--- response_body_like: ^three host=paths.test uri=/\?d=e conn


=== TEST 13: taken off although it was written in another way
--- host: paths.test
--- request
GET /x/../ap%69/v2/y
--- response_body_like: ^three host=paths.test uri=/y conn


=== TEST 14: a path outside of all prefixes
--- host: only.test
--- pipelined_requests eval
["GET /shop/1", "GET /other"]
--- error_code eval
[200, 404]


=== TEST 15: to another host, method and body unchanged
--- host: to.test
--- request
GET /a%20b?c=d
--- error_code: 308
--- response_headers
Location: http://www.to.test/a%20b?c=d


=== TEST 16: to https
--- host: safe.test
--- request
POST /x
--- error_code: 308
--- response_headers
Location: https://safe.test/x


=== TEST 17: without "paas on" the balancer looks for itself
--- config
location / { proxy_pass http://apps; proxy_set_header Host $paas_host; }
--- host: a.example.com
--- request
GET /
--- response_body_like: ^one host=a.example.com


=== TEST 18: and refuses for itself
--- host: nobody.test
--- request
GET /
--- error_code: 404
--- response_headers
X-Paas-Error: no_route


=== TEST 19: a proxy_pass by variable
--- config
location / { paas on; set $up apps; proxy_pass http://$up; proxy_set_header Host $paas_host; }
--- host: a.example.com
--- request
GET /
--- response_body_like: ^one host=a.example.com


=== TEST 20: a redirect names what is stripped for the app
--- host: safe.test
--- request
GET /api/foo?x=1
--- error_code: 308
--- response_headers
Location: https://safe.test/api/foo?x=1

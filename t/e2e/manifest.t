#!/usr/bin/perl
# manifest.yml and app.json with real pushes: what they say is so once the
# release serves, and what can't be changes nothing at all.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Git;
use Platform;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = Platform->new(suffix => 'mf');
$p->configure(memory_max => '600M', scale_max => 5);
is(($p->up)[0], 0, 'limits are set');

my $dir = tempdir('paas-manifest.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $count = 0;

# What a process of an app tells: its environment, as the shell has it.
my $server = <<'END';
import http.server, os
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path != '/bad' else 500)
        self.end_headers()
        self.wfile.write(''.join(f'{k}={v}\n' for k, v in sorted(os.environ.items())).encode())
    def log_message(self, *a): pass
http.server.HTTPServer(('', int(os.environ['PORT'])), H).serve_forever()
END

sub spill {
    my ($folder, %files) = @_;
    for my $name (keys %files) {
        my $path = "$folder/$name";
        system('mkdir', '-p', $path =~ s{/[^/]+$}{}r) == 0 or die;
        open my $fh, '>', $path or die "$path: $!";
        print {$fh} $files{$name};
        close $fh or die "$path: $!";
    }
    return $folder;
}

sub folder { return spill("$dir/" . ++$count, 'server.py' => $server, @_) }

# {type => its shape}
sub formation {
    my ($app) = @_;
    return { map { $_->{type} => $_ } @{ $p->api('GET', "/apps/$app/formation")->{json} } };
}

# ---- app.json: what a new app begins with --------------------------------

is(($p->paas('apps:create', $_))[0], 0, "the app $_") for qw(hero shop other);
my $hero = folder(
    Procfile => "web: python3 server.py\nworker: echo worker \$SECOND; sleep 1000\n",
    '.profile.d/first.sh' => "export FIRST=one\n",
    '.profile' => "export SECOND=\$FIRST-two\n",
    'runtime.txt' => "# ours\npython-3.11.4\n",
    'app.json' => '{"name": "Hero", "env": {"PLAIN": "1", "KEY": {"generator": "secret"}, "WANTED": {}},'
        . ' "formation": {"worker": {"quantity": 1}, "web": {"quantity": 2, "size": "performance-l"}},'
        . ' "addons": ["heroku-postgresql"], "shade": 1,'
        . ' "scripts": {"postdeploy": "echo seeded with $PLAIN $SECOND"}}');
my ($rc, $out) = $p->paas('push', $hero, '-a', 'hero');
isnt($rc, 0, 'a variable that app.json requires is missing');
like($out, qr/app\.json: env requires WANTED, which is not set/, 'by name');
is_deeply($p->json('releases', '-a', 'hero'), [], 'and there is no release');
is(($p->paas('config:set', 'WANTED=yes', 'PLAIN=mine', '-a', 'hero'))[0], 0, 'it is set');
($rc, $out) = $p->paas('push', $hero, '-a', 'hero');
is($rc, 0, 'then it is pushed') or diag $out;
like($out, qr/app\.json:1:\d+: the add-on "heroku-postgresql" is not made/, 'add-ons are named');
like($out, qr/app\.json:1:\d+: shade is not a key/, 'and keys that nobody knows');
like($out, qr/runtime\.txt asks for python-3\.11\.4/, 'and the runtime');
my $is = formation('hero');
is($is->{web}{quantity}, 2, 'two web processes');
is($is->{worker}{quantity}, 1, 'and a worker');
is($is->{web}{memory}, 600 * 1024 * 1024, 'of as much memory as there may be');
my $body = $p->get('hero')->{body};
like($body, qr/^PLAIN=mine$/m, 'a variable that somebody has set stays');
like($body, qr/^KEY=([0-9a-f]{64})$/m, 'a secret is made');
my ($secret) = $body =~ /^KEY=(.*)$/m;
like($body, qr/^SECOND=one-two$/m, '.profile.d and .profile are sourced');
like((Platform::wait_for(10, sub { ($p->paas('logs', '-a', 'hero', '--ps', 'worker.1'))[1] =~ /(worker one-two)/ ? $1 : undef }) // ''),
    qr/one-two/, 'by a worker, too');
like(($p->paas('run', '-a', 'hero', '--', 'sh', '-c', 'echo a run: $SECOND'))[1], qr/a run: one-two/, 'and by paas run');
my $seeded = sub { () = ($p->paas('logs', '-a', 'hero', '-n', '1000'))[1] =~ /postdeploy\.\d+\]?:? seeded with mine one-two/g };
is(Platform::wait_for(20, sub { $seeded->() || undef }), 1, 'its postdeploy command runs, with the config vars');
is(($p->paas('ps:scale', 'web=1', '-a', 'hero'))[0], 0, 'somebody scales it');
spill($hero, 'new.txt' => 'x');
($rc, $out) = $p->paas('push', $hero, '-a', 'hero');
is($rc, 0, 'pushed again') or diag $out;
is(formation('hero')->{web}{quantity}, 1, 'that stays');
is($seeded->(), 1, 'postdeploy is not run again');
like($p->get('hero')->{body}, qr/^KEY=$secret$/m, 'and so does the secret');
is(($p->paas('apps:destroy', 'hero', '--confirm', 'hero'))[0], 0, 'it goes');

# ---- manifest.yml, of the tree -------------------------------------------

my $shop = Git->new(folder('manifest.yml' => <<'END'));
defaults: &defaults
  memory: 64M
applications:
- name: shop
  <<: *defaults
  instances: 2
  disk_quota: 20M
  log-rate-limit-per-second: 32K
  command: python3 server.py
  env: {COLOUR: red, GONE: x}
  health-check-type: http
  health-check-http-endpoint: /well
  processes:
  - type: worker
    command: sleep 1000
    instances: 1
  - type: run
    command: sleep 1000
    instances: 0
    disk_quota: 24M
- name: another
  command: "false"
END
my ($token) = ($p->paas('tokens:create', '-a', 'shop'))[1] =~ /^(paas_\S+)$/m;
my $url = "http://x:$token\@git.$p->{domain}:$p->{port}/shop.git";

# git_push(files) -> (status, what is said)
sub git_push {
    my (%files) = @_;
    $shop->write(%files);
    $shop->commit;
    my ($rc, $out) = $shop->git('push', $url, 'main');
    $out =~ s/^remote: +(?:! +)?|\s*$//gm;
    return ($rc, $out =~ s/\s+/ /gr);
}

($rc, $out) = $shop->git('push', $url, 'main');
is($rc, 0, 'git push') or diag $out;
$is = formation('shop');
is("$is->{web}{quantity} $is->{web}{memory} $is->{worker}{quantity}", '2 ' . (64 << 20) . ' 1', 'instances and memory are as said');
is($is->{web}{health}{path}, '/well', 'the health check, too');
is($is->{web}{limits}{log_rate}, 32 << 10, 'and what it may log');
like($p->get('shop')->{body}, qr/^COLOUR=red$/m, 'variables are there');
like(($p->paas('run', '-a', 'shop', '--', 'df', '--output=size', '/tmp'))[1], qr/^\s*24576\s*$/m, 'what it says of commands that are run counts for them');
like((map { $_->{description} // $_->{text} // '' } @{ $p->json('releases', '-a', 'shop') })[0], qr/^Deploy/, 'it is one release');

# Nothing of a refused one is there, whatever stands before it.
my $before = join ' ', map { "$_->{version}" } @{ $p->json('releases', '-a', 'shop') };
for my $case (
    ["instances: many", qr/manifest\.yml:4:14: instances has to be a whole number/],
    ["instances: 6", qr/manifest\.yml:4:14: quantity of web has to be 0 to 5 \(scale_max in paas\.conf\), not 6/],
    ["memory: 1G", qr/manifest\.yml:4:11: memory of web has to be 16M to 600M \(memory_max/],
    ["memory: 12", qr/manifest\.yml:4:11: memory has to be a number with a unit/],
    ["routes: [{route: www.example.com}]", qr/manifest\.yml:4:20: the route "www\.example\.com" is no domain of shop/],
    ["routes: [{route: other.$p->{domain}}]", qr/manifest\.yml:4:20: the route "other\.\S+" belongs to the platform/],
    ["services: [db]", qr/manifest\.yml:4:14: the service "db" can't be bound/],
    ["docker: {image: a}", qr/paas push --image/],
    ["processes: [{type: clock, instances: 1}]", qr/the process clock has no command/],
    ["env: {PORT: x}", qr/manifest\.yml:4:9: PORT is set by the platform/],
    ["env: {A: ((a))}", qr/\(\(a\)\) has no value: push with `paas push --vars-file/],
) {
    my ($line, $says) = @$case;
    ($rc, $out) = git_push('manifest.yml' => "applications:\n- name: shop\n  command: python3 server.py\n  $line\n");
    isnt($rc, 0, "$line: refused") or diag $out;
    like($out, $says, "$line: says where and why");
    is(join(' ', map { "$_->{version}" } @{ $p->json('releases', '-a', 'shop') }), $before, "$line: no release");
}
is(formation('shop')->{web}{quantity}, 2, 'it is as it was');

# A release that does not get ready leaves all as it was, also how many run.
($rc, $out) = git_push('manifest.yml' => "applications:\n- name: shop\n  command: python3 server.py\n  instances: 3\n"
    . "  health-check-type: http\n  health-check-http-endpoint: /bad\n  timeout: 3\n");
isnt($rc, 0, 'a health check that fails') or diag $out;
like($out, qr{GET /bad was not well within 3 s}, 'says so, after the time of the manifest');
is($p->get('shop')->{status}, 200, 'the one before serves');
is(scalar(grep { $_->{type} eq 'web' && $_->{state} eq 'up' } @{ $p->json('ps', '-a', 'shop') }), 2, 'with as many as before');

# What listens on no port at all.
($rc, $out) = git_push('manifest.yml' => "applications:\n- name: shop\n  command: sleep 1000\n  no-route: true\n  path: sub\n  health-check-type: process\n  env: {GONE: ~}\n");
is($rc, 0, 'a web process that is only a process') or diag $out;
like($out, qr/manifest\.yml: path counts with `paas push` alone/, 'what has no effect in a push by git is named');
like($out, qr/manifest\.yml:4:13: no-route/, 'with its place');
is($p->json('config', '-a', 'shop')->{GONE}, undef, 'a variable is unset by null');

# ---- manifest.yml, by paas push ------------------------------------------

my $many = folder('manifest.yml' => <<'END', 'base.yml' => "memory: 64M\n", 'vars.yml' => "n: 2\nhost: www\n", 'jobs/run.sh' => "sleep 1000\n", 'server.py' => $server);
inherit: base.yml
applications:
- name: front
  instances: ((n))
  command: python3 server.py
  env: {SEEN: ((word))}
  routes:
  - route: ((host)).example.com
  colour: red
- name: jobs
  path: jobs
  command: sh run.sh
  health-check-type: process
END
my @names = sort map { $_->{name} } @{ $p->json('apps') };
sub names { return join ' ', sort map { $_->{name} } @{ $p->json('apps') } }
($rc, $out) = $p->paas('push', $many);
isnt($rc, 0, 'variables without values');
like($out, qr/manifest\.yml:4:14: \(\(n\)\) has no value: give it with --vars-file/, 'are named with their places');
like($out, qr/6:15: \(\(word\)\)/, 'all of them');
is(names(), "@names", 'no app was made');
my @vars = ('--vars-file', "$many/vars.yml", '--var', 'word=yes');
($rc, $out) = $p->paas('push', $many, @vars, '--var', 'n=6');
isnt($rc, 0, 'more than scale_max');
like($out, qr/manifest\.yml:4:14: quantity of web has to be 0 to 5/, 'is refused before anything is sent') or diag $out;
ok((grep { names() eq "@names" || !sleep 0.2 } 1 .. 50) > 0, 'and what was made for it goes again');
($rc, $out) = $p->paas('push', $many, @vars);
is($rc, 0, 'paas push by a manifest') or diag $out;
like($out, qr/manifest\.yml:9:3: colour is not a key/, 'an unknown key is named');
like($out, qr/=====> front.*=====> jobs/s, 'the apps in order');
is(formation('front')->{web}{quantity}, 2, 'a number from a variable');
is(formation('front')->{web}{memory}, 64 << 20, 'memory from the file that it inherits');
like($p->http('GET', 'www.example.com', '/')->{body}, qr/^SEEN=yes$/m, 'it answers at its route');
is(formation('jobs')->{web}{command}, 'sh run.sh', 'another app, of its own folder');
($rc, $out) = $p->paas('push', $many, @vars, '-a', 'jobs');
is($rc, 0, 'one of them') or diag $out;
unlike($out, qr/front/, 'and no other');
is(scalar @{ $p->json('releases', '-a', 'front') }, 1, 'which has no new release');
spill($many, 'manifest.yml' => "applications:\n- name: other\n  command: python3 server.py\n  routes: [{route: www.example.com}]\n");
($rc, $out) = $p->paas('push', $many);
isnt($rc, 0, 'a route of another app');
like($out, qr/manifest\.yml:4:20: the route "www\.example\.com" is taken by another app: remove it there first/, 'is refused');
is_deeply($p->json('releases', '-a', 'other'), [], 'with no release');
($rc, $out) = $p->paas('push', $many, '-a', 'other', '--no-manifest');
isnt($rc, 0, '--no-manifest') or diag $out;
like($out, qr/No buildpack fits/, 'as if it had none');
($rc, $out) = $p->paas('push', $many, '-f', "$many/none.yml");
isnt($rc, 0, '-f with no such file');
like($out, qr/none\.yml can't be read: No such file/, 'says so');

done_testing();

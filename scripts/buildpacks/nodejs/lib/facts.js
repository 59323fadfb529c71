// Prints what bin/compile has to know of an app, as words of a fixed set, or
// NAME@VERSION for its package manager.  Nothing else of what the app's files
// hold is printed, so that the shell that reads it sees none of it.
'use strict';

const fs = require('fs');
const path = require('path');

const dir = process.argv[2];

function read(name) {
    const text = fs.readFileSync(path.join(dir, name), 'utf8');

    return JSON.parse(text.replace(/^\uFEFF/, ''));
}

function fail(name, error) {
    const why = String(error.message).split('\n')[0];

    process.stdout.write(` !     ${name} can't be read: ` +
        why.replace(/[^\x20-\x7e]/g, '?') + '\n');
    process.exit(1);
}

let app, lock = null;

try {
    app = read('package.json');
    if (app === null || typeof app !== 'object' || Array.isArray(app)) {
        throw new Error('it is not a JSON object');
    }
} catch (error) {
    fail('package.json', error);
}

const lockName = ['npm-shrinkwrap.json', 'package-lock.json']
    .find((name) => fs.existsSync(path.join(dir, name)));

try {
    lock = lockName ? read(lockName) : null;
} catch (error) {
    fail(lockName, error);
}

const words = [];
const scripts = app.scripts || {};
const some = (object) => object && Object.keys(object).length > 0;

for (const name of ['heroku-prebuild', 'heroku-postbuild', 'heroku-cleanup',
    'build', 'start']) {
    if (typeof scripts[name] === 'string') {
        words.push(name);
    }
}
// The lock file says which package manager, else packageManager does.
const locks = { npm: lockName, yarn: 'yarn.lock', pnpm: 'pnpm-lock.yaml' };
const locked = Object.keys(locks).filter((name) =>
    locks[name] && fs.existsSync(path.join(dir, locks[name])));
const chosen = /^(npm|yarn|pnpm)@(\d+\.\d+\.\d+(?:-[0-9a-z.]+)?)(?:\+|$)/
    .exec(app.packageManager) || [];
const manager = locked[0] || chosen[1] || 'npm';

if (locked.length > 1) {
    fail('package.json', new Error('there are lock files of ' +
        locked.join(' and ') + ', which may not agree: push only one.'));
}
words.push(manager);
if (locked.length > 0) {
    words.push('lock');
}

function text(name) {
    try {
        return fs.readFileSync(path.join(dir, name), 'utf8');
    } catch (error) {
        return '';
    }
}

// Of yarn, there is the classic one, and all since 2; of pnpm, each major
// version has a lock file of its own.
function managerVersion() {
    const engine = /^\D*(\d+)/.exec(app.engines && app.engines[manager]);

    if (chosen[1] === manager) {
        return chosen[2];
    }
    if (engine) {
        return engine[1];
    }
    if (manager === 'yarn') {
        return /^__metadata:/m.test(text('yarn.lock')) ? '4' : '1';
    }
    const lockfile = /^lockfileVersion: '?(\d+)/m.exec(text(locks.pnpm)) || [];

    return { 5: '7', 6: '8' }[lockfile[1]] || '9';
}

if (manager !== 'npm') {
    const version = managerVersion();

    words.push(`${manager}@${version}`);
    if (manager === 'yarn' && !version.startsWith('1')) {
        words.push('berry');
        if (!/^nodeLinker:\s*["']?(node-modules|pnpm)/m
            .test(text('.yarnrc.yml'))) {
            words.push('pnp');
        }
    }
}
if (Object.values(scripts).concat(text('Procfile')).some((line) =>
    new RegExp(`\\b${manager}\\b`).test(line))) {
    words.push('needs-manager');
}

// engines.node: what is not met is said, but this machine has only this one.
function semver() {
    for (const at of ['/usr/lib/node_modules/npm/node_modules/semver',
        '/usr/local/lib/node_modules/npm/node_modules/semver',
        '/usr/share/nodejs/semver']) {
        try {
            return require(at);
        } catch (error) {
            continue;
        }
    }
    return null;
}

const wanted = app.engines && app.engines.node;
const range = semver();

if (typeof wanted === 'string' && range && range.validRange(wanted) &&
    !range.satisfies(process.version, wanted)) {
    process.stderr.write(' !     package.json asks for Node.js ' +
        wanted.replace(/[^ -~]/g, '?').slice(0, 100) + ', and this machine ' +
        `has ${process.version}: it is used all the same.\n`);
}
if (some(app.dependencies) || some(app.devDependencies) ||
    some(app.optionalDependencies) || some(app.peerDependencies) ||
    some(app.workspaces)) {
    words.push('dependencies');
}

// An install that runs the app's own code or links its folders can't be
// taken from the cache: what it did elsewhere would be missing.
const hooks = ['preinstall', 'install', 'postinstall', 'prepublish',
    'preprepare', 'prepare', 'postprepare'];
const linked = lock && lock.packages &&
    Object.values(lock.packages).some((entry) => entry && entry.link);

if (some(app.workspaces) || linked ||
    hooks.some((name) => typeof scripts[name] === 'string')) {
    words.push('own-install');
}
if (fs.existsSync(path.join(dir, 'server.js'))) {
    words.push('server.js');
}
process.stdout.write(words.join(' ') + '\n');

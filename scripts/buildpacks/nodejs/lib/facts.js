// Prints what bin/compile has to know of an app, as words of a fixed set.
// What the app's files hold is never printed, so that the shell that reads
// it sees none of it.
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
if (lockName) {
    words.push('lock', lockName);
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

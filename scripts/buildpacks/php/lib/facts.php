<?php
// Prints what bin/compile has to know of composer.json, as words of a fixed
// set, or one line that says what is wrong.
//
//   php -n facts.php EXTENSION,EXTENSION,...    those that are loaded

function fail(string $why): void
{
    echo ' !     ', preg_replace('/[^ -~]/', '?', substr($why, 0, 300)), "\n";
    exit(1);
}

$app = json_decode(file_get_contents('composer.json'), true);
if (!is_array($app)) {
    fail('composer.json can\'t be read: ' . json_last_error_msg());
}
$require = $app['require'] ?? [];
if (!is_array($require)) {
    fail('composer.json: require must be an object');
}
$loaded = array_map('strtolower', explode(',', $argv[1]));
$words = [];

foreach (array_keys($require) as $name) {
    $name = strtolower($name);
    if (strpos($name, '/') !== false) {
        $words['install'] = true;
    } elseif (strncmp($name, 'ext-', 4) === 0) {
        $extension = substr($name, 4);
        if ($extension === 'zend-opcache') {
            $extension = 'zend opcache';
        }
        if (!in_array($extension, $loaded, true)) {
            fail("composer.json asks for PHP's extension $extension, which " .
                "is not installed on this machine: its owner can run " .
                "'apt-get install php-$extension'.");
        }
    }
}
if (!empty($app['autoload'])) {
    $words['install'] = true;
}
if (isset($app['scripts']['compile'])) {
    $words['compile'] = true;
}
if (is_file('composer.lock')) {
    $words['lock'] = true;
}
echo implode(' ', array_keys($words)), "\n";

<?php
// For PHP's own server: what is hidden and what index.php gets, as nginx.conf
// has it.
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');
$hidden = '~(^|/)\.(?!well-known/)|^/(vendor/|composer\.(json|lock)$|Procfile$)~';

if (preg_match($hidden, $path)) {
    http_response_code(404);
    echo "Not found\n";
    return true;
}
return false;

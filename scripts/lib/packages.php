# PHP, served by php-fpm behind nginx: scripts/up --runtimes php.
php-cli php-fpm composer
php-curl php-mbstring php-xml php-zip php-mysql php-pgsql php-sqlite3

# shellcheck shell=bash
# What compile and release know of an app's gems.

# Is this gem among those that are locked?
locks() {
    [[ -f Gemfile.lock ]] && grep -q "^    $1 (" Gemfile.lock
}

is_rails() {
    [[ -f config/application.rb ]] && locks railties
}

# Ruby, with headers for gems in C: scripts/up --runtimes ruby.
ruby ruby-dev ruby-bundler ruby-rack ruby-webrick puma

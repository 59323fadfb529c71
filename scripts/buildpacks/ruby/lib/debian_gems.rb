# Debian has many a gem's code in Ruby's own folders, and no folder of its
# own.  Bundler takes such a gem for one that somebody has deleted, and would
# install it anew; loading it works.
require 'bundler'
require 'bundler/rubygems_ext'

class Gem::Specification
  alias paas_deleted_gem? deleted_gem?

  def deleted_gem?
    paas_deleted_gem? && !loaded_from.to_s.start_with?('/usr/')
  end
end

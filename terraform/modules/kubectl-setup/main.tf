locals {
  # A path below the home directory stays as it is written: it goes into the shared state, and every operator has a home of
  # their own. Any other path is made absolute, since the later layers read it from other directories.
  directory = startswith(var.directory, "~") ? var.directory : abspath(var.directory)
}

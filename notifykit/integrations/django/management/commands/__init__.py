"""A file for each command, since Django names a command after its file; :mod:`..program` has what they do."""

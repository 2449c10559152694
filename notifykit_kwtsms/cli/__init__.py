"""Commands that this package brings to the ``notifykit`` program, a file each."""

"""The ``notifykit`` program: a command a file, those of plugins among them."""

"""The ``kwtsms`` program, and the commands ``demo`` and ``sandbox`` of the ``notifykit`` program."""

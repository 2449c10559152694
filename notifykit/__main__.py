"""``python -m notifykit`` is the ``notifykit`` program."""

from notifykit.cli.main import main

main()

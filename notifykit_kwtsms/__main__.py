"""``python -m notifykit_kwtsms`` is the ``kwtsms`` program."""

from notifykit_kwtsms.cli.program import main

main()

"""The ``kwtsms`` program, a command a file. The heavy parts load inside the commands that need them."""

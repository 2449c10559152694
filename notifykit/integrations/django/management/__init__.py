"""Django finds the commands in ``commands``, a file each."""

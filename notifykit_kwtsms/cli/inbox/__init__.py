"""Commands that talk to a sandbox which is running: ``notifykit sandbox tail`` and the others."""

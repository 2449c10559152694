"""``manage.py notify_worker``: ``notifykit worker`` with the settings of Django."""

from notifykit.integrations.django.program import ProgramCommand


class Command(ProgramCommand):
    """Runs ``notifykit worker``."""

    command = "worker"
    help = "Send the jobs of a notifier of NOTIFYKIT until SIGTERM or Ctrl-C."

"""``manage.py notify_send``: ``notifykit send`` with the settings of Django."""

from notifykit.integrations.django.program import ProgramCommand


class Command(ProgramCommand):
    """Runs ``notifykit send``."""

    command = "send"
    help = "Send a text by a notifier of NOTIFYKIT, and say what happened to each recipient."

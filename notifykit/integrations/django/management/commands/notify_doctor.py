"""``manage.py notify_doctor``: ``notifykit doctor`` with the settings of Django."""

from notifykit.integrations.django.program import ProgramCommand


class Command(ProgramCommand):
    """Runs ``notifykit doctor``."""

    command = "doctor"
    help = "Look at versions, settings, files, plugins and the account of a notifier of NOTIFYKIT."

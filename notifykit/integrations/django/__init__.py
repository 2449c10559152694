"""Django: an app with the settings ``NOTIFYKIT``, checks, commands, an e-mail backend, delivery reports, and a page.

::

    INSTALLED_APPS = [..., "notifykit.integrations.django"]
    NOTIFYKIT = {"default": {"TRANSPORT": "kwtsms", "OPTIONS": {"sender": "MY-APP"}}}

Everything that a view needs is here::

    from notifykit.integrations.django import notifiers, notify_on_commit, send, verifiers
"""

from notifykit.errors import needs_extra

with needs_extra("django"):
    import django as _django  # noqa: F401 - only whether it is there

from notifykit.integrations.django.commit import notify_on_commit
from notifykit.integrations.django.registry import notifiers, send, submit, verifiers
from notifykit.integrations.django.signals import delivery_changed, message_sent, on_commit_finished

__all__ = [
    "delivery_changed",
    "message_sent",
    "notifiers",
    "notify_on_commit",
    "on_commit_finished",
    "send",
    "submit",
    "verifiers",
]

"""The app ``notifykit.integrations.django``: what happens when Django has loaded it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

from notifykit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class NotifykitConfig(AppConfig):  # type: ignore[misc]
    """Registers the checks, and keeps tests from sending.

    No notifier is made here: servers load the site and fork then.
    """

    name = "notifykit.integrations.django"
    label = "notifykit"
    verbose_name = "Notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks; from now on tests send nothing."""
        from django.core.checks import register

        from notifykit.integrations.django import checks, isolation

        register(checks.check_notifiers, "notifykit")
        isolation.install()


def command_settings(alias: str) -> Mapping[str, Any]:
    """Return the settings of one notifier for a command: what is wrong with them is said by the command itself.

    :raises ConfigError: where the entry in ``NOTIFYKIT`` can't be read.
    """
    from notifykit.integrations.django.configuration import aliases, arguments_of

    if alias not in aliases():
        raise ConfigError(f"--using: NOTIFYKIT has no notifier {alias!r:.60}: there are {', '.join(aliases())}")
    return arguments_of(alias)

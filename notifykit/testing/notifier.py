"""The notifier of a test, and its plugins: the installed ones or some of them, and those that the test registers."""

from __future__ import annotations

from typing import Any, Final

from notifykit.errors import ConfigError, TransportError
from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.components import Components
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost

#: The transport of an outbox's own notifier: one that measures and prices as kwtSMS does where that is installed.
_TRANSPORT: Final = "memory"


class Plugins:
    """Builds a plugin host when it is first needed."""

    def __init__(self) -> None:
        self._only: tuple[str, ...] | None = None
        self._without: tuple[str, ...] = ()
        self._registered: list[tuple[object, str | None]] = []
        self._host: PluginHost | None = None

    def register(self, plugin: object, name: str | None = None) -> None:
        """Add a plugin, before the installed ones.

        :raises RuntimeError: if the notifier has sent already.
        """
        self._require_unused("register")
        self._registered.append((plugin, name))

    def only(self, *names: str) -> None:
        """Use no other installed plugins than these; without a name, none. The framework's own are always used.

        :raises RuntimeError: if the notifier has sent already.
        """
        self._require_unused("only")
        self._only = names

    def without(self, *names: str) -> None:
        """Switch off plugins, or things that plugins bring, by their names.

        :raises RuntimeError: if the notifier has sent already.
        """
        self._require_unused("without")
        self._without += names

    @property
    def host(self) -> PluginHost:
        """The host: strict, so that a broken plugin is an error.

        :raises PluginError: if a plugin is broken.
        :raises ConfigError: if there is no plugin of a name.
        """
        if self._host is None:
            host = PluginHost(allow=self._only, disable=self._without, strict=True)
            known = {info.name for info in host.plugins}
            missing = [name for name in self._only or () if name not in known]
            if missing:
                raise ConfigError(
                    f"no plugin is called {name!r}: there are {', '.join(sorted(known))}" for name in missing
                )
            for plugin, name in self._registered:
                host.register(plugin, name)
            self._host = host
        return self._host

    def error(self, code: str) -> TransportError | None:
        """Return the error for a provider's code; None where no plugin knows the code."""
        errors = (error for about in self.host.about().values() for error in about.codes())
        return next((error for error in errors if error.code == code), None)

    def _require_unused(self, method: str) -> None:
        if self._host is not None:
            raise RuntimeError(f"plugins are chosen before the first send: {method}() comes too late")


class OutboxNotifier(Notifier):
    """A notifier that is built when it is first used, so that plugins can be registered before.

    :param plugins: its plugins.
    :param clock: its time.
    """

    def __init__(self, plugins: Plugins, clock: VirtualClock) -> None:
        self._plugins = plugins
        self._time = clock

    def __getattr__(self, name: str) -> Any:
        if name != "_components":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._components = Components(_TRANSPORT, host=self._plugins.host, clock=self._time)
        return self._components

    def close(self) -> None:
        """Close the plugins and the transport, if they were used."""
        if "_components" in vars(self):
            super().close()

"""The plugins of a test: those that are installed, or exactly some of them, and what the test itself registers."""

from __future__ import annotations

from notifykit.errors import ConfigError, TransportError
from notifykit.plugins import PluginHost


class Plugins:
    """Puts a plugin host together, which is built when it is first needed."""

    def __init__(self) -> None:
        self._only: tuple[str, ...] | None = None
        self._without: tuple[str, ...] = ()
        self._registered: list[tuple[object, str | None]] = []
        self._host: PluginHost | None = None

    def register(self, plugin: object, name: str | None = None) -> None:
        """Take in a plugin, ahead of those that are installed.

        :raises RuntimeError: where a notifier has sent already: its plugins are what they are.
        """
        self._insist_on_time("register")
        self._registered.append((plugin, name))

    def only(self, *names: str) -> None:
        """Use no other installed plugins than these; without a name, none. The framework's own are always there."""
        self._insist_on_time("only")
        self._only = names

    def without(self, *names: str) -> None:
        """Leave out plugins, or things that plugins bring, by their names."""
        self._insist_on_time("without")
        self._without += names

    @property
    def host(self) -> PluginHost:
        """The host: a fresh one for each test, strict, so that a broken plugin is an error here.

        :raises PluginError: where a plugin is broken.
        :raises ConfigError: where a name is not that of a plugin.
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
        """Return the error that a provider's code becomes; None where no plugin knows the code."""
        for about in self.host.about().values():
            for error in about.codes():
                if error.code == code:
                    return error
        return None

    def _insist_on_time(self, verb: str) -> None:
        if self._host is not None:
            raise RuntimeError(f"plugins are chosen before the first send: {verb}() comes too late")

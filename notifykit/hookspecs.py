"""The hooks: what a plugin can bring.

A plugin is a module, or any object, with functions marked by ``hookimpl`` and named as below. It is found through the
entry-point group ``notifykit``; the entry point's name is the plugin's name. Each hook is called once for each
notifier that is built, at start-up, and may take fewer arguments than are listed. What comes back is used as plain
callables from then on: no hook is called while a message is on its way.

Where a hook raises, or brings something of the wrong shape, the whole plugin is quarantined with everything that it
brings; the others go on. In strict mode it is an error instead. A :class:`~notifykit.errors.ConfigError` is passed on to the person
who wrote the settings: raise it where yours can't be understood, not where they are absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from notifykit.events import Event
    from notifykit.models.message import Channel
    from notifykit.models.recipient import Recipient, Rejected
    from notifykit.protocols import About, Cleaner, EngineFactory, Guard, Normalizer, Sink, TransportFactory
    from notifykit.settings.sources import Settings

PROJECT: Final = "notifykit"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# --- at start-up: components of the pipeline ---


@hookspec
def notifykit_normalizers(settings: Settings) -> Iterable[Normalizer]:  # type: ignore[empty-body]
    """Bring normalizers: they turn an address as people write it into its canonical form.

    For each address they are called one after the other, and the first answer wins: a recipient, or a rejection with
    its reason. None passes the address on. Installed plugins come before the framework's own, by name, unless
    the setting ``normalizers`` gives an order; ``tryfirst`` and ``trylast`` move yours before or behind all others.

    :param settings: the settings; :meth:`~notifykit.settings.sources.Settings.section` resolves your own.
    :return: objects with a ``name`` and a ``normalize`` method.
    """


@hookspec
def notifykit_cleaners(  # type: ignore[empty-body]
    settings: Settings,
) -> Iterable[Cleaner | Callable[[str], str]]:
    """Bring cleaners: they turn a text into one that the channel can carry.

    All of them run, one on the result of the other, in the order described for normalizers; nothing stops the chain.
    The edits of each are reported, so that people can see why their text is not what they wrote.

    :param settings: the settings.
    :return: cleaners, in the order in which they should run: functions that take a text and return one, or objects with
        a ``name`` and a ``clean`` method. A function runs on texts of every channel; its ``__name__`` is the cleaner's
        name, and its edits are found by comparing.
    """


@hookspec
def notifykit_transports(settings: Settings) -> Iterable[TransportFactory]:  # type: ignore[empty-body]
    """Bring transports: a factory for the DSN schemes that are yours.

    A factory is called when a name or a DSN of its schemes is first used. The first plugin that claims a scheme
    keeps it; a later claim is not used, and is listed as shadowed.

    :param settings: the settings.
    :return: factories.
    """


@hookspec
def notifykit_sinks(settings: Settings) -> Iterable[Sink | Callable[[Event], None]]:  # type: ignore[empty-body]
    """Bring log sinks: they are called with every event of a send.

    They are called one after the other; where one raises that is logged, and the next is called all the same. A sink that
    you return is switched on: return none where your settings are absent. Events are redacted before a sink gets them.

    :param settings: the settings.
    :return: functions that take an event, whose ``__name__`` is the sink's name; or objects with a ``name`` and a
        ``handle`` method, and a ``close`` method that is called at the end where there is one.
    """


@hookspec
def notifykit_guards(  # type: ignore[empty-body]
    settings: Settings, normalize: Callable[[str, Channel], Recipient | Rejected]
) -> Iterable[Guard]:
    """Bring guards: each may hold a message back from a recipient, or redirect it to another recipient.

    For each recipient they are called one after the other, in the order described for normalizers, and the first veto
    counts. All guards are called again for a recipient that another one is redirected to, and the message is sent to it
    once. A guard that you return is switched on: return none where your settings are absent. Return a veto where the
    guard can't know: a guard that raises holds the message back. To count something over all processes, reserve it in
    the counter store that the guard gets; where the message is not sent after all, the reservation is released.

    :param settings: the settings.
    :param normalize: reads an address in any written form, as this notifier's normalizers do.
    :return: objects with a ``name`` and a ``judge`` method, in the order in which they should be called.
    """


@hookspec
def notifykit_engines(settings: Settings) -> Iterable[EngineFactory]:  # type: ignore[empty-body]
    """Bring an engine: it stores sends on disk and sends them, also when the process that submitted them has ended.

    It is built when it is first used. The first engine is used, and installed ones come before the framework's own.

    :param settings: the settings.
    :return: factories.
    """


# --- on the command line ---


@hookspec
def notifykit_commands(register: Callable[[click.Command], None]) -> None:
    """Bring commands of the ``notifykit`` program: call ``register`` with each click command.

    Called only when the program runs, so import click inside. A command whose name is taken is an error of your
    plugin, which is quarantined.

    :param register: takes a :class:`click.Command`.
    """


@hookspec
def notifykit_about() -> About:  # type: ignore[empty-body]
    """Describe the plugin for the program: settings, error codes, checks for ``doctor``, pages for ``help``.

    Only commands that show them call it; no send depends on it.
    """

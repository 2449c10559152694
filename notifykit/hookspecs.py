"""The hooks: what a plugin can contribute.

A plugin is a module, or any object, with functions marked by ``hookimpl`` and named as below. It is found through the
entry-point group ``notifykit``; the entry point's name is the plugin's name. Each hook is called once for each
notifier that is built, at start-up, and may take fewer arguments than are listed. What it returns is used as plain
callables from then on: no hook is called during a send.

A hook that raises, or returns something of the wrong shape, quarantines the whole plugin with everything it contributed;
the others are used. In strict mode it is an error instead. A :class:`~notifykit.errors.ConfigError` is passed on to the
person who wrote the settings: raise it where yours are wrong, not where they are absent.
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
    from notifykit.protocols import About, Cleaner, Guard, Normalizer, Sink, TransportFactory
    from notifykit.protocols.engine import EngineFactory
    from notifykit.settings.sources import Settings

PROJECT: Final = "notifykit"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# --- at start-up: what the stages use ---


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
    keeps it; a later claim is ignored and listed as shadowed.

    :param settings: the settings.
    :return: factories.
    """


@hookspec
def notifykit_sinks(settings: Settings) -> Iterable[Sink | Callable[[Event], None]]:  # type: ignore[empty-body]
    """Bring log sinks: they are given every event.

    Sinks are called one after the other; one that raises is logged, and the next is still called. What you return is
    used: return nothing where your settings are absent. Events are redacted before.

    :param settings: the settings.
    :return: functions that take an event, whose ``__name__`` is the sink's name; or objects with a ``name`` and a
        ``handle`` method, and a ``close`` method that is called at the end where there is one.
    """


@hookspec
def notifykit_guards(  # type: ignore[empty-body]
    settings: Settings, normalize: Callable[[str, Channel], Recipient | Rejected]
) -> Iterable[Guard]:
    """Bring guards: each may hold a message back from a recipient, or send it to another recipient instead.

    For each recipient they are asked one after the other, in the order described for normalizers, and the first veto
    counts. A recipient who is put in the place of another is checked by all guards, and gets the message once. What you
    return is used: return nothing where your settings are absent. Veto where you can't decide: a guard that raises holds
    the message back. To count something over all processes, reserve it in the counters that you are given; where the
    message is not sent after all, it is released.

    :param settings: the settings.
    :param normalize: reads an address in any written form, as this notifier's normalizers do.
    :return: objects with a ``name`` and a ``check`` method, in the order in which they should be asked.
    """


@hookspec
def notifykit_engines(settings: Settings) -> Iterable[EngineFactory]:  # type: ignore[empty-body]
    """Bring an engine: it stores jobs on disk and sends them, also after the process that submitted them has ended.

    It is built when a job is first submitted, read or sent. The first engine is used, installed ones before the built-in.

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

    Called only by commands that show them; a send does not depend on it.
    """

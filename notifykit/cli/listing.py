"""Which commands there are and what each is for, as far as that is known without loading any of them.

The framework's own are written down here. A plugin's are what its distribution declares in the entry-point group
``notifykit.commands``: under the plugin's name, a mapping of commands to a sentence about each. A plugin that declares
nothing has to be loaded to be asked, and so has everybody where the settings may leave somebody out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from notifykit.installed import entry_points

#: What the framework's own commands say of themselves. Each is in the module of its name, in this package.
OWN: Final = {
    "send": "Send a text, and say what happened to each recipient.",
    "preview": "Show a message as a phone does, with its encoding, segments and cost.",
    "explain": "Explain a text, a number or an error code: each edit, each step, each cure.",
    "validate": "Check numbers by the rules of their countries; - reads them from standard input.",
    "route": "See which transport a message would take.",
    "log": "Read the JSONL log, and that of the kwtSMS client.",
    "plugins": "List plugins: what works, what is switched off, what is broken and why.",
    "config": "Show every setting with its value and where it comes from.",
    "doctor": "Look at versions, settings, files, plugins and the account.",
    "completion": "Print the completion script of a shell.",
    "new": "Write the beginning of something of your own.",
    "help": "Show a page of help, or list the pages.",
}
#: The same of the commands that the framework's own plugins bring.
BUILT_IN: Final = {
    "jobs": "Look after sends that are kept on disk: how far each is, and what becomes of it.",
    "worker": "Send what jobs have to be sent, until SIGTERM or Ctrl-C.",
}
#: The entry-point group of plugins.
_PLUGINS: Final = "notifykit"
#: The one in which their distributions declare commands.
_DECLARED: Final = "notifykit.commands"
_SWITCHES: Final = ("disable", "allow")


def brought(*, entry_points_too: bool) -> Mapping[str, str] | None:
    """Return the commands that plugins bring, each with its sentence; None where one of them has to be asked."""
    points = entry_points(_PLUGINS, _DECLARED) if entry_points_too else []
    plugins = [point.name for point in points if point.group == _PLUGINS]
    declared = {point.name: point for point in points if point.group == _DECLARED}
    if len(set(plugins)) < len(plugins) or not declared.keys() >= set(plugins):
        return None
    commands = dict(BUILT_IN)
    for plugin in plugins:
        try:
            said = dict(declared[plugin].load())
        except KeyboardInterrupt:
            raise
        except BaseException:  # whatever is wrong with it is found, and told, where the plugin itself is loaded
            return None
        if said.keys() & (OWN.keys() | commands.keys()) or not all(
            isinstance(word, str) for word in (*said, *said.values())
        ):
            return None
        commands |= said
    return commands


def may_leave_out(env_file: str | None) -> bool:
    """Return whether the settings may leave a plugin out; where the words stand nowhere, they need not be read."""
    if any(os.environ.get(f"NOTIFYKIT_{word.upper()}") for word in _SWITCHES):
        return True
    folder = os.getcwd()  # noqa: PTH109 - importing pathlib would take a tenth of the whole start
    places = [os.path.join(folder, env_file or ".env")]  # noqa: PTH118 - as above
    while True:
        places += (os.path.join(folder, name) for name in ("notifykit.toml", "pyproject.toml"))  # noqa: PTH118 - as above
        above = os.path.dirname(folder)  # noqa: PTH120 - as above
        if above == folder:
            return any(map(_names_a_switch, places))
        folder = above


def _names_a_switch(file: str) -> bool:
    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - as above
            content = stream.read().lower()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    # With a backslash in it, a settings file may spell a word otherwise.
    return b"\\" in content or any(word.encode() in content for word in _SWITCHES)

"""Writes the table of what each transport can do into ``reference/transports.md``.

``python docs/matrix.py`` writes it; a test checks that it is up to date. The table is in the page itself, so that the page
can be read without being built.
"""

from __future__ import annotations

import pathlib

from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel
from notifykit.plugins import PluginHost
from notifykit.settings.sources import Settings

PAGE = pathlib.Path(__file__).parent / "reference" / "transports.md"
BEGIN = "<!-- python docs/matrix.py writes what follows -->\n"
END = "<!-- until here -->\n"

COLUMNS = {
    "Schemes": lambda schemes, able: ", ".join(f"`{scheme}`" for scheme in schemes),
    "Carries": lambda schemes, able: (
        "anything" if able.channels == frozenset(Channel) else ", ".join(sorted(map(str, able.channels)))
    ),
    "Batch": lambda schemes, able: str(able.batch_size),
    "Encodings": lambda schemes, able: ", ".join(able.encodings) or "any",
    "Subject": lambda schemes, able: _yes_or_no(able.subjects),
    "Own sender": lambda schemes, able: _yes_or_no(able.senders),
    "Reports": lambda schemes, able: _yes_or_no(able.reports),
    "Test mode": lambda schemes, able: _yes_or_no(able.test_mode),
    "Idempotent": lambda schemes, able: _yes_or_no(able.idempotent),
    "Live": lambda schemes, able: _yes_or_no(able.live),
}


def _yes_or_no(there: bool) -> str:
    return "yes" if there else "no"


def known() -> dict[str, tuple[tuple[str, ...], Capabilities]]:
    """Return schemes and capabilities of the transports that come along, by name, without building one."""
    host = PluginHost(allow=("kwtsms",))
    factories = {factory.name: factory for factory in host.registry(Settings()).transports.values()}
    return {
        name: (factory.schemes, factory.capabilities())
        for name, factory in sorted(factories.items())
        if factory.capabilities is not None
    }


def table() -> str:
    """Return the table."""
    rows = [["Transport", *COLUMNS], ["---"] * (len(COLUMNS) + 1)]
    for name, (schemes, able) in known().items():
        rows.append([f"`{name}`", *(column(schemes, able) for column in COLUMNS.values())])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def page(old: str) -> str:
    """Return the page with the table as it has to be."""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE.name} has lost its marks: {BEGIN.strip()} and {END.strip()}")
    return f"{before}{begin}\n{table()}\n{end}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

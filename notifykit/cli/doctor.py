"""``notifykit doctor``: is everything as it should be, and if not, what to do."""

from __future__ import annotations

from typing import Final

import attrs
import click

from notifykit.cli.checkup import checkup
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples
from notifykit.cli.output import print_json, print_line
from notifykit.cli.rehearsal import load_settings
from notifykit.plugins import PluginHost
from notifykit.protocols import Health

_STYLES: Final = {Health.OK: "good", Health.WARN: "care", Health.FAIL: "bad"}


@click.command("doctor", epilog=examples("notifykit doctor", "notifykit doctor --online", "notifykit doctor --strict"))
@click.option("--online", is_flag=True, help="Ask the provider too: address, credentials, balance, sender.")
@click.option("--strict", is_flag=True, help="Answer 3 where there are warnings.")
@common
@click.pass_context
def doctor(ctx: click.Context, online: bool, strict: bool, as_json: bool) -> int:
    """Look at versions, settings, files, plugins and the account. The answer can be pasted: nothing in it is secret."""
    checks = []
    for check in checkup(load_settings(), ctx.ensure_object(PluginHost), online=online):
        checks.append(check)
        if not as_json:
            print_line(f"{check.health:<5} {check.name:<20} {check.found}", _STYLES[check.health])
            if check.fix:
                print_line(f"{'':<26} → {check.fix}")
    worst = {check.health for check in checks}
    if as_json:
        print_json("doctor", [attrs.asdict(check) for check in checks], ok=Health.FAIL not in worst)
    if Health.FAIL in worst:
        return Exit.FAILED
    return Exit.PARTLY if strict and Health.WARN in worst else Exit.OK

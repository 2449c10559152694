"""``route(country=KW&tag=otp => a, channel=email => b, c)``: the first rule that matches chooses the part.

A part without a rule takes everything. A recipient whom no rule matches is rejected, so a last part without a rule is
what most routes want.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from notifykit.errors import ConfigError
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Message
from notifykit.models.plan import Batch
from notifykit.models.recipient import Recipient
from notifykit.protocols import Assignment, BuildContext, Carrying, Transport
from notifykit.settings.dsn import Dsn
from notifykit.transports.composites.base import CompositeTransport, labelled, options
from notifykit.transports.composites.rules import Rule


class Route(CompositeTransport):
    """Chooses a part for each recipient by rules; the first that matches wins.

    :param parts: pairs of a rule and a transport, in order. The rule is a :class:`Rule`, its text such as
        ``country=KW&tag=otp``, or None for everything.
    :raises ConfigError: where a rule can't be read, or one can never be reached.
    """

    name = "route"

    def __init__(self, *parts: tuple[Rule | str | None, Transport]) -> None:
        problems: list[str] = []
        rules: list[Rule] = []
        for number, (given, _) in enumerate(parts, 1):
            try:
                rules.append(Rule.read(given) if isinstance(given, str) else given or Rule())
            except ConfigError as error:
                problems += [f"route, part {number}: {problem}" for problem in error.problems]
        everything = next((number for number, rule in enumerate(rules, 1) if rule == Rule()), len(rules))
        if not problems and everything < len(rules):
            problems.append(f"route: part {everything} takes everything, so those behind it are never chosen")
        if any(rule.size for rule in rules) and not any(part.capabilities.measure for _, part in parts):
            problems.append("route: a rule asks for a size, and no part measures texts: leave the size out")
        if problems:
            raise ConfigError(problems)
        super().__init__(*(part for _, part in parts))
        self.rules: tuple[Rule, ...] = tuple(rules)
        # A batch is shared out among the parts: the more it holds, the fuller their requests are.
        self.capabilities = attrs.evolve(
            self.capabilities, batch_size=sum(part.capabilities.batch_size for part in self.parts)
        )

    def choose(self, recipient: Recipient, message: Message, measurement: Measurement | None) -> int | None:
        """Return the number of the part that would carry a message to a recipient, from 0; None where no rule matches."""
        for number, rule in enumerate(self.rules):
            if rule.matches(recipient, message, measurement):
                return number
        return None

    def carry(self, batch: Batch, *, after_unknown: bool) -> Carrying:
        """Yield an assignment for each part that is chosen for somebody."""
        for assignment in self.expected(batch):  # noqa: UP028 - answers are sent in, which a plain iterator can't take
            yield assignment

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Return the assignment of each part that is chosen for somebody, in the order of the parts."""
        chosen: dict[int, set[int]] = {}
        for position, recipient in zip(batch.positions, batch.recipients, strict=True):
            number = self.choose(recipient, batch.message, batch.measurement)
            if number is not None:
                chosen.setdefault(number, set()).add(position)
        return [Assignment(self.parts[number], batch.only(chosen[number])) for number in sorted(chosen)]

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Return the same assignments as are expected: a route does not change its mind."""
        return self.expected(batch)

    def _shown(self) -> Iterable[str]:
        return (
            f"{rule} => {part}" if str(rule) else str(part) for rule, part in zip(self.rules, self.parts, strict=True)
        )


def build(dsn: Dsn, context: BuildContext) -> Route:
    """Build it from what stands in the brackets of a DSN."""
    options(dsn, context, ())
    return Route(*labelled(dsn, context))

"""The rules of codes, each a function on one transaction: what is decided and what is counted happen in one atomic step.

Nothing here waits or sends. :func:`reserve` counts a message before it is sent; :func:`give_back` takes it off again where
it certainly was not sent. A process that dies in between leaves it counted, and the code valid: it may have been sent.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from notifykit.counters import CounterBucket, bucket_of, seconds_until_room
from notifykit.guards.options import Limit, in_words
from notifykit.redaction import Secret
from notifykit.verify.codes import ALPHABETS, Keyring, new_id, same
from notifykit.verify.results import Checked, CheckReason, StartStatus, Traffic
from notifykit.verify.settings import VerifySettings
from notifykit.verify.store import Code, Count, Hold, Transaction

_DAY: Final = 86_400.0
#: Seconds for which the row of a code is kept after its end: a person who types it late reads that it is too late.
_KEPT: Final = 3600.0


@attrs.frozen
class Subject:
    """Who a code is for, and who asked for it."""

    #: The number, canonical.
    number: str = attrs.field(repr=False)
    #: What the code is for.
    purpose: str
    #: ISO code of the number's country; None if it is not known.
    country: str | None
    #: The beginning that the number shares with 999 others.
    prefix: str = attrs.field(repr=False)
    #: The network of the client; None if it is not known.
    client: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Refusal:
    """Why nothing is sent."""

    #: ``wait`` or ``blocked``.
    status: StartStatus
    #: The rule: the name of its setting.
    rule: str
    #: Why, in one sentence.
    reason: str
    #: Seconds until another try makes sense; None if it does not.
    retry_after: float | None = None
    #: The prefix, where it has just been held.
    held: str | None = None


@attrs.frozen
class Reserved:
    """A message that is counted and may be sent now."""

    #: The code.
    code: Secret
    #: Its row, as it was written.
    row: Code
    #: The row before; None if there was none.
    before: Code | None
    #: What was counted.
    counts: tuple[Count, ...] = attrs.field(repr=False)

    @property
    def resend(self) -> bool:
        """Whether the code was sent before."""
        return self.row.sends > 1


@attrs.frozen
class Rules:
    """The rules with their settings."""

    #: The settings.
    settings: VerifySettings
    #: The keys of all hashes.
    keys: Keyring

    # --- start ---

    def refused_country(self, subject: Subject) -> Refusal | None:
        """Return the refusal of a number whose country is not on the list."""
        for name in self.settings.countries:
            if name == subject.country or (name.isdigit() and subject.number.startswith(name)):
                return None
        return Refusal(
            StartStatus.BLOCKED, "countries", "Codes are not sent to this country: verify.countries lists the others."
        )

    def reserve(
        self, tx: Transaction, subject: Subject, cost: float, now: float, *, new: bool = False
    ) -> Reserved | Refusal:
        """Count a message and store its code, or return why it may not be sent.

        :param cost: what it costs, in the provider's unit.
        :param new: whether the code before is void, even if it is still valid.
        """
        tx.prune(now)
        row = self.keys.row(subject.number, subject.purpose)
        before = tx.code(row)
        limits = [*self._limits(subject, cost)]
        guesses = self._guesses_key(subject)
        sent, verified = _traffic_key("sent", subject), _traffic_key("verified", subject)
        counted = tx.buckets([*(key for _, key, _, _ in limits), guesses, sent, verified])
        refusal = (
            self._refused_after_guesses(counted.get(guesses, ()), now)
            or self._refused_too_early(before, now)
            or self._refused_prefix(tx, subject, counted.get(sent, ()), counted.get(verified, ()), now)
            or _refused_by_limits(limits, counted, now)
        )
        if refusal:
            return refusal
        code, written = self._code_to_send(before, subject, now, new=new)
        counts = [_count(key, amount, limit.window, now) for limit, key, amount, _ in limits]
        if written.sends == 1:
            counts.append(_count(sent, 1, _DAY, now))
        tx.add(counts)
        tx.write(written)
        return Reserved(code, written, before, tuple(counts))

    def give_back(self, tx: Transaction, reserved: Reserved) -> None:
        """Take off what was counted for a message that certainly was not sent."""
        tx.subtract(reserved.counts)
        written, before = reserved.row, reserved.before
        now = tx.code(written.row)
        # Whoever has sent the code again, or another one, has counted on.
        if now is None or (now.id, now.sends) != (written.id, written.sends):
            return
        if before is None:
            tx.write(attrs.evolve(now, sends=0))
        elif before.id == now.id:
            tx.write(attrs.evolve(now, sends=before.sends, sent=before.sent))
        else:
            # The code that was sent before is valid again; guesses count for it.
            tx.write(attrs.evolve(before, guesses=before.guesses + now.guesses))

    def _limits(self, subject: Subject, cost: float) -> Iterator[tuple[Limit, str, float, str]]:
        """Yield each limit that applies, with its key, the amount to count and the rule."""
        s = self.settings
        about: list[tuple[str, Sequence[Limit], str, float]] = [
            ("per_number", s.per_number, self.keys.number(subject.number), 1.0),
            ("per_prefix", s.per_prefix, subject.prefix, 1.0),
            ("per_country", s.per_country, subject.country or "", 1.0),
            ("points", s.points, "", cost),
        ]
        if subject.client is not None:
            about.insert(1, ("per_client", s.per_client, self.keys.client(subject.client), 1.0))
        for rule, limits, what, amount in about:
            for limit in limits:
                yield limit, f"{rule}:{limit.window:g}:{what}", amount, rule

    def _guesses_key(self, subject: Subject) -> str:
        return f"guesses:{self.keys.number(subject.number)}"

    def _refused_after_guesses(self, counted: Sequence[CounterBucket], now: float) -> Refusal | None:
        wait = seconds_until_room(counted, 1, self.settings.guesses_per_day, _DAY, now)
        if not wait:
            return None
        reason = "There were too many wrong guesses for this number today: another code would not help."
        return Refusal(StartStatus.BLOCKED, "guesses_per_day", reason, wait)

    def _refused_too_early(self, before: Code | None, now: float) -> Refusal | None:
        if before is None or not before.sends:
            return None
        waits = self.settings.waits
        over = before.used is not None or before.expires <= now
        wait = waits[0] if over else waits[min(before.sends, len(waits)) - 1]
        # A time in the future was written by a clock that was set back since.
        left = min(before.sent + wait - now, wait)
        if left <= 0:
            return None
        reason = f"A message was sent to this number less than {in_words(wait)} ago."
        return Refusal(StartStatus.WAIT, "waits", reason, left)

    def _refused_prefix(
        self,
        tx: Transaction,
        subject: Subject,
        sent: Sequence[CounterBucket],
        verified: Sequence[CounterBucket],
        now: float,
    ) -> Refusal | None:
        """Return the refusal of a prefix whose codes are not typed: machines ask for them, for money."""
        reason = "Too few codes of this prefix are verified: it is held until `notifykit verify release` releases it."
        refusal = Refusal(StartStatus.BLOCKED, "conversion", reason)
        if tx.holds(subject.prefix):
            return refusal
        # A code that is still valid may yet be typed.
        ended = sum(b.amount for b in sent if b.last + self.settings.lifetime <= now < b.last + _DAY)
        typed = sum(b.amount for b in verified if now < b.last + _DAY)
        if ended < self.settings.conversion_codes or typed >= self.settings.conversion * ended:
            return None
        tx.hold(Hold(subject.prefix, subject.country, now))
        return attrs.evolve(refusal, held=subject.prefix)

    def _code_to_send(self, before: Code | None, subject: Subject, now: float, *, new: bool) -> tuple[Secret, Code]:
        """Return the code and its row: the one that was sent before while it can still be typed, else another one."""
        s = self.settings
        if before and before.sends and before.used is None and before.expires > now and before.guesses < s.guesses:
            code = self._derived(subject, before.id)
            # After a change of the key, or of the settings, it is another code than the one that was sent.
            unchanged = same(self.keys.hash(code, subject.number, subject.purpose, before.id), before.hash)
            if unchanged and not new:
                return code, attrs.evolve(before, sends=before.sends + 1, sent=now)
        code, row = self._new_code(subject, now)
        return code, attrs.evolve(row, sends=1, sent=now)

    def _derived(self, subject: Subject, id: str) -> Secret:
        s = self.settings
        return self.keys.code(subject.number, subject.purpose, id, ALPHABETS[s.alphabet], s.length)

    def _new_code(self, subject: Subject, now: float) -> tuple[Secret, Code]:
        fresh = new_id()
        code = self._derived(subject, fresh)
        expires = now + self.settings.lifetime
        hashed = self.keys.hash(code, subject.number, subject.purpose, fresh)
        row = self.keys.row(subject.number, subject.purpose)
        return code, Code(row=row, id=fresh, hash=hashed, expires=expires, ends=expires + _KEPT)

    # --- check ---

    def check(self, tx: Transaction, subject: Subject, typed: Secret, now: float) -> tuple[Checked, str]:
        """Count a guess and return whether it is right, and the id of the code.

        A number that never asked for a code gets one that nobody knows, and then everything is the same for it: the
        answers, the guesses that are left, and what is read and written.
        """
        tx.prune(now)
        found = tx.code(self.keys.row(subject.number, subject.purpose))
        _, fresh = self._new_code(subject, now)
        code = fresh if found is None or found.ends <= now else found
        key = self._guesses_key(subject)
        today = tx.buckets([key]).get(key, ())
        matches = same(self.keys.hash(typed, subject.number, subject.purpose, code.id), code.hash) and code.sends > 0
        wait = seconds_until_room(today, 1, self.settings.guesses_per_day, _DAY, now)
        if wait or code.guesses >= self.settings.guesses:
            tx.add([_count(key, 0, _DAY, now)])
            tx.write(code)
            return Checked(reason=CheckReason.TOO_MANY, retry_after=wait or None), code.id
        reason = _reason(code, now, matches=matches)
        correct = reason is CheckReason.CORRECT
        guesses = code.guesses + (not correct)
        tx.add([_count(key, 0 if correct else 1, _DAY, now)])
        tx.write(attrs.evolve(code, guesses=guesses, used=now if correct else code.used))
        if correct:
            tx.add([_count(_traffic_key("verified", subject), 1, _DAY, now)])
        left = 0 if reason is not CheckReason.WRONG else self.settings.guesses - guesses
        room = self.settings.guesses_per_day - sum(b.amount for b in today if b.last + _DAY > now) - (not correct)
        return Checked(reason=reason, attempts_left=max(0, min(left, int(room)))), code.id


def _reason(code: Code, now: float, *, matches: bool) -> CheckReason:
    """Return the reason of a guess. Only who types the code is answered more than that it is wrong."""
    if not matches:
        return CheckReason.WRONG
    if code.used is not None:
        return CheckReason.USED
    return CheckReason.EXPIRED if now >= code.expires else CheckReason.CORRECT


def _count(key: str, amount: float, window: float, now: float) -> Count:
    return Count(key, bucket_of(now, window), amount, now, now + window)


def _traffic_key(kind: str, subject: Subject) -> str:
    return f"{kind}:{subject.country or ''}:{subject.prefix}"


_SENTENCES: Final = {
    "per_number": "The limit of messages to this number is reached",
    "per_client": "The limit of messages for this client's address is reached",
    "per_prefix": "The limit of messages to numbers with this prefix is reached",
    "per_country": "The limit of messages to this country is reached",
    "points": "The limit of what codes may cost is reached",
}


def _refused_by_limits(
    limits: Sequence[tuple[Limit, str, float, str]], counted: Mapping[str, Sequence[CounterBucket]], now: float
) -> Refusal | None:
    """Return the refusal by the limit that holds longest; None if there is room in all of them."""
    waits = [
        (seconds_until_room(counted.get(key, ()), amount, limit.most, limit.window, now), rule, limit)
        for limit, key, amount, rule in limits
    ]
    wait, rule, limit = max(waits, key=lambda found: found[0])
    if not wait:
        return None
    reason = f"{_SENTENCES[rule]}: {limit}."
    return Refusal(StartStatus.BLOCKED, rule, reason, wait if wait < math.inf else None)


def traffic(tx: Transaction, now: float) -> tuple[Traffic, ...]:
    """Return the codes of each prefix in the last 24 hours, and each that is held, by country and prefix."""
    sums: dict[tuple[str, str], dict[str, float]] = {}
    for kind in ("sent", "verified"):
        for key, buckets in tx.counted(f"{kind}:").items():
            _, country, prefix = key.split(":")
            amount = sum(bucket.amount for bucket in buckets if now < bucket.last + _DAY)
            if amount:
                sums.setdefault((country, prefix), {})[kind] = amount
    held = {(hold.country or "", hold.prefix): hold.since for hold in tx.holds()}
    found = []
    for country, prefix in sorted({*sums, *held}):
        counted, since = sums.get((country, prefix), {}), held.get((country, prefix))
        found.append(
            Traffic(
                country=country or None,
                prefix=prefix,
                sent=round(counted.get("sent", 0)),
                verified=round(counted.get("verified", 0)),
                held=None if since is None else datetime.datetime.fromtimestamp(since, datetime.UTC),
            )
        )
    return tuple(found)


def release(tx: Transaction, prefix: str) -> bool:
    """Hold a prefix no more, and forget what was sent and verified: it would be held again at once."""
    held = tx.holds(prefix)
    for hold in held:
        tx.release(prefix)
        tx.forget([f"{kind}:{hold.country or ''}:{prefix}" for kind in ("sent", "verified")])
    return bool(held)

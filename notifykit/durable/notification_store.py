"""What is kept of a notification: one row, changed by compare-and-swap."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from notifykit.durable import batch_state as states
from notifykit.durable.database import Database
from notifykit.durable.deliveries import read_delivery, report_row
from notifykit.durable.serialization import digest, dump_receipts, dump_recipients, load_receipts, load_recipients
from notifykit.durable.tables import METADATA, Encoded, jobs
from notifykit.errors import ConfigError
from notifykit.models.message import Channel, Message
from notifykit.models.person import ChannelState, NotificationSpec, Until
from notifykit.models.receipt import Receipt
from notifykit.models.recipient import Recipient, Rejected
from notifykit.people.steps import Course, Step

_ID: Final = sa.String(40)

#: One row per notification.
notifications: Final = sa.Table(
    "notifykit_notifications",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("key", sa.String(200), unique=True, nullable=False),
    #: The fence: it counts the changes, and whoever read an older one changes nothing.
    sa.Column("version", sa.Integer, nullable=False, default=0),
    sa.Column("created", sa.Float, nullable=False),
    #: When a worker looks at it again; NULL where it ended.
    sa.Column("due", sa.Float),
    sa.Column("finished", sa.Float),
    sa.Column("cancelled", sa.Boolean, nullable=False, default=False),
    sa.Column("person", sa.Text, nullable=False),
    #: What the caller decided, and the mode that it was submitted in.
    sa.Column("options", Encoded, nullable=False),
    #: Hashes that distinguish two submissions with one key.
    sa.Column("fingerprint", Encoded, nullable=False),
    #: A row a channel, without addresses and texts.
    sa.Column("steps", Encoded, nullable=False),
    #: Addresses by the position of their step; NULL after ``keep_bodies``.
    sa.Column("recipients", Encoded(dump_recipients, load_recipients)),
    #: Text and subject of each step; NULL after ``keep_bodies``.
    sa.Column("body", Encoded),
    #: Receipts, by the position of their step; NULL after ``keep_bodies``.
    sa.Column("receipts", Encoded(dump_receipts, load_receipts)),
)
sa.Index("notifykit_notifications_due", notifications.c.due)


def job_key(key: str, channel: Channel) -> str:
    """Return the key of the job that sends a notification on a channel."""
    return f"{key}:{channel.value}"


def notification_key(job: str) -> str | None:
    """Return the key of the notification that a job's key may be made of; None where it is made of none."""
    key, _, channel = job.rpartition(":")
    return key if key and channel in list(Channel) else None


@attrs.frozen
class StoredCourse:
    """A notification as it was read."""

    #: Its id.
    id: str
    #: The caller's name for it.
    key: str
    #: The number of its last change.
    version: int
    #: Your id of the person.
    person: str
    #: When it was submitted, and when it ended, seconds since 1970.
    created: float
    finished: float | None
    #: How far it is.
    course: Course
    #: Tags, and the mode that it was submitted in.
    options: Mapping[str, Any]
    #: The address of each step; empty after ``keep_bodies``.
    recipients: Mapping[int, Recipient | Rejected] = attrs.field(repr=False)
    #: Text and subject of each step; empty after ``keep_bodies``.
    body: Sequence[Mapping[str, Any]] = attrs.field(repr=False)

    def message(self, number: int) -> Message:
        """Return the message of a step."""
        body = self.body[number]
        return Message(
            body["text"],
            self.course.steps[number].channel,
            tags=tuple(self.options["tags"]),
            subject=body["subject"],
        )


@attrs.frozen(eq=False)
class NotificationStore:
    """Reads and writes notifications."""

    #: Where they are.
    database: Database
    #: Seconds since 1970.
    _time: Callable[[], float]

    def create(self, spec: NotificationSpec, key: str, *, live: bool, intercepted: bool) -> None:
        """Store a notification, due at once; one with the same key and content is the same.

        :raises ConfigError: another one has the key, with what differs.
        """
        options = {
            "until": spec.until.value,
            "all": spec.all,
            "move_unknown": spec.move_unknown,
            "tags": list(spec.steps[0].message.tags),
            "live": live,
        }
        fingerprint: dict[str, Any] = {"person": spec.person, **options}
        steps, recipients, body = [], [], []
        for number, step in enumerate(spec.steps):
            channel, who = step.message.channel, step.recipient
            steps.append(_step_row(Step(channel, who is not None, step.within)))
            body.append({"text": step.message.text, "subject": step.message.subject})
            if who is not None:
                recipients.append((number, who))
            address = who.raw if isinstance(who, Rejected) else who.address if who else ""
            written = (step.message.text, step.message.subject or "", address)
            hashes = (digest(text).hex() for text in written)
            fingerprint[f"step {number + 1}"] = [channel.value, step.within, *hashes]
        now = self._time()
        row = {"id": uuid.uuid4().hex, "key": key, "created": now, "due": now, "person": spec.person}
        row |= {"options": {**options, "intercepted": intercepted}, "fingerprint": fingerprint}
        row |= {"steps": steps, "recipients": recipients, "body": body}
        try:
            with self.database.begin() as db:
                db.execute(notifications.insert().values(**row))
        except IntegrityError:
            self._require_same(key, fingerprint)

    def _require_same(self, key: str, now: Mapping[str, Any]) -> None:
        with self.database.read() as db:
            before = db.execute(
                sa.select(notifications.c.fingerprint).where(notifications.c.key == key)
            ).scalar_one_or_none()
        if before is None:  # it was deleted just now
            raise ConfigError(f"key: {key!r} was taken a moment ago and is free again: notify once more")
        differences = [_difference(name, before.get(name), now.get(name)) for name in {**before, **now}]
        if found := [difference for difference in differences if difference]:
            raise ConfigError(
                f"key: {key!r} is the key of another notification: {'; '.join(found)}. Give this one another key"
            )

    def read(self, key: str) -> StoredCourse | None:
        """Return a notification by its key, with the outcomes of its jobs so far; None where there is none."""
        with self.database.read() as db:
            row = db.execute(sa.select(notifications).where(notifications.c.key == key)).mappings().first()
            if row is None:
                return None
            receipts = {receipt.position: receipt for receipt in row["receipts"] or ()}
            steps = [_read_step(written, receipts.get(number)) for number, written in enumerate(row["steps"])]
            steps = [_with_outcome(db, number, step) for number, step in enumerate(steps)]
        options = row["options"]
        course = Course(
            tuple(steps),
            Until(options["until"]),
            options["all"],
            options["move_unknown"],
            row["cancelled"],
        )
        names = ("id", "key", "version", "person", "created", "finished", "options")
        return StoredCourse(
            **{name: row[name] for name in names},
            course=course,
            recipients=dict(row["recipients"] or ()),
            body=row["body"] or (),
        )

    def due(self, most: int) -> list[str]:
        """Return the keys of notifications that are due, those that have waited longest first."""
        c = notifications.c
        query = sa.select(c.key).where(c.due <= self._time()).order_by(c.due).limit(most)
        with self.database.read() as db:
            return list(db.execute(query).scalars())

    def swap(self, db: sa.Connection, found: StoredCourse, course: Course, due: float | None) -> bool:
        """Store how far a notification is; return whether it is still what was read. Without ``due`` it has ended."""
        receipts = [
            attrs.evolve(step.receipt, position=number)
            for number, step in enumerate(course.steps)
            if step.receipt is not None
        ]
        values = {
            "version": found.version + 1,
            "due": due,
            "finished": self._time() if due is None else None,
            "cancelled": course.cancelled,
            "steps": [_step_row(step) for step in course.steps],
            "receipts": receipts or None,
        }
        this = (notifications.c.id == found.id) & (notifications.c.version == found.version)
        return bool(db.execute(notifications.update().where(this).values(**values)).rowcount)

    def name_jobs(self, db: sa.Connection, found: StoredCourse, course: Course) -> None:
        """Store the jobs of steps that were submitted in the transaction of :meth:`swap`."""
        this = notifications.c.id == found.id
        db.execute(notifications.update().where(this).values(steps=[_step_row(step) for step in course.steps]))

    def touch(self, job: str) -> bool:
        """Make a notification due whose job has news; return whether there is one."""
        with self.database.read() as db:
            found = db.execute(sa.select(jobs.c.key).where(jobs.c.id == job)).scalar_one_or_none()
        key = notification_key(found) if found else None
        if key is None:
            return False
        c, now = notifications.c, self._time()
        with self.database.begin() as db:
            due = (c.key == key) & c.finished.is_(None)
            return bool(db.execute(notifications.update().where(due).values(due=now)).rowcount)

    def prune(self, keep_jobs: float, keep_bodies: float) -> None:
        """Delete old notifications, and the addresses, texts and receipts of those that ended.

        :param keep_jobs: seconds after the end until it is deleted.
        :param keep_bodies: seconds after the end until its addresses, texts and receipts are deleted.
        """
        c, now = notifications.c, self._time()
        emptied = (c.finished < now - keep_bodies) & c.body.is_not(None)
        with self.database.begin() as db:
            db.execute(notifications.delete().where(c.finished < now - keep_jobs))
            empty = {"body": None, "recipients": None, "receipts": None, "version": c.version + 1}
            db.execute(notifications.update().where(emptied).values(**empty))


def _difference(name: str, before: Any, now: Any) -> str | None:
    """Return what differs between two submissions in one respect, without showing a text or an address."""
    if before == now:
        return None
    if not isinstance(before, list) or not isinstance(now, list) or not name.startswith("step"):
        return f"{name}: {_plain(before)} then, {_plain(now)} now"
    if before[:2] != now[:2]:
        return f"{name} is {before[0]} within {before[1]} s then, {now[0]} within {now[1]} s now"
    others = [what for what, a, b in zip(("text", "subject", "address"), before[2:], now[2:], strict=True) if a != b]
    return f"{now[0]}: the {' and the '.join(others)} is another one"


def _plain(value: Any) -> str:
    return "nothing" if value is None else repr(value[0]) if isinstance(value, list) and value else repr(value)


def _with_outcome(db: sa.Connection, number: int, step: Step) -> Step:
    """Return a step with the outcome that its job has now; a job that was deleted changes nothing."""
    if step.job is None:
        return step
    job = db.execute(sa.select(jobs.c.finished, jobs.c.body).where(jobs.c.id == step.job)).first()
    if job is None or (job.finished is not None and job.body is None):
        return step
    receipts: Iterable[Receipt] = states.read_receipts(db, step.job, 0) if job.finished is not None else ()
    for receipt in receipts:
        state = ChannelState(receipt.outcome.value)
        reason = step.reason if state is ChannelState.SKIPPED else None
        return attrs.evolve(step, state=state, reason=reason, receipt=attrs.evolve(receipt, position=number))
    return attrs.evolve(step, state=ChannelState.WAITING)


def _step_row(step: Step) -> dict[str, Any]:
    reports = step.delivery.reports if step.delivery else ()
    return {
        "channel": step.channel.value,
        "reachable": step.reachable,
        "within": step.within,
        "state": step.state.value,
        "since": step.since,
        "job": step.job,
        "asked": step.asked,
        "reason": step.reason,
        "reports": [report_row(report) for report in reports],
    }


def _read_step(row: Mapping[str, Any], receipt: Receipt | None) -> Step:
    fields = {**row, "channel": Channel(row["channel"]), "state": ChannelState(row["state"])}
    reports = fields.pop("reports")
    message_id, address = (receipt.message_id or "", receipt.to) if receipt is not None else ("", None)
    return Step(**fields, receipt=receipt, delivery=read_delivery(message_id, address, reports) if reports else None)

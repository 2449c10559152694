"""The store: what was asked for, what was begun, what was answered. Every promise of a job is kept here.

A request is written down before it leaves (``claim``) and completed by its answer. Whoever finds one that was begun by
somebody who is gone, and not answered, knows that nobody knows: its recipients are unknown, and are not sent to again
unless a person says so. Times are seconds since 1970, of the machine that writes.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from notifykit.durable.database import Database, moment
from notifykit.durable.serialization import Placed, dump, pack_people, pack_receipts, unpack_people, unpack_receipts
from notifykit.durable.tables import batches, contents, exchanges, jobs, spacing
from notifykit.errors import ConfigError
from notifykit.models.job import JobState, Progress
from notifykit.models.receipt import Outcome, Receipt, SkipReason, cost_of, submissions_of

#: Batches of one job that are under way at once.
LANES: Final = 4
#: Seconds after which a job that was never finished being written is thrown away: more than clocks may be apart, also
#: where one machine counts summer time and another does not.
_ABANDONED: Final = 2 * 3600.0
#: Seconds of which the present rate is taken.
_RATE_WINDOW: Final = 60.0

_WAITING, _QUEUED, _RUNNING, _DONE = "waiting", "queued", "running", "done"
_CLAIMED, _ANSWERED, _LOST, _MERGED = "claimed", "answered", "lost", "merged"


class KeyTakenError(Exception):
    """Another job has this key already."""


@attrs.frozen
class Ticket:
    """The right to work on one batch, once."""

    #: The job's id.
    job: str
    #: The batch's number, from 0.
    number: int
    #: Which ticket of the batch it is; only the newest is valid.
    run: int
    #: The queue that it goes through.
    queue: str
    #: Who goes first; less is sooner.
    priority: int

    @property
    def id(self) -> str:
        """Names it in the queue."""
        return f"{self.job}:{self.number}:{self.run}"


#: Puts a ticket into the queue in a transaction, for a time that many seconds from now.
Enqueue = Callable[[sa.Connection, Ticket, float], None]


@attrs.frozen
class Work:
    """A batch, as whoever works on it finds it."""

    #: The ticket.
    ticket: Ticket
    #: Who works on it: this execution and no other.
    owner: str
    #: The job's row.
    job: Mapping[str, Any] = attrs.field(repr=False)
    #: Everybody in it.
    people: tuple[Placed, ...] = attrs.field(repr=False)
    #: What is known already.
    known: Mapping[int, Receipt] = attrs.field(repr=False)
    #: Receipts of requests that were answered in this try, before whoever made them was gone.
    found: tuple[Receipt, ...] = attrs.field(repr=False)
    #: Requests that were begun and never answered: transport and positions of each.
    lost: tuple[tuple[str, tuple[int, ...]], ...]
    #: Tries that ended before.
    tries: int
    #: The requests that ``found`` is of.
    heard: frozenset[str] = attrs.field(default=frozenset(), repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """What the order says besides text and recipients."""
        options: dict[str, Any] = json.loads(self.job["options"])
        return options


class JobStore:
    """Reads and writes the store.

    :param database: where it is.
    :param time: seconds since 1970.
    """

    def __init__(self, database: Database, time: Callable[[], float]) -> None:
        self._db = database
        self._time = time
        self._upsert: Any = sqlite.insert if database.file is not None else postgresql.insert

    # --- taking orders ---

    def open_job(self, row: Mapping[str, Any], outer: sa.Connection | None = None) -> str:
        """Begin to write a job that nobody sees yet, and return its id.

        :param outer: somebody else's transaction, to be a part of; so for all that takes an order.
        """
        job, now = uuid.uuid4().hex, self._time()
        with self._writing(outer) as db:
            db.execute(jobs.insert().values(id=job, touched=now, created=now, **row))
        return job

    def add(
        self,
        job: str,
        first: int,
        pieces: Sequence[tuple[Sequence[Placed], Sequence[Receipt]]],
        outer: sa.Connection | None = None,
    ) -> None:
        """Write batches of a job that nobody sees yet: who is in each, and the receipts of those who are set aside."""
        rows, large = [], []
        for number, (people, aside) in enumerate(pieces, first):
            this = {"job": job, "number": number}
            rows.append({**this, "state": _WAITING, "size": len(people), "skipped": len(aside)})
            large.append(
                {**this, "recipients": pack_people(people), "receipts": pack_receipts(aside) if aside else None}
            )
        with self._writing(outer) as db:
            self._write_on(db, job)
            db.execute(batches.insert(), rows)
            db.execute(contents.insert(), large)

    def accept(
        self, job: str, key: str, row: Mapping[str, Any], enqueue: Enqueue, outer: sa.Connection | None = None
    ) -> None:
        """Show a job to the world and queue its first batches, in one step: from now on it will be sent.

        :raises KeyTakenError: where another job has the key.
        """
        try:
            with self._writing(outer) as db:
                self._write_on(db, job, key=key, **row)
                self._start_lanes(db, job, enqueue)
                self._finish(db, job)
        except IntegrityError:
            self.discard(job, outer)
            raise KeyTakenError(key) from None

    def discard(self, job: str, outer: sa.Connection | None = None) -> None:
        """Throw away a job that nobody saw."""
        with self._writing(outer) as db:
            self._delete(db, [job])

    def find(self, key: str, outer: sa.Connection | None = None) -> Mapping[str, Any] | None:
        """Return a job's row by its key."""
        with self._writing(outer) if outer is not None else self._db.read() as db:
            row = db.execute(sa.select(jobs).where(jobs.c.key == key)).mappings().first()
        return dict(row) if row else None

    # --- sending ---

    def begin(self, ticket: Ticket) -> Work | None:
        """Take a batch on; None where the ticket is stale, or the batch is not to be sent now."""
        owner = uuid.uuid4().hex

        def take(db: sa.Connection) -> Work | None:
            job = db.execute(sa.select(jobs).where(jobs.c.id == ticket.job)).mappings().first()
            this = _this(ticket.job, ticket.number)
            row = db.execute(sa.select(batches).where(this).with_for_update()).mappings().first()
            if job is None or row is None or row["run"] != ticket.run or row["state"] == _DONE:
                return None
            if job["paused"] and row["state"] == _QUEUED:
                db.execute(batches.update().where(this).values(state=_WAITING))
                return None
            db.execute(batches.update().where(this).values(state=_RUNNING, owner=owner))
            # Whoever found them before may be gone too: they are lost until the end of a try has written that down.
            begun = _exchanges(ticket.job, ticket.number, _CLAIMED, _LOST)
            lost = db.execute(sa.select(exchanges.c.transport, exchanges.c.positions).where(begun)).all()
            db.execute(exchanges.update().where(begun).values(state=_LOST))
            answered = _exchanges(ticket.job, ticket.number, _ANSWERED)
            answers = sa.select(exchanges.c.id, exchanges.c.receipts).where(answered).order_by(exchanges.c.answered)
            found = db.execute(answers).all()
            content = db.execute(sa.select(contents).where(_content(ticket.job, ticket.number))).mappings().one()
            known = unpack_receipts(content["receipts"]) if content["receipts"] else []
            return Work(
                ticket,
                owner,
                dict(job),
                tuple(unpack_people(content["recipients"])),
                {receipt.position: receipt for receipt in known},
                tuple(receipt for row_ in found for receipt in unpack_receipts(row_.receipts)),
                tuple((transport, tuple(json.loads(positions))) for transport, positions in lost),
                row["tries"],
                frozenset(row_.id for row_ in found),
            )

        return self._db.steadily(take)

    def claim(self, work: Work, transport: str, positions: Iterable[int]) -> str | None:
        """Write down that a request is about to leave, and return its id; None where the batch is not ours any more."""
        exchange = uuid.uuid4().hex

        def write(db: sa.Connection) -> str | None:
            ours = _this(work.ticket.job, work.ticket.number) & (batches.c.owner == work.owner)
            if db.execute(sa.select(batches.c.job).where(ours).with_for_update()).first() is None:
                return None
            db.execute(
                exchanges.insert().values(
                    id=exchange,
                    job=work.ticket.job,
                    number=work.ticket.number,
                    owner=work.owner,
                    state=_CLAIMED,
                    transport=transport,
                    positions=dump(list(positions)),
                    claimed=self._time(),
                )
            )
            return exchange

        return self._db.steadily(write)

    def answered(self, work: Work, exchange: str, receipts: Sequence[Receipt]) -> None:
        """Write down what became of a request, the moment its answer is there.

        Where whoever made it was taken for dead meanwhile, its recipients are no longer unknown.
        """
        this = exchanges.c.id == exchange

        def write(db: sa.Connection) -> None:
            db.execute(sa.select(batches.c.job).where(_this(work.ticket.job, work.ticket.number)).with_for_update())
            state = db.execute(sa.select(exchanges.c.state).where(this)).scalar()
            if state is None:  # the job was forgotten meanwhile
                return
            if state in (_CLAIMED, _LOST):
                packed = pack_receipts(receipts)
                values = {"state": _ANSWERED, "receipts": packed, "answered": self._time()}
            else:
                values = {"state": _MERGED, "answered": self._time()}
                self._note(db, work, receipts, only_unknown=True)
            db.execute(exchanges.update().where(this).values(**values))

        self._db.steadily(write)

    def end(
        self, work: Work, receipts: Sequence[Receipt], again: float | None, enqueue: Enqueue, *, tried: bool = True
    ) -> None:
        """Close one try of a batch: it is over, or it is tried again after so many seconds; then the lane goes on.

        :param tried: whether somebody was sent to; waiting alone is no try.
        """
        job, number = work.ticket.job, work.ticket.number

        def write(db: sa.Connection) -> None:
            _lock(db, job)
            ours = _this(job, number) & (batches.c.owner == work.owner)
            row = db.execute(sa.select(batches.c.run).where(ours).with_for_update()).first()
            if row is None:
                return
            self._note(db, work, receipts)
            # What was heard since by somebody who was taken for dead is better than not to know.
            since = _exchanges(job, number, _ANSWERED) & (exchanges.c.owner != work.owner)
            heard = db.execute(
                sa.select(exchanges.c.receipts).where(since & exchanges.c.id.not_in(work.heard))
            ).scalars()
            late = [receipt for packed in heard for receipt in unpack_receipts(packed)]
            self._note(db, work, late, only_unknown=True)
            told = _exchanges(job, number, _ANSWERED, _LOST)
            db.execute(exchanges.update().where(told).values(state=_MERGED, receipts=None))
            if again is not None:
                db.execute(batches.update().where(ours).values(tries=batches.c.tries + int(tried)))
                self._queue(db, job, number, enqueue, again)
                return
            db.execute(batches.update().where(ours).values(state=_DONE, ended=self._time(), owner=None))
            self._start_lane(db, job, number % LANES, enqueue)
            self._finish(db, job)

        self._db.steadily(write)

    def put_off(self, work: Work, seconds: float, enqueue: Enqueue) -> None:
        """Leave a batch as it is, for another worker or a later time; it is no try."""
        job, number = work.ticket.job, work.ticket.number

        def write(db: sa.Connection) -> None:
            ours = _this(job, number) & (batches.c.owner == work.owner)
            if db.execute(sa.select(batches.c.run).where(ours).with_for_update()).first() is not None:
                self._queue(db, job, number, enqueue, seconds)
                # It stays under way: requests may be out whose answers nobody has read yet.
                db.execute(batches.update().where(_this(job, number)).values(state=_RUNNING))

        self._db.steadily(write)

    def reserve(self, addresses: Sequence[str], seconds: float) -> set[str]:
        """Note that somebody is sent to now, for each address that was not within so many seconds; return those."""
        if not addresses or not seconds:
            return set(addresses)

        def write(db: sa.Connection) -> set[str]:
            now = self._time()
            statement = self._upsert(spacing).values([{"address": a, "free": now + seconds} for a in sorted(addresses)])
            statement = statement.on_conflict_do_update(
                index_elements=[spacing.c.address],
                set_={"free": now + seconds},
                # A time too far ahead was written by a clock that has been put right since.
                where=sa.or_(spacing.c.free <= now, spacing.c.free > now + seconds),
            ).returning(spacing.c.address)
            return {row[0] for row in db.execute(statement)}

        return self._db.steadily(write)

    # --- what a person decides ---

    def pause(self, job: str, *, paused: bool, enqueue: Enqueue) -> None:
        """Hold a job, or go on with it."""
        with self._db.begin() as db:
            db.execute(jobs.update().where(jobs.c.id == job).values(paused=paused))
            if not paused:
                # Tickets are handed out anew, whatever became of those that are out: only the newest is valid.
                self._start_lanes(db, job, enqueue, anew=True)

    def cancel(self, job: str) -> None:
        """Stop a job: what is not under way is skipped, and what is under way ends with its batch."""
        with self._db.begin() as db:
            db.execute(jobs.update().where(jobs.c.id == job).values(cancelled=True))
            idle = (batches.c.job == job) & batches.c.state.in_((_WAITING, _QUEUED))
            left = batches.c.size - batches.c.accepted - batches.c.rejected - batches.c.unknown
            db.execute(
                batches.update()
                .where(idle)
                .values(state=_DONE, verdict=SkipReason.CANCELLED.value, skipped=left, ended=self._time(), owner=None)
            )
            self._finish(db, job)

    def settle(self, job: str, decide: Callable[[Receipt], Receipt | None], enqueue: Enqueue) -> int:
        """Decide about unknown recipients of batches that are over: another receipt, or None to send again.

        :return: how many were decided about.
        """
        count = 0
        with self._db.begin() as db:
            _lock(db, job)
            numbers = db.execute(
                sa.select(batches.c.number).where(
                    (batches.c.job == job) & (batches.c.state == _DONE) & (batches.c.unknown > 0)
                )
            ).scalars()
            for number in list(numbers):
                receipts = self._receipts(db, job, number)
                decided = {r.position: decide(r) for r in receipts if r.outcome is Outcome.UNKNOWN}
                kept = [decided.get(r.position, r) if r.position in decided else r for r in receipts]
                self._save(db, job, number, [receipt for receipt in kept if receipt is not None])
                count += len(decided)
                if None in decided.values():
                    db.execute(batches.update().where(_this(job, number)).values(tries=0, ended=None))
                    self._queue(db, job, number, enqueue, 0.0)
            open_ = sa.select(batches.c.job).where((batches.c.job == job) & (batches.c.state != _DONE)).exists()
            goes_on = (jobs.c.id == job) & jobs.c.finished.is_not(None) & open_
            db.execute(jobs.update().where(goes_on).values(finished=None, cancelled=False))
        return count

    # --- looking ---

    def progress(self, key: str | None = None, most: int = 100) -> list[Progress]:
        """Return how far jobs are, the newest first."""
        now = self._time()
        # Whoever is tried again has no outcome yet, whatever was heard of them so far.
        over = batches.c.state == _DONE
        kept = (batches.c.accepted, sa.case((over, batches.c.rejected), else_=0), batches.c.unknown)
        sums = [
            sa.func.coalesce(sa.func.sum(column), 0) for column in (*kept, sa.case((over, batches.c.skipped), else_=0))
        ]
        recent = sa.func.coalesce(
            sa.func.sum(sa.case((batches.c.ended > now - _RATE_WINDOW, batches.c.size), else_=0)), 0
        )
        chosen = sa.select(jobs.c.id).where(jobs.c.key.is_not(None))
        chosen = chosen.where(jobs.c.key == key) if key is not None else chosen
        chosen = chosen.order_by(jobs.c.created.desc()).limit(most)
        query = (
            sa.select(*_HEAD, *sums, sa.func.sum(batches.c.cost), recent, sa.func.min(batches.c.ended))
            .select_from(jobs.outerjoin(batches, batches.c.job == jobs.c.id))
            .where(jobs.c.id.in_(chosen))
            .group_by(*_HEAD)
            .order_by(jobs.c.created.desc())
        )
        with self._db.read() as db:
            return [_progress(row, now) for row in db.execute(query)]

    def receipts(self, job: str) -> Iterator[Receipt]:
        """Yield the receipts of a job, a batch at a time."""
        with self._db.read() as db:
            count = db.execute(sa.select(jobs.c.batches).where(jobs.c.id == job)).scalar() or 0
        for number in range(count):
            with self._db.read() as db:
                yield from self._receipts(db, job, number)

    # --- forgetting ---

    def prune(self, keep_jobs: float, keep_bodies: float) -> None:
        """Forget old jobs, texts and addresses of jobs that are over, and orders that were never finished."""
        now = self._time()
        with self._db.begin() as db:
            over = jobs.c.finished.is_not(None)
            old = db.execute(sa.select(jobs.c.id).where(over & (jobs.c.finished < now - keep_jobs))).scalars().all()
            half = jobs.c.key.is_(None) & (jobs.c.touched < now - _ABANDONED)
            self._delete(db, [*old, *db.execute(sa.select(jobs.c.id).where(half)).scalars()])
            spent = over & (jobs.c.finished < now - keep_bodies) & jobs.c.body.is_not(None)
            bodies = db.execute(sa.select(jobs.c.id).where(spent)).scalars().all()
            if bodies:
                db.execute(jobs.update().where(jobs.c.id.in_(bodies)).values(body=None))
                db.execute(contents.update().where(contents.c.job.in_(bodies)).values(recipients=None, receipts=None))
            db.execute(spacing.delete().where(spacing.c.free < now))

    # --- in a transaction ---

    @contextlib.contextmanager
    def _writing(self, outer: sa.Connection | None) -> Iterator[sa.Connection]:
        """Give a transaction of our own, or a part of somebody else's that can be taken back by itself."""
        if outer is None:
            with self._db.begin() as db:
                yield db
        else:
            with outer.begin_nested():
                yield outer

    def _write_on(self, db: sa.Connection, job: str, **values: Any) -> None:
        """Go on with writing a job that nobody sees yet.

        :raises ConfigError: where it was thrown away, because nothing was written for so long.
        """
        if db.execute(jobs.update().where(jobs.c.id == job).values(touched=self._time(), **values)).rowcount != 1:
            raise ConfigError(
                f"to: no recipients came for {_ABANDONED:.0f} s, so the order was given up and nothing of it is sent: "
                "submit it again, and faster"
            )

    def _start_lanes(self, db: sa.Connection, job: str, enqueue: Enqueue, *, anew: bool = False) -> None:
        for lane in range(LANES):
            self._start_lane(db, job, lane, enqueue, anew=anew)

    def _start_lane(self, db: sa.Connection, job: str, lane: int, enqueue: Enqueue, *, anew: bool = False) -> None:
        """Queue the next batch of a lane, unless one of it is under way."""
        lanes = (batches.c.job == job) & (batches.c.number % LANES == lane) & (batches.c.state != _DONE)
        query = sa.select(batches.c.number, batches.c.state).where(lanes).order_by(batches.c.number).limit(1)
        row = db.execute(query).first()
        if row is not None and (row.state == _WAITING or (anew and row.state == _QUEUED)):
            self._queue(db, job, row.number, enqueue, 0.0)

    def _queue(self, db: sa.Connection, job: str, number: int, enqueue: Enqueue, delay: float) -> None:
        about = db.execute(sa.select(jobs.c.queue, jobs.c.priority, jobs.c.starts).where(jobs.c.id == job)).one()
        run = db.execute(
            batches.update()
            .where(_this(job, number))
            .values(state=_QUEUED, run=batches.c.run + 1, owner=None)
            .returning(batches.c.run)
        ).scalar_one()
        # A lane that is past its first batch, or a batch that is tried again, has begun: a clock that is behind the one
        # that wrote the start does not hold it up.
        if number < LANES and not delay:
            delay = max(about.starts - self._time(), 0.0)
        enqueue(db, Ticket(job, number, run, about.queue, about.priority), delay)

    def _note(self, db: sa.Connection, work: Work, receipts: Sequence[Receipt], *, only_unknown: bool = False) -> None:
        """Add receipts to those of a batch; what was accepted stays so."""
        job, number = work.ticket.job, work.ticket.number
        db.execute(sa.select(batches.c.job).where(_this(job, number)).with_for_update())
        known = {receipt.position: receipt for receipt in self._receipts(db, job, number, verdict=False)}
        for receipt in receipts:
            before = known.get(receipt.position)
            outcome = before.outcome if before else None
            if outcome is Outcome.UNKNOWN if only_unknown else outcome is not Outcome.ACCEPTED:
                known[receipt.position] = receipt
        self._save(db, job, number, list(known.values()))

    def _save(self, db: sa.Connection, job: str, number: int, receipts: Sequence[Receipt]) -> None:
        counts = {outcome: sum(r.outcome is outcome for r in receipts) for outcome in Outcome}
        db.execute(
            batches.update()
            .where(_this(job, number))
            .values(cost=cost_of(submissions_of(receipts)), **{o.value: count for o, count in counts.items()})
        )
        packed = pack_receipts(sorted(receipts, key=lambda receipt: receipt.position))
        db.execute(contents.update().where(_content(job, number)).values(receipts=packed))

    def _receipts(self, db: sa.Connection, job: str, number: int, *, verdict: bool = True) -> list[Receipt]:
        """Return the receipts of a batch; whoever was skipped with all the others is made up from the verdict."""
        columns = (contents.c.recipients, contents.c.receipts, batches.c.verdict)
        both = (contents.c.job == batches.c.job) & (contents.c.number == batches.c.number)
        query = sa.select(*columns).select_from(contents.join(batches, both)).where(_content(job, number))
        row = db.execute(query).one()
        found = unpack_receipts(row.receipts) if row.receipts else []
        if verdict and row.verdict and row.recipients:
            known = {receipt.position for receipt in found}
            reason = SkipReason(row.verdict)
            found += [
                Receipt(position, who, Outcome.SKIPPED, skipped=reason)
                for position, who in unpack_people(row.recipients)
                if position not in known
            ]
            found.sort(key=lambda receipt: receipt.position)
        return found

    def _finish(self, db: sa.Connection, job: str) -> None:
        """Note the end of a job whose last batch is over."""
        open_ = sa.select(batches.c.job).where((batches.c.job == job) & (batches.c.state != _DONE)).exists()
        over = (jobs.c.id == job) & jobs.c.finished.is_(None) & ~open_
        db.execute(jobs.update().where(over).values(finished=self._time()))

    def _delete(self, db: sa.Connection, gone: Sequence[str]) -> None:
        for table in (exchanges, contents, batches):
            db.execute(table.delete().where(table.c.job.in_(gone)))
        db.execute(jobs.delete().where(jobs.c.id.in_(gone)))


_HEAD: Final = (
    jobs.c.key,
    jobs.c.total,
    jobs.c.created,
    jobs.c.starts,
    jobs.c.expires,
    jobs.c.finished,
    jobs.c.paused,
    jobs.c.cancelled,
)


def _lock(db: sa.Connection, job: str) -> None:
    """Let nobody else end a batch of a job, or decide over it, meanwhile.

    Two that end the last two batches at once would each see the other's still open, and the job would never be over.
    Whoever needs the job and a batch locks the job first.
    """
    db.execute(sa.select(jobs.c.id).where(jobs.c.id == job).with_for_update())


def _this(job: str, number: int) -> sa.ColumnElement[bool]:
    return (batches.c.job == job) & (batches.c.number == number)


def _exchanges(job: str, number: int, *states: str) -> sa.ColumnElement[bool]:
    return (exchanges.c.job == job) & (exchanges.c.number == number) & exchanges.c.state.in_(states)


def _content(job: str, number: int) -> sa.ColumnElement[bool]:
    return (contents.c.job == job) & (contents.c.number == number)


def _progress(row: Sequence[Any], now: float) -> Progress:
    key, total, created, starts, expires, finished, paused, cancelled, *counts, cost, recent, first_end = row
    state = JobState.RUNNING
    if cancelled:
        state = JobState.CANCELLED
    elif finished is not None:
        state = JobState.DONE
    elif paused:
        state = JobState.PAUSED
    elif starts > now:
        state = JobState.SCHEDULED
    accepted, rejected, unknown, skipped = map(int, counts)
    span = min(_RATE_WINDOW, max(1.0, now - max(starts, created))) if first_end else _RATE_WINDOW
    began, start = moment(created), moment(starts)
    assert began is not None
    assert start is not None
    return Progress(
        key=key,
        state=state,
        total=total,
        accepted=accepted,
        rejected=rejected,
        unknown=unknown,
        skipped=skipped,
        created=began,
        starts=start,
        expires=moment(expires),
        finished=moment(finished),
        cost=cost,
        rate=float(recent) / span if recent else None,
    )

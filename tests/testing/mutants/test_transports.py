"""A transport that is wrong in one way, for each clause of the contract: the clause finds it out."""

from __future__ import annotations

import itertools
import logging
import threading
import time

import attrs
import pytest

from notifykit import Capabilities, Channel, InvalidRecipient, Measurement, NotReached, Submission
from notifykit.testing.contracts import TransportContract
from tests.testing.mutants.verdicts import clause_tests, held

pytestmark = pytest.mark.slow

PASSWORD = "hunter2-hunter2"


class Plain:
    """Right in every way: keeps what it is given."""

    name = "plain"
    capabilities = Capabilities(batch_size=2)

    def __init__(self):
        self.kept = []
        self.password = PASSWORD
        self.closed = False
        self.numbers = itertools.count(1)

    def send(self, batch, timeout):
        if self.closed:
            raise NotReached("It is closed.", waits=())
        self.keep(batch)
        return self.answer(batch)

    def keep(self, batch):
        self.kept += [(person.address, batch.message.text) for person in batch.recipients]

    def answer(self, batch):
        return Submission(str(next(self.numbers)))

    def close(self):
        self.closed = True

    def __str__(self):
        return "plain://default"


class Healthy(TransportContract):
    secrets = (PASSWORD,)

    def transport(self):
        return Plain()

    def arrived(self, transport):
        return transport.kept


class Wavering(Plain):
    @property
    def capabilities(self):
        return Capabilities(batch_size=next(self.numbers))


class Channelless(Plain):
    capabilities = Capabilities(channels=frozenset({Channel.EMAIL}))


class Latin(Plain):
    capabilities = Capabilities(measure=lambda text: Measurement("gsm7", len(text.encode("ascii")), 1))


class Moody(Plain):
    counter = itertools.count()
    capabilities = Capabilities(measure=lambda text: Measurement("gsm7", next(Moody.counter), 1))


class Undescribed(Plain):
    def __str__(self):
        return "a plain transport"


class Open(Plain):
    def __repr__(self):
        return f"Open({self.password!r})"


class Quoted(Plain):
    def __str__(self):
        return f"plain://me:{self.password}@default"


class Shows(Plain):
    def describe(self, batch):
        return f"POST / to {batch.recipients[0].address}"


class Mute(Plain):
    def answer(self, batch):
        return None


class Strange(Plain):
    def answer(self, batch):
        return Submission(refused={"+" + batch.recipients[0].address: InvalidRecipient("No.")})


class Backwards(Plain):
    def keep(self, batch):
        super().keep(attrs.evolve(batch, recipients=batch.recipients[::-1]))


class Picky(Plain):
    def answer(self, batch):
        return Submission(refused={batch.recipients[-1].address: InvalidRecipient("No.")})


class Logs(Plain):
    def keep(self, batch):
        super().keep(batch)
        logging.getLogger("somewhere").debug("sending %s", batch.message.text)


class Warns(Plain):
    def answer(self, batch):
        return Submission(warnings=(f"{batch.recipients[0].address} was slow.",))


class Encodes(Plain):
    def keep(self, batch):
        batch.message.text.encode()
        super().keep(batch)


class Shared(Plain):
    def keep(self, batch):
        self.batch = batch
        time.sleep(1e-4)
        super().keep(self.batch)


class Loses(Plain):
    def keep(self, batch):
        kept = list(self.kept)
        time.sleep(1e-4)
        self.kept = kept + [(person.address, batch.message.text) for person in batch.recipients]


class Once(Plain):
    def close(self):
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True


class Crashes(Plain):
    def close(self):
        del self.kept

    def keep(self, batch):
        self.kept += [1]


class Unpicklable(Plain):
    def answer(self, batch):
        return Submission(fields={"lock": threading.Lock()})


def _of(kind, **more):
    return held(Healthy, "transport", kind, **more)


MUTANTS = {
    "test_it_has_a_name_and_capabilities": [_of(Wavering), _of(Channelless), _of(object)],
    "test_its_capabilities_answer_for_any_text": [_of(Latin), _of(Moody)],
    "test_it_is_described_by_a_dsn": [_of(Undescribed)],
    "test_it_shows_no_secret": [_of(Open), _of(Quoted), _of(Shows)],
    "test_an_accepted_batch_is_a_submission": [_of(Mute)],
    "test_refused_recipients_are_of_the_batch": [_of(Strange)],
    "test_order_is_kept": [_of(Backwards)],
    "test_each_recipient_has_one_receipt_in_order": [_of(Picky), _of(Mute)],
    "test_nothing_secret_is_shown": [_of(Logs), _of(Warns)],
    "test_any_text_is_accepted_or_refused": [_of(Encodes)],
    "test_it_is_safe_under_threads": [_of(Shared), _of(Loses)],
    "test_it_can_be_closed_twice": [_of(Once), _of(Crashes)],
    "test_its_answers_pickle": [_of(Unpicklable)],
}

test_a_wrong_one_is_found_out, test_a_right_one_passes, test_every_clause_has_a_wrong_one = clause_tests(
    TransportContract, Healthy, MUTANTS
)

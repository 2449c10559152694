"""``submit`` and a worker judge recipients and texts exactly as ``send`` does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import pytest
from hypothesis import example, given, settings, strategies as st

from notifykit import Channel, ContentRejected, MemoryTransport, Notifier, Outcome, Receipt, Recipient, Rejected
from notifykit.models.message import Cleaned
from notifykit.testing import strategies as drawn
from tests.durable.conftest import be_fast, host, numbers

# The threads that look for jobs use the random module while a list is drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

#: Good numbers, each given once.
FRESH: Final = numbers(10_000)
#: Cells of tables, and values that are no address at all.
CELLS: Final = st.sampled_from((None, "", " ", "9.65987E+10", 9.65e10, 123, math.nan, math.inf, True)) | st.builds(
    object
)
#: Ways to give a good number.
FORMS: Final[tuple[Callable[[str], Any], ...]] = (str, "+{}".format, int, float, "{}.0".format, Recipient)
GOOD: Final = st.sampled_from(FORMS).map(lambda form: form(next(FRESH)))
ADDRESSES: Final = st.one_of(drawn.typed_addresses(), drawn.messy_numbers("KW"), GOOD, CELLS, drawn.recipients())
TEXTS: Final = st.one_of(st.just("Hello"), drawn.texts(), drawn.any_text(), st.sampled_from(("", " ", "x" * 2000)))


def judged(receipt: Receipt) -> str:
    """Return everything of a receipt that does not depend on its request, as a text: errors are not equal to copies."""
    bare = attrs.evolve(receipt, attempts=(), submission=None, batch=None)
    who = receipt.recipient
    address = (who.raw, who.suggestion) if isinstance(who, Rejected) else attrs.astuple(who)
    return f"{tuple(map(joined, address))!a} {bare!r} {receipt.message_id is None}"


def joined(value: Any) -> Any:
    """Return a text in which two halves side by side are the character that they are: so does JSON read them."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def same(notifier: Notifier, to: Any, text: str, **options: Any) -> list[Receipt]:
    """Send in both ways, and return the receipts, which are the same."""
    sent = notifier.send(to, text, **options)
    job = notifier.submit(to, text, **options)
    job.wait(60)
    stored = job.report()
    assert list(map(judged, stored)) == list(map(judged, sent))
    assert (stored.message.text, stored.edits) == (sent.message.text, sent.edits)
    return list(sent)


class NoLinks:
    """A cleaner that refuses one text."""

    name = "no-links"

    def clean(self, text: str, channel: Channel) -> Cleaned:
        """Return the text, or raise."""
        if text == "LINK":
            raise ContentRejected("The text has a link.", "link", action="Leave it out.")
        return Cleaned(text)


@pytest.fixture(name="notifier", scope="module")
def _notifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notifier]:
    folder = tmp_path_factory.mktemp("same")
    environment = {"NOTIFYKIT_STATE_DIR": str(folder / "state"), "NOTIFYKIT_WORKERS": "embedded"}
    with pytest.MonkeyPatch.context() as patch:
        be_fast(patch)
        transport = MemoryTransport()
        # Jobs leave some time between two messages to one number; here many go to the same.
        transport.capabilities = attrs.evolve(transport.capabilities, spacing=0)
        with Notifier.from_settings(
            transport, environment=environment, directory=folder, host=host(), cleaners=[NoLinks()]
        ) as notifier:
            yield notifier


@pytest.mark.parametrize(
    ("to", "accepted"),
    [
        ([], 0),
        (["123"], 0),  # too short
        (["abc", "965", "", None], 0),  # all bad
        (["abc", str], 1),
        ([float, 9.65e10, "9.65987E+10"], 1),
        (["9659876543\ud800", "\udfff", str], 1),
        ([str, "x", str, Recipient], 3),
    ],
)
def test_lists_with_bad_numbers(notifier: Notifier, to: list[Any], accepted: int) -> None:
    """Each is left out with its reason, and the good ones are sent to."""
    given_addresses = [address(next(FRESH)) if callable(address) else address for address in to]
    outcomes = [receipt.outcome for receipt in same(notifier, given_addresses, "Hello")]
    assert outcomes.count(Outcome.ACCEPTED) == accepted


@settings(max_examples=20, deadline=None)
@given(to=st.lists(ADDRESSES, max_size=12), again=st.integers(0, 3), text=TEXTS)
@example(to=["+96540000000", "40000000"], again=0, text="Hello")  # the second one may be meant to be the first
@example(to=["96550990000"], again=1, text="a\ud800b")
@example(to=["96550990001", "96550990002"], again=1, text="🎉")
def test_every_list(notifier: Notifier, to: list[Any], again: int, text: str) -> None:
    """Lists of anything, with some of it twice, and with texts of anything."""
    same(notifier, [*to, *to[:again]], text)


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.PUSH])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_list_of_another_channel(notifier: Notifier, channel: Channel, data: st.DataObject) -> None:
    """Addresses have other rules there."""
    given_addresses = data.draw(st.lists(drawn.typed_addresses(channel) | CELLS, max_size=8))
    same(notifier, given_addresses, "Hello", channel=channel)


def test_two_halves_of_a_character_are_the_character(notifier: Notifier) -> None:
    """They are the same in JSON."""
    same(notifier, ["\ud83d\ude00", "\ud83d"], "Hello", channel=Channel.EMAIL)


@pytest.mark.parametrize("to", [None, {"96550000000": 1}, b"965", object()], ids=lambda to: type(to).__name__)
def test_what_can_not_hold_addresses(notifier: Notifier, to: Any) -> None:
    """The same TypeError, and nothing is stored."""
    before = len(notifier.jobs())
    errors = []
    for way in (notifier.send, notifier.submit):
        call: Callable[..., Any] = way
        with pytest.raises(TypeError) as caught:
            call(to, "Hello")
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
    assert len(notifier.jobs()) == before


def test_a_text_that_a_cleaner_refuses(notifier: Notifier) -> None:
    """Everybody is rejected with the cleaner's error, in the worker too."""
    receipts = same(notifier, ["96550000000", "abc", "96550000000"], "LINK")
    assert [receipt.code for receipt in receipts] == ["link", None, None]

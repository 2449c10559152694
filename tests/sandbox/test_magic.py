"""Magic numbers and senders, each family of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import urllib3
from hypothesis import given, strategies as st

from notifykit_kwtsms.sandbox.faults.catalogue import FAULTS, KINDS
from notifykit_kwtsms.sandbox.gateway import magic
from notifykit_kwtsms.sandbox.numbers import is_well_formed
from tests.sandbox.conftest import eventually

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox
    from tests.sandbox.conftest import Client

KUWAIT = "96598765432"


@pytest.mark.parametrize("number", range(1, 34))
def test_0NNN_refuses_the_whole_request(client: Client, sandbox: Sandbox, number: int) -> None:
    """Also for the codes that do not exist, so that a client meets one it has never seen."""
    assert client.send(f"{KUWAIT},965450000{number:02}").code == f"ERR{number:03}"
    assert sandbox.accepted(KUWAIT) == 0


def test_a_magic_refusal_has_the_status_of_its_code(client: Client) -> None:
    """ERR003 is a 403 whatever brings it."""
    assert client.send("96545000003").status == 403


def test_1NNN_drops_only_itself(client: Client, sandbox: Sandbox) -> None:
    """Not counted, not charged, not named in the answer; the inbox knows."""
    response = client.send(f"{KUWAIT},96545001026")
    assert (response.json["numbers"], response.json["points-charged"]) == (1, 1)
    (dropped,) = sandbox.messages[0].dropped
    assert (dropped.number, dropped.code) == ("96545001026", "ERR026")


def test_1NNN_alone_refuses_with_its_code(client: Client) -> None:
    """Nothing is left of the request."""
    assert client.send("96545001026").code == "ERR026"
    assert client.send("96545001000").code == "ERR025"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("96545000000", "Received by recipient"),
        ("96545002000", "Received by recipient"),
        ("96545002001", "Failed"),
        ("96545002002", "Expired"),
        ("96545002003", "Blacklisted"),
        ("96545002004", "Phone switched off"),
    ],
)
@pytest.mark.parametrize("test", ["0", "1"])
def test_2NNN_decides_the_delivery(client: Client, sandbox: Sandbox, number: str, words: str, test: str) -> None:
    """After a second of virtual time, in test mode too."""
    msgid = client.send(number, test=test).json["msg-id"]
    assert client("status", msgid=msgid).json["status"] == "sent"
    assert client("dlr", msgid=msgid).code == "ERR021"
    sandbox.clock.advance(1)
    assert client("dlr", msgid=msgid).json["report"] == [{"Number": number, "Status": words}]


def test_2004_is_switched_on_again(client: Client, sandbox: Sandbox) -> None:
    """The report changes when the phone is back."""
    msgid = client.live("96545002004").json["msg-id"]
    sandbox.clock.advance(61)
    assert client("dlr", msgid=msgid).json["report"][0]["Status"] == "Received by recipient"
    assert [event.state for event in sandbox.messages[0].timeline] == ["queued", "sent", "switched-off", "delivered"]


def test_2005_sticks_in_the_queue(client: Client) -> None:
    """ERR030 for a live message."""
    assert client("status", msgid=client.live("96545002005").json["msg-id"]).code == "ERR030"


def test_2006_is_disowned(client: Client) -> None:
    """An id that was given out is not known afterwards."""
    msgid = client.live("96545002006").json["msg-id"]
    assert client("status", msgid=msgid).code == "ERR029"
    assert client("dlr", msgid=msgid).code == "ERR020"


def test_2007_never_gets_ready(client: Client, sandbox: Sandbox) -> None:
    """ERR021 first, ERR022 later."""
    msgid = client.live("96545002007").json["msg-id"]
    assert client("dlr", msgid=msgid).code == "ERR021"
    sandbox.clock.advance(301)
    assert client("dlr", msgid=msgid).code == "ERR022"


def test_2008_reports_twice(client: Client, sandbox: Sandbox) -> None:
    """The same row again."""
    msgid = client.live("96545002008").json["msg-id"]
    sandbox.clock.advance(1)
    first, second = client("dlr", msgid=msgid).json["report"]
    assert first == second


def test_2009_has_its_report_before_the_answer_is_read(client: Client) -> None:
    """No virtual time passes."""
    msgid = client.live("96545002009").json["msg-id"]
    assert client("dlr", msgid=msgid).json["report"][0]["Status"] == "Received by recipient"


def test_3SSS_answers_late(client: Client, sandbox: Sandbox) -> None:
    """001 is a tenth of a second; the caller who waits for less sees a timeout of what was accepted."""
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        client.send("96545003001", timeout=0.03)
    eventually(lambda: bool(sandbox.messages))
    assert sandbox.accepted("96545003001") == 1
    started = time.monotonic()
    assert client.send("96545003001").status == 200
    assert time.monotonic() - started >= 0.1
    assert sandbox.messages[-1].fault == "slow after accept (magic)"


def test_4NNN_names_faults_of_the_catalogue() -> None:
    """Each of the table exists and can happen then."""
    assert all(name in FAULTS and point in KINDS[name].points for name, point in magic.WIRE)


@pytest.mark.parametrize(
    ("number", "error", "accepted"),
    [
        ("96545004000", "ConnectionResetError", 0),
        ("96545004001", "ConnectionResetError", 1),
        ("96545004002", "RemoteDisconnected", 1),
        ("96545004004", "IncompleteRead", 1),
    ],
)
def test_4NNN_breaks_the_wire(client: Client, sandbox: Sandbox, number: str, error: str, accepted: int) -> None:
    """The first before acceptance, the others after it."""
    with pytest.raises(urllib3.exceptions.ProtocolError, match=error):
        client.send(number)
    assert sandbox.accepted(number) == accepted


def test_4003_hangs_until_the_caller_has_enough(client: Client, sandbox: Sandbox) -> None:
    """Accepted, and the client is not informed."""
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        client.send("96545004003", timeout=0.03)
    eventually(lambda: bool(sandbox.messages))
    assert sandbox.accepted("96545004003") == 1


@pytest.mark.parametrize(
    ("number", "status", "accepted"),
    [("96545004006", 200, 1), ("96545004007", 200, 1), ("96545004008", 403, 0), ("96545004009", 503, 0)],
)
def test_4NNN_spoils_the_answer(client: Client, sandbox: Sandbox, number: str, status: int, accepted: int) -> None:
    """Page, broken JSON, 403 with the error inside, 503."""
    assert client.send(number).status == status
    assert sandbox.accepted(number) == accepted


def test_5NNN_is_queue_full_NNN_times(client: Client, sandbox: Sandbox) -> None:
    """Then it works, and was accepted exactly once."""
    assert [client.send("96545005002").code for _ in range(3)] == ["ERR013", "ERR013", None]
    assert sandbox.accepted("96545005002") == 1


def test_5NNN_counts_for_each_number_of_a_batch(client: Client) -> None:
    """Two numbers in one request are full at the same time, not one after the other."""
    assert [client.send("96545005001,96545005002").code for _ in range(3)] == ["ERR013", "ERR013", None]


def test_5NNN_does_not_count_who_may_not_send(client: Client) -> None:
    """A wrong password is no attempt."""
    assert client.send("96545005001", password="no").code == "ERR003"
    assert client.send("96545005001").code == "ERR013"


def test_6NNN_is_cut_off_NNN_times_after_acceptance(client: Client, sandbox: Sandbox) -> None:
    """What a blind retry would do is counted: accepted every time, charged every time."""
    for _ in range(2):
        with pytest.raises(urllib3.exceptions.ProtocolError, match="RemoteDisconnected"):
            client.send("96545006002")
    assert client.send("96545006002").json["balance-after"] == 147
    assert sandbox.accepted("96545006002") == 3
    assert [message.fault for message in sandbox.messages] == ["close after accept (magic)"] * 2 + [None]


def test_6NNN_answers_a_refusal(client: Client, sandbox: Sandbox) -> None:
    """Only accepted attempts are cut: a live retry within 15 seconds gets ERR028."""
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.live("96545006002")
    assert client.live("96545006002").code == "ERR028"
    assert sandbox.accepted("96545006002") == 1


@pytest.mark.parametrize("code", ["ERR008", "ERR001", "ERR777"])
def test_a_magic_sender_refuses_with_its_name(client: Client, code: str) -> None:
    """In test mode too."""
    assert client.send(KUWAIT, sender=code).code == code


def test_validate_knows_the_numbers_that_mean_invalid(client: Client) -> None:
    """ERR025 is malformed, ERR026 has no route, the others pass."""
    numbers = ["96545000025", "96545001026", "96545005001", "96545002001"]
    assert client("validate", mobile=",".join(numbers)).json["mobile"] == {
        "OK": numbers[2:],
        "ER": numbers[:1],
        "NR": numbers[1:2],
    }


@pytest.mark.parametrize(
    "number", ["96545000034", "96545000999", "96545002010", "96545004099", "96545007001", "96545009999", KUWAIT]
)
def test_any_other_number_follows_the_rules(client: Client, number: str) -> None:
    """Holes in the block are plain numbers."""
    assert magic.read(number) is None
    assert client.send(number).status == 200


@given(st.text(alphabet="0123456789٣", max_size=13))
def test_only_the_block_is_magic(number: str) -> None:
    """Reading never fails, and nothing outside of 965 4500 NNNN is magic."""
    found = magic.read(number)
    assert found is None or (number.startswith("9654500") and len(number) == 11)


@given(st.integers(0, 9999))
def test_every_magic_number_passes_the_number_check(value: int) -> None:
    """They are possible numbers, so that clients which check the form let them through."""
    assert is_well_formed(f"9654500{value:04}", 9, 15)


def test_a_magic_number_does_not_show_in_its_repr() -> None:
    """Numbers are redacted in every repr."""
    assert "96545005002" not in repr(magic.read("96545005002"))

"""Hypothesis strategies for the answers of the kwtSMS gateway, contradictions included, and for Kuwaiti numbers.

Where the gateway's documentation and the clients that were written for it differ, both forms are drawn. Needs the
extra ``testing``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from notifykit.testing.strategies import messy, numbers
from notifykit_kwtsms.api.codes import CODES

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: Answers that are no JSON object: pages of proxies, half answers, and answers of other programs.
UNREADABLE: Final = (
    b"",
    b"<html><body>Bad Gateway</body></html>",
    b'{"result": "O',
    b"[]",
    b"null",
    b"OK",
    b"\xff\xfe{}",
    b"[" * 2000,
    b"OK:f4c841adee210f31307633ceaebff2ec:1:1:149:1684763355",
)


def kuwaiti_numbers() -> SearchStrategy[str]:
    """Draw a Kuwaiti mobile number as the gateway wants it: 965, then eight digits."""
    return numbers("KW")


@st.composite
def messy_kuwaiti_numbers(draw: st.DrawFn) -> str:
    """Draw a Kuwaiti mobile number as a person may type it, with its country code."""
    return draw(messy(draw(kuwaiti_numbers())))


def sent_answer(numbers: int = 1, points: int | None = None, balance: float = 149) -> dict[str, Any]:
    """Return the gateway's answer when it accepted a request.

    :param numbers: how many numbers it counted.
    :param points: what it charged; one for each number where nothing is given.
    :param balance: the points on the account after it.
    """
    return {
        "result": "OK",
        "msg-id": "f4c841adee210f31307633ceaebff2ec",
        "numbers": numbers,
        "points-charged": numbers if points is None else points,
        "balance-after": balance,
        "unix-timestamp": 1684763355,
    }


def code_answer(code: str, description: str = "It was refused.") -> dict[str, Any]:
    """Return the gateway's answer when it refuses a request."""
    return {"result": "ERROR", "code": code, "description": description}


def _figures(value: int) -> SearchStrategy[Any]:
    """Draw a number in one of the forms in which the gateway writes numbers."""
    return st.sampled_from((value, float(value), str(value), f"{value}.00", f"{value:,}"))


@st.composite
def accepting_answers(draw: st.DrawFn, numbers: int = 1) -> Mapping[str, Any]:
    """Draw an answer that says OK: documented, with numbers as texts, with missing, wrong or unknown fields.

    :param numbers: how many numbers were sent.
    """
    answer = sent_answer(numbers)
    for field in ("numbers", "points-charged", "balance-after", "unix-timestamp"):
        answer[field] = draw(_figures(answer[field]))
    answer["result"] = draw(st.sampled_from(("OK", "ok", "Ok")))
    for field in draw(st.lists(st.sampled_from(sorted(set(answer) - {"result"})), max_size=3, unique=True)):
        oddity = draw(st.sampled_from(("missing", "null", "wrong")))
        if oddity == "missing":
            del answer[field]
        else:
            answer[field] = None if oddity == "null" else draw(st.sampled_from(([], {}, True, "n/a", -1)))
    if draw(st.booleans()):
        answer[draw(st.sampled_from(("queue", "msgid", "lang")))] = draw(st.sampled_from(("x", 1, [1], {"a": {}})))
    return answer


@st.composite
def refusing_answers(draw: st.DrawFn, *codes: str) -> Mapping[str, Any]:
    """Draw an answer that says ERROR: any documented code, an unknown one, or none.

    :param codes: which codes; all of them, and some that do not exist, where none are given.
    """
    known = codes or (*sorted(CODES), "ERR014", "ERR999")
    answer = code_answer(draw(st.sampled_from(known)), draw(st.sampled_from(("Not accepted.", "غير مقبول", ""))))
    answer["result"] = draw(st.sampled_from(("ERROR", "error")))
    if not codes:
        oddity = draw(st.sampled_from((None, None, "no code", "no description", "a code that is a number")))
        if oddity == "no code":
            del answer["code"]
        elif oddity == "no description":
            del answer["description"]
        elif oddity:
            answer["code"] = 3
    return answer


def contradictory_answers() -> SearchStrategy[Mapping[str, Any]]:
    """Draw an answer that says two things at once, or neither."""
    return st.sampled_from(
        (
            {**sent_answer(), "code": "ERR013", "description": "Queue is full."},
            {**code_answer("ERR010"), "msg-id": "f4c841adee210f31307633ceaebff2ec", "points-charged": 1},
            {"result": "MAYBE"},
            {"msg-id": "f4c841adee210f31307633ceaebff2ec"},
            {"code": "ERR003"},
            {"result": None},
            {"result": ["OK"]},
            {},
        )
    )


@st.composite
def bodies(draw: st.DrawFn, answers: SearchStrategy[Mapping[str, Any]] | None = None) -> bytes:
    """Draw the body of an answer, spelled in any way that JSON can be, or not JSON at all.

    :param answers: which; any where none are given, unreadable bodies among them.
    """
    if answers is None:
        if draw(st.integers(0, 4)) == 4:
            return draw(st.sampled_from(UNREADABLE))
        answers = st.one_of(accepting_answers(), refusing_answers(), contradictory_answers())
    text = json.dumps(draw(answers), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 2))))
    return draw(st.sampled_from((b"", b"\xef\xbb\xbf", b"\r\n"))) + text.encode()


def statuses() -> SearchStrategy[int]:
    """Draw an HTTP status that such a body has been seen with."""
    return st.sampled_from((200, 400, 403))


def coverage_answers(prefixes: Sequence[str] = ("965", "966")) -> SearchStrategy[Mapping[str, Any]]:
    """Draw an answer about active countries, by both names that sources give the list."""
    return st.sampled_from(("prefixes", "coverage")).map(lambda name: {"result": "OK", name: list(prefixes)})


@st.composite
def validate_answers(draw: st.DrawFn, mobile: Sequence[str]) -> Mapping[str, Any]:
    """Draw an answer about numbers, each in one of the three lists.

    :param mobile: the numbers.
    """
    places = {number: draw(st.sampled_from(("OK", "ER", "NR"))) for number in mobile}
    lists = {name: [number for number in mobile if places[number] == name] for name in ("OK", "ER", "NR")}
    return {"result": "OK", "mobile": lists}

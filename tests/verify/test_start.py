"""Sending codes: what a resend sends, how long it waits, and which rule holds a message back. On each kind of store."""

from __future__ import annotations

import pytest

from notifykit import AuthFailed, MemoryTransport, OutcomeUnknown, RateLimited, Scope, Submission
from notifykit.guards.options import Limit
from tests.verify.conftest import NUMBER, OTHER, Codes, wrong


def test_a_code_is_sent_and_is_valid_for_ten_minutes(codes: Codes) -> None:
    """The result says until when, and never what it is."""
    started = codes.verifier.start("+965 9876 5432", client="203.0.113.9")
    assert (started.status, started.http_status, started.headers) == ("sent", 200, {})
    assert started.expires
    assert (started.expires - codes.clock.now()).total_seconds() == 600
    assert codes.transport.batches[0].recipients[0].address == NUMBER
    assert len(codes.code) == 6
    assert codes.code.isdigit()
    assert codes.code not in repr(started)
    assert codes.code not in str(started)


def test_a_resend_waits_longer_each_time_and_sends_the_same_code(codes: Codes) -> None:
    """30, 60 and then 120 seconds, within the life of the code."""
    verifier = codes.make(per_number=(Limit(100, 3600),))
    verifier.start(NUMBER)
    for wait in (30, 60, 120, 120):
        early = verifier.start(NUMBER)
        assert (early.status, early.rule, early.retry_after) == ("wait", "waits", wait)
        assert (early.http_status, early.headers) == (429, {"Retry-After": str(wait)})
        codes.later(wait - 1)
        assert verifier.start(NUMBER).retry_after == 1
        codes.later(1)
        again = verifier.start(NUMBER)
        assert (again.status, again.resend) == ("sent", True)
    assert len(codes.messages) == 5
    assert len(set(codes.messages)) == 1
    assert verifier.check(NUMBER, codes.code).ok


def test_the_waits_are_a_setting(codes: Codes) -> None:
    """The last of them is for all later messages."""
    verifier = codes.make(waits=(20.0,))
    verifier.start(NUMBER)
    codes.later(20)
    assert verifier.start(NUMBER).resend
    codes.later(19)
    assert verifier.start(NUMBER).retry_after == 1


def test_a_resend_does_not_lengthen_the_life_of_a_code(codes: Codes) -> None:
    """After its end there is another one, and the first is void."""
    codes.verifier.start(NUMBER)
    first = codes.code
    codes.later(590)
    assert codes.verifier.start(NUMBER).resend
    codes.later(30)
    again = codes.verifier.start(NUMBER)
    assert (again.status, again.resend) == ("sent", False)
    assert codes.code != first
    assert codes.verifier.check(NUMBER, first).reason == "wrong"
    assert codes.verifier.check(NUMBER, codes.code).ok


def test_a_new_code_makes_the_one_before_void(codes: Codes) -> None:
    """Where the caller asks for one, and after a code was used or guessed at too often."""
    codes.verifier.start(NUMBER)
    first = codes.code
    codes.later(30)
    assert not codes.verifier.start(NUMBER, new=True).resend
    assert codes.code != first
    assert codes.verifier.check(NUMBER, first).reason == "wrong"
    assert codes.verifier.check(NUMBER, codes.code).ok
    second = codes.code
    codes.later(30)
    assert not codes.verifier.start(NUMBER).resend
    assert codes.code != second
    third = codes.code
    for _ in range(5):
        codes.verifier.check(NUMBER, wrong(third))
    codes.later(30)
    assert not codes.verifier.start(NUMBER).resend
    assert codes.code != third
    assert codes.verifier.check(NUMBER, codes.code).ok


def test_after_an_unknown_outcome_the_code_is_valid(codes: Codes) -> None:
    """The message stays counted, and a resend waits and sends the same code."""
    codes.transport.answer(OutcomeUnknown("The connection broke off."))
    started = codes.verifier.start(NUMBER)
    assert (started.status, started.http_status) == ("unknown", 202)
    assert started.expires
    code = codes.code
    assert codes.verifier.start(NUMBER).retry_after == 30
    codes.later(30)
    assert codes.verifier.start(NUMBER).resend
    assert codes.code == code
    assert codes.verifier.check(NUMBER, code).ok


def test_the_same_code_goes_over_another_transport(codes: Codes) -> None:
    """``via=`` is the answer to "it never came"; the wait is the same."""
    other = MemoryTransport()
    codes.verifier.start(NUMBER)
    assert codes.verifier.start(NUMBER, via=other).status == "wait"
    codes.later(30)
    assert codes.verifier.start(NUMBER, via=other).resend
    assert other.batches[0].message.text == codes.messages[0]


def test_the_same_code_goes_to_another_address_of_the_person(codes: Codes) -> None:
    """By e-mail: it is checked by the number."""
    codes.verifier.start(NUMBER)
    codes.later(30)
    again = codes.verifier.start(NUMBER, to="person@example.com", channel="email")
    assert (again.status, again.resend) == ("sent", True)
    assert codes.transport.batches[-1].recipients[0].address == "person@example.com"
    assert codes.verifier.check(NUMBER, codes.code).ok


@pytest.mark.parametrize(
    ("error", "status", "http"),
    [
        (AuthFailed("The password is wrong.", code="ERR003"), "failed", 503),
        (RateLimited("Too soon.", code="ERR028", waits=(16.0,), scope=Scope.RECIPIENT), "wait", 429),
    ],
)
def test_what_certainly_was_not_sent_gives_its_place_back(
    codes: Codes, error: Exception, status: str, http: int
) -> None:
    """Nothing is counted, nothing waits, and the code that nobody got is never right."""
    verifier = codes.make(per_number=(Limit(1, 3600),))
    codes.transport.answer(*[error] * 8)
    for _ in range(2):
        started = verifier.start(NUMBER)
        assert (started.status, started.http_status, started.expires) == (status, http, None)
    lost = codes.code
    assert verifier.check(NUMBER, lost).reason == "wrong"
    codes.transport._answers.clear()
    assert verifier.start(NUMBER).status == "sent"
    assert codes.code != lost
    assert codes.verifier.traffic()[0].sent == 1
    assert verifier.start(OTHER).status == "sent"
    assert verifier.check(NUMBER, codes.messages[-2].split()[0]).ok


def test_a_resend_that_was_not_sent_leaves_the_code_valid(codes: Codes) -> None:
    """It waits again as long as before it."""
    codes.verifier.start(NUMBER)
    code = codes.code
    codes.later(30)
    codes.transport.answer(AuthFailed("The password is wrong."))
    assert codes.verifier.start(NUMBER).status == "failed"
    assert codes.verifier.start(NUMBER).resend
    assert codes.verifier.check(NUMBER, code).ok


def test_a_new_code_that_was_not_sent_leaves_the_one_before_valid(codes: Codes) -> None:
    """The person has only that one."""
    codes.verifier.start(NUMBER)
    code = codes.code
    codes.later(30)
    codes.transport.answer(AuthFailed("The password is wrong."))
    assert codes.verifier.start(NUMBER, new=True).status == "failed"
    assert codes.verifier.check(NUMBER, wrong(code)).attempts_left == 4
    assert codes.verifier.check(NUMBER, code).ok


def test_guesses_while_a_new_code_is_sent_count_for_the_one_before(codes: Codes) -> None:
    """Otherwise starts that fail would be a way to guess more often."""

    def guess_and_fail(batch: object) -> Exception:
        for _ in range(4):
            codes.verifier.check(NUMBER, "0000")
        return AuthFailed("The password is wrong.")

    codes.verifier.start(NUMBER)
    code = codes.code
    codes.later(30)
    codes.transport.answer(guess_and_fail)  # type: ignore[arg-type]
    assert codes.verifier.start(NUMBER, new=True).status == "failed"
    assert codes.verifier.check(NUMBER, wrong(code)).attempts_left == 0
    assert codes.verifier.check(NUMBER, code).reason == "too_many"


def test_a_crash_while_a_message_is_sent_leaves_it_counted_and_valid(codes: Codes) -> None:
    """It may have been sent."""

    def die(batch: object) -> Submission:
        raise KeyboardInterrupt

    verifier = codes.make(per_number=(Limit(1, 3600),))
    codes.transport.answer(die)
    with pytest.raises(KeyboardInterrupt):
        verifier.start(NUMBER)
    assert verifier.start(NUMBER).status == "wait"
    codes.later(60)
    assert verifier.start(NUMBER).rule == "per_number"
    assert verifier.check(NUMBER, codes.code).ok


def numbers(count: int, first: int = 96550000000) -> list[str]:
    return [str(first + place) for place in range(count)]


@pytest.mark.parametrize(
    ("rule", "people", "clients"),
    [
        ("per_prefix", numbers(4), [None] * 4),
        ("per_country", numbers(4)[:1] + [f"9655{place}000000" for place in range(1, 4)], [None] * 4),
        ("points", numbers(4), [None] * 4),
        ("per_client", [f"9655{place}000000" for place in range(4)], ["203.0.113.9"] * 4),
        ("per_client", [f"9655{place}000000" for place in range(4)], ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:9::1", "2001:DB8::3%eth0"]),
        ("per_client", [f"9655{place}000000" for place in range(4)], ["203.0.113.9", "::ffff:203.0.113.9"] * 2),
    ],
)  # fmt: skip
def test_each_limit_holds_back_what_is_above_it(codes: Codes, rule: str, people: list[str], clients: list[str]) -> None:
    """With its own reason, and the seconds until there is room; then it lets pass again."""
    verifier = codes.make(**{rule: (Limit(3, 3600),)})
    found = [verifier.start(person, client=client) for person, client in zip(people, clients, strict=True)]
    assert [one.status for one in found] == ["sent"] * 3 + ["blocked"]
    assert (found[-1].rule, found[-1].http_status, found[-1].headers) == (rule, 429, {"Retry-After": "3600"})
    assert "3 in 1 hour" in found[-1].reason
    assert len(codes.messages) == 3
    (event,) = codes.named("verification_blocked")
    assert event.rule == rule
    codes.later(3600)
    assert verifier.start(people[-1], client=clients[-1]).status == "sent"


def test_another_network_has_limits_of_its_own(codes: Codes) -> None:
    """The next /64 of IPv6 is another one."""
    verifier = codes.make(per_client=(Limit(1, 3600),))
    assert verifier.start("96550000000", client="2001:db8::1").status == "sent"
    assert verifier.start("96551000000", client="2001:db8:0:1::1").status == "sent"
    assert verifier.start("96552000000", client="2001:db8::2").rule == "per_client"


def test_a_number_has_limits_over_all_purposes(codes: Codes) -> None:
    """The text of a purpose is no way around them."""
    limit = {"per_number": (Limit(2, 3600),)}
    assert codes.make("login", **limit).start(NUMBER).status == "sent"
    assert codes.make("payment", **limit).start(NUMBER).status == "sent"
    assert codes.make("other", **limit).start(NUMBER).rule == "per_number"


def test_of_two_limits_the_longer_wait_is_said(codes: Codes) -> None:
    """So that who waits does not wait twice."""
    verifier = codes.make(per_number=(Limit(1, 3600), Limit(1, 86_400)))
    verifier.start(NUMBER)
    codes.later(60)
    blocked = verifier.start(NUMBER)
    assert (blocked.status, blocked.retry_after) == ("blocked", 86_400 - 60)


def test_only_the_countries_of_the_list_are_sent_to(codes: Codes) -> None:
    """Kuwait, where no setting names another; by ISO code or calling code."""
    blocked = codes.verifier.start("+966 55 123 4567")
    assert (blocked.status, blocked.rule, blocked.http_status, blocked.headers) == ("blocked", "countries", 403, {})
    assert codes.make(countries=("KW", "SA")).start("+966 55 123 4567").status == "sent"
    assert codes.make(countries=("966",)).start("+966 55 123 4568").status == "sent"
    assert codes.make(countries=("966",)).start(NUMBER).rule == "countries"


def test_what_is_no_number_is_not_tried(codes: Codes) -> None:
    """Nothing is counted. Two numbers are not one."""
    for number in ("22334455", "call me", "", f"{NUMBER},{OTHER}"):
        started = codes.verifier.start(number)
        assert (started.status, started.rule, started.http_status) == ("failed", "number", 422)
        assert "98765432" not in started.reason
    assert not codes.messages
    with pytest.raises(ValueError, match="client is no IP address"):
        codes.verifier.start(NUMBER, client="a proxy")


def ask(codes: Codes, people: list[str], *, type_them: int) -> None:
    """Send a code to each, and type so many of them."""
    for place, person in enumerate(people):
        assert codes.verifier.start(person).status == "sent"
        if place < type_them:
            assert codes.verifier.check(person, codes.code).ok


def test_a_prefix_whose_codes_nobody_types_is_held_until_it_is_released(codes: Codes) -> None:
    """Once enough of them have ended; an event says so, without the number."""
    ask(codes, numbers(10), type_them=1)
    assert codes.verifier.start("96550000500").status == "sent", "those that are still valid do not count"
    codes.later(86_400 / 60 + 600)
    held = codes.verifier.start("96550000501")
    assert (held.status, held.rule, held.http_status, held.headers) == ("blocked", "conversion", 403, {})
    assert codes.verifier.start("96550000502").rule == "conversion"
    assert codes.verifier.start("96551000502").status == "sent", "another prefix"
    (event,) = [event for event in codes.named("verification_blocked") if event.held]
    assert (event.held, event.country, event.to, event.to_hash) == ("96550000", "KW", None, None)
    line = next(line for line in codes.verifier.traffic() if line.prefix == "96550000")
    assert (line.country, line.sent, line.verified) == ("KW", 11, 1)
    assert line.held
    assert line.conversion == pytest.approx(1 / 11)
    codes.later(2 * 86_400)
    assert codes.verifier.start("96550000501").rule == "conversion", "it does not end by itself"

    assert codes.verifier.release("96550000")
    assert not codes.verifier.release("96550000")
    assert codes.verifier.start("96550000501").status == "sent"


def test_a_prefix_whose_codes_are_typed_is_not_held(codes: Codes) -> None:
    """Two of ten are enough; and with a share of 0 nothing is held."""
    ask(codes, numbers(10), type_them=2)
    codes.later(86_400 / 60 + 600)
    assert codes.verifier.start("96550000500").status == "sent"
    codes.later(3600)
    assert codes.make(conversion=0.0).start("96550000501").status == "sent"
    assert codes.make(conversion=0.9).start("96550000502").rule == "conversion"


def test_a_guard_of_the_notifier_holds_back_too(codes: Codes, tmp_path: object) -> None:
    """Its name is the rule, and the place is given back."""
    from notifykit.models.receipt import Veto

    class NightGuard:
        name = "night"

        def check(self, context: object, counters: object) -> Veto:
            return Veto(self.name, "It is night.", retry_after=60)

    components = codes.verifier._components
    import attrs

    components.registry = attrs.evolve(components.registry, guards=(NightGuard(),))
    started = codes.verifier.start(NUMBER)
    assert (started.status, started.rule, started.reason, started.retry_after) == (
        "blocked",
        "night",
        "It is night.",
        60,
    )
    assert codes.verifier.traffic() == ()

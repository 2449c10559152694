"""Numbers of other countries than those of the Gulf, as ``phonenumbers`` knows them."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import SUPPORTED_REGIONS, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from notifykit import Notifier
from notifykit.errors import ConfigError, InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected
from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer
from tests.kwtsms.phone.strategies_phone import e164

MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
#: Each number that is an example of a mobile number somewhere, once.
EXAMPLES = {
    e164(example): example
    for region in sorted(SUPPORTED_REGIONS)
    for kind in MOBILE
    if (example := phonenumbers.example_number_for_type(region, kind)) and phonenumbers.number_type(example) in MOBILE
}


def recipient(raw: str, **settings: object) -> Recipient:
    answer = KwtSmsNormalizer(**settings).normalize(raw, Channel.SMS)  # type: ignore[arg-type]
    assert isinstance(answer, Recipient), answer
    assert answer.raw == raw
    return answer


def reason(raw: str, **settings: object) -> InvalidRecipient:
    answer = KwtSmsNormalizer(**settings).normalize(raw, Channel.SMS)  # type: ignore[arg-type]
    assert isinstance(answer, Rejected), answer
    return answer.error


@pytest.mark.parametrize("form", [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL])
@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_no_mobile_number_of_any_country_is_refused(example: PhoneNumber, form: int) -> None:
    """Those of Kuwait and its neighbours included: their rules are no narrower than the numbering plans."""
    found = recipient(phonenumbers.format_number(example, form))
    assert found.address == e164(example)
    assert found.country == phonenumbers.region_code_for_number(example)
    assert found.notices == ()


@pytest.mark.parametrize(
    ("raw", "address", "country"),
    [
        ("+43 699 16073695", "4369916073695", "AT"),
        ("+43 664 123456", "43664123456", "AT"),
        ("+249 12 123 4567", "249121234567", "SD"),
        ("+63 895 123 4567", "638951234567", "PH"),
        ("+54 9 11 2345-6789", "5491123456789", "AR"),
        ("+39 368 220605", "39368220605", "IT"),
        ("+52 1 55 1234 5678", "525512345678", "MX"),
        ("5215512345678", "525512345678", "MX"),
        ("+44 (0) 7400 123456", "447400123456", "GB"),
    ],
)
def test_a_number_is_read_by_the_plan_of_its_country(raw: str, address: str, country: str) -> None:
    """With a plus sign, a trunk zero, or the 1 that Mexico abolished in 2019."""
    assert recipient(raw) == Recipient(address, country=country)
    assert recipient(raw).notices == ()


@pytest.mark.parametrize("raw", ["+54 11 2345-6789", "541123456789", "+54 11 15 2345-6789"])
def test_a_number_of_argentina_gets_its_9(raw: str) -> None:
    """It can't be distinguished from a landline, so there is a notice where there was no 15 either."""
    found = recipient(raw)
    assert found == Recipient("5491123456789", country="AR")
    assert ("it was added" in "".join(found.notices)) is ("15" not in raw)


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("+1 416 555 0123", "CA"),
        ("+1 876 210 1234", "JM"),
        ("+1 202 555 0123", "US"),
        ("+7 771 000 9998", "KZ"),
        ("+7 912 345 6789", "RU"),
        ("+44 7400 123456", "GB"),
        ("+44 7797 712345", "JE"),
        ("+39 06 6981 2345", "VA"),
        ("+39 312 345 6789", "IT"),
        ("+881 6 1234 5678", None),
    ],
)
def test_countries_that_share_a_calling_code_are_distinguished(raw: str, country: str | None) -> None:
    """A satellite phone belongs to no country."""
    assert recipient(raw).country == country


@pytest.mark.parametrize(
    ("raw", "address", "country", "notice"),
    [
        ("+39 06 1234 5678", "390612345678", "IT", "number of +39 (IT) is a landline"),
        ("+44 20 7946 0018", "442079460018", "GB", "is a landline"),
        ("+44 56 1234 5678", "445612345678", "GB", "is a VoIP number"),
        ("+33 800 123 456", "33800123456", "FR", "is a toll-free number"),
        ("+1 900 555 1234", "19005551234", "US", "is a premium-rate number"),
        ("+1 242 555 1234", "12425551234", "BS", "in no range that is known"),
        ("+1 221 555 1234", "12215551234", None, "in no range that is known"),
        ("+800 1234 5678", "80012345678", None, "+800 is a toll-free number"),
    ],
)
def test_what_may_be_no_mobile_number_is_taken_with_a_notice(
    raw: str, address: str, country: str | None, notice: str
) -> None:
    """Which says what it is, and not which number."""
    found = recipient(raw)
    assert found == Recipient(address, country=country)
    assert len(found.notices) == 1
    assert notice in found.notices[0]
    assert address[3:] not in found.notices[0]


@pytest.mark.parametrize(
    ("raw", "detail", "action"),
    [
        ("+999123456789", "No country has the country code", "country code first"),
        ("+11234567890", "begin with 0 or 1", "wrong digit"),
        ("+1 212 155 1234", "begin with 0 or 1", "wrong digit"),
        ("+49 151 123", "of +49 (DE) have 10 or 11 digits after the code; this one has 6", "missing digits"),
        ("+880 1234", "of +880 (BD) have 10 digits after the code; this one has 4", "missing digits"),
        ("+961 1234 56789", "of +961 (LB) have 7 or 8 digits after the code; this one has 9", "too many"),
        ("+54 2345 6789", "of +54 (AR)", "area code"),
        ("888456789012345", "of +888 have 11 digits", "country code is the right one"),
        ("+98765432", "of +98 (IR) have 10 digits", "missing digits"),
    ],
)
def test_what_nobody_can_have_is_refused(raw: str, detail: str, action: str) -> None:
    """With the reason, and what to do."""
    error = reason(raw)
    assert detail in error.detail
    assert action in error.action


def test_only_mobile_numbers_of_strict_countries_are_taken() -> None:
    """Of all others everything is that is possible."""
    assert "is a landline" in reason("+39 06 1234 5678", strict_countries=["it", "DE"]).detail
    assert "no range" in reason("+1 221 555 1234", strict_countries=["US"]).detail
    assert "strict_countries" in reason("+39 06 1234 5678", strict_countries=["IT"]).action
    assert recipient("+39 312 345 6789", strict_countries=["IT"]).notices == ()
    assert recipient("+1 242 555 1234", strict_countries=["US"]).country == "BS"
    assert recipient("+44 20 7946 0018", strict_countries=["IT"]).notices


@pytest.mark.parametrize(("given", "hint"), [("XX", "two letters"), ("39", "write IT"), ("Italy", "two letters")])
def test_a_strict_country_that_is_none_is_an_error(given: str, hint: str) -> None:
    """A country that is written wrong would not be strict at all."""
    with pytest.raises(ConfigError, match=f"strict_countries: .*{hint}"):
        KwtSmsNormalizer(strict_countries=["SA", given])


def test_a_notice_stands_in_the_plan_and_on_the_receipt() -> None:
    """Once in the plan, with how many it is about; composites that give a number to several transports count it once."""
    numbers = ["+39 06 1234 5678", "+39 06 1234 5679", "+44 20 7946 0018", "96598765432"]
    with Notifier("fanout(memory, null)") as notifier:
        plan = notifier.plan(numbers, "Hello")
        receipts = notifier.send(numbers, "Hello").accepted
    assert plan.notices == (
        "This number of +39 (IT) is a landline: it may not be able to receive SMS. (2 recipients)",
        "This number of +44 (GB) is a landline: it may not be able to receive SMS.",
    )
    assert [len(receipt.recipient.notices) for receipt in receipts] == [1, 1, 1, 0]
